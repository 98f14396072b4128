"""Values that DuckDB would round without a word: refused before they are sent. Knows declared types and plain Python values.

A list of values is also converted as a whole: one float among large whole numbers would make floats of them all.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from nbsession.exc import DataError
from nbsession.sql.types import Integer

if TYPE_CHECKING:
    from nbsession.database.duckdb.catalog import TableFacts
    from nbsession.database.processors import Processor
    from nbsession.sql.types import TypeEngine

_WHOLE = frozenset(
    ["TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"]
)
_DECIMAL = re.compile(r"DECIMAL\(\d+,\s*(\d+)\)")
_INEXACT = frozenset([float, Decimal])


def exact(names: Sequence[str], columns: list[Any], facts: TableFacts) -> list[Any]:
    """Columns of values as they can be sent: none will be rounded.

    :param names: the columns' names.
    :param columns: their values.
    :param facts: what the database says of the table.
    :raises DataError: a value would be.
    """
    for place, name in enumerate(names):
        fact = facts.get(name.lower())
        if fact is None:
            continue
        if fact.declared in _WHOLE:
            if not _INEXACT.isdisjoint(map(type, columns[place])):
                columns[place] = [_whole(value, name, fact.declared) for value in columns[place]]
        elif (found := _DECIMAL.fullmatch(fact.declared)) and not _INEXACT.isdisjoint(map(type, columns[place])):
            scale = int(found[1])
            columns[place] = [_scaled(value, scale, name, fact.declared) for value in columns[place]]
    return columns


def refusing(type_: TypeEngine, name: str, declared: str) -> Processor | None:
    """What refuses values of one column that would be rounded; None if its type takes what it is given.

    :param declared: the column's type in SQL.
    """
    if isinstance(type_, Integer):
        return lambda value: _whole(value, name, declared)
    found = _DECIMAL.fullmatch(declared)
    if found is None:
        return None
    scale = int(found[1])
    return lambda value: _scaled(value, scale, name, declared)


def _whole(value: Any, name: str, declared: str) -> Any:
    if type(value) not in _INEXACT or not math.isfinite(value):
        return value
    if value != int(value):
        raise _refused(value, name, declared, "Round it first: round(value).")
    return int(value)


def _scaled(value: Any, scale: int, name: str, declared: str) -> Any:
    if type(value) is float and math.isfinite(value):
        rounded = round(value, scale)
        if not math.isclose(value, rounded, rel_tol=1e-12):
            raise _refused(value, name, declared, f"Round it first: round(value, {scale}).")
        return Decimal(repr(rounded))
    if type(value) is Decimal and value.is_finite():
        _, digits, exponent = value.as_tuple()
        further = -int(exponent) - scale
        if further > 0 and any(digits[-further:]):
            raise _refused(value, name, declared, f"Round it first: round(value, {scale}).")
    elif type(value) is int:
        return Decimal(value)
    return value


def _refused(value: Any, name: str, declared: str, advice: str) -> DataError:
    error = ValueError(f"{value!r} is no {declared}")
    return DataError(
        f"{value!r} does not fit into column {name!r}: it is {declared}, and DuckDB would round the value without a word. "
        f"{advice} Or declare the column with more digits.",
        orig=error,
    )
