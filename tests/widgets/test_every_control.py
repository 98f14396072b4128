"""Every control of the dashboard is driven: each button, field, list and key that a page can have, and none is forgotten."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator

from tests.widgets.conftest import Show
from tests.widgets.everything import TABS, TOLD, record
from tests.widgets.instrument import Instrument, fixture

WIDGETS = Path(__file__).parents[2] / "widgets"
CONTROLS = ".nbs :is(button, input, select, textarea, a, summary, [tabindex], [contenteditable])"


class Driver:
    """How one kind of control is driven, and what must come of it.

    :ivar names: which ``data-focus`` are of this kind.
    :ivar where: the tab on which it is found.
    """

    def __init__(self, names: str, where: str, drive: Callable[[Instrument, Locator], None], example: str = "") -> None:
        self.names = re.compile(names)
        self.where = where
        self.drive = drive
        self.example = example


def press(*sent: dict[str, Any], shows: str = "", line: str = "") -> Callable[[Instrument, Locator], None]:
    """A press sends these messages, makes something visible, and the call line shows the code before it."""

    def drive(dash: Instrument, control: Locator) -> None:
        control.focus()
        dash.settle()
        if line:
            assert dash.root.locator(".nbs-code").text_content() == line
        dash.page.keyboard.press("Enter")
        dash.settle()
        assert dash.sent() == list(sent)
        if shows:
            dash.root.locator(f"{shows}:visible").first.wait_for(timeout=2_000)

    return drive


def verb(verb: str, code: str, **detail: Any) -> Callable[[Instrument, Locator], None]:
    return press({"kind": "action", "verb": verb, **detail}, line=code)


def opens(token: int) -> Callable[[Instrument, Locator], None]:
    return press({"kind": "show", "view": "card", "token": token}, shows=".nbs-object")


def scrolls(dash: Instrument, control: Locator) -> None:
    """A region that scrolls is reached by keys and has a name."""
    control.focus()
    assert dash.page.evaluate("() => document.activeElement.getAttribute('aria-label')")


def filters(rows: str) -> Callable[[Instrument, Locator], None]:
    def drive(dash: Instrument, control: Locator) -> None:
        before = dash.root.locator(rows).count()
        control.fill("DELETE FROM loan WHERE")
        dash.settle()
        assert 0 < dash.root.locator(rows).count() < before
        control.fill("")
        dash.settle()
        assert dash.root.locator(rows).count() == before

    return drive


def switches(rows: str) -> Callable[[Instrument, Locator], None]:
    def drive(dash: Instrument, control: Locator) -> None:
        before = dash.root.locator(rows).count()
        control.focus()
        dash.page.keyboard.press("Space")
        dash.settle()
        assert dash.root.locator(rows).count() > before
        dash.page.keyboard.press("Space")
        dash.settle()

    return drive


def chooses(value: str, *sent: dict[str, Any]) -> Callable[[Instrument, Locator], None]:
    def drive(dash: Instrument, control: Locator) -> None:
        control.select_option(value)
        dash.settle()
        assert dash.sent() == list(sent)

    return drive


def travels(event: int | None) -> Callable[[Instrument, Locator], None]:
    def drive(dash: Instrument, control: Locator) -> None:
        press()(dash, control)
        told = dash.root.get_by_role("slider", name="Moment").get_attribute("aria-valuetext")
        assert told == ("now" if event is None else f"event {event}")

    return drive


def slides(dash: Instrument, control: Locator) -> None:
    control.focus()
    dash.page.keyboard.press("Home")
    dash.settle()
    assert control.get_attribute("aria-valuetext") == "event 22"
    dash.page.keyboard.press("End")
    dash.settle()
    assert control.get_attribute("aria-valuetext") == "now"


def types(dash: Instrument, control: Locator) -> None:
    control.fill("mine")
    dash.page.keyboard.press("Enter")
    assert dash.sent() == [{"kind": "action", "verb": "savepoint", "name": "mine"}]
    dash.send({"kind": "answer", "verb": "savepoint", "ok": True, "text": "savepoint mine"})
    assert control.input_value() == ""


def copies(dash: Instrument, control: Locator) -> None:
    dash.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    dash.button("Flush").focus()
    press(shows=".nbs-copied:text('copied')")(dash, control)


def tabs(dash: Instrument, control: Locator) -> None:
    asked = {"plan": {"kind": "plan"}, "timeline": {"kind": "record"}}
    asked |= {name: {"kind": "report", "view": name} for name in ("outside", "changes")}
    for tab in dash.root.get_by_role("tab").all():
        name = (tab.get_attribute("data-focus") or "").removeprefix("tab ")
        tab.click()
        dash.settle()
        assert dash.sent() == ([asked[name]] if name in asked else [])
        assert dash.root.locator("[role=tabpanel]:visible").get_attribute("aria-labelledby") == tab.get_attribute("id")


def chooses_move(dash: Instrument, control: Locator) -> None:
    press()(dash, control)
    assert control.get_attribute("aria-pressed") == "true"
    number = (control.get_attribute("aria-label") or "").split()[1].rstrip(":")
    assert dash.root.locator(".nbs-told li").first.inner_text().startswith(f"{number}.")
    press()(dash, control)


def shows_statements(dash: Instrument, control: Locator) -> None:
    press(line="select(Loan).options(selectinload(Loan.lines))")(dash, control)
    field = dash.root.locator("[data-focus='statements filter']")
    assert field.input_value() == "lazy load of Loan.lines"
    field.fill("")


ROW, EVENT = ".nbs-panel:visible .nbs-entry", ".nbs-panel:visible .nbs-happened"
PLAN, OUTSIDE = {"kind": "plan"}, {"kind": "report", "view": "outside"}
TRY = {"kind": "report", "view": "graph", "token": 3}
DRIVERS = (
    Driver("tab ", "Board", tabs),
    Driver("verb savepoint $|verb savepoint   $", "Board", verb("savepoint", "session.begin_nested()")),
    Driver("verb savepoint .*nbs-in-rail", "Board", verb("savepoint", "session.begin_nested()")),
    Driver("verb rollback   $", "Board", verb("rollback", "session.rollback()")),
    Driver("verb flush", "Board", verb("flush", "session.flush()")),
    Driver("verb commit", "Board", verb("commit", "session.commit()")),
    Driver("verb rollback to", "Board", verb("rollback to", "%session rollback import", name="import"), "import"),
    Driver("verb release", "Board", verb("release", "%session release import", name="import"), "import"),
    Driver("copy", "Board", copies),
    Driver(r"card \d", "Board", opens(3), "card 3"),
    Driver("savepoint name", "Board", types),
    Driver("rail look outside", "Board", press(OUTSIDE, line="%session outside")),
    Driver("rail open outside", "Board", press(OUTSIDE, shows=".nbs-verdict-line")),
    Driver("move ", "Board", chooses_move),
    Driver("sentence ", "Board", opens(23), "sentence 24"),
    Driver("choice", "Card", chooses("9", {"kind": "show", "view": "card", "token": 9})),
    Driver("verb add", "Card 31", verb("add", "session.add(obj)  # obj: Notice+1", token=31)),
    Driver("verb delete", "Card 3", verb("delete", "session.delete(obj)  # obj: Member#3", token=3)),
    Driver("verb expunge", "Card 3", verb("expunge", "session.expunge(obj)  # obj: Member#3", token=3)),
    Driver("verb refresh", "Card 3", verb("refresh", "session.refresh(obj)  # obj: Member#3", token=3)),
    Driver("verb expire", "Card 3", verb("expire", "session.expire(obj)  # obj: Member#3", token=3)),
    Driver("attributes", "Card 3", scrolls),
    Driver("plan again", "Plan", press(PLAN, line="session.flush_plan()")),
    Driver("statements$", "SQL", scrolls),
    Driver("statements filter", "SQL", filters(ROW)),
    Driver("statements internal", "SQL", switches(ROW)),
    Driver("repeat ", "SQL", shows_statements),
    Driver("fix ", "SQL", press(line="select(Loan).options(selectinload(Loan.lines))")),
    Driver("events$", "Timeline", scrolls),
    Driver("events filter", "Timeline", filters(EVENT)),
    Driver("events internal", "Timeline", switches(EVENT)),
    Driver(r"event \d", "Timeline", travels(23), "event 23"),
    Driver("moment", "Timeline", slides),
    Driver("scrub First event", "Timeline", travels(22)),
    Driver("scrub One event back", "Timeline", travels(23)),
    Driver("scrub One event on", "Timeline past", travels(24)),
    Driver("scrub Back to now", "Timeline past", travels(None)),
    Driver("changes$", "Changes", scrolls),
    Driver("changes again", "Changes", press({"kind": "report", "view": "changes"}, line="%session diff")),
    Driver("outside$", "Outside", scrolls),
    Driver("outside again", "Outside", press(OUTSIDE, line="%session outside")),
    Driver("identity map", "Identity map", scrolls),
    Driver(r"identity \d", "Identity map", opens(3), "identity 3"),
    Driver(
        "try ", "Graph", press({**TRY, "deed": "delete"}, line="%session graph delete obj  # obj: Member#3"), "try 3"
    ),
    Driver("node ", "Graph", opens(3), "node member 3"),
    Driver("deed", "Graph tried", chooses("expunge", {**TRY, "deed": "expunge"})),
)


def go(dash: Instrument, where: str) -> None:
    """Opens the page's place where a control is: a tab, with an object chosen, in the past, or with a deed tried."""
    if "nbs-past" in (dash.root.get_attribute("class") or ""):
        dash.root.get_by_role("button", name="Back to now").click()
    tab, _, more = where.partition(" ") if where not in TABS else (where, "", "")
    dash.tab(tab)
    if tab == "Card" and more:
        dash.root.get_by_role("combobox", name="Object").select_option(more)
    if more == "past":
        dash.root.locator("[data-focus='event 23']").click()
    if more == "tried":
        dash.root.locator("[data-focus='try 3']").click()
    dash.settle()
    dash.sent()


