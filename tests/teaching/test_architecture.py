"""ARCHITECTURE.md draws what the code holds: the moves of ``states.py``, and the folders."""

from __future__ import annotations

import re
from enum import Enum
from pathlib import Path
from typing import Any

import pytest

from nbsession.states import OBJECT_MOVES, TRANSACTION_MOVES, MoveTable, ObjectState, TransactionState

PROJECT = Path(__file__).parents[2]
ASIDE = {"__init__.py", "__pycache__", "_static"}
TEXT = (PROJECT / "ARCHITECTURE.md").read_text(encoding="utf-8")


def diagram(start: str) -> str:
    """The state diagram that begins with a state."""
    found = [block for block in re.findall(r"```mermaid\n(.*?)```", TEXT, re.S) if f"[*] --> {start}\n" in block]
    assert len(found) == 1
    return str(found[0])


@pytest.mark.parametrize(
    ("start", "table"),
    [(ObjectState.TRANSIENT, OBJECT_MOVES), (TransactionState.IDLE, TRANSACTION_MOVES)],
    ids=["objects", "transactions"],
)
def test_diagram_lists_exactly_the_moves_of_the_table(start: Enum, table: MoveTable[Any, Any]) -> None:
    drawn = re.findall(r"^    (\w+) --> (\w+): ([\w ]+)$", diagram(start.value), re.M)
    held = [(before.value, after.value, trigger.value) for (before, trigger), after in table.moves.items()]
    assert sorted(drawn) == sorted(held)
    assert len(diagram(start.value).splitlines()) == len(held) + 3


def test_every_room_of_the_house_is_on_the_map() -> None:
    rooms = {path.name for path in (PROJECT / "nbsession").iterdir() if path.suffix == ".py" or path.is_dir()} - ASIDE
    drawn = set(re.findall(r"^  ([a-z]+(?:/|\.py))  ", TEXT, re.M))
    assert {name.rstrip("/") for name in drawn} == rooms


def test_documents_name_no_file_that_is_not_there() -> None:
    for name in ("ARCHITECTURE.md", "README.md"):
        text = (PROJECT / name).read_text(encoding="utf-8")
        for target in re.findall(r"(?:\]\(|src=\"|srcset=\")([^)\"#]+)", text):
            if "://" not in target:
                assert (PROJECT / target).exists(), f"{name} points to {target}"
