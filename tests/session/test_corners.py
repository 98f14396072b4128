"""Corners of rules that have their tests elsewhere: what a second look at each, on another model, has found."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from nbsession import (
    DeclarativeBase,
    Engine,
    ForeignKey,
    Integer,
    Mapped,
    Session,
    aliased,
    event,
    func,
    inspect,
    make_transient,
    mapped_column,
    relationship,
    select,
    text,
)
from nbsession.exc import FlushError, IntegrityError, NbsessionWarning, UnmappedInstanceError


class Base(DeclarativeBase):
    pass


class Shelf(Base):
    __tablename__ = "shelf"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None]
    width: Mapped[int | None] = mapped_column(default=5)
    depth: Mapped[int | None] = mapped_column(Integer, default=lambda row: row.get_current_parameters()["width"] * 2)
    rows: Mapped[int | None] = mapped_column(server_default="7")
    sum: Mapped[int | None] = mapped_column(server_default=text("3 + 4"))


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    Base.metadata.create_all(engine)
    session = Session(engine)
    yield session
    session.close()


def test_was_deleted_is_remembered(session: Session) -> None:
    """Line 14.8: an object whose row a flush deleted knows it, also when detached; a rollback takes it back."""
    shelf = Shelf(id=1)
    assert not inspect(shelf).was_deleted
    session.add(shelf)
    session.commit()
    session.delete(shelf)
    assert not inspect(shelf).was_deleted
    session.flush()
    assert inspect(shelf).was_deleted
    session.rollback()
    assert not inspect(shelf).was_deleted
    session.delete(shelf)
    session.commit()
    assert inspect(shelf).detached and inspect(shelf).was_deleted
    make_transient(shelf)
    assert not inspect(shelf).was_deleted


def test_a_new_object_outside_is_modified_once_something_is_set() -> None:
    """Line 21.14: ``inspect(obj).modified`` of a transient object."""
    assert inspect(Shelf(name="a")).modified and not inspect(Shelf()).modified


def test_sets_of_a_session_have_set_methods(session: Session) -> None:
    """Line 17.5: ``session.new.union(session.dirty)`` and the like, by identity."""
    one, two = Shelf(id=1), Shelf(id=2)
    session.add_all([one, two])
    new = session.new
    assert list(new.union(session.dirty)) == [one, two] and list(new.intersection([two])) == [two]
    assert list(new.difference([two], session.dirty)) == [one]
    assert new.issuperset([one]) and not new.issubset([one]) and new.copy() == new


def test_a_class_instead_of_an_object(session: Session) -> None:
    """Line 13.9: the message asks whether a class was meant."""
    with pytest.raises(UnmappedInstanceError, match=r"was a class \(tests\.session\.test_corners\.Shelf\) supplied"):
        session.add(Shelf)
    with pytest.raises(UnmappedInstanceError, match=r"Class 'builtins\.NoneType' is not mapped"):
        session.add(None)


def test_a_default_sees_the_other_values_of_its_row(session: Session) -> None:
    """Line 21.10: a function that takes an argument is called with the row's context; None set by hand counts as unset."""
    shelves = [Shelf(id=1), Shelf(id=2, width=10), Shelf(id=3, width=None, depth=None, rows=None), Shelf(id=4, rows=1)]
    session.add_all(shelves)
    session.flush()
    assert [(s.width, s.depth, s.rows, s.sum) for s in shelves] == [
        (5, 10, 7, 7),
        (10, 20, 7, 7),
        (5, 10, 7, 7),
        (5, 10, 1, 7),
    ]


def test_closing_a_savepoint_closes_those_within(session: Session) -> None:
    """Line 6.11: whatever was begun inside it ends with it."""
    session.begin()
    outer = session.begin_nested()
    inner = session.begin_nested()
    outer.close()
    assert session.in_transaction() and not session.in_nested_transaction() and not inner.is_active
    session.add(Shelf(id=1))
    session.commit()
    assert session.query(Shelf).count() == 1


def test_rollback_hooks_see_an_inactive_session(session: Session) -> None:
    """Line 3.12: after a failing flush the session is not active when the hooks are called, so they keep from SQL."""
    session.add(Shelf(id=1))
    session.commit()
    session.expunge_all()
    seen: list[tuple[str, bool]] = []

    def soft(session: Session, previous: Any) -> None:
        seen.append(("soft", session.is_active))
        assert not previous.is_active
        if session.is_active:
            session.execute(text("SELECT 1"))

    event.listen(session, "after_soft_rollback", soft)
    event.listen(session, "after_rollback", lambda session: seen.append(("real", session.is_active)))
    session.add(Shelf(id=1))
    with pytest.raises(IntegrityError):
        session.flush()
    assert seen == [("real", False), ("soft", False)]
    session.rollback()
    assert seen[2:] == [("soft", True)]


