"""Every type goes into both databases and comes back as it was."""

from __future__ import annotations

import datetime as dt
import enum
import uuid
from contextlib import contextmanager
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbsession import exc
from nbsession.database import RowInsert, RowUpdate, create_engine
from nbsession.sql import types
from nbsession.sql.expression import select
from nbsession.sql.schema import Column, MetaData, Table
from nbsession.sql.textual import text


class Colour(enum.Enum):
    red = 1
    blue = 2


UTC = dt.UTC
BERLIN = dt.timezone(dt.timedelta(hours=2))
VALUES = [
    (types.Integer, 7, 7),
    (types.BigInteger, 2**62, 2**62),
    (types.SmallInteger, -3, -3),
    (types.String(20), "x'\"é", "x'\"é"),
    (types.Text, "", ""),
    (types.Float, 0.1, 0.1),
    (types.Double, -1e300, -1e300),
    (types.Numeric(10, 2), Decimal("12.30"), Decimal("12.30")),
    (types.Numeric(10, 2), 5, Decimal("5.00")),
    (types.Numeric(10, 2, asdecimal=False), Decimal("1.5"), 1.5),
    (types.Boolean, True, True),
    (types.Boolean, 0, False),
    (types.Date, dt.date(2024, 2, 29), dt.date(2024, 2, 29)),
    (types.DateTime, dt.datetime(2024, 2, 29, 1, 2, 3, 4), dt.datetime(2024, 2, 29, 1, 2, 3, 4)),
    (types.DateTime, dt.datetime(2024, 2, 29, 12, tzinfo=BERLIN), dt.datetime(2024, 2, 29, 10)),
    (
        types.DateTime(timezone=True),
        dt.datetime(2024, 2, 29, 12, tzinfo=BERLIN),
        dt.datetime(2024, 2, 29, 10, tzinfo=UTC),
    ),
    (types.Time, dt.time(1, 2, 3, 4), dt.time(1, 2, 3, 4)),
    (
        types.Interval,
        dt.timedelta(days=-3, seconds=5, microseconds=6),
        dt.timedelta(days=-3, seconds=5, microseconds=6),
    ),
    (types.LargeBinary, b"a\x00b", b"a\x00b"),
    (types.LargeBinary, bytearray(b"ab"), b"ab"),
    (types.JSON, {"a": [1, None, "é"]}, {"a": [1, None, "é"]}),
    (types.JSON, [{"a": 1}, {"b": "2"}], [{"a": 1}, {"b": "2"}]),
    (types.JSON, "text", "text"),
    (types.Uuid, uuid.UUID(int=5), uuid.UUID(int=5)),
    (types.Uuid(as_uuid=False), str(uuid.UUID(int=5)), str(uuid.UUID(int=5))),
    (types.Enum(Colour), Colour.blue, Colour.blue),
    (types.Enum("a", "b"), "b", "b"),
]


@pytest.mark.parametrize(
    ("type_", "given_", "back"), VALUES, ids=lambda value: getattr(value, "__name__", None) or repr(value)
)
def test_value_comes_back(database_url, type_, given_, back):
    metadata = MetaData()
    table = Table("t", metadata, Column("id", types.Integer, primary_key=True), Column("v", type_))
    engine = create_engine(database_url)
    metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(table.insert().values(v=given_))
        connection.execute(table.insert(), [{"v": given_}, {"v": None}])
        values = connection.execute(select(table.c.v).order_by(table.c.id)).scalars().all()
        found = connection.execute(select(table.c.id).where(table.c.v == given_)).scalars().all()
    assert values == [back, back, None]
    assert type(values[0]) is type(back)
    if not isinstance(table.c.v.type, types.JSON):
        assert sorted(found) == [1, 2]
    engine.dispose()


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        (types.Boolean, 5),
        (types.Boolean, "yes"),
        (types.LargeBinary, "text"),
        (types.Enum(Colour), "green"),
        (types.Enum("a", "b"), "c"),
        (types.Uuid, "no uuid"),
        (types.JSON, {1, 2}),
        (types.Integer, {1, 2}),
        (types.Integer, 2**70),
        (types.Integer, object()),
    ],
)
def test_value_that_does_not_fit_is_our_error(database_url, type_, value):
    metadata = MetaData()
    table = Table("t", metadata, Column("id", types.Integer, primary_key=True), Column("v", type_))
    engine = create_engine(database_url)
    metadata.create_all(engine)
    with engine.connect() as connection:
        with pytest.raises(exc.StatementError) as caught:
            connection.execute(table.insert().values(v=value))
        assert caught.value.orig is not None
        connection.rollback()
        with pytest.raises(exc.StatementError):
            connection.execute(table.insert(), [{"v": value}, {"v": value}])
    engine.dispose()


