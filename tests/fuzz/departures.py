"""Where nbsession does better than SQLAlchemy 2.1.9 on purpose: its defects, as programs meet them.

They are those of the semantics, section 22, and two that were measured here (A and B). A function for each tells by what both
did that a step is that defect and nothing else: what the defect explains must be on our side as it is wanted, and all that it
does not explain must be alike. 22.3 and 22.5 are chances that :func:`tests.fuzz.reference.pin` and the comparison take out;
22.8 to 22.12 are done alike; 22.2 and 22.16 no program reaches: tests/semantics has them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from tests.fuzz.model import KINDS
from tests.fuzz.player import Sight, Step
from tests.fuzz.situation import Situation, as_dict, bare, filed, key_text

LIVES = ("persistent",)
LOST = ("deleted", "detached")
CHANGED = ("dirty", "modified")


class Departure(NamedTuple):
    """A difference that is meant.

    :ivar name: its number in the semantics, and what nbsession does.
    :ivar theirs: what SQLAlchemy does, and why it counts as a defect.
    :ivar applies: is a step this defect, and nothing else?
    """

    name: str
    theirs: str
    applies: Callable[[Situation], bool]


DEPARTURES: list[Departure] = []


def departure(name: str, theirs: str) -> Callable[[Callable[[Situation], bool]], Callable[[Situation], bool]]:
    """Names a departure: a function that tells it by what both did."""

    def register(applies: Callable[[Situation], bool]) -> Callable[[Situation], bool]:
        DEPARTURES.append(Departure(name, " ".join(theirs.split()), applies))
        return applies

    return register


def departure_at(
    at: int, program: Sequence[Step], expected: Sequence[Sight], found: Sequence[Sight], gone: set[str]
) -> str | None:
    """The name of the defect that a step meets, or None."""
    situation = Situation(at, program, expected, found, gone)
    return next((one.name for one in DEPARTURES if one.applies(situation)), None)


def _spared(it: Situation) -> list[str]:
    """Objects that SQLAlchemy deletes in the step, and we do not: they have a row, and are filed."""
    names = [
        name
        for name, state in it.theirs["states"].items()
        if state in LOST and it.ours["states"].get(name) in LIVES and it.before["states"].get(name) in LIVES
    ]
    return [name for name in names if it.row(it.ours, name) is not None and name in map(bare, it.ours["contains"])]


@departure(
    "22.1: a child that moved to another parent is moved, though it was expired in between",
    """Under delete-orphan, expiring a child that was moved drops what is known of its parents. The flush then deletes its row
    or not, by which parent happens to be asked first.""",
)
def lost_child(it: Situation) -> bool:
    lost = _spared(it)
    for name in lost:
        row = it.row(it.ours, name) or {}
        held = [p for p, attrs in it.before["loaded"].items() if name in attrs.get("addresses", {"list": []})["list"]]
        if it.given(name) is None or name in it.before["deleted"] or "user" in it.before["loaded"][name]:
            return False
        if not any(f"User@{row.get('user_id')}={parent}" in it.ours["map"] for parent in held):
            return False
    return bool(lost) and it.errors() == (None, None) and it.alike({*lost, *it.parents(lost)}, lost)


@departure(
    "22.4: of two new objects for one deleted row the flush refuses, or the last added stays",
    "Two new objects have the key of a deleted one: which of them the row goes to varies.",
)
def two_newcomers(it: Situation) -> bool:
    switches = it.switches()
    rivals = [one for one in switches if sum(other[2:] == one[2:] for other in switches) > 1]
    if not rivals:
        return False
    names = [name for _, name, _, _ in rivals]
    if "FlushError" in it.errors():
        return it.ours["error"] == "FlushError"
    _, _, cls, key = rivals[0]
    last = [name for kind, *rest in it.program[: it.at] if kind == "add" for name in rest if name in names]
    owner = f"{cls}@{','.join(map(str, key))}={last[-1] if last else names[-1]}"
    return owner in it.ours["map"] and it.alike(names, names)


@departure(
    "22.6: a reference to who is deleted, or queued for who is expunged, makes no ValueError",
    """A back reference that went stale, because its object is deleted or left the session, is taken out of a list that does not
    hold it: a flush or a read fails with "list.remove(x): x not in list".""",
)
def stale_reference(it: Situation) -> bool:
    """Where it is not an earlier removal of a non-member that shows (22.15)."""
    if it.errors() != ("ValueError", None) or it.step[0] == "remove" or any(it.refused_removals()):
        return False
    turned = [step[1] for step in it.program[: it.at] if step[0] in ("ref", "del", "remove")]
    left = [name for name in turned if it.before["states"].get(name) in (*LOST, "transient", "pending")]
    doomed = [name for name in turned if name in map(bare, it.before["deleted"])]
    return "list.remove" in (it.theirs["message"] or "") and bool(left or doomed)


@departure(
    "22.7: an object that is transient again has the values it was inserted with",
    """Inserted in a transaction, expired in it, then rolled back: the object is transient, but empty; touching it raises
    DetachedInstanceError, and it cannot be added again.""",
)
def values_kept(it: Situation) -> bool:
    names = []
    for name, theirs in it.theirs["loaded"].items():
        ours = it.ours["loaded"].get(name, {})
        if theirs == ours:
            continue
        state = it.theirs["states"][name]
        added = state == "pending" and it.step[0] == "add" and it.before["states"].get(name) == "transient"
        if (
            it.ours["states"].get(name) != state
            or not theirs.keys() < ours.keys()
            or not (state == "transient" or added)
        ):
            return False
        if any(ours[key] != value for key, value in theirs.items()):
            return False
        if any(ours[key] not in _values_of_row(it, name, key) for key in ours.keys() - theirs.keys()):
            return False
        names.append(name)
    return bool(names) and it.alike(names, only=("loaded", "modified"))


def _values_of_row(it: Situation, name: str, key: str) -> list[Any]:
    """What the row of an object held last, by what lay on the object while nothing was unflushed, and what it held before the
    savepoints that go with it; else as it was inserted."""
    found: list[Any] = []
    for sight in reversed(it.expected[: it.at]):
        held = sight["loaded"].get(name, {})
        if key in held and sight["states"][name] in LIVES and name not in map(bare, sight["modified"]):
            if not sight["flags"][1]:
                return [*found, held[key]]
            found = found or [held[key]]
    kind = it.kind(name)
    for sight in it.expected[: it.at]:
        for entry in sight["map"]:
            if filed(entry)[2] == name:
                rows = [as_dict(kind, row) for row in sight["tables"][kind.table]]
                return [*found, *(row.get(key) for row in rows if key_text(kind, row) == filed(entry)[1])]
    return found or [it.before["loaded"].get(name, {}).get(key)]


@departure(
    "22.13: who takes over a row of a tree keeps it",
    "A new object takes over the row of a deleted one in a self-referential table: the row is updated, then deleted.",
)
def switched_in_a_tree(it: Situation) -> bool:
    theirs, ours = it.theirs["tables"].get("nodes", []), it.ours["tables"].get("nodes", [])
    saved = [row for row in ours if row not in theirs]
    taken = {str(key[0]): name for table, name, _, key in it.switches() if table == "nodes"}
    return (
        it.errors() == (None, None)
        and bool(saved)
        and all(row in ours for row in theirs)
        and all(f"Node@{row[0]}={taken.get(str(row[0]))}" in it.ours["map"] for row in saved)
        and it.alike(taken.values(), taken.values(), results=it.step[0] != "query")
    )


@departure(
    "22.14: deleted, then given to a parent: lives, and leaves session.deleted",
    """A child marked by delete(), then given to a parent, survives the first flush, but stays in session.deleted, and the next
    flush deletes it.""",
)
def deleted_then_given(it: Situation) -> bool:
    names = set(map(bare, it.theirs["deleted"])) - set(map(bare, it.ours["deleted"]))
    for name in names:
        marked = it.marked(name)
        if marked is None or it.given(name, marked) is None or it.ours["states"].get(name) not in LIVES:
            return False
    return bool(names) and it.theirs["states"] == it.ours["states"] and it.alike(names, only=("deleted", "dirty"))


@departure(
    "22.14: deleted, then given to a parent: lives, though two flushes follow at once",
    "As before: a commit, or a step that flushes twice, deletes the child at once.",
)
def given_then_lost(it: Situation) -> bool:
    lost = _spared(it)
    for name in lost:
        marked = it.marked(name)
        if marked is None or it.given(name, marked) is None or name in map(bare, it.ours["deleted"]):
            return False
    return bool(lost) and it.alike({*lost, *it.parents(lost)}, lost)


@departure(
    "22.15: who is no member and removed does not learn of it",
    """remove() of who is no member raises ValueError, and all the same takes the owner from the other side: a reference that is
    not loaded becomes None, and a flush then writes NULL, or deletes the object as an orphan.""",
)
def removal_refused(it: Situation) -> bool:
    if it.step[0] != "remove" or it.errors() not in (("ValueError", "ValueError"), ("KeyError", "KeyError")):
        return False
    other, theirs, ours = it.step[3], it.theirs["loaded"], it.ours["loaded"]
    reverse = [name for name, value in theirs[other].items() if ours[other].get(name, "-") != value]
    if any(KINDS[it.kind(other).relations[name][0]].table != it.kind(it.step[1]).table for name in reverse):
        return False
    told = all(theirs[other][name] is None and name not in ours[other] for name in reverse)
    kept = all((other in it.before[field]) == (other in it.ours[field]) for field in CHANGED)
    noted = other != it.step[1] and bool(reverse)
    return told and bool(reverse) and (kept or not noted) and it.alike([other], begun=True, only=(*CHANGED, "loaded"))


@departure(
    "22.15: who is no member and removed stays in the session",
    "The same, of an object that is to be inserted, under delete-orphan: the next flush drops it from the session.",
)
def removed_stays(it: Situation) -> bool:
    removed = {step[3] for step in it.refused_removals()}
    names = [
        name
        for name, state in it.theirs["states"].items()
        if state == "transient" and it.before["states"].get(name) == "pending" and it.ours["states"].get(name) in LIVES
    ]
    rows = all(it.row(it.ours, name) is not None for name in names)
    return bool(names) and removed.issuperset(names) and rows and it.alike({*names, *it.parents(names)}, names)


@departure(
    "22.15: a removal that was refused makes no later flush fail",
    """The removal stays queued on the other side of a many-to-many, too: a later flush deletes a row that is not there and
    raises StaleDataError, or a read raises ValueError.""",
)
def removal_forgotten(it: Situation) -> bool:
    theirs, ours = it.errors()
    lists = [step for step in it.refused_removals() if step[2] in ("keywords", "orders")]
    return it.step[0] != "remove" and ours is None and bool(lists) and theirs in ("ValueError", "StaleDataError")


@departure(
    "22.17: who takes over a row leaves nothing of it: what was never set is NULL",
    "A new object takes over the row of a deleted one: columns that were never set on it keep the old row's values.",
)
def nothing_left(it: Situation) -> bool:
    switches = it.switches()
    found = False
    for table, name, cls, key in switches:
        kind = KINDS[cls]
        wanted = ",".join(map(str, key))
        ours, theirs, old = (
            next((r for r in (as_dict(kind, row) for row in sight["tables"][table]) if key_text(kind, r) == wanted), {})
            for sight in (it.ours, it.theirs, it.before)
        )
        for column in kind.columns:
            if ours.get(column) != theirs.get(column):
                unset = column not in it.before["loaded"][name]
                if not unset or ours.get(column, "?") is not None or theirs.get(column) != old.get(column):
                    return False
                found = True
    names = [name for _, name, _, _ in switches]
    return found and it.alike(names, names)


@departure(
    "A: the object of a living row is not called deleted",
    """Measured, not in the notes. Inserted, deleted and rolled back, then added and flushed again: the flag that its row was
    deleted is never taken back, so that the object is "deleted" though its row is there.""",
)
def lives_again(it: Situation) -> bool:
    names = [name for name, state in it.theirs["states"].items() if state != it.ours["states"].get(name)]
    for name in names:
        if (it.theirs["states"][name], it.ours["states"].get(name)) != ("deleted", "persistent"):
            return False
        lives = it.row(it.theirs, name) is not None or it.step[0] == "sql"  # the statement may delete the new row
        if it.was(name, "deleted") is None or not lives:
            return False
    return bool(names) and it.alike(names, only=("states",))


@departure(
    "A: who is marked to be deleted is not called deleted before the flush",
    """Measured, not in the notes. delete() of an object that a flush deleted and that left the session since: it comes back,
    marked, as any detached object. But it is "deleted" at once, by the flag that is never taken back.""",
)
def marked_again(it: Situation) -> bool:
    names = [name for name, state in it.theirs["states"].items() if state != it.ours["states"].get(name)]
    for name in names:
        if (it.theirs["states"][name], it.ours["states"].get(name)) != ("deleted", "persistent"):
            return False
        if it.before["states"].get(name) not in LOST or name not in map(bare, it.ours["deleted"]):
            return False
    return it.step[0] == "delete" and bool(names) and it.alike(names, only=("states",))


@departure(
    "B: delete() of who is deleted already does nothing",
    """Measured, not in the notes. delete() of an object whose DELETE was flushed files it again under its key. A new object
    with that key is then taken to take its row over: an UPDATE of no row, and the new row is lost without an error.""",
)
def not_put_back(it: Situation) -> bool:
    if it.step[0] != "delete" or it.ours["error"] is not None:
        return False
    said = set(map(bare, it.theirs["deleted"])) - set(map(bare, it.ours["deleted"]))
    if it.theirs["error"] is not None:  # two objects of one key are put back
        return "Can't attach instance" in it.theirs["message"] and "deleted" in it.before["states"].values()
    for name in said:
        dead = it.was(name, "deleted") is not None or it.theirs["states"][name] == "deleted"
        if not dead or it.lives(name) or name in map(bare, it.ours["contains"]):
            return False
    return bool(said) and it.alike(said, begun=True)
