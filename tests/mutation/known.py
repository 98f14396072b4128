"""What is mutated, and what is known of it from earlier runs: kept in test-results/ as long as it cannot have changed.

What a test executes is known until the package, its own file or what tests share changes. A mutant that a test noticed is
done with under the same condition; one that survived is tried again when any test changes.
"""

from __future__ import annotations

import hashlib
import pickle
import time
from functools import cache
from pathlib import Path
from typing import NamedTuple

from tests.mutation.mutants import Mutant

PROJECT = Path(__file__).parents[2]
TARGETS = (
    "states.py",
    "session/undo.py",
    "session/unit_of_work*.py",
    "session/unwinding.py",
    "session/level*.py",
    "session/transaction*.py",
    "session/transacting*.py",
)
KEPT = PROJECT / "test-results" / "mutation.pickle"


class Measured(NamedTuple):
    """What one test does without any mutant.

    :ivar lines: the (file, line) pairs it executes.
    :ivar seconds: how long it takes.
    :ivar fails: does it fail?
    """

    lines: frozenset[tuple[str, int]]
    seconds: float
    fails: bool


class Outcome(NamedTuple):
    """What became of a mutant.

    :ivar word: "killed", "survived", "timeout" or "not executed".
    :ivar test: the test that noticed it, or "".
    :ivar tests_mark: the fingerprint of all tests then.
    """

    word: str
    test: str
    tests_mark: str


class Known:
    """What earlier runs found out, so far as it still holds.

    :param kept: the file it is kept in.
    :ivar tests: test to what it does.
    """

    def __init__(self, kept: Path = KEPT) -> None:
        self.kept = kept
        self.tests: dict[str, Measured] = {}
        self._outcomes: dict[Mutant, Outcome] = {}
        self._marks = marks()
        self._kept_at = time.monotonic()
        if kept.exists():
            before, tests, outcomes = pickle.loads(kept.read_bytes())
            if before["nbsession"] == self._marks["nbsession"]:
                same = {file for file, mark in before.items() if self._marks.get(file) == mark}
                self.tests = {name: does for name, does in tests.items() if file_of(name) in same}
                self._outcomes = {
                    mutant: outcome
                    for mutant, outcome in outcomes.items()
                    if (file_of(outcome.test) in same if outcome.test else outcome.tests_mark == self._marks["tests"])
                }

    def outcome(self, mutant: Mutant) -> str | None:
        """What became of a mutant, or None: not tried yet."""
        known = self._outcomes.get(mutant)
        return known.word if known is not None else None

    def note(self, mutant: Mutant, word: str, test: str = "") -> None:
        """A mutant was tried."""
        self._outcomes[mutant] = Outcome(word, test, self._marks["tests"])
        if time.monotonic() - self._kept_at > 30:
            self.keep()

    def keep(self) -> None:
        """Writes it down, so that a run that is broken off is gone on with."""
        self._kept_at = time.monotonic()
        self.kept.parent.mkdir(exist_ok=True)
        self.kept.write_bytes(pickle.dumps((self._marks, self.tests, self._outcomes)))


def file_of(test: str) -> str:
    """The file of a test by its name."""
    return test.partition("::")[0]


@cache
def targets() -> list[Path]:
    """The files whose mutants are tried by default."""
    return sorted(path for pattern in TARGETS for path in (PROJECT / "nbsession").glob(pattern))


def marks() -> dict[str, str]:
    """Fingerprints: of the package with all that tests share, as "nbsession"; of all tests, as "tests"; of each file of tests."""
    tests = {
        path.relative_to(PROJECT).as_posix(): path.read_bytes() for path in sorted((PROJECT / "tests").rglob("*.py"))
    }
    own = {file: content for file, content in tests.items() if Path(file).name.startswith("test_")}
    shared = [c for file, c in tests.items() if file not in own and not file.startswith("tests/mutation/")]
    package = [path.read_bytes() for path in sorted((PROJECT / "nbsession").rglob("*.py"))]
    found = {file: fingerprint([content]) for file, content in own.items()}
    return {**found, "nbsession": fingerprint([*package, *shared]), "tests": fingerprint([*own.values()])}


def fingerprint(contents: list[bytes]) -> str:
    """Changes with the contents."""
    return hashlib.sha256(b"".join(contents)).hexdigest()
