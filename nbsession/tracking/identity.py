"""Where a session finds its objects: by primary key, and by identity. Knows no SQL and moves no state."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any
from weakref import ref

from nbsession.exc import UnmappedClassError

PURGE_AT = 1_000
"""a map is purged of dead entries whenever it has doubled, and not below this size"""


class IdentitySet(AbstractSet[Any]):
    """A set that compares by ``is``: classes with an odd ``__eq__`` or no hash work. Keeps insertion order.

    >>> IdentitySet([1, 1, 2])
    IdentitySet([1, 2])
    """

    __slots__ = ("_members",)

    def __init__(self, members: Iterable[Any] = ()) -> None:
        self._members = {id(m): m for m in members}

    def __contains__(self, obj: object) -> bool:
        return id(obj) in self._members

    def __iter__(self) -> Iterator[Any]:
        return iter(self._members.values())

    def __len__(self) -> int:
        return len(self._members)

    def union(self, *others: Iterable[Any]) -> IdentitySet:
        """A set of the members of this one and of others."""
        return IdentitySet(member for some in (self, *others) for member in some)

    def intersection(self, *others: Iterable[Any]) -> IdentitySet:
        """A set of the members that are in all the others too."""
        kept = [IdentitySet(some) for some in others]
        return IdentitySet(member for member in self if all(member in some for some in kept))

    def difference(self, *others: Iterable[Any]) -> IdentitySet:
        """A set of the members that are in none of the others."""
        left_out = IdentitySet().union(*others)
        return IdentitySet(member for member in self if member not in left_out)

    def issubset(self, other: Iterable[Any]) -> bool:
        """Are all members in the other too?"""
        return not self.difference(other)

    def issuperset(self, other: Iterable[Any]) -> bool:
        """Are all members of the other in here?"""
        return IdentitySet(other).issubset(self)

    def copy(self) -> IdentitySet:
        """Another set of the same members."""
        return IdentitySet(self)

    def __repr__(self) -> str:
        return f"IdentitySet({list(self)!r})"


class KeyedObjects(dict[Any, Any]):
    """The objects of one mapper, by primary key, as weak references without callbacks.

    Dead entries are skipped when met and purged when the map has doubled.
    """

    __slots__ = ("purge_at",)

    def __init__(self) -> None:
        super().__init__()
        self.purge_at = PURGE_AT

    def find(self, ident: Any) -> Any:
        """The object of a key, or None."""
        reference = self.get(ident)
        return None if reference is None else reference()

    def put(self, ident: Any, obj: Any) -> None:
        """Files an object; whoever had the key is out."""
        self[ident] = ref(obj)

    def discard(self, ident: Any, obj: Any) -> None:
        """Takes the object out, if it is the one filed under the key."""
        reference = self.get(ident)
        if reference is not None:
            held = reference()
            if held is None or held is obj:
                del self[ident]

    def alive(self) -> list[Any]:
        """All objects that still exist."""
        return [obj for reference in list(self.values()) if (obj := reference()) is not None]

    def purge(self) -> None:
        """Drops dead entries if the map has doubled since the last time."""
        if len(self) < self.purge_at:
            return
        for ident in [ident for ident, reference in self.items() if reference() is None]:
            del self[ident]
        self.purge_at = max(PURGE_AT, 2 * len(self))


class IdentityMap(Mapping[Any, Any]):
    """The persistent objects of a session: one object per row. Weak, unless made strong.

    A mapping from identity key ``(class, (primary key, ...), None)`` to object, as ``session.identity_map``.
    """

    def __init__(self) -> None:
        self.by_mapper: dict[Any, KeyedObjects] = {}

    def of(self, mapper: Any) -> KeyedObjects:
        """The objects of one base mapper."""
        try:
            return self.by_mapper[mapper]
        except KeyError:
            objects = self.by_mapper[mapper] = KeyedObjects()
            return objects

    def clear(self) -> None:
        """Empties the map in place."""
        self.by_mapper.clear()

    def __getitem__(self, key: Any) -> Any:
        try:
            cls, values, entity_name = key
            mapper = cls.__mapper__
            if mapper.entity_name != entity_name:
                mapper = vars(cls).get("__mappers__", {}).get(entity_name, mapper)
        except (TypeError, ValueError):
            raise KeyError(key) from None
        except AttributeError:
            raise UnmappedClassError(key[0]) from None
        objects = self.by_mapper.get(mapper.base_mapper)
        obj = objects.find(mapper.ident_from_values(values)) if objects is not None else None
        if obj is None:
            raise KeyError(key)
        return obj

    def __iter__(self) -> Iterator[Any]:
        for mapper, objects in list(self.by_mapper.items()):
            for ident, reference in list(objects.items()):
                if reference() is not None:
                    yield mapper.identity_key(ident)

    def __len__(self) -> int:
        return sum(reference() is not None for o in self.by_mapper.values() for reference in list(o.values()))

    def all(self) -> list[Any]:
        """Every object in the map."""
        return [obj for objects in list(self.by_mapper.values()) for obj in objects.alive()]

    def keys(self) -> Any:
        """The identity keys, as a list taken now."""
        return list(self)

    def values(self) -> Any:
        """Iterates over the objects; an object nobody else holds may go meanwhile, and is then left out."""
        for objects in list(self.by_mapper.values()):
            for reference in list(objects.values()):
                obj = reference()
                if obj is not None:
                    yield obj
                del obj

    def items(self) -> Any:
        """Pairs of identity key and object."""
        return [(key, obj) for key in self if (obj := self.get(key)) is not None]

    def contains_object(self, obj: Any) -> bool:
        """Is this very object in the map?"""
        mapper = obj._nbs_state.mapper
        objects = self.by_mapper.get(mapper.base_mapper)
        return objects is not None and objects.find(getattr(obj, "_nbs_ident", None)) is obj

    def __repr__(self) -> str:
        return f"<IdentityMap of {len(self)}>"
