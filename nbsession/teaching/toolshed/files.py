"""Writes the Toolshed into a SQLite or DuckDB file, by the plain driver. Knows no engine and no session.

Writing is one transaction: a file is the whole Toolshed or what it was before. A Toolshed is written anew in place, so
that whoever has the file open sees the new rows.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from nbsession.exc import ArgumentError
from nbsession.teaching.toolshed import schema
from nbsession.teaching.toolshed.rows import SEED, Row, toolshed_rows

SUFFIXES = {".db": "sqlite", ".sqlite": "sqlite", ".sqlite3": "sqlite", ".duckdb": "duckdb", ".ddb": "duckdb"}
"""which database a bare path means"""


class Driver(NamedTuple):
    """What is needed of a database's driver.

    :ivar connect: opens a file in autocommit mode.
    :ivar tables: the SQL that lists the names of the user's tables.
    :ivar foreign_keys: declare foreign keys; else keep them in comments.
    :ivar fill: inserts all rows of a table.
    :ivar errors: what it raises.
    """

    connect: Callable[[str], Any]
    tables: str
    foreign_keys: bool
    fill: Callable[[Any, schema.TableText, list[Row]], object]
    errors: tuple[type[Exception], ...]


def make_toolshed(url: str | os.PathLike[str], *, seed: int = SEED, overwrite: bool = False) -> Path:
    """Writes the Toolshed into a file, new or already a Toolshed.

    :param url: ``sqlite:///toolshed.db``, ``duckdb:///toolshed.duckdb``, or a path with such an ending.
    :param seed: other seeds give other people and loans.
    :param overwrite: replace a file that is something else.
    :return: the path of the file.
    :raises ArgumentError: no such scheme or folder, driver missing, file in use, or a file that is something else.

    >>> make_toolshed("sqlite:///toolshed.db")            # doctest: +SKIP
    PosixPath('toolshed.db')
    """
    name, path = place_of(url)
    if not path.parent.is_dir():
        raise ArgumentError(f"Cannot write {path}: there is no folder {path.parent}. Make it first.")
    if path.is_dir():
        raise ArgumentError(f"Cannot write {path}: it is a folder. Name a file in it.")
    driver = driver_for(name)
    found = _tables_in(path, driver)
    if found is None or found not in (frozenset(), schema.names()):
        if not overwrite:
            what = "not a database" if found is None else f"a database with other tables ({_some(found)})"
            raise ArgumentError(
                f"{path} is {what}, not a Toolshed: left as it is. "
                "Choose another name, or pass overwrite=True to replace it."
            )
        for end in ("", ".wal", "-wal", "-shm", "-journal"):
            Path(f"{path}{end}").unlink(missing_ok=True)
        found = frozenset()
    try:
        _write(path, driver, toolshed_rows(seed), replace=bool(found))
    except driver.errors as error:
        raise ArgumentError(f"Cannot write the Toolshed into {path}: {error}. {_advice(path, error)}") from error
    return path


def place_of(url: str | os.PathLike[str]) -> tuple[str, Path]:
    """The database's name and the file's path.

    :raises ArgumentError: neither a URL of a file nor a path with a known ending.
    """
    text = os.fspath(url)
    scheme, colon, rest = text.partition("://")
    if not colon:
        name = SUFFIXES.get(Path(text).suffix.lower())
        if name is None:
            raise ArgumentError(
                f"Cannot tell which database {text!r} means. "
                f"Write sqlite:///{text} or duckdb:///{text}, or end it in .db or .duckdb."
            )
        return name, Path(text)
    if scheme not in ("sqlite", "duckdb"):
        raise ArgumentError(f"Unknown scheme {scheme!r} in {text!r}: write sqlite:///FILE or duckdb:///FILE.")
    if not rest.startswith("/") or rest in ("/", "/:memory:"):
        raise ArgumentError(f"{text!r} names no file: the Toolshed is a file. Write {scheme}:///FILE.")
    return scheme, Path(rest[1:])


def _tables_in(path: Path, driver: Driver) -> frozenset[str] | None:
    """The names of the tables in a file; none if there is no file yet; None if it is not a database."""
    if not path.exists() or path.stat().st_size == 0:
        return frozenset()
    try:
        connection = driver.connect(str(path))
        try:
            return frozenset(row[0] for row in connection.execute(driver.tables).fetchall())
        finally:
            connection.close()
    except driver.errors as error:
        if _in_use(error):
            raise ArgumentError(f"Cannot open {path}: {error}. {_advice(path, error)}") from error
        return None


def _write(path: Path, driver: Driver, rows: dict[str, list[Row]], *, replace: bool) -> None:
    """Writes all tables in one transaction, dropping them first if they are there."""
    if path.exists() and path.stat().st_size == 0:
        path.unlink()
    connection = driver.connect(str(path))
    try:
        connection.execute("BEGIN")
        if replace:
            for table in reversed(schema.TABLES):
                connection.execute(f"DROP TABLE {table.name}")
        for table in schema.TABLES:
            for statement in table.create(foreign_keys=driver.foreign_keys):
                connection.execute(statement)
            driver.fill(connection, table, rows[table.name])
        connection.execute("COMMIT")
    finally:
        connection.close()


def driver_for(name: str) -> Driver:
    """The driver of a database.

    :param name: ``"sqlite"`` or ``"duckdb"``.
    :raises ArgumentError: its package is not installed.
    """
    return _sqlite() if name == "sqlite" else _duckdb()


def restore_toolshed(url: str) -> None:
    """Writes the rows of a Toolshed's own tables anew, in place; tables that somebody added stay as they are.

    :param url: of a Toolshed; no transaction may be open on it.
    :raises ArgumentError: it is no Toolshed, or somebody has it locked.
    """
    name, path = place_of(url)
    driver = driver_for(name)
    found = _tables_in(path, driver)
    if found is None or not schema.names() <= found:
        raise ArgumentError(f"{path} is not a Toolshed: its tables are not there. make_toolshed() writes one.")
    try:
        _write(path, driver, toolshed_rows(SEED), replace=True)
    except driver.errors as error:
        raise ArgumentError(f"Cannot restore the Toolshed in {path}: {error}. {_advice(path, error)}") from error


def _sqlite() -> Driver:
    def connect(file: str) -> sqlite3.Connection:
        return sqlite3.connect(file, isolation_level=None, timeout=2)

    def fill(connection: sqlite3.Connection, table: schema.TableText, rows: list[Row]) -> None:
        in_text = [tuple(value.isoformat() if isinstance(value, date) else value for value in row) for row in rows]
        connection.executemany(table.insert(), in_text)

    listing = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND substr(name, 1, 7) <> 'sqlite_'"
    return Driver(connect, listing, True, fill, (sqlite3.Error,))


def _duckdb() -> Driver:
    try:
        import duckdb
    except ImportError as error:
        raise ArgumentError("A DuckDB file needs the duckdb package: pip install duckdb") from error

    def fill(connection: Any, table: schema.TableText, rows: list[Row]) -> None:
        connection.execute(
            table.insert(len(rows)), [value for row in rows for value in row]
        )  # one by one: 10 times longer

    listing = "SELECT table_name FROM information_schema.tables WHERE table_catalog = current_database()"
    return Driver(duckdb.connect, listing, False, fill, (duckdb.Error, RuntimeError))


def _in_use(error: Exception) -> bool:
    return any(word in str(error).lower() for word in ("locked", "lock on file", "different configuration"))


def _advice(path: Path, error: Exception) -> str:
    if _in_use(error):
        return "Close the session, notebook or program that has it open, or choose another name."
    return f"Check that {path} can be written, or choose another name."


def _some(found: frozenset[str]) -> str:
    listed = sorted(found)
    return ", ".join(listed[:3]) + (", …" if len(listed) > 3 else "")
