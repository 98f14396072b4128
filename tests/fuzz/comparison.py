"""Compares what is seen of a program in two worlds, step by step, up to the first difference that binds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from tests.fuzz import measured as measured
from tests.fuzz import refused_removals as refused_removals
from tests.fuzz.ours import UNREADABLE
from tests.fuzz.player import FIELDS, Sight, Step, play
from tests.fuzz.programs import note_gone
from tests.fuzz.reference import Reference
from tests.fuzz.several import departure_at
from tests.fuzz.world import Settings, World

SCRAMBLES = (1, 2, 3, 4, 5, 6, 7)


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


def first_difference(expected: Sequence[Sight], found: Sequence[Sight]) -> tuple[Difference | None, set[str]]:
    """The first difference between what was seen in two worlds, and the objects whose row was deleted by then."""
    gone: set[str] = set()
    marked: set[str] = set()
    for at, (a, b) in enumerate(zip(expected, found, strict=True)):
        note_gone(gone, a)
        gone.update(name for name in marked if a["states"].get(name) == "detached" and a["error"] is None)
        marked = set(a["deleted"])
        for field in FIELDS:
            u, v = a[field], b[field]
            if field == "loaded" and gone:  # 22.5: what a flush loads of deleted objects varies
                u = {name: held for name, held in u.items() if name not in gone}
                v = {name: held for name, held in v.items() if name not in gone}
            if u != v:
                return Difference(at, field, u, v), gone
    return None, gone


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


def left_to_chance(settings: Settings, program: Sequence[Step], expected: Sequence[Sight]) -> bool:
    """Does what is seen on SQLAlchemy depend on the order of sets?"""
    for scramble in SCRAMBLES:
        other = play(Reference(scramble), settings, program)
        if any(a[field] != b[field] for a, b in zip(expected, other, strict=False) for field in FIELDS):
            return True
    return False


def difference(
    settings: Settings,
    program: Sequence[Step],
    make: Callable[[], World],
    expected: Sequence[Sight] | None = None,
    used: list[str] | None = None,
) -> Difference | None:
    """The first difference between SQLAlchemy and a world that is neither chance nor a defect of section 22.

    Behind chance a program binds nobody. A step that meets a defect is left out, and the rest of the program tried without it.

    :param expected: what is seen on SQLAlchemy, where that is known already.
    :param used: told the names of the departures that were met.
    """
    while True:
        seen = expected if expected is not None else play(Reference(), settings, program)
        found = play(make(), settings, program)
        first, gone = first_difference(seen, found)
        if first is None:
            return None
        name = departure_at(first.at, program, seen, found, gone, settings)
        if name is None:
            return None if left_to_chance(settings, program[: first.at + 1], seen) else first
        if used is not None:
            used.append(name)
        program, expected = [*program[: first.at], *program[first.at + 1 :]], None
