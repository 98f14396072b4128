"""nbval runs cells without numbers; ours say in which cell something happened, so they are numbered as for a reader."""

from __future__ import annotations

from nbval.kernel import RunningKernel


def execute_numbered(self: RunningKernel, cell_input: str, allow_stdin: bool | None = None) -> str:
    """Runs a cell as a notebook does."""
    message: str = self.kc.execute(cell_input, allow_stdin=allow_stdin, stop_on_error=False)
    return message


RunningKernel.execute_cell_input = execute_numbered
