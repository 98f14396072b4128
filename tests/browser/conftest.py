"""One JupyterLab for all browser tests; a notebook and a kernel of its own for each."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest

from tests.browser.lab import Lab, Notebook, write_notebook

if TYPE_CHECKING:
    from playwright.sync_api import Page


class OpenNotebook(Protocol):
    """Opens a notebook: of the given cells, or a copy of a file."""

    def __call__(self, name: str, *cells: str, copy_of: Path | None = None) -> Notebook: ...


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A JupyterLab server in directories of its own."""
    lab = Lab(tmp_path_factory.mktemp("lab"))
    try:
        lab.wait()
        yield lab
    finally:
        lab.stop()


@pytest.fixture
def notebook(lab: Lab, page: Page) -> Iterator[OpenNotebook]:
    """``notebook("name.ipynb", "cell", ...)`` opens it in the page, its kernel ready; the kernel ends with the test."""

    def open_notebook(name: str, *cells: str, copy_of: Path | None = None) -> Notebook:
        if copy_of is not None:
            shutil.copy(copy_of, lab.folder / name)
        else:
            write_notebook(lab.folder / name, cells)
        return Notebook(page, lab, name)

    yield open_notebook
    page.goto("about:blank")
    lab.reset()
