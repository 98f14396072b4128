"""Writes docs/departures.md: every difference from SQLAlchemy 2.1.9 that the random programs allow, with its reason."""

from __future__ import annotations

from pathlib import Path
from textwrap import fill

from tests.fuzz import measured as measured
from tests.fuzz import refused_removals as refused_removals
from tests.fuzz.departures import DEPARTURES, Departure

PAGE = Path(__file__).parents[2] / "docs" / "departures.md"
WIDTH = 100

HEAD = """\
# Where nbsession differs from SQLAlchemy, on purpose

Random programs are run on SQLAlchemy 2.1.9 and on nbsession, and everything that can be seen after every step must be the
same: the states of the objects, what lies loaded on them, what is new, dirty, deleted and modified, the identity map, the rows.
These are all the differences that are allowed. Each is a defect of SQLAlchemy; a number is its line in
[the session's semantics](session-semantics.md), section 22, and a letter one that was measured by the programs themselves. Where
a program meets one, the harness asserts that nbsession has the better result, and that nothing else differs.
"""

TAIL = """\
Chances bind nobody: where SQLAlchemy's result depends on the order of a set (22.3, 22.5), its order is pinned, and where it
depends on it still, the rest of the program counts for nothing. Line 22.2 (`del` of a column), and 22.16 (the second of two
databases refuses its COMMIT), have tests of their own; no program reaches them. Lines 22.8 to 22.12 are oddities that nbsession
shares.

This page is made of `tests/fuzz/departures.py` by `python -m tests.fuzz --page`.
"""


def _place(one: Departure) -> tuple[str, int]:
    """By line of the semantics, then by letter."""
    number = one.name.partition(":")[0]
    return ("", int(number.partition(".")[2])) if "." in number else (number, 0)


def page() -> str:
    """The page."""
    told = [
        f"## {one.name}\n\n{fill(f'SQLAlchemy: {one.theirs}', WIDTH, break_long_words=False)}\n"
        for one in sorted(DEPARTURES, key=_place)
    ]
    return "\n".join([HEAD, *told, "## What else is not compared\n", TAIL])


def write_page() -> None:
    """Writes it anew."""
    PAGE.write_text(page(), encoding="utf-8")
