"""Values written into SQL text: for DDL, and for reading. Statements that are executed bind their values."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import json
import uuid
from typing import Any

from nbsession.exc import CompileError


def literal_sql(value: Any, rendering: str = "readable") -> str:
    """A value as SQL.

    :raises CompileError: for a value that has no literal.
    """
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(int(value)) if rendering == "sqlite" else str(value).lower()
    if isinstance(value, enum.Enum):
        return literal_sql(value.name)
    if isinstance(value, int | float | decimal.Decimal):
        return str(value)
    if isinstance(value, bytes):
        return f"X'{value.hex()}'" if rendering != "duckdb" else f"from_hex('{value.hex()}')"
    if isinstance(value, dt.datetime):
        return f"'{value.isoformat(' ')}'"
    if isinstance(value, dt.date | dt.time):
        return f"'{value.isoformat()}'"
    if isinstance(value, uuid.UUID):
        return f"'{value.hex if rendering == 'sqlite' else value}'"
    if isinstance(value, dict | list):
        value = json.dumps(value)
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    raise CompileError(f"{value!r} cannot be written as a literal of SQL: bind it instead.")
