"""A driver that can be made to fail: every call is counted, and one of them raises. Knows calls and texts, no session."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

import duckdb

from nbsession import Engine
from nbsession.database.link import Link

CALLS = frozenset(
    ["execute", "executemany", "fetchall", "fetchmany", "fetchone", "fetchnumpy", "register", "unregister", "__iter__"]
)
"""what may fail; ``close`` has an answer of its own"""
SAID = "injected fault"


class Fault(NamedTuple):
    """Which call fails, and how.

    :ivar at: its number, from 1 on; 0: none.
    :ivar how: ``refused``: it does nothing; ``lost``: the transaction is lost with it; ``done``: it takes effect all the
        same; ``interrupted``: it takes effect, and the error is none of the driver's.
    :ivar rollbacks: how many ROLLBACKs fail after it, too.
    """

    at: int = 0
    how: str = "refused"
    rollbacks: int = 0


class Gate:
    """What all connections of a run pass by: counts their calls, and closes at the one that is to fail.

    :ivar texts: what was called, in order.
    :ivar failed: the call that failed, or None.
    """

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.failed: str | None = None
        self.fault = Fault()
        self._left = 0

    def arm(self, fault: Fault) -> None:
        """Begins to count anew."""
        self.texts, self.failed, self.fault, self._left = [], None, fault, fault.rollbacks

    def disarm(self) -> None:
        """From now on nothing fails."""
        self.fault, self._left = Fault(), 0

    def call(self, raw: Any, name: str, call: Callable[[], Any], text: str) -> Any:
        """Makes a call, or lets it fail."""
        self.texts.append(text)
        fault = self.fault
        if len(self.texts) == fault.at:
            self.failed = text
            if fault.how == "interrupted":
                call()
                raise KeyboardInterrupt(SAID)
            if fault.how == "done" and text != "COMMIT":  # what a driver says of a COMMIT must be believed
                call()
            if fault.how == "lost":
                lose_transaction(raw)
            raise error_of(raw)
        if self.failed and self._left and text == "ROLLBACK":
            self._left -= 1
            raise error_of(raw)
        return call()


class WatchedCalls:
    """A driver's connection or cursor whose calls pass by a gate."""

    def __init__(self, raw: Any, gate: Gate, connection: Any = None) -> None:
        self.raw = raw
        self.gate = gate
        self.connection = connection if connection is not None else raw

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.raw, name)
        if name not in CALLS:
            return found

        def call(*args: Any) -> Any:
            text = str(args[0]) if name.startswith("execute") else f"({name})"
            try:
                result = self.gate.call(self.connection, name, lambda: found(*args), text)
            except BaseException:
                if isinstance(self.raw, sqlite3.Cursor):
                    self.raw.close()  # as the driver itself does: an open cursor would hold a lock
                raise
            if result is self.raw:
                return self
            return WatchedCalls(result, self.gate, self.connection) if isinstance(result, sqlite3.Cursor) else result

        return call

    def __iter__(self) -> Any:
        return self.gate.call(self.connection, "__iter__", lambda: iter(self.raw), "(__iter__)")


def watch(engine: Engine, gate: Gate) -> list[Link]:
    """Lets all of an engine's connections pass by a gate. Returns a list of them that grows."""
    source, links = engine._source, []
    checkout = source.checkout

    def watched() -> Link:
        link = checkout()
        if not isinstance(link.raw, WatchedCalls):
            link.raw = WatchedCalls(link.raw, gate)
            links.append(link)
        return link

    source.checkout = watched  # type: ignore[method-assign]
    return links


def bare(raw: Any) -> Any:
    """The driver's own connection."""
    return raw.raw if isinstance(raw, WatchedCalls) else raw


def error_of(raw: Any) -> Exception:
    """An error as the driver would raise it."""
    cls = sqlite3.OperationalError if isinstance(raw, sqlite3.Connection) else duckdb.IOException
    return cls(SAID)


def lose_transaction(raw: Any) -> None:
    """What the worst errors do: SQLite rolls back by itself (disk full), DuckDB's transaction is aborted."""
    if isinstance(raw, sqlite3.Connection):
        if raw.in_transaction:
            raw.execute("ROLLBACK")
        return
    with suppress(duckdb.Error):
        raw.execute("SELECT error('lost')").fetchall()


def in_transaction(raw: Any) -> bool:
    """Does the driver's connection have a transaction open?"""
    raw = bare(raw)
    if isinstance(raw, sqlite3.Connection):
        return raw.in_transaction
    try:
        raw.execute("BEGIN")
    except duckdb.Error:
        return True
    raw.execute("ROLLBACK")
    return False
