"""The JupyterLite site: built from what is here, it runs the tour in a page that reaches nothing but the page's own server."""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect, sync_playwright

import dev
from tests.browser.chromium import FLAGS, provide
from tests.browser.lab import RUN

pytestmark = [pytest.mark.long, pytest.mark.browser]
NOWHERE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
READY = """() => {
  const context = window.jupyterapp?.shell?.currentWidget?.sessionContext;
  return !!context?.isReady && context.session?.kernel?.status === 'idle';
}"""


FIND = """line => window.jupyterapp.shell.currentWidget.content.widgets
  .findIndex((cell) => cell.model.sharedModel.source.split('\\n').includes(line))"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, *arguments: object) -> None:
        """Says nothing."""


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """The address of the site, built just now."""
    assert dev.main(["lite"]) == 0
    handler = functools.partial(Quiet, directory=str(dev.RESULTS / "lite" / "site"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def offline_page() -> Iterator[Page]:
    """A page for which no name but this machine's number can be found."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(headless=True, args=[*FLAGS, NOWHERE], **provide())
        page = browser.new_page(viewport={"width": 1280, "height": 1000})
        page.set_default_timeout(30_000)
        yield page
        browser.close()


def test_the_tour_runs_in_a_page_without_a_network(site: str, offline_page: Page) -> None:
    """Up to ``%session flush`` and the text after it; then a button of the dashboard rolls back."""
    opened = Opened(offline_page, site, "00_tour.ipynb")
    opened.run(17)
    shown = opened.cells.nth(6).locator(".nbs")
    expect(shown.locator(".nbs-lane[data-state=persistent] .nbs-label")).to_have_text(
        ["Member#7", "Tool#7", "LoanLine#162", "Loan#75"]
    )
    shown.locator(".nbs-head").get_by_role("button", name="Roll back", exact=True).click()
    expect(shown.locator(".nbs-head")).to_contain_text("idle")
    expect(shown.locator(".nbs-lane[data-state=transient] .nbs-label")).to_have_count(2)
    assert (opened.elsewhere, opened.errors) == ([], [])


def test_lesson_1_runs_in_a_page_without_a_network(site: str, offline_page: Page) -> None:
    """Up to the board after the flush; predictions are clicked and locked, as the cells after them demand."""
    opened = Opened(offline_page, site, "01_the_new_member.ipynb")
    look = opened.index_of("%session show")
    opened.run(look + 1)
    expect(opened.cells.nth(look).locator(".nbs-lane[data-state=persistent] .nbs-label")).to_have_text(["Member#65"])
    assert (opened.elsewhere, opened.errors) == ([], [])


class Opened:
    """A notebook of the site, open in a page, its kernel ready.

    :ivar elsewhere: addresses that were asked for and are not the site's.
    :ivar errors: what went wrong in the page's JavaScript and was caught by nobody.
    """

    def __init__(self, page: Page, site: str, name: str) -> None:
        self.page = page
        self.elsewhere: list[str] = []
        self.errors: list[str] = []
        page.on("request", lambda request: self._asked(request.url, site))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.goto(f"{site}/lab/index.html?path={name}")
        page.wait_for_function(READY, timeout=180_000)
        self.cells = page.locator(".jp-Notebook .jp-Cell")

    def _asked(self, url: str, site: str) -> None:
        if not url.startswith((site, "data:", "blob:")):
            self.elsewhere.append(url)

    def index_of(self, line: str) -> int:
        """The first cell with a line."""
        count: int = self.page.evaluate(FIND, line)
        return count

    def run(self, count: int) -> None:
        """Runs so many cells; one that fails fails the test."""
        for index in range(count):
            self.page.evaluate(RUN, [index, True])
            said = self.cells.nth(index).locator(".jp-OutputArea").all_inner_texts()
            assert "Error" not in "".join(said), said
            question = self.cells.nth(index).locator(".jp-OutputArea")
            lock = question.get_by_role("button", name="Lock my answer")
            if lock.count():
                question.get_by_role("radio").nth(1).check()
                lock.click()
                expect(question).to_contain_text("is locked")
