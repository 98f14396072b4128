"""What mapping puts on a class: ``__setattr__``, ``__delattr__`` and the constructor. Knows no table.

Constructions are announced only while somebody listens: the announcing constructor is put in place then, and taken away after.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from nbsession.events import constructions
from nbsession.exc import ArgumentError
from nbsession.mapping import codegen
from nbsession.mapping.attribute_events import Validator
from nbsession.mapping.collecting.collection_kinds import saved_members
from nbsession.mapping.listening import CONSTRUCTION, class_hooks
from nbsession.tracking.instance_state import (
    IDENT_KEY,
    OPTIONS_KEY,
    STATE_KEY,
    UNSET_KEY,
    OwnState,
    ident_of,
    note_unset,
    own_state,
    state_of,
    unset_of,
)


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


def give_constructor(cls: type, mapper: Any, stop: type) -> None:
    """Generates ``__init__`` for a class that has none of its own.

    :param stop: the ancestor whose ``__init__`` does not count.
    """
    for ancestor in cls.__mro__:
        if ancestor in (stop, object):
            break
        own = _plainest(vars(ancestor).get("__init__"))
        if own is not None and not hasattr(own, "__nbs_generated__"):
            return
    keys = [*mapper.columns, *mapper.declared]
    if not codegen.plain_names(keys):
        return
    direct = [k for k in mapper.columns if not mapper.attributes[k].validators]
    noted = [k for k in keys if k not in direct]
    made = codegen.constructor(cls.__name__, direct, noted, mapper, set_unmapped)
    init: Any = made.function
    init.__nbs_generated__ = made.source
    init.__qualname__ = f"{cls.__qualname__}.__init__"
    _put_beneath(cls, init)


def set_unmapped(obj: Any, values: dict[str, Any]) -> None:
    """Keywords of a constructor that are no mapped attributes: other attributes of the class, or errors.

    :raises TypeError: the class has no such attribute.
    """
    for name, value in values.items():
        if not hasattr(type(obj), name):
            known = ", ".join(type(obj).__mapper__.attributes)
            raise TypeError(f"'{name}' is an invalid keyword argument for {type(obj).__name__}. Mapped are: {known}.")
        setattr(obj, name, value)


def keyword_constructor(self: Any, **values: Any) -> None:
    """The constructor of classes whose attribute names do not make parameters."""
    set_unmapped(self, values)


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
    if isinstance(state, OwnState) and saved["ident"] is not None:
        saved["changes"] = state.old, state.related, state.queued
    if class_hooks.count:
        class_hooks.fire("pickle", (self,), saved)
    return saved


def restore_state(self: Any, saved: dict[str, Any]) -> None:
    """An unpickled object: transient if it never had a row, else detached."""
    mapper = type(self).__mapper__ if "entity_name" not in saved else type(self).__mappers__[saved["entity_name"]]
    mapper.configure()
    ident = saved["ident"]
    self.__dict__.update(saved["values"])
    mapper.give_state(self, mapper.transient if ident is None else mapper.detached)
    mapper.give_ident(self, ident)
    if "unset" in saved:
        mapper.memo["unset"] = True
        note_unset(self, saved["unset"])
    for declared in mapper.relationships:
        if declared.uselist and self.__dict__.get(declared.key) is not None:
            mapper.attributes[declared.key].restore(self, self.__dict__[declared.key])
    if "changes" in saved:
        own = own_state(self, state_of(self))
        for known, noted in zip((own.old, own.related, own.queued), saved["changes"], strict=True):
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
    if vars(cls).get("__init__") is keyword_constructor:
        delattr(cls, "__init__")


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


# ------------------------------------------------------------------------------------------- constructions

_classes: weakref.WeakSet[type] = weakref.WeakSet()
_ANNOUNCING, _HOOKED = "__nbs_plain__", "__nbs_hooked__"
"""marks of the constructors around a class's own: (the one beneath, does the class have it itself?)"""


