"""Which shard each object of a sharded session lies in, and an identity map that tells equal keys of several shards apart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from weakref import ref

from nbsession.tracking.identity import IdentityMap, KeyedObjects

PURGE_AT = 1_000
"""places of dead objects are forgotten whenever their number has doubled, and not below this"""


class Places:
    """Where objects lie.

    :ivar current: the shard that is being worked on, or None.
    """

    def __init__(self) -> None:
        self.current: Any = None
        self._of: dict[int, tuple[ref[Any], Any]] = {}
        self._purge_at = PURGE_AT

    def of(self, obj: Any) -> Any:
        """The shard of an object, or None."""
        reference, shard = self._of.get(id(obj), (None, None))
        return shard if reference is not None and reference() is obj else None

    def put(self, obj: Any, shard: Any) -> None:
        """Says where an object lies."""
        self._of[id(obj)] = ref(obj), shard
        if len(self._of) > self._purge_at:
            self._of = {address: entry for address, entry in self._of.items() if entry[0]() is not None}
            self._purge_at = max(PURGE_AT, 2 * len(self._of))

    @contextmanager
    def working_on(self, shard: Any) -> Iterator[None]:
        """Inside the block, what is looked up and loaded is of this shard."""
        before, self.current = self.current, shard
        try:
            yield
        finally:
            self.current = before


class ShardedObjects(KeyedObjects):
    """The objects of one mapper by shard and primary key. Asked by primary key alone, it answers for the current shard."""

    __slots__ = ("places",)

    def __init__(self, places: Places) -> None:
        super().__init__()
        self.places = places

    def get(self, ident: Any, default: Any = None) -> Any:
        """The reference to the object of a key in the current shard; without one, in any."""
        if self.places.current is not None:
            return super().get((self.places.current, ident), default)
        return next((reference for key, reference in self.items() if key[1] == ident), default)

    def __setitem__(self, ident: Any, reference: Any) -> None:
        obj = reference()
        shard = self.places.of(obj)
        if shard is None:
            shard = self.places.current
            self.places.put(obj, shard)
        super().__setitem__((shard, ident), reference)

    def update(self, entries: Any) -> None:  # type: ignore[override]
        """Files several objects."""
        for ident, reference in entries:
            self[ident] = reference

    def discard(self, ident: Any, obj: Any) -> None:
        """Takes the object out, if it is the one filed under the key."""
        key = self.places.of(obj), ident
        reference = super().get(key)
        if reference is not None and reference() in (None, obj):
            del self[key]

    def in_shard(self, shard: Any, ident: Any) -> Any:
        """The object of a key in a shard, or None."""
        reference = super().get((shard, ident))
        return None if reference is None else reference()


class ShardedIdentityMap(IdentityMap):
    """The identity map of a sharded session: the third part of a key is the shard, as SQLAlchemy's identity token.

    :param places: where objects lie.
    """

    def __init__(self, places: Places) -> None:
        super().__init__()
        self.places = places

    def of(self, mapper: Any) -> ShardedObjects:
        """The objects of one base mapper."""
        try:
            return self.by_mapper[mapper]  # type: ignore[return-value]
        except KeyError:
            objects = self.by_mapper[mapper] = ShardedObjects(self.places)
            return objects

    def __getitem__(self, key: Any) -> Any:
        cls, values, shard = key
        with self.places.working_on(shard):
            return super().__getitem__((cls, values, None))

    def __iter__(self) -> Iterator[Any]:
        for mapper, objects in list(self.by_mapper.items()):
            for (shard, ident), reference in list(objects.items()):
                if reference() is not None:
                    yield (*mapper.identity_key(ident)[:2], shard)

    def contains_object(self, obj: Any) -> bool:
        """Is this very object in the map?"""
        objects = self.by_mapper.get(type(obj).__mapper__.base_mapper)
        if not isinstance(objects, ShardedObjects):
            return False
        return objects.in_shard(self.places.of(obj), getattr(obj, "_nbs_ident", None)) is obj


def by_shard(objects: Iterable[Any], places: Places) -> dict[Any, list[Any]]:
    """Objects by their shard, in order."""
    groups: dict[Any, list[Any]] = {}
    for obj in objects:
        groups.setdefault(places.of(obj), []).append(obj)
    return groups
