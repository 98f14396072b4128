"""Writes are replayed in as few statements as can be: what that saves, and that it changes nothing."""

from __future__ import annotations

import datetime as dt

import pytest

from nbsession import exc
from nbsession.database import RowDelete, RowInsert, RowUpdate, create_engine
from nbsession.database.duckdb import redo
from nbsession.sql.schema import Column, MetaData, Table
from nbsession.sql.types import Integer


@pytest.fixture
def database_url():
    return "duckdb://"


@pytest.fixture
def replayed(monkeypatch):
    """The statements of all rebuilds."""
    sent = []
    original, rebuild = redo.execute, redo.Journal.rebuild

    def rebuilding(journal, *args):
        monkeypatch.setattr(redo, "execute", lambda raw, sql, *rest: sent.append(sql) or original(raw, sql, *rest))
        try:
            rebuild(journal, *args)
        finally:
            monkeypatch.setattr(redo, "execute", original)

    monkeypatch.setattr(redo.Journal, "rebuild", rebuilding)
    return sent


class Writes:
    """The writes of the shop's tools."""

    def __init__(self, shop):
        c = shop.tool.c
        self.insert = RowInsert(shop.tool, (c.id, c.name, c.price), None)
        self.price = RowUpdate(shop.tool, (c.price,), (c.id,))
        self.name = RowUpdate(shop.tool, (c.name,), (c.id,))
        self.rename = RowUpdate(shop.tool, (c.id,), (c.id,))
        self.delete = RowDelete(shop.tool, (c.id,))
        self.loan = RowInsert(shop.loan, (shop.loan.c.id, shop.loan.c.tool_id), None)


@pytest.fixture
def writes(shop):
    return Writes(shop)


def rows(connection):
    return connection.fetch("SELECT * FROM tool")


def undo_nothing(connection):
    """Sets a savepoint, writes, and rolls back to it."""
    before = rows(connection)
    nested = connection.begin_nested()
    connection.exec_driver_sql("DELETE FROM tool")
    nested.rollback()
    assert rows(connection) == before


def test_many_updates_of_one_row_replay_as_one(connection, writes, replayed):
    connection.insert_rows(writes.insert, [(1, "saw", 0)])
    for price in range(300):
        connection.update_rows(writes.price, [(price, 1)])
    undo_nothing(connection)
    assert len(replayed) == 2
    assert rows(connection) == [(1, "saw", 299)]


@pytest.mark.parametrize("count", [50, 100, 200, 400])
def test_savepoint_per_row_with_half_of_them_failing_is_not_quadratic(connection, writes, replayed, count):
    for number in range(count):
        try:
            with connection.begin_nested():
                connection.insert_rows(writes.insert, [(number, f"tool {number // 2}", None)])
                connection.insert_rows(writes.loan, [(number, number)])
                connection.update_rows(writes.price, [(number, number)])
        except exc.IntegrityError:
            pass
    connection.commit()
    assert rows(connection) == [(number, f"tool {number // 2}", number) for number in range(0, count, 2)]
    assert len(replayed) == 3 * count // 2  # two inserts and an update for each failure, whatever was written before


def test_tables_that_alternate_are_packed_each(connection, shop, writes, replayed):
    for number in range(20):
        connection.insert_rows(writes.insert, [(number, str(number), None)])
        connection.insert_rows(writes.loan, [(number, number)])
    undo_nothing(connection)
    assert len(replayed) == 2


def test_order_is_kept_where_it_matters(connection, writes, replayed):
    connection.insert_rows(writes.insert, [(1, "saw", 1), (2, "axe", 2)])
    connection.delete_rows(writes.delete, [(1,)])
    connection.insert_rows(writes.insert, [(1, "bit", 3)])
    connection.update_rows(writes.price, [(4, 1)])
    connection.update_rows(writes.rename, [(5, 1)])
    connection.update_rows(writes.price, [(6, 5), (7, 2)])
    connection.delete_rows(writes.delete, [(2,)])
    connection.insert_rows(writes.insert, [(2, "axe", 8)])
    undo_nothing(connection)
    assert sorted(rows(connection)) == [(2, "axe", 8), (5, "bit", 6)]


def test_updates_of_different_columns_are_packed_each(connection, writes, replayed):
    connection.insert_rows(writes.insert, [(1, "saw", 1), (2, "axe", 2)])
    for number in range(10):
        connection.update_rows(writes.price, [(number, 1)])
        connection.update_rows(writes.name, [(f"n{number}", 1)])
        connection.update_rows(writes.price, [(number, 2)])
    undo_nothing(connection)
    assert len(replayed) == 3


