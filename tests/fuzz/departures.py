"""Where nbsession does otherwise than SQLAlchemy, on purpose and by name. Behind such a step a program binds nobody."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from tests.fuzz.player import Sight, Step


class Situation(NamedTuple):
    """A step, and what was seen before and after it in both worlds."""

    step: Step
    before: Sight | None
    expected: Sight
    found: Sight

    def was(self, name: Any, field: str) -> bool:
        """Was an object in a collection of the session before the step?"""
        return self.before is not None and name in self.before[field]

    def states(self, name: Any) -> tuple[str | None, str | None]:
        """Where an object stands now: with SQLAlchemy, with nbsession."""
        return self.expected["states"].get(name), self.found["states"].get(name)

    def given(self) -> list[Any]:
        """The objects that the step gives to a parent."""
        kind, *arguments = self.step
        if kind == "append":
            return [arguments[2]]
        if kind == "setlist":
            return list(arguments[2])
        return [arguments[0]] if kind == "ref" else []


DEPARTURES: dict[str, Callable[[Situation], bool]] = {}


def departure(name: str) -> Callable[[Callable[[Situation], bool]], Callable[[Situation], bool]]:
    """Names a departure: a function that tells it by what both did."""

    def register(applies: Callable[[Situation], bool]) -> Callable[[Situation], bool]:
        DEPARTURES[name] = applies
        return applies

    return register


@departure("a row may refer to itself, and rows to each other in a circle")
def circle(it: Situation) -> bool:
    return "CircularDependencyError" in (it.expected["error"], it.found["error"])


@departure("15.4: merge(load=False) of an object of this session leaves its changes alone")
def merged_with_itself(it: Situation) -> bool:
    return it.step[0] == "merge" and not it.step[3] and it.was(it.step[2], "dirty")


@departure("22.1: a pending child that moves to another parent is not lost")
def pending_child_moves(it: Situation) -> bool:
    return any(it.states(name) == ("transient", "pending") for name in it.given())


@departure("22.14: given to a parent, then deleted: deleted, and at once")
def given_then_deleted(it: Situation) -> bool:
    if it.before is None or it.step[0] in ("add", "rollback", "nested_rollback"):
        return False
    return any(it.states(name) == ("persistent", "deleted") for name in it.before["deleted"])


@departure("22.14: deleted, then given to a parent: lives")
def deleted_then_given(it: Situation) -> bool:
    return any(it.was(name, "deleted") for name in it.given())


@departure("22.15: a change that is refused leaves nothing behind")
def refused(it: Situation) -> bool:
    changes = it.step[0] in ("append", "remove", "ref", "setlist")
    return changes and it.expected["error"] == it.found["error"] == "InvalidRequestError"


@departure("22.7: an object that is transient again has the values it was inserted with")
def values_kept(it: Situation) -> bool:
    for name in it.expected["states"]:
        if it.states(name) == ("transient", "transient"):
            theirs, ours = it.expected["loaded"][name], it.found["loaded"][name]
            if theirs.keys() < ours.keys() and all(ours[key] == value for key, value in theirs.items()):
                return True
    return False


@departure("unrelated classes are inserted in the order they were added, not by name")
def order_of_classes(it: Situation) -> bool:
    """Seen where a flush fails: generated keys stay on the objects that were inserted before."""
    if it.expected["error"] != it.found["error"] or it.expected["error"] is None:
        return False
    names = [name for name in it.expected["loaded"] if it.expected["loaded"][name] != it.found["loaded"].get(name)]
    return bool(names) and all(
        it.states(name) == ("transient", "transient")
        and it.expected["loaded"][name].keys() != it.found["loaded"][name].keys()
        for name in names
    )


@departure("a member that is in no session learns the key of its parent, also in a tree")
def member_outside(it: Situation) -> bool:
    names = [name for name in it.expected["loaded"] if it.expected["loaded"][name] != it.found["loaded"].get(name)]
    for name in names:
        theirs, ours = it.expected["loaded"][name], it.found["loaded"].get(name, {})
        keys = {key for key in theirs.keys() | ours.keys() if theirs.get(key) != ours.get(key)}
        if it.states(name) not in (("detached", "detached"), ("transient", "transient")) or keys != {"parent_id"}:
            return False
        if ours["parent"] is None or ours["parent_id"] != it.found["loaded"][ours["parent"]["ref"]].get("id"):
            return False
    return bool(names)


def departure_at(at: int, program: Sequence[Step], expected: Sequence[Sight], found: Sequence[Sight]) -> str | None:
    """The name of the departure at a step, or None."""
    situation = Situation(program[at], expected[at - 1] if at else None, expected[at], found[at])
    for name, applies in DEPARTURES.items():
        if applies(situation):
            return name
    return None
