"""Random programs: DuckDB's savepoints by redo do what SQLite's own do. Tables and keys are compared after every step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbsession import exc
from nbsession.database import Connection, RowDelete, RowInsert, RowUpdate, create_engine
from nbsession.sql.schema import CheckConstraint, Column, MetaData, Table
from nbsession.sql.types import Integer

_ids = st.integers(1, 9)
_values = st.integers(0, 99)
_unique = st.none() | st.integers(0, 9)
_bulk = st.lists(st.tuples(_values, _unique), min_size=1, max_size=3)

steps = st.one_of(
    st.tuples(st.just("insert"), _bulk),
    st.tuples(st.just("insert"), _bulk),
    st.tuples(st.just("insert explicit"), st.lists(st.tuples(_ids, _values, _unique), min_size=1, max_size=3)),
    st.tuples(st.just("update"), st.lists(st.tuples(_values, _unique, _ids), min_size=1, max_size=3)),
    st.tuples(st.just("delete"), st.lists(st.tuples(_ids), min_size=1, max_size=3)),
    st.tuples(st.just("raw update"), st.tuples(_values, _ids)),
    st.tuples(st.just("bad"), st.sampled_from(["selec", "INSERT INTO nope VALUES (1)"])),
    st.tuples(st.just("savepoint")),
    st.tuples(st.just("savepoint")),
    st.tuples(st.just("release"), st.integers(0, 4)),
    st.tuples(st.just("rollback to"), st.integers(0, 4)),
    st.tuples(st.just("commit")),
    st.tuples(st.just("rollback")),
)


class Runner:
    """One database going through a program."""

    def __init__(self, url: str) -> None:
        self.engine = create_engine(url)
        metadata = MetaData()
        self.table = Table(
            "t",
            metadata,
            Column("id", Integer, primary_key=True),
            Column("v", Integer, CheckConstraint("v < 90"), nullable=False),
            Column("u", Integer, unique=True),
        )
        metadata.create_all(self.engine)
        self.connection: Connection = self.engine.connect()
        self.savepoints: list[Any] = []

    def run(self, step: tuple[Any, ...]) -> Any:
        """What the step gave: keys, counts, or the kind of error. After an error the innermost savepoint is rolled back."""
        try:
            return self._run(*step)
        except exc.NbsessionError as error:
            # PostgreSQL's rule, which is the only one that both can follow: back to a savepoint, or all is lost
            self.savepoints = [nested for nested in self.savepoints if nested.is_active]
            if self.savepoints:
                self.savepoints.pop().rollback()
            else:
                self.connection.rollback()
            return type(error).__name__ if isinstance(error, exc.IntegrityError) else "error"

    def _run(self, verb: str, given: Any = None) -> Any:
        c, connection = self.table.c, self.connection
        match verb:
            case "insert":
                return list(connection.insert_rows(RowInsert(self.table, (c.v, c.u), c.id), given) or ())
            case "insert explicit":
                return connection.insert_rows(RowInsert(self.table, (c.id, c.v, c.u), None), given)
            case "update":
                return connection.update_rows(RowUpdate(self.table, (c.v, c.u), (c.id,)), given)
            case "delete":
                return connection.delete_rows(RowDelete(self.table, (c.id,)), given)
            case "raw update":
                return connection.exec_driver_sql("UPDATE t SET v = (v + ?) % 90 WHERE id < ?", given).rowcount
            case "bad":
                return connection.exec_driver_sql(given)
            case "savepoint":
                self.savepoints.append(connection.begin_nested("same name"))
            case "release" | "rollback to":
                self.savepoints = [nested for nested in self.savepoints if nested.is_active]
                if self.savepoints:
                    nested = self.savepoints[given % len(self.savepoints)]
                    nested.commit() if verb == "release" else nested.rollback()
            case _:
                getattr(connection, verb)()
        return None

    def rows(self) -> list[tuple[Any, ...]]:
        return self.connection.fetch("SELECT * FROM t ORDER BY id")

    def clear(self) -> None:
        """Makes it as new: opening a database takes longer than a program."""
        self.savepoints = []
        self.connection.rollback()
        self.connection.exec_driver_sql("DELETE FROM t")
        self.connection.commit()


@pytest.fixture(scope="module")
def runners() -> Iterator[tuple[Runner, Runner]]:
    both = Runner("sqlite://"), Runner("duckdb://?threads=1")
    yield both
    for runner in both:
        runner.connection.close()
        runner.engine.dispose()


@settings(max_examples=max(200, settings().max_examples))
@given(st.lists(steps, max_size=20))
def test_programs_end_the_same_on_both(runners, program):
    lite, duck = runners
    lite.clear()
    duck.clear()
    for step in program:
        assert lite.run(step) == duck.run(step), step
        assert lite.rows() == duck.rows(), step
    for runner in runners:
        runner.connection.commit()
    assert lite.rows() == duck.rows()
