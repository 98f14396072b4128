"""Sending a prepared statement: once, or once for each set of parameters. Knows links and results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nbsession.database.observing import observed
from nbsession.database.prepared import Prepared, is_plain, prepare
from nbsession.database.raw import rows_touched
from nbsession.database.result import Result
from nbsession.sql.base import Executable

if TYPE_CHECKING:
    from nbsession.database.connection import Connection


def run_once(connection: Connection, statement: Executable, parameters: Mapping[str, Any] | None) -> Result:
    """Runs a statement once, as it is."""
    prepared = prepare(connection, statement, parameters)
    sql = prepared.sql
    values = prepared.compiled.bind(statement, parameters)
    params = prepared.sent(values)
    link = connection._ready()
    watched = connection._watched
    try:
        if not prepared.writes and prepared.keys:
            if watched:
                rows = observed(connection, sql, (params,), lambda: link.fetch(sql, params), len)
            else:
                rows = link.fetch(sql, params)
            return Result(prepared.rows(rows), prepared.keys)
        if watched:
            outcome = observed(
                connection, sql, (params,), lambda: link.execute(sql, params, prepared.writes), rows_touched
            )
        else:
            outcome = link.execute(sql, params, prepared.writes)
    except BaseException as error:
        connection.fail(error, sql, params)
    fetched = None if outcome.rows is None else prepared.rows(outcome.rows)
    inserted = None
    if prepared.compiled.kind == "insert":
        inserted = _inserted_key(prepared, statement, values, outcome.lastrowid)
    return Result(
        fetched, prepared.keys or outcome.keys, outcome.rowcount, inserted=inserted, lastrowid=outcome.lastrowid
    )


def run_many(connection: Connection, statement: Executable, sets: Sequence[Mapping[str, Any]]) -> Result:
    """Runs a statement once for each set of parameters."""
    prepared = prepare(connection, statement, sets[0])
    sql = prepared.sql
    rows = [prepared.values(statement, one) for one in sets]
    link = connection._ready()
    try:
        if connection._watched:
            count = observed(connection, sql, rows, lambda: link.execute_many(sql, rows), int)
        else:
            count = link.execute_many(sql, rows)
    except BaseException as error:
        connection.fail(error, sql, rows)
    return Result(None, (), count)


def _inserted_key(
    prepared: Prepared, statement: Any, values: tuple[Any, ...], lastrowid: int | None
) -> tuple[Any, ...] | None:
    """The key of the row of an INSERT, if it is one row and the key is known.

    :param values: what was bound.
    """
    compiled = prepared.compiled
    table = compiled.table
    if len(statement.rows) > 1 or not len(table.primary_key) or not is_plain(prepared, statement):
        return None
    written = {id(column): value for column, value in zip(compiled.written, values, strict=True)}
    numbered = table.autoincrement_column
    return tuple([written.get(id(key), lastrowid if key is numbered else None) for key in table.primary_key])