@pytest.mark.parametrize("type_", [types.Date, types.Time, types.Interval, types.DateTime])
def test_text_for_a_time_is_refused_by_sqlite(type_):
    metadata = MetaData()
    table = Table("t", metadata, Column("id", types.Integer, primary_key=True), Column("v", type_))
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    with engine.connect() as connection, pytest.raises(exc.StatementError, match="column takes datetime"):
        connection.execute(table.insert().values(v="tomorrow"))


def test_parameters_of_text_are_sent_by_what_they_are(connection):
    moment = dt.datetime(2024, 1, 2, 3, 4, 5)
    found = connection.execute(
        text("SELECT :a AS a, :b AS b, :c AS c"), {"a": moment, "b": Decimal("1.5"), "c": b"x"}
    ).one()
    assert found.a in (moment, "2024-01-02 03:04:05.000000")
    assert found.b == Decimal("1.5") and found.c == b"x"


@given(st.lists(st.datetimes(), max_size=20))
def test_moments_as_text_sort_by_time(moments):
    from nbsession.database.processors import datetime_from_text, datetime_to_text

    assert [datetime_from_text(one) for one in sorted(map(datetime_to_text, moments))] == sorted(moments)


@given(st.timedeltas())
def test_spans_come_back_exactly(span):
    from nbsession.database.processors import interval_from_microseconds, interval_to_microseconds

    assert interval_from_microseconds(interval_to_microseconds(span)) == span


def test_timestamp_with_time_zone_of_another_database_says_what_to_do():
    engine = create_engine("duckdb://")
    with engine.connect() as connection:
        try:
            import pytz  # noqa: F401
        except ImportError:
            with pytest.raises(exc.ProgrammingError, match="pip install pytz"):
                connection.exec_driver_sql("SELECT TIMESTAMPTZ '2024-01-01 00:00:00+00'")
    engine.dispose()


def test_types_survive_reflection(database_url):
    metadata = MetaData()
    declared = [
        types.Integer(),
        types.BigInteger(),
        types.Float(),
        types.Boolean(),
        types.Date(),
        types.DateTime(),
        types.Time(),
    ]
    declared += [
        types.Interval(),
        types.LargeBinary(),
        types.JSON(),
        types.Uuid(),
        types.Numeric(10, 2),
        types.String(),
    ]
    Table(
        "t",
        metadata,
        Column("id", types.Integer, primary_key=True),
        *[Column(f"c{n}", t) for n, t in enumerate(declared)],
    )
    engine, back = create_engine(database_url), MetaData()
    metadata.create_all(engine)
    back.reflect(engine)
    table = back.tables["t"]
    # CHAR(32) may hold anything: only DuckDB says that it is a UUID
    expected = ["string" if t.affinity == "uuid" and "sqlite" in database_url else t.affinity for t in declared]
    assert [type(table.c[f"c{n}"].type).affinity for n in range(len(declared))] == expected
    assert (table.c.c11.type.precision, table.c.c11.type.scale) == (10, 2)
    write = RowInsert(table, (table.c.c0,), table.c.id)
    with engine.begin() as connection:
        assert list(connection.insert_rows(write, [(1,), (2,)])) == [1, 2]
    engine.dispose()


ROUNDED = [
    ("DECIMAL(4,1)", Decimal("1.26")),
    ("DECIMAL(4,1)", 1.26),
    ("BIGINT", 2.5),
    ("INTEGER", Decimal("0.5")),
    ("HUGEINT", 0.1),
]


@pytest.mark.parametrize("count", [1, 2, 1500])
@pytest.mark.parametrize(("declared", "value"), ROUNDED)
def test_what_duckdb_would_round_silently_is_refused(declared, value, count):
    with _own_table(declared) as (connection, table):
        write = RowInsert(table, (table.c.id, table.c.v))
        with pytest.raises(exc.DataError, match=r"would round.*Round it first"):
            connection.insert_rows(write, [(n, value) for n in range(count)])
        connection.insert_rows(write, [(n, None) for n in range(count)])
        with pytest.raises(exc.DataError, match="would round"):
            connection.update_rows(RowUpdate(table, (table.c.v,), (table.c.id,)), [(value, n) for n in range(count)])
        assert connection.fetch("SELECT count(*), count(v) FROM t") == [(count, 0)]


