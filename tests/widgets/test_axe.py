"""axe-core finds nothing wrong on any tab: light, dark, narrow; busy, failed, empty, past, disconnected; exported."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page

from tests.widgets.axe import violations
from tests.widgets.conftest import Show
from tests.widgets.everything import TABS, TOLD
from tests.widgets.instrument import fixture
from tests.widgets.story import Story
from tests.widgets.test_access import theme_of


@pytest.mark.parametrize(("theme", "width"), [("light", 1180), ("dark", 1180), ("light", 400)])
def test_axe_finds_nothing_on_any_tab(show: Show, theme: str, width: int) -> None:
    dash = show("busy")
    dash.page.set_viewport_size({"width": width, "height": 900})
    theme_of(dash, theme)
    for message in TOLD:
        dash.send(message)
    dash.button("Flush").focus()
    dash.send({"kind": "answer", "verb": "flush", "ok": False, "text": "IntegrityError"})
    for tab in TABS:
        dash.tab(tab)
        if tab == "Card":
            dash.root.get_by_role("combobox", name="Object").select_option("3")
            dash.settle()
        assert violations(dash.page) == [], tab
        dash.picture(f"view-{tab.split()[0].lower()}-{theme}-{width}")
    dash.tab("Timeline")
    dash.root.locator("[data-focus='event 23']").click()
    dash.settle()
    assert violations(dash.page) == [], "in the past"
    dash.root.get_by_role("button", name="Back to now").click()
    dash.tab("Board")
    for name in ("failed", "empty"):
        dash.set(fixture(name))
        assert violations(dash.page) == [], name
        dash.picture(f"state-{name}-{theme}-{width}")
    dash.set({**fixture("busy"), "running": True})
    dash.lose_kernel()
    assert violations(dash.page) == [], "disconnected"
    dash.picture(f"state-disconnected-{theme}-{width}")


def test_axe_finds_nothing_on_an_exported_page(browser: Browser, story: Story) -> None:
    page: Page = browser.new_page(bypass_csp=True)
    page.goto(story.page.as_uri())
    page.locator(".nbs").wait_for()
    assert violations(page, None) == []
    page.close()
