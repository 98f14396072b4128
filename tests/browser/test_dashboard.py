"""The dashboard in a real JupyterLab on a real session: it lives while a cell runs, and every button reaches the session."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import OpenNotebook
from tests.browser.lab import Notebook

SETUP = """
import time
from nbsession import DeclarativeBase, ForeignKey, Mapped, Session, create_engine, mapped_column, relationship
from nbsession.notebook.page.widget import Dashboard

class Base(DeclarativeBase):
    pass

class Branch(Base):
    __tablename__ = "branch"
    id: Mapped[int] = mapped_column(primary_key=True)
    town: Mapped[str]
    members: Mapped[list["Member"]] = relationship(back_populates="branch")

class Member(Base):
    __tablename__ = "member"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    email: Mapped[str | None] = mapped_column(unique=True)
    branch_id: Mapped[int | None] = mapped_column(ForeignKey("branch.id"))
    branch: Mapped[Branch | None] = relationship(back_populates="members")

engine = create_engine("URL")
Base.metadata.create_all(engine)
session = Session(engine)
Dashboard(session)
"""


def dashboard(notebook: Notebook, cell: int = 0) -> Locator:
    """The dashboard in a cell's output."""
    shown = notebook.output(cell).locator(".nbs")
    shown.first.wait_for()
    return shown.first


def lane(dash: Locator, state: str) -> Locator:
    """The labels in a lane."""
    return dash.locator(f".nbs-lane[data-state={state}] .nbs-label")


def answer(dash: Locator) -> Locator:
    """The kernel's last answer."""
    return dash.locator(".nbs-answer")


def press(dash: Locator, text: str) -> None:
    """Presses a button of the header."""
    dash.locator(".nbs-head").get_by_role("button", name=text, exact=True).click()


def busy(notebook: Notebook) -> bool:
    """Is a cell running?"""
    status = notebook.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.status")
    return bool(status == "busy")


@pytest.mark.parametrize("url", ["sqlite://", "duckdb://"])
def test_card_changes_lanes_while_the_cell_is_still_running(notebook: OpenNotebook, url: str) -> None:
    step = "time.sleep(1.5)"
    walk = f"""
ada = Member(name="Ada"); {step}
session.add(ada); {step}
session.flush(); {step}
session.delete(ada); session.flush(); {step}
session.commit(); {step}
"""
    nb = notebook("walk.ipynb", SETUP.replace("URL", url), walk)
    nb.run(0)
    dash = dashboard(nb)
    nb.start(1)
    for state, label in (
        ("transient", "Member+1"),
        ("pending", "Member+1"),
        ("persistent", "Member#1"),
        ("deleted", "Member#1"),
        ("detached", "Member#1"),
    ):
        expect(lane(dash, state)).to_have_text([label], timeout=10_000)
        assert busy(nb), f"{state}: seen while the cell was running"
        assert dash.locator(".nbs-card").count() == 1
    nb.wait_until_idle()
    expect(dash.get_by_text("a cell is running")).to_have_count(0)
    assert nb.errors == []


