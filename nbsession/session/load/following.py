"""Loads relationships by further statements when the objects are there: by one SELECT for all, or one for each.

The related rows of many objects are asked for in batches, with ``IN``. Knows plans; how rows become objects is in
:mod:`nbsession.session.load.reading`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from nbsession.mapping.aliased import aliased
from nbsession.mapping.relating.relationships import Relationship
from nbsession.session.load.lazy import load_relationship
from nbsession.session.load.load_plans import EntityPlan, LaterPlan, plan_of
from nbsession.session.load.reading import put_related
from nbsession.session.load.told import read_told
from nbsession.session.querying.orm_execute import Loading
from nbsession.sql.elements import clause_of
from nbsession.sql.expression import tuple_
from nbsession.sql.joins import JoinStep
from nbsession.sql.select import Select
from nbsession.sql.selectable import from_of
from nbsession.states import ObjectState
from nbsession.tracking.instance_state import state_of

if TYPE_CHECKING:
    from nbsession.session.session import Session

BATCH = 500
"""how many keys one SELECT asks for"""


def load_after(
    session: Session, plan: EntityPlan, objects: Iterable[Any], overwritten: dict[int, Any] | None = None
) -> None:
    """Loads what a plan says is loaded after.

    :param objects: the objects, perhaps repeated, perhaps None.
    :param overwritten: as in :class:`~nbsession.session.load.load_context.EntityLoad`.
    """
    distinct = {id(obj): obj for obj in objects if obj is not None}
    for later in plan.later:
        declared = later.declared
        parents = [
            obj for obj in distinct.values() if declared.key not in obj.__dict__ and isinstance(obj, declared.class_)
        ]
        if not parents:
            continue
        if later.strategy == "noload":
            for obj in parents:
                put_related(obj, declared, [])
        elif later.strategy == "immediate":
            _load_each(session, plan, declared, parents, overwritten)
        else:
            _load_together(session, plan, later, parents, overwritten)


def _load_each(
    session: Session,
    plan: EntityPlan,
    declared: Relationship,
    parents: list[Any],
    overwritten: dict[int, Any] | None,
) -> None:
    """By one SELECT for each; what follows their members is loaded for all of them together."""
    key = declared.key
    members: list[Any] = []
    for obj in parents:
        if key not in obj.__dict__ and (id(obj), key) not in session.loading:
            members += declared.members(load_relationship(session, obj, key, raising=False, follow=False))
    target = plan_of(declared.mapper, plan.wishes.below(key), (*plan.above, plan.mapper))
    if members and target.later:
        load_after(session, target, members, overwritten)


def _load_together(
    session: Session, plan: EntityPlan, later: LaterPlan, parents: list[Any], overwritten: dict[int, Any] | None
) -> None:
    declared = later.declared
    target = plan_of(declared.mapper, plan.wishes.below(declared.key), (*plan.above, plan.mapper))
    by_key: dict[Any, list[Any]] = {}
    keys = _keys_here(declared)
    by_parent = any(key not in obj.__dict__ for obj in parents for key in keys)  # deferred: found by way of the parents
    if by_parent:
        keys = list(declared.parent.pk_keys)
    for obj in parents:
        values = tuple([_value(obj, key) for key in keys])
        if None in values:
            put_related(obj, declared, [])
        else:
            by_key.setdefault(values[0] if len(values) == 1 else values, []).append(obj)
    if declared.to_one_by_key and not by_parent and not later.wish.criteria and target.plain and overwritten is None:
        _give_present(session, declared, by_key)
    if not by_key:
        return
    statement, columns, peek = _statement(declared, later.wish.criteria, by_parent, target)
    if overwritten is not None:
        statement = statement.execution_options(populate_existing=True)
    wanted = list(by_key)
    asked: Any = columns[0] if len(columns) == 1 else tuple_(*columns)
    with session.bus.because(f"selectin load of {declared}", instead=True):
        for start in range(0, len(wanted), BATCH):
            batch = wanted[start : start + BATCH]
            reading = read_told(
                session,
                declared.mapper,
                statement.where(asked.in_(batch)),
                None,
                [target] if peek else [*([None] * len(columns)), target],
                overwritten,
                peek,
                Loading(None, declared),
            )
            *given, related = reading.columns
            marks: Sequence[Any] = given[0] if len(given) == 1 else list(zip(*given, strict=True))
            members: dict[Any, dict[int, Any]] = {}
            for mark, other in zip(marks, related, strict=True):
                if other is not None:
                    members.setdefault(mark, {})[id(other)] = other
            for mark in batch:
                found = list(members.get(mark, {}).values())
                for obj in by_key[mark]:
                    if declared.key not in obj.__dict__:
                        put_related(obj, declared, found)


def _give_present(session: Session, declared: Relationship, by_key: dict[Any, list[Any]]) -> None:
    """Objects that are in the identity map, and not expired, need no SELECT."""
    known = session.identity_map.of(declared.mapper.base_mapper)
    order = [[remote for _, remote in declared.pairs].index(key) for key in declared.mapper.pk_keys]
    for mark in list(by_key):
        ident = mark if len(order) == 1 else tuple([mark[i] for i in order])
        found = known.find(ident)
        if found is None or not found.__dict__ or not isinstance(found, declared.mapper.class_):
            continue
        if state_of(found).status is ObjectState.PERSISTENT and declared.mapper.pk_keys[0] in found.__dict__:
            for obj in by_key.pop(mark):
                put_related(obj, declared, [found])


def _keys_here(declared: Relationship) -> list[str]:
    """The attributes of the parents whose values their related rows are found by."""
    if declared.joining.simple and declared.secondary is not None:
        return [key for key, _ in declared.secondary_pairs]
    if declared.joining.simple:
        return [key for key, _ in declared.pairs]
    return list(declared.parent.pk_keys)


def _value(obj: Any, key: str) -> Any:
    """The value of a column; an expired one is loaded."""
    values = obj.__dict__
    return values[key] if key in values else getattr(obj, key)


def _statement(
    declared: Relationship, criteria: Sequence[Any], by_parent: bool, plan: EntityPlan
) -> tuple[Any, list[Any], list[str]]:
    """The SELECT of the related rows with the values they are found by.

    :return: the statement, the columns that hold these values, and the attributes of the related class that are these
        columns, if they are among those asked for anyway.
    """
    target: Any = declared.mapper.class_
    peek: list[str] = []
    columns: list[Any]
    if by_parent or not declared.joining.simple:
        parent = aliased(declared.parent.class_)
        columns = [parent.__mapper__.columns[key] for key in declared.parent.pk_keys]
        statement = Select(*columns, target).select_from(parent)
        left = parent
        for entity, condition in declared.join_steps(parent):
            statement = statement._copy(
                _joins=(*statement._joins, JoinStep(left, entity, from_of(entity), condition, False, False))
            )
            left = entity
    elif declared.secondary is not None:
        columns = [column for _, column in declared.secondary_pairs]
        _, (_, onward) = declared.join_steps()
        step = JoinStep(declared.secondary, target, from_of(target), onward, False, False)
        statement = Select(*columns, target).select_from(declared.secondary)._copy(_joins=(step,))
    else:
        there = [key for _, key in declared.pairs]
        columns = [declared.mapper.columns[key] for key in there]
        if all(key in (plan.keys or plan.mapper.selected_keys) for key in there):
            peek, statement = there, Select(target)
        else:
            statement = Select(*columns, target)
    if criteria:
        statement = statement.where(*criteria)
    return statement.order_by(*map(clause_of, declared.ordering())), columns, peek
