"""SQLAlchemy's defects (semantics, section 22) as programs meet them, each with the better result that is asked for.

A function per defect tells by what both did that a step is that defect and nothing else: what the defect explains must be on
our side as the semantics want it, and all that it does not explain must be alike. 22.3 and 22.5 are chances that
:func:`tests.fuzz.reference.pin` and the comparison take out; 22.8 to 22.12 are done alike; 22.2 and 22.16 no program reaches:
tests/semantics has them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from tests.fuzz.model import KINDS
from tests.fuzz.player import Sight, Step

NAMED = ("contains", "new", "dirty", "deleted", "modified")
GIVES = ("append", "setlist", "ref")
NOTHING: Sight = {
    "states": {}, "loaded": {}, "tables": {}, "map": [], "kinds": {}, "error": None, "result": None, "flags": [],
    **{field: [] for field in NAMED},
}  # fmt: skip


def bare(name: str) -> str:
    """An object's name without the session it is seen in."""
    return name.partition("|")[0]


class Situation(NamedTuple):
    """A step, and what was seen up to it in both worlds.

    :ivar at: its index.
    :ivar gone: objects whose row was deleted: what lies on them varies (22.5).
    """

    at: int
    program: Sequence[Step]
    expected: Sequence[Sight]
    found: Sequence[Sight]
    gone: set[str]

    @property
    def step(self) -> Step:
        return self.program[self.at]

    @property
    def theirs(self) -> Sight:
        return self.expected[self.at]

    @property
    def ours(self) -> Sight:
        return self.found[self.at]

    @property
    def before(self) -> Sight:
        """What both saw before the step."""
        return self.expected[self.at - 1] if self.at else NOTHING

    def errors(self) -> tuple[Any, Any]:
        return self.theirs["error"], self.ours["error"]

    def alike(self, besides: Iterable[str], tables: Iterable[str] = (), results: bool = True) -> bool:
        """Is everything alike but what is seen of some objects, and in some tables?

        :param results: also what the step handed back?
        """
        names, mine, yours = set(besides), self.ours, self.theirs
        for field in NAMED:
            if {n for n in mine[field] if bare(n) not in names} != {n for n in yours[field] if bare(n) not in names}:
                return False
        for field in ("states", "loaded"):
            same = names | self.gone if field == "loaded" else names
            if any(yours[field].get(name) != mine[field].get(name) for name in yours[field] if name not in same):
                return False
        filed = [{entry for entry in sight["map"] if _who(entry) not in names} for sight in (mine, yours)]
        rows = all(
            yours["tables"][table] == mine["tables"][table] for table in yours["tables"] if bare(table) not in tables
        )
        handed = not results or (mine["error"], mine["result"]) == (yours["error"], yours["result"])
        return filed[0] == filed[1] and rows and handed and mine["flags"] == yours["flags"]

    def given(self, name: str, since: int = 0) -> int | None:
        """The last step, if any, that gave an object to a parent."""
        for at in range(self.at, since - 1, -1):
            kind, *arguments = self.program[at]
            to = arguments[0] if kind == "ref" and arguments[2] else None
            members = [arguments[2]] if kind == "append" else arguments[2] if kind == "setlist" else [to]
            if kind in GIVES and name in members:
                return at
        return None

    def marked(self, name: str) -> int | None:
        """The step since which an object is in ``session.deleted``."""
        at = self.at - 1
        while at >= 0 and name in map(bare, self.expected[at]["deleted"]):
            at -= 1
        return at + 1 if at + 1 < self.at else None

    def switches(self) -> list[tuple[str, str, str, list[Any]]]:
        """(table, newcomer, class, key) of every row that changes hands in the step, as far as keys are known before it."""
        found = []
        leaving = {
            (KINDS[_row(entry)[0]].table, _row(entry)[1])
            for entry in self.before["map"]
            if entry.partition("=")[2] in self.before["deleted"]
        }
        for name in map(bare, self.before["new"]):
            held = self.before["loaded"][name]
            cls = self.ours["kinds"][name]
            kind = KINDS[cls]
            key = [held.get(attr) for attr in kind.pk]
            if (kind.table, ",".join(map(str, key))) in leaving:
                found.append((kind.table, name, cls, key))
        return found


