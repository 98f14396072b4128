"""The public ``event``: functions that take part in what a session, a mapped class or an engine does, and may veto by raising.

Knows the targets and what a hook may ask for; where hooks hang and who fires them is in the neighbouring files.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from nbsession.database.engine import Engine
from nbsession.database.observing import HOOKS
from nbsession.exc import ArgumentError, InvalidRequestError
from nbsession.mapping import attribute_events
from nbsession.mapping.attributes import Attribute
from nbsession.mapping.listening import CLASS_EVENTS, class_hooks
from nbsession.mapping.mapper import Mapper
from nbsession.session.hook_points import SESSION_EVENTS, HookPoints

_CHANGE = ("target", "value", "initiator")
ATTRIBUTE_EVENTS: dict[str, tuple[str, ...]] = {
    "set": ("target", "value", "oldvalue", "initiator"),
    "append": _CHANGE,
    "remove": _CHANGE,
    "bulk_replace": ("target", "values", "initiator"),
    "init_scalar": ("target", "value", "dict_"),
    "init_collection": ("target", "collection", "collection_adapter"),
    "dispose_collection": ("target", "collection", "collection_adapter"),
    "modified": ("target", "initiator"),
}
"""the names of an attribute's hooks, with those of their arguments, as in SQLAlchemy"""
_OF_ATTRIBUTES = {"active_history", "raw", "retval"}
_RETURNING = {"before_execute", "handle_error"}
"""an engine's hooks whose return value counts"""


class Place:
    """Where the hooks of one name hang on one target.

    :ivar hooks: those that hang there.
    :ivar arguments: the names of what they are called with.
    :ivar add: function (hook, first).
    :ivar discard: function (hook).
    """

    def __init__(
        self,
        hooks: list[Callable[..., Any]],
        arguments: tuple[str, ...],
        add: Callable[[Callable[..., Any], bool], None],
        discard: Callable[[Callable[..., Any]], None],
    ) -> None:
        self.hooks, self.arguments, self.add, self.discard = hooks, arguments, add, discard

    def find(self, fn: Callable[..., Any]) -> Callable[..., Any] | None:
        """The hook that a function hangs there as, or None."""
        for hook in self.hooks:
            if getattr(hook, "__nbs_hook__", hook) == fn:
                return hook
        return None


class Event:
    """``event.listen`` and its kin: SQLAlchemy's event names on engines, sessions, session classes, mapped classes, attributes."""

    @staticmethod
    def listen(
        target: Any,
        identifier: str,
        fn: Callable[..., Any],
        *,
        once: bool = False,
        insert: bool = False,
        named: bool = False,
        propagate: bool = False,
        **of_attributes: bool,
    ) -> None:
        """Calls a function whenever an event happens. The same function listens once, however often it is given.

        :param target: an Engine, or ``Engine`` for all of them; a Session, a Session class, what ``sessionmaker()`` or
            ``scoped_session()`` returned; a mapped class, its mapper, or ``Mapper`` for all of them; an attribute, as
            ``User.name``.
        :param identifier: the event: ``"before_flush"``, ``"before_cursor_execute"``, ``"load"``, ...
        :param fn: called with the arguments that SQLAlchemy documents for the event.
        :param once: only the first time.
        :param insert: before those that listen already, not after them.
        :param named: the arguments come as keywords.
        :param propagate: on a class or attribute: also for those that inherit from it.
        :param of_attributes: for attributes only: ``retval`` (what the function returns is stored), ``raw`` (it is given
            ``inspect(object)``), ``active_history`` (an old value that is not loaded is loaded). ``retval`` also for an engine's
            ``before_execute``: the function returns (clauseelement, multiparams, params) to be run.
        :raises InvalidRequestError: the target has no such event.

        >>> event.listen(session, "before_flush", lambda session, context, instances: ...)
        """
        returns = identifier in _RETURNING and bool(of_attributes.pop("retval", False))
        place = _place(target, identifier, propagate, of_attributes)
        if insert and isinstance(target, Attribute):
            raise ArgumentError(f"insert=True is not for attributes: who listens to {target} is called in order.")
        if place.find(fn) is None:
            place.add(_adapted(fn, place, once, named, returns), insert)

    @staticmethod
    def listens_for(target: Any, identifier: str, **options: Any) -> Callable[[Any], Any]:
        """:meth:`listen` as a decorator."""

        def decorate(fn: Any) -> Any:
            Event.listen(target, identifier, fn, **options)
            return fn

        return decorate

    @staticmethod
    def remove(target: Any, identifier: str, fn: Callable[..., Any]) -> None:
        """Takes a function off again.

        :raises InvalidRequestError: it does not listen there.
        """
        place = _place(target, identifier)
        hook = place.find(fn)
        if hook is None:
            raise InvalidRequestError(f"No listeners found for event {target} / {identifier!r} / {fn}")
        place.discard(hook)

    @staticmethod
    def contains(target: Any, identifier: str, fn: Callable[..., Any]) -> bool:
        """Does the function listen there?"""
        return _place(target, identifier).find(fn) is not None


