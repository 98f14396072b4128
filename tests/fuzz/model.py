"""The tables and classes that programs work on, defined once for both libraries: they have the same names."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any


@dataclass(frozen=True)
class Kind:
    """What a program needs to know of a class.

    :ivar table: its table; the base's where there are two.
    :ivar text: the attribute that holds a text nobody depends on.
    :ivar columns: all column attributes.
    :ivar relations: name to (class, is it a collection?).
    :ivar pk: the key's attributes.
    :ivar refers: the foreign key a program may set by hand, or None.
    :ivar own: the table that a subclass adds to its base's.
    :ivar sets: collections that are sets.
    :ivar key: what keys are made of: a number, two numbers, a word, a word and a number.
    """

    table: str
    text: str
    columns: tuple[str, ...]
    relations: dict[str, tuple[str, bool]] = field(default_factory=dict)
    pk: tuple[str, ...] = ("id",)
    refers: str | None = None
    key: str = "number"
    own: str | None = None
    sets: tuple[str, ...] = ()


KINDS = {
    "User": Kind("users", "name", ("id", "name"), {"addresses": ("Address", True)}),
    "Address": Kind("addresses", "email", ("id", "email", "user_id"), {"user": ("User", False)}, refers="user_id"),
    "Order": Kind("orders", "descr", ("id", "descr"), {"keywords": ("Keyword", True)}),
    "Keyword": Kind("keywords", "word", ("id", "word"), {"orders": ("Order", True)}),
    "Node": Kind(
        "nodes",
        "name",
        ("id", "name", "parent_id"),
        {"children": ("Node", True), "parent": ("Node", False)},
        refers="parent_id",
    ),
    "Comp": Kind("comps", "data", ("a", "b", "data"), pk=("a", "b"), key="pair"),
    "Land": Kind("lands", "name", ("code", "name"), {"towns": ("Town", True)}, pk=("code",), key="word"),
    "Town": Kind("towns", "name", ("id", "name", "land_code"), {"land": ("Land", False)}, refers="land_code"),
    "Firm": Kind("firms", "name", ("id", "name"), {"staff": ("Person", True)}),
    "Person": Kind(
        "people",
        "name",
        ("id", "name", "kind", "firm_id"),
        {"firm": ("Firm", False)},
        refers="firm_id",
    ),
    "Engineer": Kind(
        "people",
        "skill",
        ("id", "name", "kind", "firm_id", "skill"),
        {"firm": ("Firm", False)},
        refers="firm_id",
        own="engineers",
    ),
    "Doc": Kind("docs", "title", ("id", "title", "version")),
    "Club": Kind("clubs", "name", ("id", "name"), {"members": ("Member", True)}, sets=("members",)),
    "Member": Kind("members", "name", ("id", "name", "club_id"), {"club": ("Club", False)}, refers="club_id"),
}

TABLES = {
    "users": "id",
    "addresses": "id",
    "orders": "id",
    "keywords": "id",
    "order_keywords": "order_id, keyword_id",
    "nodes": "id",
    "comps": "a, b",
    "lands": "code",
    "towns": "id",
    "firms": "id",
    "people": "id",
    "engineers": "id",
    "docs": "id",
    "clubs": "id",
    "members": "id",
}
"""table to the order in which its rows are read"""

SCHEMA = """
CREATE TABLE users (id INTEGER PRIMARY KEY, name VARCHAR);
CREATE TABLE addresses (id INTEGER PRIMARY KEY, email VARCHAR, user_id INTEGER REFERENCES users (id));
CREATE TABLE orders (id INTEGER PRIMARY KEY, descr VARCHAR);
CREATE TABLE keywords (id INTEGER PRIMARY KEY, word VARCHAR);
CREATE TABLE order_keywords (order_id INTEGER NOT NULL REFERENCES orders (id),
    keyword_id INTEGER NOT NULL REFERENCES keywords (id), PRIMARY KEY (order_id, keyword_id));
