"""A database seen twice: as a session's own connection sees it, and as everyone else does. Writes nothing.

A question asked through a door is heard by no hook and no observer, and begins no transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, NamedTuple, Protocol

from nbsession.notebook.reporting.in_sight import mappers_in_sight
from nbsession.tracking.instance_state import ident_of, state_of

Row = tuple[Any, ...]


class Known(NamedTuple):
    """A table whose columns are known, by its mapping or by the database."""

    name: str
    title: str
    """what its rows are called: the class, or the table"""
    columns: tuple[str, ...]
    key: tuple[str, ...]


class Peek(Protocol):
    """A connection that is asked quietly."""

    def rows(self, sql: str, params: Sequence[Any] = ()) -> list[Any]:
        """The rows of a SELECT with ``?`` for its parameters."""

    def table_names(self) -> set[str]:
        """The names of the tables of the schema where one starts."""

    def table(self, name: str) -> Known | None:
        """A table as the database describes it; None if there is no such table."""


class Door(NamedTuple):
    """A database of a session.

    :ivar dialect: ``sqlite`` or ``duckdb``.
    :ivar closed: why nobody else can see it at all; empty if they can.
    :ivar inside: the session's own connection, if its transaction has one.
    :ivar outside: opens a connection of its own.
    :ivar mapped: gives the tables of mapped classes.
    :ivar key_in: the key of an object's row in a table; None if it has none there.
    """

    dialect: str
    closed: str
    inside: Peek | None
    outside: Callable[[], AbstractContextManager[Peek]]
    mapped: Callable[[], Iterator[Known]]
    key_in: Callable[[Any, str], Row | None]


IN_MEMORY = (
    "a SQLite database in memory has one connection: nobody else can see it at all. Open a file "
    "(sqlite:///shop.db) to see what others see."
)


def own_doors(session: Any) -> list[Door]:
    """The databases of a session of our engine, those that its transaction uses first."""
    found: dict[Any, Any] = {}
    level = session.get_transaction()
    for connection in level.enlisted() if level is not None else ():
        found[connection.engine] = connection
    for bind in session.binds.all():
        engine = getattr(bind, "engine", bind)
        if engine is not None:
            found.setdefault(engine, None)
    return [_door(session, engine, inside) for engine, inside in found.items()]


def _door(session: Any, engine: Any, inside: Any) -> Door:
    @contextmanager
    def outside() -> Iterator[Peek]:
        with engine.connect() as connection:
            yield _OwnPeek(connection)

    in_memory = engine.dialect.name == "sqlite" and engine.url.database is None
    return Door(
        dialect=engine.dialect.name,
        closed=IN_MEMORY if in_memory else "",
        inside=None if inside is None else _OwnPeek(inside),
        outside=outside,
        mapped=lambda: _mapped(session),
        key_in=_key_in,
    )


class _OwnPeek:
    """A connection of our engine."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def rows(self, sql: str, params: Sequence[Any] = ()) -> list[Any]:
        return list(self._connection.peek(sql, tuple(params)))

    def table_names(self) -> set[str]:
        reader = self._connection.dialect.reader(self._connection)
        return {name for schema, name in reader.table_names() if schema in (None, "main")}

    def table(self, name: str) -> Known | None:
        try:
            read = self._connection.dialect.reader(self._connection).table(name)
        except Exception:
            return None
        columns = tuple(column.name for column in read.columns)
        return Known(name, name, columns, tuple(read.primary_key)) if columns else None


def _mapped(session: Any) -> Iterator[Known]:
    for mapper in mappers_in_sight(session):
        table = mapper.local_table
        name = getattr(table, "name", None)
        if isinstance(name, str) and mapper.entity_name is None:
            columns = tuple(column.name for column in table.columns)
            key = tuple(column.name for column in table.primary_key)
            yield Known(name, mapper.class_.__name__, columns, key)


def _key_in(obj: Any, table: str) -> Row | None:
    if not any(each.name == table for each in state_of(obj).mapper.tables):
        return None
    ident = ident_of(obj)
    return ident if ident is None or isinstance(ident, tuple) else (ident,)
