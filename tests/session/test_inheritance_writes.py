"""Rows of class hierarchies: one step for each table, base table first in, last out, and only tables that changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from nbsession import DeclarativeBase, Engine, ForeignKey, Mapped, Session, inspect, mapped_column, relationship
from nbsession.session.flush.flush_plan import KeyOf
from tests.support import statements_of


class Base(DeclarativeBase):
    pass


class Person(Base):
    __tablename__ = "person"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    name: Mapped[str | None]
    boss_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    boss: Mapped[Person | None] = relationship(
        remote_side=lambda: Person.id, foreign_keys=lambda: Person.boss_id, back_populates="staff"
    )
    staff: Mapped[list[Person]] = relationship(
        foreign_keys=lambda: Person.boss_id, back_populates="boss", order_by=lambda: Person.id
    )

    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "person"}


class Engineer(Person):
    __tablename__ = "engineer"

    id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    language: Mapped[str | None]

    __mapper_args__ = {"polymorphic_identity": "engineer"}


class Manager(Person):
    __tablename__ = "manager"

    manager_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    title: Mapped[str | None]

    __mapper_args__ = {"polymorphic_identity": "manager"}


class Senior(Engineer):
    """Shares the table of its parent."""

    level: Mapped[int | None]

    __mapper_args__ = {"polymorphic_identity": "senior"}


Read = Callable[[str], list[tuple[Any, ...]]]


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    Base.metadata.create_all(engine)
    session = Session(engine)
    yield session
    session.close()


@pytest.fixture
def read(session: Session) -> Read:
    def rows(sql: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in session.connection().exec_driver_sql(sql).all()]

    return rows


def shape(session: Session) -> list[str]:
    return [str(step) for step in session.flush_plan().steps]


def test_a_hierarchy_is_inserted_table_by_table_in_the_order_of_add(session: Session, read: Read) -> None:
    """Lines 21.2, 21.23, 21.24: base table first; objects in the order they were added, whatever their class."""
    people = [
        Engineer(name="a", language="py"),
        Manager(name="b", title="x"),
        Person(name="c"),
        Senior(name="d", level=3),
    ]
    session.add_all(people)
    plan = session.flush_plan()
    assert [str(step) for step in plan.steps] == ["INSERT person (4)", "INSERT engineer (2)", "INSERT manager (1)"]
    assert plan.steps[0].objects == people and plan.steps[0].settles and not plan.steps[1].settles
    ada = next(plan.steps[0].rows())
    assert ada == (people[0], {"kind": "engineer", "name": "a", "boss_id": None})
    assert next(plan.steps[2].rows()) == (people[1], {"manager_id": KeyOf(people[1]), "title": "x"})
    assert plan.steps[1].reasons == ("engineer.id needs person.id of step 1",) and plan.steps[2].after == (1,)
    with statements_of(session) as sent:
        session.flush()
    assert len(sent) == 3
    assert [one.id for one in people] == sorted(one.id for one in people)
    assert [one.kind for one in people] == ["engineer", "manager", "person", "senior"]
    assert all(inspect(one).persistent for one in people)
    assert isinstance(people[1], Manager) and people[1].manager_id == people[1].id
    assert [name for (name,) in read("SELECT name FROM person ORDER BY id")] == ["a", "b", "c", "d"]
    assert read("SELECT language, level FROM engineer ORDER BY id") == [("py", None), (None, 3)]
    assert read("SELECT title FROM manager") == [("x",)]


def test_only_tables_with_changes_are_updated(session: Session, read: Read) -> None:
    """Lines 21.7, 21.24: UPDATE names the tables and columns that changed."""
    engineer, manager = Senior(name="a", language="py", level=1), Manager(name="b")
    session.add_all([engineer, manager])
    session.flush()
    engineer.language = "c"
    assert shape(session) == ["UPDATE engineer (1)"]
    manager.name = "B"
    assert shape(session) == ["UPDATE person (1)", "UPDATE engineer (1)"]
    engineer.name, engineer.level = "A", 2
    with statements_of(session) as sent:
        session.flush()
    assert sum("UPDATE" in sql for sql in sent) == 2 and not session.dirty
    assert read("SELECT language, level FROM engineer") == [("c", 2)]
    assert read("SELECT name FROM person ORDER BY id") == [("A",), ("B",)]


def test_a_hierarchy_is_deleted_base_table_last(session: Session, read: Read) -> None:
    """Line 21.24: deletes are in reverse."""
    people = [Engineer(name="a"), Manager(name="b"), Person(name="c"), Senior(name="d")]
    session.add_all(people)
    session.commit()
    for one in people:
        session.delete(one)
    session.flush()
    assert read("SELECT count(*) FROM person") == read("SELECT count(*) FROM engineer") == [(0,)]
    assert all(inspect(one).deleted for one in people)
    session.rollback()
    assert all(inspect(one).persistent for one in people) and people[3].name == "d"
    assert read("SELECT count(*) FROM manager") == [(1,)]


def test_the_order_of_deletes_is_that_of_the_plan(session: Session) -> None:
    """Line 21.24: each edge of the plan says which foreign key it is for."""
    engineer = Engineer(name="a")
    session.add(engineer)
    session.commit()
    assert engineer.staff == [] and engineer.id
    session.delete(engineer)
    first, last = session.flush_plan().steps
    assert (str(first), str(last)) == ("DELETE engineer (1)", "DELETE person (1)")
    assert last.reasons == ("engineer.id refers to person: step 1 deletes those rows first",)
    assert list(first.rows()) == [(engineer, {"id": engineer.id})]


def test_references_inside_a_hierarchy_order_its_objects(session: Session, read: Read) -> None:
    """Lines 21.1, 21.23: a self-referential hierarchy is ordered by object, across its classes."""
    worker = Engineer(name="worker", boss=Manager(name="head", boss=Person(name="top")))
    session.add(worker)
    assert shape(session) == [
        "INSERT person (1)",
        "INSERT person (1)",
        "INSERT manager (1)",
        "INSERT person (1)",
        "INSERT engineer (1)",
    ]
    session.flush()
    head = worker.boss
    assert head is not None
    found = read("SELECT p.name, b.name FROM person p JOIN person b ON b.id = p.boss_id ORDER BY p.name")
    assert found == [("head", "top"), ("worker", "head")]
    session.delete(head)
    session.delete(worker)
    assert [text for text in shape(session) if text.startswith("DELETE")] == [
        "DELETE engineer (1)",
        "DELETE person (1)",
        "DELETE manager (1)",
        "DELETE person (1)",
    ]
    session.commit()
    assert read("SELECT name FROM person") == [("top",)]


def test_a_discriminator_that_was_set_stays(session: Session, read: Read) -> None:
    """Line 21.24: the flush fills the discriminator only where it is missing."""
    session.add(Person(name="x", kind="manager"))
    session.flush()
    assert read("SELECT kind FROM person") == [("manager",)]


def test_a_row_switch_spans_the_tables(session: Session, read: Read) -> None:
    """Line 21.4: the newcomer takes over the row in every table."""
    old = Engineer(id=1, name="old", language="py")
    session.add(old)
    session.commit()
    session.delete(old)
    new = Engineer(id=1, name="new")
    session.add(new)
    assert shape(session) == ["UPDATE person (1)", "UPDATE engineer (1)"]
    session.commit()
    assert read("SELECT p.name, e.language FROM person p JOIN engineer e ON e.id = p.id") == [("new", None)]
    assert session.get(Person, 1) is new


def test_a_reference_between_two_subclasses(session: Session, read: Read) -> None:
    """Lines 21.1, 21.24: both lie in one base table, and the foreign key in a subclass's own."""

    class Own(DeclarativeBase):
        pass

    class Staff(Own):
        __tablename__ = "staff"

        id: Mapped[int] = mapped_column(primary_key=True)

    class Head(Staff):
        __tablename__ = "head"

        id: Mapped[int] = mapped_column(ForeignKey("staff.id"), primary_key=True)
        workers: Mapped[list[Worker]] = relationship(
            primaryjoin=lambda: Worker.head_id == Head.id,
            foreign_keys=lambda: Worker.head_id,
            back_populates="head",
            order_by=lambda: Worker.id,
        )

    class Worker(Staff):
        __tablename__ = "worker"

        id: Mapped[int] = mapped_column(ForeignKey("staff.id"), primary_key=True)
        head_id: Mapped[int | None] = mapped_column()
        head: Mapped[Head | None] = relationship(
            primaryjoin=lambda: Worker.head_id == Head.id,
            foreign_keys=lambda: Worker.head_id,
            back_populates="workers",
        )

    Own.metadata.create_all(session.bind)
    worker = Worker(head=Head())
    session.add(worker)
    assert shape(session) == [
        "INSERT staff (1)",
        "INSERT head (1)",
        "INSERT staff (1)",
        "INSERT worker (1)",
    ]
    session.flush()
    head = worker.head
    assert head is not None and read("SELECT head_id FROM worker") == [(head.id,)]
    head.workers.append(Worker())
    session.commit()
    assert len(head.workers) == 2
    session.delete(head)
    session.commit()
    assert read("SELECT head_id FROM worker") == [(None,), (None,)] and read("SELECT count(*) FROM staff") == [(2,)]
