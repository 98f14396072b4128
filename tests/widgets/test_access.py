"""Can everybody read and reach it: contrast in both themes, names, roles, keyboard, calm motion, any width."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.widgets.conftest import Show
from tests.widgets.instrument import Instrument, fixture

VIEWS = ("Board", "Card", "Plan", "SQL", "Timeline", "Identity map", "Graph")

# Every text on the page with its contrast to what is painted behind it. The canvas turns any CSS colour into bytes.
CONTRASTS = """() => {
  const paint = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const bytes = (colours) => {
    paint.clearRect(0, 0, 1, 1);
    for (const colour of colours) { paint.fillStyle = colour; paint.fillRect(0, 0, 1, 1); }
    return [...paint.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const light = (rgb) => rgb.map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const results = [];
  for (const node of document.querySelectorAll(".nbs *")) {
    const text = [...node.childNodes].filter((c) => c.nodeType === 3).map((c) => c.data.trim()).join(" ").trim()
      || node.placeholder || "";
    if (!text || !node.checkVisibility({ visibilityProperty: true })) continue;
    const behind = [];
    for (let each = node; each; each = each.parentElement) behind.unshift(getComputedStyle(each).backgroundColor);
    const ground = ["#fff", ...behind];
    const colour = node.placeholder ? getComputedStyle(node, "::placeholder").color : getComputedStyle(node).color;
    const [a, b] = [light(bytes(ground)), light(bytes([...ground, colour]))].sort((x, y) => y - x);
    results.push([(a + 0.05) / (b + 0.05), text.slice(0, 40), node.className]);
  }
  return results;
}"""
# What assistive technology would announce a control without a name as: nothing.
CONTROLS = ".nbs :is(button, input, select, [role=region], [role=group], [role=tabpanel])"
NAMELESS = """(controls) => [...document.querySelectorAll(controls)]
  .filter((node) => !(node.getAttribute('aria-label') || node.getAttribute('aria-labelledby') || node.innerText?.trim()
    || node.labels?.length || node.hidden || node.title)).map((node) => node.outerHTML.slice(0, 80))"""


def theme_of(dash: Instrument, theme: str) -> None:
    """Makes the page JupyterLab's, light or dark; or a page with no theme of its own, under the system's."""
    system = theme.removeprefix("system ")
    if theme.startswith("system"):
        dash.page.emulate_media(color_scheme="dark" if system == "dark" else "light")
    else:
        dash.page.emulate_media(color_scheme="light" if theme == "dark" else "dark")  # JupyterLab's theme wins
        light = "true" if theme == "light" else "false"
        ground = {"light": "#ffffff", "dark": "#212121"}[theme]
        dash.page.evaluate(
            """([light, ground]) => { document.body.dataset.jpThemeLight = light;
            document.body.style.setProperty('--jp-layout-color1', ground) }""",
            [light, ground],
        )
    dash.settle()


@pytest.mark.parametrize("theme", ["light", "system dark"])
@pytest.mark.parametrize("name", ["busy", "failed", "empty"])
def test_every_text_has_enough_contrast(show: Show, name: str, theme: str) -> None:
    dash = show(name)
    theme_of(dash, theme)
    dash.root.get_by_role("button", name="Copy").evaluate_all("all => all.forEach(each => { each.hidden = false })")
    dash.button("Flush").hover()
    dash.send({"kind": "answer", "verb": "flush", "ok": name != "failed", "text": "3 pending → persistent"})
    if name != "empty":
        dash.root.locator(".nbs-card").first.click()
    for view in VIEWS:
        panel = dash.tab(view)
        if view == "SQL":
            panel.get_by_label("internal").check()
        found = dash.page.evaluate(CONTRASTS)
        assert len(found) > 20
        poor = [each for each in found if each[0] < 4.5]
        assert poor == [], f"{view} in {theme}"


def test_disconnected_dashboard_keeps_its_contrast(show: Show) -> None:
    dash = show("busy")
    dash.lose_kernel()
    assert [each for each in dash.page.evaluate(CONTRASTS) if each[0] < 4.5] == []


def test_theme_follows_jupyterlab_and_elsewhere_the_system(show: Show) -> None:
    dash = show("busy")
    ground = "() => getComputedStyle(document.querySelector('.nbs')).backgroundColor"
    theme_of(dash, "system dark")
    assert dash.page.evaluate(ground) == "rgb(18, 22, 28)"
    theme_of(dash, "system light")
    assert dash.page.evaluate(ground) == "rgb(255, 255, 255)"
    theme_of(dash, "dark")
    assert dash.page.evaluate(ground) == "rgb(33, 33, 33)"
    ink = "() => getComputedStyle(document.querySelector('.nbs')).color"
    assert dash.page.evaluate(ink) == "rgb(230, 235, 242)"


def test_letters_are_dark_on_every_state_but_the_blue_one(show: Show) -> None:
    dash = show("busy")
    theme_of(dash, "light")
    colours = {
        state: dash.lane(state).locator("h3 .nbs-badge").evaluate("node => getComputedStyle(node).color")
        for state in ("transient", "pending", "persistent", "deleted", "detached")
    }
    assert colours.pop("persistent") == "rgb(255, 255, 255)"
    assert set(colours.values()) == {"rgb(16, 21, 27)"}


def test_shapes_differ_without_any_colour(show: Show) -> None:
    dash = show("busy")
    style = """node => { const label = node.querySelector('.nbs-label');
      return [getComputedStyle(node).borderStyle, getComputedStyle(node, '::before').backgroundImage,
        getComputedStyle(node, '::after').content, getComputedStyle(label, '::before').content].join() }"""
    states = ("transient", "pending", "persistent", "deleted", "detached")
    shapes = {dash.lane(state).locator(".nbs-card").first.evaluate(style) for state in states}
    assert len(shapes) == 5


@pytest.mark.parametrize("name", ["busy", "failed", "empty"])
def test_every_control_has_a_name(show: Show, name: str) -> None:
    dash = show(name)
    for view in VIEWS:
        dash.tab(view)
        assert dash.page.evaluate(NAMELESS, CONTROLS) == []
    assert dash.page.get_by_role("region", name="Dashboard of session").count() == 1


def test_tabs_follow_the_pattern(show: Show) -> None:
    dash = show("busy")
    tabs = dash.root.get_by_role("tablist", name="Views").get_by_role("tab")
    assert tabs.count() == 9
    tabs.first.focus()
    right, left = "ArrowRight", "ArrowLeft"
    steps = ((right, "Card"), (right, "Plan"), ("End", "Graph"), (right, "Board"), (left, "Graph"), ("Home", "Board"))
    for key, name in steps:
        dash.page.keyboard.press(key)
        dash.settle()
        focused = dash.page.evaluate("() => [document.activeElement.textContent, document.activeElement.ariaSelected]")
        assert focused[0].startswith(name) and focused[1] == "true"
        panel = dash.root.locator("[role=tabpanel]:visible")
        assert panel.count() == 1
        assert panel.get_attribute("aria-labelledby") == dash.root.get_by_role("tab", selected=True).get_attribute("id")
    assert [tab.get_attribute("tabindex") for tab in tabs.all()] == ["0", *["-1"] * 8]


def test_arrows_walk_the_board_and_enter_opens_a_card(show: Show) -> None:
    dash = show("busy")
    dash.card("Notice+1").focus()
    walked = []
    for key in ("Right", "Down", "Right", "Up", "Up", "Right", "Right", "Right"):
        dash.page.keyboard.press(f"Arrow{key}")
        walked.append(dash.page.evaluate("() => document.activeElement.querySelector('.nbs-label').textContent"))
    assert walked == ["Loan+1", "LoanLine+1", "Tool#9", "Member#3", "Tool#14", "Loan#1", "Member#8", "Notice+1"]
    dash.page.keyboard.press("Enter")
    dash.settle()
    assert dash.root.get_by_role("article", name="Object card of Notice+1").is_visible()


def test_whole_dashboard_is_reached_by_tab_and_focus_is_seen(show: Show) -> None:
    dash = show("busy")
    reached: list[str] = []
    rings: list[str] = []
    for _ in range(60):
        dash.page.keyboard.press("Tab")
        focus: Any = dash.page.evaluate(
            """() => { const node = document.activeElement;
            return node.closest('.nbs') && [node.dataset.focus, getComputedStyle(node).outlineStyle] }"""
        )
        if focus is None:
            break
        reached.append(focus[0])
        rings.append(focus[1])
    every = dash.page.evaluate(
        "() => [...document.querySelectorAll('.nbs :is(button, input, select)')]"
        ".filter(n => n.checkVisibility() && n.tabIndex >= 0).map(n => n.dataset.focus)"
    )
    assert reached == every and len(set(reached)) == len(reached)
    assert set(rings) == {"solid"}


def test_jupyterlab_is_told_to_leave_the_keys_alone(show: Show) -> None:
    dash = show("busy")
    dash.card("Member#3").focus()
    assert dash.card("Member#3").get_attribute("data-lm-suppress-shortcuts") == "true"


def test_motion_is_calm_and_can_be_refused(show: Show) -> None:
    dash = show("busy")
    animation = "() => getComputedStyle(document.querySelector('.nbs-just')).animationName"
    dash.page.emulate_media(reduced_motion="no-preference")
    assert dash.page.evaluate(animation) == "nbs-arrive"
    dash.page.emulate_media(reduced_motion="reduce")
    assert dash.page.evaluate(animation) == "none"


def test_highlight_does_not_start_again_with_every_patch(show: Show) -> None:
    dash = show("busy")
    dash.page.evaluate("() => { window.kept = [...document.querySelectorAll('.nbs-just')] }")
    for revision in (8, 9, 10):
        as_of = {"cell": "In[7]", "event": revision}
        dash.send({"kind": "patch", "revision": revision, "log_total": revision, "as_of": as_of})
    assert dash.page.evaluate("() => kept.length === 3 && kept.every(card => card.isConnected)")


def test_live_regions_are_polite_and_the_failure_is_an_alert(show: Show) -> None:
    dash = show("failed")
    live = dash.page.evaluate("() => [...document.querySelectorAll('.nbs [aria-live]')].map(node => node.ariaLive)")
    assert set(live) == {"polite"}
    assert dash.root.get_by_role("alert").count() == 1


@pytest.mark.parametrize("width", [320, 400, 640, 820, 1024, 1280, 1600, 2000])
@pytest.mark.parametrize("name", ["busy", "failed", "empty"])
def test_nothing_is_cut_off_at_any_width(show: Show, name: str, width: int) -> None:
    dash = show(name)
    dash.page.set_viewport_size({"width": width, "height": 900})
    if name != "empty":
        dash.root.locator(".nbs-card").first.click()
    for view in VIEWS:
        dash.tab(view)
        assert dash.page.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), view
        outside = dash.page.evaluate(
            """() => { const box = document.querySelector('.nbs').getBoundingClientRect();
            return [...document.querySelectorAll('.nbs :is(button, input, select, h2, h3, p)')]
              .filter((n) => n.checkVisibility() && !n.closest('.nbs-scroll, .nbs-track, .nbs-tabs'))
              .filter((n) => {
                const its = n.getBoundingClientRect();
                return its.right > box.right + 1 || its.left < box.left - 1;
              })
              .map((n) => n.outerHTML.slice(0, 100)) }"""
        )
        assert outside == [], view


@pytest.mark.parametrize(("scheme", "width"), [("light", 1640), ("dark", 424)])
def test_pictures_for_whoever_looks(browser: Browser, scheme: str, width: int) -> None:
    """Leaves the pictures in test-results/ that test_axe.py does not: wide, and narrow in the dark."""
    context = browser.new_context(
        viewport={"width": width, "height": 700},
        color_scheme="dark" if scheme == "dark" else "light",
        reduced_motion="reduce",
    )
    page: Page = context.new_page()
    for name in ("busy", "failed", "empty"):
        Instrument(page, fixture(name)).picture(f"state-{name}-{scheme}-{width}")
    for view in ("card", "plan", "sql"):
        dash = Instrument(page, fixture("busy"), view)
        if view == "card":
            dash.root.get_by_role("combobox", name="Object").select_option("3")
            dash.settle()
        dash.picture(f"view-{view}-{scheme}-{width}")
    context.close()
