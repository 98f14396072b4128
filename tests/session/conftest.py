"""A session on an empty database that has the tables of these tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from nbsession import (
    Column,
    DeclarativeBase,
    Engine,
    ForeignKey,
    Integer,
    Session,
    String,
    create_engine,
    relationship,
    text,
)
from tests.session import poems as poem_classes
from tests.session.models import Base


@pytest.fixture
def tables(engine: Engine) -> Engine:
    """The engine, with the tables made."""
    Base.metadata.create_all(engine)
    return engine


@pytest.fixture
def session(tables: Engine) -> Iterator[Session]:
    """A session with the defaults."""
    session = Session(tables)
    yield session
    session.close()


@pytest.fixture
def poems(session: Session) -> Session:
    """A session with the tables of poems and tags."""
    poem_classes.Base.metadata.create_all(session.get_bind())
    return session


@pytest.fixture
def rows(session: Session) -> Callable[[str], list[tuple[Any, ...]]]:
    """Reads rows as the session's transaction sees them, past the session: no flush, no object."""

    def read(sql: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in session.connection().exec_driver_sql(sql).all()]

    return read


@pytest.fixture
def file_engine(file_database_url: str, tmp_path: Path) -> Iterator[Engine]:
    """An engine on a file with the tables made, so that several connections see each other's commits."""
    engine = create_engine(file_database_url)
    Base.metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def model(engine: Engine) -> SimpleNamespace:
    """User 1-* Address with all cascades, Node in a tree, Pair with a composite key; a few rows of each."""

    class Base(DeclarativeBase):
        pass

    class User(Base):
        __tablename__ = "users"
        id = Column(Integer, primary_key=True)
        name = Column(String)
        addresses: Any = relationship(
            "Address", back_populates="user", cascade="all, delete-orphan", order_by="Address.id"
        )

    class Address(Base):
        __tablename__ = "addresses"
        id = Column(Integer, primary_key=True)
        email = Column(String)
        user_id = Column(ForeignKey("users.id"))
        user: Any = relationship("User", back_populates="addresses")

    class Node(Base):
        __tablename__ = "nodes"
        id = Column(Integer, primary_key=True)
        name = Column(String)
        parent_id = Column(ForeignKey("nodes.id"))
        children: Any = relationship("Node", back_populates="parent", cascade="all", order_by="Node.id")
        parent: Any = relationship("Node", back_populates="children", remote_side=[id])

    class Pair(Base):
        __tablename__ = "pairs"
        a = Column(Integer, primary_key=True, autoincrement=False)
        b = Column(Integer, primary_key=True, autoincrement=False)
        data = Column(String)

    Base.metadata.create_all(engine)
    with engine.begin() as connection:
        for statement in (
            "INSERT INTO users VALUES (1, 'x'), (2, 'y')",
            "INSERT INTO addresses VALUES (1, 'x', 1), (2, 'y', 1), (3, 'x', 2)",
            "INSERT INTO nodes VALUES (1, 'x', NULL), (2, 'y', 1), (3, 'x', 1), (4, 'y', 2)",
            "INSERT INTO pairs VALUES (1, 1, 'x'), (1, 2, 'y')",
        ):
            connection.execute(text(statement))
    return SimpleNamespace(User=User, Address=Address, Node=Node, Pair=Pair)
