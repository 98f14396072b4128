"""Column attributes of mapped classes. Know how a value is read, set and noted; load nothing themselves.

An attribute is a non-data descriptor: a loaded value lies in the object's ``__dict__`` and is read from there without
any code of ours. Only a missing key comes here, and asks the object's session. Writes come through ``__setattr__``
(:mod:`nbsession.mapping.instrumentation`), and reach :meth:`ColumnAttribute.set` only where a note or an event is due.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbsession.events import AttributeChanged, Subject, safe_repr, tokens
from nbsession.exc import DetachedInstanceError
from nbsession.mapping.attribute_events import AttributeEvent, Listener, Validator, tell
from nbsession.sql.operators import ColumnOperators
from nbsession.states import ObjectState
from nbsession.tracking.history import History, column_history
from nbsession.tracking.instance_state import (
    NO_VALUE,
    OPTIONS_KEY,
    AnyState,
    ident_of,
    own_state,
    state_of,
    watched_state,
)
from nbsession.tracking.unset import unset_of

if TYPE_CHECKING:
    from nbsession.mapping.mapper import Mapper
    from nbsession.sql.schema import Column

NEW = (ObjectState.TRANSIENT, ObjectState.PENDING)


def key_text(ident: Any) -> str | None:
    """A primary key as labels and messages show it: ``3``, or ``3, 7`` if composite; None if there is none."""
    if ident is None:
        return None
    return ", ".join(map(safe_repr, ident)) if isinstance(ident, tuple) else safe_repr(ident)


def describe(obj: Any) -> str:
    """An object, named for a message, without looking at attributes: ``<Member 3>``, or ``<Member at 0x7f...>``."""
    key = key_text(ident_of(obj))
    return f"<{type(obj).__name__} {key}>" if key is not None else f"<{type(obj).__name__} at {id(obj):#x}>"


def retirement(obj: Any, key: str) -> str:
    """Why nothing can be loaded for an object whose class was redefined."""
    return (
        f"Instance {describe(obj)} is not bound to a Session; '{key}' is not loaded: {state_of(obj).mapper.retired}. Load the "
        "row anew, as an object of the class as it is now."
    )


def subject_of(obj: Any) -> Subject:
    """An object as plain values, for a fact."""
    return Subject(tokens.of(obj), type(obj).__name__, key_text(ident_of(obj)))


class Attribute:
    """What column and relationship attributes share.

    :ivar key: the attribute's name.
    :ivar mapper: the mapper of the class it is on.
    :ivar validators: who is asked, in order, before a value is stored: ``@validates`` methods and listeners.
    :ivar occasional: who listens to other events.
    :ivar active_history: is an old value loaded before a new one is set?
    """

    key: str
    mapper: Mapper
    validators: tuple[Validator | Listener, ...] = ()
    occasional: tuple[Listener, ...] = ()
    active_history = False

    @property
    def class_(self) -> type:
        """The class the attribute is on."""
        return self.mapper.class_

    @property
    def parent(self) -> Any:
        """The mapper of the class the attribute is on; of an alias, what ``inspect(alias)`` gives."""
        return self.parent_entity.__mapper__

    @property
    def parent_entity(self) -> Any:
        """The entity the attribute belongs to, for statements."""
        return self.mapper.entity

    def set(self, obj: Any, value: Any) -> None:
        """Stores a value the user assigned."""
        raise NotImplementedError

    def delete(self, obj: Any) -> None:
        """``del obj.attribute``."""
        raise NotImplementedError

    def history(self, obj: Any) -> History:
        """What changed on the object since its row was known. Loads nothing."""
        raise NotImplementedError

    def validated(self, obj: Any, value: Any, old: Any = NO_VALUE, op: str = "set", backref: bool = False) -> Any:
        """The value the validators make of it.

        :param op: ``set``, or ``append`` to a collection.
        :param backref: is the change the other side of one that was made elsewhere?
        """
        happening = AttributeEvent(self, op, backref)
        for one in self.validators:
            value = one.come(obj, value, old, happening)
        return value

    def say_goodbye(self, obj: Any, value: Any, backref: bool = False) -> None:
        """Validators and listeners hear of a value that goes."""
        happening = AttributeEvent(self, "remove", backref)
        for one in self.validators:
            one.gone(obj, value, happening)

    def announce(self, obj: Any, state: AnyState, old: Any, new: Any) -> None:
        """Publishes the change, if the object's session is observed."""
        session = state.session_ref()
        if session is not None and session.bus.observers:
            session.bus.publish(
                AttributeChanged(
                    cause=f"{type(obj).__name__}.{self.key} = …",
                    subject=subject_of(obj),
                    name=self.key,
                    old=None if old is NO_VALUE else safe_repr(old),
                    new=safe_repr(new),
                )
            )