event = Event


def _adapted(fn: Callable[..., Any], place: Place, once: bool, named: bool, returns: bool) -> Callable[..., Any]:
    """The function as it hangs there: itself, if nothing special was asked for."""
    if not (once or named or returns):
        return fn
    called = False

    def hook(*args: Any) -> Any:
        nonlocal called
        if once:
            if called:
                return None
            called = True
            place.discard(hook)
        return fn(**dict(zip(place.arguments, args, strict=True))) if named else fn(*args)

    hook.__nbs_hook__ = fn  # type: ignore[attr-defined]
    hook.__nbs_retval__ = returns  # type: ignore[attr-defined]
    return hook


def _place(
    target: Any, identifier: str, propagate: bool = False, of_attributes: dict[str, bool] | None = None
) -> Place:
    """Where hooks of a name hang on a target.

    :raises InvalidRequestError: the target has no such event.
    :raises ArgumentError: nothing inherits from the target, or an option is for attributes.
    """
    options = of_attributes or {}
    if isinstance(target, Attribute) and identifier in ATTRIBUTE_EVENTS and options.keys() <= _OF_ATTRIBUTES:
        return _on_attribute(target, {**options, "propagate": propagate}, identifier)
    if options:
        raise ArgumentError(
            f"{', '.join(options)}: {', '.join(sorted(_OF_ATTRIBUTES))} are for attributes, as User.name."
        )
    find, known = _kind_of(target, propagate)
    if identifier not in known:
        raise InvalidRequestError(
            f"No such event {identifier!r} for target {target!r}. "
            + (f"Known: {', '.join(sorted(known))}." if known else "It is no engine, no session and no mapped class.")
        )
    return find(identifier)


def _kind_of(target: Any, propagate: bool) -> tuple[Callable[[str], Place], Any]:
    """How to find a place on the target, and the names of its events."""
    points = _points_of(target)
    if points is not None:
        return partial(_on_session, points), SESSION_EVENTS
    if isinstance(target, Attribute):
        return partial(_on_attribute, target, {}), ATTRIBUTE_EVENTS
    mapped = target is Mapper or isinstance(target, Mapper) or (isinstance(target, type) and target is not Engine)
    if mapped:
        cls = None if target is Mapper else target.class_ if isinstance(target, Mapper) else target
        return partial(_on_class, cls, propagate), CLASS_EVENTS
    if propagate:
        raise ArgumentError(
            f"propagate=True is for mapped classes and their attributes: nothing inherits from {target!r}."
        )
    if isinstance(target, Engine) or target is Engine:
        return partial(_on_engine, target), HOOKS
    return partial(_on_engine, target), ()


def _points_of(target: Any) -> HookPoints | None:
    factory = getattr(target, "session_factory", None)  # of a scoped_session
    if isinstance(factory, type):
        target = factory
    points = vars(target).get("class_hooks") if isinstance(target, type) else getattr(target, "hooks", None)
    return points if isinstance(points, HookPoints) else None


def _on_session(points: HookPoints, name: str) -> Place:
    return Place(
        points.listeners.setdefault(name, []),
        SESSION_EVENTS[name],
        partial(points.add, name),
        partial(points.discard, name),
    )


def _on_class(cls: type | None, propagate: bool, name: str) -> Place:
    def add(hook: Callable[..., Any], first: bool) -> None:
        class_hooks.add(cls, name, hook, first, propagate)

    hooks = [listener.hook for listener in class_hooks.listeners(cls, name)]
    return Place(hooks, CLASS_EVENTS[name], add, partial(class_hooks.discard, cls, name))


def _on_attribute(attribute: Attribute, options: dict[str, bool], name: str) -> Place:
    def add(hook: Callable[..., Any], first: bool) -> None:
        attribute_events.listen(attribute, name, hook, **options)

    def discard(hook: Callable[..., Any]) -> None:
        attribute_events.unlisten(attribute, name, hook)

    known = attribute.mapper.attributes.get(attribute.key, attribute)
    hooks = [
        one.function
        for one in (*known.validators, *known.occasional)
        if isinstance(one, attribute_events.Listener) and one.event == name
    ]
    return Place(hooks, ATTRIBUTE_EVENTS[name], add, discard)


def _on_engine(engine: Any, name: str) -> Place:
    if engine is Engine:  # all of them, and those made later
        lists = [Engine.everywhere[name], *(one._hooks[name] for one in list(Engine.alive))]
    else:
        lists = [engine._hooks[name]]

    def add(hook: Callable[..., Any], first: bool) -> None:
        for hooks in lists:
            hooks.insert(0 if first else len(hooks), hook)

    def discard(hook: Callable[..., Any]) -> None:
        for hooks in lists:
            if hook in hooks:
                hooks.remove(hook)

    return Place(lists[0], HOOKS[name], add, discard)
