"""How rows find each other: several foreign keys, conditions that are given, one table on both sides, strings."""

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
    SAWarning,
    Session,
    String,
    and_,
    class_mapper,
    exc,
    foreign,
    insert,
    mapped_column,
    relationship,
    remote,
    select,
)
from nbsession.mapping.declaring.said_in_strings import evaluated
from nbsession.mapping.relating.relationships import Direction


class Base(DeclarativeBase):
    def __repr__(self) -> str:
        return f"{type(self).__name__}{vars(self).get('id')}"


class Home(Base):
    __tablename__ = "home"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind = mapped_column(String(5))
    cust_id = mapped_column(ForeignKey("cust.id"))
    size = mapped_column(Integer)


class Cust(Base):
    __tablename__ = "cust"
    id: Mapped[int] = mapped_column(primary_key=True)
    bill_id = mapped_column(Integer)
    ship_id = mapped_column(Integer)
    bill = relationship("Home", primaryjoin=lambda: foreign(Cust.bill_id) == Home.id)
    ship = relationship("Home", primaryjoin="Cust.ship_id == Home.id", foreign_keys="Cust.ship_id")
    own = relationship(
        "Home",
        primaryjoin="and_(Cust.id == Home.cust_id, Home.kind == 'own')",
        order_by="desc(Home.id)",
        viewonly=True,
    )
    homes = relationship("Home", foreign_keys="[Home.cust_id]", order_by="Home.kind, Home.id")
    bigger = relationship(
        "Home",
        primaryjoin=lambda: and_(Cust.id == foreign(Home.cust_id), Home.size > Cust.id),
        viewonly=True,
        order_by=lambda: [Home.id],
    )
    first = relationship("Home", foreign_keys="Home.cust_id", uselist=False, viewonly=True, order_by="Home.id")


class Node(Base):
    __tablename__ = "node"
    id: Mapped[int] = mapped_column(primary_key=True)
    parent_id = mapped_column(ForeignKey("node.id"))
    path = mapped_column(String(20))
    children = relationship("Node", back_populates="parent", order_by="Node.id")
    parent = relationship("Node", back_populates="children", remote_side=[id])
    above = relationship("Node", primaryjoin="Node.parent_id == remote(Node.id)", viewonly=True)
    kids = relationship("Node", primaryjoin="Node.id == foreign(Node.parent_id)", viewonly=True, order_by="Node.id")
    below = relationship(
        "Node",
        primaryjoin=lambda: remote(foreign(Node.path)).like(Node.path + "/%"),
        viewonly=True,
        order_by=lambda: Node.path,
    )


class Friend(Base):
    """An association with data of its own."""

    __tablename__ = "friend"
    a = mapped_column(ForeignKey("person.id"), primary_key=True)
    b = mapped_column(ForeignKey("person.id"), primary_key=True)
    since = mapped_column(Integer)
    one = relationship("Person", foreign_keys=[a], back_populates="friends")
    other = relationship("Person", foreign_keys=[b])


class Person(Base):
    __tablename__ = "person"
    id: Mapped[int] = mapped_column(primary_key=True)
    friends = relationship("Friend", foreign_keys="Friend.a", back_populates="one", order_by="Friend.b")
    likes = relationship(
        "Person",
        secondary="friend",
        primaryjoin="Person.id == friend.c.a",
        secondaryjoin="Person.id == friend.c.b",
        viewonly=True,
        order_by="Person.id",
    )
    liked_long = relationship(
        "Person",
        secondary=Friend.__table__,
        primaryjoin=lambda: and_(Person.id == Friend.a, Friend.since < 2000),
        secondaryjoin=lambda: Person.id == Friend.b,
        viewonly=True,
    )


ROWS: list[tuple[Any, str, list[tuple[Any, ...]]]] = [
    (Cust, "id bill_id ship_id", [(1, 1, 2), (2, 4, None)]),
    (Home, "id kind cust_id size", [(1, "own", 1, 5), (2, "rent", 1, 0), (3, "own", 1, 9), (4, "own", 2, 1)]),
    (Node, "id parent_id path", [(1, None, "a"), (2, 1, "a/b"), (3, 1, "a/c"), (4, 3, "a/c/d")]),
    (Person, "id", [(1,), (2,), (3,)]),
    (Friend, "a b since", [(1, 2, 1990), (1, 3, 2010), (2, 1, 2000)]),
]


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    Base.metadata.create_all(engine)
    with engine.begin() as connection:
        for cls, keys, rows in ROWS:
            connection.execute(insert(cls.__table__), [dict(zip(keys.split(), row, strict=True)) for row in rows])
    with Session(engine) as session:
        yield session


@pytest.mark.parametrize(
    "cls, key, one, other",
    [
        (Cust, "bill", "Home1", "Home4"),
        (Cust, "ship", "Home2", "None"),
        (Cust, "own", "[Home3, Home1]", "[Home4]"),
        (Cust, "homes", "[Home1, Home3, Home2]", "[Home4]"),
        (Cust, "bigger", "[Home1, Home3]", "[]"),
        (Node, "children", "[Node2, Node3]", "[]"),
        (Node, "parent", "None", "Node1"),
        (Node, "above", "None", "Node1"),
        (Node, "kids", "[Node2, Node3]", "[]"),
        (Node, "below", "[Node2, Node3, Node4]", "[]"),
        (Person, "likes", "[Person2, Person3]", "[Person1]"),
        (Person, "liked_long", "[Person2]", "[]"),
    ],
)
def test_the_related_rows_are_those_of_the_condition(
    session: Session, cls: Any, key: str, one: str, other: str
) -> None:
    """Line 21.20: as measured on 2.1, for each form in which a condition can be given."""
    first, second = session.get_one(cls, 1), session.get_one(cls, 2)
    assert (repr(getattr(first, key)), repr(getattr(second, key))) == (one, other)


