"""What every test may ask for: a database URL of each kind, an engine, a page in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from nbsession import Engine

DATABASES = ("sqlite", "duckdb")
IN_BROWSER = ("browser", "widgets")
RESULTS = Path(__file__).parents[1] / "test-results"

# Databases make single examples slow, and the database fixture serves all the examples of a test.
settings.register_profile(
    "default", deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)  # the same examples in every run: what chance finds, the long tests find
settings.register_profile("long", settings.get_profile("default"), max_examples=2_000, derandomize=False)
settings.load_profile("default")


@pytest.fixture(scope="session", autouse=True)
def notes_elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What kernels note of unsaved work lies in a folder of the tests' own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NBSESSION_CACHE", str(tmp_path_factory.mktemp("notes")))
        yield


# ── databases ────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.fixture(params=DATABASES)
def database_url(request: pytest.FixtureRequest) -> str:
    """An empty database in memory: SQLite's, then DuckDB's."""
    return f"{request.param}://"


@pytest.fixture(params=DATABASES)
def file_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database file that does not exist yet: SQLite's, then DuckDB's."""
    ending = {"sqlite": "db", "duckdb": "duckdb"}[request.param]
    return f"{request.param}:///{(tmp_path / f'test.{ending}').as_posix()}"


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine on an empty database in memory, disposed of after the test."""
    from nbsession import create_engine

    engine = create_engine(database_url)
    yield engine
    engine.dispose()


# ── the browser ──────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A real Chromium without a window. Where none can be had the run ends with one line, and fails."""
    from playwright.sync_api import sync_playwright

    from tests.browser.chromium import NoBrowser, launch

    with sync_playwright() as playwright:
        try:
            browser = launch(playwright)
        except NoBrowser as missing:
            pytest.exit(f"browser tests cannot run: {missing}", returncode=1)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """An empty page of 1280 × 900; when the test fails, its picture is left in test-results/."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    context.set_default_timeout(20_000)
    yield context.new_page()
    context.close()


# ── pytest ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the tests that need a browser, and puts them last: playwright's event loop stays in its thread."""
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here) and item.path.relative_to(here).parts[0] in IN_BROWSER:
            item.add_marker("browser")
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """Takes a picture of a failed test's page before the fixtures clean up."""
    report = yield
    page = getattr(item, "funcargs", {}).get("page")
    if report.failed and page is not None:
        RESULTS.mkdir(exist_ok=True)
        page.screenshot(path=RESULTS / f"failed-{item.name}.png".replace("/", "-"))
    return report
