"""nbsession as a world: on SQLite, and on DuckDB."""

from __future__ import annotations

import re
from typing import Any

import nbsession
from nbsession import Session, create_engine, event, inspect, text
from tests.fuzz.model import define
from tests.fuzz.world import Settings, World

UNREADABLE = [["the transaction is aborted"]]

_classes: list[Any] = []


def classes() -> Any:
    """The mapped classes, made once."""
    if not _classes:
        _classes.append(define(nbsession, __name__))
    return _classes[0]


class OnSQLite(World):
    """nbsession on SQLite."""

    name = "nbsession"
    library = nbsession
    url = "sqlite://"

    def open(self, settings: Settings) -> None:
        self.classes = classes()
        self.engines: list[Any] = []
        self.connections: list[Any] = []
        super().open(settings)

    def new_session(self, settings: Settings) -> Any:
        engines = [self.new_engine(settings, number) for number in range(2 if settings.get("binds") else 1)]
        return Session(**self.binds(engines), **self.options(settings))

    def new_engine(self, settings: Settings, number: int) -> Any:
        """An engine on a database of its own, which has its tables."""
        engine = create_engine(self.url, foreign_keys="native" if settings["fk"] else "off")
        raws: list[Any] = []
        event.listen(engine, "connect", lambda raw, record: raws.append(raw))
        with engine.connect():
            self.fill(raws[0], self.sql_for(settings, number))
        self.engines.append(engine)
        self.connections.append(raws[0])
        return engine

    def fill(self, raw: Any, sql: str) -> None:
        """Makes the tables, and the rows if there are to be any."""
        raw.executescript(sql)

    def close_down(self) -> None:
        for session in self.sessions:
            session.close()
        for engine in self.engines:
            engine.dispose()

    def listen(self, session: Any, name: str, hook: Any) -> None:
        event.listen(session, name, hook)

    def text(self, statement: str) -> Any:
        return text(statement)

    def state(self, obj: Any) -> str:
        return inspect(obj).state.value

    def identity(self, obj: Any) -> tuple[Any, ...] | None:
        return inspect(obj).identity

    def loaded(self, obj: Any) -> dict[str, Any]:
        mapped = type(obj).__mapper__.attributes
        return {key: value for key, value in obj.__dict__.items() if key in mapped}

    def rows(self, number: int, table: str, order: str) -> list[list[Any]]:
        raw = self.connections[self.place(number, table)]
        return [list(row) for row in raw.execute(f"SELECT * FROM {table} ORDER BY {order}")]


class OnDuckDB(OnSQLite):
    """nbsession on DuckDB, without foreign keys: what they check, and when, is the database's affair."""

    name = "nbsession on DuckDB"
    url = "duckdb://"

    def open(self, settings: Settings) -> None:
        super().open({**settings, "fk": False})

    def fill(self, raw: Any, sql: str) -> None:
        raw.execute(re.sub(r"\s+REFERENCES \w+ \(\w+\)", "", sql))

    def new_engine(self, settings: Settings, number: int) -> Any:
        """Here to learn when rows may have changed: asking is slow."""
        self.known: dict[tuple[int, str], list[list[Any]]] = {}
        engine = super().new_engine(settings, number)
        for name in ("begin", "commit", "rollback", "savepoint", "rollback_savepoint", "release_savepoint"):
            event.listen(engine, name, lambda *_: self.known.clear())
        event.listen(engine, "before_cursor_execute", self._before_statement)
        event.listen(engine, "after_cursor_execute", self._before_statement)
        return engine

    def _before_statement(self, conn: Any, cursor: Any, statement: str, *_: Any) -> None:
        if not statement.lstrip().upper().startswith("SELECT"):
            self.known.clear()

    def rows(self, number: int, table: str, order: str) -> list[list[Any]]:
        if (number, table) not in self.known:
            try:
                found = self.connections[number].execute(f"SELECT * FROM {table} ORDER BY {order}").fetchall()
            except Exception:
                return UNREADABLE
            self.known[number, table] = [list(row) for row in found]
        return self.known[number, table]
