"""SQL expressions as attribute values: rendered in INSERT and UPDATE, and loaded when touched."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from nbsession import DeclarativeBase, Engine, Mapped, Session, func, inspect, mapped_column, select
from tests.support import expect_statements, statements_of


class Base(DeclarativeBase):
    pass


class Counter(Base):
    __tablename__ = "counter"

    id: Mapped[int] = mapped_column(primary_key=True)
    n: Mapped[int | None]
    label: Mapped[str | None]
    made: Mapped[str | None] = mapped_column(default=func.lower("ABC"), onupdate=func.upper("xyz"))
    set: Mapped[int | None] = mapped_column(server_default="4")


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    Base.metadata.create_all(engine)
    session = Session(engine)
    yield session
    session.close()


def test_an_expression_is_written_and_the_attribute_expires(session: Session) -> None:
    """Line 9.10: rendered in the UPDATE, loaded on access."""
    counter = Counter(n=1, label="a")
    session.add(counter)
    session.flush()
    counter.n, counter.label = Counter.n + 10, "b"
    assert counter in session.dirty and session.is_modified(counter)
    with statements_of(session) as sent:
        session.flush()
    assert len(sent) == 1 and "counter.n + " in sent[0].replace('"', "")
    assert "n" not in vars(counter) and vars(counter)["label"] == "b" and counter not in session.dirty
    with expect_statements(session, 1):
        assert counter.n == 11
    counter.n = Counter.n * 2
    session.commit()
    assert counter.n == 22


def test_an_expression_is_inserted_and_keys_are_filled(session: Session) -> None:
    """Line 9.10: rendered in the INSERT; objects beside it are inserted in their order."""
    counters = [Counter(n=5), Counter(n=select(func.max(Counter.n)).scalar_subquery(), label=func.upper("abc"))]
    counters.append(Counter(n=6))
    session.add_all(counters)
    session.flush()
    assert [c.id for c in counters] == sorted(c.id for c in counters)
    assert "n" not in vars(counters[1]) and vars(counters[0])["n"] == 5
    assert (counters[1].n, counters[1].label, counters[2].n) == (5, "ABC", 6)
    assert all(inspect(c).persistent for c in counters) and session.get(Counter, counters[1].id) is counters[1]


def test_a_key_may_be_an_expression(session: Session) -> None:
    """Line 9.10: the identity is what the database made of it."""
    counter = Counter(id=func.abs(-77))
    session.add(counter)
    session.commit()
    assert counter.id == 77 and session.get(Counter, 77) is counter


def test_defaults_that_are_expressions_are_loaded_too(session: Session) -> None:
    """Line 9.10: defaults and onupdate of the database likewise."""
    counter = Counter(n=1)
    session.add(counter)
    session.flush()
    assert (counter.made, counter.set) == ("abc", 4)
    counter.n = 2
    session.flush()
    assert "made" not in vars(counter) and counter.made == "XYZ"


def test_the_plan_shows_expressions(session: Session) -> None:
    """Line 9.10: an expression is in the plan's rows, and looking at it changes nothing."""
    counter = Counter(n=1)
    session.add(counter)
    session.flush()
    counter.n = Counter.n + 1
    (step,) = session.flush_plan().steps
    ((_, row),) = step.rows()
    assert row["n"] is vars(counter)["n"]
    session.flush()
    assert counter.n == 2


def test_rollback_forgets_an_expression(session: Session) -> None:
    """Lines 9.10, 10.1: what was not flushed is forgotten."""
    counter = Counter(n=1)
    session.add(counter)
    session.commit()
    counter.n = Counter.n + 1
    session.rollback()
    assert counter.n == 1