@pytest.mark.parametrize("url", ["sqlite://", "duckdb://"])
def test_every_button_reaches_the_session(notebook: OpenNotebook, url: str) -> None:
    nb = notebook(
        "buttons.ipynb",
        SETUP.replace("URL", url),
        'ada = Member(name="Ada"); bob = Member(name="Bob", email="b@x", branch_id=None); session.add(ada)',
        "bob.name = 'Rob'",
        "print(sorted(m.name for m in session.query(Member)), session.in_transaction())",
    )
    nb.run(0)
    dash = dashboard(nb)
    nb.run(1)
    expect(lane(dash, "transient")).to_have_text(["Member+2"])
    press(dash, "Flush")
    expect(lane(dash, "persistent")).to_have_text(["Member#1"])
    expect(answer(dash)).to_contain_text("pending → persistent")
    expect(dash.locator(".nbs-told li").first).to_contain_text("button: session.flush()")
    press(dash, "Commit")
    expect(dash.locator(".nbs-head")).to_contain_text("idle")
    expect(lane(dash, "persistent")).to_have_text(["Member#1"])

    # the object card's verbs: add, then expunge; add again, then expire, refresh and delete
    lane(dash, "transient").click()
    verbs = dash.get_by_role("group", name=re.compile("Verbs for"))
    verbs.get_by_role("button", name="add").click()
    expect(dash.locator(".nbs-object h3")).to_contain_text("pending")
    verbs.get_by_role("button", name="expunge").click()
    expect(dash.locator(".nbs-object h3")).to_contain_text("transient")
    verbs.get_by_role("button", name="add").click()
    expect(dash.locator(".nbs-object h3")).to_contain_text("pending")
    press(dash, "Flush")
    expect(dash.locator(".nbs-object h3")).to_contain_text("Member#2")
    nb.run(2)
    expect(dash.locator(".nbs-object .nbs-flag")).to_have_text(["* dirty"])
    verbs.get_by_role("button", name="expire").click()
    expect(dash.locator(".nbs-object .nbs-flag")).to_have_text(["~ expired"])
    verbs.get_by_role("button", name="refresh").click()
    expect(dash.locator(".nbs-attributes tr", has_text="name")).to_contain_text("'Bob'")
    verbs.get_by_role("button", name="delete").click()
    expect(dash.locator(".nbs-object .nbs-flag")).to_have_text(["× to delete"])

    # the plan sees the delete; the savepoints take it back
    dash.get_by_role("tab", name="Plan").click()
    expect(dash.locator(".nbs-step")).to_have_count(1)
    expect(dash.locator(".nbs-step")).to_contain_text("DELETE")
    dash.get_by_label("Name of the new savepoint").fill("before")
    dash.get_by_role("button", name="Set savepoint").click()
    expect(dash.locator("[data-frame=before]")).to_be_visible()
    expect(dash.get_by_label("Name of the new savepoint")).to_have_value("")
    dash.get_by_role("button", name="Plan again").click()
    press(dash, "Savepoint")
    expect(dash.locator(".nbs-pill", has_text="2 savepoints")).to_be_visible()
    inner = dash.locator(".nbs-frame .nbs-frame .nbs-frame")
    inner.get_by_role("button", name="release").click()
    expect(dash.locator(".nbs-pill", has_text="1 savepoint")).to_be_visible()
    dash.locator("[data-frame=before]").get_by_role("button", name="roll back to").click()
    expect(answer(dash)).not_to_contain_text("!")
    press(dash, "Roll back")
    expect(dash.locator(".nbs-head")).to_contain_text("idle")
    assert nb.run(3).strip() == "['Ada'] True"
    assert nb.errors == []


def test_sql_view_in_the_notebook(notebook: OpenNotebook) -> None:
    nb = notebook(
        "sql.ipynb",
        SETUP.replace("URL", "sqlite://"),
        "session.add_all([Member(name=n, email='<script>window.broken=1</script>' + n) for n in 'abc']); session.commit()",
        "session.query(Member).all();",
    )
    nb.run(0)
    dash = dashboard(nb)
    nb.run(1)
    nb.run(2)
    dash.get_by_role("tab", name="SQL").click()
    entries = dash.locator(".nbs-entry")
    expect(entries.last).to_contain_text("SELECT")
    shown = entries.count()
    dash.locator(".nbs-panel:visible").get_by_label("Filter").fill("insert into member")
    expect(entries.last).to_contain_text("INSERT INTO")
    assert 0 < entries.count() < shown
    expect(entries.first).to_contain_text("<script>")
    dash.locator(".nbs-panel:visible").get_by_label("Filter").fill("")
    dash.locator(".nbs-panel:visible").get_by_label("internal").check()
    expect(dash.locator(".nbs-bar:visible")).to_contain_text(re.compile(r"\d+ shown of \d+"))
    assert nb.page.evaluate("() => window.broken") is None
    assert nb.errors == []


@pytest.mark.parametrize("url", ["sqlite://", "duckdb://"])
def test_failed_transaction_is_shown_and_rolled_back_from_the_banner(notebook: OpenNotebook, url: str) -> None:
    nb = notebook(
        "failed.ipynb",
        SETUP.replace("URL", url),
        'session.add(Member(name="Ada", email="a@x")); session.commit()',
        'twin = Member(name="Twin", email="a@x"); session.add(twin); session.flush()',
        "print(session.query(Member).count())",
    )
    nb.run(0)
    dash = dashboard(nb)
    nb.run(1)
    assert "IntegrityError" in nb.run(2)
    banner = dash.get_by_role("alert")
    expect(banner).to_contain_text("The transaction failed in In[3]")
    expect(banner).to_contain_text("IntegrityError")
    expect(dash.locator(".nbs-head").get_by_role("button", name="Commit")).to_have_attribute("aria-disabled", "true")
    nb.screenshot(f"lab-failed-{url[:6]}")
    banner.get_by_role("button", name="Roll back").click()
    expect(banner).to_have_count(0)
    expect(dash.locator(".nbs-head")).to_contain_text("idle")
    assert nb.run(3).strip() == "1"
    assert nb.errors == []


