"""ON UPDATE and ON DELETE of foreign keys: done by the database where it does them, by us where it does not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from nbsession import (
    DeclarativeBase,
    Engine,
    ForeignKey,
    ForeignKeyConstraint,
    Mapped,
    Session,
    mapped_column,
    relationship,
)


class Base(DeclarativeBase):
    pass


class Person(Base):
    __tablename__ = "person"
    name: Mapped[str] = mapped_column(primary_key=True)
    pets: Mapped[list[Pet]] = relationship(back_populates="owner", passive_deletes=True)
    rooms: Mapped[list[Room]] = relationship(passive_deletes=True, cascade="all")


class Pet(Base):
    __tablename__ = "pet"
    id: Mapped[int] = mapped_column(primary_key=True)
    owner_name: Mapped[str | None] = mapped_column(ForeignKey("person.name", onupdate="CASCADE", ondelete="SET NULL"))
    owner: Mapped[Person | None] = relationship(back_populates="pets")


class Room(Base):
    """Its key is made of its owner's, and lamps refer to it."""

    __tablename__ = "room"
    owner: Mapped[str] = mapped_column(
        ForeignKey("person.name", onupdate="CASCADE", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(primary_key=True)


class Lamp(Base):
    __tablename__ = "lamp"
    __table_args__ = (
        ForeignKeyConstraint(
            ["owner", "number"], ["room.owner", "room.number"], onupdate="cascade", ondelete="cascade"
        ),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    owner: Mapped[str | None]
    number: Mapped[int | None]


class Node(Base):
    __tablename__ = "node"
    id: Mapped[int] = mapped_column(primary_key=True)
    above: Mapped[int | None] = mapped_column(ForeignKey("node.id", ondelete="CASCADE"))


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        yield session


@pytest.fixture
def ada(session: Session) -> Person:
    ada = Person(name="ada", pets=[Pet(id=1), Pet(id=2)], rooms=[Room(number=1), Room(number=2)])
    session.add_all([ada, Person(name="bob", rooms=[Room(number=1)])])
    session.flush()
    session.add_all([Lamp(id=n, owner=o, number=k) for n, o, k in [(1, "ada", 1), (2, "ada", 2), (3, "bob", 1)]])
    session.commit()
    return ada


def rows(session: Session, sql: str) -> list[tuple[object, ...]]:
    return [tuple(row) for row in session.connection().exec_driver_sql(sql).all()]


@pytest.mark.parametrize("loaded", [True, False])
def test_a_changed_key_is_followed_by_what_refers_to_it(session: Session, ada: Person, loaded: bool) -> None:
    """Line 21.6: passive_updates=True and ON UPDATE CASCADE, down to the children's children."""
    if loaded:
        assert len(ada.pets) == 2
    ada.name = "eve"
    session.flush()
    assert rows(session, "SELECT id, owner_name FROM pet ORDER BY id") == [(1, "eve"), (2, "eve")]
    assert rows(session, "SELECT id, owner, number FROM lamp ORDER BY id") == [
        (1, "eve", 1),
        (2, "eve", 2),
        (3, "bob", 1),
    ]
    session.commit()
    assert [pet.owner_name for pet in ada.pets] == ["eve", "eve"] and session.get(Person, "eve") is ada
    assert session.get(Room, ("eve", 2)) is not None and session.get(Room, ("ada", 2)) is None


def test_two_changed_keys_are_followed_each(session: Session, ada: Person) -> None:
    """Line 21.6: many rows at once."""
    bob = session.get_one(Person, "bob")
    ada.name, bob.name = "eve", "zoe"
    session.commit()
    assert rows(session, "SELECT owner FROM lamp ORDER BY id") == [("eve",), ("eve",), ("zoe",)]


def test_a_rollback_to_a_savepoint_takes_it_back(session: Session, ada: Person) -> None:
    """Lines 6.6, 21.6"""
    with session.begin_nested() as savepoint:
        ada.name = "eve"
        session.flush()
        savepoint.rollback()
    session.commit()
    assert rows(session, "SELECT DISTINCT owner_name FROM pet") == [("ada",)]


def test_a_deleted_row_takes_along_what_says_so(session: Session, ada: Person) -> None:
    """Line 18.6: passive_deletes leaves it to ON DELETE CASCADE, and to SET NULL."""
    session.delete(ada)
    session.commit()
    assert rows(session, "SELECT id, owner_name FROM pet ORDER BY id") == [(1, None), (2, None)]
    assert rows(session, "SELECT owner, number FROM room") == [("bob", 1)]
    assert rows(session, "SELECT id FROM lamp") == [(3,)]


def test_rows_that_refer_in_a_circle_go_together(session: Session) -> None:
    """Line 18.6: and to themselves."""
    session.add_all([Node(id=1), Node(id=2, above=1), Node(id=3, above=2), Node(id=4, above=4), Node(id=5)])
    session.flush()
    session.get_one(Node, 1).above = 3
    session.commit()
    session.expunge_all()
    session.delete(session.get_one(Node, 2))
    session.delete(session.get_one(Node, 4))
    session.commit()
    assert rows(session, "SELECT id FROM node") == [(5,)]
