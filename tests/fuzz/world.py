"""What a program runs in: a database, one or two sessions, and the steps a program may take. One body for both libraries.

A world owns its databases. Two sessions have a database each, so that neither waits for the other, and programs may carry
objects from one to the other.
"""

from __future__ import annotations

import pickle
from typing import Any

from tests.fuzz.model import KINDS, ROWS, SCHEMA, script_of, tables_of

Settings = dict[str, Any]

SESSION_EVENTS = (
    "after_begin",
    "before_commit",
    "after_commit",
    "after_rollback",
    "before_flush",
    "after_flush",
    "after_flush_postexec",
)

MOVES = (
    "transient_to_pending", "pending_to_transient", "pending_to_persistent", "persistent_to_transient",
    "persistent_to_deleted", "deleted_to_persistent", "persistent_to_detached", "deleted_to_detached",
    "detached_to_persistent", "loaded_as_persistent",
)  # fmt: skip
"""a session's events of one object"""

ELSEWHERE = ("Order", "Keyword", "Comp")
"""the classes whose tables lie in a second database, in programs of two binds"""


class World:
    """The steps, by the names that both libraries share.

    :ivar classes: the mapped classes by name.
    :ivar library: where the library's functions are.
    :ivar sessions: the sessions; most programs have one.
    :ivar at: the index of the one that steps go to.
    :ivar happened: the names of the hooks that ran since the last look.
    """

    name = "?"
    classes: Any
    library: Any
    sessions: list[Any]

    def open(self, settings: Settings) -> None:
        """Makes databases and sessions anew.

        :param settings: ``autoflush``, ``expire_on_commit``, ``fk`` (foreign keys are enforced), ``rows`` (there are rows
            to begin with), and optionally ``sessions`` (how many) and ``hooks`` (write down which ran),
            ``moves`` (events of objects as well), ``binds`` (one session, two databases); ``tables``: those in use.
        """
        self.at, self.divided = 0, bool(settings.get("binds"))
        self.handles: list[list[Any]] = []
        self.opened: list[Any] = []
        self.happened: list[tuple[str, Any]] = []
        self.sessions = []
        for number in range(settings.get("sessions", 1)):
            session = self.new_session(settings)
            self.sessions.append(session)
            self.handles.append([])
            if settings.get("hooks"):
                for name in SESSION_EVENTS:
                    self.listen(session, name, self._noting(f"{name} {number}" if number else name))
            for name in MOVES if settings.get("moves") else ():
                self.listen(session, name, self._noting(name, told=True))

    def _noting(self, name: str, told: bool = False) -> Any:
        """A hook that writes down its name, and the object it is about."""
        return lambda *given: self.happened.append((name, given[1] if told else None))

    def tables_in(self, settings: Settings, number: int) -> list[str]:
        """The tables of a database."""
        if not settings.get("binds"):
            return list(settings["tables"])
        there = set(tables_of(ELSEWHERE))
        return [table for table in settings["tables"] if (table in there) == bool(number)]

    def place(self, number: int, table: str) -> int:
        """The index of the database in which a session's table lies."""
        if len(self.sessions) > 1 or not self.divided:
            return number
        return int(table in tables_of(ELSEWHERE))

    def sql_for(self, settings: Settings, number: int = 0) -> str:
        """What makes a database's tables, with rows if there are to be any."""
        tables = self.tables_in(settings, number)
        return script_of(SCHEMA, tables) + (script_of(ROWS, tables) if settings["rows"] else "")

    def options(self, settings: Settings) -> dict[str, Any]:
        """A session's options."""
        return {key: settings[key] for key in ("autoflush", "expire_on_commit")}

    def binds(self, engines: list[Any]) -> dict[str, Any]:
        """What is bound where: one engine to all, or each class to its own."""
        if len(engines) == 1:
            return {"bind": engines[0]}
        return {"binds": {cls: engines[int(name in ELSEWHERE)] for name, cls in vars(self.classes).items()}}

    def new_session(self, settings: Settings) -> Any:
        """A session on a database of its own."""
        raise NotImplementedError

    def listen(self, session: Any, name: str, hook: Any) -> None:
        """Registers a hook."""
        raise NotImplementedError

    def close_down(self) -> None:
        """Closes sessions and databases."""
        raise NotImplementedError

    @property
    def session(self) -> Any:
        """The session that steps go to."""
        return self.sessions[self.at]

    # ── steps; each may raise ────────────────────────────────────────────────────────────────────────────────────────
    def use(self, number: int) -> None:
        self.at = number % len(self.sessions)

    def new(self, cls: str, values: dict[str, Any]) -> Any:
        return getattr(self.classes, cls)(**values)

    def add(self, obj: Any) -> None:
        self.session.add(obj)

    def delete(self, obj: Any) -> None:
        self.session.delete(obj)

    def expunge(self, obj: Any) -> None:
        self.session.expunge(obj)

    def merge(self, obj: Any, load: bool) -> Any:
        return self.session.merge(obj, load=load)

    def set_attr(self, obj: Any, attr: str, value: Any) -> None:
        if isinstance(value, list) and attr in KINDS[type(obj).__name__].sets:
            value = set(value)
        setattr(obj, attr, value)

    def get_attr(self, obj: Any, attr: str) -> Any:
        value = getattr(obj, attr)
        return type(value)(value) if isinstance(value, (list, set)) else value

    def del_attr(self, obj: Any, attr: str) -> None:
        delattr(obj, attr)

    def append(self, obj: Any, attr: str, other: Any) -> None:
        held = getattr(obj, attr)
        (held.add if isinstance(held, set) else held.append)(other)

    def remove(self, obj: Any, attr: str, other: Any) -> None:
        getattr(obj, attr).remove(other)

    def flush(self) -> None:
        self.session.flush()

    def begin(self) -> None:
        self.session.begin()

    def begin_nested(self) -> None:
        self.handles[self.at].append(self.session.begin_nested())
        self.opened.append(self.handles[self.at][-1])

    def nested_commit(self) -> None:
        if self.handles[self.at]:
            self.handles[self.at].pop().commit()

    def nested_rollback(self, inside_out: bool = False) -> None:
        if self.handles[self.at]:
            handle = self.handles[self.at].pop()
            if inside_out:
                self.roll_back_within(handle)
            handle.rollback()

    def handle(self, number: int, what: str, inside_out: bool = False) -> None:
        """Ends any savepoint there ever was: an outer one before inner ones, or one that has ended.

        :param inside_out: those within are rolled back one by one before.
        """
        handle = self.opened[number % len(self.opened)]
        if inside_out:
            self.roll_back_within(handle)
        getattr(handle, what)()

    def roll_back_within(self, handle: Any) -> None:
        """Rolls back the savepoints within one, from the inside out."""
        within, level = [], self.session.get_nested_transaction()
        while level is not None and level is not handle:
            within.append(level)
            level = level.parent
        for one in within if level is handle else ():
            one.rollback()

    def commit(self) -> None:
        self.session.commit()
        self.handles[self.at].clear()

    def rollback(self) -> None:
        self.session.rollback()
        self.handles[self.at].clear()

    def expire(self, obj: Any, names: list[str] | None) -> None:
        self.session.expire(obj, names)

    def expire_all(self) -> None:
        self.session.expire_all()

    def refresh(self, obj: Any, names: list[str] | None) -> None:
        self.session.refresh(obj, names)

    def get(self, cls: str, ident: Any) -> Any:
        return self.session.get(getattr(self.classes, cls), ident)

    def get_over(self, cls: str, ident: Any) -> Any:
        return self.session.get(getattr(self.classes, cls), ident, populate_existing=True)

    def pickled(self, obj: Any) -> Any:
        """A copy by pickle, in no session."""
        return pickle.loads(pickle.dumps(obj))

    def make_transient(self, obj: Any) -> None:
        self.library.make_transient(obj)

    def make_transient_to_detached(self, obj: Any) -> None:
        self.library.make_transient_to_detached(obj)

    def query_all(self, cls: str, text: str | None, over: bool = False) -> list[Any]:
        """All objects of a class.

        :param over: rows overwrite what lies on objects.
        """
        entity = getattr(self.classes, cls)
        query = self.session.query(entity)
        if over:
            query = query.populate_existing()
        if text is not None:
            query = query.filter(getattr(entity, KINDS[cls].text) == text)
        return list(query.order_by(*[getattr(entity, key) for key in KINDS[cls].pk]).all())

    def sql(self, statement: str, params: dict[str, Any]) -> int:
        return self.session.execute(self.text(statement), params).rowcount

    def close(self) -> None:
        self.session.close()
        self.handles[self.at].clear()

    def expunge_all(self) -> None:
        self.session.expunge_all()

    # ── looking; none may load, flush, begin or raise ────────────────────────────────────────────────────────────────
    def text(self, statement: str) -> Any:
        raise NotImplementedError

    def state(self, obj: Any) -> str:
        raise NotImplementedError

    def identity(self, obj: Any) -> tuple[Any, ...] | None:
        """The primary key of the object's row."""
        raise NotImplementedError

    def filed(self, session: Any) -> list[tuple[Any, Any]]:
        """(key, object) of all that a session's identity map holds."""
        return list(session.identity_map.items())

    def loaded(self, obj: Any) -> dict[str, Any]:
        """What lies on the object."""
        raise NotImplementedError

    def rows(self, number: int, table: str, order: str) -> list[list[Any]]:
        """The rows of a table as the transaction of a session sees them."""
        raise NotImplementedError

    def error_name(self, error: Exception) -> str:
        """An error's name, by SQLAlchemy."""
        return type(error).__name__

    def handed_back(self) -> list[tuple[str, Any]]:
        """The hooks that ran since the last call, with the objects they were about."""
        happened, self.happened = self.happened, []
        return happened
