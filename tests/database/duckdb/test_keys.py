"""Generated keys on DuckDB: drawn first, never twice, and the ones that SQLite would give."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbsession.database import RowInsert, create_engine
from nbsession.database.duckdb.catalog import ColumnFacts
from nbsession.database.duckdb.keys import KeyRegistry
from nbsession.sql.schema import Column, MetaData, Sequence, Table
from nbsession.sql.types import Integer, String


@pytest.fixture
def database_url():
    return "duckdb://"


@pytest.fixture
def write(shop):
    return RowInsert(shop.tool, (shop.tool.c.name,), shop.tool.c.id)


def test_open_transactions_never_draw_the_same_key(engine, write):
    with engine.connect() as one, engine.connect() as two:
        assert list(one.insert_rows(write, [("a",), ("b",)])) == [1, 2]
        assert list(two.insert_rows(write, [("c",)])) == [3]
        assert list(one.insert_rows(write, [("d",)])) == [4]
        one.commit()
        assert list(two.insert_rows(write, [("e",)])) == [5]
        two.commit()
    with engine.connect() as three:
        assert sorted(three.fetch("SELECT id, name FROM tool")) == [(1, "a"), (2, "b"), (3, "c"), (4, "d"), (5, "e")]


def test_keys_are_free_again_after_a_rollback(engine, write):
    with engine.connect() as one:
        one.insert_rows(write, [("a",), ("b",)])
        one.rollback()
        assert list(one.insert_rows(write, [("c",)])) == [1]


def test_what_was_committed_meanwhile_counts_though_it_is_not_seen(engine, write):
    with engine.connect() as one, engine.connect() as two:
        one.fetch("SELECT 1 FROM tool")
        two.insert_rows(write, [("a",)])
        two.commit()
        assert list(one.insert_rows(write, [("b",)])) == [2]
        one.commit()


def test_default_nextval_is_drawn_from_past_explicit_keys(connection):
    metadata = MetaData()
    table = Table("own", metadata, Column("id", Integer, primary_key=True), Column("v", String))
    connection.exec_driver_sql("CREATE SEQUENCE counter START 10")
    connection.exec_driver_sql("CREATE TABLE own (id INTEGER DEFAULT nextval('counter') PRIMARY KEY, v VARCHAR)")
    connection.exec_driver_sql("INSERT INTO own VALUES (11, 'explicit')")
    write = RowInsert(table, (table.c.v,), table.c.id)
    assert list(connection.insert_rows(write, [("a",), ("b",), ("c",)])) == [10, 12, 13]
    nested = connection.begin_nested()
    connection.insert_rows(write, [("d",)])
    nested.rollback()
    assert connection.fetch("SELECT id, v FROM own ORDER BY id") == [(10, "a"), (11, "explicit"), (12, "b"), (13, "c")]


def test_sequence_of_a_column_is_created_drawn_from_and_dropped():
    metadata = MetaData()
    table = Table(
        "t", metadata, Column("id", Integer, Sequence("t_seq", start=100), primary_key=True), Column("v", String)
    )
    engine = create_engine("duckdb://")
    metadata.create_all(engine)
    with engine.begin() as connection:
        assert list(connection.insert_rows(RowInsert(table, (table.c.v,), table.c.id), [("a",), ("b",)])) == [100, 101]
        assert connection.execute(table.insert().values(v="c")).inserted_primary_key == (102,)
    metadata.drop_all(engine)
    with engine.begin() as connection:
        assert connection.fetch("SELECT count(*) FROM duckdb_sequences()") == [(0,)]
    engine.dispose()


@pytest.mark.parametrize(
    ("default", "volatile"),
    [
        (None, False),
        ("5", False),
        ("'x''y'", False),
        ("CAST('t' AS BOOLEAN)", False),
        ("NULL", False),
        ("-1.5", False),
        ("now()", True),
        ("random()", True),
        ("'a' || random()", True),
        ("nextval('s')", True),
        ("CAST(now() AS VARCHAR)", True),
        ("current_date", True),
    ],
)
def test_only_literal_defaults_are_trusted(default, volatile):
    assert ColumnFacts("INTEGER", default).volatile is volatile


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from(["draw", "commit", "rollback"]), st.integers(1, 3)),
        max_size=40,
    )
)
def test_registry_gives_no_key_twice_and_leaves_no_gap_alone(program):
    """A model: rows committed, and each transaction's snapshot of them."""
    registry, committed, open_ = KeyRegistry(), set(), {}
    for who, verb, count in program:
        if who not in open_:
            registry.begin(who)
            open_[who] = (set(committed), set())
        snapshot, drawn = open_[who]
        if verb == "draw":
            seen = max(snapshot | drawn, default=None)
            keys = set(registry.draw(who, (None, "t"), seen, count))
            held = set().union(*(mine for _, mine in open_.values()), committed)
            assert len(keys) == count and not keys & held
            if committed <= snapshot and len(open_) == 1:
                assert min(keys) == (seen or 0) + 1
            drawn |= keys
        else:
            if verb == "commit":
                committed |= drawn
            del open_[who]
            registry.end(who, verb == "commit")
