"""Large bulk writes through Arrow: the same rows, counts, errors and replays as through parameters."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from nbsession import exc
from nbsession.database import RowDelete, RowInsert, RowUpdate, create_engine
from nbsession.database.duckdb import arrow
from nbsession.sql import types
from nbsession.sql.schema import Column, MetaData, Table

pytest.importorskip("pyarrow")
COUNT = 1500


@pytest.fixture
def table():
    columns = [
        Column("i", types.Integer),
        Column("b", types.BigInteger),
        Column("s", types.String),
        Column("f", types.Float),
        Column("o", types.Boolean),
        Column("d", types.Date),
        Column("t", types.DateTime),
        Column("n", types.Numeric(10, 2)),
        Column("y", types.LargeBinary),
    ]
    return Table("t", MetaData(), Column("id", types.Integer, primary_key=True), *columns)


@pytest.fixture
def connection(table):
    engine = create_engine("duckdb://")
    table.metadata.create_all(engine)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def made(number):
    if number % 10 == 0:
        return (None,) * 9
    moment = dt.datetime(2024, 1, 1) + dt.timedelta(seconds=number, microseconds=number)
    return (
        number,
        2**40 + number,
        f"n{number}",
        number / 3,
        number % 2 == 0,
        moment.date(),
        moment,
        Decimal(number) / 4,
        b"%d" % number,
    )


def test_rows_are_the_same_either_way(connection, table, monkeypatch):
    rows, write = [made(n) for n in range(COUNT)], RowInsert(table, tuple(table.c)[1:], table.c.id)
    assert list(connection.insert_rows(write, rows)) == list(range(1, COUNT + 1))
    through_arrow = connection.fetch("SELECT * FROM t ORDER BY id")
    assert connection._link.journal.entries[-1].arrow is not None
    connection.rollback()
    monkeypatch.setattr(arrow, "FROM_ROWS", 10**9)
    connection.insert_rows(write, rows)
    assert connection._link.journal.entries[-1].arrow is None
    assert repr(connection.fetch("SELECT * FROM t ORDER BY id")) == repr(through_arrow)


def test_update_delete_and_replay(connection, table):
    connection.insert_rows(RowInsert(table, (table.c.i,), table.c.id), [(n,) for n in range(COUNT)])
    update = RowUpdate(table, (table.c.s, table.c.i), (table.c.id,))
    assert connection.update_rows(update, [(f"m{n}", -n, n) for n in range(1, COUNT + 50)]) == COUNT
    before = connection.fetch("SELECT * FROM t ORDER BY id")
    nested = connection.begin_nested()
    assert connection.delete_rows(RowDelete(table, (table.c.id,)), [(n,) for n in range(1, COUNT)]) == COUNT - 1
    nested.rollback()
    assert connection.fetch("SELECT * FROM t ORDER BY id") == before
    connection.commit()
    assert connection.fetch("SELECT count(*) FROM t") == [(COUNT,)]


def test_values_that_do_not_fit_take_the_other_way(connection, table):
    write = RowInsert(table, (table.c.i,), table.c.id)
    connection.insert_rows(write, [(str(n),) for n in range(COUNT)])
    assert connection.fetch("SELECT max(i) FROM t") == [(COUNT - 1,)]
    with pytest.raises(exc.DataError):
        connection.insert_rows(write, [(2**40,)] * COUNT)
    connection.rollback()


def test_error_in_the_middle_leaves_the_link_usable(connection, table):
    write = RowInsert(table, (table.c.id, table.c.i), None)
    with pytest.raises(exc.IntegrityError):
        connection.insert_rows(write, [(n % 1400, n) for n in range(COUNT)])
    connection.rollback()
    connection.insert_rows(write, [(n, n) for n in range(COUNT)])
    connection.commit()
    assert connection.fetch("SELECT count(*) FROM t") == [(COUNT,)]
