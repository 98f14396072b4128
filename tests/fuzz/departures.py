"""Where nbsession does better than SQLAlchemy 2.1.9 on purpose: its defects, as programs meet them.

They are those of the semantics, section 22; those that were measured here are in :mod:`tests.fuzz.measured`. A function for
each tells by what both did that a step is that defect and nothing else: what the defect explains must be on our side as it is
wanted, and all that it does not explain must be alike. 22.3 and 22.5 are chances that :func:`tests.fuzz.reference.pin` and the
comparison take out; 22.8 to 22.12 are done alike; 22.2 and 22.16 no program reaches: tests/semantics has them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from tests.fuzz.model import KINDS
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


def spared(it: Situation) -> list[str]:
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
    lost = spared(it)
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
    """A back reference that went stale, because its object is deleted, left the session or has another key by now, is taken out
    of a list that does not hold it: a flush or a read fails with "list.remove(x): x not in list".""",
)
def stale_reference(it: Situation) -> bool:
    """Where it is not an earlier removal of a non-member that shows (22.15)."""
    theirs, ours = it.errors()  # where we go on, the database may refuse what is sent then
    refused = ours not in (None, "IntegrityError", "InvalidRequestError")
    if it.step[0] == "remove":  # which is refused on both sides, and SQLAlchemy has rolled back before
        refused = ours != theirs or not it.only_they_rolled_back()
    if theirs != "ValueError" or refused or not it.without_refused_removals():
        return False
    turned = [step[1] for step in it.program[: it.at] if step[0] in ("ref", "del", "remove", "setlist")]
    left = [name for name in turned if it.before["states"].get(name) in (*LOST, "transient", "pending")]
    doomed = [name for name in turned if name in map(bare, it.before["deleted"])]
    elsewhere = [name for name in turned if it.rekeyed(name)]  # its list was loaded by the new key
    return "list.remove" in (it.theirs["message"] or "") and bool(left or doomed or elsewhere)


@departure(
    "22.7: an object that is transient again has the values it was inserted with",
    """Inserted in a transaction, expired in it, then rolled back: the object is transient, but empty; touching it raises
    DetachedInstanceError, and it cannot be added again.""",
)
def values_kept(it: Situation) -> bool:
    differing = [name for name, held in it.theirs["loaded"].items() if held != it.ours["loaded"].get(name, {})]
    names = with_values_kept(it)
    return bool(names) and names == differing and it.alike(names, only=("loaded", "modified"))


def with_values_kept(it: Situation) -> list[str]:
    """Objects that are transient, and hold values of their row on our side alone; so does one that is copied from such a one."""
    copied = {it.step[1]: it.step[2]} if it.step[0] == "pickle" else {}
    names = []
    for name, theirs in it.theirs["loaded"].items():
        ours = it.ours["loaded"].get(name, {})
        state = it.theirs["states"][name]
        added = state == "pending" and it.step[0] == "add" and it.before["states"].get(name) == "transient"
        if (
            it.ours["states"].get(name) == state
            and theirs.keys() < ours.keys()
            and (state == "transient" or added)
            and all(ours[key] == value for key, value in theirs.items())
            and all(ours[key] in _values_of_row(it, copied.get(name, name), key) for key in ours.keys() - theirs.keys())
        ):
            names.append(name)
    return names


@departure(
    "22.7: what an object that is transient again was inserted with can be read",
    "As before: reading an attribute that was expired raises DetachedInstanceError.",
)
def read_again(it: Situation) -> bool:
    if it.errors() != ("DetachedInstanceError", None):
        return False
    if it.step[0] == "merge":
        return _merged_again(it)
    if it.step[0] != "read":
        return False
    name, key = it.step[1:]
    new_again = it.before["states"][name] == "transient" and it.was(name, "persistent") is not None
    known = key not in it.kind(name).columns or it.ours["result"] in _values_of_row(it, name, key)
    return new_again and known and it.alike([name], results=False, only=("loaded", "modified"))


@departure(
    "22.7: what such an object has is no change when it is set again",
    "As before: as the value is not there, setting it counts as a change.",
)
def set_again(it: Situation) -> bool:
    if it.step[0] != "set" or not it.at:
        return False
    name, key, value = it.step[1:]
    kept, lost = it.found[it.at - 1]["loaded"].get(name, {}), it.before["loaded"].get(name, {})
    same = key in kept and key not in lost and kept[key] == value
    only_theirs = name in map(bare, it.theirs["modified"]) and name not in map(bare, it.ours["modified"])
    new_again = it.before["states"].get(name) == "transient" and it.was(name, "persistent") is not None
    return same and only_theirs and new_again and it.alike([name], only=("modified",))


def _merged_again(it: Situation) -> bool:
    """merge() reads what it copies: to an object that is new as well."""
    given, made = it.step[2], it.ours["result"]
    new_again = it.before["states"][given] == "transient" and it.was(given, "persistent") is not None
    kept, copied = it.ours["loaded"][given], it.ours["loaded"][made]
    same = all(copied.get(key) == kept.get(key) for key in it.kind(given).columns)
    fresh = it.ours["states"][made] == "pending" and made not in it.before["states"]
    return new_again and same and fresh and it.alike([given, made], results=False, begun=True)


def _values_of_row(it: Situation, name: str, key: str) -> list[Any]:
    """What the row of an object held last, by what lay on the object while nothing was unflushed, and what it held before the
    savepoints that go with it; else as it was inserted."""
    found: list[Any] = []
    place = 3 * it.at_session + 1
    for at in range(it.at - 1, -1, -1):
        sight = it.expected[at]
        held = sight["loaded"].get(name, {})
        if key in held and sight["states"][name] in LIVES and name not in map(bare, sight["modified"]):
            outermost = it.program[at][0] == "begin_nested" and at and not it.expected[at - 1]["flags"][place]
            if outermost or not sight["flags"][place]:  # setting a savepoint flushes before
                return [*found, held[key]]
            found = found or [held[key]]
    kind = it.kind(name)
    for sight in it.expected[: it.at]:
        for entry in sight["map"]:
            if filed(entry)[2] == name:
                rows = [as_dict(kind, row) for row in sight["tables"][kind.table + entry[len(bare(entry)) :]]]
                return [*found, *(row.get(key) for row in rows if key_text(kind, row) == filed(entry)[1])]
    return found or [it.before["loaded"].get(name, {}).get(key)]


@departure(
    "22.13: who takes over a row of a tree keeps it",
    "A new object takes over the row of a deleted one in a self-referential table: the row is updated, then deleted.",
)
def switched_in_a_tree(it: Situation) -> bool:
    it = it.without_the_given()  # who may have children, too, that were given to the newcomer
    table = next((table for table, _, _, _ in it.switches() if bare(table) == "nodes"), "nodes")
    theirs, ours = it.theirs["tables"].get(table, []), it.ours["tables"].get(table, [])
    saved = [row for row in ours if row not in theirs]
    taken = {str(key[0]): name for where, name, _, key in it.switches() if where == table}
    if it.refused_by_the_database():  # rows of others refer to the one that SQLAlchemy deletes
        kept = {key[0] for where, _, _, key in it.switches() if where == table}
        return any(row[2] in kept for row in ours)
    refreshed = it.step[0] == "refresh"  # one whose row is lost cannot be
    read = it.step[0] == "read" and it.errors() == ("ObjectDeletedError", None) and _reads_what_is_saved(it, taken)
    return (
        (it.theirs["error"] == it.ours["error"] or (refreshed and it.errors() == ("InvalidRequestError", None)) or read)
        and bool(saved)
        and all(row in ours for row in theirs)
        and all(f"Node@{row[0]}={taken.get(str(row[0]))}{table[5:]}" in it.ours["map"] for row in saved)
        and it.alike(taken.values(), taken.values(), results=it.step[0] not in ("query", "refresh") and not read)
    )


def _reads_what_is_saved(it: Situation, taken: dict[str, str]) -> bool:
    """Who lost the row reads what it holds by now."""
    name, key = it.step[1:]
    row = it.row(it.ours, taken.get(it.key(name) or "", name))
    return name in map(bare, it.before["deleted"]) and row is not None and row.get(key, "?") == it.ours["result"]


@departure(
    "22.14: deleted, then given to a parent: lives, and leaves session.deleted",
    """A child marked by delete(), then given to a parent, survives the first flush, but stays in session.deleted, and the next
    flush deletes it.""",
)
def deleted_then_given(it: Situation) -> bool:
    names = given_away(it)
    differing = set(map(bare, it.theirs["deleted"])) - set(map(bare, it.ours["deleted"]))
    states = it.theirs["states"] == it.ours["states"]
    return bool(names) and names == differing and states and it.alike(names, only=("deleted", "dirty"))


def given_away(it: Situation) -> set[str]:
    """Those that are in ``session.deleted`` on SQLAlchemy's side alone, and were given to a parent."""
    names = set(map(bare, it.theirs["deleted"])) - set(map(bare, it.ours["deleted"]))
    return {
        name
        for name in names
        if (marked := it.marked(name)) is not None
        and it.given(name, marked) is not None
        and it.ours["states"].get(name) in LIVES
    }


