"""Rules of SQLAlchemy's that random programs with savepoints, merges and two sessions found."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from nbsession import Engine, InvalidRequestError, Session, inspect
from tests.session.models import Loan, Member, Node, Shelf


@pytest.fixture
def other(tables: Engine) -> Iterator[Session]:
    """Another session on the same database."""
    session = Session(tables)
    yield session
    session.close()


@pytest.fixture
def library(session: Session) -> Session:
    """Ada with two loans, Bob with none; nothing is loaded."""
    session.add(Member(id=1, name="Ada", loans=[Loan(id=1), Loan(id=2)]))
    session.add(Member(id=2, name="Bob"))
    session.commit()
    session.expunge_all()
    return session


def test_who_was_never_flushed_is_as_changed_as_before_when_others_were(session: Session) -> None:
    """Line 12.1: of objects that a rollback makes new again, each keeps what is noted of it."""
    known, fresh, child = Node(), Node(), Node()
    savepoint = session.begin_nested()
    session.add(known)
    session.flush()
    savepoint.rollback()
    session.add_all([fresh, known])
    known.children.append(child)
    session.rollback()
    assert session.is_modified(child)


def test_who_was_deleted_in_another_session_is_in_that_one(session: Session, other: Session) -> None:
    shelf = Shelf(id=1)
    session.add(shelf)
    session.flush()
    session.delete(shelf)
    session.flush()
    with pytest.raises(InvalidRequestError, match="has been deleted"):
        other.add(shelf)
    assert not other.in_transaction()
    with pytest.raises(InvalidRequestError, match="already attached"):
        other.delete(shelf)
    assert inspect(shelf).deleted


def test_what_was_changed_twice_in_a_savepoint_is_as_it_was_before_it(session: Session) -> None:
    """Line 22.7: the values it was inserted with."""
    shelf = Shelf(label="first")
    session.add(shelf)
    session.begin_nested()
    for label in ("second", "third"):
        shelf.label = label
        session.flush()
    session.rollback()
    assert shelf.label == "first"


def test_what_was_changed_in_a_savepoint_that_was_released_counts(session: Session) -> None:
    """Line 22.7: released, its changes are those of the transaction."""
    shelf = Shelf(label="first")
    session.add(shelf)
    with session.begin_nested():
        shelf.label = "second"
    savepoint = session.begin_nested()
    shelf.label = "third"
    session.flush()
    savepoint.rollback()
    session.rollback()
    assert shelf.label == "second"


def test_a_parent_that_is_to_be_deleted_takes_nobody_who_forgot_it(library: Session) -> None:
    """Line 9.5: under delete-orphan."""
    ada, bob, loan = library.get(Member, 1), library.get(Member, 2), library.get(Loan, 2)
    assert loan in ada.loans
    library.delete(bob)
    bob.loans.append(loan)
    library.expire(loan)
    library.flush()
    assert inspect(loan).deleted


def test_another_object_of_the_parents_row_is_no_other_parent(library: Session) -> None:
    """Line 9.5: under delete-orphan."""
    before = library.get(Member, 1)
    assert before.loans
    library.expunge_all()
    ada, loan = library.get(Member, 1), library.get(Loan, 1)
    ada.loans.append(loan)
    before.loans.append(loan)
    ada.loans.remove(loan)
    library.flush()
    assert inspect(loan).deleted


def test_who_was_given_to_a_parent_stays_with_it_though_its_reference_is_read_anew(library: Session) -> None:
    """Line 9.5: no other parent's removal makes an orphan of it."""
    loan, cleo = library.get(Loan, 1), Member(name="Cleo")
    cleo.loans.append(loan)
    library.refresh(loan, ["note", "member"])
    loan.member = None
    library.flush()
    assert inspect(loan).persistent


def test_who_is_given_to_another_parent_then_is_that_ones_orphan(library: Session) -> None:
    """Line 9.5"""
    loan, bob, cleo = library.get(Loan, 1), library.get(Member, 2), Member(name="Cleo")
    cleo.loans.append(loan)
    library.refresh(loan, ["note", "member"])
    bob.loans.append(loan)
    library.flush()
    bob.loans.remove(loan)
    library.flush()
    assert inspect(loan).deleted
