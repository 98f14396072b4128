"""Tables that nothing joins: warned of when a statement is executed for the first time, as SQLAlchemy 2.1.9 does."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from nbsession import (
    Column,
    Engine,
    ForeignKey,
    Integer,
    MetaData,
    NbsessionWarning,
    String,
    Table,
    and_,
    cast,
    create_engine,
    exists,
    func,
    literal,
    or_,
    select,
    true,
    tuple_,
    union,
    update,
)

metadata = MetaData()
tool = Table("tool", metadata, Column("id", Integer, primary_key=True), Column("name", String(20)))
loan = Table(
    "loan",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("tool_id", ForeignKey("tool.id")),
    Column("n", Integer),
)
shelf = Table("shelf", metadata, Column("id", Integer, primary_key=True), Column("n", Integer))
both = (tool.c.id, loan.c.id)
other = tool.alias("other")
lent = select(loan.c.tool_id).subquery("lent")
named = select(loan.c.tool_id).cte("named")


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = create_engine(database_url)
    metadata.create_all(engine)
    yield engine
    engine.dispose()


def warned(engine: Engine, statement: Any) -> list[str]:
    with warnings.catch_warnings(record=True) as told, engine.connect() as connection:
        warnings.simplefilter("always")
        connection.execute(statement)
    assert all(one.category is NbsessionWarning and one.filename == __file__ for one in told)
    return [str(one.message) for one in told]


APART: dict[str, tuple[Callable[[], Any], str, str]] = {
    "two": (lambda: select(*both), '"loan"', "tool"),
    "three": (lambda: select(*both, shelf.c.id), '"loan", "shelf"', "tool"),
    "one of three": (lambda: select(*both, shelf.c.id).where(loan.c.tool_id == tool.c.id), '"shelf"', "tool"),
    "two pairs": (lambda: select(*both, shelf.c.n, other.c.id).where(tool.c.id == loan.c.id, shelf.c.n == other.c.id),
                  '"shelf", "other"', "tool"),
    "each by a value": (lambda: select(*both).where(tool.c.id == 1, loan.c.id == 1), '"loan"', "tool"),
    "one side of a comparison": (lambda: select(*both).where(tool.c.id + loan.c.id == 5), '"loan"', "tool"),
    "an operator that compares nothing": (lambda: select(*both).where(tool.c.name.op("||")(loan.c.n)), '"loan"', "tool"),
    "only in a subquery": (lambda: select(*both).where(tool.c.id.in_(select(shelf.c.id).where(shelf.c.n == 1))), '"loan"', "tool"),
    "in a subquery around": (lambda: select(*both).where(exists().where(tool.c.id == loan.c.id, shelf.c.n == 1)), '"loan"', "tool"),
    "only in HAVING": (lambda: select(*both).group_by(*both).having(tool.c.id == loan.c.id), '"loan"', "tool"),
    "joined to another": (lambda: select(tool.c.id, shelf.c.n).select_from(tool.join(loan)), '"shelf"', "tool"),
    "alias": (lambda: select(tool.c.id, other.c.id), '"other"', "tool"),
    "subquery": (lambda: select(tool.c.id, lent.c.tool_id), '"lent"', "tool"),
    "cte": (lambda: select(tool.c.id, named.c.tool_id), '"named"', "tool"),
    "within a subquery": (lambda: select(select(tool.c.id, loan.c.n).subquery("q")), '"loan"', "tool"),
    "within exists": (lambda: select(tool.c.id).where(exists().where(loan.c.tool_id == 1, shelf.c.n == 2)), '"shelf"', "loan"),
    "within a union": (lambda: union(select(*both), select(shelf.c.id, shelf.c.n)), '"loan"', "tool"),
    "count": (lambda: select(func.count()).select_from(tool, loan), '"loan"', "tool"),
}  # fmt: skip
JOINED: dict[str, Callable[[], Any]] = {
    "equal": lambda: select(*both).where(tool.c.id == loan.c.tool_id),
    "less": lambda: select(*both).where(tool.c.id < loan.c.tool_id),
    "one of an or": lambda: select(*both).where(or_(tool.c.id == loan.c.tool_id, and_(tool.c.id == 3, loan.c.n == 4))),
    "not": lambda: select(*both).where(~(tool.c.id == loan.c.tool_id)),
    "like": lambda: select(*both).where(tool.c.name.like(cast(loan.c.n, String))),
    "between": lambda: select(*both).where(tool.c.id.between(loan.c.n, loan.c.id)),
    "in": lambda: select(*both).where(tool.c.id.in_([loan.c.n, literal(3)])),
    "functions": lambda: select(*both).where(func.abs(tool.c.id) == func.abs(loan.c.id)),
    "an operator that is said to compare": lambda: select(*both).where(tool.c.id.op("=", is_comparison=True)(loan.c.n)),
    "tuples": lambda: select(*both).where(tuple_(tool.c.id, tool.c.id) == tuple_(loan.c.id, loan.c.n)),
    "join": lambda: select(*both).join_from(tool, loan),
    "any join": lambda: select(*both).join_from(tool, loan, true()),
    "one of a join": lambda: select(*both, shelf.c.id).select_from(tool.join(loan)).where(shelf.c.id == loan.c.n),
    "around": lambda: select(tool.c.id).where(exists().where(loan.c.tool_id == tool.c.id)),
    "a value beside": lambda: select(tool.c.id, select(func.count(loan.c.id)).scalar_subquery()),
    "one alone": lambda: select(tool.c.id),
}


@pytest.mark.parametrize("form", APART)
def test_tables_that_nothing_joins_are_warned_of(engine: Engine, form: str) -> None:
    make, apart, start = APART[form]
    (said,) = warned(engine, make())
    words = f'SELECT statement has a cartesian product between FROM element(s) {apart} and FROM element "{start}". '
    assert said.startswith(words)


@pytest.mark.parametrize("form", JOINED)
def test_any_comparison_between_two_tables_joins_them(engine: Engine, form: str) -> None:
    assert warned(engine, JOINED[form]()) == []


def test_a_form_of_statement_is_warned_of_once(engine: Engine) -> None:
    assert len(warned(engine, select(*both).where(tool.c.id == 1))) == 1
    assert warned(engine, select(*both).where(tool.c.id == 2)) == []
    with pytest.warns(NbsessionWarning, match="UPDATE statement has a cartesian product"), engine.begin() as connection:
        connection.execute(update(tool).where(loan.c.n == 1).values(name="saw"))


def test_an_engine_may_be_silent(database_url: str) -> None:
    engine = create_engine(database_url, enable_from_linting=False)
    metadata.create_all(engine)
    assert warned(engine, select(*both)) == []
    engine.dispose()
