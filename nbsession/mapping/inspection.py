"""``inspect()``: what there is to know about a mapped class or object. Looking never loads, except where ``value`` says so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from nbsession.exc import NoInspectionAvailable
from nbsession.mapping.aliased import AliasedClass
from nbsession.mapping.mapper import Mapper
from nbsession.states import OBJECT_MOVES, ObjectState, Trigger
from nbsession.tracking.alike_state import AlikeState
from nbsession.tracking.history import History
from nbsession.tracking.instance_state import NO_VALUE, OPTIONS_KEY, AnyState, ident_of
from nbsession.tracking.seeing import seen


class AttributeState:
    """One attribute of one object.

    :ivar key: its name.
    """

    __slots__ = ("_inspected", "key")

    def __init__(self, inspected: InstanceState, key: str) -> None:
        self._inspected = inspected
        self.key = key

    @property
    def loaded_value(self) -> Any:
        """The value if it is loaded, else NO_VALUE."""
        return self._inspected.object.__dict__.get(self.key, NO_VALUE)

    @property
    def value(self) -> Any:
        """The value; loads it if needed, as access to the attribute does."""
        return getattr(self._inspected.object, self.key)

    @property
    def history(self) -> History:
        """What changed since the row was known. Loads nothing."""
        attribute = self._inspected.mapper.attributes[self.key]
        return attribute.history(self._inspected.object)  # type: ignore[no-any-return]


class AttributeStates:
    """The attributes of an object, by name: ``inspect(user).attrs.name.history``."""

    __slots__ = ("_inspected",)

    def __init__(self, inspected: InstanceState) -> None:
        self._inspected = inspected

    def __getattr__(self, key: str) -> AttributeState:
        if key not in self._inspected.mapper.attributes:
            raise AttributeError(f"{self._inspected.class_.__name__} has no mapped attribute '{key}'")
        return AttributeState(self._inspected, key)

    __getitem__ = __getattr__

    def __iter__(self) -> Iterator[AttributeState]:
        return (AttributeState(self._inspected, k) for k in self._inspected.mapper.attributes)

    def keys(self) -> list[str]:
        """The names of the mapped attributes."""
        return list(self._inspected.mapper.attributes)


class InstanceState:
    """What is known of a mapped object.

    :ivar object: the object.
    :ivar mapper: its mapper.
    """

    __slots__ = ("mapper", "object")

    def __init__(self, obj: Any) -> None:
        self.object = obj
        self.mapper: Mapper = seen(obj).common.mapper
        self.mapper.configure()

    @property
    def _raw(self) -> AnyState | AlikeState:
        return seen(self.object)

    @property
    def class_(self) -> type:
        """Its class."""
        return type(self.object)

    @property
    def state(self) -> ObjectState:
        """The one state it is in."""
        status = self._raw.status
        if status in (ObjectState.TRANSIENT, ObjectState.DETACHED) or self.session is not None:
            return status
        return OBJECT_MOVES.step(repr(self), status, Trigger.SESSION_GONE)

    @property
    def session(self) -> Any:
        """The session it is in, or None."""
        return self._raw.session_ref()

    @property
    def transient(self) -> bool:
        """In no session, no row."""
        return self.state is ObjectState.TRANSIENT

    @property
    def pending(self) -> bool:
        """In a session, to be inserted."""
        return self.state is ObjectState.PENDING

    @property
    def persistent(self) -> bool:
        """In a session, has a row."""
        return self.state is ObjectState.PERSISTENT

    @property
    def deleted(self) -> bool:
        """Its DELETE was sent, not yet committed."""
        return self.state is ObjectState.DELETED

    @property
    def was_deleted(self) -> bool:
        """Was its row deleted by a flush, and that not rolled back? True for deleted objects, and for detached ones of them."""
        raw = self._raw
        return raw.status is ObjectState.DELETED or self.mapper.deleted_before(raw)

    @property
    def detached(self) -> bool:
        """Has or had a row, in no session."""
        return self.state is ObjectState.DETACHED

    @property
    def identity(self) -> tuple[Any, ...] | None:
        """The primary key as the database knows it, or None."""
        ident = ident_of(self.object)
        return None if ident is None else self.mapper.identity_key(ident)[1]

    @property
    def identity_key(self) -> tuple[Any, ...] | None:
        """The key in the identity map, or None."""
        ident = ident_of(self.object)
        return None if ident is None else self.mapper.identity_key(ident)

    key = identity_key

    @property
    def has_identity(self) -> bool:
        """Does it have a row's key?"""
        return ident_of(self.object) is not None

    @property
    def attrs(self) -> AttributeStates:
        """Its attributes."""
        return AttributeStates(self)

    @property
    def dict(self) -> dict[str, Any]:
        """Its loaded values."""
        return self.object.__dict__  # type: ignore[no-any-return]

    @property
    def unloaded(self) -> set[str]:
        """Attributes that hold no value now."""
        return {k for k in self.mapper.attributes if k not in self.object.__dict__}

    @property
    def expired_attributes(self) -> set[str]:
        """Attributes that were loaded and are to be loaded anew: those of an object of which nothing is loaded, else the
        columns that are not there and not deferred."""
        if ident_of(self.object) is None:
            return set()
        values = self.object.__dict__
        if self.expired:
            return {k for k in self.mapper.attributes if k not in values}
        options = getattr(self.object, OPTIONS_KEY, None)
        deferred = self.mapper.deferred_keys if options is None else options.deferred(self.mapper)
        return {k for k in self.mapper.column_keys if k not in values and k not in deferred}

    @property
    def expired(self) -> bool:
        """Is nothing of its row loaded, but what was set since?"""
        raw, values = self._raw, self.object.__dict__
        changed = raw.changed_keys
        if ident_of(self.object) is None:
            return False
        return not any(k in values and k not in changed for k in self.mapper.selected_keys)

    @property
    def callables(self) -> Mapping[str, str]:
        """Relationships that are not loaded and of which an option says how: ``"select"``, ``"raise"``, ..."""
        options = getattr(self.object, OPTIONS_KEY, None)
        wished = {} if options is None else options.relations
        return {k: w.strategy for k, w in wished.items() if w.strategy is not None and k not in self.object.__dict__}

    @property
    def modified(self) -> bool:
        """Has anything been set since the last flush? New objects always count."""
        raw = self._raw
        if raw.status is ObjectState.TRANSIENT and not raw.noting:
            return not self.mapper.attributes.keys().isdisjoint(self.object.__dict__)
        return raw.owned or (raw.status is ObjectState.PENDING and not raw.noting)

    def __repr__(self) -> str:
        return f"<InstanceState of {type(self.object).__name__}>"


def inspect_mapped(subject: Any, raiseerr: bool = True) -> Any:
    """What there is to know about a mapped class (its Mapper) or object (its InstanceState).

    :param raiseerr: False: None instead of an error.
    :raises NoInspectionAvailable: it is neither.
    """
    if isinstance(subject, AliasedClass):
        return subject.__mapper__
    if isinstance(subject, type):
        mapper = vars(subject).get("__mapper__")
        if isinstance(mapper, Mapper):
            mapper.configure()
            return mapper
    elif isinstance(vars(type(subject)).get("__mapper__"), Mapper):
        return InstanceState(subject)
    if not raiseerr:
        return None
    raise NoInspectionAvailable(
        f"No inspection system is available for object of type {type(subject)!r}: give a mapped class or an instance of one."
    )
