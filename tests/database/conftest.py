"""Two tables, an engine that has them, and a connection to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from nbsession.database import Connection, Engine, create_engine
from nbsession.sql.schema import Column, ForeignKey, MetaData, Table
from nbsession.sql.types import Integer, String


class Shop:
    """Metadata with two tables: ``tool``, and ``loan`` which refers to it."""

    def __init__(self) -> None:
        self.metadata = MetaData()
        self.tool = Table(
            "tool",
            self.metadata,
            Column("id", Integer, primary_key=True),
            Column("name", String(30), unique=True),
            Column("price", Integer),
        )
        self.loan = Table(
            "loan", self.metadata, Column("id", Integer, primary_key=True), Column("tool_id", ForeignKey("tool.id"))
        )


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def engine(database_url: str, shop: Shop) -> Iterator[Engine]:
    engine = create_engine(database_url)
    shop.metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    with engine.connect() as connection:
        yield connection
