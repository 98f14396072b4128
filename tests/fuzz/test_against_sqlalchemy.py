"""Random programs with fixed seeds: the same on SQLAlchemy, on nbsession and SQLite, and on nbsession and DuckDB."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import pytest

from tests.fuzz.comparison import Difference, between_databases, difference
from tests.fuzz.coverage import coverage_of, tests_named
from tests.fuzz.ours import OnDuckDB, OnSQLite
from tests.fuzz.programs import COMMON, PROFILES, compose, programs_of
from tests.fuzz.shrinking import script

MANY = 2_000


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Programs do what both libraries warn of."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def differing(profile: str, seeds: range) -> dict[int, str]:
    """What differs, by seed, each with its program."""
    found: dict[int, str] = {}
    for seed in seeds:
        settings, program, seen = compose(seed, profile)
        one = difference(settings, program, OnSQLite, seen)
        if one is not None:
            found[seed] = report(settings, program, one)
    return found


def report(settings, program, one: Difference) -> str:
    want, got = one.brief()
    return f"{one.field}: {want}, not {got}, after step {one.at + 1} of\n{script(settings, program[: one.at + 1])}"


@pytest.mark.parametrize("profile", PROFILES)
def test_programs_do_the_same_as_on_sqlalchemy(profile: str) -> None:
    found = differing(profile, programs_of(profile))
    assert not found, "\n\n".join(f"seed {seed}: {text}" for seed, text in found.items())


@pytest.mark.long
@pytest.mark.parametrize("profile", PROFILES)
def test_many_programs_do_the_same_as_on_sqlalchemy(profile: str) -> None:
    found = differing(profile, range(10_000, 10_000 + MANY))
    assert not found, "\n\n".join(f"seed {seed}: {text}" for seed, text in found.items())


def test_what_programs_do_not_reach_is_tested_by_name() -> None:
    assert all(tests_named().values())


@pytest.mark.long
def test_programs_reach_every_move_and_every_step(capsys: pytest.CaptureFixture[str]) -> None:
    """What they do not reach, and every line that says TAKE, a test is named for. The counts are printed."""
    coverage = coverage_of(range(1_000))
    with capsys.disabled():
        print(f"\n{coverage}")
    assert not coverage.lacking(), coverage.lacking()


@pytest.mark.parametrize("profile", COMMON)
def test_programs_do_the_same_on_duckdb(profile: str) -> None:
    for seed in range(60):
        settings, program, _ = compose(seed, profile)
        one = between_databases(settings, program, OnSQLite(), OnDuckDB())
        assert one is None, f"seed {seed}: {report(settings, program, one)}"
