"""A SQLAlchemy session's databases, seen from inside and from outside. Writes nothing.

The questions go past SQLAlchemy, to the driver: no event tells of them and no transaction is begun. From outside a
connection of the driver's own is asked: another one to the file on SQLite (read only), another one to the same instance
on DuckDB.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Table, inspect
from sqlalchemy.orm import Mapper

from nbsession.notebook.recording.cells import clock
from nbsession.notebook.reporting.doors import IN_MEMORY, Door, Known, Peek, Row
from nbsession.notebook.watching.attribute_events import classes_heard
from nbsession.notebook.watching.readings import is_mapped_class

NAMES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
    "duckdb": "SELECT table_name FROM information_schema.tables WHERE table_schema = 'main'",
}
"""dialect to the question for its tables"""
WAIT = 1.0
"""seconds to wait for a lock"""


class DriverPeek:
    """A driver's connection.

    :param ask: what runs a statement: a cursor, or a connection of DuckDB's.
    """

    def __init__(self, ask: Any, dialect: str) -> None:
        self._ask = ask
        self._dialect = dialect

    def rows(self, sql: str, params: Sequence[Any] = ()) -> list[Any]:
        """The rows of a SELECT."""
        return list(self._ask.execute(sql, tuple(params)).fetchall())

    def table_names(self) -> set[str]:
        """The names of the tables."""
        return {name for (name,) in self.rows(NAMES[self._dialect])}

    def table(self, name: str) -> Known | None:
        """A table as the database describes it; None if there is no such table."""
        quoted = name.replace("'", "''")
        try:
            told = self.rows(f"PRAGMA table_info('{quoted}')")
        except Exception:
            return None
        key = tuple(each[1] for each in sorted(told, key=lambda each: int(each[5])) if each[5])
        return Known(name, name, tuple(each[1] for each in told), key) if told else None


def doors_of(engines: list[Any], connections: list[Any]) -> list[Door]:
    """The databases of a session.

    :param engines: those that it may use.
    :param connections: those that its transaction has.
    """
    inside = {each.engine: each for each in connections}
    return [_door(engine, inside.get(engine)) for engine in dict.fromkeys([*inside, *engines])]


def _door(engine: Any, connection: Any) -> Door:
    dialect: str = engine.dialect.name

    @contextmanager
    def outside() -> Iterator[Peek]:
        opened = _file(engine) if dialect == "sqlite" else _instance(engine, connection)
        try:
            yield DriverPeek(opened, dialect)
        finally:
            opened.close()

    return Door(
        dialect=dialect,
        closed=_closed(engine),
        inside=None if connection is None else DriverPeek(_driver(connection.connection, dialect), dialect),
        outside=outside,
        mapped=_mapped,
        key_in=_key_in,
    )


def _closed(engine: Any) -> str:
    dialect, database = engine.dialect.name, engine.url.database
    if dialect not in NAMES:
        return f"the outside view knows how to ask SQLite and DuckDB, not {dialect}"
    if dialect == "sqlite" and (database in (None, "", ":memory:") or "mode=memory" in str(engine.url)):
        return IN_MEMORY
    return ""


def _driver(connection: Any, dialect: str) -> Any:
    """What runs a statement on a connection of the pool."""
    return connection.driver_connection.cursor() if dialect == "sqlite" else connection.driver_connection


def _file(engine: Any) -> Any:
    database = str(engine.url.database)
    uri = database if database.startswith("file:") else f"{Path(database).absolute().as_uri()}?mode=ro"
    return sqlite3.connect(uri, uri=True, timeout=WAIT)


def _instance(engine: Any, connection: Any) -> Any:
    """Another connection to the DuckDB instance that the session uses."""
    if connection is not None:
        return connection.connection.driver_connection.duplicate()
    pooled = engine.raw_connection()
    try:
        return pooled.driver_connection.duplicate()
    finally:
        pooled.close()


def mappers_in_sight() -> list[Mapper[Any]]:
    """The mappers of the classes that variables name, of those whose objects were met, and of their kin."""
    named = [value for value in tuple(clock.namespace.values()) if isinstance(value, type) and is_mapped_class(value)]
    classes = dict.fromkeys([*named, *classes_heard()])
    registries: dict[Any, None] = dict.fromkeys(inspect(cls).registry for cls in classes)
    found = [mapper for registry in registries for mapper in registry.mappers]
    return sorted(found, key=lambda mapper: mapper.class_.__name__)


def _mapped() -> Iterator[Known]:
    for mapper in mappers_in_sight():
        table = mapper.local_table
        if isinstance(table, Table):
            columns = tuple(column.name for column in table.columns)
            key = tuple(column.name for column in table.primary_key)
            yield Known(table.name, mapper.class_.__name__, columns, key)


def _key_in(obj: Any, table: str) -> Row | None:
    state = inspect(obj, raiseerr=False)
    if state is None or not any(getattr(each, "name", "") == table for each in state.mapper.tables):
        return None
    identity: Row | None = state.identity
    return identity
