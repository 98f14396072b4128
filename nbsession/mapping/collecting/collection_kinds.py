"""What kind of collection a relationship holds: how an empty one is made, filled, and taken from an assigned value."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from nbsession.exc import ArgumentError
from nbsession.mapping.collecting.collections import (
    InstrumentedDict,
    InstrumentedList,
    InstrumentedSet,
    instrument_collection_class,
    like,
    members_of,
)

_BUILT_IN: dict[Any, type] = {None: InstrumentedList, list: InstrumentedList, set: InstrumentedSet}


class CollectionKind:
    """One kind of collection.

    :ivar make: makes an empty one.
    :ivar form: what it is like: list, set or dict; None: a class that is like none of them.
    :ivar plain: is it our list or set, filled by one call?
    :ivar append: adds a member to a collection without telling.

    :param given: ``collection_class``: a class, or a function that makes an empty collection.
    :raises ArgumentError: its class does not say how members are added or removed.
    """

    def __init__(self, given: Any) -> None:
        self.make: Callable[[], Any] = _BUILT_IN.get(given, given)
        self.plain = given in _BUILT_IN
        if given is dict:
            raise ArgumentError(
                "Type InstrumentedDict must elect an appender method to be a collection class: a dict needs to know its "
                "members' keys. Use attribute_keyed_dict('name'), or keyfunc_mapping(function)."
            )
        sample = self.make()
        made = type(sample)
        if made in (list, set):  # a function that makes one
            self.make, self.plain, made = _BUILT_IN[made], True, _BUILT_IN[made]
        if not self.plain:
            instrument_collection_class(made)
        self.form = like(made)
        self.append, self._remove = made._nbs_roles

    def build(self, members: Iterable[Any]) -> Any:
        """A collection with these members; nothing is told."""
        if self.plain:
            return self.make(members)  # type: ignore[call-arg]
        made = self.make()
        for member in members:
            self.append(made, member)
        return made

    def know(self, member: Any) -> None:
        """Loads what is needed to file a member."""
        if not self.plain and self.form is dict:
            key_of = getattr(self.make(), "keyfunc", None)
            if key_of is not None:
                key_of(member)

    def add(self, collection: Any, member: Any) -> list[Any]:
        """Adds a member without telling.

        :return: the members that it took the place of.
        """
        before = list(collection.values()) if isinstance(collection, InstrumentedDict) else []
        self.append(collection, member)
        return [m for m in before if m is not member and not any(m is kept for kept in collection.values())]

    def take(self, collection: Any, member: Any) -> None:
        """Removes a member, this very object, without telling."""
        if isinstance(collection, list):
            index = next(i for i, m in enumerate(collection) if m is member)
            list.pop(collection, index)
        elif isinstance(collection, InstrumentedDict):  # by itself: its key may have changed since
            dict.__delitem__(collection, next(k for k, m in collection.items() if m is member))
        else:
            self._remove(collection, member)

    def members_assigned(self, value: Any, name: str, members: str) -> list[Any]:
        """The members of a value that is assigned to the attribute.

        :raises TypeError: it is not of this kind.
        """
        if type(value) is self.form:
            return members_of(value)
        if (self.form is not None and like(value) is not self.form) or value is None:
            wanted = self.form.__name__ if self.form is not None else "collection"
            given = "None" if value is None else type(value).__name__
            raise TypeError(
                f"Incompatible collection type: {given} is not {wanted}-like. '{name}' takes a {wanted} of {members} objects."
            )
        return members_of(value)

    def restored(self, saved: Any) -> Any:
        """A collection as pickle kept it."""
        if isinstance(saved, dict):
            made = self.make()
            for key, member in saved.items():
                dict.__setitem__(made, key, member)
            return made
        return self.build(saved)


def saved_members(collection: Any) -> Any:
    """What pickle keeps of a collection: a plain dict, or a list of the members."""
    return dict(collection) if isinstance(collection, dict) else members_of(collection)
