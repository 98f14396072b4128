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
    page = offline_page
    asked: list[str] = []
    errors: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{site}/lab/index.html?path=00_tour.ipynb")
    page.wait_for_function(READY, timeout=180_000)
    cells = page.locator(".jp-Notebook .jp-Cell")

    for index in range(17):  # up to %session flush and the text after it
        page.evaluate(RUN, [index, True])
        said = cells.nth(index).locator(".jp-OutputArea").all_inner_texts()
        assert "Error" not in "".join(said), said

    shown = cells.nth(6).locator(".nbs")
    expect(shown.locator(".nbs-lane[data-state=persistent] .nbs-label")).to_have_text(
        ["Member#7", "Tool#7", "LoanLine#162", "Loan#75"]
    )
    # the page reaches the kernel, too: a button rolls back
    shown.locator(".nbs-head").get_by_role("button", name="Roll back", exact=True).click()
    expect(shown.locator(".nbs-head")).to_contain_text("idle")
    expect(shown.locator(".nbs-lane[data-state=transient] .nbs-label")).to_have_count(2)
    elsewhere = [url for url in asked if not url.startswith((site, "data:", "blob:"))]
    assert (elsewhere, errors) == ([], [])
