"""What every dialect offers: flags, texts and value processors. Knows how SQL is spelled, opens nothing."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from nbsession.database.processors import Processor, json_bind, json_bind_none_too
from nbsession.database.rows import RowDelete, RowInsert, RowUpdate
from nbsession.database.url import URL
from nbsession.sql.naming import quote_identifier
from nbsession.sql.types import TypeEngine

if TYPE_CHECKING:
    from nbsession.database.connection import Connection
    from nbsession.database.reflection.reading import Reader
    from nbsession.sql.schema import Column, Table

KEPT_TEXTS = 2000
FULL = "Nothing of the transaction was kept: make room on the disk, roll back, and do it again."
"""what to do about a full disk"""


class Dialect:
    """How one database is spoken to.

    :ivar name: ``'sqlite'`` or ``'duckdb'``; also the rendering of :func:`nbsession.sql.compile.compile_statement`.
    """

    name: ClassVar[str] = ""
    supports_two_phase: ClassVar[bool] = False
    native_savepoints: ClassVar[bool] = True
    supports_sequences: ClassVar[bool] = False
    error_aborts_transaction: ClassVar[bool] = False
    """After an error only ROLLBACK (or ROLLBACK TO) works."""
    draws_keys: ClassVar[bool] = False
    """Generated keys are known before the INSERT and sent with it."""

    def __init__(self, url: URL, foreign_keys: str) -> None:
        self.url = url
        self.foreign_keys = foreign_keys
        self._bind: dict[Any, Processor | None] = {}
        self._result: dict[Any, Processor | None] = {}
        self._texts: dict[Any, str] = {}

    # ── values ───────────────────────────────────────────────────────────────────────────────────────────────────────
    def bind_processor(self, type_: TypeEngine) -> Processor | None:
        """What makes a Python value sendable, or None if it is as it is. The caller keeps None to itself, unless it is a value
        to the processor: :func:`~nbsession.database.processors.takes_none`.
        """
        key = type_.key
        try:
            return self._bind[key]
        except KeyError:
            processor = self._make_bind(type_)
            if processor is json_bind and not getattr(type_, "none_as_null", True):
                processor = json_bind_none_too
            self._bind[key] = processor
            return processor

    def result_processor(self, type_: TypeEngine) -> Processor | None:
        """What makes a Python value of a fetched one, or None if it is one. The caller keeps None to itself."""
        key = type_.key
        try:
            return self._result[key]
        except KeyError:
            processor = self._result[key] = self._make_result(type_)
            return processor

    def _make_bind(self, type_: TypeEngine) -> Processor | None:
        raise NotImplementedError

    def _make_result(self, type_: TypeEngine) -> Processor | None:
        raise NotImplementedError

    def exact_processor(self, column: Column) -> Processor | None:
        """What refuses a value that the column would round, where the database does so silently; None where it does not."""
        return None

    # ── texts ────────────────────────────────────────────────────────────────────────────────────────────────────────
    def type_ddl(self, type_: TypeEngine) -> str:
        """The type's words in CREATE TABLE."""
        raise NotImplementedError

    def create_table_text(self, table: Table) -> str:
        """CREATE TABLE."""
        raise NotImplementedError

    def after_create(self, table: Table) -> Iterable[str]:
        """What is sent after CREATE TABLE and its indexes."""
        return ()

    def reader(self, connection: Connection, schema: str | None = None) -> Reader:
        """What reads the definitions of tables.

        :param schema: of a schema; None: of the default one.
        """
        raise NotImplementedError

    def advice(self, error: BaseException) -> str:
        """What to do next, for a driver's error that people meet often; else nothing."""
        return ""

    def table_name(self, table: Any) -> str:
        """A table's name as SQL, with its schema if it has one."""
        name = self.quote(table.name)
        return f"{self.quote(table.schema)}.{name}" if table.schema else name

    def quote(self, name: str) -> str:
        """A name as SQL: quoted if it must be."""
        return quote_identifier(name)

    def insert_text(self, write: RowInsert) -> str:
        """``INSERT INTO t (a, b) VALUES (?, ?)``: one row."""
        return self._texts.get(write) or self.keep(write, self._insert(write.table, [c.name for c in write.columns]))

    def update_text(self, write: RowUpdate) -> str:
        """``UPDATE t SET a = ? WHERE id = ?``: one row."""
        text = self._texts.get(write)
        if text is None:
            settings = ", ".join(f"{self.quote(c.name)} = ?" for c in write.set_columns)
            table = self.table_name(write.table)
            text = self.keep(write, f"UPDATE {table} SET {settings} WHERE {self._match(write.match_columns)}")
        return text

    def delete_text(self, write: RowDelete) -> str:
        """``DELETE FROM t WHERE id = ?``: one row."""
        text = self._texts.get(write)
        if text is None:
            table = self.table_name(write.table)
            text = self.keep(write, f"DELETE FROM {table} WHERE {self._match(write.match_columns)}")
        return text

    def keep(self, key: Hashable, text: str) -> str:
        """Keeps a text for the next time. Tables come and go in a notebook, so not for ever."""
        if len(self._texts) >= KEPT_TEXTS:
            self._texts.clear()
        self._texts[key] = text
        return text

    def _insert(self, table: Any, columns: Sequence[str]) -> str:
        if not columns:
            return f"INSERT INTO {self.table_name(table)} DEFAULT VALUES"
        names = ", ".join(map(self.quote, columns))
        return f"INSERT INTO {self.table_name(table)} ({names}) VALUES ({', '.join('?' * len(columns))})"

    def _match(self, columns: Sequence[Any]) -> str:
        return " AND ".join(f"{self.quote(c.name)} = ?" for c in columns)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.url}>"
