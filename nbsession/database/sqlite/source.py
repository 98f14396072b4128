"""Opening SQLite databases: which file, in which mode, and which connections are kept for the next time."""

from __future__ import annotations

import os
import threading
from typing import Any
from urllib.parse import quote as url_quote
from urllib.parse import urlencode

from nbsession.database.file_guard import guard
from nbsession.database.link import Link, LinkSource
from nbsession.database.sqlite.dialect import SQLiteDialect
from nbsession.database.sqlite.link import SQLiteLink
from nbsession.exc import ArgumentError

BUSY_TIMEOUT = 2.0
"""seconds to wait for a locked file: a person in a notebook wants to know soon"""


class SQLiteSource(LinkSource):
    """Opens a SQLite database: idle connections to a file are kept and used again, a database in memory has one."""

    def __init__(self, dialect: SQLiteDialect, connect_args: dict[str, Any]) -> None:
        import sqlite3

        self._connect = sqlite3.connect
        self.dialect = dialect
        self._args: dict[str, Any] = {"timeout": BUSY_TIMEOUT, **_url_options(dialect.url.query), **connect_args}
        self._idle: list[SQLiteLink] = []
        self._open_links: set[Link] = set()
        self._memory: SQLiteLink | None = None
        self._lock = threading.Lock()

    def checkout(self) -> Link:
        """An idle link, or a new one."""
        with self._lock:
            if self.dialect.url.database is None:
                if self._memory is None:
                    self._memory = self._open(":memory:")
                return self._memory
            if self._idle:
                return self._idle.pop()
        link = self._open(self.dialect.url.database)
        with self._lock:
            self._open_links.add(link)
        return link

    def _open(self, path: str) -> SQLiteLink:
        memory = path == ":memory:"
        ours = not memory and not {"uri", "said"} & self._args.keys() and not os.path.exists(path)
        args = dict(self._args)
        said = args.pop("said", {})
        if said and not args.get("uri"):
            path, args["uri"] = f"file:{url_quote(path)}", True
        if said:
            path += f"?{urlencode(said)}"
        raw = self._connect(path, isolation_level=None, check_same_thread=False, **args)
        try:
            raw.execute(f"PRAGMA foreign_keys={'OFF' if self.dialect.foreign_keys == 'off' else 'ON'}")
            if ours:
                # a file of the user's keeps its journal mode: changing it rewrites the file's header
                raw.execute("PRAGMA journal_mode=WAL")
            raw.execute("PRAGMA schema_version").fetchall()  # is it a database at all?
        except BaseException:
            raw.close()
            raise
        link = SQLiteLink(self.dialect, raw, shared=memory)
        if not memory and not args.get("uri"):
            link.check_file = guard(path)
        return link

    def checkin(self, link: Link) -> None:
        """Keeps the link for the next connection."""
        clean = link.made_clean()
        if link is self._memory:
            return
        with self._lock:
            if clean and link in self._open_links:
                self._idle.append(link)  # type: ignore[arg-type]
                return
            self._open_links.discard(link)
        link.close()  # which rolls back; or it was in use when the engine was disposed of

    def discard(self, link: Link) -> None:
        """Closes a link that is in use; a database in memory is gone with it."""
        with self._lock:
            self._open_links.discard(link)
            if link is self._memory:
                self._memory = None
        link.close()

    def dispose(self) -> None:
        """Closes idle links; a database in memory is gone with its connection."""
        with self._lock:
            links, self._idle = self._idle, []
            self._open_links.clear()
            if self._memory is not None:
                links.append(self._memory)
                self._memory = None
        for link in links:
            link.close()


def _url_options(query: Any) -> dict[str, Any]:
    """What connect() takes; under ``said`` what SQLite itself reads in the name of a file that is a URI."""
    options: dict[str, Any] = {}
    uri = query.get("uri", "").lower() in ("1", "true", "yes")
    for name, text in query.items():
        match name:
            case "timeout":
                options[name] = float(text)
            case "cached_statements":
                options[name] = int(text)
            case "uri":
                options[name] = uri
            case _ if uri or name == "mode":
                options.setdefault("said", {})[name] = text
            case _:
                raise ArgumentError(
                    f"Unknown option {name!r} in the SQLite URL. Known: timeout, mode, cached_statements, uri; "
                    "with uri=true also those of SQLite's own URIs, as cache=shared."
                )
    return options
