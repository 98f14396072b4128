"""Who watches statements: hooks, which may veto, and facts, which only tell. Knows both; runs the statement in between."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from nbsession.events import StatementExecuted, safe_repr

if TYPE_CHECKING:
    from nbsession.database.connection import Connection
    from nbsession.database.transacting import Transacting

T = TypeVar("T")

_STATEMENT = ("conn", "cursor", "statement", "parameters", "context", "executemany")
_EXECUTION = ("conn", "clauseelement", "multiparams", "params", "execution_options")
HOOKS: dict[str, tuple[str, ...]] = {
    "before_cursor_execute": _STATEMENT,
    "after_cursor_execute": _STATEMENT,
    "before_execute": _EXECUTION,
    "after_execute": (*_EXECUTION, "result"),
    "handle_error": ("exception_context",),
    "connect": ("dbapi_connection", "connection_record"),
    "begin": ("conn",),
    "commit": ("conn",),
    "rollback": ("conn",),
    "savepoint": ("conn", "name"),
    "rollback_savepoint": ("conn", "name", "context"),
    "release_savepoint": ("conn", "name", "context"),
}
"""the names of an engine's hooks, with the names of their arguments, as in SQLAlchemy"""


class ExecutionContext:
    """What a hook can learn of the statement beyond its text.

    :ivar executemany: was it sent with several sets of parameters?
    :ivar statement: its text.
    :ivar parameters: what it is sent with.
    """

    __slots__ = ("connection", "dialect", "executemany", "parameters", "statement")

    def __init__(self, connection: Connection, statement: str, parameters: Any, executemany: bool) -> None:
        self.connection = connection
        self.dialect = connection.dialect
        self.statement = statement
        self.parameters = parameters
        self.executemany = executemany

    @property
    def engine(self) -> Any:
        """The engine."""
        return self.connection.engine


def observed(
    connection: Connection,
    sql: str,
    sets: Sequence[Any],
    run: Callable[[], T],
    rows_of: Callable[[T], int | None],
) -> T:
    """Runs a statement between its hooks, and publishes what happened.

    :param sets: its sets of parameters, at least one.
    :param run: sends it.
    :param rows_of: the rows returned or touched, from what ``run`` returned.
    """
    hooks = connection.engine._hooks
    before, after = hooks["before_cursor_execute"], hooks["after_cursor_execute"]
    many = len(sets) > 1
    params = sets[0]
    cursor, context = None, None
    if before or after:
        params = list(sets) if many else params
        cursor, context = connection._cursor(), ExecutionContext(connection, sql, params, many)
        for hook in tuple(before):
            hook(connection, cursor, sql, params, context, many)
    try:
        result = run()
    except BaseException as error:
        publish(connection, sql, sets[0], len(sets), None, error)
        raise
    publish(connection, sql, sets[0], len(sets), rows_of(result))
    for hook in tuple(after):
        hook(connection, cursor, sql, params, context, many)
    return result


def publish(
    connection: Transacting,
    sql: str,
    params: Any,
    executions: int,
    rows: int | None,
    error: BaseException | None = None,
    internal: bool = False,
) -> None:
    """Publishes a statement, if anybody listens."""
    facts = connection.facts
    if facts is None or not facts.observers:
        return
    values = params.values() if isinstance(params, dict) else params
    facts.publish(
        StatementExecuted(
            sql=sql,
            params=tuple([safe_repr(value) for value in values]),
            executions=executions,
            rows=rows,
            internal=internal,
            error=None if error is None else f"{type(error).__name__}: {str(error).partition(chr(10))[0]}",
        )
    )
