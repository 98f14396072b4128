"""Takes the README's pictures: runs the tour in a real JupyterLab, up to a cell, and photographs that cell.

``python docs/images/take.py`` in the project's root, with the packages of the tests installed.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Literal

PROJECT = Path(__file__).parents[2]
TOUR = PROJECT / "notebooks" / "00_tour.ipynb"
CELL = "deleted"
"""the id of the cell to show"""
PLAIN = """
.jp-cell-toolbar { display: none !important }
.jp-Collapser { visibility: hidden }
.jp-Cell, .jp-Notebook { border-color: transparent !important; box-shadow: none !important; outline: none !important }
"""
"""no marks of the pointer, none of the selection"""


def main() -> None:
    """Writes dashboard-light.png and dashboard-dark.png beside this file."""
    sys.path.insert(0, str(PROJECT))
    from playwright.sync_api import sync_playwright

    from tests.browser.chromium import launch
    from tests.browser.lab import Lab, Notebook

    cells = [cell["id"] for cell in json.loads(TOUR.read_text(encoding="utf-8"))["cells"]]
    lab = Lab(Path(tempfile.mkdtemp()))
    try:
        lab.wait()
        shutil.copy(TOUR, lab.folder)
        with sync_playwright() as playwright:
            browser = launch(playwright)
            page = browser.new_page(
                viewport={"width": 1280, "height": 1000}, device_scale_factor=1.5, reduced_motion="reduce"
            )
            page.set_default_timeout(30_000)
            notebook = Notebook(page, lab, TOUR.name)
            shown = cells.index(CELL)
            for index in range(shown + 1):
                notebook.run(index)
            notebook.output(shown).locator(".nbs-lane[data-state=deleted] .nbs-label").first.wait_for()
            page.add_style_tag(content=PLAIN)
            themes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
            for theme in themes:
                notebook.theme(theme)
                page.wait_for_timeout(500)
                cell = notebook.cells.nth(shown)
                cell.screenshot(path=Path(__file__).parent / f"dashboard-{theme}.png", animations="disabled")
            browser.close()
    finally:
        lab.stop()


if __name__ == "__main__":
    main()
