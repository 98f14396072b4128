"""What mapping puts on a class: ``__setattr__``, ``__delattr__``, pickling; and the way past them. Knows no table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nbsession.exc import ArgumentError
from nbsession.mapping.attribute_events import Validator
from nbsession.mapping.collecting.collection_kinds import saved_members
from nbsession.mapping.constructors import keyword_constructor, plain_again
from nbsession.mapping.listening import class_hooks
from nbsession.tracking.instance_state import (
    IDENT_KEY,
    OPTIONS_KEY,
    STATE_KEY,
    OwnState,
    ident_of,
    state_of,
    watched_state,
)
from nbsession.tracking.unset import UNSET_KEY, note_unset, unset_of


def instrumented_setattr(self: Any, name: str, value: Any) -> None:
    """``obj.name = value``: straight into ``__dict__`` where the state says that no note is needed."""
    try:
        state = self._nbs_state
    except AttributeError:
        if not hasattr(type(self), "__mapper__"):
            object.__setattr__(self, name, value)
            return
        state = state_of(self)
    if name in state:
        self.__dict__[name] = value
    else:
        state.write(self, name, value)


def instrumented_delattr(self: Any, name: str) -> None:
    """``del obj.name``: of a mapped attribute, the same as setting it to None, or emptying it."""
    mapper = getattr(type(self), "__mapper__", None)
    attribute = mapper.attributes.get(name) if mapper is not None else None
    if attribute is None:
        object.__delattr__(self, name)
    else:
        attribute.delete(self)


def validates(*names: str, include_removes: bool = False, include_backrefs: bool = True) -> Callable[[Any], Any]:
    """Marks a method as validator of attributes: its result is what is stored.

    :param names: the attributes. The method takes (key, value); for a collection, each new member.
    :param include_removes: call it for members that go, too: it takes (key, value, is_remove).
    :param include_backrefs: call it also when the change is made on the other side of the relationship.

    >>> class User(Base): ...
    ...     @validates("email")
    ...     def check(self, key, value): ...
    """

    def mark(method: Any) -> Any:
        method.__nbs_validates__ = names, include_removes, include_backrefs
        return method

    return mark


def collect_validators(cls: type) -> dict[str, tuple[Any, ...]]:
    """Key to validators, of the class and its ancestors."""
    found: dict[str, tuple[Any, ...]] = {}
    for ancestor in reversed(cls.__mro__):
        for member in vars(ancestor).values():
            names, *options = getattr(member, "__nbs_validates__", ((),))
            for key in names:
                found[key] = (*found.get(key, ()), Validator(member, *options))
    return found


def saved_state(self: Any) -> dict[str, Any]:
    """What pickle keeps of an object: its values, its row's key and its unflushed changes, not its session."""
    values = {
        k: saved_members(v) if hasattr(v, "_nbs_attribute") else v
        for k, v in self.__dict__.items()
        if k not in (STATE_KEY, IDENT_KEY, OPTIONS_KEY, UNSET_KEY)
    }
    saved = {"values": values, "ident": ident_of(self)}
    if unset_of(self):
        saved["unset"] = unset_of(self)
    state = state_of(self)
    if state.mapper.entity_name is not None:
        saved["entity_name"] = state.mapper.entity_name
    if isinstance(state, OwnState):
        saved["changes"] = dict(state.old), dict(state.related), dict(state.queued)
    if state.noting and saved["ident"] is None:
        saved["undone"] = True
    if class_hooks.count:
        class_hooks.fire("pickle", (self,), saved)
    return saved


def restore_state(self: Any, saved: dict[str, Any]) -> None:
    """An unpickled object: transient if it never had a row, else detached."""
    mapper = type(self).__mapper__ if "entity_name" not in saved else type(self).__mappers__[saved["entity_name"]]
    mapper.configure()
    ident = saved["ident"]
    self.__dict__.update(saved["values"])
    new = mapper.undone if "undone" in saved else mapper.transient
    mapper.give_state(self, new if ident is None else mapper.detached)
    mapper.give_ident(self, ident)
    if "unset" in saved:
        mapper.memo["unset"] = True
        note_unset(self, saved["unset"])
    for declared in mapper.relationships:
        if declared.uselist and self.__dict__.get(declared.key) is not None:
            mapper.attributes[declared.key].restore(self, self.__dict__[declared.key])
    if "changes" in saved:
        own = watched_state(self, state_of(self))
        notes = own.noting_more()
        for known, noted in zip((own.old, notes.related, notes.queued), saved["changes"], strict=True):
            known.update(noted)
    if class_hooks.count:
        class_hooks.fire("unpickle", (self,), saved)


_PLAIN = {
    "__setattr__": instrumented_setattr,
    "__delattr__": instrumented_delattr,
    "__getstate__": saved_state,
    "__setstate__": restore_state,
}
"""what a class gets that does not inherit from a declarative base"""


def sets_itself(cls: type) -> bool:
    """Does a class have a ``__setattr__`` of its own that does not end in ours?"""
    found = (vars(ancestor).get("__setattr__") for ancestor in cls.__mro__ if ancestor is not object)
    own = [one for one in found if one is not None]
    return bool(own) and instrumented_setattr not in own


def instrument_plain_class(cls: type, mapper: Any) -> None:
    """Prepares a class that does not inherit from a declarative base."""
    keep = sets_itself(cls)
    for name, function in _PLAIN.items():
        if keep and name in ("__setattr__", "__delattr__"):
            continue  # its attributes take writes themselves
        if name not in ("__getstate__", "__setstate__") or name not in vars(cls):
            setattr(cls, name, function)
    setattr(cls, STATE_KEY, mapper.transient)
    if getattr(cls, "__init__") is object.__init__:  # noqa: B009
        setattr(cls, "__init__", keyword_constructor)  # noqa: B010 - mypy forbids the plain form


def release_plain_class(cls: type, keys: Any) -> None:
    """Takes the instrumentation off again."""
    class_hooks.forget(cls)
    for name in (STATE_KEY, "__mapper__", "__table__", "__nbs_validators__", *keys):
        if name in vars(cls):
            delattr(cls, name)
    for name, function in _PLAIN.items():
        if vars(cls).get(name) is function:
            delattr(cls, name)
    plain_again(cls)


def setters_of(cls: type) -> tuple[Any, Any, Any]:
    """Functions that set state, identity and ``__dict__`` of an object past its own ``__setattr__``, and fast."""
    state_slot = getattr(cls, STATE_KEY, None)
    give_dict: Any = None
    for ancestor in cls.__mro__:
        if "__dict__" in vars(ancestor):
            give_dict = vars(ancestor)["__dict__"].__set__
            break
    if give_dict is None:
        raise ArgumentError(f"Class '{cls.__name__}' cannot be mapped: its instances have no __dict__ (__slots__?).")
    if state_slot is not None and hasattr(state_slot, "__set__"):
        return state_slot.__set__, getattr(cls, IDENT_KEY).__set__, give_dict

    def give_state(obj: Any, state: Any) -> None:
        obj.__dict__[STATE_KEY] = state

    def give_ident(obj: Any, ident: Any) -> None:
        obj.__dict__[IDENT_KEY] = ident

    return give_state, give_ident, give_dict
