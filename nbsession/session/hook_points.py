"""Where the hooks of a session, or of a session class, hang. Knows their names and the names of their arguments.

Hooks take part and may veto by raising. Whoever only watches subscribes to facts (:mod:`nbsession.events`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from nbsession.states import ObjectState, Trigger

_OF_AN_OBJECT = ("session", "instance")
LIFE = {
    ("transient", "pending"): "transient_to_pending",
    ("pending", "transient"): "pending_to_transient",
    ("pending", "persistent"): "pending_to_persistent",
    ("transient", "persistent"): "loaded_as_persistent",
    ("persistent", "transient"): "persistent_to_transient",
    ("persistent", "deleted"): "persistent_to_deleted",
    ("persistent", "detached"): "persistent_to_detached",
    ("deleted", "persistent"): "deleted_to_persistent",
    ("deleted", "detached"): "deleted_to_detached",
    ("deleted", "transient"): "deleted_to_detached",
    ("detached", "persistent"): "detached_to_persistent",
    ("detached", "transient"): "persistent_to_transient",
}
"""the hook of each move of an object, by the state before and the state after"""
OBJECT_EVENTS = dict.fromkeys(("before_attach", "after_attach", *LIFE.values()), _OF_AN_OBJECT)
SESSION_EVENTS: dict[str, tuple[str, ...]] = {
    "after_begin": ("session", "transaction", "connection"),
    "before_commit": ("session",),
    "after_commit": ("session",),
    "after_rollback": ("session",),
    "after_soft_rollback": ("session", "previous_transaction"),
    "after_transaction_create": ("session", "transaction"),
    "after_transaction_end": ("session", "transaction"),
    "before_flush": ("session", "flush_context", "instances"),
    "after_flush": ("session", "flush_context"),
    "after_flush_postexec": ("session", "flush_context"),
    "do_orm_execute": ("orm_execute_state",),
    "after_bulk_update": ("update_context",),
    "after_bulk_delete": ("delete_context",),
    **OBJECT_EVENTS,
}
"""the names of a session's hooks, with those of their arguments, as in SQLAlchemy"""


def hook_of(before: ObjectState, after: ObjectState, trigger: Trigger, gone: bool) -> str | None:
    """The hook that is told of a move of objects.

    :param gone: are they detached because they were deleted?
    """
    if trigger is Trigger.MAKE_TRANSIENT and before is ObjectState.PERSISTENT:
        return "persistent_to_detached"  # they leave their session, which is all that it is told
    return "deleted_to_detached" if gone else LIFE.get((before.value, after.value))


class HookPoints:
    """The hooks of a session, or of a session class.

    :param above: hook points that are asked first: those of the classes.
    :ivar about_objects: how many hooks about single objects there are in the process: while there is none, nobody asks further.
    :ivar heard: the names that were ever listened to in the process: for the others nobody looks through the points.
    """

    about_objects: ClassVar[int] = 0
    heard: ClassVar[set[str]] = set()
    names = SESSION_EVENTS

    def __init__(self, above: tuple[HookPoints, ...] = ()) -> None:
        self.listeners: dict[str, list[Callable[..., Any]]] = {}
        self._above = above

    def fire(self, name: str, *args: Any) -> None:
        """Calls every hook of a name, in the order they were added; what one raises goes to the caller."""
        if name not in self.heard:
            return
        for points in (*self._above, self):
            for hook in tuple(points.listeners.get(name, ())):
                hook(*args)

    def of(self, name: str) -> list[Callable[..., Any]]:
        """The hooks of a name, in order."""
        if name not in self.heard:
            return []
        return [hook for points in (*self._above, self) for hook in points.listeners.get(name, ())]

    def listens(self, name: str) -> bool:
        """Is there a hook of a name?"""
        return name in self.heard and any(points.listeners.get(name) for points in (*self._above, self))

    def add(self, name: str, hook: Callable[..., Any], first: bool = False) -> None:
        """Adds a hook, behind the others or before them."""
        self.heard.add(name)
        hooks = self.listeners.setdefault(name, [])
        hooks.insert(0 if first else len(hooks), hook)
        if name in OBJECT_EVENTS:
            HookPoints.about_objects += 1

    def discard(self, name: str, hook: Callable[..., Any]) -> None:
        """Takes a hook off."""
        self.listeners[name].remove(hook)
        if name in OBJECT_EVENTS:
            HookPoints.about_objects -= 1
