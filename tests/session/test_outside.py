"""Objects outside of sessions: made transient, made detached, pickled; what was noted of their changes goes with them."""

from __future__ import annotations

import pickle

import pytest

from nbsession import Session, inspect, make_transient, make_transient_to_detached
from nbsession.exc import InvalidRequestError
from tests.session.models import Loan, Member, Shelf, Tool


@pytest.fixture
def ada(session: Session) -> Member:
    """A stored member, loaded and in no session."""
    member = Member(name="Ada", loans=[Loan(note="hammer")])
    session.add(member)
    session.commit()
    assert member.name and member.loans[0].note
    session.close()
    return member


def test_made_transient_it_is_unmodified_until_something_is_set(session: Session, ada: Member) -> None:
    """Line 17.8"""
    make_transient(ada)
    assert not session.is_modified(ada)
    ada.age = 36
    assert session.is_modified(ada)


def test_made_transient_then_detached_again(session: Session, ada: Member) -> None:
    make_transient(ada)
    ada.age = 36
    make_transient_to_detached(ada)
    assert inspect(ada).detached and inspect(ada).key[1] == (1,) and not session.is_modified(ada)
    session.add(ada)
    assert ada not in session.dirty


def test_a_reference_of_a_made_transient_object_set_to_nothing_is_a_change(session: Session, ada: Member) -> None:
    (loan,) = ada.loans
    session.add(ada)
    session.expire(loan)
    make_transient(loan)
    loan.member = None
    assert session.is_modified(loan)


def test_pickle_keeps_that_nothing_was_set_since_it_was_stored(session: Session, ada: Member) -> None:
    make_transient(ada)
    copy = pickle.loads(pickle.dumps(ada))
    assert inspect(copy).transient and not session.is_modified(copy)
    ada.age = 36
    copy = pickle.loads(pickle.dumps(ada))
    assert inspect(copy).transient and inspect(copy).attrs.age.history.added == [36]
    assert inspect(copy).attrs.name.history.unchanged == ["Ada"]


def test_del_of_a_reference_that_was_never_set_is_no_change(session: Session) -> None:
    loan = Loan()
    session.add(loan)
    session.flush()
    del loan.member
    assert loan in session.dirty and not session.is_modified(loan)


def test_what_a_deleted_reference_held_does_not_come_along(session: Session, ada: Member) -> None:
    (loan,) = ada.loans
    del loan.member
    session.add(loan)
    assert loan in session and ada not in session


def test_a_reference_over_an_unknown_key_counts_as_nothing_before(session: Session) -> None:
    """A foreign key that was set while the object was expired stays, whatever the reference is set to."""
    tool = Tool(name="saw", shelf=Shelf(label="A"))
    session.add(tool)
    session.commit()
    session.add(Shelf(id=7))
    session.flush()
    tool.shelf_id = 7
    tool.shelf = None
    session.flush()
    session.refresh(tool)
    assert tool.shelf_id == 7


def test_what_was_looked_up_for_an_assignment_that_is_refused_stays(session: Session) -> None:
    own, other = Shelf(label="A"), Shelf(label="B")
    tool = Tool(shelf=own)
    session.add_all([tool, other])
    session.commit()
    assert tool.name is None and own.label and other.label
    session.expunge(other)
    there = session.get(Shelf, 2)
    assert there is not None
    session.expire(tool, ["shelf"])
    with pytest.raises(InvalidRequestError, match="Can't attach instance"):
        tool.shelf = other
    assert tool.__dict__["shelf"] is own


def test_a_deleted_reference_of_who_is_in_no_session_is_a_change(session: Session) -> None:
    """In no session nobody can tell that it was never set."""
    loan = Loan()
    session.add(loan)
    session.flush()
    session.expunge(loan)
    del loan.member
    assert session.is_modified(loan)


def test_a_deleted_reference_stays_a_change_when_the_object_is_made_transient(session: Session, ada: Member) -> None:
    session.add(ada)
    session.expire_all()
    loan = session.get(Loan, 1)
    del loan.member
    make_transient(loan)
    assert session.is_modified(loan)


def test_who_deleted_the_reference_to_its_owner_is_an_orphan_though_the_owner_was_expired(
    session: Session, ada: Member
) -> None:
    loan, owner = session.get(Loan, 1), session.get(Member, 1)
    del loan.member
    session.expire(owner)
    session.flush()
    assert inspect(loan).deleted


def test_a_collection_that_the_flush_before_has_loaded_is_not_loaded_again(session: Session) -> None:
    """Its own row is taken over by a new object meanwhile, and its tools are let go."""
    shelf = Shelf(label="A", tools=[Tool(name="saw")])
    session.add(shelf)
    session.commit()
    session.delete(shelf)
    session.add(Shelf(id=1, label="B"))
    assert [tool.name for tool in shelf.tools] == ["saw"]
