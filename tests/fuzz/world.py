"""What a program runs in: a database, one or two sessions, and the steps a program may take. One body for both libraries.

A world owns its databases. Two sessions have a database each, so that neither waits for the other, and programs may carry
objects from one to the other.
"""

from __future__ import annotations

from typing import Any

from tests.fuzz.model import KINDS

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


class World:
    """The steps, by the names that both libraries share.

    :ivar classes: the mapped classes by name.
    :ivar sessions: the sessions; most programs have one.
    :ivar at: the index of the one that steps go to.
    :ivar happened: the names of the hooks that ran since the last look.
    """

    name = "?"
    classes: Any
    sessions: list[Any]

    def open(self, settings: Settings) -> None:
        """Makes databases and sessions anew.

        :param settings: ``autoflush``, ``expire_on_commit``, ``fk`` (foreign keys are enforced), ``rows`` (there are rows
            to begin with), and optionally ``sessions`` (how many) and ``hooks`` (write down which ran).
        """
        self.at = 0
        self.handles: list[list[Any]] = []
        self.happened: list[str] = []
        self.sessions = []
        for number in range(settings.get("sessions", 1)):
            session = self.new_session(settings)
            self.sessions.append(session)
            self.handles.append([])
            if settings.get("hooks"):
                for name in SESSION_EVENTS:
                    self.listen(session, name, self._noting(f"{name} {number}" if number else name))

    def _noting(self, name: str) -> Any:
        return lambda *_: self.happened.append(name)

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
        setattr(obj, attr, value)

    def get_attr(self, obj: Any, attr: str) -> Any:
        value = getattr(obj, attr)
        return list(value) if isinstance(value, list) else value

    def del_attr(self, obj: Any, attr: str) -> None:
        delattr(obj, attr)

    def append(self, obj: Any, attr: str, other: Any) -> None:
        getattr(obj, attr).append(other)

    def remove(self, obj: Any, attr: str, other: Any) -> None:
        getattr(obj, attr).remove(other)

    def flush(self) -> None:
        self.session.flush()

    def begin(self) -> None:
        self.session.begin()

    def begin_nested(self) -> None:
        self.handles[self.at].append(self.session.begin_nested())

    def nested_commit(self) -> None:
        if self.handles[self.at]:
            self.handles[self.at].pop().commit()

    def nested_rollback(self) -> None:
        if self.handles[self.at]:
            self.handles[self.at].pop().rollback()

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

    def query_all(self, cls: str, text: str | None) -> list[Any]:
        entity = getattr(self.classes, cls)
        query = self.session.query(entity)
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

    def loaded(self, obj: Any) -> dict[str, Any]:
        """What lies on the object."""
        raise NotImplementedError

    def rows(self, number: int, table: str, order: str) -> list[list[Any]]:
        """The rows of a table as the transaction of a session sees them."""
        raise NotImplementedError

    def error_name(self, error: Exception) -> str:
        """An error's name, by SQLAlchemy."""
        return type(error).__name__

    def handed_back(self) -> list[str]:
        """The hooks that ran since the last call."""
        happened, self.happened = self.happened, []
        return happened
