"""Where nbsession does better than SQLAlchemy 2.1.9 on purpose: defects that are not in the notes, measured by the programs.

Told as in :mod:`tests.fuzz.departures`; each loses data, ends in an error without a word, or calls objects what they are not.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.fuzz.departures import LOST, departure, values_kept
from tests.fuzz.situation import Situation, bare, filed, key_text

FAILS = {"read": "ObjectDeletedError", "refresh": "InvalidRequestError"}  # of an object without a row


@departure(
    "A: the object of a living row is not called deleted",
    """Measured, not in the notes. Inserted, deleted and rolled back, then added and flushed again: the flag that its row was
    deleted is never taken back, so that the object is "deleted" though its row is there.""",
)
def lives_again(it: Situation) -> bool:
    differing = [name for name, state in it.theirs["states"].items() if state != it.ours["states"].get(name)]
    names = living_again(it)
    return bool(names) and names == differing and it.alike(names, only=("states",))


def living_again(it: Situation) -> list[str]:
    """Those that SQLAlchemy calls deleted, and whose rows are there."""
    return [
        name
        for name, state in it.theirs["states"].items()
        if (state, it.ours["states"].get(name)) == ("deleted", "persistent")
        and it.was(name, "deleted") is not None
        and (it.row(it.theirs, name) is not None or it.step[0] == "sql")  # the statement may delete the new row
    ]


@departure(
    "A: who was deleted before is not told of as deleted again",
    "The same flag chooses the event of an object that was to be inserted again, and is not.",
)
def told_by_its_state(it: Situation) -> bool:
    theirs, ours = it.theirs["hooks"], it.ours["hooks"]
    pairs = [(a, b) for a, b in zip(theirs, ours, strict=False) if a != b]
    for a, b in pairs:
        (event, _, name), (better, _, same) = str(a).partition(" "), str(b).partition(" ")
        if name != same or not event.startswith("deleted_to_") or not better.startswith(it.before["states"][name]):
            return False
        if it.was(name, "deleted") is None:
            return False
    return bool(pairs) and len(theirs) == len(ours) and it.alike(())


@departure(
    "A: who is marked to be deleted is not called deleted before the flush",
    """Measured, not in the notes. delete() of an object that a flush deleted and that left the session since: it comes back,
    marked, as any detached object. But it is "deleted" at once, by the flag that is never taken back.""",
)
def marked_again(it: Situation) -> bool:
    names = _marked_again(it)
    return bool(names) and it.alike(names, only=("states",))


def _marked_again(it: Situation) -> list[str] | None:
    """Those whose states differ, if they all do so."""
    names = [name for name, state in it.theirs["states"].items() if state != it.ours["states"].get(name)]
    for name in names:
        if (it.theirs["states"][name], it.ours["states"].get(name)) != ("deleted", "persistent"):
            return None
        if it.before["states"].get(name) not in LOST or name not in map(bare, it.ours["deleted"]):
            return None
    return names if it.step[0] == "delete" else None


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
    dead = {name for name in said if it.was(name, "deleted") is not None or it.theirs["states"][name] == "deleted"}
    for name in said:
        if name not in dead and it.parents([name]) & dead:
            continue  # the delete cascade comes to it
        if name not in dead or it.lives(name) or name in map(bare, it.ours["contains"]):
            return False
    return bool(said) and it.alike({*said, *(_marked_again(it) or ())}, begun=True)


@departure(
    "B: who is inserted under the key of a row that was gone keeps its row",
    """Measured, not in the notes. An object is marked to be deleted, and expired; its row is gone already. The flush finds that out
    where a new object has its key, and inserts this one. Then it looks for the row that it is to delete once more, finds the new
    one, and deletes it without an error.""",
)
def new_row_stays(it: Situation) -> bool:
    took = dict(_took_a_key(it))
    fails, here = None, it.ours["result"]
    if it.step[0] == "query":
        sought = set(it.theirs["result"] or ()) ^ set(here or ())
        asked = bool(sought) and sought <= took.keys()
    elif it.step[0] == "get":
        asked = it.theirs["result"] is None and here in took.values()
    else:  # who had the key finds the new row: it cannot if that is lost
        asked = it.step[0] in FAILS and it.step[1] in took.values()
        fails = FAILS[it.step[0]] if asked else None
    return bool(took) and it.errors() == (fails, None) and it.alike(took, took, results=not asked)


def _took_a_key(it: Situation) -> Iterator[tuple[str, str]]:
    """New objects, whose row is there on our side alone, and those whose key they have: expired, without a row, and marked."""
    holders = {filed(entry)[:2]: filed(entry)[2] for entry in it.before["map"]}
    for name in map(bare, it.before["new"]):
        kind = it.kind(name)
        old = holders.get((it.before["kinds"][name], key_text(kind, it.before["loaded"][name])), name)
        if old not in map(bare, it.before["deleted"]) or it.row(it.before, old) is not None:
            continue
        expired = it.step[:2] == ["refresh", old] or not it.before["loaded"][old].keys() & set(kind.pk)
        lives = it.ours["states"][name] == it.theirs["states"][name] == "persistent"
        if expired and lives and it.row(it.theirs, name) is None and it.row(it.ours, name) is not None:
            yield name, old


@departure(
    "C: what was noted for a list that was not loaded is forgotten by a rollback that makes its object new",
    """Measured, not in the notes. A reference is set to an object whose list is not loaded, which is noted on it. A rollback, or
    make_transient(), makes the object new again, its list is set, and every flush of it fails with an AssertionError without
    a word.""",
)
def noted_before_it_was_new(it: Situation) -> bool:
    theirs, ours = it.errors()
    expected = [None, "CircularDependencyError", "IntegrityError"]
    if it.step[0] == "refresh":  # the flush before it is all that fails: the row may be gone
        expected.append("InvalidRequestError")
    if theirs != "AssertionError" or it.theirs["message"] or ours not in expected:
        return False
    return any(
        (it.was(name, "persistent") is not None or it.was(name, "detached") is not None)
        and any(isinstance(value, dict) and "list" in value for value in it.before["loaded"][name].values())
        for name in map(bare, it.before["new"])
    )


@departure(
    "D: who is in no session is not in its identity map",
    """Measured, not in the notes. A flush finds, after its last statement, that a row is gone, and fails: objects that it had
    inserted are transient after the rollback, and stay in the identity map, which cannot be listed any more. An object whose key
    was changed, then expunged, is put there by the rollback, detached as it is.""",
)
def not_filed(it: Situation) -> bool:
    left = set(it.theirs["map"]) - set(it.ours["map"])
    names = [filed(entry)[2] for entry in left]
    theirs, ours = it.theirs["states"], it.ours["states"]
    nowhere = all(theirs.get(name) in ("transient", "detached") and theirs[name] == ours.get(name) for name in names)
    return bool(names) and nowhere and it.alike(names, only=("map", "contains", "loaded", "modified", "dirty"))


@departure(
    "E: a savepoint that is rolled back by its handle takes the ones within along",
    """Measured, not in the notes. Rolling back an outer savepoint by its handle closes those within unheard: what was inserted,
    deleted or changed in them stays as it was, persistent without a row, deleted with one, or with values that no row has.""",
)
def inner_ones_too(it: Situation) -> bool:
    """It is so as SQLAlchemy has it where they are rolled back one by one, from the inside out."""
    if it.step[0] != "nested_rollback" and it.step[::2] != ["handle", "rollback"]:
        return False
    instead = it.instead([*it.step, True])
    if values_kept(it._replace(expected=[*it.expected[: it.at], instead])):
        return True
    return it.shows(instead)


@departure(
    "I: who is in another session stays there",
    """Measured, not in the notes. expunge(), and a rollback that makes objects new again, reach objects that are in another session
    by now: these are in none then, and that session lists and files them still.""",
)
def stays_elsewhere(it: Situation) -> bool:
    names = [name for name, state in it.theirs["states"].items() if state != it.ours["states"].get(name)]
    here = f"|{it.at_session}" if it.at_session else ""
    for name in names:
        place = it.place(name)
        listed = [*it.theirs["new"], *(f"{filed(e)[2]}{e[len(bare(e)) :]}" for e in it.theirs["map"])]
        if place == here or it.theirs["states"][name] not in ("transient", "detached") or name + place not in listed:
            return False
        if it.ours["states"][name] != it.before["states"].get(name):
            return False
    return bool(names) and it.alike(names, only=("states", "contains", "modified", "dirty"))
