"""How SQLite is spoken to: its types, their words and their values. Knows no connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbsession.database import processors as convert
from nbsession.database.dialect import FULL, Dialect
from nbsession.database.reflection.reading import Reader
from nbsession.exc import CompileError
from nbsession.sql import types
from nbsession.sql.native_types import ARRAY, NativeType

if TYPE_CHECKING:
    from nbsession.database.connection import Connection
    from nbsession.sql.schema import Table

LOCKED = (
    "Another connection is writing to the file: commit or roll back there (a second notebook, an open Connection or "
    "Session here), or wait longer with create_engine('sqlite:///file.db?timeout=30')."
)


class SQLiteDialect(Dialect):
    """How SQLite is spoken to."""

    name = "sqlite"

    def create_table_text(self, table: Table) -> str:
        """CREATE TABLE; foreign keys are always declared, whether they are enforced is said when connecting."""
        from nbsession.sql import ddl

        numbered = table.autoincrement_column

        def words(type_: types.TypeEngine) -> str:
            # only a column declared INTEGER, in this very word, is numbered by SQLite; it holds 64 bits anyway
            return "INTEGER" if numbered is not None and type_ is numbered.type else self.type_ddl(type_)

        return ddl.create_table(table, words, rendering="sqlite")

    def reader(self, connection: Connection, schema: str | None = None) -> Reader:
        """What reads the definitions of tables."""
        from nbsession.database.sqlite.reading import SQLiteReader

        return SQLiteReader(connection, schema)

    def advice(self, error: BaseException) -> str:
        """What to do about a locked file, and one that is no database."""
        text = str(error)
        if "database is locked" in text or "database table is locked" in text:
            return LOCKED
        if "not a database" in text:
            return f"{self.url.database!r} exists and holds something else: check the path."
        if "unable to open database file" in text:
            return f"Check that the folder of {self.url.database!r} exists and may be written to."
        if "readonly database" in text:
            return (
                f"{self.url.database!r} was opened read-only (mode=ro in the URL), or the file or its folder may not be written "
                "to: open it without mode=ro, or change its permissions."
            )
        if "disk is full" in text:
            return f"{FULL} (PRAGMA max_page_count limits a file, too.)"
        return ""

    def _make_bind(self, type_: types.TypeEngine) -> convert.Processor | None:
        match type_:
            case types.Enum():
                return convert.enum_bind(type_)
            case types.Numeric() if not isinstance(type_, types.Float):
                return convert.number_to_float
            case types.Uuid():
                return convert.uuid_to_text
        return _BIND.get(type_.affinity)

    def _make_result(self, type_: types.TypeEngine) -> convert.Processor | None:
        match type_:
            case types.Enum():
                return convert.enum_result(type_)
            case types.Numeric():
                if type_.asdecimal:
                    return convert.decimal_result(type_.scale)
                return None if isinstance(type_, types.Float) else float
            case types.Uuid():
                return convert.uuid_result(type_.as_uuid)
            case types.DateTime() if type_.timezone:
                return convert.aware_utc
        return _RESULT.get(type_.affinity)

    def type_ddl(self, type_: types.TypeEngine) -> str:
        """The type's words in CREATE TABLE."""
        own = type_.words_on("sqlite")
        return words_for(type_) if own is None else own


def words_for(type_: types.TypeEngine) -> str:
    """The words for a type in CREATE TABLE. They also decide SQLite's affinity: INTERVAL holds INT, so whole numbers.

    :raises CompileError: SQLite has no columns of such values.
    """
    match type_:
        case types.BigInteger():
            return "BIGINT"
        case types.SmallInteger():
            return "SMALLINT"
        case types.Double():
            return "DOUBLE"
        case types.Float():
            return "FLOAT"
        case types.Numeric():
            digits = [str(n) for n in (type_.precision, type_.scale) if n is not None]
            return f"NUMERIC({', '.join(digits)})" if digits else "NUMERIC"
        case types.Uuid():
            return "CHAR(32)"
        case types.Text():
            return "TEXT"
        case types.String():
            return f"VARCHAR({type_.length})" if type_.length else "VARCHAR"
        case ARRAY() | NativeType():
            raise CompileError(f"SQLite can't render element of type {type_!r}: it has none such. JSON may do.")
    return _DDL.get(type_.affinity, "NUMERIC")


_BIND: dict[str, convert.Processor] = {
    "boolean": convert.boolean_bind,
    "date": convert.date_to_text,
    "datetime": convert.datetime_to_text,
    "time": convert.time_to_text,
    "interval": convert.interval_to_microseconds,
    "binary": convert.bytes_bind,
    "json": convert.json_bind,
}
_RESULT: dict[str, convert.Processor] = {
    "boolean": bool,
    "date": convert.date_from_text,
    "datetime": convert.datetime_from_text,
    "time": convert.time_from_text,
    "interval": convert.interval_from_microseconds,
    "json": convert.json_result,
}
_DDL = {
    "integer": "INTEGER",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "datetime": "DATETIME",
    "time": "TIME",
    "interval": "INTERVAL",
    "binary": "BLOB",
    "json": "JSON",
}
