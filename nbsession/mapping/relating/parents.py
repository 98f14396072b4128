"""Who is whose parent, where a relationship must know: ``single_parent``, and ``legacy_is_orphan``. Loads nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import ref

from nbsession.exc import InvalidRequestError
from nbsession.mapping.attributes import describe
from nbsession.tracking.instance_state import state_of

if TYPE_CHECKING:
    from nbsession.mapping.relating.relationship_attributes import RelationshipAttribute


class SingleParent:
    """Keeps, for a relationship with ``single_parent``, the parent that each related object was given to."""

    def __init__(self, attribute: RelationshipAttribute) -> None:
        self._attribute = attribute
        self._parents: dict[int, tuple[ref[Any], ref[Any]]] = {}

    def taken(self, parent: Any, member: Any) -> None:
        """A parent takes an object.

        :raises InvalidRequestError: another one has it.
        """
        attribute = self._attribute
        known = self._parents.get(id(member))
        if known is not None and known[0]() is member:
            other = known[1]()
            held = () if other is None else attribute.relationship.members(other.__dict__.get(attribute.key))
            if other is not parent and any(m is member for m in held):
                raise InvalidRequestError(
                    f"Instance {describe(member)} is already associated with an instance of {attribute.class_} via its "
                    f"{attribute} attribute, and is only allowed a single parent. Take it from {describe(other)} first."
                )
        address, parents = id(member), self._parents
        parents[address] = ref(member, lambda dead: parents.pop(address, None)), ref(parent)

    def freed(self, parent: Any, member: Any) -> None:
        """A parent let an object go."""
        known = self._parents.get(id(member))
        if known is not None and known[1]() is parent:
            del self._parents[id(member)]


def has_another_parent(session: Any, member: Any) -> bool:
    """Does an object of the session hold this one under any relationship that owns it?"""
    mapper = state_of(member).mapper
    return any(
        held is member
        for parent in session
        for declared in state_of(parent).mapper.orphan_relationships
        if mapper.isa(declared.mapper)
        for held in declared.members(parent.__dict__.get(declared.key))
    )
