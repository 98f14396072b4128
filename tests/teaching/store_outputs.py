"""``python -m tests.teaching.store_outputs [01 02]``: runs the notebooks on SQLite and stores them as run, for nbval.

Unlike a notebook saved in JupyterLab they hold no widget's number and no time, so that a change of theirs is a change.
"""

from __future__ import annotations

import os
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import nbformat

from tests.kernels import notebook_client

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
WIDGET = "application/vnd.jupyter.widget-view+json"


def run(path: Path, folder: str) -> Any:
    """The notebook with the outputs that it gives on SQLite."""
    notebook = nbformat.read(path, as_version=4)
    here = os.pathsep.join(filter(None, (str(NOTEBOOKS.parent), os.environ.get("PYTHONPATH"))))
    os.environ.update(NBSESSION_DATABASE="sqlite", NBSESSION_UNATTENDED="1", IPYTHONDIR=folder, PYTHONPATH=here)
    client = notebook_client(notebook, folder)
    with client.setup_kernel():
        after = {"collected": "__import__('gc').collect()"}  # as notebooks/conftest.py has nbval do
        client.kc.execute = partial(client.kc.execute, user_expressions=after)  # type: ignore[method-assign]
        for number, cell in enumerate(notebook.cells):
            client.execute_cell(cell, number)
    return notebook


def tidy(notebook: Any) -> Any:
    """The notebook without what differs from run to run."""
    notebook.metadata = {"kernelspec": notebook.metadata["kernelspec"], "language_info": {"name": "python"}}
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        outputs: list[Any] = []
        for output in cell.get("outputs", ()):
            last = outputs[-1] if outputs else None
            output.get("data", {}).pop(WIDGET, None)
            if last is not None and output.output_type == "stream" and last.get("name") == output.name:
                last.text += output.text
            else:
                outputs.append(output)
        if cell.cell_type == "code":
            cell.outputs = outputs
    return notebook


def main(numbers: list[str]) -> int:
    """Runs and stores every notebook, or those with these numbers."""
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        if numbers and path.name[:2] not in numbers:
            continue
        with tempfile.TemporaryDirectory() as folder:
            nbformat.write(tidy(run(path, folder)), path)
        print(path.name)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
