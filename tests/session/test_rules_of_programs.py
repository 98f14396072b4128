"""Rules of SQLAlchemy's that random programs found: what a flush that fails leaves, who lives on in a list, who is loaded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from nbsession import CircularDependencyError, InvalidRequestError, Session, inspect, text
from nbsession.exc import IntegrityError, ObjectDeletedError, PendingRollbackError, ResourceClosedError
from tests.session.models import Country, Loan, Member, Node, Shelf, Tool
from tests.session.poems import Poem, Tag

Rows = Callable[[str], list[tuple[Any, ...]]]


def test_a_flush_that_finds_a_circle_has_filled_the_foreign_keys_that_were_due(session: Session) -> None:
    ring = Node()
    ring.children = [ring]
    ring.children.append(ring)
    ring.parent = None  # once: the list holds it still
    session.add(ring)
    with pytest.raises(CircularDependencyError):
        session.flush()
    assert vars(ring)["parent_id"] is None


def test_a_flush_that_fails_has_not_filled_what_was_due_later(session: Session) -> None:
    tool = Tool(id=1, shelf_id=7)
    tool.shelf = None
    session.add_all([Country(code="de"), Country(code="de"), tool])
    with pytest.raises(IntegrityError):
        session.flush()
    assert vars(tool)["shelf_id"] == 7


def test_a_reference_that_was_emptied_is_due_after_the_parents_rows(session: Session) -> None:
    """What is due before is said by those who are to be deleted, and nobody is."""
    shelf, tool = Shelf(id=1), Tool(id=1)
    tool.shelf = shelf
    session.add_all([tool, Shelf(id=2)])
    session.flush()
    tool.shelf = None
    shelf.id = 2
    with pytest.raises(IntegrityError):
        session.flush()
    assert vars(tool)["shelf_id"] == 1


def test_a_parent_whose_row_is_gone_tells_its_children_no_key(session: Session) -> None:
    """The flush fails as it loads the expired parent."""
    parent, child = Node(id=1), Node()
    session.add(parent)
    session.commit()
    session.execute(text("DELETE FROM node"))
    child.parent = parent
    session.add(child)
    session.expire(parent)
    with pytest.raises(ObjectDeletedError):
        session.flush()
    assert "parent_id" not in vars(child)


def test_a_new_object_that_was_taken_out_of_an_expired_list_is_told_that_it_has_no_parent(session: Session) -> None:
    shelf, tool = Shelf(id=1), Tool()
    session.add(shelf)
    session.commit()
    shelf.tools = [tool]
    session.expire_all()
    del tool.shelf
    session.flush()
    assert vars(tool)["shelf_id"] is None


def test_of_an_association_that_both_sides_tell_of_the_first_by_name_is_believed(poems: Session, rows: Rows) -> None:
    poem, tag = Poem(), Tag()
    poems.add(poem)
    poems.flush()
    tag.poems.append(poem)
    tag.poems.append(poem)  # Poem.tags, which comes first by name, has it once
    poems.add(tag)
    poems.flush()
    assert rows("SELECT count(*) FROM tagging") == [(1,)]


def test_of_who_turns_out_to_have_no_row_no_association_is_written(poems: Session, rows: Rows) -> None:
    """A new object has its key, for which it is looked up."""
    lost = Tag(id=5)
    poems.add(lost)
    poems.commit()
    poems.execute(text("DELETE FROM tag"))
    poems.add(Poem(tags=[lost, Tag(id=5)]))
    poems.flush()
    assert inspect(lost).deleted
    assert rows("SELECT tag_id FROM tagging") == [(5,)]


def test_an_assignment_that_is_refused_comes_as_far_as_the_member_that_may_not_come(poems: Session) -> None:
    gone = Poem(id=1)
    poems.add(gone)
    poems.commit()
    poems.expunge(gone)
    here = poems.get(Poem, 1)
    tag = Tag(poems=[gone])
    with pytest.raises(InvalidRequestError, match="Can't attach instance"):
        here.tags = [tag]  # it would bring the other object of its key
    assert here.tags == [] and tag.poems == [gone]


def test_who_comes_into_a_list_again_is_not_given_up_by_an_earlier_removal(session: Session) -> None:
    """Line 9.5: under delete-orphan."""
    loan = Loan(id=1)
    member = Member(id=1, name="Ada", loans=[loan])
    session.add(member)
    session.commit()
    member.loans.append(loan)
    member.loans.remove(loan)
    member.loans = []
    member.loans = [loan]
    session.flush()
    assert loan in session


def test_who_was_inserted_without_its_parent_goes_with_its_next_change(session: Session) -> None:
    """Line 9.5: an orphan is inserted if it was added itself, and found to be one when it takes part again."""
    loan = Loan(id=1)
    Member(id=1, name="Ada", loans=[loan])
    loan.member = None
    session.add(loan)
    session.flush()
    assert inspect(loan).persistent
    loan.note = "late"
    session.flush()
    assert inspect(loan).deleted


def test_an_orphan_that_finds_a_parent_stays(session: Session) -> None:
    """Line 9.5"""
    loan, member = Loan(id=1), Member(id=2, name="Bob")
    Member(id=1, name="Ada", loans=[loan])
    loan.member = None
    session.add_all([loan, member])
    session.flush()
    loan.member = member
    session.flush()
    loan.note = "late"
    session.flush()
    assert inspect(loan).persistent and loan.member_id == 2


def test_reading_a_reference_again_gives_a_child_no_parent(session: Session) -> None:
    """Line 9.5: it was taken out of its owner's list, whatever its row says still."""
    member = Member(id=1, name="Ada", loans=[Loan(id=1)])
    session.add(member)
    session.commit()
    (loan,) = member.loans
    member.loans.remove(loan)
    session.expire(loan, ["member"])
    with session.no_autoflush:
        assert loan.member is member
    session.flush()
    assert inspect(loan).deleted


