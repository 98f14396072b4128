"""The engine: one database, its dialect, its connections and hooks. Knows how to choose a dialect; opens nothing by itself."""

from __future__ import annotations

import logging
import sys
from collections import OrderedDict
from collections.abc import Callable, Generator, Hashable, Iterable
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar
from weakref import WeakSet

from nbsession.database.connection import Connection
from nbsession.database.dialect import Dialect
from nbsession.database.errors import wrapped
from nbsession.database.link import Link, LinkSource
from nbsession.database.observing import HOOKS
from nbsession.database.url import URL, make_url
from nbsession.events import safe_repr
from nbsession.exc import ArgumentError

if TYPE_CHECKING:
    from nbsession.sql.schema import MetaData, Table

logger = logging.getLogger("nbsession.engine")

FOREIGN_KEYS = ("checked", "native", "off")
COMPILED_KEPT = 500
"""compiled statements an engine keeps"""

_IGNORED = frozenset(
    # options of SQLAlchemy's create_engine() that have nothing to decide here
    [
        "future",
        "pool_size",
        "max_overflow",
        "pool_recycle",
        "pool_timeout",
        "pool_pre_ping",
        "pool_use_lifo",
        "pool_reset_on_return",
        "poolclass",
        "echo_pool",
        "hide_parameters",
        "logging_name",
        "query_cache_size",
        "use_insertmanyvalues",
        "module",
        "json_serializer",
        "json_deserializer",
    ]
)


class Engine:
    """One database. Connections come from here; the first one opens it.

    :ivar url: where the database is.
    :ivar dialect: how it is spoken to.
    :ivar enable_from_linting: are statements warned of that pair every row of one table with every row of another?
    :ivar everywhere: hooks of every engine; an engine takes them over when it is made.
    :ivar alive: the engines there are.
    """

    everywhere: ClassVar[dict[str, list[Callable[..., Any]]]] = {name: [] for name in HOOKS}
    alive: ClassVar[WeakSet[Engine]] = WeakSet()

    def __init__(
        self, url: URL, dialect: Dialect, source: LinkSource, echo: bool = False, enable_from_linting: bool = True
    ) -> None:
        self.url = url
        self.dialect = dialect
        self.enable_from_linting = enable_from_linting
        self._source = source
        self._hooks: dict[str, list[Callable[..., Any]]] = {name: list(self.everywhere[name]) for name in HOOKS}
        """change these lists in place: open connections look at them"""
        self._compiled = CompiledCache(COMPILED_KEPT)
        self._echo = False
        self.echo = echo
        self.alive.add(self)

    @property
    def name(self) -> str:
        """The database's name: ``'sqlite'`` or ``'duckdb'``."""
        return self.dialect.name

    @property
    def driver(self) -> str:
        """The driver's name."""
        return {"sqlite": "pysqlite"}.get(self.dialect.name, self.dialect.name)

    def connect(self) -> Connection:
        """A connection to the database; opens it if it is not open.

        :raises OperationalError: it cannot be opened: unreadable, locked, or not a database.
        :raises ArgumentError: the driver is not installed.
        """
        return Connection(self, self._open_link())

    def _open_link(self) -> Link:
        """A link with no transaction on it, told to hooks if it was just opened."""
        try:
            link = self._source.checkout()
        except Exception as error:
            ours = wrapped(error, advice=self.dialect.advice(error))
            try:
                if ours is error:
                    raise
                raise ours from error
            finally:
                del ours  # an error whose traceback holds the error is a circle
        if link.fresh:
            link.fresh = False
            try:
                for hook in tuple(self._hooks["connect"]):
                    hook(link.raw, None)
            except BaseException:
                self._source.checkin(link)
                raise
        return link

    @contextmanager
    def begin(self) -> Generator[Connection]:
        """A connection with a transaction that commits at the end of the ``with`` block, or rolls back on an error."""
        with self.connect() as connection, connection.begin():
            yield connection

    def dispose(self, close: bool = True) -> None:
        """Closes connections that are not in use. The engine can go on; a database in memory begins empty then."""
        if close:
            self._source.dispose()

    def create_tables(self, metadata: MetaData, only: Iterable[Table] | None = None, checkfirst: bool = True) -> None:
        """Creates tables and commits. What ``MetaData.create_all`` calls."""
        with self.begin() as connection:
            connection.create_tables(metadata, only, checkfirst)

    def drop_tables(self, metadata: MetaData, only: Iterable[Table] | None = None, checkfirst: bool = True) -> None:
        """Drops tables and commits. What ``MetaData.drop_all`` calls."""
        with self.begin() as connection:
            connection.drop_tables(metadata, only, checkfirst)

    def reflect_tables(self, metadata: MetaData, **options: Any) -> None:
        """Reads tables from the database into metadata. What ``MetaData.reflect`` calls, with what it was told."""
        with self.connect() as connection:
            connection.reflect_tables(metadata, **options)

    def reflect_table(self, table: Table, **options: Any) -> None:
        """Reads one table of the database into a Table. What ``Table(autoload_with=)`` calls."""
        with self.connect() as connection:
            connection.reflect_table(table, **options)

    @property
    def echo(self) -> bool:
        """Are statements logged (logger ``nbsession.engine``)? Can be set."""
        return self._echo

    @echo.setter
    def echo(self, on: bool) -> None:
        if bool(on) is self._echo:
            return
        self._echo = bool(on)
        for name, hook in _ECHO.items():
            if on:
                self._hooks[name].append(hook)
            else:
                self._hooks[name].remove(hook)
        if on and not logger.handlers:
            handler = logging.StreamHandler(sys.stdout)
            handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
            logger.addHandler(handler)
            logger.setLevel(logging.INFO)
            logger.propagate = False

    def __repr__(self) -> str:
        return f"Engine({self.url})"