class ColumnAttribute(Attribute, ColumnOperators):
    """``User.name``: on the class an expression, on an object the value.

    :ivar column: the column it is mapped to.
    """

    def __init__(self, key: str, column: Column, mapper: Mapper) -> None:
        self.key = key
        self.column = column
        self.mapper = mapper
        self.__doc__ = f"Column {column.name} of {mapper.class_.__name__}."

    @property
    def quiet(self) -> bool:
        """Does nobody want to hear of a new value, nor make something of it?"""
        return not self.validators and not self.active_history and type(self).set is ColumnAttribute.set

    @property
    def columns(self) -> list[Column]:
        """The column, in a list, as SQLAlchemy's property has it."""
        return [self.column]

    @property
    def property(self) -> ColumnAttribute:
        """Itself: it is also what SQLAlchemy calls the attribute's property."""
        return self

    def __clause_element__(self) -> Any:
        mapper = self.mapper
        return self.column if mapper.inherits is None else mapper.seen_column(self.column)

    def __get__(self, obj: Any, owner: type | None = None) -> Any:
        if obj is None:
            return self
        state = state_of(obj)
        if state.status in NEW:
            return self._initial(obj) if self.occasional else None
        return missing_value(obj, state, self.key)

    def _initial(self, obj: Any) -> Any:
        """What an attribute that was never set is, as listeners say."""
        value = tell(self, "init_scalar", obj, None, obj.__dict__)
        return obj.__dict__.get(self.key) if value is NO_VALUE else value

    def set(self, obj: Any, value: Any) -> None:
        """Validates and stores a value the user assigned."""
        state = state_of(obj)
        if self.validators or self.active_history:
            old = obj.__dict__.get(self.key, NO_VALUE)
            if old is NO_VALUE and self.active_history and state.status not in NEW:
                old = missing_value(obj, state, self.key)
            value = self.validated(obj, value, old)
        self.store(obj, value)

    def store(self, obj: Any, value: Any) -> None:
        """Stores a value and notes the old one; no validators."""
        state, values, key = state_of(obj), obj.__dict__, self.key
        old = values.get(key, NO_VALUE)
        common = state.common if state.owned else state
        session = common.session_ref()
        observed = session is not None and session.bus.observers
        if common.noting:
            mapper = common.mapper
            if old is NO_VALUE and common.status not in NEW and (key in mapper.pk_keys or key == mapper.version_key):
                old = missing_value(obj, state, key)  # the row is found by it
                state = state_of(obj)
            own = own_state(obj, state) if self.quiet and not observed else watched_state(obj, state)
            own.old.setdefault(key, old)
        values[key] = value
        if observed:
            self.announce(obj, state, old, value)

    def delete(self, obj: Any) -> None:
        """``del obj.attribute``: as set to None.

        :raises AttributeError: a new object has no such value.
        """
        if self.key not in obj.__dict__ and state_of(obj).status in NEW:
            raise AttributeError(f"{describe(obj)} has no value for '{self.key}' to delete.")
        if self.validators:
            self.say_goodbye(obj, obj.__dict__.get(self.key))
        self.store(obj, None)

    def history(self, obj: Any) -> History:
        """What changed since the row was known."""
        return column_history(obj, self.key)

    def __repr__(self) -> str:
        return f"<ColumnAttribute {self.mapper.class_.__name__}.{self.key}>"

    def __str__(self) -> str:
        return f"{self.mapper.class_.__name__}.{self.key}"


def missing_value(obj: Any, state: AnyState, key: str) -> Any:
    """Loads a column value that the object lacks, through its session.

    :raises DetachedInstanceError: it is in none.
    """
    if "unset" in state.mapper.memo and key in unset_of(obj):
        return None
    session = state.session_ref()
    if session is None:
        if state.mapper.retired:
            raise DetachedInstanceError(retirement(obj, key))
        said = getattr(obj, OPTIONS_KEY, None) if obj.__dict__ else None
        if key in (state.mapper.deferred_keys if said is None else said.deferred(state.mapper)):
            raise DetachedInstanceError(
                f"Parent instance {describe(obj)} is not bound to a Session; deferred load operation of attribute '{key}' cannot "
                f"proceed. Add it to a session, or ask for the column when it is loaded: undefer({type(obj).__name__}.{key})."
            )
        raise DetachedInstanceError(
            f"Instance {describe(obj)} is not bound to a Session; attribute refresh operation cannot proceed: "
            f"'{key}' is not loaded. Add the object to a session, or refresh it before the session closes."
        )
    return session.load_missing(obj, key)
