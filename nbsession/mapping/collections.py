"""The list behind a to-many relationship. Tells its attribute of every member that comes or goes; loads nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, SupportsIndex
from weakref import ref

if TYPE_CHECKING:
    from nbsession.mapping.relationship_attributes import CollectionAttribute


def members_of(collection: Any) -> list[Any]:
    """The related objects in a collection, whatever its class.

    :param collection: a list, a set, a dict (its values are the members), or None for none.

    >>> members_of({"a": 1, "b": 2})
    [1, 2]
    """
    if collection is None:
        return []
    return list(collection.values() if hasattr(collection, "values") else collection)


class InstrumentedList(list[Any]):
    """A list of related objects. A list that was replaced or expired is an ordinary list again."""

    __slots__ = ("__weakref__", "_attribute", "_owner")

    def __init__(self, members: Iterable[Any] = ()) -> None:
        super().__init__(members)
        self._owner: Any = None
        self._attribute: CollectionAttribute | None = None

    def belongs_to(self, owner: Any, attribute: CollectionAttribute) -> InstrumentedList:
        """Makes it the collection of an object."""
        self._owner = ref(owner)
        self._attribute = attribute
        return self

    def _holder(self) -> Any:
        """The object whose collection this is now, or None."""
        if self._attribute is None:
            return None
        owner = self._owner()
        if owner is None or owner.__dict__.get(self._attribute.key) is not self:
            return None
        return owner

    def _adding(self, members: list[Any]) -> list[Any]:
        owner = self._holder()
        if owner is None or self._attribute is None:
            return members
        return self._attribute.before_add(owner, members)

    def _added(self, members: Iterable[Any]) -> None:
        owner = self._holder()
        if owner is not None and self._attribute is not None:
            self._attribute.after_add(owner, members)

    def _removing(self) -> None:
        owner = self._holder()
        if owner is not None and self._attribute is not None:
            self._attribute.before_remove(owner)

    def _removed(self, members: Iterable[Any]) -> None:
        owner = self._holder()
        if owner is not None and self._attribute is not None:
            self._attribute.after_remove(owner, members)

    def append(self, member: Any) -> None:
        """Adds a member at the end."""
        (member,) = self._adding([member])
        super().append(member)
        self._added((member,))

    def insert(self, index: SupportsIndex, member: Any) -> None:
        """Adds a member before an index."""
        (member,) = self._adding([member])
        super().insert(index, member)
        self._added((member,))

    def extend(self, members: Iterable[Any]) -> None:
        """Adds several members at the end."""
        added = self._adding(list(members))
        super().extend(added)
        self._added(added)

    def __iadd__(self, members: Iterable[Any]) -> InstrumentedList:  # type: ignore[misc]
        self.extend(members)
        return self

    def remove(self, member: Any) -> None:
        """Removes a member, the very object if it is there, else the first equal one.

        :raises ValueError: it is no member.
        """
        index = next((i for i, m in enumerate(self) if m is member), None)
        if index is None:
            index = self.index(member)
        self.pop(index)

    def pop(self, index: SupportsIndex = -1) -> Any:
        """Removes and returns the member at an index."""
        member = self[index]
        self._removing()
        super().pop(index)
        self._removed((member,))
        return member

    def clear(self) -> None:
        """Removes all members."""
        members = list(self)
        self._removing()
        super().clear()
        self._removed(members)

    def __delitem__(self, index: SupportsIndex | slice) -> None:
        gone = self[index] if isinstance(index, slice) else [self[index]]
        self._removing()
        super().__delitem__(index)
        self._removed(gone)

    def __setitem__(self, index: Any, value: Any) -> None:
        if isinstance(index, slice):
            gone, come = self[index], list(value)
        else:
            gone, come = [self[index]], [value]
        come = self._adding(come)
        self._removing()
        super().__setitem__(index, come if isinstance(index, slice) else come[0])
        kept = {id(m) for m in self}
        self._removed([m for m in gone if id(m) not in kept])
        self._added([m for m in come if not any(m is g for g in gone)])

    def __imul__(self, times: SupportsIndex) -> InstrumentedList:
        raise TypeError("A collection of related objects cannot be repeated: an object is related once.")

    def __reduce__(self) -> Any:
        return list, (list(self),)
