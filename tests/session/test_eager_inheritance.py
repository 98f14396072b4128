"""Eager loading along classes that inherit: each object of its own class, joined tables in one join, their columns told apart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from nbsession import Engine, Session, aliased, contains_eager, joinedload, load_only, select, selectinload
from tests.session.hierarchy import Engineer, Firm, Machine, Person, kinds, staffed
from tests.support import expect_statements


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    with Session(staffed(engine)) as session:
        yield session


@pytest.mark.parametrize(("option", "count"), [(joinedload, 1), (selectinload, 2)])
def test_a_collection_of_a_base_class_brings_each_of_its_own_class(session: Session, option: Any, count: int) -> None:
    """Lines 21.20, 21.24"""
    with expect_statements(session, count):
        (firm,) = session.scalars(select(Firm).options(option(Firm.people))).unique().all()
        assert kinds(firm.people) == ["Person", "Engineer", "Manager"]
    with expect_statements(session, 1):
        assert firm.people[1].tool == "saw"


@pytest.mark.parametrize("option", [joinedload, selectinload])
def test_a_joined_class_is_loaded_with_all_its_tables(session: Session, option: Any) -> None:
    """Lines 21.20, 21.23: and so is what lies behind it."""
    (machine,) = session.scalars(select(Machine).options(option(Machine.engineer).joinedload(Engineer.firm))).all()
    with expect_statements(session, 0):
        assert (machine.engineer.name, machine.engineer.tool, machine.engineer.firm.id) == ("Eve", "saw", 1)


def test_a_limited_subclass_joins_what_hangs_on_either_table(session: Session) -> None:
    """Lines 21.20, 21.23: the subquery shows the keys of both."""
    statement = select(Engineer).order_by(Engineer.tool.desc(), Engineer.id).limit(1)
    with expect_statements(session, 1):
        eve = (
            session.scalars(statement.options(joinedload(Engineer.machines), joinedload(Engineer.firm))).unique().one()
        )
        assert [machine.id for machine in eve.machines] == [1] and eve.firm.id == 1 and eve.tool == "saw"


def test_get_of_a_subclass_with_two_joins(session: Session) -> None:
    """Lines 8.5, 21.20"""
    with expect_statements(session, 1):
        eve = session.get(Engineer, 2, options=[joinedload(Engineer.machines), joinedload(Engineer.firm)])
        assert len(eve.machines) == 1 and eve.firm.id == 1


def test_an_option_may_name_a_subclass_of_what_is_selected(session: Session) -> None:
    """Line 21.20: the others have no such relationship."""
    with expect_statements(session, 2):
        found = session.scalars(select(Person).order_by(Person.id).options(selectinload(Engineer.machines))).all()
        assert [machine.id for machine in found[1].__dict__["machines"]] == [1]
    assert "machines" not in found[0].__dict__


def test_an_alias_of_a_subclass_can_be_contained(session: Session) -> None:
    """Line 21.20"""
    other = aliased(Engineer)
    statement = select(Machine).join(other, Machine.engineer).options(contains_eager(Machine.engineer, alias=other))
    with expect_statements(session, 1):
        assert session.scalars(statement).one().engineer.tool == "saw"


def test_columns_of_a_subclass_are_chosen(session: Session) -> None:
    """Line 21.21: the discriminator comes always."""
    eve = session.scalars(select(Engineer).options(load_only(Engineer.tool))).one()
    assert set(eve.__dict__) == {"id", "kind", "tool"}
    with expect_statements(session, 1):
        assert eve.name == "Eve"


def test_populate_existing_of_a_base_class_forgets_the_subclass_columns(session: Session) -> None:
    """Line 8.8: they load at the next touch."""
    eve = session.get(Engineer, 2)
    with session.no_autoflush:
        eve.tool = eve.name = "changed"
        session.scalars(select(Person), execution_options={"populate_existing": True}).all()
    assert (eve.name, eve.tool) == ("Eve", "saw") and not session.dirty


def test_refresh_of_a_subclass_attribute(session: Session) -> None:
    """Line 10.2"""
    eve = session.get(Person, 2)
    eve.name = "kept"
    with session.no_autoflush, expect_statements(session, 1):
        session.refresh(eve, ["tool"])
        assert (eve.name, eve.tool) == ("kept", "saw")
