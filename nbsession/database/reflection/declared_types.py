"""The types behind the words that tables were declared with: ``VARCHAR(30)``, ``DECIMAL(10,2)``, ``STRUCT(a INTEGER)[]``."""

from __future__ import annotations

import re
from functools import lru_cache

from nbsession.sql import types
from nbsession.sql.native_types import ARRAY, NativeType

_WORDS: dict[str, type[types.TypeEngine]] = {
    "INTEGER": types.Integer,
    "INT": types.Integer,
    "SMALLINT": types.SmallInteger,
    "BIGINT": types.BigInteger,
    "FLOAT": types.Float,
    "REAL": types.Float,
    "DOUBLE": types.Double,
    "DOUBLE PRECISION": types.Double,
    "BOOLEAN": types.Boolean,
    "BOOL": types.Boolean,
    "DATE": types.Date,
    "DATETIME": types.DateTime,
    "TIMESTAMP": types.DateTime,
    "TIME": types.Time,
    "INTERVAL": types.Interval,
    "BLOB": types.LargeBinary,
    "JSON": types.JSON,
    "UUID": types.Uuid,
    "TEXT": types.Text,
    "CLOB": types.Text,
}
_STRINGS = frozenset(
    ["VARCHAR", "CHAR", "NVARCHAR", "NCHAR", "CHARACTER", "CHARACTER VARYING", "VARYING CHARACTER", "BPCHAR"]
)
_AFFINITIES: tuple[tuple[tuple[str, ...], type[types.TypeEngine]], ...] = (
    (("INT",), types.Integer),
    (("CHAR", "CLOB", "TEXT"), types.Text),
    (("BLOB",), types.NullType),
    (("REAL", "FLOA", "DOUB"), types.Float),
)
"""SQLite's rules for words that it does not know, in their order"""
_DUCKDB_ONLY: dict[str, types.TypeEngine] = {
    "TINYINT": types.SmallInteger(),
    "UTINYINT": types.SmallInteger(),
    "USMALLINT": types.Integer(),
    "UINTEGER": types.BigInteger(),
    "UBIGINT": types.BigInteger(),
    "HUGEINT": types.BigInteger(),
    "UHUGEINT": types.BigInteger(),
    "FLOAT": types.Float(),
    "TIMESTAMP WITH TIME ZONE": types.DateTime(timezone=True),
    "TIMESTAMP_NS": types.DateTime(),
    "TIMESTAMP_MS": types.DateTime(),
    "TIMESTAMP_S": types.DateTime(),
    "TIME WITH TIME ZONE": types.Time(timezone=True),
    "TIME_NS": types.Time(),
}
_ENDS_LIKE_A_LIST = re.compile(r"\[(\d*)\]$")


@lru_cache(maxsize=1000)
def sqlite_type(declared: str) -> types.TypeEngine:
    """The type of a SQLite column. SQLite takes any words; those it does not know have an affinity all the same."""
    from nbsession.database.sqlite.dialect import words_for

    found = _sqlite_type(declared)
    if not isinstance(found, types.NullType) and _same(declared, words_for(found)):
        return found
    return found.declared_as("sqlite", declared)


def _sqlite_type(declared: str) -> types.TypeEngine:
    word, digits = _split(declared)
    if not word:
        return types.NullType()
    if word in _STRINGS:
        return types.String(digits[0]) if digits else types.String()
    if word in ("DECIMAL", "NUMERIC"):
        return _numeric(digits)
    if word in ("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ"):
        return types.DateTime(timezone=True)
    if word in _WORDS:
        return _WORDS[word]()
    for parts, type_ in _AFFINITIES:
        if any(part in word for part in parts):
            return type_()
    return types.Numeric()


@lru_cache(maxsize=1000)
def duckdb_type(declared: str) -> types.TypeEngine:
    """The type of a DuckDB column, as duckdb_columns() writes it."""
    listed = _ENDS_LIKE_A_LIST.search(declared)
    if listed:
        return _list_type(declared, listed)
    word, digits = _split(declared)
    if word == "VARCHAR":
        return types.String()
    if word == "DECIMAL":
        return _numeric(digits)
    if word == "ENUM":
        values = [one.replace("''", "'") for one in re.findall(r"'((?:[^']|'')*)'", declared)]
        return types.Enum(*values).declared_as("duckdb", declared)
    if declared in _DUCKDB_ONLY:
        return _DUCKDB_ONLY[declared].declared_as("duckdb", declared)
    if declared in _WORDS:
        return _WORDS[declared]()
    return NativeType(declared)


def _numeric(digits: list[int]) -> types.Numeric:
    return types.Numeric(digits[0] if digits else None, digits[1] if len(digits) > 1 else None)


def _list_type(declared: str, listed: re.Match[str]) -> types.TypeEngine:
    item = duckdb_type(declared[: listed.start()])
    if listed[1]:  # INTEGER[3]
        return ARRAY(item).declared_as("duckdb", declared)
    if isinstance(item, ARRAY) and item.declared is None:
        return ARRAY(item.item_type, dimensions=(item.dimensions or 1) + 1)
    return ARRAY(item)


def _split(declared: str) -> tuple[str, list[int]]:
    """The word, and the numbers in brackets after it."""
    word, _, rest = declared.upper().partition("(")
    digits = [int(part) for part in rest.partition(")")[0].split(",") if part.strip().isdigit()]
    return " ".join(word.split()), digits


def _same(one: str, other: str) -> bool:
    return "".join(one.upper().split()) == "".join(other.upper().split())