def create_engine(
    url: str | URL,
    *,
    echo: bool = False,
    foreign_keys: str = "checked",
    enable_from_linting: bool = True,
    **options: Any,
) -> Engine:
    """Makes an engine. The database is opened by the first connection.

    :param url: ``sqlite://`` and ``duckdb://`` (in memory), ``sqlite:///file.db``, ``duckdb:///file.duckdb``.
    :param echo: log every statement.
    :param foreign_keys: when foreign keys are enforced: ``'checked'`` at COMMIT, ``'native'`` by each statement,
        ``'off'`` not at all.
    :param enable_from_linting: warn of statements with tables in FROM that nothing joins; once for each form of statement.
    :param options: ``connect_args``, a dictionary for the driver's connect(); options of SQLAlchemy's pool are ignored.
    :raises ArgumentError: the URL, an option, or a driver that is not installed.

    >>> create_engine("sqlite://")
    Engine(sqlite://)
    """
    where = make_url(url)
    connect_args = dict(options.pop("connect_args", None) or {})
    unknown = sorted(options.keys() - _IGNORED)
    if unknown:
        raise ArgumentError(
            f"Invalid argument(s) {', '.join(map(repr, unknown))} sent to create_engine(). It takes echo, foreign_keys, "
            "enable_from_linting and connect_args (a dictionary for the driver)."
        )
    if foreign_keys not in FOREIGN_KEYS:
        raise ArgumentError(f"foreign_keys={foreign_keys!r} is not one of {', '.join(map(repr, FOREIGN_KEYS))}.")
    dialect, source = _opened_by(where, foreign_keys, connect_args)
    return Engine(where, dialect, source, echo, enable_from_linting)


def _opened_by(url: URL, foreign_keys: str, connect_args: dict[str, Any]) -> tuple[Dialect, LinkSource]:
    if url.get_backend_name() == "duckdb":
        from nbsession.database.duckdb import DuckDBDialect, DuckDBSource

        duck = DuckDBDialect(url, foreign_keys)
        return duck, DuckDBSource(duck, connect_args)
    from nbsession.database.sqlite import SQLiteDialect, SQLiteSource

    lite = SQLiteDialect(url, foreign_keys)
    return lite, SQLiteSource(lite, connect_args)


class CompiledCache:
    """Compiled statements by their shape; the ones not used for longest are forgotten."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._kept: OrderedDict[Hashable, Any] = OrderedDict()

    def get(self, key: Hashable) -> Any:
        """The compiled statement, or None."""
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def put(self, key: Hashable, compiled: Any) -> None:
        """Keeps one."""
        self._kept[key] = compiled
        while len(self._kept) > self.size:
            self._kept.popitem(last=False)

    def __len__(self) -> int:
        return len(self._kept)


def _echo_statement(conn: Any, cursor: Any, statement: str, parameters: Any, context: Any, executemany: bool) -> None:
    logger.info("%s", statement)
    logger.info("[parameters] %s", safe_repr(parameters, 300))


_ECHO: dict[str, Callable[..., Any]] = {
    "before_cursor_execute": _echo_statement,
    "begin": lambda conn: logger.info("BEGIN"),
    "commit": lambda conn: logger.info("COMMIT"),
    "rollback": lambda conn: logger.info("ROLLBACK"),
    "savepoint": lambda conn, name: logger.info("SAVEPOINT %s", name),
    "rollback_savepoint": lambda conn, name, context: logger.info("ROLLBACK TO SAVEPOINT %s", name),
    "release_savepoint": lambda conn, name, context: logger.info("RELEASE SAVEPOINT %s", name),
}
