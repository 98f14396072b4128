"""nbsession as a world: on SQLite, and on DuckDB."""

from __future__ import annotations

import re
from typing import Any

import nbsession
from nbsession import Session, create_engine, event, inspect, text
from tests.fuzz.model import ROWS, SCHEMA, define
from tests.fuzz.world import Settings, World

UNREADABLE = [["the transaction is aborted"]]

_classes: list[Any] = []


def classes() -> Any:
    """The mapped classes, made once."""
    if not _classes:
        _classes.append(define(nbsession))
    return _classes[0]


class OnSQLite(World):
    """nbsession on SQLite."""

    name = "nbsession"
    url = "sqlite://"

    def open(self, settings: Settings) -> None:
        self.classes = classes()
        self.engines: list[Any] = []
        self.connections: list[Any] = []
        super().open(settings)

    def new_session(self, settings: Settings) -> Any:
        engine = create_engine(self.url, foreign_keys="native" if settings["fk"] else "off")
        raws: list[Any] = []
        event.listen(engine, "connect", lambda raw, record: raws.append(raw))
        with engine.connect():
            self.fill(raws[0], settings)
        self.engines.append(engine)
        self.connections.append(raws[0])
        return Session(engine, autoflush=settings["autoflush"], expire_on_commit=settings["expire_on_commit"])

    def fill(self, raw: Any, settings: Settings) -> None:
        """Makes the tables, and the rows if there are to be any."""
        raw.executescript(SCHEMA + (ROWS if settings["rows"] else ""))

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
        return [list(row) for row in self.connections[number].execute(f"SELECT * FROM {table} ORDER BY {order}")]


class OnDuckDB(OnSQLite):
    """nbsession on DuckDB, without foreign keys: what they check, and when, is the database's affair."""

    name = "nbsession on DuckDB"
    url = "duckdb://"

    def open(self, settings: Settings) -> None:
        super().open({**settings, "fk": False})

    def fill(self, raw: Any, settings: Settings) -> None:
        raw.execute(re.sub(r"\s+REFERENCES \w+ \(\w+\)", "", SCHEMA) + (ROWS if settings["rows"] else ""))

    def rows(self, number: int, table: str, order: str) -> list[list[Any]]:
        try:
            found = self.connections[number].execute(f"SELECT * FROM {table} ORDER BY {order}").fetchall()
        except Exception:
            return UNREADABLE
        return [list(row) for row in found]
