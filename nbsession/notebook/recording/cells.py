"""Which cell is running. Knows the shell's events; knows nothing of sessions.

``execution_count`` in ``pre_run_cell`` is n in one version of IPython and n + 1 in the next. So what happens in a
running cell is stamped with the number under which its output would be filed, and that is corrected from
``result.execution_count`` when the cell has ended. ``pre_execute`` and ``post_execute`` are not used: they also fire
for messages of widgets.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any


class CellClock:
    """The cells of a notebook, one after the other.

    :ivar running: is a cell running now?
    :ivar error: what the cell that ran last raised, if it did.
    :ivar last: the label of the cell that runs, or ran last: ``In[7]``; None before the first, and outside a notebook.
    :ivar ident: what stays the same when the cell is run again, where the front end says it; else a sum of its source.
    :ivar identified: does the front end say it?
    :ivar source: what was typed.
    """

    def __init__(self) -> None:
        self.running = False
        self.last: str | None = None
        self.ident = ""
        self.identified = False
        self.source = ""
        self.raised: str | None = None
        """the last cell that raised"""
        self.error: BaseException | None = None
        self.on_start: list[Callable[[], None]] = []
        """called when a cell starts"""
        self.on_end: list[Callable[[str | None, str | None], None]] = []
        """called when a cell has ended, with the label it had while it ran and the one it has"""
        self._shell: Any = None

    @property
    def now(self) -> str | None:
        """The label of the running cell, or None if none is running."""
        return self.last if self.running else None

    @property
    def has_widgets(self) -> bool:
        """Is there a page that can show a widget? Only where a kernel runs the cells, Jupyter's or marimo's."""
        return getattr(self._shell, "kernel", None) is not None or _in_marimo()

    @property
    def namespace(self) -> Mapping[str, Any]:
        """The notebook's variables; none outside a notebook."""
        return self._shell.user_ns if self._shell is not None else {}

    @property
    def traceback(self) -> tuple[str, Any] | None:
        """The traceback that the shell keeps, with a name for it: its frames hold what the functions held."""
        kept = getattr(getattr(self._shell, "InteractiveTB", None), "tb", None)
        return None if kept is None else (f"the traceback of {self.raised or 'a cell'}", kept)

    def attach(self, shell: Any) -> None:
        """Follows the cells of a shell. Called inside a cell, that cell counts as running."""
        if self._shell is shell:
            return
        self.detach()
        self._shell = shell
        shell.events.register("pre_run_cell", self._started)
        shell.events.register("post_run_cell", self._ended)
        if shell.displayhook.exec_result is not None:
            self.start(shell.displayhook.prompt_count)

    def attach_here(self) -> None:
        """Follows the shell that runs this code, if there is one and none is followed yet."""
        ipython = sys.modules.get("IPython")
        shell = ipython.get_ipython() if ipython is not None and self._shell is None else None
        if shell is not None:
            self.attach(shell)

    def detach(self) -> None:
        """Follows nobody."""
        if self._shell is not None:
            self._shell.events.unregister("pre_run_cell", self._started)
            self._shell.events.unregister("post_run_cell", self._ended)
        self._shell, self.running, self.last = None, False, None

    def start(self, number: int | None) -> None:
        """A cell starts, presumably with this number."""
        self.running, self.last, self.error = True, label(number), None
        for started in tuple(self.on_start):
            started()

    def end(self, number: int | None) -> None:
        """The running cell has ended and had this number."""
        presumed, actual = self.last, label(number)
        self.running, self.last = False, actual or presumed
        for ended in tuple(self.on_end):
            ended(presumed, self.last)
        self.error = None  # its traceback holds what the cell's functions held

    def _started(self, info: Any = None) -> None:
        numbered = getattr(info, "store_history", True)
        given = getattr(info, "cell_id", None)
        self.source = str(getattr(info, "raw_cell", None) or "")
        self.identified = given is not None
        self.ident = str(given) if given is not None else sha256(self.source.strip().encode()).hexdigest()
        self.start(self._shell.displayhook.prompt_count if numbered else None)

    def _ended(self, result: Any = None) -> None:
        info = getattr(result, "info", None)
        numbered = getattr(info, "store_history", True)
        self.error = getattr(result, "error_in_exec", None)
        if self.error is not None:
            self.raised = label(getattr(result, "execution_count", None)) or self.last
        self.end(getattr(result, "execution_count", None) if numbered else None)


def _in_marimo() -> bool:
    """Does a notebook of marimo run this? It has no shell of IPython, and shows widgets."""
    marimo = sys.modules.get("marimo")
    return marimo is not None and bool(marimo.running_in_notebook())


def label(number: int | None) -> str | None:
    """``In[7]``."""
    return None if number is None else f"In[{number}]"


clock = CellClock()
"""the cells of this process's notebook"""
