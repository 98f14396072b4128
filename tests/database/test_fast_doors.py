"""insert_rows, update_rows, delete_rows, fetch: what a flush sends, on both databases."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbsession import exc
from nbsession.database import RowDelete, RowInsert, RowUpdate, create_engine
from nbsession.database.rows import Columns, columns_of
from nbsession.sql.schema import Column, MetaData, Table
from nbsession.sql.types import BigInteger, Integer, String


@pytest.fixture
def write(shop):
    return RowInsert(shop.tool, (shop.tool.c.name,), shop.tool.c.id)


def rows_of(connection):
    return connection.fetch("SELECT id, name, price FROM tool ORDER BY id")


def test_keys_come_back_in_the_order_of_the_rows(connection, write):
    names = [(f"n{i}",) for i in range(50)]
    keys = connection.insert_rows(write, names)
    assert list(keys) == list(range(1, 51))
    assert list(connection.insert_rows(write, [("last",)])) == [51]
    assert [(row[0], row[1]) for row in rows_of(connection)[:50]] == [
        (k, n) for k, (n,) in zip(keys, names, strict=True)
    ]


def test_without_generated_column_nothing_comes_back(connection, shop):
    write = RowInsert(shop.tool, (shop.tool.c.id, shop.tool.c.name), None)
    assert connection.insert_rows(write, [(7, "saw"), (3, "axe")]) is None
    assert [row[:2] for row in rows_of(connection)] == [(3, "axe"), (7, "saw")]


def test_rows_given_column_by_column_are_written_as_others_are(connection, shop, write):
    assert list(connection.insert_rows(write, Columns([["saw", "axe", "adze"]], 3))) == [1, 2, 3]
    update = RowUpdate(shop.tool, (shop.tool.c.price,), (shop.tool.c.id,))
    assert connection.update_rows(update, Columns([[10, 20], [1, 2]], 2)) == 2
    assert connection.update_rows(update, Columns([[1, 2], [3, 3]], 2)) == 2  # one row twice: the last one stays
    assert rows_of(connection) == [(1, "saw", 10), (2, "axe", 20), (3, "adze", 2)]
    assert connection.delete_rows(RowDelete(shop.tool, (shop.tool.c.id,)), Columns([[1, 3, 3]], 3)) in (2, 3)
    assert [row[0] for row in rows_of(connection)] == [2]


def test_columns_are_rows_for_whoever_looks() -> None:
    rows = Columns([[1, 2, 3], ["a", "b", "c"]], 3)
    assert len(rows) == 3 and rows[1] == (2, "b") and rows[1:] == [(2, "b"), (3, "c")]
    assert list(rows) == [(1, "a"), (2, "b"), (3, "c")] and columns_of(list(rows)) == columns_of(rows)
    assert list(Columns([], 2)) == [(), ()]


def test_no_rows_send_nothing(connection, shop, write):
    assert connection.insert_rows(write, []) == []
    assert connection.update_rows(RowUpdate(shop.tool, (shop.tool.c.name,), (shop.tool.c.id,)), []) == 0
    assert connection.delete_rows(RowDelete(shop.tool, (shop.tool.c.id,)), []) == 0
    assert not connection.in_transaction()


@pytest.mark.parametrize("count", [1, 3])
def test_rows_without_any_column_get_keys(connection, shop, count):
    keys = connection.insert_rows(RowInsert(shop.tool, (), shop.tool.c.id), [()] * count)
    assert list(keys) == list(range(1, count + 1))
    assert rows_of(connection) == [(key, None, None) for key in keys]


def test_keys_go_on_after_the_highest_one_there_is(connection, shop, write):
    connection.insert_rows(RowInsert(shop.tool, (shop.tool.c.id, shop.tool.c.name), None), [(40, "explicit")])
    assert list(connection.insert_rows(write, [("a",), ("b",)])) == [41, 42]
    connection.delete_rows(RowDelete(shop.tool, (shop.tool.c.id,)), [(42,), (41,)])
    assert list(connection.insert_rows(write, [("c",)])) == [41]


@pytest.mark.parametrize("count", [1, 2, 5])
def test_update_tells_matched_rows_so_that_stale_ones_show(connection, shop, write, count):
    connection.insert_rows(write, [(f"n{i}",) for i in range(count)])
    update = RowUpdate(shop.tool, (shop.tool.c.price, shop.tool.c.name), (shop.tool.c.id,))
    rows = [(10 * i, f"m{i}", i) for i in range(1, count + 1)]
    assert connection.update_rows(update, rows) == count
    assert rows_of(connection) == [(i, f"m{i}", 10 * i) for i in range(1, count + 1)]
    assert connection.update_rows(update, [(0, f"x{i}", i + 1) for i in range(1, count + 1)]) == count - 1


def test_update_matching_two_columns_and_setting_null(connection, shop, write):
    connection.insert_rows(write, [("a",), ("b",)])
    update = RowUpdate(shop.tool, (shop.tool.c.price, shop.tool.c.name), (shop.tool.c.id, shop.tool.c.name))
    assert connection.update_rows(update, [(5, None, 1, "a"), (6, "c", 2, "not b")]) == 1
    assert rows_of(connection) == [(1, None, 5), (2, "b", None)]


def test_update_of_one_row_twice_keeps_the_last(connection, shop, write):
    connection.insert_rows(write, [("a",)])
    update = RowUpdate(shop.tool, (shop.tool.c.price,), (shop.tool.c.id,))
    assert connection.update_rows(update, [(1, 1), (2, 1)]) == 2
    assert rows_of(connection) == [(1, "a", 2)]


def test_update_can_change_keys_and_swap_unique_values(connection, shop, write):
    connection.insert_rows(write, [("a",), ("b",)])
    assert connection.update_rows(RowUpdate(shop.tool, (shop.tool.c.id,), (shop.tool.c.id,)), [(11, 1), (12, 2)]) == 2
    assert [row[0] for row in rows_of(connection)] == [11, 12]


@pytest.mark.parametrize("count", [1, 4])
def test_delete_tells_matched_rows(connection, shop, write, count):
    connection.insert_rows(write, [(f"n{i}",) for i in range(count)])
    delete = RowDelete(shop.tool, (shop.tool.c.id,))
    assert connection.delete_rows(delete, [(i,) for i in range(1, count + 1)] + [(99,)]) == count
    assert rows_of(connection) == []


def test_row_deleted_and_inserted_again_in_one_transaction(connection, shop):
    write = RowInsert(shop.tool, (shop.tool.c.id, shop.tool.c.name), None)
    connection.insert_rows(write, [(1, "a"), (2, "b")])
    connection.commit()
    connection.delete_rows(RowDelete(shop.tool, (shop.tool.c.id,)), [(1,), (2,)])
    connection.insert_rows(write, [(1, "b"), (2, "a")])
    connection.commit()
    assert [row[:2] for row in rows_of(connection)] == [(1, "b"), (2, "a")]


def test_failing_bulk_inserts_nothing(engine, shop, write):
    with engine.connect() as connection:
        connection.insert_rows(write, [("taken",)])
        connection.commit()
        with pytest.raises(exc.IntegrityError) as caught:
            connection.insert_rows(write, [("a",), ("b",), ("taken",), ("c",)])
        assert caught.value.statement == "INSERT INTO tool (name) VALUES (?)"
        assert caught.value.orig is not None and caught.value.__cause__ is caught.value.orig
        if not connection.transaction_aborted:
            assert [row[1] for row in rows_of(connection)] == ["taken"]
        connection.rollback()
        assert [row[1] for row in rows_of(connection)] == ["taken"]


def test_reserved_and_odd_names_are_quoted(database_url):
    metadata = MetaData()
    table = Table("order", metadata, Column("Select", Integer, primary_key=True), Column('a "b" c', String))
    engine = create_engine(database_url)
    metadata.create_all(engine)
    with engine.begin() as connection:
        keys = connection.insert_rows(RowInsert(table, (table.c['a "b" c'],), table.c.Select), [("x",), ("y",)])
        assert (
            connection.update_rows(RowUpdate(table, (table.c['a "b" c'],), (table.c.Select,)), [("u", 1), ("v", 2)])
            == 2
        )
        assert connection.delete_rows(RowDelete(table, (table.c.Select,)), [(keys[0],), (77,)]) == 1
        assert connection.execute(table.select() if hasattr(table, "select") else _select(table)).all() == [(2, "v")]
    engine.dispose()


def _select(table):
    from nbsession.sql.expression import select

    return select(*table.c)


def test_big_integer_keys_are_generated_too(database_url):
    metadata = MetaData()
    table = Table("t", metadata, Column("id", BigInteger, primary_key=True), Column("v", Integer))
    engine = create_engine(database_url)
    metadata.create_all(engine)
    with engine.begin() as connection:
        assert list(connection.insert_rows(RowInsert(table, (table.c.v,), table.c.id), [(1,), (2,)])) == [1, 2]
    engine.dispose()


def test_row_writes_compare_by_what_they_write(shop):
    tool = shop.tool
    assert RowInsert(tool, (tool.c.name,), tool.c.id) == RowInsert(tool, (tool.c.name,), tool.c.id)
    assert hash(RowDelete(tool, (tool.c.id,))) == hash(RowDelete(tool, (tool.c.id,)))
    assert RowInsert(tool, (tool.c.name,), tool.c.id) != RowInsert(tool, (tool.c.name,), None)
    assert RowInsert(tool, (tool.c.name,), None) != RowInsert(tool, (tool.c.price,), None)
    assert RowDelete(tool, (tool.c.id,)) != RowUpdate(tool, (), (tool.c.id,))


def test_large_fetch_equals_a_small_one(connection, shop):
    count = 5000
    rows = [(i, None if i % 7 == 0 else f"n{i}", None if i % 3 else i) for i in range(1, count + 1)]
    connection.insert_rows(RowInsert(shop.tool, tuple(shop.tool.c), None), rows)
    assert rows_of(connection) == rows
    twice = connection.fetch("SELECT id, id, price * 1.5, name IS NULL FROM tool ORDER BY id")
    assert len(twice) == count and twice[4][:2] == (5, 5)


# ── SQLite: when a bulk's keys are not consecutive ───────────────────────────────────────────────────────────────────
TRIGGERS = [
    "CREATE TRIGGER g AFTER INSERT ON tool WHEN new.name LIKE 'n%3' "
    "BEGIN INSERT INTO tool (name) VALUES ('by trigger' || new.name); END",
    "CREATE TRIGGER g AFTER INSERT ON tool BEGIN INSERT INTO loan (tool_id) VALUES (new.id), (new.id); END",
    "CREATE TRIGGER g AFTER INSERT ON tool WHEN new.name = 'n5' BEGIN DELETE FROM tool WHERE name = 'n5'; END",
]


@pytest.mark.parametrize("trigger", TRIGGERS)
def test_keys_are_right_whatever_triggers_do(shop, write, trigger):
    engine = create_engine("sqlite://", foreign_keys="off")
    shop.metadata.create_all(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql(trigger)
        names = [(f"n{i}",) for i in range(20)]
        keys = connection.insert_rows(write, names)
        there = {row[0]: row[1] for row in rows_of(connection)}
        assert all(there[key] == name for key, (name,) in zip(keys, names, strict=True) if name != "n5")
        assert set(there.values()) >= {name for (name,) in names if name != "n5"}


def test_keys_at_the_end_of_the_range(shop, write):
    engine = create_engine("sqlite://")
    shop.metadata.create_all(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO tool (id, name) VALUES (9223372036854775807, 'last')")
        keys = connection.insert_rows(write, [("a",), ("b",), ("c",)])
        there = {row[0]: row[1] for row in rows_of(connection)}
        assert [there[key] for key in keys] == ["a", "b", "c"]


def test_row_ignored_by_a_trigger_is_an_error_not_a_wrong_key(shop, write):
    engine = create_engine("sqlite://")
    shop.metadata.create_all(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER g BEFORE INSERT ON tool WHEN new.name = 'no' BEGIN SELECT RAISE(IGNORE); END"
        )
        with pytest.raises(exc.IntegrityError, match="a trigger of the table ignored it"):
            connection.insert_rows(write, [("a",), ("no",), ("b",)])
        assert rows_of(connection) == []


def test_key_that_sqlite_does_not_generate_is_refused(shop, write):
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE tool (id BIGINT PRIMARY KEY, name TEXT)")
        with pytest.raises(exc.InvalidRequestError, match="INTEGER PRIMARY KEY"):
            connection.insert_rows(write, [("a",)])


@given(st.lists(st.tuples(st.integers(1, 12), st.text("abc", max_size=2)), max_size=12))
def test_autoincrement_tables_agree_with_asking_each_row(program):
    engine = create_engine("sqlite://")
    metadata = MetaData()
    table = Table("t", metadata, Column("id", Integer, primary_key=True), Column("v", String))
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, v TEXT)")
        for count, text in program:
            keys = connection.insert_rows(RowInsert(table, (table.c.v,), table.c.id), [(text,)] * count)
            connection.delete_rows(RowDelete(table, (table.c.id,)), [(keys[-1],)])
            assert len(set(keys)) == count
    engine.dispose()
