"""INSERT statements of ``sql/``: many rows in one go, and keys that are drawn before they are sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nbsession.database.prepared import Prepared, is_plain, prepare
from nbsession.database.result import Result
from nbsession.database.rows import RowInsert
from nbsession.database.running import run_many, run_once
from nbsession.sql.elements import BindParameter

if TYPE_CHECKING:
    from nbsession.database.connection import Connection
    from nbsession.sql.dml import Insert


def insert_many(connection: Connection, statement: Insert, sets: Sequence[Mapping[str, Any]]) -> Result:
    """``execute(insert(table), [{...}, {...}])``: all of them or none."""
    prepared = prepare(connection, statement, sets[0])
    if statement.raw_returning:
        results = [run_once(connection, *_with_drawn_keys(connection, statement, one)) for one in sets]
        return Result([tuple(row) for result in results for row in result], prepared.keys, len(sets))
    if not is_plain(prepared, statement):
        return run_many(connection, statement, sets)
    rows = [prepared.values(statement, one) for one in sets]
    _insert_rows(connection, prepared, rows)
    return Result(None, (), len(rows))


def insert_with_key(connection: Connection, statement: Insert, parameters: Mapping[str, Any] | None) -> Result:
    """One INSERT, where keys are drawn first: by the fast door where it can be, else with the keys written in."""
    if statement.select is not None:
        return _insert_from_select(connection, statement)
    prepared = prepare(connection, statement, parameters)
    if statement.raw_returning or not is_plain(prepared, statement):
        return run_once(connection, *_with_drawn_keys(connection, statement, parameters))
    written, bound = prepared.compiled.written, prepared.compiled.bind(statement, parameters)
    values = prepared.sent(bound)
    width = len(written)
    rows = [values[start : start + width] for start in range(0, len(values), width)] if width else [()]
    keys = _insert_rows(connection, prepared, rows)
    inserted = None
    if len(rows) == 1:
        plain = dict(zip(map(id, written), bound, strict=True))
        numbered = statement.table.autoincrement_column
        drawn = keys[0] if keys else None
        inserted = tuple([plain.get(id(c), drawn if c is numbered else None) for c in statement.table.primary_key])
    return Result(None, (), len(rows), inserted=inserted, lastrowid=keys[-1] if keys else None)


def _insert_rows(connection: Connection, prepared: Prepared, rows: list[tuple[Any, ...]]) -> Sequence[Any] | None:
    table, written = prepared.compiled.table, prepared.compiled.written
    generated = table.autoincrement_column if connection.dialect.draws_keys else None
    if generated is not None and any(column is generated for column in written):
        generated = None
    return connection._insert_rows(RowInsert(table, written, generated), rows)


def _with_drawn_keys(
    connection: Connection, statement: Insert, parameters: Mapping[str, Any] | None
) -> tuple[Insert, Mapping[str, Any] | None]:
    """The statement with a key in each row that has none."""
    column = statement.table.autoincrement_column
    if not connection.dialect.draws_keys or column is None or column.key in (parameters or {}):
        return statement, parameters
    given = statement.rows or ((),)
    missing = [row for row in given if all(one is not column for one, _ in row)]
    if not missing:
        return statement, parameters
    keys = iter(connection._ready().draw_keys(column, len(missing)))
    rows = tuple(
        row if any(one is column for one, _ in row) else (*row, (column, BindParameter(None, next(keys), column.type)))
        for row in given
    )
    return statement._copy(rows=rows), parameters


def _insert_from_select(connection: Connection, statement: Insert) -> Result:
    """INSERT ... SELECT without keys: the rows are read and inserted, so that each gets its key."""
    column = statement.table.autoincrement_column
    if any(one is column for one in statement.select_columns) or statement.raw_returning:
        return run_once(connection, statement, None)
    select = prepare(connection, statement.select, None)
    rows = connection._fetch(select.sql, select.values(statement.select, None))
    if rows:
        connection._insert_rows(RowInsert(statement.table, statement.select_columns, column), rows)
    return Result(None, (), len(rows))
