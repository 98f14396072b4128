"""A dashboard shown in an empty page, of a fixture snapshot or of any other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import pytest
from playwright.sync_api import Page

from tests.widgets.instrument import Instrument, fixture


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
