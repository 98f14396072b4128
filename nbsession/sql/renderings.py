"""What the databases write differently, one class each.

Knows words of SQL dialects only; types of DDL and conversion of values are with the dialects in ``database``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from nbsession.exc import CompileError
from nbsession.sql import operators as ops
from nbsession.sql import types as t
from nbsession.sql.render_dml import DmlRendering
from nbsession.sql.rendering import is_integer

if TYPE_CHECKING:
    from collections.abc import Mapping


class ReadableRendering(DmlRendering):
    """For people: what ``str(statement)`` shows, with named parameters."""

    supports_sequences = True
    delete_using = True


class SqliteRendering(DmlRendering):
    """SQLite 3.35 and later."""

    name = "sqlite"
    words: ClassVar[Mapping[str, str]] = {"null": "NULL", "true": "1", "false": "0"}
    functions: ClassVar[Mapping[str, str]] = {
        "char_length": "length",
        "aggregate_strings": "group_concat",
        "string_agg": "group_concat",
    }
    offset_needs_limit = True

    def _binary_truediv(self, binary: Any) -> str:
        """True division: SQLite divides two integers as integers."""
        if is_integer(binary.left) and is_integer(binary.right):
            right = self.operand(binary.right, ops.ADD, right=True)
            return f"{self.operand(binary.left, ops.TRUEDIV)} / ({right} + 0.0)"
        return self.plain_binary(binary, "/")

    def _binary_floordiv(self, binary: Any) -> str:
        """Whole numbers: SQL's integer division; others: rounded down."""
        if is_integer(binary.left) and is_integer(binary.right):
            return self.plain_binary(binary, "/")
        return f"FLOOR({self.plain_binary(binary, '/')})"

    def _binary_is_distinct_from(self, binary: Any) -> str:
        return self.plain_binary(binary, "IS NOT")

    def _binary_is_not_distinct_from(self, binary: Any) -> str:
        return self.plain_binary(binary, "IS")

    def distinct_on(self, expressions: Any) -> str:
        """Not here."""
        raise CompileError("SQLite has no DISTINCT ON: group by the expressions, or use distinct() without any.")

    def type_name(self, type_: t.TypeEngine) -> str:
        """The word for a type in CAST."""
        return sqlite_cast_name(type_)

    def _visit_next_value(self, value: Any) -> str:
        raise CompileError(f"SQLite has no sequences: '{value.name}' cannot be drawn from.")


class DuckdbRendering(DmlRendering):
    """DuckDB 1.0 and later."""

    name = "duckdb"
    functions: ClassVar[Mapping[str, str]] = {"char_length": "length", "aggregate_strings": "string_agg"}
    supports_sequences = True
    delete_using = True
    binds_in_returning = False

    def _binary_floordiv(self, binary: Any) -> str:
        if is_integer(binary.left) and is_integer(binary.right):
            return self.plain_binary(binary, "//")
        return f"floor({self.plain_binary(binary, '/')})"

    def _ilike(self, binary: Any) -> str:
        return self.plain_binary(binary, binary.operator.sql) + self._escape(binary)

    _binary_ilike = _ilike
    _binary_not_ilike = _ilike

    def _binary_is(self, binary: Any) -> str:
        """DuckDB takes only NULL, true and false right of IS."""
        word = "IS" if binary.right.visit_name == "constant" else "IS NOT DISTINCT FROM"
        return self.plain_binary(binary, word)

    def _binary_is_not(self, binary: Any) -> str:
        word = "IS NOT" if binary.right.visit_name == "constant" else "IS DISTINCT FROM"
        return self.plain_binary(binary, word)

    def _function_now(self, function: Any) -> str:
        """A timestamp without a zone: fetching one with a zone needs another package."""
        return "CAST(now() AS TIMESTAMP)"

    _function_current_timestamp = _function_now
    _function_localtimestamp = _function_now

    def type_name(self, type_: t.TypeEngine) -> str:
        """The word for a type in CAST."""
        return duckdb_cast_name(type_)


def sqlite_cast_name(type_: t.TypeEngine) -> str:
    """The word in CAST that gives SQLite's values the storage they have in columns of the type."""
    if isinstance(type_, t.Integer | t.Boolean):
        return "INTEGER"
    if isinstance(type_, t.Float):
        return "REAL"
    if isinstance(type_, t.Numeric):
        return _decimal("NUMERIC", type_)
    if isinstance(type_, t.LargeBinary):
        return "BLOB"
    if isinstance(type_, t.String) and type_.length and not isinstance(type_, t.Enum):
        return f"VARCHAR({type_.length})"
    return "TEXT"  # dates too: as NUMERIC, which is what DATE means here, '2024-05-01' would become 2024


_DUCKDB_NAMES: list[tuple[type[t.TypeEngine], str]] = [
    (t.SmallInteger, "SMALLINT"),
    (t.BigInteger, "BIGINT"),
    (t.Integer, "INTEGER"),
    (t.Float, "DOUBLE"),
    (t.String, "VARCHAR"),
    (t.Boolean, "BOOLEAN"),
    (t.Date, "DATE"),
    (t.Interval, "INTERVAL"),
    (t.LargeBinary, "BLOB"),
    (t.JSON, "JSON"),
    (t.Uuid, "UUID"),
]


def duckdb_cast_name(type_: t.TypeEngine) -> str:
    """The word for a type in DuckDB's CAST."""
    if isinstance(type_, t.DateTime):
        return "TIMESTAMPTZ" if type_.timezone else "TIMESTAMP"
    if isinstance(type_, t.Time):
        return "TIME"
    if isinstance(type_, t.Numeric) and not isinstance(type_, t.Float):
        return _decimal("DECIMAL", type_)
    for kind, name in _DUCKDB_NAMES:
        if isinstance(type_, kind):
            return name
    raise CompileError(f"CAST to {type_!r} has no word in DuckDB.")


def _decimal(word: str, type_: t.Numeric) -> str:
    if type_.precision is None:
        return word
    return f"{word}({type_.precision}{f', {type_.scale}' if type_.scale is not None else ''})"


RENDERINGS: dict[str, type[DmlRendering]] = {
    "readable": ReadableRendering,
    "sqlite": SqliteRendering,
    "duckdb": DuckdbRendering,
}