@pytest.mark.parametrize(("type_", "value"), [(types.Numeric(4, 1), Decimal("1.26")), (types.Integer, 2.5)])
def test_statements_refuse_to_round_on_duckdb_too(type_, value):
    metadata = MetaData()
    table = Table(
        "t", metadata, Column("id", types.String, primary_key=True), Column("v", type_), Column("n", types.Integer)
    )
    engine = create_engine("duckdb://")
    metadata.create_all(engine)
    with engine.begin() as connection:
        for statement in (
            table.insert().values(id="a", v=value),
            table.insert().values([{"id": "a", "v": 1}, {"id": "b", "v": value}]),
            table.insert().values(id="a", v=value).returning(table.c.id),
            table.update().values(n=table.c.n + 1, v=value).where(table.c.n == 1),
        ):
            with pytest.raises(exc.DataError, match="would round"):
                connection.execute(statement)
        connection.execute(table.insert().values(id="a", v=2.0))
        connection.execute(table.update().values(v=3.0, n=table.c.v + value))
        assert connection.execute(select(table.c.id).where(table.c.v > value)).all() == [("a",)]
        assert connection.execute(table.update().values(v=4).where(table.c.v > value)).rowcount == 1
    engine.dispose()


STRUCTS = [{"a": 1, "b": "x"}, {"a": None, "b": "y"}, None]
OWN = [
    ("DECIMAL(4,1)", [Decimal("1.30"), 2.5, 3, None], [Decimal("1.3"), Decimal("2.5"), Decimal("3.0"), None]),
    ("DECIMAL(10,2)", [0.1 + 0.2, Decimal("1E+2")], [Decimal("0.30"), Decimal("100.00")]),
    ("DECIMAL(38,2)", [Decimal("123456789012345678901234567890123456.78")], [Decimal("123456789012345678901234567890123456.78")]),
    ("BIGINT", [2**60 + 1, 2.0, Decimal("3.00")], [2**60 + 1, 2, 3]),
    ("HUGEINT", [2**100 + 1, -(2**100), None, 2.0], [2**100 + 1, -(2**100), None, 2]),
    ("UBIGINT", [2**64 - 1], [2**64 - 1]),
    ("INTEGER[]", [[1, 2], [], None, [None]], [[1, 2], [], None, [None]]),
    ("VARCHAR[]", [["a", "é"], [None]], [["a", "é"], [None]]),
    ("STRUCT(a INTEGER, b VARCHAR)", STRUCTS, STRUCTS),
    ("ENUM('a', 'b')", ["b", "a", None], ["b", "a", None]),
    ("DATE", [dt.date(1, 1, 1), dt.date(9999, 12, 31)], [dt.date(1, 1, 1), dt.date(9999, 12, 31)]),
    ("INTEGER", [None, None], [None, None]),
    ("VARCHAR", [None, None], [None, None]),
    ("STRUCT(a INTEGER)", [None, None], [None, None]),
    ("INTEGER[]", [None, None], [None, None]),
    ("BLOB", [b"", b"a\0b", None], [b"", b"a\0b", None]),
    ("UUID", [uuid.UUID(int=2**128 - 1), None], [uuid.UUID(int=2**128 - 1), None]),
]  # fmt: skip


@pytest.mark.parametrize("times", [0, 1, 700])
@pytest.mark.parametrize(("declared", "given_", "back"), OWN)
def test_duckdbs_own_types_come_back_one_by_one_by_columns_and_by_arrow(declared, given_, back, times):
    with _own_table(declared) as (connection, table):
        write = RowInsert(table, (table.c.id, table.c.v))
        if times:
            connection.insert_rows(write, [*enumerate(given_ * times)])
        else:
            for number, value in enumerate(given_):
                connection.insert_rows(write, [(number, value)])
        nested = connection.begin_nested()
        connection.exec_driver_sql("DELETE FROM t")
        nested.rollback()
        values = [value for (value,) in connection.fetch("SELECT v FROM t ORDER BY id")]
        assert values == back * max(1, times)
        assert [type(value) for value in values] == [type(value) for value in back] * max(1, times)
        update = RowUpdate(table, (table.c.v,), (table.c.id,))
        rows = [(value, number) for number, value in enumerate(reversed(given_ * max(1, times)))]
        assert connection.update_rows(update, rows) == len(rows)
        assert [value for (value,) in connection.fetch("SELECT v FROM t ORDER BY id DESC")] == back * max(1, times)


@contextmanager
def _own_table(declared):
    engine = create_engine("duckdb://")
    table = Table("t", MetaData(), Column("id", types.Integer, primary_key=True), Column("v", types.Integer))
    with engine.begin() as connection:
        connection.exec_driver_sql(f"CREATE TABLE t (id INTEGER PRIMARY KEY, v {declared})")
        yield connection, table
    engine.dispose()
