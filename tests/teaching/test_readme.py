"""The README's three cells run as they stand, and leave on the disk what they say; so does its longer example."""

from __future__ import annotations

import os
import re
import sqlite3
import sys
from pathlib import Path
from types import ModuleType

import nbformat
import pytest

from tests.kernels import notebook_client

PROJECT = Path(__file__).parents[2]


@pytest.mark.filterwarnings("default")
def test_the_three_cells_put_a_row_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cells = re.findall(r"```python\n(.*?)```", (PROJECT / "README.md").read_text(encoding="utf-8"), re.S)
    cells = cells[:3]  # what follows is a program of its own
    path = os.pathsep.join(filter(None, (str(PROJECT), os.environ.get("PYTHONPATH"))))
    for name, value in {"IPYTHONDIR": str(tmp_path / "ipython"), "PYTHONPATH": path}.items():
        monkeypatch.setenv(name, value)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    notebook_client(notebook, tmp_path).execute()
    connection = sqlite3.connect(tmp_path / "club.db")
    assert connection.execute("SELECT * FROM member").fetchall() == [(1, "Ada")]
    connection.close()


def test_the_longer_example_runs_on_both_databases(
    database_url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = re.findall(r"```python\n(.*?)```", (PROJECT / "README.md").read_text(encoding="utf-8"), re.S)
    assert len(cells) == 4
    module = ModuleType("readme")
    monkeypatch.setitem(sys.modules, "readme", module)
    exec(compile(cells[0] + cells[3].replace("duckdb://", database_url), "readme", "exec"), vars(module))
    assert capsys.readouterr().out == "[('Book', 'Emma', ['old']), ('Item', 'Globe', ['old'])]\n"
