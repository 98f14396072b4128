"""Which objects lost their last parent under delete-orphan. Looks at histories; loads nothing and deletes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nbsession.mapping.relationships import Relationship
from nbsession.session.unit_of_work import UnitOfWork, by_mapper
from nbsession.states import ObjectState
from nbsession.tracking.history import collection_history, reference_history
from nbsession.tracking.instance_state import OwnState, state_of


def orphans(unit: UnitOfWork, only: set[int] | None) -> list[tuple[Any, Relationship]]:
    """(child, relationship) for each child that a parent gave up and nobody took.

    :param only: ``id`` of the parents to look at; None: all that are new or modified.
    """
    found: list[tuple[Any, Relationship]] = []
    for mapper, parents in by_mapper([*unit.modified.values(), *unit.new.values()]).items():
        if mapper.orphan_relationships:
            for parent in parents:
                if only is None or id(parent) in only:
                    found += orphans_of(unit, parent)
        for declared in mapper.owners:
            for child in parents:
                if (
                    (only is None or id(child) in only)
                    and given_up(child, declared)
                    and _is_orphan(unit, declared, child)
                ):
                    found.append((child, declared))
    return found


def given_up(child: Any, declared: Relationship) -> bool:
    """Was it taken out of such a relationship? The parent may have forgotten it: expired, or gone. Expired, it forgets too."""
    state = state_of(child)
    return isinstance(state, OwnState) and declared in state.given_up


def orphans_of(unit: UnitOfWork, parent: Any) -> Iterator[tuple[Any, Relationship]]:
    """(child, relationship) for each child that the parent gave up and nobody took.

    An object given to another parent is no orphan, whichever side of the relationship said so.
    """
    for declared in state_of(parent).mapper.orphan_relationships:
        history = (collection_history if declared.uselist else reference_history)(parent, declared.key)
        for child in history.deleted or ():
            if child is not None and _is_orphan(unit, declared, child, parent):
                yield child, declared


def _is_orphan(unit: UnitOfWork, declared: Relationship, child: Any, giver: Any = None) -> bool:
    """Persistent, ours, not marked yet, and in no other parent's collection than the giver's."""
    if state_of(child).status is not ObjectState.PERSISTENT or id(child) in unit.marked:
        return False
    if not unit.identity_map.contains_object(child) or declared.has_parent(child, giver):
        return False
    for other in [*unit.new.values(), *unit.modified.values()]:
        if isinstance(other, declared.parent.class_):
            held = other.__dict__.get(declared.key)
            if held is not None and any(m is child for m in (held if declared.uselist else (held,))):
                return False
    return True
