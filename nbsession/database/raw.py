"""SQL as a user wrote it: sent unchanged, but not everything. Transactions are begun and ended by methods only."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from nbsession.database.link import Outcome
from nbsession.database.observing import observed
from nbsession.database.result import Result
from nbsession.exc import ArgumentError, InvalidRequestError

if TYPE_CHECKING:
    from nbsession.database.connection import Connection

_FIRST_WORD = re.compile(r"(?:\s|;|--[^\n]*(?:\n|$)|/\*.*?\*/)*([A-Za-z]+)", re.DOTALL)
_CONTROL = {
    "BEGIN": "begin()",
    "START": "begin()",
    "COMMIT": "commit()",
    "END": "commit()",
    "ROLLBACK": "rollback(), or rollback() of the transaction that begin_nested() returned",
    "ABORT": "rollback()",
    "SAVEPOINT": "begin_nested()",
    "RELEASE": "commit() of the transaction that begin_nested() returned",
}
_READS = frozenset(("SELECT", "VALUES", "FROM", "EXPLAIN", "PRAGMA", "SHOW", "DESCRIBE", "SUMMARIZE", "TABLE", "WITH"))
_HIDDEN_WRITE = re.compile(r"\b(insert|update|delete|merge|replace|nextval|setval|into)\b", re.IGNORECASE)


@lru_cache(maxsize=500)
def first_word(sql: str) -> str:
    """The first word of a statement in capitals, behind comments; '' if there is none."""
    found = _FIRST_WORD.match(sql)
    return found.group(1).upper() if found else ""


@lru_cache(maxsize=500)
def may_write(sql: str) -> bool:
    """Could it write? A SELECT can, through a CTE or nextval(): in doubt, yes."""
    return first_word(sql) not in _READS or _HIDDEN_WRITE.search(sql) is not None


def check_control(sql: str) -> None:
    """Refuses what begins or ends transactions behind the connection's back.

    :raises InvalidRequestError: it does.
    """
    word = first_word(sql)
    if word in _CONTROL:
        raise InvalidRequestError(
            f"{word} as SQL is refused: the connection would not know of it. Call {_CONTROL[word]} instead."
        )


def run_raw(connection: Connection, sql: str, parameters: Any) -> Result:
    """Runs SQL text with ``?`` parameters: once, or once for each set of a list."""
    if not isinstance(sql, str):
        raise ArgumentError(
            f"exec_driver_sql() takes SQL as a string, got {sql!r}. For select() and the like use execute()."
        )
    link = connection._ready()
    if first_word(sql) in _CONTROL:
        return _run_control(connection, sql)
    many = _is_many(parameters)
    try:
        if many:
            if not connection._watched:
                return Result(None, (), link.execute_many(sql, parameters))
            return Result(
                None, (), observed(connection, sql, parameters, lambda: link.execute_many(sql, parameters), int)
            )
        params = parameters if parameters is not None else ()
        writing = may_write(sql)
        if not connection._watched:
            outcome = link.execute(sql, params, writing)
        else:
            outcome = observed(connection, sql, (params,), lambda: link.execute(sql, params, writing), rows_touched)
    except BaseException as error:
        connection.fail(error, sql, parameters)
    return Result(outcome.rows, outcome.keys, outcome.rowcount, lastrowid=outcome.lastrowid)


def _run_control(connection: Connection, sql: str) -> Result:
    """Transaction control as the driver takes it. Savepoints by redo cannot do without their own; there it is refused."""
    if not connection.dialect.native_savepoints:
        check_control(sql)
    link = connection._ready()
    try:
        link.control(sql)
    except BaseException as error:
        connection.fail(error, sql)
    connection.tell(sql)
    return Result(None, ())


def rows_touched(outcome: Outcome) -> int | None:
    """Rows returned or touched, or None where the database does not say."""
    if outcome.rows is not None:
        return len(outcome.rows)
    return outcome.rowcount if outcome.rowcount >= 0 else None


def _is_many(parameters: Any) -> bool:
    return (
        isinstance(parameters, list)
        and bool(parameters)
        and all(isinstance(one, Sequence | Mapping) and not isinstance(one, str | bytes) for one in parameters)
    )
