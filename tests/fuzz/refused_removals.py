"""Defect 22.15: a removal of who is no member fails, and is queued on the other side all the same.

Told as in :mod:`tests.fuzz.departures`. Where it shows in a later step, SQLAlchemy itself says what is right: what it does where
the list is only read.
"""

from __future__ import annotations

from tests.fuzz.departures import CHANGED, LIVES, LOST, departure, spared
from tests.fuzz.model import KINDS
from tests.fuzz.situation import Situation


@departure(
    "22.15: who is no member and removed does not learn of it",
    """remove() of who is no member raises ValueError, and all the same takes the owner from the other side: a reference that is
    not loaded becomes None, and a flush then writes NULL, or deletes the object as an orphan.""",
)
def removal_refused(it: Situation) -> bool:
    if it.step[0] != "remove" or it.errors() not in (("ValueError", "ValueError"), ("KeyError", "KeyError")):
        return False
    other, theirs, ours = it.step[3], it.theirs["loaded"], it.ours["loaded"]
    if (it.theirs["states"][other], it.ours["states"][other]) == (
        "transient",
        "pending",
    ):  # an orphan, and leaves at once
        return it.alike([other], begun=True)
    reverse = [name for name, value in theirs[other].items() if ours[other].get(name, "-") != value]
    if any(KINDS[it.kind(other).relations[name][0]].table != it.kind(it.step[1]).table for name in reverse):
        return False
    told = all(theirs[other][name] is None and name not in ours[other] for name in reverse)
    loads = it.settings["autoflush"] and it.step[2] not in it.before["loaded"][it.step[1]]
    flushed = loads or it.before["new"] != it.ours["new"] or it.before["tables"] != it.ours["tables"]
    kept = all(
        other in it.before[field] if other in it.ours[field] else flushed or other not in it.before[field]
        for field in CHANGED
    )
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
        if state == "transient"
        and it.before["states"].get(name) == "pending"
        and it.ours["states"].get(name) != "pending"
    ]
    if not names or not removed.issuperset(names):
        return False
    if any(it.ours["states"][name] not in LIVES or it.row(it.ours, name) is None for name in names):
        return it.shows(it.only_read())  # the database refuses the row
    return it.alike({*names, *it.parents(names)}, names)


@departure(
    "22.15: who is no member and removed keeps its row",
    "The same, of an object that has a row: the next flush in which it takes part deletes it as an orphan.",
)
def row_stays(it: Situation) -> bool:
    removed = {step[3] for step in it.refused_removals()}
    lost = [
        name
        for name, state in it.theirs["states"].items()
        if state in LOST and it.before["states"].get(name) in LIVES and it.ours["states"].get(name) != state
    ]
    if not lost or not removed.issuperset(lost):
        return False
    refused = it.theirs["error"] == "InvalidRequestError" and "has been deleted" in it.theirs["message"]
    fails = it.errors() == (None, None) or (it.ours["error"] is None and refused)
    if fails and lost == spared(it) and it.alike({*lost, *it.parents(lost)}, lost, results=not refused):
        return True
    return it.shows(it.only_read())


@departure(
    "22.15: a removal that was refused makes no later flush fail",
    """The removal stays queued on the other side of a many-to-many, too: a later flush deletes a row that is not there and
    raises StaleDataError, or a read raises ValueError.""",
)
def removal_forgotten(it: Situation) -> bool:
    theirs, ours = it.errors()
    lists = [step for step in it.refused_removals() if step[2] in ("keywords", "orders")]
    if not lists or theirs not in ("ValueError", "StaleDataError"):
        return False
    right = it.shows(it.only_read(), [step[3] for step in lists])
    if it.step[0] == "remove":  # which is refused on both sides, and SQLAlchemy has rolled back before
        return (ours == theirs and it.only_they_rolled_back()) or right
    return ours is None or (ours == "IntegrityError" and it.alike((), results=False)) or right


@departure(
    "22.15: who is no member and removed changes nothing later",
    """The same, whatever comes of it: what was queued cancels a later change, or names a row. SQLAlchemy itself shows what is
    right, where the collection is only read.""",
)
def only_read(it: Situation) -> bool:
    return any(it.refused_removals()) and it.shows(it.only_read())
