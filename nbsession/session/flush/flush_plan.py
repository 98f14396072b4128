"""What a flush would send, in which order, and why: a value that can be looked at. Touches no database, changes no object.

Executing it is :mod:`nbsession.session.flush.executing`; what must be loaded first is :mod:`nbsession.session.flush.preparation`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from nbsession.session.flush.reasons import explain
from nbsession.session.flush.steps import DefaultOf as DefaultOf
from nbsession.session.flush.steps import KeyOf as KeyOf
from nbsession.session.flush.steps import Link as Link
from nbsession.session.flush.steps import Step as Step


class Section(NamedTuple):
    """The steps of one hierarchy that are sent together, for hooks on its classes: they hear of all its objects before the
    first statement and after the last.

    :ivar start: the first step's place in the plan, from 0.
    :ivar end: the place behind the last.
    :ivar new: the new objects, in the order of add.
    :ivar touched: the changed ones, those without net change among them.
    :ivar leaving: those to be deleted.
    :ivar again: makes the UPDATE steps of changed objects anew: a hook may have changed more.
    """

    start: int
    end: int
    new: list[Any]
    touched: list[Any]
    leaving: list[Any]
    again: Callable[[list[Any]], list[Step]]


class Relating(NamedTuple):
    """The moment in a flush from which on the foreign keys along a relationship are filled.

    :ivar place: how many steps come before.
    :ivar leaving: is it about objects that are deleted?
    :ivar relationship: the relationship.
    :ivar obj: the only object that it is about; None: all that take part.
    """

    place: int
    leaving: bool
    relationship: Any
    obj: Any


class FlushPlan:
    """What a flush sends.

    :ivar steps: the steps in order.
    :ivar skipped: (object, why) of objects that were touched and are not written.
    :ivar notes: what the plan does not know without loading.
    :ivar outside: links of members that are in no session, as far as no step comes after them.
    :ivar followed: foreign keys that the database changes itself (``ON UPDATE CASCADE``), to be known in memory.
    :ivar met: objects that others let go of, without anything to be written.
    :ivar relating: when which foreign keys are filled, and ``links`` with what: for a flush that fails half-way.
    :ivar begun: how many steps were begun.
    :ivar circle: the error that ends the plan, because other rows need each other's keys; None: all is written.
    :ivar sections: which steps belong together; empty while no hook on a class wants to know.
    """

    def __init__(
        self,
        steps: Iterable[Step],
        skipped: Iterable[tuple[Any, str]],
        notes: Iterable[str],
        followed: Iterable[Link] = (),
        outside: Iterable[Link] = (),
        sections: Iterable[Section] = (),
        circle: Exception | None = None,
        relating: Iterable[Relating] = (),
        links: Mapping[int, Sequence[Link]] = MappingProxyType({}),
        met: Iterable[Any] = (),
    ) -> None:
        self.steps = tuple(steps)
        self.skipped = tuple(skipped)
        self.notes = tuple(notes)
        self.followed = tuple(followed)
        self.outside = tuple(outside)
        self.sections = tuple(sections)
        self.circle = circle
        self.relating = tuple(relating)
        self.links = links
        self.met = tuple(met)
        self.begun = 0
        for number, step in enumerate(self.steps, 1):
            step.number = number

    def explain(self) -> FlushPlan:
        """Works out why each step waits for others: a flush itself does not ask."""
        explain(self.steps)
        return self

    def __bool__(self) -> bool:
        return bool(self.steps)

    def __str__(self) -> str:
        lines = [
            f"{s.number}. {s}"
            + (f"  (after {', '.join(map(str, s.after))}: {'; '.join(s.reasons)})" if s.after else "")
            for s in self.steps
        ]
        return "\n".join(lines) or "nothing to flush"
