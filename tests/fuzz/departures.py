"""Where nbsession does otherwise than SQLAlchemy, on purpose and by name. Behind such a step a program binds nobody."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from tests.fuzz.player import Sight, Step


def bare(name: str) -> str:
    """An object's name without the session it is seen in."""
    return name.partition("|")[0]


class Situation(NamedTuple):
    """A step, and what was seen before and after it in both worlds."""

    step: Step
    before: Sight | None
    expected: Sight
    found: Sight

    def was(self, name: Any, field: str) -> bool:
        """Was an object in a collection of the session before the step?"""
        return self.before is not None and name in map(bare, self.before[field])

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


@departure("15.4: merge(load=False) of an object of this session leaves it alone, its changes and what is expired")
def merged_with_itself(it: Situation) -> bool:
    if it.step[0] != "merge" or it.step[3] or it.before is None or not it.was(it.step[2], "contains"):
        return False
    alone = it.before["loaded"][it.step[2]] == it.found["loaded"][it.step[2]]
    return alone and (
        it.was(it.step[2], "modified") or it.was(it.step[2], "dirty") or not it.before["loaded"][it.step[2]]
    )


@departure("15.8: merge(load=False) of an object whose row is deleted makes no persistent object")
def merged_after_delete(it: Situation) -> bool:
    refused = (it.expected["error"], it.found["error"]) == (None, "InvalidRequestError")
    return it.step[0] == "merge" and not it.step[3] and refused


@departure("10.6: expire() and refresh() leave alone what is in no session")
def not_ours(it: Situation) -> bool:
    if it.step[0] not in ("expire", "refresh"):
        return False
    emptied = [name for name, held in it.expected["loaded"].items() if not held and it.found["loaded"].get(name)]
    return any(it.states(name) == ("detached", "detached") for name in emptied)


@departure("8.2: get() finds who took over the row of an expired object in the flush before")
def got_the_newcomer(it: Situation) -> bool:
    if it.step[0] != "get" or it.expected["result"] == it.found["result"] or it.found["result"] is None:
        return False
    return it.states(it.expected["result"])[0] == "deleted" and it.states(it.found["result"])[0] == "persistent"


@departure("22.1: a pending child that moves to another parent is not lost")
def pending_child_moves(it: Situation) -> bool:
    return any(it.states(name) == ("transient", "pending") for name in it.given())


@departure("22.14: given to a parent, then deleted: deleted, and at once")
def given_then_deleted(it: Situation) -> bool:
    if it.before is None or it.step[0] in ("add", "rollback", "nested_rollback"):
        return False
    return any(it.states(name) == ("persistent", "deleted") for name in map(bare, it.before["deleted"]))


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


@departure("a change that a tree's unloaded collection knows of is written, as in other relationships")
def queued_in_a_tree(it: Situation) -> bool:
    """SQLAlchemy passes by collections that are not loaded, where classes need each other."""
    if it.expected["error"] is not it.found["error"] or it.before is None:
        return False
    theirs, ours = ({row[0]: row for row in sight["tables"]["nodes"]} for sight in (it.expected, it.found))
    changed = [key for key in theirs.keys() & ours.keys() if theirs[key] != ours[key]]
    return (
        bool(changed)
        and theirs.keys() == ours.keys()
        and all(theirs[key][:2] == ours[key][:2] and ours[key][2] in ours for key in changed)
    )


FOREIGN_KEYS = {"parent_id", "user_id", "land_code"}


@departure("what a foreign key of an object in no session holds: the key of a parent in memory, or what it held")
def member_outside(it: Situation) -> bool:
    names = [name for name in it.expected["loaded"] if it.expected["loaded"][name] != it.found["loaded"].get(name)]
    for name in names:
        theirs, ours = it.expected["loaded"][name], it.found["loaded"].get(name, {})
        keys = {key for key in theirs.keys() | ours.keys() if theirs.get(key) != ours.get(key)}
        if it.states(name) not in (("detached", "detached"), ("transient", "transient")) or not keys <= FOREIGN_KEYS:
            return False
        before = it.before["loaded"].get(name, {}) if it.before is not None else {}
        parents = [held.get("id", held.get("code")) for held in it.found["loaded"].values()]
        if any(ours.get(key) != before.get(key) and ours.get(key) not in parents for key in keys):
            return False
    return bool(names)


