"""Takes the pictures of README and docs: runs cells in a real JupyterLab in a real browser, and photographs what they show.

``python dev.py pictures``. Each picture is taken in light and in dark, and written as WebP, which the browser itself makes.
"""

from __future__ import annotations

import base64
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator

    from tests.browser.lab import Lab, Notebook

HERE = Path(__file__).parent
PROJECT = HERE.parents[1]
TOUR = PROJECT / "notebooks" / "00_tour.ipynb"
README = "deleted"
"""the id of the tour's cell that README shows"""
MOST = 1_500_000
"""bytes of all pictures together"""
PLAIN = """
.jp-cell-toolbar { display: none !important }
.jp-Collapser { visibility: hidden }
.jp-Cell, .jp-Notebook { border-color: transparent !important; box-shadow: none !important; outline: none !important }
"""
"""no marks of the pointer, none of the selection"""
TO_WEBP = """async (png) => {
  const bytes = Uint8Array.from(atob(png), (letter) => letter.charCodeAt(0));
  const bitmap = await createImageBitmap(new Blob([bytes], { type: 'image/png' }));
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [bitmap.width, bitmap.height];
  canvas.getContext('2d').drawImage(bitmap, 0, 0);
  return canvas.toDataURL('image/webp', 0.86).split(',')[1];
}"""

# What the pictures of the views show: the tour's database and classes, and then this.
ASKED = """
from nbsession import select
member, drill, ladder = session.get(Member, 7), session.get(Tool, 7), session.get(Tool, 32)
for one in session.scalars(select(Loan).order_by(Loan.id).limit(4)):
    one.lines
"""
LENT = """
loan = Loan(member=member, out_on=date(2025, 7, 1), due_on=date(2025, 7, 15), lines=[LoanLine(tool=drill, qty=1)])
session.add(loan)
session.flush()
%session savepoint ladder
"""
CHANGED = """
member.name = "Laila Wright-Berg"
session.delete(one)
loan.lines.append(LoanLine(tool=ladder, qty=1))
ada = Member(name="Ada Nyberg")
"""
FAILED = """
session.rollback()
session.add(Member(card_no="TS-1007", name="Bo Lind", joined_on=date(2025, 7, 2), branch_id=1))
session.commit()
"""
TABS = {
    "board": "Board",
    "card": "Card",
    "plan": "Plan",
    "sql": "SQL",
    "timeline": "Timeline",
    "changes": "Changes",
    "outside": "Outside",
    "identity": "Identity map",
    "graph": "Graph",
}


def main() -> None:
    """Writes the pictures beside this file, and says how large they are together."""
    sys.path.insert(0, str(PROJECT))
    from playwright.sync_api import sync_playwright

    from tests.browser.chromium import launch
    from tests.browser.lab import Lab, write_notebook

    tour = json.loads(TOUR.read_text(encoding="utf-8"))["cells"]
    source = {cell["id"]: "".join(cell["source"]) for cell in tour}
    lab = Lab(Path(tempfile.mkdtemp()))
    try:
        lab.wait()
        (lab.folder / TOUR.name).write_bytes(TOUR.read_bytes())
        start = [source["data"], source["classes"], source["open"]]
        write_notebook(lab.folder / "views.ipynb", [*start, ASKED, LENT, CHANGED, FAILED])
        with sync_playwright() as playwright:
            browser = launch(playwright)
            take_readme(browser, lab, [cell["id"] for cell in tour].index(README))
            take_views(browser, lab)
            browser.close()
    finally:
        lab.stop()
    size = sum(path.stat().st_size for path in HERE.glob("*.webp"))
    print(f"{len(list(HERE.glob('*.webp')))} pictures, {size / 1e6:.2f} MB together")
    if size > MOST:
        sys.exit(f"That is more than {MOST / 1e6} MB: take fewer, or smaller ones.")


def take_readme(browser: Browser, lab: Lab, shown: int) -> None:
    """The dashboard below a cell of the tour."""
    notebook = opened(browser, lab, TOUR.name, width=1280)
    for index in range(shown + 1):
        notebook.run(index)
    notebook.output(shown).locator(".nbs-lane[data-state=deleted] .nbs-label").first.wait_for()
    in_both_themes(notebook, "dashboard", lambda: notebook.cells.nth(shown))
    notebook.page.close()


def take_views(browser: Browser, lab: Lab) -> None:
    """Each view by itself, the transaction stack, and the card under an error."""
    from playwright.sync_api import expect

    notebook = opened(browser, lab, "views.ipynb", width=1060)
    for index in range(6):
        notebook.run(index)
    dash = notebook.output(2).locator(".nbs").first
    dash.locator(".nbs-lane[data-state=persistent] .nbs-label", has_text="Member#7").click()
    for name, title in TABS.items():
        dash.get_by_role("tab", name=title).click()
        if name == "graph":
            dash.get_by_role("button", name="Try out on Loan#75").click()
        notebook.page.wait_for_timeout(700)
        expect(dash.get_by_text("Looking").locator("visible=true")).to_have_count(0)
        in_both_themes(notebook, name, lambda: dash.locator(".nbs-panel:visible"))
    in_both_themes(notebook, "stack", lambda: dash.locator(".nbs-rail"))
    notebook.run(6)
    in_both_themes(notebook, "error", lambda: notebook.output(6).locator(".jp-OutputArea-child").last)
    notebook.page.close()


def opened(browser: Browser, lab: Lab, name: str, width: int) -> Notebook:
    """A notebook in a page of that width."""
    from tests.browser.lab import Notebook

    page = browser.new_page(viewport={"width": width, "height": 1100}, device_scale_factor=1.5, reduced_motion="reduce")
    page.set_default_timeout(30_000)
    notebook = Notebook(page, lab, name)
    page.add_style_tag(content=PLAIN)
    return notebook


def in_both_themes(notebook: Notebook, name: str, what: Callable[[], Locator]) -> None:
    """Writes NAME-light.webp and NAME-dark.webp."""
    themes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    for theme in themes:
        notebook.theme(theme)
        notebook.page.mouse.move(2, 2)
        notebook.page.wait_for_timeout(400)
        png = what().screenshot(animations="disabled")
        webp = notebook.page.evaluate(TO_WEBP, base64.b64encode(png).decode())
        (HERE / f"{name}-{theme}.webp").write_bytes(base64.b64decode(webp))


if __name__ == "__main__":
    main()
