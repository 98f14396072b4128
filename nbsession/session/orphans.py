"""Which objects lost their last parent under delete-orphan. Looks at histories; loads nothing and deletes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from nbsession.mapping.relationships import Relationship
from nbsession.states import ObjectState
from nbsession.tracking.history import collection_history, reference_history
from nbsession.tracking.instance_state import state_of

if TYPE_CHECKING:
    from nbsession.session.unit_of_work import UnitOfWork


def orphans_of(unit: UnitOfWork, parent: Any) -> Iterator[tuple[Any, Relationship]]:
    """(child, relationship) for each child that the parent gave up and nobody took.

    An object given to another parent is no orphan, whichever side of the relationship said so.
    """
    for declared in state_of(parent).mapper.relationships:
        if not declared.cascade.delete_orphan:
            continue
        history = (collection_history if declared.uselist else reference_history)(parent, declared.key)
        for child in history.deleted or ():
            if child is not None and _is_orphan(unit, declared, child):
                yield child, declared


def _is_orphan(unit: UnitOfWork, declared: Relationship, child: Any) -> bool:
    """Persistent, ours, not marked yet, and in no other parent's collection."""
    if state_of(child).status is not ObjectState.PERSISTENT or id(child) in unit.marked:
        return False
    if not unit.identity_map.contains_object(child) or declared.has_parent(child):
        return False
    for other in [*unit.new.values(), *unit.modified.values()]:
        if isinstance(other, declared.parent.class_):
            held = other.__dict__.get(declared.key)
            if held is not None and any(m is child for m in (held if declared.uselist else (held,))):
                return False
    return True
