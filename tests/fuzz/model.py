"""The tables and classes that programs work on, defined once for both libraries: they have the same names."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

MANY_TO_MANY = True


@dataclass(frozen=True)
class Kind:
    """What a program needs to know of a class.

    :ivar table: its table; the base's where there are two.
    :ivar text: the attribute that holds a text nobody depends on.
    :ivar columns: all column attributes.
    :ivar relations: name to (class, is it a collection?).
    :ivar pk: the key's attributes.
    :ivar refers: the foreign key a program may set by hand, or None.
    :ivar key: what keys are made of: a number, two numbers, a word, a word and a number.
    """

    table: str
    text: str
    columns: tuple[str, ...]
    relations: dict[str, tuple[str, bool]] = field(default_factory=dict)
    pk: tuple[str, ...] = ("id",)
    refers: str | None = None
    key: str = "number"


KINDS = {
    "User": Kind("users", "name", ("id", "name"), {"addresses": ("Address", True)}),
    "Address": Kind("addresses", "email", ("id", "email", "user_id"), {"user": ("User", False)}, refers="user_id"),
    "Order": Kind("orders", "descr", ("id", "descr"), {"keywords": ("Keyword", True)} if MANY_TO_MANY else {}),
    "Keyword": Kind("keywords", "word", ("id", "word"), {"orders": ("Order", True)} if MANY_TO_MANY else {}),
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
"""
"""there before the first step, of programs that want rows"""


def define(library: Any) -> SimpleNamespace:
    """The classes of :data:`KINDS`, mapped by a library.

    :param library: what has ``DeclarativeBase``, ``Column``, ``relationship`` and so on: SQLAlchemy's names or nbsession.
    """
    Column, ForeignKey, Integer, String = library.Column, library.ForeignKey, library.Integer, library.String
    relationship = library.relationship

    class Base(library.DeclarativeBase):
        pass

    def paired(secondary: Any, target: str, back: str, order: str) -> dict[str, Any]:
        if not MANY_TO_MANY:
            return {}
        return {back: relationship(target, secondary=secondary, back_populates=_other(back), order_by=order)}

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
        vars().update(paired(order_keywords, "Keyword", "keywords", "Keyword.id"))

    class Keyword(Base):
        __tablename__ = "keywords"
        id = Column(Integer, primary_key=True)
        word = Column(String)
        vars().update(paired(order_keywords, "Order", "orders", "Order.id"))

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

    return SimpleNamespace(**{name: made for name, made in locals().items() if name in KINDS})


def _other(name: str) -> str:
    return {"keywords": "orders", "orders": "keywords"}[name]
