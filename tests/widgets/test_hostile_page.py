"""Hostile strings stay text on the page: every string of one list on every tab, and a page that is exported of all of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from nbsession import create_engine
from nbsession.notebook.page.export import export
from nbsession.notebook.recording.recorder import recorder_of, stop_listening
from tests.notebook.fixtures import everywhere
from tests.notebook.hostile import HOSTILE, SCRIPT, poison
from tests.widgets.conftest import Show
from tests.widgets.everything import TABS, TOLD
from tests.widgets.instrument import fixture

OURS = {
    "aside",
    "article",
    "b",
    "button",
    "code",
    "dd",
    "del",
    "div",
    "dl",
    "dt",
    "footer",
    "form",
    "h2",
    "h3",
    "input",
}
OURS |= {"ins", "label", "li", "ol", "option", "p", "section", "select", "small", "span", "strong", "table", "tbody"}
OURS |= {"td", "th", "thead", "tr", "ul"}
LOOK = """() => {
  const nodes = [...document.querySelectorAll(".nbs *")];
  return {
    broken: window.broken ?? null,
    tags: [...new Set(nodes.map((node) => node.localName))],
    handlers: nodes.flatMap((node) => [...node.attributes].map(({ name }) => name)).filter((name) => /^on/.test(name)),
    links: nodes.filter((node) => ["href", "src", "srcdoc", "action"].some((name) => node.hasAttribute(name))).length,
    styles: [...new Set(nodes.map((node) => node.getAttribute("style")).filter(Boolean))],
    hidden: !document.querySelector(".nbs").checkVisibility(),
    text: document.querySelector(".nbs-panel:not([hidden])").textContent,
  };
}"""


def check(page: Page, where: str, wanted: str = "") -> None:
    """The tab is made of our own elements, nothing ran, and the string is there as text."""
    found: dict[str, Any] = page.evaluate(LOOK)
    assert found["broken"] is None, where
    assert set(found["tags"]) <= OURS, where
    assert (found["handlers"], found["links"], found["hidden"]) == ([], 0, False), where
    assert all(style.startswith("--depth:") for style in found["styles"]), where
    assert wanted in found["text"], where


def test_hostile_strings_stay_text_on_every_tab(show: Show) -> None:
    dash = show("busy")
    for what, given in HOSTILE.items():
        told = given.replace("\ud800", "\ufffd").replace("\x00", "\ufffd")  # the kernel sends no half characters
        dash.set(everywhere(fixture("busy"), told))
        for message in TOLD:
            view = message.get("view")
            dash.send({**everywhere(message, told), "kind": message["kind"], **({"view": view} if view else {})})
        for tab in TABS:
            dash.root.locator(f'[data-focus^="tab {tab.split()[0].lower()}"]').click()
            if tab == "Card":
                dash.root.locator("[data-focus=choice]").select_option("3")
            dash.settle()
            check(dash.page, f"{what} on {tab}", told)
        dash.button("Flush").focus()
        check(dash.page, f"{what} on the call line")


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a session in which everything that can be is hostile; DuckDB, whose savepoints take any name too."""
    engine = create_engine("duckdb://")
    session = poison(engine, recorder_of)
    page = export(session, tmp_path_factory.mktemp("hostile") / "story.html")
    session.close()
    stop_listening(session)
    engine.dispose()
    return page


def test_an_exported_page_of_hostile_strings_replays_offline_and_runs_none(browser: Browser, exported: Path) -> None:
    page = browser.new_page()
    asked: list[str] = []
    wrong: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text))
    page.on("dialog", lambda dialog: wrong.append(dialog.message))
    page.goto(exported.as_uri())
    page.locator(".nbs").wait_for()
    slider = page.get_by_role("slider", name="Moment")
    last = int(slider.get_attribute("max") or 0)
    assert last > 30
    for moment in (last, 0, last // 2, last - 1):
        slider.fill(str(moment))
        for tab in TABS:
            page.get_by_role("tab", name=tab).click()
            page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
            held = moment >= last - 1 and tab in ("Board", "SQL", "Timeline", "Graph")
            check(page, f"{tab} at {moment}", SCRIPT if held else "")
        page.get_by_role("tab", name="Timeline").click()
    assert [url for url in asked if not url.startswith(("file:", "blob:"))] == []
    assert [url for url in asked if url.startswith("file:")] == [exported.as_uri()]
    assert wrong == []
    page.close()
