"""Relationships exactly as in SQLAlchemy 2.1: what is told to the other side, what is loaded, what a flush makes of it."""

from __future__ import annotations

import warnings
from typing import Any, ClassVar

import pytest

from nbsession import (
    CircularDependencyError,
    Column,
    DeclarativeBase,
    Integer,
    InvalidRequestError,
    Session,
    String,
    inspect,
    make_transient_to_detached,
)
from nbsession.exc import NbsessionWarning
from tests.session.models import Loan, Member, Node, Shelf, Tool
from tests.support import expect_statements


@pytest.fixture
def shelf(session: Session) -> Shelf:
    """A shelf with two tools; only the shelf is loaded."""
    session.add(Shelf(id=1, tools=[Tool(id=1), Tool(id=2)]))
    session.commit()
    session.expunge_all()
    found = session.get(Shelf, 1)
    assert found is not None
    return found


def test_del_of_a_reference_empties_it_until_the_flush(session: Session, shelf: Shelf) -> None:
    """Line 18.10: nothing lies on the object meanwhile."""
    tool = session.get(Tool, 1)
    assert tool is not None and tool.shelf is shelf
    del tool.shelf
    assert "shelf" not in tool.__dict__ and tool.shelf is None and "shelf" not in tool.__dict__
    assert inspect(tool).attrs.shelf.history.deleted == [shelf]
    session.flush()
    assert tool.shelf_id is None


def test_del_of_a_reference_in_a_tree_writes_nothing(session: Session) -> None:
    """Line 18.10: among rows that refer to one another, only what is there counts."""
    session.add(Node(id=1, children=[Node(id=2)]))
    session.commit()
    leaf = session.get(Node, 2)
    assert leaf is not None and leaf.parent is not None
    del leaf.parent
    session.flush()
    assert leaf.parent_id == 1 and leaf.parent is session.get(Node, 1)


def test_a_member_twice_in_a_list_is_let_go_by_the_last_of_them(session: Session, shelf: Shelf) -> None:
    """Line 18.10: duplicates."""
    tool = Tool()
    shelf.tools += [tool, tool]
    shelf.tools.remove(tool)
    assert tool.shelf is shelf and shelf.tools.count(tool) == 1
    shelf.tools.remove(tool)
    assert tool.shelf is None


def test_a_failed_remove_makes_the_owner_dirty_and_looks_up_what_it_was_asked_about(
    session: Session, shelf: Shelf
) -> None:
    """Lines 18.10, 22.15: nothing is queued."""
    tool, other = session.get(Tool, 1), Shelf()
    with pytest.raises(ValueError):
        other.tools.remove(tool)
    assert tool is not None and tool.__dict__["shelf"] is shelf and other.__dict__["tools"] == []
    assert tool not in session.dirty
    session.add(other)
    session.commit()
    assert other.tools == []
    with pytest.raises(ValueError):
        other.tools.remove(tool)
    assert other in session.dirty and not session.is_modified(other)


def test_a_list_that_a_member_left_by_its_reference_is_dirty_though_it_did_not_hold_it(
    session: Session, shelf: Shelf
) -> None:
    """Line 18.10"""
    session.autoflush = False
    tool = session.get(Tool, 1)
    assert tool is not None and tool.shelf is shelf and len(shelf.tools) == 2
    other = Shelf(id=2)
    session.add(other)
    session.commit()
    assert other.tools == []
    tool.shelf_id = 2
    session.expire(tool, ["shelf"])
    session.flush()
    assert tool.shelf is other
    tool.shelf = None
    assert other in session.dirty


def test_what_a_reference_referred_to_is_told_by_the_row_not_by_a_changed_key(session: Session, shelf: Shelf) -> None:
    """Line 21.14"""
    session.autoflush = False
    tool = session.get(Tool, 1)
    assert tool is not None
    tool.shelf_id = 99
    tool.shelf = None
    assert inspect(tool).attrs.shelf.history.deleted == [shelf]


def test_assigning_a_list_that_is_refused_goes_as_far_as_the_member_that_is(session: Session, shelf: Shelf) -> None:
    """Line 18.11"""
    twin = session.get(Tool, 1)
    assert twin is not None
    session.expunge(twin)
    assert session.get(Tool, 1) is not twin
    first = shelf.tools[1]
    with pytest.raises(InvalidRequestError, match="already present"):
        shelf.tools = [first, twin]
    assert shelf.tools == [first] and shelf in session.dirty


def test_who_is_marked_to_be_deleted_stays_so_until_the_flush_takes_him_back(session: Session) -> None:
    """Lines 18.2, 22.14"""
    session.add_all([Member(id=1, name="Ada", loans=[Loan(id=1)]), Member(id=2, name="Bob")])
    session.commit()
    loan, bob = session.get(Loan, 1), session.get(Member, 2)
    assert loan is not None and bob is not None
    session.autoflush = False
    session.delete(loan)
    bob.loans.append(loan)
    assert loan in session.deleted
    session.flush()
    assert loan not in session.deleted and inspect(loan).persistent and loan.member_id == 2


def test_a_deleted_tree_has_its_parents_loaded_by_the_flush(session: Session) -> None:
    """Line 21.1: the order of its deletes depends on them."""
    session.add(Node(id=1, children=[Node(id=2)]))
    session.commit()
    session.expunge_all()
    root = session.get(Node, 1)
    assert root is not None
    session.delete(root)
    (leaf,) = root.children
    assert "parent" not in leaf.__dict__
    session.flush()
    assert leaf.__dict__["parent"] is root and root.__dict__["parent"] is None


