"""Column values that are changed in place: dicts, lists and sets that tell their object, and a base for others.

Such a value knows the objects it lies in; a change marks the attribute as modified. Knows no session.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import ref

from nbsession.mapping.attribute_functions import flag_modified
from nbsession.mapping.attributes import ColumnAttribute
from nbsession.sql.types import TypeEngine, to_type
from nbsession.tracking.instance_state import NO_VALUE

_marked: dict[int, tuple[Any, type[Mutable]]] = {}
"""type instances declared mutable; kept, so that their ids stay theirs"""
_associated: list[tuple[type, type[Mutable]]] = []
"""classes of types declared mutable everywhere"""


class Mutable:
    """Base of values that are changed in place. A subclass calls :meth:`changed` after each change.

    >>> class Box(Base): ...
    ...     data = mapped_column(MutableDict.as_mutable(JSON))
    """

    _parents: dict[int, tuple[ref[Any], str]]

    @classmethod
    def coerce(cls, key: str, value: Any) -> Any:
        """The value as one of this class; None stays None.

        :param key: the attribute, for the message.
        :raises ValueError: it cannot be made into one.
        """
        if value is None or isinstance(value, cls):
            return value
        raise ValueError(
            f"Attribute '{key}' does not accept objects of type {type(value)}: it takes a {cls.__name__}, or what its coerce() "
            "makes into one."
        )

    @classmethod
    def as_mutable(cls, sqltype: Any) -> TypeEngine:
        """A column type whose values are of this class: ``mapped_column(MutableDict.as_mutable(JSON))``."""
        made = to_type(sqltype)
        if id(made) in _marked:
            made = to_type(type(made))
        _marked[id(made)] = made, cls
        return made

    @classmethod
    def associate_with(cls, sqltype: type) -> None:
        """Makes the values of every column of a type such ones, for classes mapped from now on.

        :param sqltype: a class of types: ``JSON``.
        """
        _associated.append((sqltype, cls))

    @classmethod
    def associate_with_attribute(cls, attribute: Any) -> None:
        """Makes the values of one attribute such ones: ``MutableDict.associate_with_attribute(Box.data)``."""
        for mapper in attribute.mapper.self_and_descendants:
            own = mapper.attributes[attribute.key]
            made = MutableColumnAttribute(own.key, own.column, mapper, cls)
            made.validators, made.occasional = own.validators, own.occasional
            mapper.attributes[own.key] = made
            setattr(mapper.class_, own.key, made)
            mapper.refit()

    def changed(self) -> None:
        """Marks the attributes that hold this value as modified."""
        for place, key in list(self.__dict__.get("_parents", {}).values()):
            parent = place()
            if parent is not None and parent.__dict__.get(key) is self:
                flag_modified(parent, key)

    def held_by(self, obj: Any, key: str) -> None:
        """Notes that it lies in an attribute of an object."""
        parents = self.__dict__.setdefault("_parents", {})
        if id(obj) not in parents or parents[id(obj)][0]() is not obj:
            address = id(obj)
            parents[address] = ref(obj, lambda dead: parents.pop(address, None)), key

    def __getstate__(self) -> dict[str, Any]:
        """Pickle keeps the value, not who holds it."""
        return {name: value for name, value in self.__dict__.items() if name != "_parents"}


class MutableColumnAttribute(ColumnAttribute):
    """A column whose values tell of their changes: a value as it was loaded is made into one when it is first read."""

    def __init__(self, key: str, column: Any, mapper: Any, cls: type[Mutable]) -> None:
        super().__init__(key, column, mapper)
        self.mutable = cls

    def __get__(self, obj: Any, owner: type | None = None) -> Any:
        if obj is None:
            return self
        value = obj.__dict__.get(self.key, NO_VALUE)
        if value is NO_VALUE:
            super().__get__(obj, owner)
            value = obj.__dict__.get(self.key)
        return value if value is None else self._held(obj, value)

    def __set__(self, obj: Any, value: Any) -> None:
        """Here so that reading passes by :meth:`__get__`; writing comes to :meth:`set`."""
        self.set(obj, value)

    def set(self, obj: Any, value: Any) -> None:
        """Stores a value, made into one that tells of its changes.

        :raises ValueError: it cannot be made into one.
        """
        value = self.mutable.coerce(self.key, value)
        super().set(obj, value)
        if isinstance(value, Mutable):
            value.held_by(obj, self.key)

    def _held(self, obj: Any, value: Any) -> Any:
        if not isinstance(value, Mutable):
            value = obj.__dict__[self.key] = self.mutable.coerce(self.key, value)
        if isinstance(value, Mutable):
            value.held_by(obj, self.key)
        return value


def column_attribute(key: str, column: Any, mapper: Any) -> ColumnAttribute:
    """The attribute that fits a column."""
    marked = _marked.get(id(column.type))
    if marked is not None:
        return MutableColumnAttribute(key, column, mapper, marked[1])
    for sqltype, cls in _associated:
        if isinstance(column.type, sqltype):
            return MutableColumnAttribute(key, column, mapper, cls)
    return ColumnAttribute(key, column, mapper)


def _telling(form: type, name: str) -> Callable[..., Any]:
    plain = getattr(form, name)

    def method(self: Any, *args: Any, **named: Any) -> Any:
        result = plain(self, *args, **named)
        self.changed()
        return result

    method.__name__, method.__doc__ = name, plain.__doc__
    return method


class MutableDict(Mutable, dict[Any, Any]):
    """A dict that tells of its changes; of those of values within it, only if they are replaced."""

    @classmethod
    def coerce(cls, key: str, value: Any) -> Any:
        """A dict as a MutableDict."""
        return cls(value) if type(value) is dict else super().coerce(key, value)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return type(self), (dict(self),)


class MutableList(Mutable, list[Any]):
    """A list that tells of its changes; of those of values within it, only if they are replaced."""

    @classmethod
    def coerce(cls, key: str, value: Any) -> Any:
        """A list as a MutableList."""
        return cls(value) if type(value) is list else super().coerce(key, value)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return type(self), (list(self),)


class MutableSet(Mutable, set[Any]):
    """A set that tells of its changes."""

    @classmethod
    def coerce(cls, key: str, value: Any) -> Any:
        """A set as a MutableSet."""
        return cls(value) if type(value) is set else super().coerce(key, value)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return type(self), (list(self),)


_CHANGING: dict[type, tuple[type, str]] = {
    MutableDict: (dict, "__setitem__ __delitem__ __ior__ clear pop popitem setdefault update"),
    MutableList: (
        list,
        "__setitem__ __delitem__ __iadd__ __imul__ append clear extend insert pop remove reverse sort",
    ),
    MutableSet: (
        set,
        "__iand__ __ior__ __isub__ __ixor__ add clear difference_update discard intersection_update pop remove "
        "symmetric_difference_update update",
    ),
}
for _cls, (_form, _names) in _CHANGING.items():
    for _name in _names.split():
        setattr(_cls, _name, _telling(_form, _name))
