"""Hierarchies in statements: aliases of classes in several tables, relationships to and from them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from nbsession import Engine, Session, aliased, func, select, with_parent
from tests.session.hierarchy import Director, Engineer, Firm, Machine, Manager, Person, staffed


@pytest.fixture
def staff(engine: Engine) -> Iterator[Session]:
    """Pat, Eve the engineer with a machine, Max the manager, Dot the director."""
    with Session(staffed(engine)) as session:
        yield session


def test_an_alias_of_a_class_in_several_tables(staff: Session) -> None:
    other = aliased(Engineer)
    assert staff.scalars(select(other).where(other.tool == "saw", other.name == "Eve")).one() is staff.get(Engineer, 2)
    found = staff.execute(select(Person.name, other.name).where(Person.firm_id == other.firm_id).order_by(Person.id))
    assert [tuple(row) for row in found] == [("Pat", "Eve"), ("Eve", "Eve"), ("Max", "Eve")]
    one, two = aliased(Manager), aliased(Manager)
    found = staff.execute(select(one.name, two.name).where(one.budget < two.budget))
    assert [tuple(row) for row in found] == [("Max", "Dot")]


def test_an_alias_of_the_base_gives_objects_of_their_own_class(staff: Session) -> None:
    other = aliased(Person)
    assert [type(p).__name__ for p in staff.scalars(select(other).order_by(other.id))] == [
        "Person",
        "Engineer",
        "Manager",
        "Director",
    ]


def test_an_alias_of_a_class_without_a_table_of_its_own(staff: Session) -> None:
    boss = aliased(Director)
    assert staff.scalars(select(boss.name)).all() == ["Dot"]
    assert staff.scalars(select(boss)).one().car == "red"


def test_relationships_to_and_from_a_subclass(staff: Session) -> None:
    eve = staff.get(Engineer, 2)
    assert staff.scalars(select(Engineer.name).join(Engineer.machines)).all() == ["Eve"]
    assert staff.scalars(select(Machine.id).join(Machine.engineer).where(Engineer.name == "Eve")).all() == [1]
    assert staff.scalars(select(Machine.id).where(Machine.engineer.has(Engineer.tool == "saw"))).all() == [1]
    assert staff.scalars(select(Machine.id).where(Machine.engineer.has(name="Eve"))).all() == [1]
    assert staff.scalars(select(Machine.id).where(Machine.engineer == eve)).all() == [1]
    assert staff.scalars(select(Engineer.name).where(Engineer.machines.any(Machine.id == 1))).all() == ["Eve"]
    assert staff.scalars(select(Machine).where(with_parent(eve, Engineer.machines))).one().id == 1


def test_relationships_of_the_base(staff: Session) -> None:
    firm = staff.get(Firm, 1)
    assert staff.scalars(select(Engineer.name).where(Engineer.firm == firm)).all() == ["Eve"]
    assert staff.scalars(select(Engineer.name).join(Engineer.firm).where(Firm.id == 1)).all() == ["Eve"]
    assert staff.scalar(select(func.count()).select_from(Firm).join(Firm.people)) == 3
    assert staff.scalars(select(Firm.id).where(Firm.people.any(Person.name == "Max"))).all() == [1]


def test_a_relationship_narrowed_to_a_subclass(staff: Session) -> None:
    """of_type() with a class: its columns may be spoken of."""
    statement = select(Firm.id, Engineer.tool).join(Firm.people.of_type(Engineer))
    assert [tuple(row) for row in staff.execute(statement)] == [(1, "saw")]
    assert staff.scalars(select(Firm.id).where(Firm.people.of_type(Engineer).any(Engineer.tool == "saw"))).all() == [1]
    assert staff.scalars(select(Firm.id).where(Firm.people.of_type(Engineer).any(Engineer.tool == "axe"))).all() == []
    assert staff.scalars(select(Firm.id).where(Firm.people.of_type(Director).any())).all() == []
    other = aliased(Engineer)
    assert staff.scalars(select(other.name).select_from(Firm).join(Firm.people.of_type(other))).all() == ["Eve"]


def test_in_the_older_style(staff: Session) -> None:
    query = staff.query(Engineer)
    assert query.count() == 1 and query.filter(Person.name == "Eve").one() is staff.get(Person, 2)
    assert [
        p.name for p in staff.query(Person).filter(Person.id < 3).union(staff.query(Person)).order_by(Person.id)
    ] == [
        "Pat",
        "Eve",
        "Max",
        "Dot",
    ]
    assert staff.query(Engineer).union(staff.query(Engineer)).filter(Engineer.tool == "saw").one().name == "Eve"
    assert staff.query(Manager).order_by(Manager.budget.desc()).first().name == "Dot"
    assert staff.query(Director).update({"budget": 5}) == 1 and staff.get(Manager, 4).budget == 5
