"""nbval runs cells without numbers; ours say in which cell something happened, so they are numbered as for a reader.

Nobody is there to predict, so run cells do not wait for it.

After each cell garbage is collected: the board shows objects that are alive, and when a circle of dead ones goes is chance.
"""

from __future__ import annotations

import os

from nbval.kernel import RunningKernel


def execute_numbered(self: RunningKernel, cell_input: str, allow_stdin: bool | None = None) -> str:
    """Runs a cell as a notebook does."""
    after = {"collected": "__import__('gc').collect()"}
    message: str = self.kc.execute(cell_input, allow_stdin=allow_stdin, stop_on_error=False, user_expressions=after)
    return message


os.environ["NBSESSION_UNATTENDED"] = "1"
RunningKernel.execute_cell_input = execute_numbered
