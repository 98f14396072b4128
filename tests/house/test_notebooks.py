"""What nbval leaves unsaid of the notebooks in notebooks/: it does not compare a cell that was never run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.rglob("*.ipynb"))


def code_cells(path: Path) -> list[dict[str, Any]]:
    cells: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code" and "".join(cell["source"]).strip()]


def test_the_tour_is_there() -> None:
    assert FOLDER / "00_tour.ipynb" in NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_cells_are_stored_as_run_from_top_to_bottom(path: Path) -> None:
    cells = code_cells(path)
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_no_output_names_a_machine(path: Path) -> None:
    stored = json.dumps([cell["outputs"] for cell in code_cells(path)])
    assert not [mark for mark in ("/home/", "/root/", "/Users/", "/tmp/", "C:\\\\", " object at 0x") if mark in stored]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_database_is_chosen_by_the_environment(path: Path) -> None:
    source = "".join("".join(cell["source"]) for cell in code_cells(path))
    assert "NBSESSION_DATABASE" in source
