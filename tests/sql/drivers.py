"""The bare drivers, for running compiled statements without the engine."""

from __future__ import annotations

import decimal
import sqlite3
from typing import Any

import duckdb

RENDERINGS = ("sqlite", "duckdb")


def connect(rendering: str, script: str = "") -> Any:
    """A database in memory with the script run; DuckDB sorts NULL as SQLite does."""
    if rendering == "sqlite":
        connection: Any = sqlite3.connect(":memory:", isolation_level=None)
        connection.executescript(script)
        return connection
    connection = duckdb.connect()
    connection.execute("set default_null_order = 'NULLS_FIRST_ON_ASC_LAST_ON_DESC'")
    if script:
        connection.execute(script)
    return connection


def rows(connection: Any, sql: str, values: Any = ()) -> list[list[Any]]:
    """The rows of a statement, decimals as floats."""
    fetched = connection.execute(sql, values).fetchall()
    return [[float(one) if isinstance(one, decimal.Decimal) else one for one in row] for row in fetched]
