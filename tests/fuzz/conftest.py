"""SQLAlchemy is itself again when the tests that pin it have run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fuzz.reference import unpin


@pytest.fixture(scope="package", autouse=True)
def sqlalchemy_is_itself_again() -> Iterator[None]:
    yield
    unpin()
