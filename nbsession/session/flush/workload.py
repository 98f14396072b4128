"""What a flush works on: which objects are inserted, updated and deleted, and which of them belong to the session."""

from __future__ import annotations

from typing import Any

from nbsession.mapping.mapper import Mapper
from nbsession.mapping.relating.relationships import Direction, Relationship
from nbsession.session.batches import by_mapper
from nbsession.session.flush.orphans import orphans, taken_back
from nbsession.session.unit_of_work import UnitOfWork
from nbsession.states import ObjectState
from nbsession.tracking.history import collection_history, reference_history
from nbsession.tracking.instance_state import ident_of, state_of


class Workload:
    """The objects of one flush.

    :param only: ``id`` of the objects to flush; None: all.
    :param prepared: were orphans looked for just now? Those there are, are marked then.
    :ivar inserts: new objects, in the order they were added.
    :ivar touched: persistent objects on which something was set.
    :ivar deletes: objects to be deleted, orphans among them.
    :ivar gone: their ``id``.
    :ivar new_of: the new objects by mapper; so ``touched_of`` and ``deleted_of``.
    :ivar notes: what is not known without loading.
    """

    def __init__(self, unit: UnitOfWork, only: set[int] | None, prepared: bool = False) -> None:
        self.unit = unit
        self.only = only
        self.inserts = self._chosen(unit.new)
        self.deletes = self._chosen(unit.marked)
        if self.deletes:
            spared = {id(child) for child, _ in taken_back(unit, only)}
            self.deletes = [obj for obj in self.deletes if id(obj) not in spared]
        self.gone = set(map(id, self.deletes))
        for child, _ in () if prepared else orphans(unit, only):
            if id(child) not in self.gone:  # a real flush has marked it before it plans
                self.gone.add(id(child))
                self.deletes.append(child)
        self.touched = self._chosen(unit.modified)
        if self.gone:
            self.touched = [obj for obj in self.touched if id(obj) not in self.gone]
        self.new_of = by_mapper(self.inserts) if self.inserts else {}
        self.touched_of = by_mapper(self.touched) if self.touched else {}
        self.deleted_of = by_mapper(self.deletes) if self.deletes else {}
        self.notes: list[str] = []

    def _chosen(self, objects: dict[int, Any]) -> list[Any]:
        if self.only is None:
            return list(objects.values())
        return [obj for address, obj in objects.items() if address in self.only]

    def takes_part(self, obj: Any) -> bool:
        """Is the object new or changed, and flushed now?"""
        address = id(obj)
        return (address in self.unit.new or address in self.unit.modified) and (
            self.only is None or address in self.only
        )

    def comes_later(self, obj: Any) -> bool:
        """Is it new, and not flushed now?"""
        return id(obj) in self.unit.new and self.only is not None and id(obj) not in self.only

    def in_session(self, obj: Any) -> bool:
        """Is the object in this session, with or without a row?"""
        state = state_of(obj)
        if state.status is ObjectState.PENDING:
            return id(obj) in self.unit.new
        return state.status is ObjectState.PERSISTENT and self.unit.identity_map.contains_object(obj)

    def has_row(self, obj: Any) -> bool:
        """Is it a persistent object of this session?"""
        return state_of(obj).status is ObjectState.PERSISTENT and self.in_session(obj)


class Participants:
    """The objects of a flush by class, those among them whose rows only change because of others.

    :param linked: objects whose foreign keys are filled, by ``id``.
    :ivar objects: the new, the changed and the leaving ones, by mapper.
    :ivar inserts: the new ones by hierarchy; so ``updates`` and ``removals``.
    :ivar mappers: hierarchy to the mappers of it that take part.
    """

    def __init__(self, work: Workload, linked: dict[int, Any]) -> None:
        unit, gone = work.unit, work.gone
        known = unit.modified if work.only is None else set(map(id, work.touched))
        reached = [o for a, o in linked.items() if a not in unit.new and a not in known and a not in gone]
        touched = [*work.touched, *reached]
        new, removed = work.new_of, work.deleted_of
        changed = by_mapper(touched) if reached else work.touched_of
        self.objects: list[dict[Mapper, list[Any]]] = [new, changed, removed]
        self.inserts = by_family(work.inserts, new) if new else new
        self.updates = by_family(touched, changed) if changed else changed
        self.removals = by_family(work.deletes, removed) if removed else removed
        self.mappers: dict[Mapper, list[Mapper]] = {f: [] for f in (*self.inserts, *self.updates, *self.removals)}
        for mapper in dict.fromkeys([*new, *changed, *removed]):
            self.mappers[mapper.base_mapper].append(mapper)


def with_children(unit: UnitOfWork, only: set[int]) -> set[int]:
    """The objects of a partial flush, and the new children that they bring.

    :param only: ``id`` of the objects that were asked for.
    """
    chosen = set(only)
    waiting = [obj for room in (unit.new, unit.modified) for address, obj in room.items() if address in only]
    while waiting:
        obj = waiting.pop()
        for declared in state_of(obj).mapper.relationships:
            if declared.direction is Direction.ONETOMANY and not declared.viewonly:
                history = (collection_history if declared.uselist else reference_history)(obj, declared.key)
                fresh = [child for child in history.added if id(child) in unit.new and id(child) not in chosen]
                chosen.update(map(id, fresh))
                waiting += fresh
    return chosen


def by_family(objects: list[Any], groups: dict[Mapper, list[Any]]) -> dict[Mapper, list[Any]]:
    """Objects by the root of their hierarchy, in order.

    :param groups: the same objects by their mapper, which without inheritance is the same.
    """
    if not groups or all(mapper.base_mapper is mapper for mapper in groups):
        return groups
    families: dict[Mapper, list[Any]] = {}
    for obj in objects:
        families.setdefault(state_of(obj).mapper.base_mapper, []).append(obj)
    return families


def row_key(obj: Any) -> tuple[Mapper, Any]:
    """What tells the row of a persistent object from all others."""
    return state_of(obj).mapper.base_mapper, ident_of(obj)


def class_name(mapper: Mapper) -> str:
    """By what classes are put in order that have nothing to do with each other."""
    return f"{mapper.class_.__module__}.{mapper.class_.__name__}"


def relationship_name(declared: Relationship) -> str:
    """By what relationships are."""
    return f"{class_name(declared.parent)}_{declared.key}"