def _who(entry: str) -> str:
    return bare(entry.partition("=")[2])


def _row(entry: str) -> tuple[str, str]:
    cls, _, key = entry.partition("=")[0].partition("@")
    return cls, key


DEPARTURES: dict[str, Callable[[Situation], bool]] = {}


def departure(name: str) -> Callable[[Callable[[Situation], bool]], Callable[[Situation], bool]]:
    """Names a departure: a function that tells it by what both did."""

    def register(applies: Callable[[Situation], bool]) -> Callable[[Situation], bool]:
        DEPARTURES[name] = applies
        return applies

    return register


@departure("22.1: a child that moved is moved, not deleted, though it was expired in between")
def lost_child(it: Situation) -> bool:
    lost = [
        name
        for name, state in it.ours["states"].items()
        if state == "persistent" and it.theirs["states"].get(name) in ("deleted", "detached")
    ]
    for name in lost:
        held = [
            parent
            for parent, attrs in it.before["loaded"].items()
            if name in attrs.get("addresses", {"list": []})["list"]
        ]
        key = it.ours["loaded"][name].get("id")
        rows = [
            row
            for row in it.ours["tables"].get("addresses", [])
            if row[0] == key or f"Address@{row[0]}={name}" in it.ours["map"]
        ]
        if it.given(name) is None or name in it.before["deleted"] or "user" in it.before["loaded"][name]:
            return False
        if not any(f"User@{row[2]}={parent}" in it.ours["map"] for row in rows for parent in held):
            return False
    return bool(lost) and it.errors() == (None, None) and it.alike({*lost, *_parents(it, lost)}, ["addresses"])


def _parents(it: Situation, children: Iterable[str]) -> set[str]:
    """Those in whose collections some objects are, or were."""
    return {
        parent
        for sight in (it.before, it.theirs, it.ours)
        for parent, attrs in sight["loaded"].items()
        for value in attrs.values()
        if isinstance(value, dict) and set(children) & set(value.get("list", ()))
    }


@departure("22.4: of two new objects for one deleted row the flush refuses, or the last added stays")
def two_newcomers(it: Situation) -> bool:
    switches = it.switches()
    rivals = [one for one in switches if sum(other[2:] == one[2:] for other in switches) > 1]
    if not rivals or "FlushError" in it.errors():
        return bool(rivals) and it.ours["error"] == "FlushError"
    _, _, cls, key = rivals[0]
    entry = f"{cls}@{','.join(map(str, key))}="
    last = [
        name for kind, *rest in it.program[: it.at] if kind == "add" for name in rest if name in [r[1] for r in rivals]
    ]
    return bool(last) and entry + last[-1] in it.ours["map"]


@departure("22.6: a reference to who is deleted, or queued for who is expunged, makes no ValueError")
def stale_reference(it: Situation) -> bool:
    """Where it is not an earlier removal of a non-member that shows (22.15)."""
    return it.errors() == ("ValueError", None) and it.step[0] != "remove" and not _refused_removal(it)


@departure("22.7: an object that is transient again has the values it was inserted with")
def values_kept(it: Situation) -> bool:
    names = []
    for name, theirs in it.theirs["loaded"].items():
        ours = it.ours["loaded"].get(name, {})
        if theirs == ours:
            continue
        kind = KINDS[it.ours["kinds"][name]]
        if {it.theirs["states"][name], it.ours["states"].get(name)} != {"transient"} or not theirs.keys() < ours.keys():
            return False
        if any(ours[key] != value for key, value in theirs.items()):
            return False
        inserted = _inserted(it, name)
        if any(inserted.get(key, ours[key]) != ours[key] for key in ours.keys() - theirs.keys() if key in kind.columns):
            return False
        names.append(name)
    return bool(names) and it.alike(names)


def _inserted(it: Situation, name: str) -> dict[str, Any]:
    """The row of an object as it was when it was first seen to have one, by attribute."""
    for sight in it.expected[: it.at]:
        for entry in sight["map"]:
            if _who(entry) == name:
                cls, key = _row(entry)
                kind = KINDS[cls]
                for row in sight["tables"][kind.table]:
                    values = dict(zip(kind.columns, row, strict=False))
                    if ",".join(str(values[attr]) for attr in kind.pk) == key:
                        return values
    return {}


