"""The dashboard in an empty page: the module as it ships, a model that records what the page sends. Knows no kernel."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page

from nbsession.notebook.page.assets import asset_path, joined_module

PROJECT = Path(__file__).parents[2]
FIXTURES = PROJECT / "tests" / "fixtures"
RESULTS = PROJECT / "test-results"
ADDRESS = "http://localhost/"  # never asked: the page is handed out by the test; localhost may use the clipboard
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>dashboard</title><style>
body { margin: 12px; background: #fff } @media (prefers-color-scheme: dark) { body { background: #0d1117 } }
body[data-jp-theme-light=false] { background: #111 } body[data-jp-theme-light=true] { background: #fff }
</style></head><body></body></html>"""
OPEN = """async ({ esm, css, snapshot, view }) => {
  const style = document.createElement("style");
  style.textContent = css;
  document.head.append(style);
  const listeners = {}, state = { snapshot, view };
  const model = {
    sent: [], dead: false,
    get: (name) => state[name],
    set(name, value) { state[name] = value; this.fire("change:" + name); },
    save_changes() {},
    send(message) { if (this.dead) throw new Error("no comm"); this.sent.push(message); },
    on: (name, call) => (listeners[name] ??= new Set()).add(call),
    off: (name, call) => listeners[name]?.delete(call),
    fire: (name, ...args) => [...(listeners[name] ?? [])].forEach((call) => call.call({ model: state }, ...args)),
    listening: () => Object.values(listeners).reduce((sum, set) => sum + set.size, 0),
  };
  const address = URL.createObjectURL(new Blob([esm], { type: "text/javascript" }));
  const widget = await (await import(address)).default();
  const close = await widget.initialize({ model });
  const render = async (place = document.body) => {
    const el = document.createElement("div");
    el.style.marginBottom = "12px";
    place.append(el);
    return { el, close: await widget.render({ model, el }) };
  };
  window.nbs = { model, render, close, shown: [await render()] };
}"""


class Instrument:
    """A dashboard shown in a page.

    :ivar errors: what went wrong in the page's JavaScript and was caught by nobody.
    :ivar greeting: the first message that the page sent.
    """

    def __init__(self, page: Page, snapshot: dict[str, Any], view: str = "board") -> None:
        self.page = page
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.route(ADDRESS, lambda route: route.fulfill(body=PAGE, content_type="text/html"))
        page.goto(ADDRESS)
        css = asset_path("dashboard.css").read_text(encoding="utf-8")
        page.evaluate(OPEN, {"esm": joined_module(), "css": css, "snapshot": snapshot, "view": view})
        self.greeting = page.evaluate("() => nbs.model.sent.shift()")
        self.root = page.locator(".nbs").first

    def set(self, snapshot: dict[str, Any]) -> None:
        """The kernel sends a whole snapshot."""
        self.page.evaluate("s => nbs.model.set('snapshot', s)", snapshot)
        self.settle()

    def send(self, message: dict[str, Any]) -> None:
        """The kernel sends a message: a patch or an answer."""
        self.page.evaluate("m => nbs.model.fire('msg:custom', m)", message)
        self.settle()

    def sent(self) -> list[dict[str, Any]]:
        """What the page sent to the kernel since the last call."""
        messages: list[dict[str, Any]] = self.page.evaluate("() => nbs.model.sent.splice(0)")
        return messages

    def settle(self) -> None:
        """Waits until the page has drawn."""
        self.page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def lose_kernel(self) -> None:
        """What ipywidgets does to a widget whose kernel goes."""
        self.page.evaluate(
            "() => { nbs.model.dead = true; nbs.model.set('comm_live', false); nbs.model.fire('comm_live_update') }"
        )
        self.settle()

    def tab(self, name: str) -> Locator:
        """Opens a tab.

        :return: its panel.
        """
        self.root.get_by_role("tab", name=name).click()
        self.settle()
        return self.root.locator(".nbs-panel:visible")

    def button(self, name: str) -> Locator:
        """A button of the header."""
        return self.root.locator(".nbs-head").get_by_role("button", name=name, exact=True)

    def card(self, label: str) -> Locator:
        """A card on the board."""
        return self.root.locator(".nbs-card", has=self.page.locator(".nbs-label", has_text=label)).first

    def lane(self, state: str) -> Locator:
        """A lane of the board."""
        return self.root.locator(f".nbs-lane[data-state={state}]")

    def picture(self, name: str) -> None:
        """Takes a picture of the whole page into test-results/."""
        RESULTS.mkdir(exist_ok=True)
        self.page.screenshot(path=RESULTS / f"{name}.png", full_page=True)


def fixture(name: str) -> dict[str, Any]:
    """A snapshot that the Python tests use too: ``busy``, ``empty`` or ``failed``."""
    data: dict[str, Any] = json.loads((FIXTURES / f"snapshot_{name}.json").read_text(encoding="utf-8"))
    return data
