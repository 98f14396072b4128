"""The collections behind to-many relationships: the built-in ones, and what makes a class of one's own into one.

A collection tells its attribute of every member that comes or goes; it loads nothing. One that was replaced or expired is
an ordinary list, set or dict again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nbsession.exc import ArgumentError
from nbsession.mapping.collecting.collection_methods import METHODS, holder_of, quiet, telling
from nbsession.tracking.history import members_of

__all__ = [
    "InstrumentedDict",
    "InstrumentedList",
    "InstrumentedSet",
    "collection",
    "instrument_collection_class",
    "like",
    "members_of",
]


class InstrumentedList(list[Any]):
    """A list of related objects."""

    __slots__ = ("__weakref__", "_nbs_attribute", "_nbs_owner")
    _nbs_roles = (list.append, list.remove)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return list, (list(self),)


class InstrumentedSet(set[Any]):
    """A set of related objects."""

    __slots__ = ("_nbs_attribute", "_nbs_owner")
    _nbs_roles = (set.add, set.discard)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return set, (list(self),)


class InstrumentedDict(dict[Any, Any]):
    """A dict of related objects: the base of those that know the key of a member."""


for _cls, _form in ((InstrumentedList, list), (InstrumentedSet, set), (InstrumentedDict, dict)):
    for _name in METHODS[_form]:
        setattr(_cls, _name, telling(_name, _form, getattr(_form, _name)))


class collection:
    """Decorators that tell what the methods of a collection class of one's own do.

    A class that is a list, set or dict, or has their methods, needs them only where its methods differ.

    >>> class Parts:
    ...     def __init__(self): self._parts = []
    ...     @collection.appender
    ...     def put(self, part): self._parts.append(part)
    ...     @collection.remover
    ...     def take(self, part): self._parts.remove(part)
    ...     @collection.iterator
    ...     def __iter__(self): return iter(self._parts)
    """

    @staticmethod
    def appender(method: Any) -> Any:
        """This method adds a member: its argument."""
        method._nbs_role = "appender"
        return method

    @staticmethod
    def remover(method: Any) -> Any:
        """This method removes a member: its argument."""
        method._nbs_role = "remover"
        return method

    @staticmethod
    def iterator(method: Any) -> Any:
        """This method returns an iterator over the members."""
        method._nbs_role = "iterator"
        return method

    @staticmethod
    def internally_instrumented(method: Any) -> Any:
        """This method changes the collection by its other methods, which tell of it."""
        method._nbs_tells = True
        return method

    @staticmethod
    def adds(arg: int | str) -> Callable[[Any], Any]:
        """This method adds the member that is its argument number (from 1) or name ``arg``."""
        return _event(arg, False)

    @staticmethod
    def replaces(arg: int | str) -> Callable[[Any], Any]:
        """This method adds the member that is its argument ``arg``, and returns the one it took the place of, or None."""
        return _event(arg, True)

    @staticmethod
    def removes(arg: int | str) -> Callable[[Any], Any]:
        """This method removes the member that is its argument ``arg``."""

        def mark(method: Any) -> Any:
            method._nbs_event = (None, arg, False)
            return method

        return mark

    @staticmethod
    def removes_return() -> Callable[[Any], Any]:
        """This method removes the member that it returns."""
        return _event(None, True)


def _event(adds: int | str | None, returns: bool) -> Callable[[Any], Any]:
    def mark(method: Any) -> Any:
        method._nbs_event = (adds, None, returns)
        return method

    return mark


def like(thing: Any) -> type | None:
    """Which of list, set and dict a class or object is, or behaves like; None: none of them."""
    cls = thing if isinstance(thing, type) else type(thing)
    emulates = getattr(thing, "__emulates__", None)
    for form in (list, set, dict):
        if issubclass(cls if emulates is None else emulates, form):
            return form
    for name, form in (("append", list), ("add", set), ("set", dict)):
        if hasattr(cls, name):
            return form
    return None


def instrument_collection_class(cls: type) -> None:
    """Makes the methods of a collection class tell what they change, once.

    :raises ArgumentError: it does not say how members are added, removed or iterated over.
    """
    if "_nbs_roles" in vars(cls):
        return
    form = like(cls)
    roles, events = _said_of(cls)
    for role, usual in zip(_ROLES, _USUAL.get(form, (None, None, None)), strict=True):
        name = roles.setdefault(role, usual)
        if name is None or not hasattr(cls, name):
            raise ArgumentError(
                f"Type {cls.__name__} must elect {'a' if role == 'remover' else 'an'} {role} method to be a collection "
                f"class: mark one with @collection.{role}, or use list, set or attribute_keyed_dict()."
            )
    appender, remover, iterator = (str(roles[role]) for role in _ROLES)
    plain_roles = quiet(getattr(cls, appender)), quiet(getattr(cls, remover))
    events.setdefault(appender, (1, None, False))
    events.setdefault(remover, (None, 1, False))
    known = METHODS[form] if form is not None and issubclass(cls, form) else {}
    if form is list and not known:
        events.setdefault("pop", (None, None, True))
        known = {"extend": METHODS[list]["extend"], "clear": METHODS[list]["clear"]}
    for name in dict.fromkeys([*known, *events]):
        plain = getattr(cls, name, None)
        if plain is None or hasattr(plain, "_nbs_tells"):
            continue
        inherited = form is not None and plain is getattr(form, name, None)
        said = hasattr(plain, "_nbs_event") or name not in known
        if not inherited:
            plain = quiet(plain)
        if said:
            setattr(cls, name, _telling_by_event(plain, events[name], name))
        elif form is not None:
            setattr(cls, name, telling(name, form, plain))
    for name, value in (("_nbs_roles", plain_roles), ("_nbs_attribute", None), ("_nbs_owner", None)):
        if not (name != "_nbs_roles" and hasattr(cls, name)):
            setattr(cls, name, value)
    if iterator != ("values" if form is dict else "__iter__"):
        cls._nbs_members = getattr(cls, iterator)  # type: ignore[attr-defined]


_ROLES = ("appender", "remover", "iterator")
_USUAL: dict[type | None, tuple[str | None, str | None, str | None]] = {
    list: ("append", "remove", "__iter__"),
    set: ("add", "remove", "__iter__"),
    dict: (None, None, "values"),
}


def _said_of(cls: type) -> tuple[dict[str, str | None], dict[str, Any]]:
    """What decorators say, of the class and its ancestors: role to method, method to event."""
    roles: dict[str, str | None] = {}
    events: dict[str, Any] = {}
    for ancestor in cls.__mro__:
        for name, method in vars(ancestor).items():
            if role := getattr(method, "_nbs_role", None):
                roles.setdefault(role, name)
            if event := getattr(method, "_nbs_event", None):
                events.setdefault(name, event)
    return roles, events


def _telling_by_event(plain: Any, event: tuple[Any, Any, bool], name: str) -> Any:
    """A method that tells of its argument, or of what it returns."""
    adds, removes, returns = event

    def argument(place: int | str, args: tuple[Any, ...], named: dict[str, Any]) -> Any:
        return named[place] if isinstance(place, str) else args[place - 1]

    def method(self: Any, *args: Any, **named: Any) -> Any:
        owner = holder_of(self)
        if owner is None:
            return plain(self, *args, **named)
        attribute = self._nbs_attribute
        come = [argument(adds, args, named)] if adds is not None else []
        gone = [argument(removes, args, named)] if removes is not None else []
        if come:
            come = attribute.before_add(owner, come)
            if isinstance(adds, str):
                named[adds] = come[0]
            else:
                args = (*args[: adds - 1], come[0], *args[adds:])
        attribute.before_remove(owner, gone)
        result = plain(self, *args, **named)
        if returns and result is not None:
            gone = [*gone, result]
        attribute.after_add(owner, come)
        attribute.after_remove(owner, gone)
        return result

    method.__name__, method.__doc__ = name, plain.__doc__
    method._nbs_tells = True  # type: ignore[attr-defined]
    return method
