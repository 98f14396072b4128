"""Defaults of columns in statements of one's own: each is worked out once, and told the other values of its row."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from nbsession import Column, Engine, Integer, MetaData, Table, insert, literal, select, update


@pytest.fixture
def told() -> list[dict[str, Any]]:
    """What the default of ``made`` was told, and that of ``changed``."""
    return []


@pytest.fixture
def table(engine: Engine, told: list[dict[str, Any]]) -> Table:
    """A table whose columns have defaults that look at the rest of their row."""

    def default(context: Any) -> int:
        told.append(dict(context.get_current_parameters()))
        return 7

    numbers = itertools.count(1)
    metadata = MetaData()
    table = Table(
        "thing",
        metadata,
        Column("id", Integer, primary_key=True, autoincrement=False, default=lambda: next(numbers)),
        Column("size", Integer),
        Column("made", Integer, default=default),
        Column("changed", Integer, onupdate=default),
    )
    metadata.create_all(engine)
    return table


def test_a_default_is_told_the_values_of_its_row(engine: Engine, table: Table, told: list[dict[str, Any]]) -> None:
    """As in SQLAlchemy: those given by values() and those given with the execution; what is made itself is None."""
    with engine.begin() as connection:
        connection.execute(insert(table).values(id=1, size=4))
        connection.execute(insert(table), {"id": 2, "size": 5})
        connection.execute(insert(table).values(id=3), {"size": 6})
        connection.execute(insert(table), [{"id": 4, "size": 7}, {"id": 5, "size": 8}])
        connection.execute(insert(table).values([{"id": 6, "size": 9}, {"id": 7, "size": 10}]))
        rows = [{"id": number, "size": number + 3, "made": None} for number in range(1, 8)]
        assert told == rows
        told.clear()
        connection.execute(insert(table).values(id=8, size=literal(3) + 1))
        connection.execute(update(table).where(table.c.id == 1).values(size=20))
        connection.execute(update(table).where(table.c.id == 1), {"size": 21})
        assert told == [{"id": 8, "made": None}, {"size": 20, "changed": None}, {"size": 21, "changed": None}]
        found = connection.execute(select(table).where(table.c.id.in_([1, 8])).order_by(table.c.id)).all()
        assert found == [(1, 21, 7, 7), (8, 4, 7, None)]


def test_a_key_that_a_default_makes_is_the_one_that_is_told(engine: Engine, table: Table) -> None:
    """It is made once: what ``inserted_primary_key`` says is in the row."""
    with engine.begin() as connection:
        for statement, parameters in ((insert(table).values(size=1), None), (insert(table), {"size": 2})):
            key = connection.execute(statement, parameters).inserted_primary_key
            assert key is not None
            assert connection.scalar(select(table.c.size).where(table.c.id == key[0])) == key[0]
        connection.execute(insert(table), [{"size": 3}, {"size": 4}])
        assert connection.execute(select(table.c.id, table.c.size).order_by(table.c.id)).all() == [
            (number, number) for number in range(1, 5)
        ]
