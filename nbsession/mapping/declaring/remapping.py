"""Declaring a class again: changes the class that is there so that it is what the new declaration says.

Class, table, columns and mapper stay the same objects, so that instances, saved statements and other classes' relationships
go on to hold. What cannot be done in place makes a new class, and retires the one that was there. Knows no session.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping
from typing import Any

from nbsession.exc import ArgumentError
from nbsession.mapping.attribute_events import Listener
from nbsession.mapping.collecting.collections import members_of
from nbsession.mapping.constructors import plain_again, watch_constructions
from nbsession.mapping.declaring.declarative import read_said
from nbsession.mapping.declaring.differences import DETAILS, NONE, Differences, Said, differences
from nbsession.mapping.declaring.redefining import Watcher, objects_of
from nbsession.mapping.instrumentation import collect_validators
from nbsession.mapping.mapper import Mapper
from nbsession.mapping.mutable import column_attribute
from nbsession.mapping.relating.relationships import Relationship
from nbsession.sql.base import Executable, next_uid
from nbsession.sql.constraints import Constraint, ForeignKeyConstraint, Index, UniqueConstraint
from nbsession.sql.schema import Column, Table
from nbsession.sql.types import NullType

_OURS = frozenset(
    [
        "__dict__",
        "__weakref__",
        "__mapper__",
        "__mappers__",
        "__table__",
        "__nbs_validators__",
        "__init__",
        "registry",
        "metadata",
    ]
)
"""what a class holds that its body does not say"""


def redefine(watcher: Watcher, earlier: Any, draft: Any, make: Callable[[], type]) -> type:
    """The class that a class statement gives when it is run again.

    :param earlier: the class that is there.
    :param draft: what the class statement makes now, not mapped.
    :param make: makes a new class and maps it.
    """
    mapper: Mapper | None = vars(earlier).get("__mapper__")
    if mapper is None:
        return _tableless_again(watcher, earlier, draft, make)
    said, _, _ = read_said(draft)
    for declared in said.relationships.values():
        if declared.argument is draft:
            declared.argument = earlier
    found, bases = differences(mapper, said), earlier.__bases__
    if not found.breaking and not _fits(earlier, draft):
        found.breaking.append("it has other bases")
    try:
        watcher.asked(earlier, found)
    except BaseException:
        earlier.__bases__ = bases
        raise
    if found.breaking:
        earlier.__bases__ = bases
        return _replace(watcher, mapper, make, found)
    _take_members(earlier, draft, {*mapper.said.columns, *mapper.declared, *said.columns, *said.relationships})
    _take_mapping(mapper, said, found)
    watcher.changed(earlier, found)
    return earlier  # type: ignore[no-any-return]


def _tableless_again(watcher: Watcher, earlier: Any, draft: Any, make: Callable[[], type]) -> type:
    """A base or an abstract class: its classes go on to belong to it, unless it brings tables of its own."""
    other = [key for key in ("registry", "metadata") if key in vars(draft)]
    if any(vars(draft)[key] is not vars(earlier).get(key) for key in other) or not _fits(earlier, draft):
        made = make()
        watcher.defined(made)
        return made
    _take_members(earlier, draft, ())
    watcher.changed(earlier, NONE)
    return earlier  # type: ignore[no-any-return]


# ── the class ────────────────────────────────────────────────────────────────────────────────────────────────────────
def _fits(earlier: Any, draft: Any) -> bool:
    """Can the class have the bases of the draft?"""
    if earlier.__bases__ == draft.__bases__:
        return True
    try:
        earlier.__bases__ = draft.__bases__
    except TypeError:
        return False
    return True


def _take_members(earlier: Any, draft: Any, mapped: Any) -> None:
    """Methods, properties and the like become those of the draft; mapped attributes stay."""
    skip = _OURS | set(mapped)
    mine, new = vars(earlier), vars(draft)
    for name in [name for name in mine if name not in new and name not in skip]:
        type.__delattr__(earlier, name)
    for name, value in new.items():
        if name not in skip and mine.get(name, skip) is not value:
            type.__setattr__(earlier, name, value)
    if "__mapper__" in mine:
        plain_again(earlier)
    if "__init__" in mine:
        type.__delattr__(earlier, "__init__")
    if "__init__" in new:
        type.__setattr__(earlier, "__init__", new["__init__"])


# ── the mapping ──────────────────────────────────────────────────────────────────────────────────────────────────────
def _take_mapping(mapper: Mapper, said: Said, found: Differences) -> None:
    for key, column in found.added.items():
        _add_column(mapper, key, column, said)
    for key, column in found.altered.items():
        _alter(mapper.said.columns[key], column, mapper.local_table)
    if found.rules:
        _take_rules(mapper.local_table, mapper.said.rules, said.rules)
    if found.loading:
        _load_otherwise(mapper, said)
    before = mapper.said.columns
    mapper.said = said._replace(
        columns={key: before[key] if key in before else mapper.columns[key] for key in said.columns}
    )
    if found.added or found.altered or found.rules:
        mapper.local_table.uid = next_uid()
        _read_statements_anew()
        mapper.generated = mapper.generated_again()
    for one in mapper.self_and_descendants:
        _validate(one)
        one.forget_all_derived()
    watch_constructions(mapper.class_, mapper)
    if found.relinked:
        relink(mapper.registry, {(mapper, key): declared for key, declared in found.relationships.items()})
    else:
        for key, declared in found.relationships.items():
            assert declared is not None
            mapper.registry.add_later(mapper, key, declared)
    for one in mapper.self_and_descendants:
        one.refit()


def _read_statements_anew() -> None:
    """Statements that somebody keeps were compiled for the columns as they were."""
    for one in gc.get_objects():
        if issubclass(type(one), Executable):
            one.__dict__.pop("_walked", None)


def _add_column(mapper: Mapper, key: str, column: Column, said: Said) -> None:
    table: Table = mapper.local_table
    present = table.c.get(column.key)
    if present is not None and key not in said.shared:
        raise ArgumentError(
            f"Column '{column.name}' on class {mapper.class_.__name__} conflicts with existing column '{present}'. If both "
            "mean the same column, say mapped_column(use_existing_column=True); else give it another name."
        )
    if present is None:
        table.append_column(column)
    column = present if present is not None else column
    for one in mapper.self_and_descendants:
        one.take_column(table, key, column)
        attribute = column_attribute(key, column, one)
        behind = {name: one.attributes.pop(name) for name in one.declared if name in one.attributes}
        one.attributes[key] = attribute
        one.attributes.update(behind)
        type.__setattr__(one.class_, key, attribute)


def _load_otherwise(mapper: Mapper, said: Said) -> None:
    for one in mapper.self_and_descendants:
        for key in said.columns:
            one.deferred.pop(key, None)
            one.raising.discard(key)
        one.deferred.update(said.deferred)
        one.raising.update(said.raising)


def _alter(column: Column, now: Column, table: Table) -> None:
    """A column takes the details of another."""
    for rule in [rule for rule in table.constraints if _of_column(rule, column)]:
        table.constraints.discard(rule)
    for index in [index for index in table.indexes if column.index and index.expressions == (column,)]:
        table.indexes.discard(index)
    for name in DETAILS:
        setattr(column, name, getattr(now, name))
    if not isinstance(now.type, NullType):
        column.type = now.type
    column.foreign_keys = set()
    for key in now.foreign_keys:
        column._take(key._copy())
    for rule in column.constraints:
        table.constraints.discard(rule)
    column.constraints = list(now.constraints)
    column._attach_constraints(table)


def _of_column(rule: Constraint, column: Column) -> bool:
    """Is it a rule that the column itself says?"""
    if isinstance(rule, UniqueConstraint):
        return bool(column.unique) and rule.columns == (column,)
    return isinstance(rule, ForeignKeyConstraint) and rule.columns == (column,)


def _take_rules(table: Table, before: Any, now: Any) -> None:
    """Constraints and indexes of the table itself become those that are said now."""
    for rule in _rules(before):
        (table.indexes if isinstance(rule, Index) else table.constraints).discard(rule)
    for rule in _rules(now):
        rule._attach(table)


def _rules(given: Any) -> list[Any]:
    return [one for one in (given if isinstance(given, (tuple, list)) else ()) if isinstance(one, (Constraint, Index))]


def _validate(mapper: Mapper) -> None:
    """The validators are those that the class has now; listeners stay."""
    validators = collect_validators(mapper.class_)
    mapper.class_.__nbs_validators__ = validators  # type: ignore[attr-defined]
    for key, attribute in mapper.attributes.items():
        listeners = tuple(one for one in attribute.validators if isinstance(one, Listener))
        attribute.validators = (*validators.get(key, ()), *listeners)


# ── relationships ────────────────────────────────────────────────────────────────────────────────────────────────────
def relink(registry: Any, changed: Mapping[tuple[Mapper, str], Relationship | None] | None = None) -> None:
    """Resolves all relationships of a registry anew, and tells collections that are loaded whose they are now.

    :param changed: (mapper, attribute) to the relationship that is in its place; None: there is none any more.
    """
    mappers = sorted(registry.mappers, key=lambda mapper: len(mapper.lineage))
    declared: dict[tuple[Mapper, str], Relationship | None] = {}
    heard: dict[tuple[Mapper, str], Any] = {}
    for mapper in mappers:
        for key, known in mapper.declared.items():
            if known.parent is mapper and not known.is_backref:
                declared[mapper, key] = known.afresh()
            heard[mapper, key] = mapper.attributes.pop(key, None)
            if key in vars(mapper.class_):
                type.__delattr__(mapper.class_, key)
        mapper.declared.clear()
    declared.update(changed or {})
    for (mapper, key), one in declared.items():
        if one is not None:
            mapper.add_relationship(key, one)
    for mapper in mappers:
        mapper.configured = False
        mapper.forget_derived()
        registry.fit_constructor(mapper)
        if mapper not in registry.waiting:
            registry.waiting.append(mapper)
    registry.afterwards.append(lambda: _adopt(mappers, heard))


def _adopt(mappers: list[Mapper], heard: Mapping[tuple[Mapper, str], Any]) -> None:
    """The attributes are resolved: listeners go on to listen, and loaded collections know them."""
    for (mapper, key), before in heard.items():
        attribute = mapper.attributes.get(key)
        if before is not None and attribute is not None:
            attribute.validators += tuple(one for one in before.validators if isinstance(one, Listener))
            attribute.occasional, attribute.active_history = before.occasional, before.active_history
    _adopt_collections(mappers)


def _adopt_collections(mappers: list[Mapper]) -> None:
    by_class = {mapper.class_: mapper for mapper in mappers}
    for obj in objects_of(by_class):
        mapper, values = by_class[type(obj)], obj.__dict__
        for key, known in mapper.declared.items():
            held, attribute = values.get(key), mapper.attributes.get(key)
            if held is None or attribute is None:
                continue
            if bool(known.uselist) is not hasattr(held, "_nbs_attribute"):
                del values[key]  # one became many, or many one: it is loaded anew
            elif known.uselist:
                attribute.fill(obj, members_of(held))


# ── another class in its place ───────────────────────────────────────────────────────────────────────────────────────
def _replace(watcher: Watcher, mapper: Mapper, make: Callable[[], type], found: Differences) -> type:
    """A new class takes the name, the table's name too; the one that was there is retired, with its subclasses."""
    registry, metadata = mapper.registry, mapper.registry.metadata
    tables = [] if mapper.single else [mapper.local_table]
    for table in tables:
        metadata.remove(table)
    registry.set_aside(mapper)
    try:
        made: Any = make()
    except BaseException:
        for table in tables:
            metadata.tables[table.key] = table
        registry.take_back(mapper)
        raise
    former = [one.class_ for one in mapper.self_and_descendants]
    for one in mapper.self_and_descendants:
        registry.set_aside(one)
        one.retired = "class redefined"
    _point_again(metadata, tables)
    relink(registry)
    watcher.replaced(made, former, found)
    return made  # type: ignore[no-any-return]


def _point_again(metadata: Any, gone: list[Table]) -> None:
    """Foreign keys that point to a table that was replaced find the one that is there now."""
    for table in metadata.tables.values():
        for column in table.c:
            for key in column.foreign_keys:
                if key.resolves() and any(key.column.table is one for one in gone):
                    key._target = key.target_fullname
