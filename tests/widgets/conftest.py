"""A dashboard shown in an empty page, of a fixture snapshot or of any other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import pytest
from playwright.sync_api import Page

from tests.widgets.instrument import Instrument, fixture
from tests.widgets.story import Story, told_story


class Show(Protocol):
    """Shows a dashboard."""

    def __call__(self, snapshot: str | dict[str, Any], view: str = "board") -> Instrument: ...


@pytest.fixture
def show(page: Page) -> Iterator[Show]:
    """``show("busy")`` shows a fixture snapshot; the test fails if the page's JavaScript did."""
    shown: list[Instrument] = []

    def show_snapshot(snapshot: str | dict[str, Any], view: str = "board") -> Instrument:
        shown.append(Instrument(page, fixture(snapshot) if isinstance(snapshot, str) else snapshot, view))
        return shown[-1]

    yield show_snapshot
    assert [error for each in shown for error in each.errors] == []


@pytest.fixture(scope="session")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """One session's story for all tests of the page."""
    with told_story(tmp_path_factory.mktemp("story")) as story:
        yield story
