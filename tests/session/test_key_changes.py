"""Changed primary keys and what follows them; rows that need each other's keys (``post_update``)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from nbsession import (
    CircularDependencyError,
    Column,
    DeclarativeBase,
    Engine,
    ForeignKey,
    Mapped,
    Session,
    String,
    Table,
    and_,
    inspect,
    mapped_column,
    relationship,
)
from tests.support import statements_of


class Base(DeclarativeBase):
    pass


person_item = Table(
    "person_item",
    Base.metadata,
    Column("person", String, primary_key=True),
    Column("item", String, primary_key=True),
)


class Item(Base):
    __tablename__ = "item"

    code: Mapped[str] = mapped_column(primary_key=True)


class Pet(Base):
    __tablename__ = "pet"

    id: Mapped[int] = mapped_column(primary_key=True)
    owner: Mapped[str | None]


class Toy(Base):
    """Refers to its owner without being in a collection."""

    __tablename__ = "toy"

    id: Mapped[int] = mapped_column(primary_key=True)
    owner: Mapped[str | None]


class Room(Base):
    """Its key is made of its owner's."""

    __tablename__ = "room"

    owner: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)


class Lamp(Base):
    __tablename__ = "lamp"

    id: Mapped[int] = mapped_column(primary_key=True)
    owner: Mapped[str | None]
    number: Mapped[int | None]


class Person(Base):
    __tablename__ = "person"

    name: Mapped[str] = mapped_column(primary_key=True)
    pets: Mapped[list[Pet]] = relationship(
        primaryjoin=lambda: Person.name == Pet.owner,
        foreign_keys=lambda: Pet.owner,
        passive_updates=False,
        order_by=lambda: Pet.id,
    )
    trusted: Mapped[list[Pet]] = relationship(
        primaryjoin=lambda: Person.name == Pet.owner, foreign_keys=lambda: Pet.owner, viewonly=True
    )
    rooms: Mapped[list[Room]] = relationship(
        primaryjoin=lambda: Person.name == Room.owner,
        foreign_keys=lambda: Room.owner,
        passive_updates=False,
        order_by=lambda: Room.number,
    )
    items: Mapped[list[Item]] = relationship(
        secondary=person_item,
        primaryjoin=lambda: Person.name == person_item.c.person,
        secondaryjoin=lambda: Item.code == person_item.c.item,
        foreign_keys=lambda: [person_item.c.person, person_item.c.item],
        passive_updates=False,
        order_by=lambda: Item.code,
    )


Room.lamps = relationship(
    Lamp,
    primaryjoin=lambda: and_(Room.owner == Lamp.owner, Room.number == Lamp.number),
    foreign_keys=lambda: [Lamp.owner, Lamp.number],
    passive_updates=False,
)
Toy.person = relationship(
    Person, primaryjoin=lambda: Toy.owner == Person.name, foreign_keys=lambda: Toy.owner, passive_updates=False
)


class Town(Base):
    """The database changes what refers to it along."""

    __tablename__ = "town"

    name: Mapped[str] = mapped_column(primary_key=True)
    streets: Mapped[list[Street]] = relationship(
        primaryjoin=lambda: Town.name == Street.town, foreign_keys=lambda: Street.town, order_by=lambda: Street.name
    )


class Street(Base):
    __tablename__ = "street"

    town: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)


class Node(Base):
    __tablename__ = "node"

    id: Mapped[int] = mapped_column(primary_key=True)
    next_id: Mapped[int | None] = mapped_column(ForeignKey("node.id"))
    next: Mapped[Node | None] = relationship(
        remote_side=lambda: Node.id, foreign_keys=lambda: Node.next_id, post_update=True
    )


class Team(Base):
    """Has players, and a captain among them."""

    __tablename__ = "team"

    id: Mapped[int] = mapped_column(primary_key=True)
    captain_id: Mapped[int | None]
    players: Mapped[list[Player]] = relationship(
        primaryjoin=lambda: Player.team_id == Team.id,
        foreign_keys=lambda: Player.team_id,
        cascade="all, delete-orphan",
        order_by=lambda: Player.id,
    )
    captain: Mapped[Player | None] = relationship(
        primaryjoin=lambda: Team.captain_id == Player.id, foreign_keys=lambda: Team.captain_id, post_update=True
    )


