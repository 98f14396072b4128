"""Engines whose driver can be made to fail, and eyes of their own on the rows. Knows databases, no program."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from nbsession import Engine, Session, create_engine
from nbsession.database.link import Link
from tests.faults.driver import Gate, bare, in_transaction, watch
from tests.faults.model import Base, Crate

Rows = dict[str, list[tuple[Any, ...]]]
"""the rows of each table"""


class World:
    """Engines with empty tables.

    :param urls: the first database holds everything; a second one, if there is one, the crates.
    :param tables: the names of the tables, parents first.
    """

    def __init__(self, urls: Sequence[str], tables: Sequence[str]) -> None:
        self.engines = [create_engine(url) for url in urls]
        self.tables = tables
        self.gate = Gate()
        for engine in self.engines:
            Base.metadata.create_all(engine, tables=[Base.metadata.tables[name] for name in tables])
        self.readers = [reader(engine) for engine in self.engines]
        self.links: list[list[Link]] = [watch(engine, self.gate) for engine in self.engines]

    def close(self) -> None:
        """Closes everything."""
        for one in (*self.readers, *self.engines):
            one.dispose() if isinstance(one, Engine) else one.close()

    def session(self) -> Session:
        """A session on them."""
        first, *others = self.engines
        return Session(first, binds={Crate: others[0]} if others else None)

    def clear(self) -> None:
        """Empties the tables."""
        for reader in self.readers:
            for table in reversed(self.tables):
                reader.execute(f"DELETE FROM {table}")

    def _tables(self, number: int) -> list[str]:
        if len(self.engines) == 1:
            return list(self.tables)
        return [name for name in self.tables if (name == "crate") == (number == 1)]

    def touch(self) -> None:
        """Runs a transaction on each engine: SQLite's one connection in memory only then gets rid of a failed ROLLBACK."""
        for engine in self.engines:
            with engine.begin() as connection:
                connection.exec_driver_sql("SELECT 1")

    def committed(self) -> Rows:
        """The rows that are committed."""
        return {t: _read(reader, t) for n, reader in enumerate(self.readers) for t in self._tables(n)}

    def seen_by(self, session: Session) -> Rows:
        """The rows that a session's transaction sees."""
        connections = [] if session.transaction is None else _root_of(session).enlisted()
        held = {c.engine: bare(c._link.raw) for c in connections if c._link is not None}
        return {
            t: _read(held.get(engine, self.readers[n]), t)
            for n, engine in enumerate(self.engines)
            for t in self._tables(n)
        }

    def check_links(self) -> None:
        """No connection that nobody uses has a transaction open."""
        for engine in self.engines:
            source: Any = engine._source
            for link in [*source._idle, *filter(None, [getattr(source, "_memory", None)])]:
                assert not in_transaction(link.raw), f"a transaction of {engine} was left open"


def reader(engine: Engine) -> Any:
    """A driver's connection that sees what is committed. SQLite in memory has one connection only: that one."""
    source: Any = engine._source
    if engine.name == "duckdb":
        engine.connect().close()
        return source._database.root.cursor()
    if engine.url.database is None:
        engine.connect().close()
        return source._memory.raw
    return sqlite3.connect(engine.url.database, isolation_level=None)


def _root_of(session: Session) -> Any:
    return session.get_transaction()


def _read(raw: Any, table: str) -> list[tuple[Any, ...]]:
    return sorted(bare(raw).execute(f"SELECT * FROM {table}").fetchall(), key=repr)