def test_a_row_that_refers_to_itself_is_not_deleted_by_a_flush(session: Session) -> None:
    """Line 21.1"""
    session.add(Node(id=1))
    session.flush()
    node = session.get(Node, 1)
    assert node is not None
    node.parent_id = 1
    session.commit()
    session.delete(node)
    with pytest.raises(CircularDependencyError):
        session.flush()


def test_in_a_tree_what_has_nothing_to_hear_of_a_parent_is_inserted_first(session: Session) -> None:
    """Line 21.2"""
    first, second = Node(name="first", parent=None), Node(name="second")
    session.add_all([first, second])
    session.flush()
    assert second.id < first.id


def test_a_change_queued_on_the_unloaded_collection_of_a_tree_is_not_told_to_who_is_in_no_session(
    session: Session,
) -> None:
    """Line 22.11"""
    session.add(Node(id=1))
    session.commit()
    root, stranger = session.get(Node, 1), Node()
    stranger.parent = root
    session.flush()
    assert "parent_id" not in stranger.__dict__ and stranger not in session


def test_queued_members_come_after_the_loaded_ones_also_if_they_are_among_them(session: Session, shelf: Shelf) -> None:
    """Line 18.10"""
    session.autoflush = False
    tool = session.get(Tool, 1)
    assert tool is not None
    session.expire(tool, ["shelf_id"])
    tool.shelf = shelf
    with expect_statements(session, 1):
        loaded = list(shelf.tools)
    assert [t.id for t in loaded] == [1, 2, 1]


def test_a_flush_loads_an_expired_object_whose_key_it_needs(session: Session, shelf: Shelf) -> None:
    """Line 21.9"""
    session.autoflush = False
    tool = Tool(name="new", shelf=shelf)
    session.add(tool)
    session.expire(shelf)
    session.flush()
    assert shelf.__dict__["id"] == 1 and "label" in shelf.__dict__ and tool.shelf_id == 1


def test_a_delete_loads_the_expired_object_to_tell_what_it_referred_to(session: Session, shelf: Shelf) -> None:
    """Line 22.5"""
    session.autoflush = False
    tool = session.get(Tool, 1)
    assert tool is not None
    session.expire(tool)
    session.delete(tool)
    session.flush()
    assert tool.__dict__["shelf"] is shelf and tool.__dict__["shelf_id"] == 1


def test_names_are_not_refreshed_while_the_key_is_changed(session: Session, shelf: Shelf) -> None:
    """Line 10.2: the row is found by its key, which must be flushed first."""
    tool = session.get_one(Tool, 1)
    session.autoflush = False
    tool.id = 7
    with pytest.raises(InvalidRequestError, match="Please flush pending primary key changes on attributes"):
        session.refresh(tool, ["name"])
    assert tool.id == 7 and "name" not in tool.__dict__
    session.refresh(tool, ["id", "name"])
    assert tool.id == 1


def test_a_deleted_parent_lets_go_of_who_was_given_to_somebody_outside(session: Session, shelf: Shelf) -> None:
    """Line 18.3: who is not in the session is no new parent; the row must not refer to one that is gone."""
    tool = session.get_one(Tool, 1)
    session.commit()
    with session.no_autoflush:
        outside = Shelf(tools=[])
        outside.tools.append(tool)
        session.delete(shelf)
    with pytest.warns(NbsessionWarning, match="not in"):
        session.flush()
    assert tool.shelf is outside and tool.shelf_id is None


def test_a_parent_that_comes_later_is_linked_though_its_child_was_taken_and_given_again(session: Session) -> None:
    """Line 21.9: the reference did not change since the flush that could not write it."""
    tool, shelf = Tool(id=1), Shelf()
    session.add(tool)
    with session.no_autoflush, warnings.catch_warnings():
        warnings.simplefilter("ignore", NbsessionWarning)
        shelf.tools.append(tool)
        session.flush()
    shelf.tools.remove(tool)
    tool.shelf = shelf
    session.flush()
    assert shelf in session and tool.shelf_id == shelf.id


def test_merge_onto_an_object_of_another_class_names_the_attribute(session: Session) -> None:
    """Line 15.5"""

    class Own(DeclarativeBase):
        pass

    class Animal(Own):
        __tablename__ = "animal"
        id = Column(Integer, primary_key=True)
        kind = Column(String)
        __mapper_args__: ClassVar[dict[str, Any]] = {"polymorphic_on": "kind", "polymorphic_identity": "animal"}

    class Cat(Animal):
        __mapper_args__: ClassVar[dict[str, Any]] = {"polymorphic_identity": "cat"}
        lives = Column(Integer)

    Own.metadata.create_all(session.bind)
    session.add(Animal(id=1))
    session.flush()
    animal = session.get(Animal, 1)
    with pytest.raises(KeyError, match="lives"):
        session.merge(Cat(id=1))
    assert animal in session


def test_without_load_an_expired_object_is_not_asked_for_its_version(session: Session) -> None:
    """Line 15.8: no SQL, and what is not known is not compared."""

    class Own(DeclarativeBase):
        pass

    class Doc(Own):
        __tablename__ = "doc"
        id = Column(Integer, primary_key=True)
        version = Column(Integer, nullable=False)
        __mapper_args__: ClassVar[dict[str, Any]] = {"version_id_col": version}

    Own.metadata.create_all(session.bind)
    here, given = Doc(id=1), Doc(id=1, version=7)
    session.add(here)
    session.commit()
    make_transient_to_detached(given)
    with expect_statements(session, 0):
        assert session.merge(given, load=False) is here
