"""The programs that still differ from SQLAlchemy's: a list that only shrinks, until it is empty.

``still_differing.txt`` has a line for each profile: its name, and the seeds. A seed that is listed and agrees is as wrong as
one that differs and is not listed; ``python -m tests.fuzz --measure`` writes the list anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from textwrap import wrap

LIST = Path(__file__).with_name("still_differing.txt")
WIDTH = 120


def still_differing() -> dict[str, set[int]]:
    """Seeds, by profile."""
    found: dict[str, set[int]] = {}
    for line in LIST.read_text().splitlines() if LIST.exists() else ():
        profile, _, seeds = line.partition(":")
        found.setdefault(profile, set()).update(map(int, seeds.split()))
    return found


def write(differing: Mapping[str, set[int]]) -> None:
    """Writes the list; without any seed there is no file."""
    lines = [
        f"{profile}: {part}"
        for profile, seeds in differing.items()
        for part in wrap(" ".join(map(str, sorted(seeds))), WIDTH - len(profile) - 2)
    ]
    if lines:
        LIST.write_text("\n".join(lines) + "\n")
    else:
        LIST.unlink(missing_ok=True)