class Player(Base):
    __tablename__ = "player"

    id: Mapped[int] = mapped_column(primary_key=True)
    team_id: Mapped[int | None] = mapped_column(ForeignKey("team.id"))


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


# ── changed keys ─────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("loaded", [True, False])
def test_children_follow_a_changed_key(session: Session, read: Read, loaded: bool) -> None:
    """Line 21.6: with passive_updates=False we change what refers to the key, loading it if need be."""
    session.add(Person(name="ed", pets=[Pet(id=1), Pet(id=2)]))
    session.commit()
    session.close()
    person = session.get(Person, "ed")
    assert person is not None
    if loaded:
        assert len(person.pets) == 2
    person.name = "jack"
    session.flush()
    assert read("SELECT id, owner FROM pet ORDER BY id") == [(1, "jack"), (2, "jack")]
    assert [pet.owner for pet in person.pets] == ["jack", "jack"]
    assert session.get(Person, "jack") is person and inspect(person).identity == ("jack",)


def test_a_key_made_of_a_changed_key_changes_along(session: Session, read: Read) -> None:
    """Line 21.6: the map is re-keyed for children whose key is the foreign key, and what refers to them follows too."""
    room = Room(number=1)
    room.lamps = [Lamp(id=1)]
    person = Person(name="ed", rooms=[room, Room(number=2)])
    session.add(person)
    session.commit()
    assert len(person.rooms) == 2 and len(room.lamps) == 1
    person.name = "jack"
    session.flush()
    assert read("SELECT owner, number FROM room ORDER BY number") == [("jack", 1), ("jack", 2)]
    assert read("SELECT owner, number FROM lamp") == [("jack", 1)]
    assert session.get(Room, ("jack", 1)) is room
    session.rollback()
    assert inspect(room).identity == ("ed", 1) and inspect(person).identity == ("ed",) and person.name == "ed"


def test_references_that_no_collection_leads_to_follow(session: Session, read: Read) -> None:
    """Line 21.6: objects of the session that refer to the changed row."""
    person = Person(name="ed")
    toys = [Toy(id=1, person=person), Toy(id=2, person=person)]
    session.add_all(toys)
    session.commit()
    assert all(toy.person is person for toy in toys)
    person.name = "jack"
    session.flush()
    assert [toy.owner for toy in toys] == ["jack", "jack"] and read("SELECT DISTINCT owner FROM toy") == [("jack",)]


def test_association_rows_follow_a_changed_key(session: Session, read: Read) -> None:
    """Lines 18.9, 21.6: association rows are updated in place."""
    items = [Item(code="a"), Item(code="b")]
    person = Person(name="ed", items=list(items))
    session.add(person)
    session.commit()
    assert len(person.items) == 2
    person.name = "jack"
    assert shape(session) == ["UPDATE person (1)", "UPDATE person_item (2)"]
    session.flush()
    assert read("SELECT person, item FROM person_item ORDER BY item") == [("jack", "a"), ("jack", "b")]
    session.commit()
    person.items.remove(items[0])
    person.name = "jim"
    session.flush()
    assert read("SELECT person, item FROM person_item") == [("jim", "b")]


def test_where_the_database_changes_children_they_change_in_memory(session: Session, read: Read) -> None:
    """Line 21.6: passive_updates=True sends nothing for the children."""
    street = Street(name="x")
    town = Town(name="old", streets=[street])
    session.add(town)
    session.commit()
    assert len(town.streets) == 1
    town.name = "new"
    with statements_of(session) as sent:
        session.flush()
    assert sum(sql.startswith("UPDATE") for sql in sent) == 1
    assert street.town == "new" and street not in session.dirty and inspect(street).identity == ("new", "x")