def drivers_of(control: str) -> list[Driver]:
    return [driver for driver in DRIVERS if driver.names.match(control)]


@pytest.mark.parametrize("tab", TABS)
def test_every_control_of_a_tab_does_what_it_says(show: Show, tab: str) -> None:
    dash = show("busy")
    for message in TOLD:
        dash.send(message)
    drivers = [driver for driver in DRIVERS if driver.where.startswith(tab)]
    assert drivers
    for driver in drivers:
        go(dash, driver.where)
        names = dash.page.eval_on_selector_all(CONTROLS, "all => all.map(each => each.dataset.focus)")
        found = [name for name in names if driver.names.match(name) and driver.example in name]
        assert found, f"{driver.names.pattern} is not on {driver.where}"
        name = next((each for each in found if each == driver.example), found[0])
        driver.drive(dash, dash.root.locator(f'[data-focus="{name}"]:visible').first)


def test_no_control_is_without_a_driver(show: Show) -> None:
    every: set[str | None] = set()
    for name in ("busy", "failed", "empty"):
        dash = show(name)
        for message in TOLD if name == "busy" else ():
            dash.send(message)
        for tab in TABS:
            dash.tab(tab)
            if tab == "Card" and name == "busy":
                dash.root.get_by_role("combobox", name="Object").select_option("3")
                dash.settle()
            every |= set(dash.page.eval_on_selector_all(CONTROLS, "all => all.map(each => each.dataset.focus ?? null)"))
    assert None not in every, "a control has no data-focus: it would lose the focus with a patch"
    banner = {each for each in every if each and each.startswith("verb rollback") and "nbs-go" in each}
    assert len(banner) == 2, "the failed page's two ways to roll back, driven in test_verbs.py"
    assert [each for each in every - banner if each and len(drivers_of(each)) != 1] == []


