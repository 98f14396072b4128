"""Hooks: functions that take part in what a session or engine does, and may veto by raising. Provides the public ``event``.

Facts (:mod:`nbsession.events`) are a separate thing: whoever only watches subscribes to those.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nbsession.database.engine import Engine
from nbsession.exc import InvalidRequestError

SESSION_EVENTS = (
    "after_begin",
    "before_commit",
    "after_commit",
    "after_rollback",
    "after_soft_rollback",
    "after_transaction_create",
    "after_transaction_end",
    "before_flush",
    "after_flush",
    "after_flush_postexec",
)


class HookPoints:
    """The hooks of a session, or of a session class.

    :param above: hook points that are asked too: those of the class.
    """

    def __init__(self, names: tuple[str, ...] = SESSION_EVENTS, above: tuple[HookPoints, ...] = ()) -> None:
        self.listeners: dict[str, list[Callable[..., Any]]] = {name: [] for name in names}
        self._above = above

    def fire(self, name: str, *args: Any) -> None:
        """Calls every hook of a name, in the order they were added; what one raises goes to the caller."""
        for points in (*self._above, self):
            for hook in tuple(points.listeners[name]):
                hook(*args)


class Event:
    """``event.listen`` and its kin: SQLAlchemy's event names on engines, sessions and session classes."""

    @staticmethod
    def listen(
        target: Any, identifier: str, fn: Callable[..., Any], *, once: bool = False, insert: bool = False
    ) -> None:
        """Calls a function whenever an event happens.

        :param target: an Engine, a Session, a Session class or what ``sessionmaker()`` returned.
        :param identifier: the event: ``"before_flush"``, ``"before_cursor_execute"``, ...
        :param fn: called with the arguments that SQLAlchemy documents for the event.
        :param once: only the first time.
        :param insert: before those that listen already, not after them.
        :raises InvalidRequestError: the target has no such event.

        >>> event.listen(session, "before_flush", lambda session, context, instances: ...)
        """
        listeners = _listeners(target, identifier)
        place = 0 if insert else len(listeners)
        if not once:
            listeners.insert(place, fn)
            return

        def first(*args: Any, **kwargs: Any) -> Any:
            listeners.remove(first)
            return fn(*args, **kwargs)

        listeners.insert(place, first)

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
        listeners = _listeners(target, identifier)
        if fn not in listeners:
            raise InvalidRequestError(f"No listeners found for event {target} / {identifier!r} / {fn}")
        listeners.remove(fn)

    @staticmethod
    def contains(target: Any, identifier: str, fn: Callable[..., Any]) -> bool:
        """Does the function listen there?"""
        return fn in _listeners(target, identifier)


event = Event


def _listeners(target: Any, identifier: str) -> list[Callable[..., Any]]:
    named: dict[str, list[Callable[..., Any]]]
    if isinstance(target, Engine):
        named = target._hooks
    else:
        points = vars(target).get("class_hooks") if isinstance(target, type) else getattr(target, "hooks", None)
        if not isinstance(points, HookPoints):
            raise InvalidRequestError(
                f"No such event {identifier!r} for target {target!r}: it is no engine and no session."
            )
        named = points.listeners
    if identifier not in named:
        raise InvalidRequestError(
            f"No such event {identifier!r} for target {target!r}. Known: {', '.join(sorted(named))}."
        )
    return named[identifier]