def watch_constructions(cls: type) -> None:
    """From now on the class's constructions are announced while somebody listens."""
    _classes.add(cls)
    if class_hooks.count and any(class_hooks.of(cls, name) for name in CONSTRUCTION):
        hear_constructions(cls)
    if constructions.listening:
        _announce(cls)


def _announce(cls: type) -> None:
    if hasattr(vars(cls).get("__init__"), _ANNOUNCING):  # an ancestor's that announces does so for its own objects only
        return

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        _beneath(__init__, _ANNOUNCING)(self, *args, **kwargs)
        if type(self) is cls:
            constructions.publish(self)

    _wrap(cls, __init__, _ANNOUNCING)


def hear_constructions(cls: type) -> None:
    """The hooks on a class take part in the construction of its objects, as long as there are any."""
    announced = hasattr(vars(cls).get("__init__"), _ANNOUNCING)
    if announced:
        _unwrap(cls, _ANNOUNCING)
    hooked = hasattr(vars(cls).get("__init__"), _HOOKED)
    wanted = any(class_hooks.of(cls, name) for name in CONSTRUCTION)
    if hooked and not wanted:
        _unwrap(cls, _HOOKED)
    elif wanted and not hooked:
        _let_hooks_in(cls)
    if announced:
        _announce(cls)


def _let_hooks_in(cls: type) -> None:
    first = True

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        nonlocal first
        plain = _beneath(__init__, _HOOKED)
        if type(self) is not cls or "__mapper__" not in vars(cls):
            plain(self, *args, **kwargs)
            return
        if first:
            first = False
            for hook in class_hooks.of(cls, "first_init"):
                hook(cls.__mapper__, cls)
        for hook in class_hooks.of(cls, "init"):
            hook(self, args, kwargs)
        made = keyword_constructor if hasattr(plain, "__nbs_generated__") else plain
        try:
            made(self, *args, **kwargs)  # not the generated one: a hook may have let the object into a session
        except Exception:
            for hook in class_hooks.of(cls, "init_failure"):
                hook(self, args, kwargs)
            raise

    _wrap(cls, __init__, _HOOKED)


def _hear(cls: type | None) -> None:
    for one in list(_classes) if cls is None else (cls,):
        hear_constructions(one)


class_hooks.on_construction = _hear


def _wrap(cls: type, init: Any, mark: str) -> None:
    """Puts a constructor around the one that the class has or inherits, which it keeps under a mark."""
    plain = vars(cls).get("__init__") or getattr(cls, "__init__")  # noqa: B009
    setattr(init, mark, (plain, "__init__" in vars(cls)))
    cls.__init__ = init  # type: ignore[misc]


def _put_beneath(cls: type, init: Any) -> None:
    """Gives a class a plain constructor; what is around the one it had stays around the new one."""
    outer, found = None, vars(cls).get("__init__")
    while mark := _mark_of(found):
        outer, found = (found, mark), _beneath(found, mark)
    if outer is None:
        cls.__init__ = init  # type: ignore[misc]
    else:
        setattr(*outer, (init, True))


def _plainest(init: Any) -> Any:
    """A constructor without those around it."""
    while mark := _mark_of(init):
        init = _beneath(init, mark)
    return init


def _mark_of(init: Any) -> str:
    return next((mark for mark in (_ANNOUNCING, _HOOKED) if hasattr(init, mark)), "")


def _beneath(init: Any, mark: str) -> Any:
    return getattr(init, mark)[0]


def _unwrap(cls: type, mark: str) -> None:
    """Puts back the constructor as it was before it was wrapped."""
    plain, own = getattr(vars(cls)["__init__"], mark)
    if own:
        cls.__init__ = plain  # type: ignore[misc]
    else:
        delattr(cls, "__init__")


def _switch(on: bool) -> None:
    for cls in list(_classes):
        if on:
            _announce(cls)
        elif hasattr(vars(cls).get("__init__"), _ANNOUNCING):
            _unwrap(cls, _ANNOUNCING)


constructions.on_change.append(_switch)
