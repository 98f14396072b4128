"""Hooks at whole executions, ``before_execute`` and ``after_execute``, and at errors, ``handle_error``.

Knows connections and statements. A connection asks for it only while somebody listens.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from nbsession.database.result import Result
from nbsession.database.rows import RowDelete, RowInsert, RowUpdate, Sets

if TYPE_CHECKING:
    from nbsession.database.transacting import Transacting

T = TypeVar("T")
Write = RowInsert | RowUpdate | RowDelete


class ExceptionContext:
    """What a ``handle_error`` hook is told. The exception that it returns, or raises, takes the place of ours.

    :ivar connection: the connection; ``engine`` and ``dialect`` are its.
    :ivar statement: the SQL, or None.
    :ivar parameters: what it was sent with.
    :ivar original_exception: what the driver raised.
    :ivar sqlalchemy_exception: our error for it; None where there is none.
    :ivar chained_exception: what a hook before this one returned, or None.
    :ivar is_disconnect: was the connection lost? Files are not lost.
    """

    is_disconnect = False

    def __init__(
        self,
        connection: Transacting,
        statement: str | None,
        parameters: Any,
        original: BaseException,
        ours: BaseException,
    ) -> None:
        self.connection = connection
        self.engine = connection.engine
        self.dialect = connection.dialect
        self.statement = statement
        self.parameters = parameters
        self.original_exception = original
        self.sqlalchemy_exception = None if ours is original else ours
        self.chained_exception: BaseException | None = None


def handled(
    connection: Transacting, error: BaseException, ours: BaseException, statement: str | None, parameters: Any
) -> BaseException:
    """The error to be raised, as ``handle_error`` hooks will have it.

    :param error: the driver's.
    :param ours: our error for it.
    """
    hooks = connection.engine._hooks["handle_error"]
    if not hooks or not isinstance(error, Exception):
        return ours
    context = ExceptionContext(connection, statement, parameters, error, ours)
    for hook in tuple(hooks):
        try:
            given = hook(context)
        except Exception as raised:
            return raised
        if given is not None:
            context.chained_exception = given
    return context.chained_exception or ours


def before(connection: Transacting, statement: Any, parameters: Any) -> tuple[Any, Any]:
    """Calls ``before_execute``.

    :param parameters: None, a mapping, or several.
    :return: the statement and its parameters, as hooks that were added with ``retval=True`` changed them.
    """
    for hook in tuple(connection.engine._hooks["before_execute"]):
        several, single = _as_told(parameters)
        given = hook(connection, statement, several, single, _options(connection, statement))
        if given is not None and getattr(hook, "__nbs_retval__", False):
            statement, several, single = given
            parameters = several or single or None
    return statement, parameters


def after(connection: Transacting, statement: Any, parameters: Any, result: Any) -> None:
    """Calls ``after_execute``."""
    several, single = _as_told(parameters)
    for hook in tuple(connection.engine._hooks["after_execute"]):
        hook(connection, statement, several, single, _options(connection, statement), result)


def told_rows(connection: Transacting, write: Write, rows: Sets, run: Callable[[], T]) -> T:
    """Writes rows between the hooks, which are told an ``insert()``, ``update()`` or ``delete()`` that says the same."""
    statement, names = _statement_of(write)
    sets = [dict(zip(names, row, strict=True)) for row in rows]
    parameters = sets if len(sets) > 1 else sets[0]
    before(connection, statement, parameters)
    done = run()
    after(connection, statement, parameters, Result(None, (), done if isinstance(done, int) else len(rows)))
    return done


def _as_told(parameters: Any) -> tuple[Any, Any]:
    """(multiparams, params), as SQLAlchemy tells them."""
    if not parameters:
        return (), {}
    return ([], dict(parameters)) if isinstance(parameters, Mapping) else (list(parameters), {})


def _options(connection: Any, statement: Any) -> dict[str, Any]:
    return {**connection.get_execution_options(), **getattr(statement, "execution_options_", {})}


def _statement_of(write: Write) -> tuple[Any, Sequence[str]]:
    """A statement that writes such rows, and the names of its parameters in the order of their values."""
    from nbsession.sql.expression import bindparam, delete, insert, update

    table = write.table
    if isinstance(write, RowInsert):
        return insert(table), [column.name for column in write.columns]
    prefix = f"{table.name}_" if isinstance(write, RowUpdate) else ""
    matched = [f"{prefix}{column.name}" for column in write.match_columns]
    criteria = [
        column == bindparam(name, type_=column.type) for column, name in zip(write.match_columns, matched, strict=True)
    ]
    if isinstance(write, RowUpdate):
        return update(table).where(*criteria), [*(column.name for column in write.set_columns), *matched]
    return delete(table).where(*criteria), matched
