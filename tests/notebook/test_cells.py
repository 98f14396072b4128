"""Which cell is running, whatever the version of IPython thinks of its number."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from nbsession.notebook.recording.cells import CellClock


class FakeShell:
    """A shell of a version that counts as told: the number in pre_run_cell, and the result's."""

    def __init__(self, presumed: int) -> None:
        self.callbacks: dict[str, Any] = {}
        self.events = SimpleNamespace(
            register=self.callbacks.__setitem__, unregister=lambda name, _: self.callbacks.pop(name)
        )
        self.displayhook = SimpleNamespace(prompt_count=presumed, exec_result=None)
        self.user_ns = {"a": 1}

    def start(self, store_history: bool = True) -> None:
        self.callbacks["pre_run_cell"](SimpleNamespace(store_history=store_history))

    def end(self, number: int | None, store_history: bool = True) -> None:
        info = SimpleNamespace(store_history=store_history)
        self.callbacks["post_run_cell"](SimpleNamespace(execution_count=number, info=info))


@pytest.mark.parametrize("presumed", [3, 4])
def test_the_number_is_that_of_the_result(presumed: int) -> None:
    clock, shell, heard = CellClock(), FakeShell(presumed), []
    clock.attach(shell)
    clock.on_end.append(lambda before, after: heard.append((before, after)))
    shell.start()
    assert clock.running and clock.now == f"In[{presumed}]"
    shell.end(3)
    assert not clock.running and clock.now is None and clock.last == "In[3]"
    assert heard == [(f"In[{presumed}]", "In[3]")]


def test_a_cell_outside_the_history_has_no_number() -> None:
    clock, shell = CellClock(), FakeShell(4)
    clock.attach(shell)
    shell.start(store_history=False)
    assert clock.running and clock.now is None
    shell.end(4, store_history=False)
    assert clock.last is None


def test_an_empty_cell_ends_without_having_started() -> None:
    clock, shell = CellClock(), FakeShell(4)
    clock.attach(shell)
    shell.end(None)
    assert not clock.running


def test_a_real_shell_numbers_its_cells_as_it_displays_them(ipython: InteractiveShell) -> None:
    clock, during = CellClock(), []
    ipython.user_ns["note"] = lambda: during.append(clock.now)
    clock.attach(ipython)
    ended = []
    clock.on_end.append(lambda before, after: ended.append(after))
    for cell in ("note()", "note(); 1/0", "note(", "note()"):
        ipython.run_cell(cell, store_history=True)
    clock.detach()
    ipython.run_cell("note()", store_history=True)
    assert during == ["In[1]", "In[2]", "In[4]", None]
    assert ended == ["In[1]", "In[2]", "In[3]", "In[4]"]


def test_attached_inside_a_cell_that_cell_is_running(ipython: InteractiveShell) -> None:
    clock = CellClock()
    ipython.user_ns["attach"] = lambda: clock.attach(ipython)
    ipython.run_cell("attach()\nassert clock_running()", store_history=True)
    assert clock.last == "In[1]" and not clock.running
    clock.detach()