def test_the_handle_of_a_savepoint_tells_of_one_rollback(session: Session) -> None:
    """Line 3.11: savepoints inside it go silently; session.rollback() tells of every level."""
    told: list[str] = []
    event.listen(session, "after_rollback", lambda session: told.append("rolled back"))
    outer = session.begin_nested()
    session.begin_nested()
    outer.rollback()
    assert len(told) == 1
    session.begin_nested()
    session.begin_nested()
    session.rollback()
    assert len(told) == 4


def test_an_error_after_the_flush_undoes_it(session: Session) -> None:
    """Line 3.6: also one that after_flush_postexec raises."""

    def refuse(session: Session, context: Any) -> None:
        raise KeyError("no")

    event.listen(session, "after_flush_postexec", refuse)
    shelf = Shelf(id=1)
    session.add(shelf)
    with pytest.raises(KeyError):
        session.flush()
    assert not session.is_active and inspect(shelf).transient
    session.rollback()
    assert session.query(Shelf).count() == 0


class Parents(DeclarativeBase):
    pass


class Toy(Parents):
    __tablename__ = "toy"

    id: Mapped[int] = mapped_column(primary_key=True)
    child_id: Mapped[int | None]
    keeper_id: Mapped[int | None]


class Child(Parents):
    __tablename__ = "child"

    id: Mapped[int] = mapped_column(primary_key=True)
    toys: Mapped[list[Toy]] = relationship(
        primaryjoin="Child.id == foreign(Toy.child_id)", order_by="Toy.id", cascade="merge"
    )
    kept: Mapped[list[Toy]] = relationship(
        primaryjoin="Child.id == foreign(Toy.keeper_id)", order_by="Toy.id", passive_deletes="all"
    )


@pytest.fixture
def nursery(engine: Engine) -> Iterator[Session]:
    Parents.metadata.create_all(engine)
    session = Session(engine, autoflush=False)
    session.add_all([Child(id=1), Toy(id=1, child_id=1, keeper_id=1), Toy(id=2, child_id=1, keeper_id=1)])
    session.commit()
    yield session
    session.close()


def toys(session: Session) -> list[tuple[Any, ...]]:
    return [
        tuple(r) for r in session.connection().exec_driver_sql("SELECT id, child_id, keeper_id FROM toy ORDER BY id")
    ]


def test_a_member_removed_before_its_parent_is_deleted_lets_go_of_it(nursery: Session) -> None:
    """Line 18.3: also without a back reference that would do it."""
    child = nursery.get_one(Child, 1)
    child.toys.remove(child.toys[0])
    nursery.delete(child)
    nursery.flush()
    assert toys(nursery) == [(1, None, 1), (2, None, 1)]


def test_passive_deletes_all_leaves_removed_members_alone(nursery: Session) -> None:
    """Line 18.6: the database keeps such keys, for members taken out as for a deleted parent's."""
    child = nursery.get_one(Child, 1)
    child.kept.pop()
    nursery.commit()
    assert toys(nursery) == [(1, 1, 1), (2, 1, 1)]


def test_a_member_of_a_wrong_class_that_nobody_added(nursery: Session) -> None:
    """Line 18.7: refused at flush, as one in the session is."""
    child = nursery.get_one(Child, 1)
    child.toys.append(Child(id=7))  # type: ignore[arg-type]
    with (
        pytest.raises(FlushError, match="Attempting to flush an item of type"),
        pytest.warns(NbsessionWarning, match="not in session"),
    ):
        nursery.flush()


class Zoo(DeclarativeBase):
    pass


class Animal(Zoo):
    __tablename__ = "animal"
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "animal"}

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]


class Lion(Animal):
    __tablename__ = "lion"
    __mapper_args__ = {"polymorphic_identity": "lion"}

    id: Mapped[int] = mapped_column(ForeignKey("animal.id"), primary_key=True)


def test_identity_key_of_an_expired_object(engine: Engine) -> None:
    """Line 16.2: its key is known without loading anything; what was set since counts."""
    Zoo.metadata.create_all(engine)
    with Session(engine) as session:
        lion = Lion(id=3)
        session.add(lion)
        session.commit()
        assert "id" not in vars(lion) and Session.identity_key(instance=lion) == (Animal, (3,), None)
        lion.id = 4
        assert Session.identity_key(instance=lion) == (Animal, (4,), None)


def test_a_bound_class_binds_its_subclasses_tables(engine: Engine) -> None:
    """Lines 5.8, 7.6: tables of subclasses go with a bound class, and those of all classes with their bound base."""
    by_class, by_base = Session(binds={Animal: engine}), Session(binds={Zoo: engine})
    for session in (by_class, by_base):
        assert session.get_bind(clause=Lion.__table__.select()) is engine  # type: ignore[attr-defined]
        assert session.get_bind(clause=select(func.count(Lion.id))) is engine
        assert session.get_bind(aliased(Lion)) is engine
