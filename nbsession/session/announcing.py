"""Facts about objects that moved or were marked, in batches of one class. Knows the bus; moves and marks nothing.

Called only while somebody listens. A fact about many objects names the first and the last of them and counts all: it
costs the same for 10,000 as for 200.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nbsession.events import SUBJECT_LIMIT, FactBus, Marked, StatesMoved, Subject
from nbsession.mapping.attributes import subject_of
from nbsession.mapping.mapper import Mapper
from nbsession.session.batches import by_mapper
from nbsession.states import OBJECT_MOVES, ObjectState, Trigger

FIRST, LAST = 20, 40
"""of more objects than :data:`~nbsession.events.SUBJECT_LIMIT`, so many are named: the last are what a board shows"""
FEW = 50
"""up to so many adds in a row each have a fact of their own"""
_ADDED = OBJECT_MOVES.step("a new object", ObjectState.TRANSIENT, Trigger.ADD)


def named(objects: Sequence[Any]) -> tuple[Subject, ...]:
    """The objects that a fact names."""
    if len(objects) > SUBJECT_LIMIT:
        objects = [*objects[:FIRST], *objects[-LAST:]]
    return tuple(map(subject_of, objects))


def announce_move(
    bus: FactBus,
    mapper: Mapper,
    objects: Sequence[Any],
    before: ObjectState,
    trigger: Trigger,
    after: ObjectState,
    cause: str,
) -> None:
    """Publishes that objects of one class moved from one state to the next."""
    bus.publish(
        StatesMoved(
            cause=cause,
            cls=mapper.class_.__name__,
            subjects=named(objects),
            count=len(objects),
            before=before._value_,  # `value` is a descriptor, and this runs for each object that is added
            trigger=trigger._value_,
            after=after._value_,
        )
    )


def announce_mark(bus: FactBus, objects: Sequence[Any], mark: str, cause: str, of: Mapper | None) -> None:
    """Publishes that objects were marked; :class:`~nbsession.events.Marked` has the words.

    :param of: the mapper of all, if it is known already.
    """
    for mapper, batch in ({of: objects} if of else by_mapper(objects)).items():
        cls = mapper.class_.__name__
        bus.publish(Marked(cause=cause, cls=cls, subjects=named(batch), count=len(batch), mark=mark))


class Added:
    """New objects that come one after the other, as ``add_all`` brings them: many alike are told as one fact.

    What is held back is told before any other fact, so that facts stay in the order of what happened.
    """

    def __init__(self, bus: FactBus) -> None:
        self._bus = bus
        self._objects: list[Any] = []
        self._kind: tuple[Mapper, str] | None = None

    def take(self, mapper: Mapper, obj: Any, cause: str) -> None:
        """An object was added."""
        kind = self._kind
        if kind is None or kind[0] is not mapper or kind[1] != cause:
            self.tell()
            self._kind = (mapper, cause)
        if not self._objects:
            self._bus.held = self.tell
        self._objects.append(obj)

    def tell(self) -> None:
        """Publishes what was held back."""
        objects, self._objects = self._objects, []
        self._bus.held = None
        if self._kind is None or not objects:
            return
        mapper, cause = self._kind
        batches = [objects] if len(objects) > FEW else [[obj] for obj in objects]
        for batch in batches:
            announce_move(self._bus, mapper, batch, ObjectState.TRANSIENT, Trigger.ADD, _ADDED, cause)
