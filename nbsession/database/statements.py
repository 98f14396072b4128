"""Running a statement of ``sql/``: what may be run, with which parameters, by which way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nbsession.database.inserts import insert_many, insert_with_key
from nbsession.database.prepared import prepare
from nbsession.database.result import Result
from nbsession.database.running import run_many, run_once
from nbsession.database.telling import after, before
from nbsession.exc import ArgumentError
from nbsession.sql.base import Executable
from nbsession.sql.elements import ColumnElement
from nbsession.sql.textual import text

if TYPE_CHECKING:
    from nbsession.database.connection import Connection
    from nbsession.database.link import Rows


def run_statement(connection: Connection, statement: Any, parameters: Any) -> Result:
    """Runs a statement: once, or once for each mapping of a list."""
    statement = _executable(statement)
    sets = _parameter_sets(parameters)
    if statement.kind == "insert":
        if len(sets) > 1:
            return insert_many(connection, statement, sets)
        if connection.dialect.draws_keys and statement.table.autoincrement_column is not None:
            return insert_with_key(connection, statement, sets[0])
    if len(sets) > 1:
        return run_many(connection, statement, sets)
    return run_once(connection, statement, sets[0])


def run_told(connection: Connection, statement: Any, parameters: Any) -> Result:
    """:func:`run_statement` between the hooks, the first of which may have changed what is run."""
    statement, parameters = before(connection, _executable(statement), parameters)
    result = run_statement(connection, statement, parameters)
    after(connection, statement, parameters, result)
    return result


def fetch_told(connection: Connection, sql: str, params: Sequence[Any], statement: Any, parameters: Any) -> Rows:
    """Rows of a SELECT of the session's, between the hooks; one that a hook has narrowed is prepared anew.

    :param statement: what the SQL was made of; None: hooks are told its text.
    """
    given = statement if statement is not None else text(sql)
    changed, values = before(connection, given, parameters)
    if changed is not given:
        prepared = prepare(connection, changed, values)
        sql, params = prepared.sql, prepared.values(changed, values)
    rows = connection._fetch(sql, params)
    after(connection, changed, values, Result(list(rows)))
    return rows


def _executable(statement: Any) -> Executable:
    if isinstance(statement, Executable):
        return statement
    element = statement.__clause_element__() if hasattr(statement, "__clause_element__") else statement
    if isinstance(element, ColumnElement):
        from nbsession.sql.expression import select

        made: Executable = select(element)
        return made
    advice = (
        f"Use text({statement!r})"
        if isinstance(statement, str)
        else "Give a select(), insert(), update(), delete() or text()"
    )
    raise ArgumentError(f"Not an executable object: {statement!r}. {advice}.")


def _parameter_sets(parameters: Any) -> Sequence[Any]:
    """The sets of parameters; ``(None,)`` if there are none."""
    if parameters is None:
        return (None,)
    if isinstance(parameters, Mapping):
        return (parameters or None,)
    if isinstance(parameters, list | tuple) and all(isinstance(one, Mapping) for one in parameters):
        return parameters or (None,)
    raise ArgumentError(
        f"List argument must consist only of dictionaries; parameters are a mapping or a list of mappings, got {parameters!r}."
    )