def test_a_child_that_is_written_anyway_names_the_new_key(session: Session, read: Read) -> None:
    """Line 21.6: with passive_updates=True, too; a child without changes of its own is left to the database."""

    class Own(DeclarativeBase):
        pass

    class Leaf(Own):
        __tablename__ = "leaf"
        id: Mapped[int] = mapped_column(primary_key=True)
        tree: Mapped[str | None]
        color: Mapped[str | None]

    class Tree(Own):
        __tablename__ = "tree"
        name: Mapped[str] = mapped_column(primary_key=True)
        leaves: Mapped[list[Leaf]] = relationship(
            primaryjoin=lambda: Tree.name == Leaf.tree, foreign_keys=lambda: Leaf.tree, order_by=lambda: Leaf.id
        )

    Own.metadata.create_all(session.bind)
    tree = Tree(name="old", leaves=[Leaf(id=1), Leaf(id=2)])
    session.add(tree)
    session.commit()
    first, second = tree.leaves
    tree.name, first.color = "new", "red"
    session.flush()
    assert (first.tree, second.tree) == ("new", "new") and not session.dirty
    assert read("SELECT id, tree, color FROM leaf ORDER BY id") == [(1, "new", "red"), (2, "old", None)]


# ── rows that need each other's keys ─────────────────────────────────────────────────────────────────────────────────
def test_a_late_update_breaks_a_circle_of_rows(session: Session, read: Read) -> None:
    """Line 18.7: post_update writes the foreign key once the rows are there."""
    a, b = Node(id=1), Node(id=2)
    a.next, b.next = b, a
    session.add_all([a, b])
    plan = session.flush_plan()
    assert [str(step) for step in plan.steps] == ["INSERT node (2)", "UPDATE node (2)"]
    assert plan.steps[1].reasons == ("node.next_id needs node.id of step 1",)
    session.flush()
    assert read("SELECT id, next_id FROM node ORDER BY id") == [(1, 2), (2, 1)]
    session.commit()
    assert a.next is b
    session.delete(a)
    session.delete(b)
    assert shape(session)[0] == "UPDATE node (2)" and "DELETE" in shape(session)[1]
    session.commit()
    assert read("SELECT count(*) FROM node") == [(0,)]


def test_an_object_may_refer_to_itself(session: Session, read: Read) -> None:
    """Line 18.7: a row that refers to itself is a circle of one."""
    node = Node()
    node.next = node
    session.add(node)
    session.flush()
    assert read("SELECT next_id FROM node") == [(node.id,)] and node.next_id == node.id


def test_tables_that_refer_to_each_other(session: Session, read: Read) -> None:
    """Line 18.7: row cycles between two tables, at insert and at delete."""
    team = Team(players=[Player(), Player()])
    team.captain = team.players[1]
    session.add(team)
    assert shape(session) == ["INSERT team (1)", "INSERT player (2)", "UPDATE team (1)"]
    session.commit()
    assert read("SELECT captain_id FROM team") == [(team.players[1].id,)]
    team.captain = team.players[0]
    gone = team.players.pop()
    session.commit()
    assert inspect(gone).detached and read("SELECT captain_id FROM team") == [(team.players[0].id,)]
    assert team.captain is team.players[0]
    session.delete(team)
    assert shape(session) == ["UPDATE team (1)", "DELETE player (1)", "DELETE team (1)"]
    session.commit()
    assert read("SELECT count(*) FROM player") == [(0,)]


def test_without_post_update_a_circle_of_new_rows_is_refused(session: Session) -> None:
    """Line 18.7: else a CircularDependencyError, and nothing is stored."""

    class Own(DeclarativeBase):
        pass

    class Link(Own):
        __tablename__ = "link"

        id: Mapped[int] = mapped_column(primary_key=True)
        to_id: Mapped[int | None] = mapped_column(ForeignKey("link.id"))
        to: Mapped[Link | None] = relationship(remote_side=lambda: Link.id)

    a, b = Link(), Link()
    a.to, b.to = b, a
    session.add(a)
    with pytest.raises(CircularDependencyError, match="Circular dependency detected"):
        session.flush()
    session.rollback()
    assert inspect(a).transient and inspect(b).transient


def test_a_rolled_back_new_row_whose_key_was_changed_leaves_a_detached_object_with_its_first_key(
    session: Session,
) -> None:
    """Lines 6.5, 6.6: as the objects of other rows it gets its former key back."""
    item = Item(code="a")
    session.add(item)
    session.flush()
    item.code = "b"
    session.flush()
    session.rollback()
    assert inspect(item).detached and inspect(item).identity == ("a",) and item not in session
    other = Item(code="c")
    session.add(other)
    session.flush()
    other.code = "d"
    savepoint = session.begin_nested()
    savepoint.rollback()
    assert inspect(other).persistent and inspect(other).identity == ("d",)