@departure("22.13: who takes over a row of a tree keeps it")
def switched_in_a_tree(it: Situation) -> bool:
    theirs, ours = it.theirs["tables"].get("nodes", []), it.ours["tables"].get("nodes", [])
    saved = [row for row in ours if row not in theirs]
    taken = {key[0]: name for table, name, _, key in it.switches() if table == "nodes"}
    return (
        it.errors() == (None, None)
        and bool(saved)
        and all(row in ours for row in theirs)
        and all(row[0] in taken and f"Node@{row[0]}={taken[row[0]]}" in it.ours["map"] for row in saved)
        and it.alike(taken.values(), ["nodes"])
    )


@departure("22.14: deleted, then given to a parent: lives, and leaves session.deleted")
def deleted_then_given(it: Situation) -> bool:
    names = set(map(bare, it.theirs["deleted"])) - set(map(bare, it.ours["deleted"]))
    for name in names:
        marked = it.marked(name)
        if marked is None or it.given(name, marked) is None or it.ours["states"].get(name) != "persistent":
            return False
    return bool(names) and it.theirs["states"] == it.ours["states"] and it.alike(names)


@departure("22.14: given to a parent, then deleted: deleted, and at once")
def given_then_deleted(it: Situation) -> bool:
    names = [name for name, state in it.theirs["states"].items() if state != it.ours["states"].get(name)]
    for name in names:
        marked, given = it.marked(name), it.given(name)
        alive, dead = it.theirs["states"][name] == "persistent", it.ours["states"].get(name) in ("deleted", "detached")
        if not alive or not dead or given is None or marked is None or given >= marked:
            return False
        if name not in it.theirs["deleted"] or name in it.ours["deleted"]:
            return False
    tables = {kind.table for kind in KINDS.values()} if names else ()
    return bool(names) and it.alike({*names, *_parents(it, names)}, tables)


def _refused_removal(it: Situation) -> bool:
    """Was a non-member removed before?"""
    return any(
        step[0] == "remove" and sight["error"] == "ValueError"
        for step, sight in zip(it.program[: it.at], it.expected, strict=False)
    )


@departure("22.15: who is no member and removed does not learn of it")
def removal_refused(it: Situation) -> bool:
    if it.step[0] != "remove" or it.errors() != ("ValueError", "ValueError"):
        return False
    other, before, ours = it.step[3], it.before, it.ours
    untouched = all((other in before[field]) == (other in ours[field]) for field in NAMED)
    return untouched and before["loaded"][other] == ours["loaded"][other] and it.alike([other])


@departure("22.15: a removal that was refused makes no later flush fail")
def removal_forgotten(it: Situation) -> bool:
    return it.errors() == ("ValueError", None) and it.step[0] != "remove" and _refused_removal(it)


@departure("22.17: who takes over a row leaves nothing of it: what was never set is NULL")
def nothing_left(it: Situation) -> bool:
    switches = it.switches()
    found = False
    for table, name, cls, key in switches:
        kind = KINDS[cls]
        ours, theirs, old = (
            next(
                (dict(zip(kind.columns, row, strict=False)) for row in sight["tables"][table] if _has(kind, row, key)),
                {},
            )
            for sight in (it.ours, it.theirs, it.before)
        )
        for column in kind.columns:
            if ours.get(column) != theirs.get(column):
                unset = column not in it.before["loaded"][name]
                if not unset or ours.get(column, "?") is not None or theirs.get(column) != old.get(column):
                    return False
                found = True
    return found and it.alike([name for _, name, _, _ in switches], [table for table, *_ in switches])


def _has(kind: Any, row: list[Any], key: list[Any]) -> bool:
    return [row[kind.columns.index(attr)] for attr in kind.pk] == key


def departure_at(
    at: int, program: Sequence[Step], expected: Sequence[Sight], found: Sequence[Sight], gone: set[str]
) -> str | None:
    """The name of the defect that a step meets, or None."""
    situation = Situation(at, program, expected, found, gone)
    return next((name for name, applies in DEPARTURES.items() if applies(situation)), None)
