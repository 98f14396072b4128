"""Rules of SQLAlchemy's that random programs found: whose child it is after an odd change, and which row is taken over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from nbsession import InvalidRequestError, Session, inspect, make_transient, make_transient_to_detached
from nbsession.exc import StaleDataError
from tests.session.models import Loan, Member, Node, Shelf, Tool

Rows = Callable[[str], list[tuple[Any, ...]]]


def twin_of(obj: Any) -> Any:
    """A detached object of the same row, that no session takes while the other one is there."""
    twin = type(obj)(id=obj.id)
    make_transient_to_detached(twin)
    return twin


def test_a_pending_child_taken_out_of_a_list_goes_though_it_has_a_parent_without_a_key(session: Session) -> None:
    loan, ada, bob = Loan(), Member(name="Ada"), Member(name="Bob")
    ada.loans = [loan, loan]
    loan.member = bob  # once: Ada's list holds it still
    session.add(ada)
    assert loan in session
    ada.loans.remove(loan)
    assert loan not in session and bob.loans == [loan]


def test_a_child_taken_out_of_a_list_stays_if_it_has_a_parent_with_another_key(session: Session) -> None:
    loan, ada, bob = Loan(), Member(name="Ada"), Member(name="Bob")
    ada.loans = [loan, loan]
    session.add(bob)
    session.flush()
    loan.member = bob
    session.add(loan)
    ada.loans.remove(loan)
    assert loan in session


def test_a_child_that_a_select_overwrites_keeps_the_parent_it_was_given_to(session: Session, rows: Rows) -> None:
    loan, ada, bob = Loan(id=1), Member(id=1, name="Ada"), Member(name="Bob")
    ada.loans = [loan]
    session.add(ada)
    session.commit()
    assert ada.loans == [loan]
    with session.no_autoflush:
        loan.member = bob
        session.get(Loan, 1, populate_existing=True)
        assert "member" not in vars(loan)
        loan.member = None
        session.expunge(bob)  # and the loan with it
        session.add(loan)
    session.flush()
    assert inspect(loan).persistent and rows("SELECT id, member_id FROM loan") == [(1, None)]


def test_an_owned_child_given_just_before_a_refused_assignment_is_no_orphan(session: Session, rows: Rows) -> None:
    first, second, ada = Loan(id=1), Loan(id=2), Member(id=1, name="Ada")
    ada.loans = [first]
    session.add_all([ada, second])
    session.commit()
    assert (first.id, second.id, ada.id) == (1, 2, 1)
    second.member = ada
    with pytest.raises(InvalidRequestError, match="another instance with key"):
        ada.loans = [twin_of(first)]
    session.flush()
    assert rows("SELECT id, member_id FROM loan") == [(2, 1)]


def test_a_child_given_just_before_a_refused_assignment_keeps_its_foreign_key(session: Session, rows: Rows) -> None:
    first, second, shelf = Tool(id=1), Tool(id=2), Shelf(id=1)
    shelf.tools = [first]
    session.add_all([shelf, second])
    session.commit()
    assert (first.id, second.id, shelf.id) == (1, 2, 1)
    second.shelf = shelf
    with pytest.raises(InvalidRequestError, match="another instance with key"):
        shelf.tools = [twin_of(first)]
    session.flush()
    assert rows("SELECT id, shelf_id FROM tool ORDER BY id") == [(1, None), (2, 1)]


def test_who_was_inserted_without_a_parent_learns_nothing_from_a_list_it_is_taken_out_of(session: Session) -> None:
    top, leaf = Node(), Node()
    session.add(leaf)
    session.commit()
    with session.no_autoflush:
        top.children = [leaf]
        session.expire(leaf)
        make_transient(leaf)
        session.add(leaf)
        session.flush()
        top.children.remove(leaf)
    assert "parent" not in vars(leaf) and leaf not in session.dirty


def test_a_reference_of_who_lost_its_row_in_the_flush_before_is_as_the_row_says_now(session: Session) -> None:
    old, shelf = Tool(id=1, name="old"), Shelf(id=1)
    old.shelf = shelf
    session.add(old)
    session.commit()
    session.add(Tool(id=1, shelf_id=None))
    session.delete(old)
    assert old.shelf is None and vars(old)["shelf_id"] is None


def test_who_takes_a_row_over_with_a_key_changed_since_it_was_undone_looks_for_the_old_one(session: Session) -> None:
    old, new = Tool(id=1), Tool()
    session.add(old)
    session.commit()
    session.add(Tool(id=2))
    new.id = 7
    session.add(new)
    session.flush()
    session.rollback()
    session.add(new)
    new.id = 1
    session.delete(old)
    with pytest.raises(StaleDataError, match="expected to update 1 row"):
        session.flush()
    session.rollback()
    assert old.id == 1


@pytest.fixture
def shelf(session: Session) -> Shelf:
    """A shelf with a tool, whose list is loaded; two tools that are on none."""
    session.add_all([Shelf(id=1, tools=[Tool(id=1)]), Tool(id=2), Tool(id=3)])
    session.commit()
    session.expunge_all()
    shelf = session.get_one(Shelf, 1)
    assert shelf.tools
    return shelf


def refuse(shelf: Shelf) -> None:
    """Assigns a list that the session refuses."""
    with pytest.raises(InvalidRequestError, match="another instance with key"):
        shelf.tools = [twin_of(shelf.tools[0])]


@pytest.mark.parametrize("told", ["list", "reference"])
def test_who_was_given_to_a_parent_and_flushed_stays_though_an_assignment_without_it_was_refused(
    session: Session, shelf: Shelf, rows: Rows, told: str
) -> None:
    """Who was only read with the list loses its parent, as in SQLAlchemy."""
    tool = session.get_one(Tool, 2)
    if told == "list":
        shelf.tools.append(tool)
    else:
        tool.shelf = shelf
    session.flush()
    refuse(shelf)
    session.flush()
    assert tool.shelf_id == 1
    assert rows("SELECT id, shelf_id FROM tool ORDER BY id") == [(1, None), (2, 1), (3, None)]


def test_who_was_inserted_with_its_parent_stays_though_an_assignment_without_it_was_refused(
    session: Session, shelf: Shelf, rows: Rows
) -> None:
    shelf.tools.append(Tool(id=4))
    session.flush()
    refuse(shelf)
    session.flush()
    assert rows("SELECT id FROM tool WHERE shelf_id = 1") == [(4,)]


@pytest.mark.parametrize("forget", ["expire", "refresh", "overwrite"])
def test_who_was_expired_since_it_was_given_was_only_read(
    session: Session, shelf: Shelf, rows: Rows, forget: str
) -> None:
    tool = session.get_one(Tool, 2)
    tool.shelf = shelf
    session.flush()
    if forget == "expire":
        session.expire(tool)
    elif forget == "refresh":
        session.refresh(tool)
    else:
        session.get_one(Tool, 2, populate_existing=True)
    assert tool.shelf is shelf
    refuse(shelf)
    session.flush()
    assert rows("SELECT id FROM tool WHERE shelf_id = 1") == ([(2,)] if forget == "overwrite" else [])


def test_of_two_refused_assignments_the_first_counts_as_well(session: Session, shelf: Shelf, rows: Rows) -> None:
    tool, kept = session.get_one(Tool, 2), session.get_one(Tool, 3)
    tool.shelf = shelf
    session.flush()
    for _ in range(2):
        with pytest.raises(InvalidRequestError, match="another instance with key"):
            shelf.tools = [kept, twin_of(tool)]
    session.flush()
    assert rows("SELECT id FROM tool WHERE shelf_id = 1 ORDER BY id") == [(2,), (3,)]


def test_a_new_child_that_a_flush_had_told_its_parent_forgets_it_when_it_has_none(
    session: Session, shelf: Shelf, rows: Rows
) -> None:
    tool, other = Tool(id=4), Shelf(id=2)
    session.add(other)
    session.commit()
    tool.shelf = other  # which does not bring it into the session
    with pytest.warns(match="not in session"):
        session.flush()
    assert tool.shelf_id == 2
    shelf.tools.append(tool)
    del tool.shelf
    session.flush()
    assert rows("SELECT shelf_id FROM tool WHERE id = 4") == [(None,)]
