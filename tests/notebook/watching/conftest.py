"""SQLAlchemy engines on both databases, with the tables of a small model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("sqlalchemy")

from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session

from tests.notebook.watching.model import Base


@pytest.fixture(params=["sqlite", "duckdb"])
def alchemy_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database file, as SQLAlchemy names it."""
    if request.param == "duckdb":
        pytest.importorskip("duckdb_engine")
    return f"{request.param}:///{tmp_path / 'shop.db'}"


@pytest.fixture
def alchemy(alchemy_url: str) -> Iterator[Engine]:
    """An engine of SQLAlchemy's with the model's tables."""
    engine = create_engine(alchemy_url)
    Base.metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def real(alchemy: Engine) -> Iterator[Session]:
    """A real SQLAlchemy session that nobody watches yet."""
    with Session(alchemy) as session:
        yield session
