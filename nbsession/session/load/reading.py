"""Executes a SELECT of entities as plans say, and puts together what comes: objects, their relationships, and what follows.

Knows plans and connections; what is loaded by further statements is in :mod:`nbsession.session.load.following`.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from nbsession.database.prepared import Prepared, prepare
from nbsession.database.result import Result
from nbsession.database.row import row_class
from nbsession.exc import ArgumentError, InvalidRequestError, SAWarning
from nbsession.mapping.mapper import Mapper
from nbsession.mapping.relating.relationships import Relationship
from nbsession.session.load.load_context import NO_WISHES, Wishes
from nbsession.session.load.load_option import Load
from nbsession.session.load.load_plans import EntityPlan, plan_of
from nbsession.session.load.loading import objects_of_rows
from nbsession.session.load.widening import Slot, Widened, widen
from nbsession.sql.bundle import Bundle
from nbsession.sql.naming import result_names
from nbsession.sql.selectable import columns_of
from nbsession.tracking.instance_state import OwnState, state_of

if TYPE_CHECKING:
    from nbsession.session.session import Session

KEPT_WISHES = 100
"""how many different options are remembered for a mapper"""


class Reading(NamedTuple):
    """What a statement gave.

    :ivar columns: for each column of the result its values, one per row.
    :ivar names: their names.
    :ivar repeats: does a row come again for each related one?
    """

    columns: list[Sequence[Any]]
    names: list[str]
    repeats: bool


def read_entities(
    session: Session,
    connection: Any,
    statement: Any,
    params: Any,
    plans: Sequence[EntityPlan | None],
    overwritten: dict[int, Any] | None = None,
    peek: Sequence[str] = (),
) -> Reading:
    """Executes a SELECT.

    :param plans: for each thing it selects, the plan if it is an entity.
    :param peek: attributes of the first entity whose values in the rows come first among the columns.
    :param overwritten: as in :class:`~nbsession.session.load.load_context.EntityLoad`.
    """
    widened = widen(statement, plans)
    prepared = prepare(connection, widened.statement, params)
    rows = connection.fetch(prepared.sql, prepared.values(widened.statement, params), widened.statement, params)
    return put_together(session, connection.dialect, statement, widened, prepared, rows, overwritten, peek)


def read_in_portions(
    session: Session, connection: Any, statement: Any, params: Any, plans: Sequence[EntityPlan | None], size: int
) -> Result:
    """Executes a SELECT whose rows become objects in portions, as they are read.

    :param size: how many rows a portion has.
    :raises InvalidRequestError: it joins a collection, whose members may lie in the next portion.
    """
    widened = widen(statement, plans)
    if widened.multiplies:
        raise InvalidRequestError(
            "Can't use yield_per with eager loaders that require uniquing or row buffering, e.g. joinedload() against "
            "collections. Use selectinload()."
        )
    prepared = prepare(connection, widened.statement, params)
    rows = connection.fetch(prepared.sql, prepared.values(widened.statement, params), widened.statement, params)
    populate = bool(statement.execution_options_.get("populate_existing"))
    names = put_together(session, connection.dialect, statement, widened, prepared, []).names

    def made(portion: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        overwritten: dict[int, Any] | None = {} if populate else None
        reading = put_together(session, connection.dialect, statement, widened, prepared, portion, overwritten)
        return list(zip(*reading.columns, strict=True))

    return Result.in_portions(rows, size, made, names)


def put_together(
    session: Session,
    dialect: Any,
    statement: Any,
    widened: Widened,
    prepared: Prepared,
    rows: Sequence[tuple[Any, ...]],
    overwritten: dict[int, Any] | None = None,
    peek: Sequence[str] = (),
) -> Reading:
    """Makes of the rows of a widened statement what the statement asked for; the arguments are those of reading."""
    from nbsession.session.load.following import load_after

    described = prepared.compiled.columns
    width = len(described)
    found: list[list[Any]] = []
    for slot in widened.slots:
        how, after = slot.plan.how(overwritten), slot.start + slot.columns < width
        objects = objects_of_rows(session, slot.plan.mapper, dialect, rows, slot.start, after, how)
        found.append(objects)
    for slot, objects in zip(widened.slots, found, strict=True):
        if slot.joined is not None:
            _relate(slot, found[slot.parent], objects)
    columns: list[Sequence[Any]] = []
    names: list[str] = list(peek)
    for key in peek:
        first = widened.slots[0]
        place = first.start + (first.plan.keys or first.plan.mapper.selected_keys).index(key)
        columns.append(processed(dialect, described[place][1], [row[place] for row in rows]))
    named = value_names(statement.raw_columns)
    for raw, (start, count, number) in zip(statement.raw_columns, widened.raws, strict=True):
        if number >= 0:
            columns.append(found[number])
            names.append(raw.__name__)
            continue
        values = [
            processed(dialect, type_, [row[place] for row in rows])
            for place, (_, type_) in enumerate(described[start : start + count], start)
        ]
        if isinstance(raw, Bundle):
            columns.append(bundled(raw, values, len(rows)))
            names.append(raw.name)
        else:
            columns += values
            names += [next(named) for _ in range(count)]
    for slot, objects in zip(widened.slots, found, strict=True):
        if slot.plan.later:
            load_after(session, slot.plan, objects, overwritten)
    return Reading(columns, names, widened.multiplies)


def processed(dialect: Any, type_: Any, values: list[Any]) -> list[Any]:
    """Values of a column as Python has them."""
    process = dialect.result_processor(type_)
    return values if process is None else [None if value is None else process(value) for value in values]


def value_names(raw_columns: Sequence[Any]) -> Iterator[str]:
    """The names of what is neither entity nor bundle; the columns of entities take none away."""
    plain = [one for one in raw_columns if getattr(one, "__mapper__", None) is None and not isinstance(one, Bundle)]
    return iter(result_names([column for one in plain for column in columns_of(one)]) if plain else ())


def bundled(bundle: Bundle, values: Sequence[Sequence[Any]], count: int) -> list[Any]:
    """The rows of a bundle, from the values of its columns, bundles within it included.

    :param count: how many rows there are.
    """
    columns: list[Sequence[Any]] = []
    start = 0
    for one in bundle.exprs:
        width = len(one.__column_elements__()) if isinstance(one, Bundle) else 1
        mine = values[start : start + width]
        columns.append(bundled(one, mine, count) if isinstance(one, Bundle) else mine[0])
        start += width
    return list(map(row_class(bundle.keys()), zip(*columns, strict=True))) if count else []


def _relate(slot: Slot, parents: Sequence[Any], related: Sequence[Any]) -> None:
    """Gives each parent what the rows hold of a relationship; one that is loaded already keeps it."""
    assert slot.joined is not None
    declared = slot.joined.declared
    key = declared.key
    members: dict[int, list[Any]] = {}
    owners: dict[int, Any] = {}
    for parent, other in zip(parents, related, strict=True):
        if parent is None:
            continue
        mark = id(parent)
        held = members.get(mark)
        if held is None:
            if key in parent.__dict__ or not isinstance(parent, declared.class_):
                continue
            held = members[mark] = []
            owners[mark] = parent
        if other is not None:
            held.append(other)
    for mark, parent in owners.items():
        put_related(parent, declared, list({id(one): one for one in members[mark]}.values()))


def put_related(obj: Any, declared: Relationship, members: list[Any]) -> Any:
    """Puts loaded objects in place; changes that were queued on an unloaded collection join them."""
    key = declared.key
    if not declared.uselist:
        if len(members) > 1:
            warnings.warn(
                f"Multiple rows returned with uselist=False for eagerly-loaded attribute '{declared}'",
                SAWarning,
                stacklevel=2,
            )
        value = obj.__dict__[key] = members[0] if members else None
        return value
    state = state_of(obj)
    notes = state.notes if isinstance(state, OwnState) else None
    if notes is not None:
        notes.related.pop(key, None)  # a flush meanwhile may have loaded it before
        if key in notes.queued:
            added, removed = notes.queued.pop(key)
            notes.related[key] = members
            gone = set(map(id, removed))
            members = [m for m in members if id(m) not in gone] + added
    return state.mapper.attributes[key].fill(obj, members)


# --------------------------------------------------------------------------------------------- options of a statement


def plans_for(
    entities: Sequence[Any], mappers: Sequence[Mapper | None], options: Sequence[Any], joins: bool = True
) -> list[EntityPlan | None]:
    """A plan for each entity that a statement selects.

    :param entities: what it selects.
    :param mappers: for each of them the mapper, if it is an entity.
    :param joins: False: the statement cannot be widened.
    :raises ArgumentError: an option is about something else.
    """
    if not options:
        return [
            None if mapper is None else plan_of(mapper, joins=joins).seen_as(entity)
            for entity, mapper in zip(entities, mappers, strict=True)
        ]
    chosen: list[list[Load]] = [[] for _ in entities]
    for option in options:
        if not isinstance(option, Load):
            raise ArgumentError(f"options() takes loader options such as selectinload(User.addresses), got {option!r}.")
        places = _places(option, entities, mappers)
        for place in places:
            chosen[place].append(option)
    return [
        None if mapper is None else plan_of(mapper, wishes_from(mapper, said), joins=joins).seen_as(entity)
        for entity, mapper, said in zip(entities, mappers, chosen, strict=True)
    ]


def _places(option: Load, entities: Sequence[Any], mappers: Sequence[Mapper | None]) -> list[int]:
    """Which of the entities an option is about."""
    root = option.root
    if root is None:
        return [i for i, mapper in enumerate(mappers) if mapper is not None]
    same = [i for i, entity in enumerate(entities) if entity is root]
    if same or not isinstance(root, type):
        found = same
    else:
        found = [
            i
            for i, (entity, mapper) in enumerate(zip(entities, mappers, strict=True))
            if mapper is not None
            and isinstance(entity, type)
            and (issubclass(entity, root) or issubclass(root, entity))
        ]
    if not found:
        names = ", ".join(entity.__name__ for entity, m in zip(entities, mappers, strict=True) if m is not None)
        raise ArgumentError(
            f"Mapped class {root.__name__} referenced in option {option!r} does not apply to any of the root entities in this "
            f"query, e.g. {names}. Please specify the full path from one of the root entities to the target attribute."
        )
    return found


def wishes_from(mapper: Mapper, options: Sequence[Load]) -> Wishes:
    """What options ask for about an entity; the same options give the same wishes."""
    if not options:
        return NO_WISHES
    tokens = tuple([option.token for option in options])
    kept: dict[Any, Wishes] = mapper.memo.setdefault("wishes", {})
    wishes = None if None in tokens else kept.get(tokens)
    if wishes is None:
        wishes = Wishes()
        for option in options:
            option.tell(wishes)
        if None not in tokens:
            if len(kept) >= KEPT_WISHES:
                kept.clear()
            kept[tokens] = wishes
    return wishes


def needs_plan(plans: Sequence[EntityPlan | None], execution_options: Mapping[str, Any]) -> bool:
    """Is there more to do than to make objects of the statement's rows?"""
    return bool(execution_options.get("populate_existing")) or any(p is not None and not p.plain for p in plans)
