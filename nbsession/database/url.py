"""Database URLs: ``sqlite:///file.db`` taken apart. Knows which databases there are, opens none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode

from nbsession.exc import ArgumentError

BACKENDS = ("sqlite", "duckdb")
"""the databases nbsession runs on"""

_FORMS = {
    "sqlite": "sqlite:// (in memory), sqlite:///relative.db, sqlite:////absolute/path.db",
    "duckdb": "duckdb:// (in memory), duckdb:///relative.duckdb, duckdb:////absolute/path.duckdb",
}
_DRIVERS = {"sqlite": ("pysqlite",), "duckdb": ("duckdb",)}


@dataclass(frozen=True, slots=True)
class URL:
    """Where a database is.

    :ivar drivername: ``'sqlite'`` or ``'duckdb'``, possibly with a driver: ``'sqlite+pysqlite'``.
    :ivar database: the file's path as written, or None for a database in memory.
    :ivar query: what follows the question mark.

    >>> str(make_url("sqlite:///toolshed.db?timeout=3"))
    'sqlite:///toolshed.db?timeout=3'
    """

    drivername: str
    database: str | None = None
    query: Mapping[str, str] = field(default_factory=dict, hash=False)

    def get_backend_name(self) -> str:
        """The database's name: ``'sqlite'`` or ``'duckdb'``."""
        return self.drivername.partition("+")[0]

    def render_as_string(self, hide_password: bool = True) -> str:
        """The URL as text. There is no password to hide; the argument is there for SQLAlchemy's sake."""
        text = f"{self.drivername}://"
        if self.database is not None:
            text += f"/{self.database}"
        return f"{text}?{urlencode(self.query, safe='/:')}" if self.query else text

    def __str__(self) -> str:
        return self.render_as_string()


def make_url(url: str | URL) -> URL:
    """Takes a URL apart.

    :param url: text as ``duckdb:///shop.duckdb``, or a URL, which is returned as it is.
    :raises ArgumentError: it is no URL, or of a database that nbsession does not run on.
    """
    if isinstance(url, URL):
        return url
    if not isinstance(url, str):
        raise ArgumentError(f"Expected a string or a URL, got {url!r}. Example: create_engine('sqlite:///shop.db').")
    drivername, separator, rest = url.partition("://")
    if not separator:
        raise ArgumentError(
            f"Could not parse a database URL from {url!r}: it has no '://'. For a file write 'sqlite:///{url}' or "
            f"'duckdb:///{url}'."
        )
    backend, _, driver = drivername.partition("+")
    if backend not in BACKENDS or (driver and driver not in _DRIVERS[backend]):
        forms = "; ".join(_FORMS.values())
        raise ArgumentError(
            f"Can't load a database for {drivername!r}: nbsession runs on SQLite and DuckDB. URLs: {forms}."
        )
    path, _, query = rest.partition("?")
    if path and not path.startswith("/"):
        raise ArgumentError(
            f"Invalid URL {url!r}: {path!r} stands where a host would, and {backend} has none. "
            f"Valid forms: {_FORMS[backend]}."
        )
    database = path[1:]
    return URL(
        drivername, None if database in ("", ":memory:") else database, dict(parse_qsl(query, keep_blank_values=True))
    )
