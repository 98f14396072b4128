"""``python -m tests.mutation [file ...]``: tries the mutants of the engine's heart, and tells which ones no test notices.

Ends with 1 if less than 90 % of a file's mutants are noticed. What was tried is kept in test-results/ and not tried again
as long as neither the package nor the tests change.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.mutation.mutants import Mutant, mutants_of
from tests.mutation.trial import PROJECT, try_all, try_one

TARGETS = (
    "states.py",
    "session/undo.py",
    "session/unit_of_work*.py",
    "session/level*.py",
    "session/transaction*.py",
    "session/transacting*.py",
)
TESTS = (
    "tests/test_states.py",
    "tests/test_events.py",
    "tests/session",
    "tests/tracking",
    "--ignore=tests/session/test_memory.py",  # slow, and it looks at the garbage collector
)
AT_MODULE = ("tests/test_states.py", "tests/session/test_transactions.py", "tests/session/test_objects.py")
WANTED = 0.90
EQUIVALENT = Path(__file__).with_name("equivalent.toml")
KEPT = PROJECT / "test-results" / "mutation.json"


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


def targets() -> list[Path]:
    """The files whose mutants are tried by default."""
    return sorted(path for pattern in TARGETS for path in (PROJECT / "nbsession").glob(pattern))


def outcomes_of(files: Sequence[Path]) -> dict[Mutant, str]:
    """What became of each mutant; from the last run, where nothing has changed since."""
    mark = fingerprint()
    kept = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {}
    known = kept.get("files", {}) if kept.get("mark") == mark else {}
    wanted = [path for path in files if path.name not in known]
    tried = try_all(wanted, TESTS, AT_MODULE, os.cpu_count() or 1) if wanted else {}
    outcomes: dict[Mutant, str] = {}
    for path in files:
        mutants = mutants_of(path)
        if path in wanted:
            known[path.name] = [tried[mutant] for mutant in mutants]
        outcomes.update(zip(mutants, known[path.name], strict=True))
    KEPT.parent.mkdir(exist_ok=True)
    KEPT.write_text(json.dumps({"mark": mark, "files": known}), encoding="utf-8")
    return outcomes


def fingerprint() -> str:
    """Changes whenever the package or a test does."""
    sources = [*(PROJECT / "nbsession").rglob("*.py"), *(PROJECT / "tests").rglob("*.py")]
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted(sources))).hexdigest()


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
                print(f"       named in equivalent.toml, yet noticed: {mutant.name}")
                low.append(path)
        if share < WANTED:
            low.append(path)
    return 1 if low else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
