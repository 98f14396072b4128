"""SIGKILL at any moment: what was acknowledged is there, nothing is there by halves, and the file opens."""

from __future__ import annotations

import random
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from nbsession import Session, create_engine, select
from tests.faults.writer import KEPT, PARTS, Count, Entry


def kill_once(url: str, chance: random.Random) -> int:
    """Starts a writer and kills it some statements after some commits. Returns the last number that it acknowledged."""
    commits, statements = chance.randint(0, 4), chance.randint(1, 30)
    writer = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.writer", url],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        cwd=Path(__file__).parents[2],
    )
    assert writer.stdout is not None and writer.stderr is not None
    said = b""
    while said.count(b"\n") < commits or statements > 0:
        byte = writer.stdout.read(1)
        assert byte, writer.stderr.read().decode()
        if said.count(b"\n") >= commits and byte == b".":
            statements -= 1
        said += byte
    writer.kill()
    rest, _ = writer.communicate()
    return max(map(int, re.findall(rb"(\d+)\n", said + rest)), default=0)


def check(url: str, acknowledged: int) -> None:
    """The database holds the acknowledged transactions, at most one more, and each of them whole."""
    engine = create_engine(url)
    try:
        with Session(engine) as session:
            count = session.scalar(select(Count.value)) or 0
            assert acknowledged <= count <= acknowledged + 1
            parts = Counter(session.execute(select(Entry.number, Entry.part)).all())
            there = range(max(1, count - KEPT + 1), count + 1)
            assert parts == {(number, part): 1 for number in there for part in range(PARTS)}
            version = session.scalar(select(Count.version)) or 0
            assert version == count
    finally:
        engine.dispose()


def kill_and_check(url: str, times: int) -> None:
    chance, acknowledged = random.Random(4), 0
    for time in range(times):
        acknowledged = max(acknowledged, kill_once(url, chance))
        try:
            check(url, acknowledged)
        except BaseException as error:
            error.add_note(f"after kill {time + 1}, at {acknowledged} acknowledged commits")
            raise
        engine = create_engine(url)  # one transaction more than was acknowledged may be there
        with Session(engine) as session:
            acknowledged = session.scalar(select(Count.value)) or 0
        engine.dispose()


def test_killed_at_any_moment(file_database_url: str) -> None:
    kill_and_check(file_database_url, 10)


@pytest.mark.long
def test_killed_a_hundred_times(file_database_url: str) -> None:
    kill_and_check(file_database_url, 100)
