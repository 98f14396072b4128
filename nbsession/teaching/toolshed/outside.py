"""The Toolshed as everybody else sees it: its file, read by the plain driver, past every session."""

from __future__ import annotations

import tempfile
from datetime import date
from pathlib import Path
from typing import Any

from nbsession.exc import ArgumentError
from nbsession.teaching.toolshed.files import driver_for, make_toolshed, place_of
from nbsession.teaching.toolshed.rows import Row
from nbsession.teaching.toolshed.schema import TABLES

FILES = {"sqlite": "toolshed.db", "duckdb": "toolshed.duckdb"}


def fresh_toolshed(database: str) -> str:
    """Writes a Toolshed into a new folder for temporary files.

    :param database: ``"sqlite"`` or ``"duckdb"``.
    :return: its URL.
    :raises ArgumentError: another database.

    >>> fresh_toolshed("sqlite")                                                       # doctest: +SKIP
    'sqlite:////tmp/tmpr5k2h/toolshed.db'
    """
    if database not in FILES:
        raise ArgumentError(f"There is no Toolshed for {database!r}: write 'sqlite' or 'duckdb'.")
    path = Path(tempfile.mkdtemp()) / FILES[database]
    url = f"{database}:///{path.as_posix()}"
    make_toolshed(url)
    return url


def next_door(url: str, sql: str) -> list[tuple[Any, ...]]:
    """What the desk next door gets who asks now: another connection, by the plain driver, which sees what is committed.

    :param url: the Toolshed's URL.
    :param sql: a SELECT.
    :return: its rows.

    >>> next_door("sqlite:///toolshed.db", "SELECT count(*) FROM member")              # doctest: +SKIP
    [(64,)]
    """
    name, path = place_of(url)
    connection = driver_for(name).connect(str(path))
    try:
        rows: list[tuple[Any, ...]] = connection.execute(sql).fetchall()
    finally:
        connection.close()
    return rows


def committed_rows(url: str) -> dict[str, list[Row]]:
    """All rows of the Toolshed's tables as committed, by table, in the order of their keys; days as text."""
    name, path = place_of(url)
    connection = driver_for(name).connect(str(path))
    try:
        return {
            table.name: in_text(connection.execute(f"SELECT * FROM {table.name} ORDER BY 1, 2").fetchall())
            for table in TABLES
        }
    finally:
        connection.close()


def in_text(rows: list[Row]) -> list[Row]:
    """Rows with their days as text: SQLite keeps them so, DuckDB has a type for them."""
    return [tuple(value.isoformat() if isinstance(value, date) else value for value in row) for row in rows]
