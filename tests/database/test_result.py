"""Result, Row, scalars and mappings."""

from __future__ import annotations

import pickle
import sys

import pytest

from nbsession import exc
from nbsession.database import Result, Row, ScalarResult

ROWS = [(1, "a"), (2, "b"), (3, "c")]


@pytest.fixture
def result():
    return Result(list(ROWS), ("id", "name"))


def test_rows_are_tuples_with_names(result):
    row = result.first()
    assert isinstance(row, Row) and row == (1, "a") and hash(row) == hash((1, "a"))
    assert (row.id, row[1], row._mapping["name"], row._fields, row._asdict()) == (
        1,
        "a",
        "a",
        ("id", "name"),
        {"id": 1, "name": "a"},
    )
    assert repr(row) == "(1, 'a')" and row._tuple() == (1, "a")
    a, b = row
    assert (a, b) == (1, "a")
    with pytest.raises(AttributeError, match="Could not locate column in row for column 'zork'"):
        row.zork


def test_rows_pickle(result):
    row = pickle.loads(pickle.dumps(result.first()))
    assert row.name == "a"


def test_names_that_a_tuple_has_too():
    row = Result([(5, 6, 7)], ("count", "index", "class")).one()
    assert (row.count, row.index, getattr(row, "class")) == (5, 6, 7)


def test_names_that_come_twice():
    row = Result([(1, 2, 3)], ("id", "id", "x")).one()
    assert row == (1, 2, 3) and row.x == 3
    with pytest.raises(exc.InvalidRequestError, match="Ambiguous column name 'id'"):
        row.id


def test_reading_in_portions(result):
    assert result.fetchone() == (1, "a")
    assert result.fetchmany(1) == [(2, "b")]
    assert result.all() == [(3, "c")]
    assert result.all() == [] and result.fetchone() is None
    assert [len(part) for part in Result(list(ROWS), ("a", "b")).partitions(2)] == [2, 1]


def test_leaving_a_loop_early_keeps_the_rest(result):
    for row in result:
        if row.id == 2:
            break
    assert result.all() == [(3, "c")]
    assert list(Result([(1,), (1,), (2,)], ("x",)).unique()) == [(1,), (2,)]


@pytest.mark.parametrize(("rows", "error"), [([], exc.NoResultFound), (ROWS, exc.MultipleResultsFound)])
def test_one_row_wanted(rows, error):
    for method in ("one", "scalar_one"):
        with pytest.raises(error, match="required"):
            getattr(Result(list(rows), ("a", "b")), method)()
    with pytest.raises(error):
        Result(list(rows), ("a", "b")).scalars().one()


def test_one_row_found():
    def made():
        return Result([(7, 8)], ("a", "b"))

    assert made().one() == made().one_or_none() == made().first() == (7, 8)
    assert made().scalar() == made().scalar_one() == made().scalar_one_or_none() == 7
    empty = Result([], ("a",))
    assert empty.first() is None
    assert Result([], ("a",)).scalar() is None and Result([], ("a",)).one_or_none() is None
    assert Result([], ("a",)).scalar_one_or_none() is None
    with pytest.raises(exc.MultipleResultsFound):
        Result(list(ROWS), ("a", "b")).scalar_one_or_none()


def test_closed_result_refuses(result):
    result.first()
    for use in (result.all, result.fetchone, result.scalars, lambda: next(result)):
        with pytest.raises(exc.ResourceClosedError, match="This result object is closed"):
            use()
    assert result.closed


def test_result_without_rows_says_so():
    done = Result(None, (), 3)
    assert done.rowcount == 3 and not done.returns_rows
    with pytest.raises(exc.ResourceClosedError, match="does not return rows"):
        done.all()
    with pytest.raises(exc.InvalidRequestError, match="inserted_primary_key"):
        done.inserted_primary_key


def test_scalars_by_position_and_name(result):
    assert result.scalars("name").all() == ["a", "b", "c"]
    assert Result(list(ROWS), ("id", "name")).scalars(1).first() == "a"
    with pytest.raises(exc.InvalidRequestError, match="Could not locate column"):
        Result(list(ROWS), ("id", "name")).scalars("zork")
    assert ScalarResult.of([3, 1]).all() == [3, 1]


def test_mappings(result):
    assert result.mappings().all() == [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}, {"id": 3, "name": "c"}]
    mapping = Result(list(ROWS), ("id", "name")).mappings().first()
    assert dict(mapping) == {"id": 1, "name": "a"} and list(mapping.keys()) == ["id", "name"]
    assert list(mapping.values()) == [1, "a"] and dict(mapping.items()) == dict(mapping)
    with pytest.raises(KeyError, match="zork"):
        mapping["zork"]


def test_columns_picks_and_orders(result):
    assert result.columns("name", 0).all() == [("a", 1), ("b", 2), ("c", 3)]


def test_unique_by_equality_identity_or_strategy():
    class Thing:
        pass

    thing = Thing()
    assert Result([(1, "a"), (1, "a"), (2, "a")], ("x", "y")).unique().all() == [(1, "a"), (2, "a")]
    assert Result([(thing,), (thing,), (Thing(),)], ("x",)).scalars().unique().all()[0] is thing
    assert len(Result([([1],), ([1],)], ("x",)).unique().all()) == 2
    assert Result([(1,), (-1,), (2,)], ("x",)).scalars().unique(abs).all() == [1, 2]
    assert Result([(1,), (1,), (2,), (3,)], ("x",)).unique().fetchmany(2) == [(1,), (2,)]
    assert Result([(1,), (1,)], ("x",)).unique().one() == (1,)


def test_df_and_arrow_name_what_is_missing(monkeypatch, result):
    for name, method in (("pandas", "df"), ("pyarrow", "arrow")):
        monkeypatch.setitem(sys.modules, name, None)
        with pytest.raises(exc.InvalidRequestError, match=f"pip install {name}"):
            getattr(result, method)()


def test_arrow(result):
    pytest.importorskip("pyarrow")
    assert result.arrow().to_pydict() == {"id": [1, 2, 3], "name": ["a", "b", "c"]}