CREATE TABLE nodes (id INTEGER PRIMARY KEY, name VARCHAR, parent_id INTEGER REFERENCES nodes (id));
CREATE TABLE comps (a INTEGER NOT NULL, b INTEGER NOT NULL, data VARCHAR, PRIMARY KEY (a, b));
CREATE TABLE lands (code VARCHAR NOT NULL PRIMARY KEY, name VARCHAR);
CREATE TABLE towns (id INTEGER PRIMARY KEY, name VARCHAR, land_code VARCHAR REFERENCES lands (code));
CREATE TABLE firms (id INTEGER PRIMARY KEY, name VARCHAR);
CREATE TABLE people (id INTEGER PRIMARY KEY, name VARCHAR, kind VARCHAR, firm_id INTEGER REFERENCES firms (id));
CREATE TABLE engineers (id INTEGER PRIMARY KEY REFERENCES people (id), skill VARCHAR);
CREATE TABLE docs (id INTEGER PRIMARY KEY, title VARCHAR, version INTEGER NOT NULL);
CREATE TABLE clubs (id INTEGER PRIMARY KEY, name VARCHAR);
CREATE TABLE members (id INTEGER PRIMARY KEY, name VARCHAR, club_id INTEGER REFERENCES clubs (id));
"""

ROWS = """
INSERT INTO users VALUES (1, 'x'), (2, 'y');
INSERT INTO addresses VALUES (1, 'x', 1), (2, 'y', 1), (3, 'x', 2);
INSERT INTO orders VALUES (1, 'x'), (2, 'y');
INSERT INTO keywords VALUES (1, 'x'), (2, 'y');
INSERT INTO order_keywords VALUES (1, 1), (1, 2), (2, 2);
INSERT INTO nodes VALUES (1, 'x', NULL), (2, 'y', 1), (3, 'x', 1), (4, 'y', 2);
INSERT INTO comps VALUES (1, 1, 'x'), (1, 2, 'y');
INSERT INTO lands VALUES ('de', 'x'), ('fr', 'y');
INSERT INTO towns VALUES (1, 'x', 'de'), (2, 'y', 'de'), (3, 'x', 'fr');
INSERT INTO firms VALUES (1, 'x'), (2, 'y');
INSERT INTO people VALUES (1, 'x', 'person', 1), (2, 'y', 'engineer', 1), (3, 'x', 'engineer', NULL);
INSERT INTO engineers VALUES (2, 'x'), (3, 'y');
INSERT INTO docs VALUES (1, 'x', 1), (2, 'y', 4);
INSERT INTO clubs VALUES (1, 'x'), (2, 'y');
INSERT INTO members VALUES (1, 'x', 1), (2, 'y', 1), (3, 'x', 2);
"""
"""there before the first step, of programs that want rows"""


def tables_of(classes: Iterable[str]) -> list[str]:
    """The tables that classes are written to, in the order they are made."""
    kinds = [KINDS[cls] for cls in classes]
    named = {kind.table for kind in kinds} | {kind.own for kind in kinds}
    if "orders" in named:
        named.add("order_keywords")
    return [table for table in TABLES if table in named]


def script_of(sql: str, tables: Iterable[str]) -> str:
    """Of :data:`SCHEMA` or :data:`ROWS`, what concerns some tables."""
    wanted = set(tables)
    return "".join(f"{one};" for one in sql.strip().split(";") if one and one.split()[2] in wanted)


def define(library: Any, home: str) -> SimpleNamespace:
    """The classes of :data:`KINDS`, mapped by a library.

    :param library: what has ``DeclarativeBase``, ``Column``, ``relationship`` and so on: SQLAlchemy's names or nbsession.
    :param home: the module where pickle is to find them.
    """
    Column, ForeignKey, Integer, String = library.Column, library.ForeignKey, library.Integer, library.String
    relationship = library.relationship

    class Base(library.DeclarativeBase):
        pass

    order_keywords = library.Table(
        "order_keywords",
        Base.metadata,
        Column("order_id", ForeignKey("orders.id"), primary_key=True),
        Column("keyword_id", ForeignKey("keywords.id"), primary_key=True),
    )

    class User(Base):
        __tablename__ = "users"
        id = Column(Integer, primary_key=True)
        name = Column(String)
        addresses = relationship("Address", back_populates="user", cascade="all, delete-orphan", order_by="Address.id")

    class Address(Base):
        __tablename__ = "addresses"
        id = Column(Integer, primary_key=True)
        email = Column(String)
        user_id = Column(ForeignKey("users.id"))
        user = relationship("User", back_populates="addresses")

    class Order(Base):
        __tablename__ = "orders"
        id = Column(Integer, primary_key=True)
        descr = Column(String)
        keywords = relationship("Keyword", secondary=order_keywords, back_populates="orders", order_by="Keyword.id")

    class Keyword(Base):
        __tablename__ = "keywords"
        id = Column(Integer, primary_key=True)
        word = Column(String)
        orders = relationship("Order", secondary=order_keywords, back_populates="keywords", order_by="Order.id")

    class Node(Base):
        __tablename__ = "nodes"
        id = Column(Integer, primary_key=True)
        name = Column(String)
        parent_id = Column(ForeignKey("nodes.id"))
        children = relationship("Node", back_populates="parent", cascade="all", order_by="Node.id")
        parent = relationship("Node", back_populates="children", remote_side=[id])

    class Comp(Base):
        __tablename__ = "comps"
        a = Column(Integer, primary_key=True, autoincrement=False)
        b = Column(Integer, primary_key=True, autoincrement=False)
        data = Column(String)

    class Land(Base):
        __tablename__ = "lands"
        code = Column(String, primary_key=True)
        name = Column(String)
        towns = relationship("Town", back_populates="land", order_by="Town.id")

    class Town(Base):
        __tablename__ = "towns"
        id = Column(Integer, primary_key=True)
        name = Column(String)
        land_code = Column(ForeignKey("lands.code"))
        land = relationship("Land", back_populates="towns")

    class Firm(Base):
        __tablename__ = "firms"
        id = Column(Integer, primary_key=True)
        name = Column(String)
        staff = relationship("Person", back_populates="firm", order_by="Person.id")

    class Person(Base):
        __tablename__ = "people"
        __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "person"}
        id = Column(Integer, primary_key=True)
        name = Column(String)
        kind = Column(String)
        firm_id = Column(ForeignKey("firms.id"))
        firm = relationship("Firm", back_populates="staff")

    class Engineer(Person):
        __tablename__ = "engineers"
        __mapper_args__ = {"polymorphic_identity": "engineer"}
        id = Column(ForeignKey("people.id"), primary_key=True)
        skill = Column(String)

    class Doc(Base):
        __tablename__ = "docs"
        id = Column(Integer, primary_key=True)
        title = Column(String)
        version = Column(Integer, nullable=False)
        __mapper_args__ = {"version_id_col": version}

    class Club(Base):
        __tablename__ = "clubs"
        id = Column(Integer, primary_key=True)
        name = Column(String)
        members = relationship("Member", back_populates="club", collection_class=set, order_by="Member.id")

    class Member(Base):
        __tablename__ = "members"
        id = Column(Integer, primary_key=True)
        name = Column(String)
        club_id = Column(ForeignKey("clubs.id"))
        club = relationship("Club", back_populates="members")

        def __hash__(self) -> int:
            return 1  # else the order of a set would be that of addresses: chance, on both sides

    made = {name: cls for name, cls in locals().items() if name in KINDS}
    for name, cls in made.items():  # pickle finds a class by its name in a module
        cls.__module__, cls.__qualname__ = home, name
        setattr(sys.modules[home], name, cls)
    return SimpleNamespace(**made)
