"""A session on an empty database that has the tables of these tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nbsession import Engine, Session, create_engine
from tests.session.models import Base


@pytest.fixture
def tables(engine: Engine) -> Engine:
    """The engine, with the tables made."""
    Base.metadata.create_all(engine)
    return engine


@pytest.fixture
def session(tables: Engine) -> Iterator[Session]:
    """A session with the defaults."""
    session = Session(tables)
    yield session
    session.close()


@pytest.fixture
def rows(session: Session) -> Callable[[str], list[tuple[Any, ...]]]:
    """Reads rows as the session's transaction sees them, past the session: no flush, no object."""

    def read(sql: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in session.connection().exec_driver_sql(sql).all()]

    return read


@pytest.fixture
def file_engine(file_database_url: str, tmp_path: Path) -> Iterator[Engine]:
    """An engine on a file with the tables made, so that several connections see each other's commits."""
    engine = create_engine(file_database_url)
    Base.metadata.create_all(engine)
    yield engine
    engine.dispose()
