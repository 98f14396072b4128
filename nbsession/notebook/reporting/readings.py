"""What is read of one object, whichever engine maps it. Reads states, loaded values and histories; nothing is loaded.

Our own engine's objects are read here; whoever watches another engine's teaches :data:`others` how to read them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any, Protocol

from nbsession.exc import UnmappedInstanceError
from nbsession.mapping.inspection import InstanceState, inspect_mapped
from nbsession.mapping.mapper import Mapper
from nbsession.states import ObjectState
from nbsession.tracking.instance_state import NO_VALUE, ident_of
from nbsession.tracking.seeing import seen

__all__ = ["NO_VALUE", "OwnReading", "Reading", "maps", "named", "others", "read", "status_of"]


class Changes(Protocol):
    """What changed of an attribute: values added, values that stayed, values that went."""

    @property
    def added(self) -> Any: ...
    @property
    def unchanged(self) -> Any: ...
    @property
    def deleted(self) -> Any: ...


class Reading(Protocol):
    """One mapped object, as far as a look tells.

    :ivar state: ``transient``, ``pending``, ``persistent``, ``deleted`` or ``detached``.
    :ivar identity: the key of its row, or None.
    :ivar columns: the names of its columns' attributes.
    :ivar relationships: the names of its relationships; and of each whether it names many.
    :ivar expired: is nothing of its row loaded?
    :ivar expired_columns: the columns that will be read again when touched.
    :ivar held_weakly: does its session let it go when nothing else holds it?
    """

    state: str
    identity: tuple[Any, ...] | None
    columns: Iterable[str]
    relationships: Iterable[tuple[str, bool]]
    expired: bool
    expired_columns: Collection[str]
    held_weakly: bool

    def value(self, name: str) -> Any:
        """The value that is loaded, or NO_VALUE."""

    def changes(self, name: str) -> Changes:
        """What changed since the row was known."""


class OwnReading:
    """An object of our engine."""

    columns: Iterable[str]
    relationships: Iterable[tuple[str, bool]]
    expired_columns: Collection[str]

    def __init__(self, obj: Any) -> None:
        looked: InstanceState = inspect_mapped(obj)
        self._looked = looked
        self.state = looked.state.value
        self.identity = looked.identity
        self.columns = looked.mapper.column_keys
        self.relationships = [(each.key, bool(each.uselist)) for each in looked.mapper.relationships]
        self.expired = looked.expired
        self.expired_columns = looked.expired_attributes
        session = looked.session
        self.held_weakly = session is None or bool(session.weak_identity_map)

    def value(self, name: str) -> Any:
        """The value that is loaded, or NO_VALUE."""
        return self._looked.attrs[name].loaded_value

    def changes(self, name: str) -> Changes:
        """What changed since the row was known."""
        return self._looked.attrs[name].history


others: list[Callable[[Any], Reading | None]] = []
"""how objects of other engines are read; each gives None for what it does not know"""

_KEYLESS = (ObjectState.TRANSIENT, ObjectState.PENDING)


def read(obj: Any) -> Reading:
    """What is known of a mapped object.

    :raises NoInspectionAvailable: it is not mapped.
    """
    return (None if maps(type(obj)) else _other(obj)) or OwnReading(obj)


def status_of(obj: Any) -> str:
    """The state of a mapped object, as ``'pending'``."""
    if maps(type(obj)):
        return seen(obj).status.value
    return read(obj).state


def named(obj: Any) -> tuple[Any, ...] | None:
    """The key by which a mapped object is called; None while it is called by a number: before its row was written.

    :raises UnmappedInstanceError: it is not mapped.
    """
    if maps(type(obj)):
        ident = ident_of(obj) if seen(obj).status not in _KEYLESS else None
        return ident if ident is None or isinstance(ident, tuple) else (ident,)
    other = _other(obj)
    if other is None:
        raise UnmappedInstanceError(obj)
    return None if other.state in ("transient", "pending") else other.identity


def maps(cls: type) -> bool:
    """Is it a class that our engine maps?"""
    return isinstance(vars(cls).get("__mapper__"), Mapper)


def _other(obj: Any) -> Reading | None:
    return next((found for known in others if (found := known(obj)) is not None), None)
