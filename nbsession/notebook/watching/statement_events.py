"""What is sent on a session's connections, as facts. Hears statements; sends none.

A connection is listened to from the moment when the session's transaction takes it. If a transaction has one already
when the watching begins, it is known by the first statement on it that one of the session's own calls sends.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from typing import Any
from weakref import WeakSet, ref

from sqlalchemy import event

from nbsession.events import StatementExecuted, safe_repr
from nbsession.notebook.watching.causes import cause_now
from nbsession.notebook.watching.gathering import GatheringBus
from nbsession.notebook.watching.hearing import quietly

CONTROL = ("SAVEPOINT", "RELEASE", "ROLLBACK")
"""how statements begin that SQLAlchemy sends for itself"""
RETURNED = re.compile(r"\bVALUES \(.*\bRETURNING\b", re.DOTALL)
DEEP = 60
"""calls to look through for the session"""


class StatementEvents:
    """The statements of one session.

    :param session: the session; held weakly.
    :param bus: where the facts go.
    :param engines: those that it may have a connection of already, if its transaction has begun.
    """

    def __init__(self, session: Any, bus: GatheringBus, engines: Iterable[Any]) -> None:
        self._session = ref(session)
        self._bus = bus
        self._connections: WeakSet[Any] = WeakSet()
        self._engines: WeakSet[Any] = WeakSet()
        self._searched: WeakSet[Any] = WeakSet()
        self._many: tuple[str, Any] | None = None
        event.listen(session, "after_begin", self._began)
        if session.in_transaction():
            for engine in engines:
                event.listen(engine, "before_cursor_execute", self._search)
                self._searched.add(engine)

    @property
    def connections(self) -> list[Any]:
        """The connections that the session's transaction has, as far as known."""
        return [each for each in self._connections if not each.closed and each.in_transaction()]

    def ended(self) -> None:
        """The transaction ended: from the next one every connection is known from its beginning."""
        for engine in tuple(self._searched):
            event.remove(engine, "before_cursor_execute", self._search)
        self._searched.clear()

    def close(self) -> None:
        """Hears nothing more."""
        self.ended()
        session = self._session()
        if session is not None:
            event.remove(session, "after_begin", self._began)
        for connection in tuple(self._connections):
            event.remove(connection, "before_cursor_execute", self._sending)
            event.remove(connection, "after_cursor_execute", self._sent)
        for engine in tuple(self._engines):
            event.remove(engine, "handle_error", self._refused)
        self._connections.clear()
        self._engines.clear()

    # ── connections ──────────────────────────────────────────────────────────────────────────────────────────────────
    @quietly
    def _began(self, _session: Any, _transaction: Any, connection: Any) -> None:
        if connection in self._connections:
            return
        self._connections.add(connection)
        event.listen(connection, "before_cursor_execute", self._sending)
        event.listen(connection, "after_cursor_execute", self._sent)
        if connection.engine not in self._engines:
            self._engines.add(connection.engine)
            event.listen(connection.engine, "handle_error", self._refused)

    @quietly
    def _search(self, connection: Any, *_: Any) -> None:
        """Is a statement on a connection that is not known sent by one of the session's own calls?"""
        session, frame = self._session(), sys._getframe(1)
        if session is None or connection in self._connections:
            return
        for _depth in range(DEEP):
            if frame.f_locals.get("self") is session:
                self._began(session, None, connection)
                return
            if frame.f_back is None:
                return
            frame = frame.f_back

    # ── statements ───────────────────────────────────────────────────────────────────────────────────────────────────
    @quietly
    def _sending(self, _connection: Any, _cursor: Any, sql: str, params: Any, _context: Any, many: bool) -> None:
        """SQLAlchemy 2.0 tells of an INSERT of many rows as it was sent before it only, after it of one row of it."""
        self._many = (sql, params) if many else None

    @quietly
    def _sent(self, _connection: Any, cursor: Any, sql: str, params: Any, _context: Any, many: bool) -> None:
        (sql, params), self._many = self._many or (sql, params), None
        sets = list(params) if many and isinstance(params, (list, tuple)) and _several(params) else [params]
        self._bus.publish(
            StatementExecuted(
                cause=cause_now(),
                sql=sql,
                params=_values(sets[0] if sets else ()),
                executions=max(1, len(sets)),
                rows=_rows(sql, getattr(cursor, "rowcount", -1)),
                internal=sql.startswith(CONTROL),
            )
        )

    @quietly
    def _refused(self, context: Any) -> None:
        if context.connection is None or context.connection not in self._connections or context.statement is None:
            return
        error = context.sqlalchemy_exception or context.original_exception
        self._bus.publish(
            StatementExecuted(
                cause=cause_now(),
                sql=context.statement,
                params=_values(context.parameters or ()),
                executions=1,
                rows=None,
                internal=context.statement.startswith(CONTROL),
                error=first_line(error),
            )
        )


def first_line(error: BaseException) -> str:
    """An error in one line, with its type."""
    return f"({type(error).__name__}) {str(error).partition(chr(10))[0]}"


def _several(params: Any) -> bool:
    return bool(params) and isinstance(params[0], (tuple, list, dict))


def _values(params: Any) -> tuple[str, ...]:
    if isinstance(params, dict):
        return tuple(f"{name}={safe_repr(value)}" for name, value in params.items())
    if _several(params):
        return _values(params[0])
    return tuple(map(safe_repr, params))


def _rows(sql: str, count: int) -> int | None:
    """Rows touched; None where the driver does not say, as of a SELECT."""
    if count <= 0 and sql.startswith("INSERT") and RETURNED.search(sql):
        return sql.count("), (") + 1  # a driver counts no rows that it returns
    return None if count < 0 else count