@departure("a flush that writes nothing takes no connection: after_begin comes later, or not at all")
def began_later(it: Situation) -> bool:
    theirs, ours = ([name for name in sight["hooks"] if "after_begin" not in name] for sight in (it.expected, it.found))
    return it.expected["hooks"] != it.found["hooks"] and theirs == ours and any("before_flush" in name for name in ours)


@departure("22.13: who takes over a row of a tree keeps it")
def switched_in_a_tree(it: Situation) -> bool:
    theirs, ours = it.expected["tables"]["nodes"], it.found["tables"]["nodes"]
    saved = [row for row in ours if row not in theirs]
    return (
        it.expected["error"] is it.found["error"] is None
        and bool(saved)
        and all(any(entry.startswith(f"Node@{row[0]}=") for entry in it.found["map"]) for row in saved)
        and all(row in ours for row in theirs)
    )


@departure("a member that is queued on an unloaded collection, and in its rows, is in it once; removed, it is out")
def queued_twice(it: Situation) -> bool:
    for name, held in it.expected["loaded"].items():
        for key, value in held.items():
            ours = it.found["loaded"].get(name, {}).get(key)
            if isinstance(value, dict) and "list" in value and ours is not None and value != ours:
                members = value["list"]
                if len(set(members)) < len(members) and list(dict.fromkeys(members)) == ours["list"]:
                    return True
                if it.step == ["remove", name, key, it.step[-1]] and it.step[-1] in members:
                    return it.step[-1] not in ours["list"]
    return False


@departure("no association row refers to an object that the same flush deletes")
def associated_with_deleted(it: Situation) -> bool:
    if it.before is None or not it.before["deleted"]:
        return False
    theirs, ours = (sight["tables"]["order_keywords"] for sight in (it.expected, it.found))
    if it.expected["error"] == "IntegrityError" and it.found["error"] is None:
        return any(name.startswith(("Order", "Keyword", "o", "k", "m")) for name in it.before["deleted"])
    known = {
        "order": {row[0] for row in it.found["tables"]["orders"]},
        "keyword": {row[0] for row in it.found["tables"]["keywords"]},
    }
    extra = [row for row in theirs if row not in ours]
    return bool(extra) and all(row[0] not in known["order"] or row[1] not in known["keyword"] for row in extra)


@departure("22.7: who is transient again by a rollback and added again keeps its members")
def members_kept(it: Situation) -> bool:
    """SQLAlchemy takes the members for written: their foreign keys, or association rows, are missing."""
    if it.before is None:
        return False
    for name, held in it.found["loaded"].items():
        new = it.before["states"].get(name) in ("pending", "transient") and it.found["states"][name] == "persistent"
        for attr, foreign_key in (("children", "parent_id"), ("addresses", "user_id")):
            for member in held.get(attr, {"list": []})["list"] if new else ():
                theirs, ours = (sight["loaded"].get(member, {}).get(foreign_key) for sight in (it.expected, it.found))
                if ours == held.get("id") is not None and theirs != ours:
                    return True
        if new and ("keywords" in held or "orders" in held):
            theirs, ours = (sight["tables"]["order_keywords"] for sight in (it.expected, it.found))
            side = 0 if "keywords" in held else 1
            extra = [row for row in ours if row not in theirs]
            if extra and all(row in ours for row in theirs) and any(row[side] == held.get("id") for row in extra):
                return True
    return False


@departure("21.2: in a tree, objects are inserted in the order they were added, where none needs another's key")
def order_in_a_tree(it: Situation) -> bool:
    """SQLAlchemy lets an object wait whose parent was set to None."""
    if it.expected["error"] != it.found["error"] or it.before is None:
        return False
    files = [dict(entry.split("=") for entry in sight["map"]) for sight in (it.expected, it.found)]
    moved = {files[0].get(key) for key in files[0] if files[0][key] != files[1].get(key)}
    return (
        bool(moved)
        and files[0].keys() == files[1].keys()
        and sorted(files[0].values()) == sorted(files[1].values())
        and all(key.startswith("Node@") for key in files[0] if files[0][key] != files[1].get(key))
        and all(it.before["states"].get(str(name)) in ("pending", None, "transient") for name in moved)
    )


def departure_at(at: int, program: Sequence[Step], expected: Sequence[Sight], found: Sequence[Sight]) -> str | None:
    """The name of the departure at a step, or None."""
    situation = Situation(program[at], expected[at - 1] if at else None, expected[at], found[at])
    for name, applies in DEPARTURES.items():
        if applies(situation):
            return name
    return None