@departure(
    "22.14: deleted, then given to a parent: lives, though two flushes follow at once",
    "As before: a commit, or a step that flushes twice, deletes the child at once.",
)
def given_then_lost(it: Situation) -> bool:
    """Else it is as SQLAlchemy has it where who was given is added, too: then it is marked no more."""
    lost = spared(it)
    for name in lost:
        marked = it.marked(name)
        if marked is None or it.given(name, marked) is None or name in map(bare, it.ours["deleted"]):
            return False
    refused = it.theirs["error"] == "InvalidRequestError" and "has been deleted" in it.theirs["message"]
    fails = it.theirs["error"] == it.ours["error"] or (refused and it.ours["error"] is None)  # it is given once more
    results = it.step[0] != "read" and not refused
    alike = fails and it.alike({*lost, *it.parents(lost)}, lost, results=results)
    return bool(lost) and (alike or it.shows(it.added_when_given(lost)))


@departure(
    "22.17: who takes over a row leaves nothing of it: it is as the new object is",
    """A new object takes over the row of a deleted one: columns that were never set on it, or not since a rollback made it new
    again, keep the old row's values.""",
)
def nothing_left(it: Situation) -> bool:
    switches = it.switches()
    found = False
    if it.refused_by_the_database():  # the row refers to another one that is deleted
        return any(
            kind.refers is not None
            and kind.refers not in it.before["loaded"][name]
            and it.row(it.ours, name) is not None
            and (it.row(it.ours, name) or {})[kind.refers] is None
            for name, kind in ((name, it.kind(name)) for _, name, _, _ in switches)
        )
    for table, name, cls, key in switches:
        kind = KINDS[cls]
        wanted = ",".join(map(str, key))
        ours, theirs, old = (
            next((r for r in (as_dict(kind, row) for row in sight["tables"][table]) if key_text(kind, r) == wanted), {})
            for sight in (it.ours, it.theirs, it.before)
        )
        for column in kind.columns:
            if ours.get(column) != theirs.get(column):
                held = it.before["loaded"][name]
                again = column in held and it.was(name, "persistent") is not None
                if (column in held and not again) or ours.get(column, "?") != held.get(column):
                    return False
                if theirs.get(column) != old.get(column):
                    return False
                found = True
    names = [name for _, name, _, _ in switches]
    asked = it.step[0] == "query" and set(it.theirs["result"] or ()) ^ set(
        it.ours["result"] or ()
    )  # for a value of such a row
    return found and it.alike(names, names, results=not (asked and asked.issubset(names)))