def test_rows_found_in_two_ways_are_not_mixed_up(connection, shop, writes, replayed):
    by_name = RowUpdate(shop.tool, (shop.tool.c.price,), (shop.tool.c.name,))
    connection.insert_rows(writes.insert, [(1, "saw", 1)])
    connection.update_rows(writes.price, [(2, 1)])
    connection.update_rows(by_name, [(3, "saw")])
    connection.update_rows(writes.price, [(4, 1)])
    undo_nothing(connection)
    assert rows(connection) == [(1, "saw", 4)]
    assert len(replayed) == 4


def test_raw_sql_stays_between_what_was_before_and_after(connection, writes, replayed):
    connection.insert_rows(writes.insert, [(1, "saw", 1)])
    connection.exec_driver_sql("UPDATE tool SET price = price + 10")
    connection.insert_rows(writes.insert, [(2, "axe", 1)])
    connection.exec_driver_sql("UPDATE tool SET price = price * 2")
    connection.update_rows(writes.price, [(0, 1)])
    undo_nothing(connection)
    assert rows(connection) == [(1, "saw", 0), (2, "axe", 2)]
    assert len(replayed) == 5


def test_what_the_database_refuses_in_one_is_replayed_one_by_one(connection, writes, replayed):
    connection.insert_rows(writes.insert, [(1, "a", 0), (2, "b", 0)])
    connection.commit()
    connection.insert_rows(writes.insert, [(3, "c", 0)])
    connection.update_rows(writes.name, [("x", 3)])
    connection.insert_rows(writes.insert, [(4, "c", 0)])  # free only since the update: it cannot go before it
    undo_nothing(connection)
    assert rows(connection)[2:] == [(3, "x", 0), (4, "c", 0)]
    assert len(replayed) == 4 and replayed[0].startswith("INSERT INTO tool (id, name, price) SELECT")
    undo_nothing(connection)
    assert len(replayed) == 7  # it was not tried again


def test_rows_that_were_not_there_count(connection, writes, replayed):
    connection.insert_rows(writes.insert, [(1, "a", 0)])
    for number in (1, 2, 3, 1):
        connection.update_rows(writes.price, [(number, number)])
    for number in (3, 1, 1):
        connection.delete_rows(writes.delete, [(number,)])
    undo_nothing(connection)
    assert len(replayed) == 3


def test_values_of_different_types_are_not_put_into_one_list(replayed):
    metadata = MetaData()
    table = Table("t", metadata, Column("id", Integer, primary_key=True), Column("v", Integer))
    engine = create_engine("duckdb://")
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE t (id INTEGER PRIMARY KEY, v VARCHAR)")
        write = RowInsert(table, (table.c.id, table.c.v), None)
        for number, value in enumerate(("1.50", 2.5, None, "3")):
            connection.insert_rows(write, [(number, value)])
        nested = connection.begin_nested()
        connection.exec_driver_sql("DELETE FROM t")
        nested.rollback()
        values = connection.exec_driver_sql("SELECT v FROM t ORDER BY id").scalars().all()
        assert values == ["1.50", "2.5", None, "3"]
    assert len(replayed) == 1 + 3
    engine.dispose()


@pytest.mark.parametrize("moment", [dt.date(2024, 2, 29), dt.datetime(2024, 2, 29, 1, 2, 3, 4)])
def test_moments_stay_what_they_are(replayed, moment):
    metadata = MetaData()
    table = Table("t", metadata, Column("id", Integer, primary_key=True), Column("v", Integer))
    engine = create_engine("duckdb://")
    with engine.begin() as connection:
        connection.exec_driver_sql(
            f"CREATE TABLE t (id INTEGER PRIMARY KEY, v {type(moment).__name__.replace('datetime', 'timestamp')})"
        )
        write = RowInsert(table, (table.c.id, table.c.v), None)
        for number in range(3):
            connection.insert_rows(write, [(number, moment)])
        nested = connection.begin_nested()
        connection.exec_driver_sql("DELETE FROM t")
        nested.rollback()
        assert connection.exec_driver_sql("SELECT v FROM t").scalars().all() == [moment] * 3
    assert len(replayed) == 1 + 1
    engine.dispose()
