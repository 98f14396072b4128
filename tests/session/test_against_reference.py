"""Defects that random programs found by comparing with SQLAlchemy, each as the smallest program that shows it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from nbsession import Column, DeclarativeBase, Engine, ForeignKey, Integer, Session, String, inspect, relationship, text
from nbsession.exc import IntegrityError, InvalidRequestError, NbsessionWarning


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


@pytest.fixture
def session(engine: Engine) -> Any:
    with Session(engine) as made:
        yield made


def test_what_was_done_after_a_failed_flush_goes_with_the_rollback(model: Any, session: Session) -> None:
    session.add(model.User(id=1))
    with pytest.raises(IntegrityError):
        session.flush()
    late = model.User()
    session.add(late)
    with pytest.warns(NbsessionWarning, match="non-active transaction"):
        session.rollback()
    assert inspect(late).transient and not session.new


def test_adding_what_is_there_begins_a_transaction(model: Any, session: Session) -> None:
    known = session.get(model.User, 1)
    session.rollback()
    session.add(known)
    assert session.in_transaction()


def test_a_new_object_with_values_is_modified(model: Any, session: Session) -> None:
    assert session.is_modified(model.User(name="n"))
    assert not session.is_modified(model.User())


def test_a_key_that_is_taken_still_begins_a_transaction(model: Any, session: Session) -> None:
    known = session.get(model.User, 1)
    session.expunge_all()
    held = session.get(model.User, 1)
    session.commit()
    with pytest.raises(InvalidRequestError, match="another instance"):
        session.add(known)
    assert session.in_transaction() and held in session


def test_refresh_of_some_attributes_loads_no_others(model: Any, session: Session) -> None:
    node = session.get(model.Node, 2)
    session.expire(node)
    session.refresh(node, ["parent_id"])
    assert node.__dict__ == {"parent_id": 1}


def test_what_was_not_set_is_known_to_be_null_after_the_insert(model: Any, session: Session) -> None:
    user = model.User()
    session.add(user)
    session.flush()
    session.connection().exec_driver_sql("UPDATE users SET name = 'other'")
    assert user.name is None


def test_an_empty_reference_set_to_none_is_no_change(model: Any, session: Session) -> None:
    root = session.get(model.Node, 1)
    root.parent = None
    assert not session.is_modified(root)


def test_the_old_key_of_an_expired_object_is_known(model: Any, session: Session) -> None:
    user = session.get(model.User, 1)
    session.expire(user)
    user.id = 1
    assert not session.is_modified(user)
    pair = session.get(model.Pair, (1, 2))
    session.expire(pair)
    pair.b = 5
    assert inspect(pair).attrs.b.history == ([5], (), [2])


def test_a_deleted_object_that_left_is_refused(model: Any, session: Session) -> None:
    pair = session.get(model.Pair, (1, 1))
    session.delete(pair)
    session.flush()
    session.expunge(pair)
    with pytest.raises(InvalidRequestError, match="has been deleted"):
        session.add(pair)
