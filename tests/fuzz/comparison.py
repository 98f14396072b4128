"""Compares what is seen of a program in two worlds, step by step, up to the first difference that binds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from tests.fuzz.departures import departure_at
from tests.fuzz.model import KINDS
from tests.fuzz.ours import UNREADABLE
from tests.fuzz.player import Sight, Step, play
from tests.fuzz.programs import note_gone
from tests.fuzz.reference import Reference
from tests.fuzz.world import Settings, World

FIELDS = (
    "error", "result", "states", "contains", "new", "dirty", "deleted", "map", "loaded", "modified", "flags", "tables",
    "hooks",
)  # fmt: skip
SCRAMBLES = (1, 2)


class Difference(NamedTuple):
    """The first difference.

    :ivar at: the index of the step.
    :ivar field: what differs, of :data:`FIELDS`.
    """

    at: int
    field: str
    expected: Any
    found: Any

    def brief(self) -> tuple[Any, Any]:
        """Only the parts that differ."""
        a, b = self.expected, self.found
        if isinstance(a, dict) and isinstance(b, dict):
            keys = sorted(key for key in a.keys() | b.keys() if a.get(key, "-") != b.get(key, "-"))
            return {key: a.get(key, "-") for key in keys}, {key: b.get(key, "-") for key in keys}
        return a, b


class Gone:
    """Objects whose row is deleted: what lies on them, and whether it was changed, means nothing (22.5)."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self._marked: set[str] = set()
        self._filed: dict[str, tuple[str, list[str]]] = {}

    def look(self, sight: Sight) -> None:
        """Takes in what is seen after a step."""
        note_gone(self.names, sight)
        states = sight["states"]
        self.names |= {name for name in self._marked if states.get(name) == "detached"}
        self._marked = {name.partition("|")[0] for name in sight["deleted"]}
        for name, (table, key) in self._filed.items():
            rows = sight["tables"][table]
            if states[name] == "detached" and all([str(v) for v in row[: len(key)]] != key for row in rows):
                self.names.add(name)
        self._filed = {}
        for entry in sight["map"]:
            entry, _, number = entry.partition("|")
            where, _, name = entry.partition("=")
            cls, _, key = where.partition("@")
            table = KINDS[cls].table
            self._filed[name] = (f"{table}|{number}" if number else table, key.split(","))

    def has_row(self, name: str, sight: Sight) -> bool:
        """Has the object a row, so that changes can be told from it? (17.8: of new objects anything set is a change.)"""
        return name not in self.names and sight["states"][name] not in ("transient", "pending")


def first_difference(
    expected: Sequence[Sight], found: Sequence[Sight], program: Sequence[Step], used: list[str] | None = None
) -> Difference | None:
    """The first difference between what was seen in two worlds.

    :param used: told the names of the departures that were met; a program is compared up to the first.
    """
    gone = Gone()
    for at, (a, b) in enumerate(zip(expected, found, strict=True)):
        name = departure_at(at, program, expected, found)
        if name is not None:
            if used is not None:
                used.append(name)
            return None
        gone.look(a)
        for field in FIELDS:
            u, v = a[field], b[field]
            if field == "loaded" and gone.names:
                u = {name: held for name, held in u.items() if name not in gone.names}
                v = {name: held for name, held in v.items() if name not in gone.names}
            if field == "modified":
                u, v = ([name for name in names if gone.has_row(name, a)] for names in (u, v))
            if u != v:
                return Difference(at, field, u, v)
    return None


def between_databases(settings: Settings, program: Sequence[Step], first: World, second: World) -> Difference | None:
    """The first difference between nbsession on one database and on another.

    Foreign keys are off, because when they are checked is the database's affair. Statements written by hand are, too: one
    that a database refuses ends the comparison, and how many rows one matched only SQLite tells. DuckDB shows no rows in a
    transaction that failed.
    """
    settings = {**settings, "fk": False}
    seen = [play(world, settings, program) for world in (first, second)]
    for at, (a, b) in enumerate(zip(*seen, strict=True)):
        if program[at][0] == "sql":
            if a["error"] or b["error"]:
                return None
            a["result"] = b["result"] = None
        for field in FIELDS:
            if a[field] != b[field] and not (field == "tables" and UNREADABLE in b[field].values()):
                return Difference(at, field, a[field], b[field])
    return None


def difference(
    settings: Settings,
    program: Sequence[Step],
    make: Callable[[], World],
    expected: Sequence[Sight] | None = None,
    used: list[str] | None = None,
) -> Difference | None:
    """The first difference between SQLAlchemy and a world; None where SQLAlchemy leaves the outcome to chance.

    :param expected: what is seen on SQLAlchemy, where that is known already.
    """
    seen = expected if expected is not None else play(Reference(), settings, program)
    found = first_difference(seen, play(make(), settings, program), program, used)
    if found is None:
        return None
    shorter = program[: found.at + 1]
    for scramble in SCRAMBLES:
        other = play(Reference(scramble), settings, shorter)
        if any(a[field] != b[field] for a, b in zip(seen, other, strict=False) for field in FIELDS):
            if used is not None:
                used.append("left to chance")
            return None
    return found
