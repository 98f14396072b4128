"""Columns as an Arrow table, which DuckDB reads without converting value by value. Used if pyarrow is there; never needed."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from typing import Any

FROM_ROWS = 1000
"""below, unnesting a parameter is as fast"""
IMPORT_FROM_ROWS = 50_000
"""importing pyarrow takes 300 ms: not for less, if nobody has imported it yet"""
NAME = "nbsession_rows"
"""the name under which a table is registered for one statement"""

_DECIMAL = re.compile(r"DECIMAL\((\d+),\s*(\d+)\)")


def table_of(columns: Sequence[Sequence[Any]], declared: Sequence[str]) -> Any:
    """An Arrow table of columns c0, c1, ..., or None where the parameter's way is to be taken.

    :param declared: the columns' types in SQL.
    """
    count = len(columns[0])
    if count < FROM_ROWS or ("pyarrow" not in sys.modules and count < IMPORT_FROM_ROWS):
        return None
    try:
        import pyarrow
    except ImportError:
        return None
    types = [_type(pyarrow, words) for words in declared]
    if None in types:
        return None
    try:
        arrays = [pyarrow.array(values, type_) for values, type_ in zip(columns, types, strict=True)]
    except (pyarrow.ArrowException, TypeError, ValueError, OverflowError):
        return None  # a value does not fit: DuckDB converts it, or says what is wrong with it
    return pyarrow.Table.from_arrays(arrays, names=[f"c{number}" for number in range(len(arrays))])


def _type(pyarrow: Any, declared: str) -> Any:
    match declared:
        case "TINYINT" | "SMALLINT" | "INTEGER" | "BIGINT":
            return {"TINYINT": pyarrow.int8, "SMALLINT": pyarrow.int16, "INTEGER": pyarrow.int32}.get(
                declared, pyarrow.int64
            )()
        case "DOUBLE":
            return pyarrow.float64()
        case "VARCHAR":
            return pyarrow.string()
        case "BOOLEAN":
            return pyarrow.bool_()
        case "DATE":
            return pyarrow.date32()
        case "TIMESTAMP":
            return pyarrow.timestamp("us")
        case "BLOB":
            return pyarrow.binary()
    digits = _DECIMAL.fullmatch(declared)
    return pyarrow.decimal128(int(digits[1]), int(digits[2])) if digits else None
