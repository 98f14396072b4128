"""Which objects lost their last parent under delete-orphan. Looks at histories; loads nothing and deletes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any
from weakref import ref

from nbsession.mapping.collecting.collections import members_of
from nbsession.mapping.relating.relationships import Direction, Relationship
from nbsession.session.batches import by_mapper, mappers_of
from nbsession.session.kept_parents import is_kept
from nbsession.session.unit_of_work import UnitOfWork
from nbsession.states import ObjectState
from nbsession.tracking.history import collection_history, reference_history
from nbsession.tracking.instance_state import OwnState, ident_of, state_of


def orphans(unit: UnitOfWork, only: set[int] | None) -> list[tuple[Any, Relationship]]:
    """(child, relationship) for each child that a parent gave up and nobody took.

    An object given to another parent is no orphan, whichever side of the relationship said so.

    :param only: ``id`` of the parents to look at; None: all that are new or modified.
    """
    for mapper in mappers_of((*unit.modified.values(), *unit.new.values())):
        if mapper.orphan_relationships or mapper.owners:
            return _Orphans(unit).find(only)
    return []


def given_up(child: Any, declared: Relationship) -> bool:
    """Was it taken out of such a relationship? The parent may have forgotten it: expired, or gone. Expired, it forgets too."""
    state = state_of(child)
    return isinstance(state, OwnState) and (declared in state.noted.given_up or left_once(child, declared))


def is_homeless(unit: UnitOfWork, child: Any, declared: Relationship) -> bool:
    """Was it inserted after it had been taken out of such a relationship, or taken out of a list that holds it still?

    With its next change it goes, unless a parent takes it before.
    """
    reference, given_up = unit.homeless.get(id(child), (None, ()))
    return reference is not None and reference() is child and declared in given_up


def note_homeless(unit: UnitOfWork, objects: Iterable[Any]) -> None:
    """Remembers those of new objects, about to be inserted, who have lost their parents."""
    found: dict[int, tuple[ref[Any], tuple[Relationship, ...]]] = {}
    for obj in objects:
        state = obj._nbs_state
        if state.owned and state.noted.given_up:
            lost = [d for d in state.mapper.owners if d in state.noted.given_up and not d.has_parent(obj)]
            if lost:
                found[id(obj)] = (ref(obj), tuple(lost))
    if found:  # what is remembered of objects that are gone goes too
        unit.homeless = {address: one for address, one in unit.homeless.items() if one[0]() is not None} | found


def left_once(child: Any, declared: Relationship) -> bool:
    """Was it taken out of a list that holds it still, and not put in again, and does it refer to nobody else?"""
    state = state_of(child)
    return isinstance(state, OwnState) and any(
        along is declared
        and sum(member is child for member in members_of(owner.__dict__.get(along.key))) == count
        and not _refers_elsewhere(child, declared, owner)
        for along, owner, count in state.noted.left
    )


def _refers_elsewhere(child: Any, declared: Relationship, owner: Any) -> bool:
    """Does it refer to another parent than one that gave it up? Another object of that row is no other."""
    if not declared.has_parent(child, owner):
        return False
    back = declared.reverse
    parent = None if back is None or back.relationship.uselist else child.__dict__.get(back.key)
    return parent is None or ident_of(parent) != ident_of(owner)


def is_untold(child: Any, declared: Relationship, giver: Any) -> bool:
    """Was it given to the owner of a list, and went by an assignment that was refused? Nobody told it, so it is there still."""
    state, back = state_of(giver), declared.reverse
    return (
        isinstance(state, OwnState)
        and id(child) in state.noted.untold.get(declared.key, ())
        and back is not None
        and child.__dict__.get(back.key) is giver
    )


def taken_back(unit: UnitOfWork, only: set[int] | None) -> list[tuple[Any, Relationship]]:
    """(child, relationship) for each child that is marked to be deleted, but was given to a parent that stays."""
    found: list[tuple[Any, Relationship]] = []
    if not unit.marked:
        return found
    for mapper, parents in by_mapper([*unit.modified.values(), *unit.new.values()]).items():
        for declared in mapper.relationships:
            if declared.direction is not Direction.ONETOMANY or declared.viewonly:
                continue
            for parent in parents:
                if id(parent) not in unit.marked and (only is None or id(parent) in only):
                    history = (collection_history if declared.uselist else reference_history)(parent, declared.key)
                    found += [(c, declared) for c in history.added if c is not None and id(c) in unit.marked]
    return found


def taken_back_since(unit: UnitOfWork, only: set[int] | None) -> list[tuple[Any, Relationship]]:
    """Those of :func:`taken_back` who were given away after they were marked: they are not to be deleted any more."""
    if not unit.given:
        return []
    return [(child, declared) for child, declared in taken_back(unit, only) if id(child) in unit.given]


def _only_read(child: Any, declared: Relationship) -> bool:
    """Was its reference read anew, after it had been taken out of such a relationship? That gives it no parent."""
    state, reverse = state_of(child), declared.reverse
    return (
        isinstance(state, OwnState)
        and declared in state.noted.given_up
        and (reverse is not None and not reverse.relationship.uselist and reverse.key not in state.related)
    )


def _stays_given_up(child: Any, declared: Relationship) -> bool:
    """Was it taken out, and does its reference say if a parent takes it? A list that is read, and holds its row, does not."""
    state, reverse = state_of(child), declared.reverse
    referring = reverse is not None and not reverse.relationship.uselist
    return referring and isinstance(state, OwnState) and declared in state.noted.given_up


class _Orphans:
    """One look at the session. Who holds whom is worked out once for each relationship, and only if it is asked."""

    def __init__(self, unit: UnitOfWork) -> None:
        self.unit = unit
        self._held: dict[Relationship, set[int]] = {}

    def find(self, only: set[int] | None) -> list[tuple[Any, Relationship]]:
        unit = self.unit
        found: list[tuple[Any, Relationship]] = []
        present = (*unit.modified.values(), *unit.new.values())
        for mapper, objects in by_mapper(present).items():
            if mapper.orphan_relationships:
                for parent in objects:
                    if only is None or id(parent) in only:
                        found += self._left(parent)
            for declared in mapper.owners:
                for child in objects:
                    if only is not None and id(child) not in only:
                        continue
                    if given_up(child, declared) or is_homeless(unit, child, declared):
                        if self._is_orphan(declared, child):
                            found.append((child, declared))
                        elif left_once(child, declared):
                            unit.homeless[id(child)] = ref(child), (declared,)
        return found

    def _left(self, parent: Any) -> Iterator[tuple[Any, Relationship]]:
        state = state_of(parent)
        if not isinstance(state, OwnState):
            return
        for declared in state.mapper.orphan_relationships:
            if declared.key not in state.related and declared.key not in state.queued:
                continue
            history = (collection_history if declared.uselist else reference_history)(parent, declared.key)
            for child in history.deleted or ():
                if child is not None and self._is_orphan(declared, child, parent):
                    yield child, declared

    def _is_orphan(self, declared: Relationship, child: Any, giver: Any = None) -> bool:
        """Persistent, ours, not marked yet, and in no other parent's collection than the giver's."""
        if state_of(child).status is not ObjectState.PERSISTENT or id(child) in self.unit.marked:
            return False
        if not self.unit.identity_map.contains_object(child):
            return False
        if left_once(child, declared) or is_homeless(self.unit, child, declared):
            return id(child) not in self._added(declared)
        if self.unit.kept and is_kept(self.unit, child, declared, giver):
            return False
        if declared.has_parent(child, giver) and not _only_read(child, declared):
            return False
        if giver is not None and is_untold(child, declared, giver):
            return False
        return id(child) not in (self._added(declared) if _stays_given_up(child, declared) else self._members(declared))

    def _added(self, declared: Relationship) -> set[int]:
        """All that new and modified parents were given: they are not deleted, whoever gave them up."""
        parents = [p for p in (*self.unit.new.values(), *self.unit.modified.values()) if isinstance(p, declared.class_)]
        history = collection_history if declared.uselist else reference_history
        return {id(child) for parent in parents for child in history(parent, declared.key).added}

    def _members(self, declared: Relationship) -> set[int]:
        """All that new and modified parents hold, but those that are to be deleted."""
        known = self._held.get(declared)
        if known is None:
            known = self._held[declared] = set()
            for parent in (*self.unit.new.values(), *self.unit.modified.values()):
                if isinstance(parent, declared.class_) and id(parent) not in self.unit.marked:
                    held = parent.__dict__.get(declared.key)
                    if held is not None:
                        known.update(map(id, members_of(held) if declared.uselist else (held,)))
        return known
