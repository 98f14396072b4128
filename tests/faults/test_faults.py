"""Every driver call of a flush, a commit, a savepoint and a rollback fails in turn: states, rows and what comes next are right.

:mod:`tests.faults.player` has the oracle. A call fails in seven ways, one of them by turns in
``make test`` (all of them for savepoints on SQLite), all of them everywhere in ``make test-long``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from tests.faults.driver import Fault
from tests.faults.player import Player
from tests.faults.programs import PROGRAMS
from tests.faults.world import World

WAYS = [
    ("refused", 0),
    ("refused", 1),
    ("refused", 2),
    ("lost", 0),
    ("done", 0),
    ("interrupted", 0),
    ("interrupted", 1),
]
"""how a call fails, and how many ROLLBACKs after it"""
ONE_DATABASE = ["graph", "people", "savepoints"]


@contextmanager
def player(urls: Sequence[str], program: str) -> Iterator[Player]:
    """A player of a program on empty databases."""
    steps, tables = PROGRAMS[program]
    world = World(urls, tables)
    yield Player(world, steps)
    world.close()


def play_all(player: Player, ways: Sequence[tuple[str, int]], turn: bool = False) -> Counter[str]:
    """Plays the program once for each call that fails, in each way; or in one way each, by turns. Counts the outcomes."""
    outcomes: Counter[str] = Counter()
    for at in range(1, len(player.calls) + 1):
        text = player.calls[at - 1]
        for how, rollbacks in [ways[at % len(ways)]] if turn and text != "COMMIT" else ways:
            try:
                outcomes[player.play(Fault(at, how, rollbacks)).outcome] += 1
            except BaseException as error:
                error.add_note(f"call {at}, {text!r}, {how}, and {rollbacks} ROLLBACKs after it")
                raise
            assert player.world.gate.failed is not None
    return outcomes


def url(database: str, folder: Path) -> str:
    """A database: SQLite's in a file, so that connections can be closed and opened; DuckDB's in memory."""
    return "duckdb://?threads=1" if database == "duckdb" else f"sqlite:///{folder.as_posix()}/{uuid4()}.db"


@pytest.mark.parametrize("program", ONE_DATABASE)
@pytest.mark.parametrize("database", ["sqlite", "sqlite in memory"])
def test_sqlite_fails_at_every_call(database: str, program: str, tmp_path: Path) -> None:
    """The one connection to a database in memory cannot be closed when its ROLLBACK fails: that is sent again."""
    in_memory = database != "sqlite"
    with player(["sqlite://" if in_memory else url(database, tmp_path)], program) as playing:
        outcomes = play_all(playing, WAYS, turn=in_memory or program != "savepoints")
    assert outcomes["transaction"] and outcomes["committed"]
    assert outcomes["savepoint"] or program == "graph"


@pytest.mark.parametrize("program", ONE_DATABASE)
def test_duckdb_fails_at_every_call(program: str, tmp_path: Path) -> None:
    with player([url("duckdb", tmp_path)], program) as playing:
        outcomes = play_all(playing, WAYS, turn=True)
    assert outcomes["transaction"] and outcomes["committed"]
    assert outcomes["savepoint"] or program == "graph"


@pytest.mark.parametrize("first", ["sqlite", "duckdb"])
def test_two_engines_fail_at_every_call(first: str, tmp_path: Path) -> None:
    """Line 22.16: what one engine has committed stays, and its objects say so; a savepoint ends on both or on none."""
    second = {"sqlite": "duckdb", "duckdb": "sqlite"}[first]
    with player([url(first, tmp_path), url(second, tmp_path)], "two engines") as playing:
        outcomes = play_all(playing, WAYS, turn=True)
    assert outcomes["parted"] and outcomes["transaction"] and outcomes["savepoint"]


@pytest.mark.parametrize(
    ("database", "program"), [("sqlite", "people"), ("sqlite", "savepoints"), ("duckdb", "savepoints")]
)
def test_a_refused_write_in_a_savepoint_costs_the_savepoint_only(database: str, program: str, tmp_path: Path) -> None:
    """The transaction around it goes on."""
    with player([url(database, tmp_path)], program) as playing:
        for at, text in enumerate(playing.calls, 1):
            if text.startswith(("INSERT", "UPDATE", "DELETE")):
                play = playing.play(Fault(at, "lost" if database == "duckdb" else "refused"))
                expected = "savepoint" if play.depth else "transaction"
                if play.error is None:
                    assert database == "duckdb"  # a replay was refused, and done again word for word
                else:
                    assert play.outcome == expected, f"call {at}: {text}"


@pytest.mark.long
@pytest.mark.parametrize(
    ("databases", "program"),
    [([database], program) for database in ("sqlite", "duckdb") for program in ONE_DATABASE]
    + [([one, two], "two engines") for one in ("sqlite", "duckdb") for two in ("sqlite", "duckdb")],
)
def test_every_call_fails_in_every_way(databases: list[str], program: str, tmp_path: Path) -> None:
    assert (len(databases) == 2) is (program == "two engines")
    with player([url(database, tmp_path) for database in databases], program) as playing:
        play_all(playing, WAYS)
