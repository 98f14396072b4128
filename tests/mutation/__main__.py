"""``python -m tests.mutation [file ...]``: tries the mutants of the engine's heart, and tells which ones no test notices.

Ends with 1 if less than 90 % of a file's mutants are noticed. What was found out is kept in test-results/ as long as it holds.
Environment: NBSESSION_MUTATION_WORKERS (how many mutants at a time; by default one for each core, two at most).
"""

from __future__ import annotations

import os
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.mutation.known import Known, targets
from tests.mutation.mutants import Mutant, mutants_of
from tests.mutation.trial import try_all, try_one

TESTS = (
    "tests/test_states.py",
    "tests/test_events.py",
    "tests/session",
    "tests/tracking",
    "--ignore=tests/session/test_memory.py",  # slow, and it looks at the garbage collector
)
AT_MODULE = (
    "tests/test_states.py",
    "tests/session/test_endings.py",
    "tests/session/test_transactions.py",
    "tests/session/test_objects.py",
    "tests/session/test_levels.py",
)
WANTED = 0.90
EQUIVALENT = Path(__file__).with_name("equivalent.toml")


def main(arguments: Sequence[str]) -> int:
    """Tries mutants and prints what survived.

    :param arguments: files to mutate, by default the targets.
    :return: the exit code.
    """
    if arguments[:1] == ["--one"]:
        _, path, number, *tests = arguments
        return try_one(Path(path), int(number), tests)
    files = [Path(a).resolve() for a in arguments] or targets()
    begun = time.monotonic()
    outcomes = outcomes_of(files)
    print(f"{len(outcomes)} mutants in {time.monotonic() - begun:.0f} s")
    return report(files, outcomes)


def outcomes_of(files: Sequence[Path]) -> dict[Mutant, str]:
    """What became of each mutant; tried if it is not known from an earlier run."""
    known = Known()
    mutants = [mutant for path in files for mutant in mutants_of(path)]
    if any(known.outcome(mutant) is None for mutant in mutants):
        workers = int(os.environ.get("NBSESSION_MUTATION_WORKERS") or min(2, os.cpu_count() or 1))
        try_all(files, TESTS, AT_MODULE, workers, known)
    return {mutant: known.outcome(mutant) or "not tried" for mutant in mutants}


def equivalents() -> dict[tuple[str, str], str]:
    """Mutants that do the same as the program: (file, name) to the reason."""
    read = tomllib.loads(EQUIVALENT.read_text(encoding="utf-8"))
    return {(file, name): reason for file, entries in read.items() for name, reason in entries.items()}


def report(files: Sequence[Path], outcomes: dict[Mutant, str]) -> int:
    """Prints the survivors and the share of mutants that tests notice. Returns the exit code."""
    excused, low = equivalents(), []
    for path in files:
        mutants = [mutant for mutant in outcomes if mutant.path == path]
        counts = Counter("same" if (path.name, m.name) in excused else outcomes[m] for m in mutants)
        asked = len(mutants) - counts["same"]
        noticed = counts["killed"] + counts["timeout"]
        share = noticed / asked if asked else 1.0
        print(f"{share:6.1%} {path.name}: {noticed} of {asked} noticed; {counts['same']} do the same as the program")
        for mutant in mutants:
            if outcomes[mutant] in ("survived", "not executed") and (path.name, mutant.name) not in excused:
                print(f"       {outcomes[mutant]}: line {mutant.line}, {mutant.name}")
            if outcomes[mutant] in ("killed", "timeout") and (path.name, mutant.name) in excused:
                print(f"       named in equivalent.toml, yet noticed: line {mutant.line}, {mutant.name}")
        if share < WANTED:
            low.append(path)
    return 1 if low else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
