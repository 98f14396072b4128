"""Timeline with its scrubber, changes, outside, identity map, graph: every control of them, and a page that replays alone."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page

from nbsession.notebook.recording.snapshots import merged
from tests.widgets.conftest import Show
from tests.widgets.instrument import Instrument, fixture
from tests.widgets.story import Story
from tests.widgets.test_access import CONTRASTS, CONTROLS, NAMELESS, theme_of


# ── the timeline ─────────────────────────────────────────────────────────────────────────────────────────────────────
def test_timeline_shows_each_event_under_its_call(show: Show) -> None:
    dash = show("busy")
    panel = dash.tab("Timeline")
    assert dash.sent() == [{"kind": "record"}]
    heads = panel.locator(".nbs-act-head").all_inner_texts()
    assert [head.split("\n")[-1].split()[-1] for head in heads][-3:] == ["query", "session.add", "Loan.lines"]
    inside = panel.locator(".nbs-within .nbs-text").all_inner_texts()
    assert inside[0].startswith("DELETE FROM loan_line") and inside[-1] == "Loan#1 persistent → deleted"
    assert panel.get_by_role("status").inner_text() == "16 of 17 events"
    panel.get_by_label("internal").check()
    dash.settle()
    assert "currval" in panel.inner_text()
    panel.get_by_label("Filter").fill("in[3]")
    dash.settle()
    assert panel.locator(".nbs-happened").count() == 1
    panel.get_by_label("Filter").fill("no such thing")
    dash.settle()
    assert panel.get_by_text("No event matches.").is_visible()


def test_a_failed_event_says_its_error(show: Show) -> None:
    panel = show("failed").tab("Timeline")
    assert "IntegrityError: UNIQUE constraint failed" in panel.locator(".nbs-broken").first.inner_text()
    assert show("empty").tab("Timeline").get_by_text("Nothing has happened yet.").is_visible()


def test_the_scrubber_puts_every_view_back_and_nothing_can_be_done_there(show: Show, story: Story) -> None:
    dash = show(story.snapshot)
    dash.tab("Timeline")
    assert dash.root.locator(".nbs-scrubber").is_hidden(), "there is nothing to travel through yet"
    dash.send(story.record)
    slider = dash.root.get_by_role("slider", name="Moment")
    assert slider.get_attribute("aria-valuetext") == "now"
    dash.root.locator(".nbs-goto", has_text=str(story.flushed)).first.click()
    dash.settle()
    assert slider.get_attribute("aria-valuetext") == f"event {story.flushed}"
    dash.tab("Board")
    assert dash.lane("pending").locator(".nbs-label").all_inner_texts() == ["Member+2"]
    assert "* dirty" in dash.card("Member#1").locator(".nbs-flag").all_inner_texts()
    assert "Every view shows that moment" in dash.root.locator(".nbs-scrubber").inner_text()
    dash.sent()
    flush = dash.root.locator(".nbs-head [data-verb=flush]")
    assert flush.get_attribute("aria-disabled") == "true"
    flush.click(force=True)
    dash.settle()
    assert dash.sent() == []
    assert "This is the past: go back to now first." in dash.root.locator(".nbs-answer").inner_text()

    dash.root.get_by_role("button", name="One event back").click()
    dash.settle()
    assert dash.lane("pending").locator(".nbs-label").count() == 0
    dash.root.get_by_role("button", name="One event on").click()
    dash.settle()
    assert dash.lane("pending").locator(".nbs-label").count() == 1
    dash.root.get_by_role("button", name="First event").click()
    dash.settle()
    assert dash.lane("persistent").locator(".nbs-label").count() == 0
    dash.root.get_by_role("button", name="Back to now").click()
    dash.settle()
    assert dash.lane("pending").locator(".nbs-label").all_inner_texts() == ["Member+3"]
    assert dash.root.locator(".nbs-scrubber").is_hidden()


def test_the_slider_is_moved_by_keys(show: Show, story: Story) -> None:
    dash = show(story.snapshot, view="timeline")
    dash.send(story.record)
    slider = dash.root.get_by_role("slider", name="Moment")
    slider.focus()
    dash.page.keyboard.press("Home")
    dash.settle()
    assert dash.root.evaluate("node => node.classList.contains('nbs-past')")
    assert dash.page.evaluate("() => document.activeElement.type") == "range"
    dash.page.keyboard.press("End")
    dash.settle()
    assert slider.get_attribute("aria-valuetext") == "now"
    assert not dash.root.evaluate("node => node.classList.contains('nbs-past')")


def test_every_moment_of_the_record_is_as_the_kernel_replays_it(show: Show, story: Story) -> None:
    dash = show(story.snapshot, view="timeline")
    dash.send(story.record)
    dash.tab("Board")
    data = story.record["base"]
    dash.tab("Timeline")
    slider = dash.root.get_by_role("slider", name="Moment")
    for number, frame in enumerate(story.record["frames"]):
        data = {**data, **merged(data, frame["patch"])}
        if number % 6:
            continue
        slider.fill(str(number))
        dash.settle()
        dash.tab("Board")
        for lane in data["lanes"]:
            labels = [data["cards"][str(token)]["label"] for token in lane["tokens"]]
            assert dash.lane(lane["state"]).locator(".nbs-label").all_inner_texts() == labels
        dash.tab("Timeline")


# ── changes and outside ──────────────────────────────────────────────────────────────────────────────────────────────
def test_changes_are_asked_for_and_shown_before_and_after(show: Show, story: Story) -> None:
    dash = show(story.snapshot)
    panel = dash.tab("Changes")
    assert dash.sent() == [{"kind": "report", "view": "changes"}]
    assert panel.get_by_text("Looking …").is_visible()
    dash.send(story.changes)
    assert "3 rows changed in this transaction and 3 not sent yet" in panel.inner_text()
    rows = [" ".join(row.inner_text().split()) for row in panel.locator("tbody tr").all()]
    assert rows == [
        "* UPDATE Loan#1 note 'a' → 'raw' loan, by SQL of your own",
        "* UPDATE Member#1 name 'Ada' → 'Ada B.' member, by a flush",
        "+ INSERT Member#2 id 2 name 'Bob' member, by a flush",
        "+ INSERT Member+3 name 'Eve' not sent yet",
        "* UPDATE Member#1 name 'Ada B.' → 'Ada C.' not sent yet",
        "− DELETE Member#2 not sent yet",
    ]
    panel.get_by_role("button", name="Look again").click()
    assert dash.sent() == [{"kind": "report", "view": "changes"}]


def test_outside_is_asked_again_after_each_cell(show: Show, story: Story) -> None:
    dash = show(story.snapshot)
    panel = dash.tab("Outside")
    dash.send(story.outside)
    assert "3 rows are not the same outside." in panel.inner_text()
    rows = [" ".join(row.inner_text().split()) for row in panel.locator("tbody tr").all()]
    assert rows[:2] == ["loan 2 2", "Loan#1 note 'raw' note 'a' by SQL of your own"]
    assert "Member#2 id 2 name 'Bob' no row by a flush" in rows
    dash.sent()
    dash.send({"kind": "patch", "revision": 10_000, "as_of": {"cell": "In[9]", "event": 99}})
    assert dash.sent() == [{"kind": "report", "view": "outside"}]
    dash.send({**story.outside, "comparison": {"possible": False, "why_not": "because", "tables": []}})
    assert "Nothing can be seen from outside: because" in panel.inner_text()


def test_without_a_kernel_nobody_is_asked(show: Show) -> None:
    dash = show("busy")
    dash.lose_kernel()
    panel = dash.tab("Outside")
    assert "Nobody can be asked: there is no live session." in panel.inner_text()
    assert dash.sent() == []


# ── identity map and graph ───────────────────────────────────────────────────────────────────────────────────────────
def test_identity_map_names_holders_and_opens_a_card(show: Show) -> None:
    dash = show("busy")
    panel = dash.tab("Identity map")
    rows = [" ".join(row.inner_text().split()) for row in panel.locator("tbody tr").all()]
    assert rows[0] == "Member 3 Member#3 * dirty ada, Out[5] strongly: it has changes to write"
    assert any(row.endswith("no variable weakly: goes when nothing else holds it") for row in rows)
    assert "… 36 more, not shown" in panel.inner_text()
    panel.get_by_role("button", name="Member#3").click()
    dash.settle()
    assert dash.root.get_by_role("tab", name="Card").get_attribute("aria-selected") == "true"
    assert "The identity map is empty" in show("empty").tab("Identity map").inner_text()


def test_graph_links_objects_and_tries_a_deed_out(show: Show, story: Story) -> None:
    dash = show(story.snapshot)
    panel = dash.tab("Graph")
    ada = panel.locator(".nbs-graph-node", has_text="Member#1")
    assert ada.locator(".nbs-node").all_inner_texts() == ["Loan#1", "Loan#2"]
    panel.get_by_role("button", name="Try out on Member#1").click()
    token = story.cascade["cascade"]["tree"]["token"]
    assert dash.sent() == [{"kind": "report", "view": "graph", "token": token, "deed": "delete"}]
    dash.send(story.cascade)
    assert "session.delete(Member#1) would reach 2 other objects. Nothing was done." in panel.inner_text()
    assert panel.locator(".nbs-cascade li").count() == 3
    panel.get_by_label("Deed to try").select_option("expunge")
    assert dash.sent() == [{"kind": "report", "view": "graph", "token": token, "deed": "expunge"}]
    ada.get_by_role("button", name="Loan#1").click()
    dash.settle()
    assert dash.root.locator(".nbs-object h3").inner_text().split()[1] == "Loan#1"
    assert "No object with relationships" in show("empty").tab("Graph").inner_text()


# ── can everybody read it ────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("theme", ["light", "system dark"])
@pytest.mark.parametrize("width", [400, 1180])
def test_new_views_can_be_read_and_named(show: Show, story: Story, theme: str, width: int) -> None:
    dash = show(story.snapshot)
    dash.page.set_viewport_size({"width": width, "height": 900})
    theme_of(dash, theme)
    told = {"Timeline": story.record, "Changes": story.changes, "Outside": story.outside, "Graph": story.cascade}
    for name in ("Timeline", "Changes", "Outside", "Identity map", "Graph"):
        dash.tab(name)
        if name in told:
            dash.send(told[name])
        if name == "Timeline":
            dash.root.locator(".nbs-goto").nth(2).click()
            dash.settle()
            _readable(dash, f"{name}, in the past")
            dash.root.get_by_role("button", name="Back to now").click()
            dash.settle()
        _readable(dash, name)


def _readable(dash: Instrument, name: str) -> None:
    faint = [found for found in dash.page.evaluate(CONTRASTS) if found[0] < 4.5]
    assert faint == [], name
    assert dash.page.evaluate(NAMELESS, CONTROLS) == [], name
    assert dash.page.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), (
        f"{name} is wider than the page"
    )


# ── the exported page ────────────────────────────────────────────────────────────────────────────────────────────────
def test_the_exported_page_replays_alone(browser: Browser, story: Story) -> None:
    page: Page = browser.new_page()
    asked: list[str] = []
    wrong: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text))
    page.on("dialog", lambda dialog: wrong.append(dialog.message))
    page.goto(story.page.as_uri())
    root = page.locator(".nbs")
    root.wait_for()
    assert root.get_by_role("slider", name="Moment").is_visible()
    root.locator(".nbs-goto", has_text=str(story.flushed)).first.click()
    root.get_by_role("tab", name="Board").click()
    assert root.locator(".nbs-lane[data-state=pending] .nbs-label").all_inner_texts() == ["Member+2"]
    root.get_by_role("tab", name="Card").click()
    root.get_by_role("button", name="Back to now").click()
    root.get_by_role("tab", name="SQL").click()
    root.locator(".nbs-sql", has_text="UPDATE loan SET note = 'raw'").wait_for()
    root.get_by_role("tab", name="Outside").click()
    root.get_by_text("Nobody can be asked").wait_for()
    commit = root.locator(".nbs-head").get_by_role("button").last
    assert commit.get_attribute("aria-disabled") == "true"
    commit.click(force=True)
    root.get_by_text("This page is a record").wait_for()
    assert [url for url in asked if not url.startswith(("file:", "blob:"))] == []
    assert wrong == []
    page.close()


def test_no_value_breaks_out_of_the_exported_page(story: Story) -> None:
    html = story.page.read_text(encoding="utf-8")
    assert "<img src=x" not in html and html.count("</script>") == 3
    assert "\\u003cimg src=x onerror=alert(1)\\u003e" in html


def test_the_busy_fixture_has_links_for_the_graph() -> None:
    cards = fixture("busy")["cards"]
    assert [each["tokens"] for each in cards["22"]["attributes"] if each["name"] == "lines"] == [[23, 24]]