def test_button_pressed_while_a_cell_runs_waits_for_its_end(notebook: OpenNotebook) -> None:
    nb = notebook(
        "queued.ipynb",
        SETUP.replace("URL", "sqlite://"),
        'ada = Member(name="Ada"); session.add(ada); time.sleep(3); print(len(session.new))',
    )
    nb.run(0)
    dash = dashboard(nb)
    nb.start(1)
    expect(lane(dash, "pending")).to_have_text(["Member+1"])
    expect(dash.get_by_text("a cell is running")).to_be_visible()
    press(dash, "Flush")
    expect(answer(dash)).to_have_text("flush: queued until the running cell ends")
    expect(lane(dash, "persistent")).to_have_text(["Member#1"])
    nb.wait_until_idle()
    assert nb.text(1).strip() == "1", "the running cell found its object still pending"
    expect(answer(dash)).to_contain_text("pending → persistent")
    assert nb.errors == []


def test_keys_stay_in_the_dashboard(notebook: OpenNotebook) -> None:
    nb = notebook(
        "keys.ipynb", SETUP.replace("URL", "sqlite://"), "a, b = Member(name='a'), Member(name='b'); session.add(a)"
    )
    nb.run(0)
    dash = dashboard(nb)
    nb.run(1)
    count = nb.cells.count()
    dash.get_by_role("tab", name="Board").focus()
    nb.page.keyboard.press("ArrowRight")
    expect(dash.get_by_role("tab", name="Card")).to_be_focused()
    nb.page.keyboard.press("ArrowLeft")
    expect(dash.locator(".nbs-card").first).to_be_visible()
    dash.locator(".nbs-card").first.focus()
    nb.page.keyboard.press("ArrowRight")
    expect(dash.locator(".nbs-lane[data-state=pending] .nbs-card")).to_be_focused()
    for key in ("d", "d", "b", "x"):
        nb.page.keyboard.press(key)
    assert nb.cells.count() == count, "letters are no commands of the notebook here"
    nb.page.keyboard.press("Enter")
    expect(dash.get_by_role("article", name="Object card of Member+1")).to_be_visible()
    field = dash.get_by_label("Name of the new savepoint")
    field.focus()
    nb.page.keyboard.type("abcd")
    expect(field).to_have_value("abcd")
    assert nb.cells.count() == count


def test_several_dashboards_and_boxes_agree(notebook: OpenNotebook) -> None:
    nb = notebook(
        "boxes.ipynb",
        SETUP.replace("URL", "sqlite://"),
        "import ipywidgets as w; both = w.HBox([Dashboard(session), Dashboard(session, view='sql')]); both",
        "out = w.Output(); display(w.VBox([w.Label('in an output'), out]))\nwith out: display(Dashboard(session, 'plan'))",
        "ada = Member(name='Ada'); session.add(ada)",
        "for each in (*both.children,): each.close()",
        "session.flush()",
    )
    for index in range(4):
        nb.run(index)
    expect(lane(dashboard(nb, 0), "pending")).to_have_text(["Member+1"])
    pair = nb.output(1).locator(".nbs")
    expect(lane(pair.nth(0), "pending")).to_have_text(["Member+1"])
    expect(pair.nth(1).get_by_role("tab", name="SQL")).to_have_attribute("aria-selected", "true")
    widths = [box["width"] for box in (pair.nth(0).bounding_box(), pair.nth(1).bounding_box()) if box]
    assert len(widths) == 2 and min(widths) > 250 and abs(widths[0] - widths[1]) < 40
    expect(nb.output(2).locator(".nbs-step")).to_contain_text("INSERT")
    nb.run(4)
    expect(pair).to_have_count(0)
    nb.run(5)
    expect(lane(dashboard(nb, 0), "persistent")).to_have_text(["Member#1"])
    assert nb.errors == []


