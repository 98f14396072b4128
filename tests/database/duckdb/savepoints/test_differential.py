"""DuckDB's savepoints by redo do what SQLite's own do, and the programs that say so can be trusted."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from nbsession.database.duckdb.redo import Journal
from tests.database.duckdb.savepoints import differential
from tests.database.duckdb.savepoints.mutants import MUTANTS, QUICK

PROJECT = Path(__file__).parents[4]


@pytest.fixture
def rebuilds(monkeypatch):
    """How many statements each rebuild of a transaction had to write again."""
    seen = []
    rebuild = Journal.rebuild
    monkeypatch.setattr(Journal, "rebuild", lambda self, *args: seen.append(len(self.entries)) or rebuild(self, *args))
    return seen


def test_programs_of_sql_end_the_same(rebuilds):
    differential.run_sql(150)
    assert sum(count > 0 for count in rebuilds) > 50  # else nothing was shown


def test_programs_of_a_session_end_the_same(rebuilds):
    differential.run_sessions(150)
    assert sum(count > 0 for count in rebuilds) > 50


@pytest.mark.long
def test_thousands_of_programs_of_sql_end_the_same():
    differential.run_sql(3_000, derandomize=False)


@pytest.mark.long
def test_thousands_of_programs_of_a_session_end_the_same():
    differential.run_sessions(2_000, derandomize=False)


def test_there_are_enough_mutants():
    assert len(MUTANTS) >= 10 and set(QUICK) <= set(MUTANTS)
    for name, mutant in MUTANTS.items():
        source = (PROJECT / "nbsession" / "database" / "duckdb" / f"{mutant.module}.py").read_text(encoding="utf-8")
        assert source.count(mutant.before) == 1, f"{name}: the source has changed, change the mutant"


@pytest.mark.long
def test_what_is_not_changed_is_not_noticed():
    assert tried("unchanged").returncode == 0


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in QUICK else pytest.mark.long) for name in MUTANTS]
)
def test_mutant_is_noticed(name):
    run = tried(name)
    assert run.returncode == 3, f"not noticed: {name}\n{run.stdout}{run.stderr}"
    assert "times there" not in run.stdout + run.stderr


def tried(name):
    command = [sys.executable, "-m", "tests.database.duckdb.savepoints.mutants", name]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)
