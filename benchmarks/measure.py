"""Runs works on several sides in turn, checks each run, and takes medians. Knows no database."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Protocol, TypeAlias

from benchmarks.data import Row, expected

Clock: TypeAlias = Callable[[], float]
CPU: Clock = time.process_time
"""the time that all threads of the process have had"""


class WrongResult(Exception):
    """A side did not do the work: its figure would mean nothing."""


class Stopwatch:
    """Times the block it is entered for; what stands outside the block is preparation.

    :param clock: what tells the time; of the process's own (:data:`CPU`) others on the machine take nothing.

    >>> watch = Stopwatch()
    >>> with watch:
    ...     pass
    >>> watch.seconds >= 0
    True
    """

    def __init__(self, clock: Clock = time.perf_counter) -> None:
        self.seconds = 0.0
        self._clock = clock

    def __enter__(self) -> None:
        gc.collect()
        self._start = self._clock()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.seconds += self._clock() - self._start


class Side(Protocol):
    """One way of doing the works: the plain driver, nbsession, or SQLAlchemy.

    :ivar name: how the table calls it.
    :ivar cannot: works that it has no way to do.
    """

    name: str
    cannot: Collection[str]

    def open(self, folder: Path | None) -> None:
        """A new database with empty tables, in memory or in a folder."""

    def do(self, work: str, n: int, watch: Stopwatch) -> list[Row]:
        """Does a work on n objects.

        :return: what the objects say afterwards.
        """

    def rows(self, table: str) -> list[Row]:
        """The rows of a table, read past all objects, in the order of the key."""

    def close(self) -> None:
        """Lets go of the database."""


class Median(NamedTuple):
    """The outcome of a side's runs.

    :ivar seconds: the median.
    :ivar best: the shortest.
    :ivar runs: how many there were.
    """

    seconds: float
    best: float
    runs: int


def run_once(side: Side, work: str, n: int, folder: Path | None, clock: Clock = time.perf_counter) -> float:
    """Does a work once on a new database and checks what came of it.

    :return: seconds.
    :raises WrongResult: keys, values or rows are not what they should be.
    """
    watch = Stopwatch(clock)
    side.open(folder)
    try:
        said = side.do(work, n, watch)
        wanted = expected(work, n)
        _same(side, work, "the objects say", said, wanted.said)
        for table, rows in wanted.tables.items():
            _same(side, work, f"table {table} holds", side.rows(table), rows)
    finally:
        side.close()
    if watch.seconds <= 0:
        raise WrongResult(f"{side.name} timed nothing in '{work}'")
    return watch.seconds


def _same(side: Side, work: str, what: str, found: list[Row], wanted: list[Row]) -> None:
    if found == wanted:
        return
    if len(found) != len(wanted):
        raise WrongResult(f"{side.name}, {work}: {what} {len(found)} rows, not {len(wanted)}")
    at = next(i for i, (one, other) in enumerate(zip(found, wanted, strict=True)) if one != other)
    raise WrongResult(f"{side.name}, {work}: {what} {found[at]!r} at {at}, not {wanted[at]!r}")


def compare(
    sides: Sequence[Side],
    work: str,
    n: int,
    folder: Path | None,
    *,
    repetitions: int,
    budget: float,
    clock: Clock = time.perf_counter,
) -> dict[str, Median]:
    """Runs a work on all sides in turn, after one warm-up each; every round begins with another side.

    :param repetitions: rounds.
    :param budget: seconds a side may take in all; one that has spent them sits the later rounds out.
    :return: the sides' medians by name.
    """
    sides = [side for side in sides if work not in side.cannot]
    taken: dict[str, list[float]] = {side.name: [] for side in sides}
    for side in sides:
        warm = run_once(side, work, n, folder, clock)
        if warm > budget / 3:
            taken[side.name].append(warm)
    for number in range(repetitions):
        first = number % len(sides)
        for side in (*sides[first:], *sides[:first]):
            seconds = taken[side.name]
            if len(seconds) < 2 or sum(seconds) < budget:
                seconds.append(run_once(side, work, n, folder, clock))
    return {name: Median(statistics.median(s), min(s), len(s)) for name, s in taken.items()}