@departure(
    "F: a column of a subclass is asked of an object whose row is gone: ObjectDeletedError, no KeyError",
    """Measured, not in the notes. The flush before a read deletes the object whose column is read: where that lies in a table of
    a subclass, a bare KeyError comes out.""",
)
def no_bare_key_error(it: Situation) -> bool:
    if it.step[0] != "read" or it.errors() != ("KeyError", "ObjectDeletedError"):
        return False
    gone = it.ours["states"].get(name := it.step[1]) == "deleted" and name in map(bare, it.before["deleted"])
    return gone and it.kind(name).own is not None and it.alike((), results=False)


@departure(
    "G: make_transient_to_detached() of an object without its key is refused",
    """Measured, not in the notes. A part of the key that was never set, or is None, goes into the identity as it is: the mark
    for "no value", or None. Two such objects cannot be in one session, and whatever is loaded of one sends the mark to the
    driver, which fails, or loads nothing.""",
)
def key_wanted(it: Situation) -> bool:
    if it.step[0] != "make_transient_to_detached" or it.errors() != (None, "InvalidRequestError"):
        return False
    name = it.step[1]
    lacks = any(it.before["loaded"][name].get(key) is None for key in it.kind(name).pk)
    return (
        lacks
        and it.ours["states"][name] == it.before["states"][name] == "transient"
        and it.alike([name], results=False)
    )


@departure(
    "H: a rollback does not stumble over who was deleted, and then made transient",
    """Measured, not in the notes. A flush deletes an object, make_transient() in a savepoint makes it new, and the rollback, which
    wants to bring it back, raises "Instance is not persisted" itself.""",
)
def made_transient_stays(it: Situation) -> bool:
    theirs, ours = it.errors()
    if theirs != "InvalidRequestError" or "is not persisted" not in (it.theirs["message"] or ""):
        return False
    made = [step[1] for step in it.program[: it.at] if step[0] == "make_transient"]
    if all(it.was(name, "deleted") is None for name in made):
        return False
    if ours is None:
        return "rollback" in it.step[0]
    return ours in ("FlushError", "IntegrityError", "StaleDataError") and it.alike(
        (), results=False
    )  # a flush's rollback


@departure(
    "22.6: a set from which somebody is taken whom it does not hold makes no KeyError",
    "The same of a collection that is a set.",
)
def stale_member(it: Situation) -> bool:
    if it.errors() not in (("KeyError", None), ("KeyError", "IntegrityError")) or it.step[0] == "remove":
        return False
    if not it.without_refused_removals():
        return False
    turned: set[str] = set()
    for kind, *named in it.program[: it.at + 1]:
        if kind in ("ref", "del"):
            turned.add(named[0])
        elif kind in ("append", "remove", "setlist"):
            turned.update([named[2]] if isinstance(named[2], str) else named[2])
            turned.update(it.members_before(named[0], named[1]))
    members = [name for name in turned if it.before["kinds"].get(name) == "Member"]
    lost = [name for name in members if it.before["states"].get(name) not in LIVES]
    doomed = [name for name in members if name in map(bare, it.before["deleted"])]
    return "Member object" in (it.theirs["message"] or "") and bool(lost or doomed)
