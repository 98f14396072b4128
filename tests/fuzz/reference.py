"""SQLAlchemy as a world, made repeatable: where it iterates sets of objects by address, it does so by creation here.

Where the order of a set decides an outcome, the outcome binds nobody. ``Reference(scramble=1)`` takes another order, so that
:mod:`tests.fuzz.comparison` can tell. Beyond its chances (22.3, 22.5) nothing of SQLAlchemy is changed: it is the judge.
"""

from __future__ import annotations

import zlib
from types import SimpleNamespace
from typing import Any

import sqlalchemy
from sqlalchemy import create_engine, event, inspect, orm, text
from sqlalchemy.orm import Session, dependency, unitofwork
from sqlalchemy.orm.state import InstanceState
from sqlalchemy.pool import StaticPool

from tests.fuzz.model import define
from tests.fuzz.world import Settings, World

LIBRARY = SimpleNamespace(**{**vars(sqlalchemy), **vars(orm)})

MULTIPLIERS = (1, 40503, 2246822519, 2654435761, 3266489917, 668265263, -24, 747796405)
"""what mixes sets up, by scramble"""

_classes: list[Any] = []
_own: list[tuple[type, str, Any]] = []
"""what SQLAlchemy had where it is pinned; None where it inherited"""


def classes() -> Any:
    """The mapped classes, made once; SQLAlchemy is pinned from now on."""
    if not _classes:
        _classes.append(define(LIBRARY, __name__))
    if not _own:
        pin()
    return _classes[0]


class Counting:
    """How many states and pending objects there were in this world, and how sets of them are mixed up."""

    states = 0
    pending = 0
    scramble = 0


def pin() -> None:
    """Makes SQLAlchemy's outcomes repeatable in this process, until :func:`unpin`."""

    def state_hash(state: Any) -> int:
        values = state.__dict__
        if "_fuzz_number" not in values:
            Counting.states += 1
            values["_fuzz_number"] = Counting.states
        number, scramble = values["_fuzz_number"], Counting.scramble
        if not scramble:
            return int(number)
        return int((number * MULTIPLIERS[scramble]) >> 3 & 1023)

    def action_hash(action: Any) -> int:
        state = getattr(action, "state", None)
        known = (
            type(action).__name__,
            action.sort_key,
            getattr(action, "isdelete", None),
            None if state is None else hash(state),
            Counting.scramble,
        )
        return zlib.crc32(repr(known).encode())

    plain_save, plain_ask = Session._save_impl, dependency._DependencyProcessor.prop_has_changes

    def save(self: Any, state: Any) -> None:
        # 22.3: the place in the order of inserts is len(session.new), which two objects can share
        fresh = state not in self._new
        plain_save(self, state)
        if fresh and state in self._new:
            Counting.pending += 1
            state.insert_order = Counting.pending

    def has_changes(self: Any, flush: Any, states: Any, isdelete: bool) -> bool:
        # 22.5: deleted objects are asked for their references, which loads them, up to the first that has one
        order = sorted(states, key=lambda state: (str(state.key), state.insert_order or 0))
        return bool(plain_ask(self, flush, order, isdelete))

    for owner, name, function in (
        (InstanceState, "__hash__", state_hash),
        (unitofwork._PostSortRec, "__hash__", action_hash),
        (Session, "_save_impl", save),
        (dependency._DependencyProcessor, "prop_has_changes", has_changes),
    ):
        _own.append((owner, name, vars(owner).get(name)))
        setattr(owner, name, function)


def unpin() -> None:
    """Gives SQLAlchemy back what it had, for other tests in this process."""
    while _own:
        owner, name, function = _own.pop()
        if function is None:
            delattr(owner, name)
        else:
            setattr(owner, name, function)


class Reference(World):
    """SQLAlchemy on SQLite.

    :param scramble: another order of sets.
    """

    name = "SQLAlchemy"
    library = orm

    def __init__(self, scramble: int = 0) -> None:
        self.scramble = scramble

    def open(self, settings: Settings) -> None:
        Counting.states = Counting.pending = 0
        Counting.scramble = self.scramble
        self.classes = classes()
        self.engines: list[Any] = []
        self.connections: list[Any] = []
        super().open(settings)

    def new_session(self, settings: Settings) -> Any:
        engines = [self.new_engine(settings, number) for number in range(2 if settings.get("binds") else 1)]
        return Session(**self.binds(engines), **self.options(settings))

    def new_engine(self, settings: Settings, number: int) -> Any:
        """An engine on a database of its own, which has its tables."""
        engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})

        @event.listens_for(engine, "connect")
        def connect(raw: Any, record: Any) -> None:
            raw.isolation_level = None  # the driver's own BEGIN breaks SAVEPOINT: it is sent below
            raw.execute(f"PRAGMA foreign_keys={'ON' if settings['fk'] else 'OFF'}")
            raw.executescript(self.sql_for(settings, number))
            self.connections.append(raw)

        @event.listens_for(engine, "begin")
        def begin(connection: Any) -> None:
            connection.exec_driver_sql("BEGIN")

        with engine.connect():
            pass
        self.engines.append(engine)
        return engine

    def close_down(self) -> None:
        for held in self.sessions:
            held.close()
        for engine in self.engines:
            engine.dispose()

    def listen(self, session: Any, name: str, hook: Any) -> None:
        event.listen(session, name, hook)

    def text(self, statement: str) -> Any:
        return text(statement)

    # ── looking ──────────────────────────────────────────────────────────────────────────────────────────────────────
    def state(self, obj: Any) -> str:
        looked = inspect(obj)
        states = ("transient", "pending", "persistent", "deleted", "detached")
        return next((state for state in states if getattr(looked, state)), "?")

    def identity(self, obj: Any) -> tuple[Any, ...] | None:
        key = inspect(obj).key
        return tuple(key[1]) if key else None

    def filed(self, session: Any) -> list[tuple[Any, Any]]:
        # also who is there without a key of his own: items() raises an AssertionError then
        states = list(session.identity_map._dict.items())
        return [(state.key or key, obj) for key, state in states if (obj := state.obj()) is not None]

    def loaded(self, obj: Any) -> dict[str, Any]:
        return {key: value for key, value in inspect(obj).dict.items() if not key.startswith("_sa_")}

    def rows(self, number: int, table: str, order: str) -> list[list[Any]]:
        raw = self.connections[self.place(number, table)]
        return [list(row) for row in raw.execute(f"SELECT * FROM {table} ORDER BY {order}")]