def test_expiring_reaches_deleted_members(session: Session) -> None:
    member = Member(id=1, name="Ada", loans=[Loan(id=1)])
    session.add(member)
    session.commit()
    (loan,) = member.loans
    session.delete(loan)
    session.flush()
    session.expire(member)
    assert "note" not in vars(loan)


def test_refresh_fills_an_object_whose_row_another_one_has_by_then(session: Session) -> None:
    shelf = Shelf(id=1, label="low")
    session.add(shelf)
    session.flush()
    session.expunge(shelf)
    known = session.get(Shelf, 1)
    session.rollback()
    session.add(Shelf(id=1, label="high"))
    session.refresh(known, ["label", "tools"])  # the flush before gives its key to the new one
    assert known.label == "high" and known.tools == []


def test_an_expired_object_whose_row_is_gone_cannot_be_deleted_where_its_references_count(
    session: Session, rows: Rows
) -> None:
    tool = Tool(id=1)
    session.add(tool)
    session.commit()
    session.connection().exec_driver_sql("DELETE FROM tool")
    session.delete(tool)
    with pytest.raises(ObjectDeletedError):
        session.flush()


def test_who_was_let_go_tells_its_key_though_nothing_is_written(session: Session) -> None:
    shelf, tool = Shelf(id=1), Tool(id=1, name="saw")
    tool.shelf = shelf
    session.add(tool)
    session.commit()
    assert tool.shelf is shelf
    tool.shelf = None  # noted on the list, which is not loaded
    session.expire(tool)
    session.flush()
    assert vars(tool)["name"] == "saw"


def test_get_of_an_object_whose_row_is_gone_fails_by_the_flush_before(session: Session) -> None:
    tool = Tool(id=1)
    session.add(tool)
    session.commit()
    session.connection().exec_driver_sql("DELETE FROM tool")
    session.expire(tool)
    tool.name = "saw"
    with pytest.raises(PendingRollbackError):
        session.get(Tool, 1)


def test_a_savepoint_that_has_ended_says_so_though_the_transaction_failed(session: Session) -> None:
    savepoint = session.begin_nested()
    savepoint.rollback()
    session.add_all([Shelf(id=1), Shelf(id=1)])
    with pytest.raises(Exception):  # noqa: B017 - each database names it in its own way
        session.flush()
    with pytest.raises(ResourceClosedError):
        savepoint.commit()


def test_values_come_back_as_they_were_before_the_savepoint(session: Session) -> None:
    """Line 22.7: also where the savepoint has changed them, flushed, and changed them again."""
    tool = Tool(id=1, name="saw")
    session.add(tool)
    session.begin_nested()
    tool.name = "axe"
    session.flush()
    tool.shelf_id = None
    tool.name = "adze"
    session.rollback()
    assert tool.name == "saw"


def test_who_is_displaced_by_a_rollback_keeps_what_it_has(session: Session) -> None:
    first = Shelf(id=1, label="low")
    session.add(first)
    session.commit()
    assert first.label == "low"
    session.begin_nested()
    session.delete(first)
    session.flush()
    second = Shelf(id=1, label="high")
    session.add(second)
    session.flush()
    session.expunge(second)
    session.add(second)
    second.label = "higher"
    session.get_nested_transaction().rollback()
    assert first in session and second not in session
    assert second.label == "higher"
