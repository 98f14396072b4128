"""A session's lifecycle events as moves and marks. Hears what happens to objects; asks and loads nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import ref

from sqlalchemy import event, inspect

from nbsession.events import tokens
from nbsession.notebook.watching.attribute_events import hear_class
from nbsession.notebook.watching.causes import cause_now
from nbsession.notebook.watching.gathering import GatheringBus
from nbsession.notebook.watching.hearing import quietly
from nbsession.notebook.watching.readings import subject_of

MOVES = {
    "transient_to_pending": ("transient", "add", "pending"),
    "pending_to_persistent": ("pending", "insert", "persistent"),
    "pending_to_transient": ("pending", "expunge", "transient"),
    "loaded_as_persistent": ("transient", "load", "persistent"),
    "persistent_to_transient": ("persistent", "undo insert", "transient"),
    "persistent_to_deleted": ("persistent", "delete", "deleted"),
    "persistent_to_detached": ("persistent", "expunge", "detached"),
    "deleted_to_persistent": ("deleted", "undo delete", "persistent"),
    "deleted_to_detached": ("deleted", "commit", "detached"),
    "detached_to_persistent": ("detached", "add", "persistent"),
}
"""the event to the state before, the trigger and the state after"""


class ObjectEvents:
    """The moves of one session's objects.

    :param session: the session; held weakly.
    :param bus: where the facts go.
    :param flush_failed: tells whether a flush is being taken back now.
    """

    def __init__(self, session: Any, bus: GatheringBus, flush_failed: Callable[[], bool]) -> None:
        self._session = ref(session)
        self._bus = bus
        self._flush_failed = flush_failed
        self._to_delete: dict[int, None] = {}
        self._deleted: set[int] = set()
        self._ears = [(name, self._ear(name)) for name in MOVES]
        for name, ear in self._ears:
            event.listen(session, name, ear)
        self._to_delete.update(dict.fromkeys(tokens.of(obj) for obj in session.deleted))

    def met_deleted(self, obj: Any) -> None:
        """An object was deleted before anybody listened."""
        self._deleted.add(tokens.of(obj))

    def close(self) -> None:
        """Hears nothing more."""
        session = self._session()
        for name, ear in self._ears if session is not None else ():
            event.remove(session, name, ear)

    def notice_marks(self) -> None:
        """Publishes what no event tells: which objects were marked for deletion since the last time, or are no longer."""
        session = self._session()
        if session is None:
            return
        now = {tokens.of(obj): obj for obj in session.deleted}
        for token in sorted(now.keys() - self._to_delete.keys()):
            self._bus.mark("to delete", subject_of(now[token]), "session.delete")
        for token in sorted(self._to_delete.keys() - now.keys()):
            obj = tokens.object(token)
            if obj is not None and inspect(obj).persistent and obj in session:
                self._bus.mark("not to delete", subject_of(obj), "session.add")
        self._to_delete = dict.fromkeys(now)

    def expired(self, obj: Any) -> None:
        """An object of the session was expired."""
        self._bus.mark("expired", subject_of(obj), cause_now())

    def _ear(self, name: str) -> Callable[[Any, Any], None]:
        @quietly
        def heard(_session: Any, obj: Any) -> None:
            hear_class(type(obj))
            self._moved(name, obj)

        return heard

    def _moved(self, name: str, obj: Any) -> None:
        before, trigger, after = MOVES[name]
        cause, subject = cause_now(), subject_of(obj)
        if name == "persistent_to_deleted":
            self._deleted.add(subject.token)
            self._to_delete.pop(subject.token, None)
        elif name == "deleted_to_persistent" and subject.token not in self._deleted:
            if subject.token in self._to_delete:  # its DELETE was never sent
                del self._to_delete[subject.token]
                self._bus.mark("not to delete", subject, cause)
            return
        elif before == "deleted":
            self._deleted.discard(subject.token)
            if after == "detached" and subject.key is None:
                trigger, after = "undo insert", "transient"
            elif after == "detached" and "commit" not in cause:
                trigger = "expunge"
        if self._flush_failed():
            trigger, cause = ("undo add" if trigger == "expunge" else trigger), "failed flush"
        elif name == "pending_to_transient" and "rollback" in cause:
            trigger = "undo add"
        elif cause == "make_transient":
            trigger, after = "make transient", "transient"
        self._bus.move(before, trigger, after, subject, cause)
