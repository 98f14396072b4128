"""``python -m tests.fuzz``: runs random programs and shows, cut down, those that differ.

>>> python -m tests.fuzz --programs 500 --profile merge --start 2000
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections import Counter

from tests.fuzz.comparison import Difference, difference
from tests.fuzz.coverage import coverage_of
from tests.fuzz.departures_page import write_page
from tests.fuzz.ours import OnSQLite
from tests.fuzz.player import Step
from tests.fuzz.programs import PROFILES, compose, programs_of
from tests.fuzz.shrinking import script, shrink
from tests.fuzz.world import Settings


def cut_down(settings: Settings, program: list[Step], field: str) -> tuple[list[Step], Difference | None]:
    """A failing program, as short as it still differs in the same field."""

    def fails(trial: list[Step]) -> bool:
        found = difference(settings, trial, OnSQLite)
        return found is not None and found.field == field

    small = shrink(program, fails)
    return small, difference(settings, small, OnSQLite)


def main() -> int:
    """Runs; the exit code is 1 if anything differs."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--programs", type=int, default=100, help="how many of each profile")
    parser.add_argument("--start", type=int, default=0, help="the first seed")
    parser.add_argument("--profile", action="append", choices=PROFILES, help="repeatable; all by default")
    parser.add_argument("--show", type=int, default=20, help="how many failing programs to show")
    parser.add_argument("--coverage", action="store_true", help="count what the programs reach, and compare nothing")
    parser.add_argument("--fixed", action="store_true", help="those programs that every test run plays")
    parser.add_argument("--page", action="store_true", help="write docs/departures.md anew")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    if options.page:
        write_page()
        return 0
    if options.coverage:
        coverage = coverage_of(range(options.start, options.start + options.programs))
        print(coverage)
        print("\n".join(["", "not reached often enough:", *coverage.lacking()]))
        return 0
    started, shown = time.monotonic(), 0
    differing: Counter[str] = Counter()
    used: list[str] = []
    for profile in options.profile or PROFILES:
        chosen = range(options.start, options.start + options.programs)
        for seed in programs_of(profile) if options.fixed else chosen:
            settings, program, seen = compose(seed, profile)
            found = difference(settings, program, OnSQLite, seen, used)
            if found is None:
                continue
            differing[profile] += 1
            if shown < options.show:
                shown += 1
                small, still = cut_down(settings, program, found.field)
                found = still or found
                want, got = found.brief()
                print(f"─── {profile} {seed}: {found.field} differs after step {found.at + 1}")
                print(f"  SQLAlchemy: {want}\n  nbsession:  {got}")
                print("    " + script(settings, small).replace("\n", "\n    "), flush=True)
    print(f"differing: {dict(differing)}; {time.monotonic() - started:.0f} s; departures: {dict(Counter(used))}")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
