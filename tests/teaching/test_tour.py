"""The tour leaves in its file exactly what it committed, and is stored as it was run. nbval compares its outputs."""

from __future__ import annotations

import os
import re
import sqlite3
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import nbformat
import pytest

from nbsession.teaching.toolshed import TABLES, toolshed_rows
from tests.kernels import notebook_client

PROJECT = Path(__file__).parents[2]
TOUR = PROJECT / "notebooks" / "00_tour.ipynb"
COMMITTED: dict[str, list[tuple[Any, ...]]] = {
    "member": [(65, "TS-1065", "Ada Nyberg", None, "2025-07-01", 2)],
    "loan": [(75, 8, "2025-07-01", "2025-07-15")],
    "loan_line": [(162, 75, 7, 1, None)],
}
"""what the tour adds to the Toolshed"""


def read(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """All rows by the plain driver, days as text."""
    connection: Any = duckdb.connect(str(path)) if path.suffix == ".duckdb" else sqlite3.connect(path)
    try:
        return {t.name: as_text(connection.execute(f"SELECT * FROM {t.name} ORDER BY 1, 2").fetchall()) for t in TABLES}
    finally:
        connection.close()


def as_text(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return [tuple(value.isoformat() if isinstance(value, date) else value for value in row) for row in rows]


def tour() -> Any:
    return nbformat.read(TOUR, as_version=4)


def run(notebook: Any, database: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs a notebook in a kernel of its own, in a folder, on a database."""
    path = os.pathsep.join(filter(None, (str(PROJECT), os.environ.get("PYTHONPATH"))))
    temporary = dict.fromkeys(("TMPDIR", "TEMP", "TMP", "IPYTHONDIR"), str(folder))
    for name, value in {"NBSESSION_DATABASE": database, "PYTHONPATH": path, **temporary}.items():
        monkeypatch.setenv(name, value)
    notebook_client(notebook, folder).execute()


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize(("database", "file"), [("sqlite", "toolshed.db"), ("duckdb", "toolshed.duckdb")])
def test_file_holds_exactly_the_committed_rows(
    database: str, file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tour(), database, tmp_path, monkeypatch)
    expected = {name: as_text(rows) + COMMITTED.get(name, []) for name, rows in toolshed_rows().items()}
    (written,) = tmp_path.rglob(file)
    assert read(written) == expected


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("database", ["sqlite", "duckdb"])
def test_the_tour_can_be_run_again_in_the_same_kernel(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a learner does who starts over without a restart, here with the session left open."""
    notebook = tour()
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    left_open = [cell for cell in cells if cell.id not in ("close", "read-back")]
    notebook.cells = [nbformat.from_dict(dict(cell)) for cell in (*left_open, *cells)]
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number}"
    run(notebook, database, tmp_path, monkeypatch)


def test_every_cell_has_an_id_and_every_output_is_stored() -> None:
    notebook = tour()
    nbformat.validate(notebook)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)
    boards = [out for cell in cells for out in cell.outputs if out.output_type == "display_data"]
    assert len(boards) >= 6
    assert all({"text/plain", "text/html"} <= set(board.data) for board in boards)


def test_nothing_of_the_machine_is_stored() -> None:
    text = TOUR.read_text(encoding="utf-8")
    assert not re.search(r"/(home|root|tmp|Users|work)/|0x[0-9a-f]{6,}|Traceback", text)
    assert set(tour().metadata) == {"kernelspec", "language_info"}


def test_the_tour_moves_one_loan_through_all_five_states() -> None:
    source = "\n".join(cell.source for cell in tour().cells if cell.cell_type == "code")
    states = re.findall(r"assert inspect\(loan\)\.(\w+)", source)
    assert list(dict.fromkeys(states)) == ["transient", "pending", "persistent", "deleted", "detached"]
