"""Runs the works in one setting, in a process of its own, and prints the figures as JSON. ``__main__`` starts it."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.measure import CPU, Clock, compare
from benchmarks.settings import Setting, hide_arrow, installed, sides
from benchmarks.works import WORKS, goal


def run(
    setting: Setting,
    works: Sequence[str],
    n: int,
    *,
    repetitions: int,
    budget: float,
    without: Sequence[str],
    clock: Clock,
) -> Any:
    """Runs works in a setting.

    :return: a JSON-able dict: the setting, remarks, and a line for each work.
    """
    if not setting.arrow:
        hide_arrow()
    taking_part, remarks = sides(setting, without)
    lines = []
    with tempfile.TemporaryDirectory(prefix="nbsession-bench-") as name:
        folder = Path(name) if setting.place == "file" else None
        for work in works:
            print(f"  {setting.title}: {work}", file=sys.stderr, flush=True)
            medians = compare(taking_part, work, n, folder, repetitions=repetitions, budget=budget, clock=clock)
            target = goal(setting.database, setting.arrow, work) if setting.place == "memory" else None
            seconds = {name: median.seconds for name, median in medians.items()}
            lines.append(
                {
                    "work": work,
                    "sides": {name: median._asdict() for name, median in medians.items()},
                    "times_raw": _ratio(seconds.get("nbsession"), seconds.get("raw")),
                    "times_faster": _ratio(seconds.get("sqlalchemy"), seconds.get("nbsession")),
                    "goal": target._asdict() if target else None,
                }
            )
    return {"setting": setting._asdict(), "title": setting.title, "n": n, "remarks": remarks, "lines": lines}


def _ratio(one: float | None, other: float | None) -> float | None:
    return one / other if one and other else None


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one setting as the command line says and prints JSON."""
    parser = argparse.ArgumentParser("python -m benchmarks.one", description=__doc__)
    parser.add_argument("database", choices=("sqlite", "duckdb"))
    parser.add_argument("place", choices=("memory", "file"))
    parser.add_argument("--arrow", action="store_true")
    parser.add_argument("--work", action="append", choices=tuple(WORKS))
    parser.add_argument("--without", action="append", default=[])
    parser.add_argument("-n", type=int, default=10_000)
    parser.add_argument("--repetitions", type=int, default=7)
    parser.add_argument("--budget", type=float, default=6.0)
    parser.add_argument("--cpu", action="store_true")
    options = parser.parse_args(arguments)
    setting = Setting(options.database, options.place, options.arrow)
    if setting.arrow and not installed("pyarrow"):
        found: Any = {"title": setting.title, "remarks": ["left out: pip install pyarrow"], "lines": []}
    else:
        warnings.simplefilter("ignore")  # what the peers warn about is not measured here
        found = run(
            setting,
            options.work or tuple(WORKS),
            options.n,
            repetitions=options.repetitions,
            budget=options.budget,
            without=options.without,
            clock=CPU if options.cpu else time.perf_counter,
        )
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    os._exit(status)  # duckdb's binding lists what it leaked when the interpreter ends in order