def test_no_kind_of_control_stands_in_the_source_only() -> None:
    """What makes a control names its focus; each of those names has a driver."""
    source = "\n".join(path.read_text(encoding="utf-8") for path in WIDGETS.glob("*.js"))
    made = re.findall(r'\bh\(\s*"(button|input|select|textarea|a|summary)"', source)
    named = len(re.findall(r'"data-focus":', source))
    regions = source.count('tabindex: "0"')
    assert len(made) + regions <= named + 2, "a link's and a copy button's names stand in an object of their own"
    assert len(re.findall(r"onkeydown", source)) == 2, "the tabs' and the board's keys, driven in test_access.py"


def test_in_the_past_and_without_a_kernel_no_control_sends_anything(show: Show) -> None:
    dash = show("busy")
    dash.send(record())
    dash.tab("Timeline")
    dash.root.locator("[data-focus='event 23']").click()
    dash.settle()
    dash.sent()
    assert [each for each in press_everything(dash) if each != {"kind": "record"}] == [], "the story may be read again"
    dash = show("busy")
    dash.lose_kernel()
    assert press_everything(dash) == []
    assert fixture("busy")["session"]["open"]


def press_everything(dash: Instrument) -> list[dict[str, Any]]:
    """Presses every button of every tab, except those that lead back to now."""
    for tab in TABS:
        dash.root.get_by_role("tab", name=tab).click()
        dash.settle()
        dash.page.evaluate(
            """() => [...document.querySelectorAll(".nbs button")]
            .filter((each) => each.checkVisibility() && !/^(scrub|event|tab) /.test(each.dataset.focus))
            .forEach((each) => each.click())"""
        )
        dash.settle()
    return dash.sent()
