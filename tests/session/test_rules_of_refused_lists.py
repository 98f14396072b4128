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
