"""What publishing costs when nobody listens: the package against a copy of itself that cannot publish."""

from __future__ import annotations

import importlib
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.measure import compare
from benchmarks.quiet import PACKAGE, copy_package
from benchmarks.settings import nbsession_side

WORKS = ("insert", "load", "update", "delete", "get hit", "get select", "graph", "rollback")


def run(works: Sequence[str], n: int, *, repetitions: int, budget: float) -> dict[str, Any]:
    """Runs works on the package, on a copy without publishing and on a mere copy, in turn, on SQLite in memory.

    :return: a JSON-able dict: how many publishing blocks were taken out, and the ratios of each work.
    """
    source = Path(str(importlib.import_module(PACKAGE).__file__)).parent
    with tempfile.TemporaryDirectory(prefix="nbsession-bench-") as name:
        folder = Path(name)
        removed = copy_package(source, folder, "nbsession_quiet", quiet=True)
        copy_package(source, folder, "nbsession_copy", quiet=False)
        sys.path.insert(0, name)
        try:
            sides = [nbsession_side(n, "sqlite") for n in (PACKAGE, "nbsession_quiet", "nbsession_copy")]
            for side in sides:  # a copy that used the original would measure nothing
                assert side.uses(side.name), side.name
            lines = []
            for work in works:
                print(f"  facts: {work}", file=sys.stderr, flush=True)
                medians = compare(sides, work, n, None, repetitions=repetitions, budget=budget)
                own, quiet, copy = (medians[side.name].best for side in sides)  # what disturbs a run only lengthens it
                lines.append({"work": work, "ratio": own / quiet, "noise": own / copy})
        finally:
            sys.path.remove(name)
    return {"n": n, "removed": removed, "lines": lines}
