"""A learner's desk without a page: a shell with the course's magics, a notebook's first cells run, progress of its own."""

from __future__ import annotations

import atexit
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from nbsession.teaching.exercising import Verdict, desk
from nbsession.teaching.lesson import Lesson
from tests.notebook.conftest import forget_everything

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def cells(lesson: Lesson) -> list[dict[str, Any]]:
    """The cells of a lesson's notebook, their sources as text."""
    found: list[dict[str, Any]] = json.loads((NOTEBOOKS / lesson.notebook).read_text(encoding="utf-8"))["cells"]
    return [{**cell, "source": "".join(cell["source"])} for cell in found]


def outputs(cell: dict[str, Any]) -> str:
    """What is stored under a cell, as text."""
    parts: list[str] = []
    for output in cell.get("outputs", ()):
        parts += output.get("text") or output.get("data", {}).get("text/plain") or []
    return "".join(parts)


class Classroom:
    """A shell in which somebody learns."""

    def __init__(self, ip: InteractiveShell) -> None:
        self.ip = ip
        self._first: set[str] = set()

    def run(self, cell: str) -> str:
        """Runs a cell; returns what it showed, errors too."""
        shown = StringIO()
        with redirect_stdout(shown), redirect_stderr(shown):
            self.ip.run_cell(cell, store_history=True)
        return COLOURS.sub("", shown.getvalue()).strip()

    def set_up(self, lesson: Lesson) -> None:
        """Runs the notebook's cells that set it up."""
        for cell in cells(lesson):
            if cell["cell_type"] == "code" and cell["id"].startswith("setup"):
                shown = self.run(cell["source"])
                assert "Error" not in shown, shown
        self._first = set(self.ip.user_ns)

    def attempt(self, name: str, code: str) -> Verdict:
        """Puts code into an exercise's cell and runs it, with no variable of an attempt before."""
        for left in set(self.ip.user_ns) - self._first:
            del self.ip.user_ns[left]
        self.run(f"%%exercise {name}\n{code}")
        return desk.judge(name)

    def __getitem__(self, name: str) -> Any:
        return self.ip.user_ns[name]


@contextmanager
def classroom(folder: Path, database: str = "sqlite") -> Iterator[Classroom]:
    """A shell of its own, with progress in a folder; everything is as it was at the end.

    :param database: what the notebooks are run on.
    """
    wanted = {"NBSESSION_PROGRESS": str(folder / "progress.json"), "NBSESSION_DATABASE": database}
    before = {name: os.environ.get(name) for name in (*wanted, "NBSESSION_UNATTENDED")}
    os.environ.update(wanted)
    os.environ.pop("NBSESSION_UNATTENDED", None)
    forget_everything()
    ip = InteractiveShell()
    ip.history_manager.enabled = False
    ip.extension_manager.load_extension("nbsession")
    try:
        yield Classroom(ip)
    finally:
        ip.run_cell("%session close")
        ip.extension_manager.unload_extension("nbsession")
        atexit.unregister(ip.atexit_operations)  # it collects all garbage: seconds for each of many shells
        forget_everything()
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
