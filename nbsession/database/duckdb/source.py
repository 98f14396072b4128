"""Opened DuckDB databases. Knows the driver's connect(), and what the links of one database share."""

from __future__ import annotations

import importlib.util
import os
import threading
import weakref
from typing import Any

from nbsession.database.duckdb.catalog import Catalog
from nbsession.database.duckdb.dialect import DuckDBDialect
from nbsession.database.duckdb.keys import KeyRegistry
from nbsession.database.duckdb.link import DuckDBLink
from nbsession.database.duckdb.races import Races
from nbsession.database.file_guard import guard
from nbsession.database.link import Link, LinkSource
from nbsession.exc import ArgumentError

MISSING = "DuckDB's driver is not installed: pip install duckdb. (Or use SQLite, which Python brings along: 'sqlite:///file.db'.)"


class Database:
    """One open database, whatever number of engines in this process use it.

    :ivar root: the driver's connection that keeps it open; every link has a cursor of it.
    :ivar path: its file, or None in memory.
    :ivar check_file: raises if it is not there any more.
    :ivar lock: held while a transaction commits, and while one is rebuilt.
    :ivar commits: how many transactions that wrote were committed through our links.
    """

    def __init__(self, root: Any, path: str | None) -> None:
        self.root = root
        self.path = path
        self.check_file = None if path is None else guard(path)
        self.lock = threading.RLock()
        self.commits = 0
        self.catalog = Catalog()
        self.keys = KeyRegistry()
        self.races = Races()
        self.users: weakref.WeakSet[DuckDBSource] = weakref.WeakSet()

    def mark(self) -> Any:
        """Changes when anybody commits to the file; always the same in memory, where nobody else can be."""
        if self.path is None:
            return None
        return _stat(self.path), _stat(f"{self.path}.wal")


_open: weakref.WeakValueDictionary[tuple[str, str], Database] = weakref.WeakValueDictionary()
_opening = threading.Lock()


class DuckDBSource(LinkSource):
    """Opens a DuckDB database and hands out links to it."""

    def __init__(self, dialect: DuckDBDialect, connect_args: dict[str, Any]) -> None:
        if not installed():
            raise ArgumentError(MISSING)
        self.dialect = dialect
        self._args = connect_args
        self._database: Database | None = None
        self._idle: list[DuckDBLink] = []
        self._lock = threading.Lock()

    def checkout(self) -> Link:
        """An idle link, or a new one; opens the database first."""
        with self._lock:
            if self._idle:
                return self._idle.pop()
            database = self._database
            if database is None:
                database = self._database = self._opened()
                database.users.add(self)
        link = DuckDBLink(self.dialect, database.root.cursor(), database)
        link.check_file = database.check_file
        return link

    def _opened(self) -> Database:
        duckdb = driver()
        config: dict[str, Any] = {**self.dialect.url.query, **self._args.get("config", {})}
        options = {name: value for name, value in self._args.items() if name != "config"}
        path = self.dialect.url.database
        if path is None:
            return _prepared(duckdb.connect(":memory:", config=config, **options), None)
        where = os.path.realpath(path)
        key = where, repr(sorted(config.items()))
        with _opening:
            database = _open.get(key)
            if database is None:
                database = _open[key] = _prepared(duckdb.connect(path, config=config, **options), where)
        return database

    def checkin(self, link: Link) -> None:
        """Keeps the link for the next connection."""
        assert isinstance(link, DuckDBLink)
        clean = link.made_clean()
        with self._lock:
            if clean and link.database is self._database:
                self._idle.append(link)
                return
        link.close()

    def dispose(self) -> None:
        """Closes idle links; the last engine of this process to let go of a file gives up DuckDB's lock on it."""
        with self._lock:
            links, self._idle = self._idle, []
            database, self._database = self._database, None
        for link in links:
            link.close()
        if database is not None:
            with _opening:
                database.users.discard(self)
                if not database.users:
                    for key in [key for key, value in _open.items() if value is database]:
                        del _open[key]
                    database.root.close()


def installed() -> bool:
    """Is the driver there? Does not import it."""
    try:
        return importlib.util.find_spec("duckdb") is not None
    except (ImportError, ValueError):  # blocked on purpose
        return False


def driver() -> Any:
    """The driver's module, imported at the first opening.

    :raises ArgumentError: it is not installed.
    """
    try:
        import duckdb
    except ImportError as error:
        raise ArgumentError(MISSING) from error
    return duckdb


def _prepared(root: Any, path: str | None) -> Database:
    # BEGIN takes the snapshot at once: a rebuilt transaction can then be compared with the moment it began
    root.execute("SET immediate_transaction_mode = true")
    return Database(root, path)


def _stat(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    return found.st_size, found.st_mtime_ns
