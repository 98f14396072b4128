"""Hooks about mapped classes and their objects: construction, loading, rows written, mappers configured.

Whoever fires asks ``class_hooks.count`` first: while nobody listens, nothing else is looked at.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

_ROW = ("mapper", "connection", "target")
INSTANCE_EVENTS: dict[str, tuple[str, ...]] = {
    "first_init": ("manager", "cls"),
    "init": ("target", "args", "kwargs"),
    "init_failure": ("target", "args", "kwargs"),
    "load": ("target", "context"),
    "refresh": ("target", "context", "attrs"),
    "refresh_flush": ("target", "flush_context", "attrs"),
    "expire": ("target", "attrs"),
    "pickle": ("target", "state_dict"),
    "unpickle": ("target", "state_dict"),
}
"""hooks about objects of a class, with the names of their arguments, as in SQLAlchemy"""
MAPPER_EVENTS: dict[str, tuple[str, ...]] = {
    "before_insert": _ROW,
    "after_insert": _ROW,
    "before_update": _ROW,
    "after_update": _ROW,
    "before_delete": _ROW,
    "after_delete": _ROW,
    "mapper_configured": ("mapper", "class_"),
    "before_configured": (),
    "after_configured": (),
}
"""hooks about mappers and the rows they write"""
CLASS_EVENTS = {**INSTANCE_EVENTS, **MAPPER_EVENTS}
CONSTRUCTION = ("first_init", "init", "init_failure")


class Listener(NamedTuple):
    """One hook on a class.

    :ivar order: its place among all hooks.
    :ivar inherited: does it also hear of the classes that inherit from it?
    :ivar hook: the function.
    """

    order: int
    inherited: bool
    hook: Callable[..., Any]


class ClassHooks:
    """The hooks about mapped classes.

    :ivar count: how many there are.
    :ivar on_construction: called with a class when hooks about the construction of its objects have come or gone; None: of all.
    """

    def __init__(self) -> None:
        self.count = 0
        self.on_construction: Callable[[type | None], None] = lambda cls: None
        self._by_class: WeakKeyDictionary[type, dict[str, list[Listener]]] = WeakKeyDictionary()
        self._everywhere: dict[str, list[Listener]] = {}
        self._numbers = itertools.count(1)

    def listeners(self, cls: type | None, name: str) -> list[Listener]:
        """The hooks of a name on one class, in a list that may be changed; None: those on every mapped class."""
        named = self._everywhere if cls is None else self._by_class.setdefault(cls, {})
        return named.setdefault(name, [])

    def add(
        self, cls: type | None, name: str, hook: Callable[..., Any], first: bool = False, inherited: bool = False
    ) -> None:
        """Adds a hook.

        :param cls: the class; None: every mapped class.
        :param first: before the others.
        :param inherited: it also hears of the classes that inherit from it.
        """
        number = next(self._numbers)
        self.listeners(cls, name).append(Listener(-number if first else number, inherited or cls is None, hook))
        self.count += 1
        self._tell_constructors(cls, name)

    def discard(self, cls: type | None, name: str, hook: Callable[..., Any]) -> None:
        """Takes a hook off."""
        listeners = self.listeners(cls, name)
        listeners[:] = [listener for listener in listeners if listener.hook is not hook]
        self.count -= 1
        self._tell_constructors(cls, name)

    def forget(self, cls: type) -> None:
        """A class is not mapped any more: its hooks go."""
        for name, listeners in list(self._by_class.pop(cls, {}).items()):
            self.count -= len(listeners)
            self._tell_constructors(cls, name)

    def _tell_constructors(self, cls: type | None, name: str) -> None:
        if name in CONSTRUCTION:
            for one in (cls, *descendants(cls)) if cls is not None else (None,):
                self.on_construction(one)

    def of(self, cls: type, name: str) -> tuple[Callable[..., Any], ...]:
        """The hooks of a name that hear of a class, in order."""
        if not self.count:
            return ()
        found = list(self._everywhere.get(name, ()))
        for ancestor in cls.__mro__:
            listeners = self._by_class.get(ancestor, {}).get(name, ())
            found += [one for one in listeners if ancestor is cls or one.inherited]
        return tuple([one.hook for one in sorted(found, key=lambda one: one.order)])

    def everywhere(self, name: str) -> tuple[Callable[..., Any], ...]:
        """The hooks of a name on every mapped class."""
        return tuple([one.hook for one in self._everywhere.get(name, ())])

    def fire(self, name: str, objects: Iterable[Any], *args: Any) -> None:
        """Calls the hooks of a name for each object, the object first; asks once per class."""
        hooks: dict[type, tuple[Callable[..., Any], ...]] = {}
        for obj in objects:
            cls = type(obj)
            if cls not in hooks:
                hooks[cls] = self.of(cls, name)
            for hook in hooks[cls]:
                hook(obj, *args)


def descendants(cls: type) -> list[type]:
    """The classes that inherit from a class, however far."""
    children: list[type] = cls.__subclasses__()
    return [found for child in children for found in (child, *descendants(child))]


class_hooks = ClassHooks()
"""the hooks about mapped classes, in the whole process"""
