"""A step of a program, and which departure it meets: one, or several at once.

A step may meet two defects: a commit that takes a row over and ends what was wrongly called deleted. Then what SQLAlchemy shows
is seen without one of them, and the rest must be another, or nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations

from tests.fuzz.departures import DEPARTURES, given_away, spared, with_values_kept
from tests.fuzz.measured import living_again
from tests.fuzz.player import Sight, Step
from tests.fuzz.situation import Situation, bare
from tests.fuzz.world import Settings

Without = Callable[[Situation], Sight | None]
AT_ONCE = 3
"""how many defects one step may meet"""


def without_non_members(it: Situation) -> Sight | None:
    return it.only_read() if any(it.refused_removals()) else None


def without_old_values(it: Situation) -> Sight | None:
    return it.all_set()


def without_dead_flags(it: Situation) -> Sight | None:
    states = dict.fromkeys(living_again(it), "persistent")
    return {**it.theirs, "states": {**it.theirs["states"], **states}} if states else None


def without_lost_values(it: Situation) -> Sight | None:
    names = with_values_kept(it)
    if not names:
        return None
    modified = {name for name in it.theirs["modified"] if bare(name) not in names}
    modified |= {name for name in it.ours["modified"] if bare(name) in names}
    loaded = {**it.theirs["loaded"], **{name: it.ours["loaded"][name] for name in names}}
    return {**it.theirs, "loaded": loaded, "modified": sorted(modified)}


def without_marks_that_stay(it: Situation) -> Sight | None:
    names = given_away(it)
    if not names:
        return None
    dirty = {name for name in it.theirs["dirty"] if bare(name) not in names}
    dirty |= {name for name in it.ours["dirty"] if bare(name) in names}
    return {
        **it.theirs,
        "dirty": sorted(dirty),
        "deleted": [name for name in it.theirs["deleted"] if bare(name) not in names],
    }


def without_the_loss_of_who_was_given(it: Situation) -> Sight | None:
    lost = spared(it)
    given = [name for name in lost if (marked := it.marked(name)) is not None and it.given(name, marked) is not None]
    return it.added_when_given(lost) if lost and given == lost else None


WITHOUT: list[tuple[str, Without]] = [
    ("22.15: who is no member and removed changes nothing later", without_non_members),
    ("22.17: who takes over a row leaves nothing of it: it is as the new object is", without_old_values),
    ("A: the object of a living row is not called deleted", without_dead_flags),
    ("22.7: an object that is transient again has the values it was inserted with", without_lost_values),
    ("22.14: deleted, then given to a parent: lives, and leaves session.deleted", without_marks_that_stay),
    (
        "22.14: deleted, then given to a parent: lives, though two flushes follow at once",
        without_the_loss_of_who_was_given,
    ),
]
"""the name of a departure, and what SQLAlchemy shows without the defect; None where a step does not meet it"""


def departure_at(
    at: int,
    program: Sequence[Step],
    expected: Sequence[Sight],
    found: Sequence[Sight],
    gone: set[str],
    settings: Settings,
) -> str | None:
    """The name of the defect that a step meets, or None. Of several, that of the first."""
    it = Situation(at, program, expected, found, gone, settings)
    name = _one(it)
    for count in range(1, AT_ONCE + 1) if name is None else ():
        for some in combinations(WITHOUT, count):
            better: Situation | None = it
            for _, without in some:
                better = None if better is None else _better(better, without)
            if better is not None and (better.shows(better.theirs) or _one(better) is not None):
                return some[0][0]
    return name


def _one(it: Situation) -> str | None:
    return next((one.name for one in DEPARTURES if one.applies(it)), None)


def _better(it: Situation, without: Without) -> Situation | None:
    """The situation if SQLAlchemy had shown what it shows without a defect."""
    sight = without(it)
    return None if sight is None else it._replace(expected=[*it.expected[: it.at], sight])
