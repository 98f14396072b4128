"""UPDATE and DELETE of entities: the rows change by one statement, and the objects that are here follow.

How they follow is a strategy: the criteria are worked out in Python ("evaluate"), or the rows' keys are read before
("fetch"), or nothing is done (False). "auto" evaluates where that can be done. States are moved by the unit of work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nbsession.database.result import Result
from nbsession.exc import ArgumentError, InvalidRequestError
from nbsession.mapping.mapper import Mapper
from nbsession.session.attaching import expire_names
from nbsession.session.querying.evaluating import EXPIRED, Unevaluable, evaluator_of
from nbsession.session.querying.from_statement import ReadyValues, results_of
from nbsession.sql.dml import Update
from nbsession.sql.expression import and_, select, tuple_
from nbsession.sql.froms import froms_of
from nbsession.sql.selectable import columns_of
from nbsession.states import Trigger
from nbsession.tracking.instance_state import state_of

if TYPE_CHECKING:
    from nbsession.session.session import Session

STRATEGIES = ("auto", "evaluate", "fetch", False, None)

Matched = list[tuple[Any, bool]]
"""Objects, and whether it is sure that their row is meant."""


def change_rows(session: Session, connection: Any, statement: Any, mapper: Mapper, params: Any) -> Result:
    """Runs an UPDATE or DELETE of an entity.

    :raises ArgumentError: there is no such strategy.
    :raises InvalidRequestError: the criteria cannot be worked out in Python, and "evaluate" was asked for.
    """
    strategy = statement.execution_options_.get("synchronize_session", "auto")
    if strategy not in STRATEGIES or strategy is True:
        raise ArgumentError("Valid strategies for session synchronization are 'auto', 'evaluate', 'fetch', False")
    values = {**statement._values, **(params or {})}
    if mapper.single_criterion is not None:
        statement = statement.where(mapper.single_criterion)
    matched = _matched(session, connection, statement, mapper, values, strategy) if strategy else []
    new = _new_values(statement, mapper, values) if isinstance(statement, Update) else {}
    worked_out = [(obj, sure, _worked_out(obj, new) if sure else {}) for obj, sure in matched]
    result: Result = connection.execute(_on_one_table(statement, mapper), params)
    if isinstance(statement, Update):
        for obj, _, found in worked_out:
            take_values(session, obj, new, found)
    else:
        _let_go(session, worked_out)
    return returned_objects(session, connection, statement, result)


def returned_objects(session: Session, connection: Any, statement: Any, result: Result) -> Result:
    """The result of a changing statement; entities in its RETURNING come as objects that have the rows' values."""
    raw = statement.raw_returning
    mappers = [vars(one).get("__mapper__") if isinstance(one, type) else None for one in raw]
    if not any(mappers):
        return result
    shown = [column for one in raw for column in columns_of(one)]
    dialect, options = ReadyValues(connection.dialect), statement.option_list
    return results_of(session, dialect, raw, mappers, result, shown, populate=True, options=options)


# ------------------------------------------------------------------------------------------------ which objects


def _matched(
    session: Session, connection: Any, statement: Any, mapper: Mapper, values: Mapping[str, Any], strategy: Any
) -> Matched:
    if strategy != "fetch":
        try:
            holds = evaluator_of(and_(*statement._where), mapper, values)
        except Unevaluable as error:
            if strategy == "evaluate":
                raise InvalidRequestError(
                    f"Could not evaluate current criteria in Python: \"{error}\". Specify 'fetch' or False for the "
                    "synchronize_session execution option."
                ) from error
        else:
            return _evaluated(session, mapper, holds)
    key = [mapper.columns[one] for one in mapper.pk_keys]
    keys = connection.execute(select(*key).select_from(mapper.class_).where(*statement._where).params(values))
    known = session.identity_map.of(mapper.base_mapper)
    found = [known.find(mapper.ident_from_values(tuple(row))) for row in keys]
    return [(obj, True) for obj in {id(one): one for one in found if one is not None}.values()]


def _evaluated(session: Session, mapper: Mapper, holds: Callable[[Any], Any]) -> Matched:
    found: Matched = []
    for obj in session.identity_map.of(mapper.base_mapper).alive():
        if not isinstance(obj, mapper.class_):
            continue
        if obj.__dict__.keys().isdisjoint(mapper.column_keys):
            session.unit_of_work.row_changed(obj)  # perhaps; it is wholly expired, and loaded anew at the next touch
            continue
        met = holds(obj)
        if met is EXPIRED or (met is not None and met):
            found.append((obj, met is not EXPIRED))
    return found


def _on_one_table(statement: Any, mapper: Mapper) -> Any:
    """Where criteria speak of an inherited table, the rows are named by their keys."""
    if len(mapper.tables) < 2:
        return statement
    read = {id(table) for clause in statement._where for table in froms_of(clause)}
    if not any(id(table) in read for table in mapper.tables if table is not statement.table):
        return statement
    own = mapper.columns_of(statement.table)
    keys = select(*[mapper.columns[key] for key in mapper.pk_keys]).select_from(mapper.class_).where(*statement._where)
    mine = [own[key] for key in mapper.pk_keys]
    return statement._copy(_where=((mine[0] if len(mine) == 1 else tuple_(*mine)).in_(keys),))


# ------------------------------------------------------------------------------------------------ what becomes of them


def _new_values(statement: Update, mapper: Mapper, values: Mapping[str, Any]) -> dict[str, Any]:
    """Attribute key to a function (object) -> value, or None where only the database can tell."""
    given = dict(statement.row)
    named = {bind.key for bind in statement.walked().binds if bind.key is not None}
    found: dict[str, Any] = {}
    for column, clause in given.items():
        try:
            found[mapper.key_of(column)] = evaluator_of(clause, mapper, values)
        except Unevaluable:
            found[mapper.key_of(column)] = None
    for name, value in values.items():
        if name not in named:
            found[mapper.key_of(statement.column_for(name))] = lambda obj, value=value: value
    for column in mapper.columns_of(statement.table).values():
        if column.onupdate is not None and mapper.key_of(column) not in found:
            found[mapper.key_of(column)] = None
    return found


def _worked_out(obj: Any, new: Mapping[str, Any]) -> dict[str, Any]:
    """The values that are known, taken before any of them is put in place."""
    found = {key: work_out(obj) for key, work_out in new.items() if work_out is not None and key in obj.__dict__}
    return {key: value for key, value in found.items() if value is not EXPIRED}


def take_values(session: Session, obj: Any, names: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """Gives an object what its row has now; names without a value, and those with a pending change, expire."""
    session.unit_of_work.row_changed(obj)
    state = state_of(obj)
    pending = state.changed_keys
    expired = []
    for key in names:
        if key in values and key not in pending:
            obj.__dict__[key] = values[key]
        elif key in obj.__dict__:
            expired.append(key)
    if expired:
        expire_names(session.unit_of_work, obj, expired)


def _let_go(session: Session, matched: Sequence[tuple[Any, bool, Any]]) -> None:
    """Objects whose rows are gone are deleted; those of which it is not sure are loaded anew at the next touch."""
    unit = session.unit_of_work
    unit.expire([obj for obj, sure, _ in matched if not sure], session.bus.cause)
    gone = [obj for obj, sure, _ in matched if sure]
    for obj in gone:
        unit.unmark_deleted(obj, session.bus.cause)
    unit.move_each(gone, Trigger.DELETE, session.bus.cause)
