"""A notebook of marimo in a page: the verbs as functions answer, views are drawn, the dashboard is live and its buttons act.

marimo is installed by pip into a folder of its own: nobody needs it to work on nbsession.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

import dev
from tests.browser.chromium import launch
from tests.browser.lab import free_port

pytestmark = [pytest.mark.long, pytest.mark.browser]
NOTEBOOK = Path(__file__).with_name("members.py")
PATIENCE = 60
"""seconds that marimo is given to start"""


@pytest.fixture(scope="module")
def marimo(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment in which marimo can be imported."""
    folder = tmp_path_factory.mktemp("marimo")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder), "marimo>=0.25"]
    subprocess.run(pip, check=True, timeout=300)
    path = os.pathsep.join([str(dev.ROOT), str(folder)])
    return {**os.environ, "PYTHONPATH": path, "XDG_CONFIG_HOME": str(folder), "XDG_STATE_HOME": str(folder)}


@pytest.fixture(params=["edit", "run"])
def way(request: pytest.FixtureRequest) -> str:
    """How the notebook is served: to be edited, its kernel a process; or as an app, its kernel a thread."""
    return str(request.param)


@pytest.fixture
def address(marimo: dict[str, str], way: str, tmp_path: Path) -> Iterator[str]:
    """Where the notebook is served."""
    (tmp_path / NOTEBOOK.name).write_bytes(NOTEBOOK.read_bytes())
    port = free_port()
    serve = ["marimo", way, NOTEBOOK.name, "--headless", "--no-token", "--port", str(port)]
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen([sys.executable, "-m", *serve], env=marimo, cwd=tmp_path, stdout=log, stderr=log)
        try:
            wait_for(f"http://127.0.0.1:{port}/health")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(20)


def wait_for(url: str) -> None:
    """Waits until a server answers."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


@pytest.fixture
def page() -> Iterator[Page]:
    """A page of Chromium."""
    with sync_playwright() as playwright:
        browser = launch(playwright)
        page = browser.new_page(viewport={"width": 1200, "height": 1600})
        page.set_default_timeout(30_000)
        yield page
        browser.close()


def test_the_dashboard_lives_in_marimo(address: str, way: str, page: Page) -> None:
    """A cell that runs later moves the card; a button commits, and its answer is text; the views are drawn as HTML."""
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(address)
    expect.set_options(timeout=30_000)  # of the first cell, marimo starts a kernel
    if way == "edit":
        page.locator(".cm-content").first.wait_for()
        page.keyboard.press("Control+Shift+R")  # run every cell
    dashboard = page.locator(".nbs").first
    expect(dashboard.locator(".nbs-lane[data-state=persistent] .nbs-label")).to_have_text(["Member#1"])
    expect(page.get_by_text("flushed: 1 statement, 1 row written, nothing committed")).to_be_visible()
    expect(page.get_by_text("Nothing to flush: no object is new, changed or marked for deletion.")).to_be_visible()
    dashboard.get_by_role("button", name="Commit").click()
    expect(dashboard.get_by_text("committed: 1 row written")).to_be_visible()
    expect(dashboard.locator(".nbs-head")).to_contain_text("idle")
    expect(page.get_by_text("the dashboard cannot stay beside the code")).to_be_visible()
    page.screenshot(path=dev.RESULTS / "marimo.png")
    assert wrong == []
