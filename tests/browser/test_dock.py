"""``%session dock`` in a real JupyterLab: the dashboard beside the code, room made for it, and back again."""

from __future__ import annotations

from tests.browser.conftest import OpenNotebook

SETUP = """
%load_ext nbsession
from nbsession import DeclarativeBase, Mapped, mapped_column
%session open sqlite://

class Base(DeclarativeBase):
    pass

class Member(Base):
    __tablename__ = "member"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]

Base.metadata.create_all(engine)
"""


def test_the_dashboard_stands_beside_the_code_and_goes_back(notebook: OpenNotebook) -> None:
    nb = notebook("dock.ipynb", SETUP, "%session dock", "ada = Member(name='Ada'); session.add(ada)", "%session dock")
    page, dock = nb.page, nb.page.locator(".nbs-dock")
    page.set_viewport_size({"width": 1400, "height": 800})
    nb.run(0)
    code = nb.cells.nth(0).bounding_box()
    assert code is not None
    nb.run(1)
    dock.locator(".nbs").wait_for()
    assert "The dashboard is beside the code." in nb.text(1)
    panel, narrower = dock.bounding_box(), nb.cells.nth(0).bounding_box()
    assert panel is not None and narrower is not None
    assert panel["x"] + panel["width"] == 1400 and panel["height"] == 800
    assert narrower["x"] + narrower["width"] <= panel["x"] < code["x"] + code["width"], "the application made room"

    # it lives, and its buttons reach the session
    nb.run(2)
    dock.locator(".nbs-lane[data-state=pending] .nbs-label").get_by_text("Member+1").wait_for()
    dock.get_by_role("button", name="Flush").click()
    dock.locator(".nbs-lane[data-state=persistent] .nbs-label").get_by_text("Member#1").wait_for()
    nb.screenshot("dock")

    # its size is set by keys, too
    dock.get_by_role("separator").focus()
    page.keyboard.press("ArrowLeft")
    wider = dock.bounding_box()
    assert wider is not None and wider["width"] == panel["width"] + 40

    # on a narrow page it lies under the code
    page.set_viewport_size({"width": 800, "height": 900})
    page.wait_for_selector(".nbs-dock-under")
    page.set_viewport_size({"width": 1400, "height": 800})
    page.wait_for_selector(".nbs-dock:not(.nbs-dock-under)")

    # one at a time: a second takes the place of the first
    nb.run(3)
    nb.output(1).locator(".nbs").wait_for()
    assert dock.count() == 1

    dock.get_by_role("button", name="Put it back").click()
    nb.output(3).locator(".nbs").wait_for()
    assert dock.count() == 0
    page.wait_for_function("x => document.querySelector('#main').getBoundingClientRect().width === x", arg=1400)
    assert nb.errors == []


def test_clearing_the_output_takes_the_panel_away(notebook: OpenNotebook) -> None:
    nb = notebook("cleared.ipynb", SETUP, "%session dock")
    nb.run(0)
    nb.run(1)
    nb.page.locator(".nbs-dock .nbs").wait_for()
    nb.page.evaluate("() => window.jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
    nb.page.wait_for_selector(".nbs-dock", state="detached")
    assert nb.errors == []