def test_an_association_with_data_leads_on_to_the_other_side(session: Session) -> None:
    """Line 18.9"""
    person = session.get_one(Person, 1)
    assert [(f.other.id, f.since) for f in person.friends] == [(2, 1990), (3, 2010)]
    new = Friend(one=person, other=session.get_one(Person, 1), since=2020)
    session.add(new)
    assert new in person.friends
    session.flush()
    assert (new.a, new.b) == (1, 1)


def test_joins_and_exists_follow_the_same_condition(session: Session) -> None:
    rows = session.execute(select(Cust.id, Home.id).join(Cust.own).order_by(Cust.id, Home.id)).all()
    assert [tuple(row) for row in rows] == [(1, 1), (1, 3), (2, 4)]
    rows = session.execute(select(Cust.id, Home.id).join(Cust.bigger).order_by(Home.id)).all()
    assert [tuple(row) for row in rows] == [(1, 1), (1, 3)]
    assert session.scalars(select(Cust.id).where(Cust.own.any(Home.size > 5))).all() == [1]
    assert session.scalars(select(Person.id).where(Person.liked_long.any())).all() == [1]


def test_several_rows_where_one_is_expected_give_a_warning(session: Session) -> None:
    with pytest.warns(
        SAWarning, match="Multiple rows returned with uselist=False for lazily-loaded attribute 'Cust.first'"
    ):
        assert session.get_one(Cust, 1).first.id == 1


def direction(**options: Any) -> Any:
    class Own(DeclarativeBase):
        pass

    class P(Own):
        __tablename__ = "p"
        id: Mapped[int] = mapped_column(primary_key=True)
        x = mapped_column(Integer)
        c_id = mapped_column(Integer)
        cs = relationship("C", **options)

    class C(Own):
        __tablename__ = "c"
        id: Mapped[int] = mapped_column(primary_key=True)
        p_id = mapped_column(Integer)
        y = mapped_column(Integer)

    return class_mapper(P).relationships[0].direction


@pytest.mark.parametrize(
    "options, expected",
    [
        ({"primaryjoin": "P.id == C.p_id", "foreign_keys": "C.p_id"}, Direction.ONETOMANY),
        ({"primaryjoin": "P.id == C.p_id", "foreign_keys": "P.id"}, Direction.MANYTOONE),
        ({"primaryjoin": "foreign(P.c_id) == C.id"}, Direction.MANYTOONE),
        ({"primaryjoin": "P.x > foreign(C.y)", "viewonly": True}, Direction.ONETOMANY),
    ],
)
def test_the_direction_is_that_of_the_columns_that_refer(options: Any, expected: Direction) -> None:
    assert direction(**options) is expected


@pytest.mark.parametrize(
    "options, error, words",
    [
        ({}, exc.NoForeignKeysError, "there are no foreign keys linking these tables"),
        (
            {"primaryjoin": "P.id == C.p_id"},
            exc.ArgumentError,
            "Could not locate any relevant foreign key columns for primary",
        ),
        ({"primaryjoin": "P.x > foreign(C.y)"}, exc.ArgumentError, "Could not locate any simple equality expressions"),
        (
            {"primaryjoin": "foreign(P.c_id) == foreign(C.id)"},
            exc.ArgumentError,
            "Can't determine relationship direction",
        ),
        ({"primaryjoin": "P.id == Q.p_id"}, exc.InvalidRequestError, r"failed to locate a name \('Q'\)"),
        ({"primaryjoin": "P.id == C.nope"}, exc.InvalidRequestError, "'C' has no 'nope'"),
    ],
)
def test_a_condition_that_says_too_little_or_too_much_is_refused(options: Any, error: Any, words: str) -> None:
    with pytest.raises(error, match=words):
        direction(**options)


@pytest.mark.parametrize(
    "text, words",
    [
        ("C.__class__", "'__class__' is private"),
        ("[x for x in C]", "ListComp is not understood"),
        ("lambda: 1", "Lambda is not understood"),
        ("1 < 2 < 3", "only single comparisons"),
        ("C ==", "Cannot read the expression"),
        ("not C", "Not is not understood there; write not_"),
        ("2 ** 3", "Pow is not understood"),
    ],
)
def test_strings_do_what_expressions_need_and_no_more(text: str, words: str) -> None:
    with pytest.raises(exc.ArgumentError, match=words):
        evaluated(text, {"C": str}.get, "P.cs")
    with pytest.raises(exc.InvalidRequestError, match="failed to locate a name"):
        evaluated("open('x')", {"C": str}.get, "P.cs")
    assert evaluated("[1 + 2, -3, (4, 5)[1]]", {}.get, "P.cs") == [3, -3, 5]