def test_restarted_kernel_is_said(notebook: OpenNotebook) -> None:
    nb = notebook(
        "restart.ipynb",
        SETUP.replace("URL", "sqlite://"),
        "ada = Member(name='Ada'); session.add(ada); session.flush()",
    )
    nb.run(0)
    dash = dashboard(nb)
    nb.run(1)
    expect(lane(dash, "persistent")).to_have_text(["Member#1"])
    nb.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    expect(dash.get_by_text("No live session")).to_be_visible(timeout=30_000)
    expect(lane(dash, "persistent")).to_have_text(["Member#1"])


def test_page_loaded_again_shows_what_the_patches_made(notebook: OpenNotebook) -> None:
    nb = notebook(
        "reload.ipynb", SETUP.replace("URL", "sqlite://"), "ada = Member(name='Ada'); session.add(ada); session.flush()"
    )
    nb.run(0)
    dash = dashboard(nb)
    nb.run(1)
    expect(lane(dash, "persistent")).to_have_text(["Member#1"])
    nb.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    nb.page.goto(nb.page.url.replace("reset&", ""))
    dash = dashboard(nb)
    expect(lane(dash, "persistent")).to_have_text(["Member#1"])
    expect(dash.locator(".nbs-head")).to_contain_text("in transaction")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pictures_of_the_real_thing(notebook: OpenNotebook, theme: str) -> None:
    story = """
library = Branch(town="Oslo")
ada, bob = Member(name="Ada", branch=library), Member(name="Bob", branch=library)
session.add_all([ada, bob]); session.commit()
"""
    change = """
library.town; session.delete(bob); session.flush()
session.begin_nested(name="import"); eve = Member(name="Eve", branch=library); session.add(eve)
ada.name = "Ada Byron"; note = Member(name="not added yet")
"""
    nb = notebook("picture.ipynb", SETUP.replace("URL", "duckdb://"), story, change)
    nb.theme("dark" if theme == "dark" else "light")
    nb.run(0)
    dash = dashboard(nb)
    nb.run(1)
    nb.run(2)
    expect(lane(dash, "pending")).to_have_count(1)
    ground = dash.evaluate("node => getComputedStyle(node).backgroundColor")
    page_ground = nb.page.evaluate(
        "() => { const n = document.createElement('i'); n.style.background = 'var(--jp-layout-color1)';"
        " document.body.append(n); return getComputedStyle(n).backgroundColor }"
    )
    assert ground == page_ground
    dash.scroll_into_view_if_needed()
    nb.screenshot(f"lab-board-{theme}")
    for name in ("Card", "Plan", "SQL"):
        dash.get_by_role("tab", name=name).click()
        if name == "Card":
            dash.get_by_role("combobox", name="Object").select_option(label="Member#1 · persistent")
        nb.screenshot(f"lab-{name.lower()}-{theme}", dash)
    dash.get_by_role("tab", name="Board").click()
    nb.page.set_viewport_size({"width": 480, "height": 900})
    assert dash.evaluate("node => node.getBoundingClientRect().right <= innerWidth")
    nb.screenshot(f"lab-narrow-{theme}")
    assert nb.errors == []


def test_notebook_7_shows_it_too(notebook: OpenNotebook) -> None:
    nb = notebook(
        "seven.ipynb", SETUP.replace("URL", "sqlite://"), "ada = Member(name='Ada'); session.add(ada); session.flush()"
    )
    page = nb.page
    page.goto(f"{nb.lab.url}/notebooks/seven.ipynb?token={nb.lab.token}")
    # Notebook 7 does not show its application to scripts: the indicator tells when the kernel listens.
    page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").wait_for(timeout=60_000)
    nb.cells.first.locator(".cm-content").click()
    for _ in range(2):
        page.keyboard.press("Shift+Enter")
    dash = dashboard(nb)
    expect(lane(dash, "persistent")).to_have_text(["Member#1"], timeout=20_000)
    press(dash, "Commit")
    expect(dash.locator(".nbs-head")).to_contain_text("idle")
    nb.screenshot("notebook-7")


def test_session_open_shows_the_dashboard(notebook: OpenNotebook) -> None:
    nb = notebook("open.ipynb", "%load_ext nbsession\n%session open sqlite://", "session.begin()", "%session close")
    nb.run(0)
    dash = dashboard(nb)
    expect(dash.get_by_text("Nothing here yet.")).to_be_visible()
    expect(dash.locator(".nbs-head")).to_contain_text("idle")
    nb.run(1)
    expect(dash.locator(".nbs-head")).to_contain_text("in transaction · since In[2]")
    nb.run(2)
    expect(dash.get_by_text("This session is closed")).to_be_visible()
    assert nb.errors == []
