"""Runs statements for a session: what they select of mapped classes comes as objects. Knows entities and connections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from nbsession.database.prepared import prepare
from nbsession.database.result import Result
from nbsession.exc import ArgumentError, InvalidRequestError
from nbsession.mapping.aliased import AliasedClass
from nbsession.mapping.attributes import ColumnAttribute
from nbsession.mapping.entity_names import NamedEntity
from nbsession.mapping.mapper import Mapper
from nbsession.mapping.polymorphic_entity import with_subclasses
from nbsession.session.load.load_plans import EntityPlan, loads_plainly
from nbsession.session.load.loading import objects_of_rows
from nbsession.session.load.reading import (
    bundled,
    needs_plan,
    plans_for,
    processed,
    read_entities,
    read_in_portions,
    value_names,
)
from nbsession.session.querying.from_statement import read_from_statement
from nbsession.session.querying.mass_changes import change_rows
from nbsession.session.querying.mass_writes import insert_entities, update_by_key
from nbsession.session.querying.orm_execute import BulkChange, ORMExecuteState
from nbsession.sql.base import Executable
from nbsession.sql.bundle import Bundle
from nbsession.sql.columns import Column
from nbsession.sql.dml import Dml, Insert, Update
from nbsession.sql.from_statement import FromStatement
from nbsession.sql.select import Select
from nbsession.sql.textual import text

if TYPE_CHECKING:
    from nbsession.session.session import Session

_ENTITIES = (type, NamedEntity, AliasedClass)
_VALUES = frozenset((ColumnAttribute, Column))
"""the kinds of what is mostly selected beside entities: neither entity nor bundle"""


def execute_statement(
    session: Session, statement: Any, params: Any = None, bind_arguments: Mapping[str, Any] | None = None
) -> Result:
    """Runs a statement in the session's transaction, after an autoflush.

    :raises ArgumentError: it is no statement.
    """
    if isinstance(statement, str):
        statement = text(statement)
    if not isinstance(statement, Executable):
        raise ArgumentError(
            f"Not an executable object: {statement!r}. Give select(), insert(), update(), delete() or text()."
        )
    if session.execution_options:
        statement = statement.execution_options(**{**session.execution_options, **statement.execution_options_})
    hooks = session.hooks.of("do_orm_execute")
    if hooks:
        run = partial(_execute, session)
        return ORMExecuteState(session, statement, params, bind_arguments, run, hooks).invoke_statement()
    return _execute(session, statement, params, bind_arguments)


def _execute(session: Session, statement: Any, params: Any, bind_arguments: Mapping[str, Any] | None) -> Result:
    if statement.execution_options_.get("autoflush", True):
        session.autoflush_before("query" if statement.kind == "select" else "execute")
    if params and isinstance(params, (list, tuple)) and len(params) == 1 and statement.kind == "select":
        (params,) = params
    plain = None if bind_arguments else _plain_mapper(statement)
    if plain is not None:
        return _select_plainly(session, statement, params, plain)
    changed = _entity_mapper(statement.entity) if isinstance(statement, Dml) else None
    raw = statement.raw_columns if isinstance(statement, (Select, FromStatement)) else ()
    values_only = _VALUES.issuperset(map(type, raw))
    mappers = [None] * len(raw) if values_only else [_entity_mapper(column) for column in raw]
    first = next(filter(None, mappers), None)
    source = statement.element if isinstance(statement, FromStatement) else statement
    choice = {"mapper": first or changed or _mapper_of(raw), "clause": source}
    bind = session.get_bind(**{**choice, **bind_arguments} if bind_arguments else choice)
    connection = session.connection_for(bind)
    with session.bus.because(f"session.execute({statement.kind})"):
        if changed is not None:
            return _change(session, connection, statement, changed, params)
        if isinstance(statement, FromStatement):
            return read_from_statement(session, connection, statement, params, mappers)
        if values_only or (first is None and not any(isinstance(one, Bundle) for one in raw)):
            result: Result = connection.execute(statement, params)
            portion = statement.execution_options_.get("yield_per")
            return result.yield_per(portion) if portion else result
        return _select_entities(session, connection, statement, params, mappers)


def _plain_mapper(statement: Any) -> Mapper | None:
    """The mapper of a SELECT of one class and no more: the statement that is executed most."""
    if type(statement) is not Select or len(statement.raw_columns) != 1:
        return None
    (entity,) = statement.raw_columns
    if not isinstance(entity, type) or statement.option_list or statement.execution_options_:
        return None
    mapper = getattr(entity, "__mapper__", None)
    return mapper if isinstance(mapper, Mapper) and loads_plainly(mapper) else None


def _select_plainly(session: Session, statement: Any, params: Any, mapper: Mapper) -> Result:
    """A SELECT of one class, whose rows are its objects: what :func:`_select_entities` does, without the detours."""
    connection = session.connection_for(session.get_bind(mapper=mapper, clause=statement))
    with session.bus.because("session.execute(select)"):
        prepared = prepare(connection, statement, params)
        rows = connection.fetch(prepared.sql, prepared.values(statement, params), statement, params)
        found = objects_of_rows(session, mapper, connection.dialect, rows)
    return Result.of_singles(found, statement.raw_columns[0].__name__)


def _change(session: Session, connection: Any, statement: Any, mapper: Mapper, params: Any) -> Result:
    """INSERT, UPDATE or DELETE of an entity."""
    if isinstance(statement, Insert):
        return insert_entities(session, connection, statement, mapper, params)
    if isinstance(params, (list, tuple)):
        if isinstance(statement, Update):
            return update_by_key(session, connection, statement, mapper, params)
        raise InvalidRequestError(
            "Bulk ORM DELETE not supported right now. Statement may be invoked at the Core level using "
            "session.connection().execute(stmt, parameters)"
        )
    result = change_rows(session, connection, statement, mapper, params)
    name = "after_bulk_update" if isinstance(statement, Update) else "after_bulk_delete"
    if session.hooks.listens(name):
        session.hooks.fire(name, BulkChange(session, statement, mapper, result))
    return result


def _entity_mapper(column: Any) -> Mapper | None:
    if not isinstance(column, _ENTITIES):
        return None
    if isinstance(column, AliasedClass):
        return column.__mapper__.mapper
    mapper = getattr(column, "__mapper__", None)
    return mapper if isinstance(mapper, Mapper) else None


def _mapper_of(raw: Sequence[Any]) -> Any:
    """The mapper of the first attribute selected, for the choice of a bind."""
    for column in raw:
        mapper = getattr(column, "mapper", None)
        if isinstance(mapper, Mapper):
            return mapper
    return None


def _with_subclasses(statement: Any, plans: Sequence[EntityPlan | None]) -> tuple[Any, list[EntityPlan | None]]:
    """The statement and its plans, with the columns of subclasses that the mappings say are brought along."""
    raws = [
        with_subclasses(plan.mapper) if plan is not None and plan.mapper.along and raw is plan.mapper.entity else raw
        for raw, plan in zip(statement.raw_columns, plans, strict=True)
    ]
    seen = [None if plan is None else plan.seen_as(raw) for raw, plan in zip(raws, plans, strict=True)]
    return statement._copy(raw_columns=tuple(raws)), seen


def _select_entities(
    session: Session, connection: Any, statement: Any, params: Any, mappers: Sequence[Mapper | None]
) -> Result:
    options = statement.execution_options_
    joins = options.get("enable_eagerloads", True)
    plans = plans_for(statement.raw_columns, mappers, statement.option_list, joins)
    for mapper in mappers:
        if mapper is not None and mapper.along:
            statement, plans = _with_subclasses(statement, plans)
            break
    if options.get("yield_per"):
        return read_in_portions(session, connection, statement, params, plans, options["yield_per"])
    if needs_plan(plans, options):
        overwritten: dict[int, Any] | None = {} if options.get("populate_existing") else None
        reading = read_entities(session, connection, statement, params, plans, overwritten)
        result = Result(list(zip(*reading.columns, strict=True)), tuple(reading.names))
        return result.demand_unique() if reading.repeats else result
    prepared = prepare(connection, statement, params)
    compiled = prepared.compiled
    rows = connection.fetch(prepared.sql, prepared.values(statement, params), statement, params)
    if len(mappers) == 1 and mappers[0] is not None:
        found = objects_of_rows(session, mappers[0], connection.dialect, rows)
        return Result.of_singles(found, statement.raw_columns[0].__name__)
    columns: list[Sequence[Any]] = []
    keys: list[str] = []
    start, width = 0, len(compiled.columns)
    named = value_names(statement.raw_columns)
    for raw, mapper in zip(statement.raw_columns, mappers, strict=True):
        if mapper is not None:
            count = len(mapper.selected_keys)
            columns.append(objects_of_rows(session, mapper, connection.dialect, rows, start, start + count < width))
            keys.append(raw.__name__)
        else:
            many = isinstance(raw, Bundle)
            count = len(raw.__column_elements__()) if many else 1
            values = [
                processed(connection.dialect, type_, [row[place] for row in rows])
                for place, (_, type_) in enumerate(compiled.columns[start : start + count], start)
            ]
            columns.append(bundled(raw, values, len(rows)) if many else values[0])
            keys.append(raw.name if many else next(named))
        start += count
    return Result(list(zip(*columns, strict=True)) if rows else [], tuple(keys))
