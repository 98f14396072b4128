"""``python -m benchmarks``: every work in every setting, each setting in a process of its own, as tables of ratios."""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import dashboard, facts, report
from benchmarks.settings import SETTINGS, Setting
from benchmarks.works import WORKS

FACTS = "facts"
DASHBOARD = "dashboard"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the benchmarks as the command line says.

    :return: 0, or 1 if a side failed or gave a wrong result.
    """
    options = _parser().parse_args(arguments)
    works = [work for work in options.only or WORKS if work in WORKS]
    found: dict[str, Any] = {"python": platform.python_version(), "machine": platform.machine(), "settings": []}
    failed = False
    for setting in SETTINGS if works else ():
        if options.database not in (None, setting.database) or (options.quick and setting.place == "file"):
            continue
        one = _run_apart(setting, works, options)
        failed |= one is None
        if one is not None:
            found["settings"].append(one)
            print(*report.table(one), sep="\n", flush=True)
    if not options.only or FACTS in options.only:
        n, repetitions = _size(options)
        chosen = works if options.only and works else facts.WORKS
        found[FACTS] = facts.run(chosen, n, repetitions=3 * repetitions, budget=4 * options.budget)
        print(*report.facts(found[FACTS]), sep="\n")
    if DASHBOARD in (options.only or ()):  # it needs a browser, so only when asked for
        n, repetitions = _size(options)
        found[DASHBOARD] = dashboard.run(n, rounds=repetitions, events=100)
        print(*report.dashboard(found[DASHBOARD]), sep="\n")
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 1 if failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="2,000 objects, 3 rounds, memory databases only")
    parser.add_argument(
        "--only", action="append", metavar="NAME", choices=(*WORKS, FACTS, DASHBOARD), help="one work; may be repeated"
    )
    parser.add_argument("--database", choices=("sqlite", "duckdb"), help="one database")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to a file too")
    parser.add_argument(
        "--without", action="append", default=[], metavar="SIDE", help="leave out raw, nbsession or sqlalchemy"
    )
    parser.add_argument("-n", type=int, help="objects (10,000)")
    parser.add_argument("--repetitions", type=int, help="rounds (7)")
    parser.add_argument("--budget", type=float, default=6.0, help="seconds a side may spend on one work (%(default)s)")
    parser.add_argument("--cpu", action="store_true", help="time of the processor, where others use the machine too")
    parser.epilog = "Works: " + "; ".join(f"{name}: {what}" for name, what in WORKS.items())
    return parser


def _size(options: argparse.Namespace) -> tuple[int, int]:
    return options.n or (2_000 if options.quick else 10_000), options.repetitions or (3 if options.quick else 7)


def _run_apart(setting: Setting, works: Sequence[str], options: argparse.Namespace) -> Any:
    """Runs a setting in a process of its own; None if it failed."""
    n, repetitions = _size(options)
    command = [sys.executable, "-m", "benchmarks.one", setting.database, setting.place]
    command += ["-n", str(n), "--repetitions", str(repetitions), "--budget", str(options.budget)]
    command += ["--arrow"] if setting.arrow else []
    command += ["--cpu"] if options.cpu else []
    for flag, values in (("--work", works), ("--without", options.without)):
        for value in values:
            command += [flag, value]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        print(f"\n{setting.title}: failed, see above", flush=True)
        return None
    return json.loads(done.stdout)


if __name__ == "__main__":
    raise SystemExit(main())
