"""What runs when an object of a mapped class is made: its constructor, and who takes part in it or hears of it.

A class without ``__init__`` is given one. Around a class's constructor others are put only where they are needed, innermost
first: what gives the object its discriminator, the hooks on the class, the announcement of constructions to views.
Knows no table.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from nbsession.events import constructions
from nbsession.exc import InvalidRequestError
from nbsession.mapping import codegen
from nbsession.mapping.listening import CONSTRUCTION, class_hooks

_classes: weakref.WeakSet[type] = weakref.WeakSet()
_ANNOUNCING, _HOOKED, _TYPED = "__nbs_plain__", "__nbs_hooked__", "__nbs_typed__"
"""marks of the constructors around a class's own: (the one beneath, does the class have it itself?)"""


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
    made = codegen.constructor(cls.__name__, direct, noted, mapper, set_unmapped, refusal_to_make(mapper))
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


def watch_constructions(cls: type, mapper: Any) -> None:
    """The class's constructions give objects their discriminator, and are announced while somebody listens."""
    _classes.add(cls)
    if mapper.polymorphic_on is not None and not hasattr(vars(cls).get("__init__"), "__nbs_generated__"):
        _give_kind_first(cls, mapper)
    if class_hooks.count and any(class_hooks.of(cls, name) for name in CONSTRUCTION):
        hear_constructions(cls)
    if constructions.listening:
        _announce(cls)


def refusal_to_make(mapper: Any) -> Callable[[], None] | None:
    """What is called before an object of a class is made that has no rows of its own; None if there may be objects of it."""
    if mapper.polymorphic_identity is not None or not mapper.arguments.polymorphic_abstract:
        return None

    def refuse() -> None:
        raise InvalidRequestError(
            f"Can't instantiate class for {mapper}; mapper is marked polymorphic_abstract=True. Make an object of one of its "
            f"subclasses: {', '.join(one.class_.__name__ for one in mapper.self_and_descendants[1:]) or 'there is none yet'}."
        )

    return refuse


def _give_kind(obj: Any, mapper: Any) -> None:
    """The first thing a new object holds: what tells its class in its row."""
    refuse = refusal_to_make(mapper)
    if refuse is not None:
        refuse()
    mapper.attributes[mapper.polymorphic_on].set(obj, mapper.polymorphic_identity)


def _give_kind_first(cls: type, mapper: Any) -> None:
    """A constructor that is not generated: the discriminator lies on the object before it runs."""

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        if type(self) is cls:
            _give_kind(self, mapper)
        _beneath(__init__, _TYPED)(self, *args, **kwargs)

    _wrap(cls, __init__, _TYPED)


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
        mapper = vars(cls)["__mapper__"]
        if mapper.polymorphic_on is not None:
            _give_kind(self, mapper)
        for hook in class_hooks.of(cls, "init"):
            hook(self, args, kwargs)
        plain = _plainest(plain)
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
    return next((mark for mark in (_ANNOUNCING, _HOOKED, _TYPED) if hasattr(init, mark)), "")


def _beneath(init: Any, mark: str) -> Any:
    return getattr(init, mark)[0]


def _unwrap(cls: type, mark: str) -> None:
    """Puts back the constructor as it was before it was wrapped."""
    plain, own = getattr(vars(cls)["__init__"], mark)
    if own:
        cls.__init__ = plain  # type: ignore[misc]
    else:
        delattr(cls, "__init__")


def plain_again(cls: type) -> None:
    """The class is mapped no longer: takes away what is around its constructor, and the one it was given."""
    _classes.discard(cls)
    while mark := _mark_of(vars(cls).get("__init__")):
        _unwrap(cls, mark)
    if vars(cls).get("__init__") is keyword_constructor:
        delattr(cls, "__init__")


def _switch(on: bool) -> None:
    for cls in list(_classes):
        if on:
            _announce(cls)
        elif hasattr(vars(cls).get("__init__"), _ANNOUNCING):
            _unwrap(cls, _ANNOUNCING)


constructions.on_change.append(_switch)
