"""INSERT of entities, and UPDATE of many rows by their primary keys. Knows which attribute lies in which table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nbsession.database.processors import takes_none
from nbsession.database.result import Result
from nbsession.database.rows import RowUpdate
from nbsession.exc import InvalidRequestError, StaleDataError
from nbsession.mapping.mapper import Mapper
from nbsession.session.querying.mass_changes import returned_objects, take_values
from nbsession.sql.dml import Insert

if TYPE_CHECKING:
    from nbsession.session.session import Session


def insert_entities(session: Session, connection: Any, statement: Any, mapper: Mapper, params: Any) -> Result:
    """Runs an INSERT of an entity: as it is, or once for each mapping of attribute to value.

    :raises InvalidRequestError: rows of a joined class are given in the statement, or are to be returned.
    """
    several = isinstance(params, (list, tuple))
    if len(mapper.tables) > 1:
        if statement.rows or statement.select is not None or statement.raw_returning:
            raise InvalidRequestError(
                f"insert({mapper.class_.__name__}) writes to {len(mapper.tables)} tables: give the rows as parameters, "
                "without returning(): session.execute(insert(Class), [{...}, ...])."
            )
        rows = params if several else [params or {}]
        for row in rows:
            _insert_joined(connection, mapper, _identified(mapper, row))
        return Result(None, (), len(rows))
    if several:
        result = _insert_many(connection, statement, [_identified(mapper, row) for row in params])
    else:
        result = connection.execute(_with_identity(statement, mapper, params), params)
    return returned_objects(session, connection, statement, result)


def _identified(mapper: Mapper, row: Mapping[str, Any]) -> Mapping[str, Any]:
    """A row with the value that tells its class."""
    key = mapper.polymorphic_on
    return row if key is None or key in row else {**row, key: mapper.polymorphic_identity}


def _with_identity(statement: Insert, mapper: Mapper, params: Mapping[str, Any] | None) -> Insert:
    """An INSERT whose rows tell their class."""
    key = mapper.polymorphic_on
    if key is None or key in (params or {}) or statement.select is not None:
        return statement
    column = mapper.columns[key]
    rows = tuple(
        row if any(one is column for one, _ in row) else (*row, *statement._pairs({key: mapper.polymorphic_identity}))
        for row in statement.rows or ((),)
    )
    return statement._copy(rows=rows)


def _insert_many(connection: Any, statement: Any, rows: Sequence[Mapping[str, Any]]) -> Result:
    """Rows that name different attributes go in several statements, in order."""
    groups: list[list[Mapping[str, Any]]] = []
    for row in rows:
        if groups and groups[-1][0].keys() == row.keys():
            groups[-1].append(row)
        else:
            groups.append([row])
    results = [connection.execute(statement, group if len(group) > 1 else group[0]) for group in groups]
    if len(results) == 1:
        first: Result = results[0]
        return first
    if not statement.raw_returning:
        return Result(None, (), len(rows))
    return Result([tuple(row) for result in results for row in result], results[0].keys() if results else (), len(rows))


def _insert_joined(connection: Any, mapper: Mapper, row: Mapping[str, Any]) -> None:
    """One row into each table of a hierarchy, base first; what the base's key is, the others' is too."""
    known = dict(row)
    for table in mapper.tables:
        columns = mapper.columns_of(table)
        given = {column.key: known[key] for key, column in columns.items() if key in known}
        result = connection.execute(Insert(table), given)
        if any(key not in known for key in mapper.pk_keys):
            known.update(zip(mapper.table_keys(table), result.inserted_primary_key, strict=True))


def update_by_key(
    session: Session, connection: Any, statement: Any, mapper: Mapper, rows: Sequence[Mapping[str, Any]]
) -> Result:
    """``execute(update(User), [{"id": 1, "name": "Ada"}, ...])``: each row by its primary key. Objects here follow.

    :raises InvalidRequestError: a mapping lacks the key, or the statement says more than what to update.
    :raises StaleDataError: a row is not there.
    """
    if statement._where or statement.row or statement.raw_returning:
        raise InvalidRequestError(
            "bulk synchronize of persistent objects not supported when using bulk update with additional WHERE criteria right "
            "now, nor with values() or returning(). Give one mapping of parameters instead of a list, or only update(Class)."
        )
    for row in rows:
        missing = [key for key in mapper.pk_keys if key not in row]
        if missing:
            columns = ", ".join(str(mapper.columns[key]) for key in missing)
            raise InvalidRequestError(
                f"No primary key value supplied for column(s) {columns}; per-row ORM Bulk UPDATE by Primary Key requires that "
                "records contain primary key values."
            )
        unknown = [key for key in row if key not in mapper.columns]
        if unknown:
            raise InvalidRequestError(
                f"{mapper.class_.__name__} has no column attribute {', '.join(unknown)} to update."
            )
    for table in mapper.tables:
        _update_table(connection, mapper, table, rows)
    if statement.execution_options_.get("synchronize_session", "auto"):
        known = session.identity_map.of(mapper.base_mapper)
        for row in rows:
            obj = known.find(mapper.ident_of_values(row))
            if obj is not None:
                values = {key: value for key, value in row.items() if key not in mapper.pk_keys}
                take_values(session, obj, values, {k: v for k, v in values.items() if k in obj.__dict__})
    return Result(None, (), len(rows))


def _update_table(connection: Any, mapper: Mapper, table: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    columns, keys = mapper.columns_of(table), mapper.table_keys(table)
    groups: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for row in rows:
        names = tuple(key for key in columns if key in row and key not in mapper.pk_keys)
        if names:
            groups.setdefault(names, []).append(row)
    for names, group in groups.items():
        write = RowUpdate(table, tuple(columns[key] for key in names), tuple(columns[key] for key in keys))
        order = (*names, *keys)
        processors = [connection.dialect.bind_processor(columns[key].type) for key in order]
        sent = [
            tuple(
                [
                    row[key] if process is None or (row[key] is None and not takes_none(process)) else process(row[key])
                    for key, process in zip(order, processors, strict=True)
                ]
            )
            for row in group
        ]
        matched = connection.update_rows(write, sent)
        if matched != len(sent):
            raise StaleDataError(
                f"UPDATE statement on table '{table.name}' expected to update {len(sent)} row(s); {matched} were matched."
            )
