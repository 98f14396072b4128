"""Who is whose last parent, who is brought in by an assignment, and what an object that is new again was before a savepoint."""

from __future__ import annotations

import weakref
from typing import Any

import pytest

from nbsession import IntegrityError, InvalidRequestError, Session, inspect, select
from nbsession.session import kept_parents
from tests.session.models import Loan, Member, Node, Shelf, Tool
from tests.session.poems import Poem, Tag


@pytest.fixture
def taken(poems: Session) -> Poem:
    """A detached poem, whose row is there: the session will have another object of its key."""
    taken = Poem(id=1)
    poems.add(taken)
    poems.commit()
    poems.expunge(taken)
    return taken


@pytest.fixture
def lent(session: Session) -> Loan:
    """A loan that its member has twice, and that another one took and gave up."""
    loan = Loan(id=1)
    ada = Member(id=1, name="Ada", loans=[loan])
    session.add(ada)
    session.commit()
    ada.loans.append(loan)
    bob = Member(id=2, name="Bob")
    bob.loans.append(loan)
    assert ada.loans == [loan]
    bob.loans.remove(loan)
    return loan


def test_who_was_given_up_by_its_last_parent_is_an_orphan_though_an_earlier_one_holds_it(
    session: Session, lent: Loan
) -> None:
    session.flush()
    assert inspect(lent).deleted


def test_who_was_given_up_by_its_last_parent_goes_though_an_earlier_one_goes_too(session: Session, lent: Loan) -> None:
    session.delete(session.get(Member, 1))
    session.add(lent)
    session.flush()
    assert inspect(lent).deleted


def test_who_was_given_up_by_half_lives_with_the_parent_that_took_it(session: Session) -> None:
    loan, bob = Loan(id=1), Member(id=2, name="Bob")
    ada = Member(id=1, name="Ada", loans=[loan])
    session.add_all([ada, bob])
    session.commit()
    ada.loans.append(loan)
    loan.member = bob
    assert ada.loans == [loan]
    session.flush()
    assert inspect(loan).persistent and loan.member_id == 2


def test_an_assignment_brings_in_who_stays_in_the_order_of_before(poems: Session, taken: Poem) -> None:
    """What is refused stops those behind it."""
    here, fresh = poems.get(Poem, 1), Poem()
    tag = Tag(poems=[taken, fresh])
    with pytest.raises(InvalidRequestError, match="Can't attach instance"):
        poems.add(tag)
    with pytest.raises(InvalidRequestError, match="Can't attach instance"):
        tag.poems = [fresh, taken]
    assert tag in poems and here in poems and fresh not in poems


def test_an_assignment_that_is_refused_brings_nobody_in_who_was_there_before(poems: Session, taken: Poem) -> None:
    here, tag, fresh = poems.get(Poem, 1), Tag(), Poem()
    poems.add(tag)
    fresh.tags.append(tag)  # which does not bring the poem in
    assert fresh in tag.poems and fresh not in poems
    with pytest.raises(InvalidRequestError, match="Can't attach instance"):
        tag.poems = [fresh, taken]
    assert here in poems and fresh not in poems


def test_of_many_whose_flush_failed_those_who_were_never_written_are_changed(session: Session) -> None:
    """Whatever becomes of one that is new for the second time."""
    again = Node(id=7)
    session.add(again)
    session.flush()
    session.rollback()
    above = Node(children=[again])
    session.add_all([Node(id=7, name="rival"), again])
    with pytest.raises(IntegrityError):
        session.flush()
    session.rollback()
    assert session.is_modified(above)


def test_what_was_never_set_before_a_savepoint_is_not_given_back(session: Session) -> None:
    """Line 22.7: the second value that the savepoint wrote is not what the object was inserted with."""
    tool = Tool(id=1, name="saw")
    session.add_all([tool, Shelf(id=1), Shelf(id=2)])
    session.begin_nested()
    for shelf_id in (1, 2):
        tool.shelf_id = shelf_id
        session.flush()
    session.rollback()
    assert vars(tool).get("shelf_id") is None and tool.name == "saw"


@pytest.mark.parametrize("released", [False, True])
def test_of_two_values_that_a_savepoint_wrote_the_one_before_it_comes_back(session: Session, released: bool) -> None:
    """Line 22.7: also where the first was written in a savepoint within it."""
    tool = Tool(id=1, name="saw")
    session.add(tool)
    session.begin_nested()
    inner = session.begin_nested() if released else None
    tool.name = "axe"
    session.flush()
    if inner is not None:
        inner.commit()
    tool.name = "adze"
    session.flush()
    session.rollback()
    assert tool.name == "saw"


def test_what_was_known_before_a_savepoint_comes_back_though_it_was_expired(session: Session) -> None:
    """Line 22.7"""
    tool = Tool(id=1)
    session.add(tool)
    session.flush()
    tool.name = "saw"
    session.flush()
    session.expire(tool)
    session.begin_nested()
    tool.name = "axe"
    session.flush()
    session.rollback()
    assert tool.name == "saw"


def test_expiring_reaches_nobody_behind_a_new_object(session: Session) -> None:
    """It stays pending: over delete-orphan it would leave, and they would be expired."""
    top, other = Node(id=1, name="top"), Node(id=2, name="other")
    session.add_all([top, other])
    session.commit()
    assert (top.name, other.name) == ("top", "other")
    fresh = Node()
    top.children.append(fresh)
    other.parent = fresh
    session.expire(top)
    assert "name" in vars(other) and fresh in session.new and other.parent is fresh


@pytest.fixture
def twice(session: Session) -> Loan:
    """A loan that its member has had twice since the last flush, and gave up once."""
    loan = Loan(id=1)
    ada = Member(id=1, name="Ada", loans=[loan, loan])
    session.add(ada)
    session.flush()
    session.info["ada"] = ada
    ada.loans.remove(loan)
    return loan


def test_an_unchanged_child_that_was_given_up_by_half_goes_with_its_next_change(session: Session, twice: Loan) -> None:
    session.flush()
    assert inspect(twice).persistent
    twice.note = "late"
    session.flush()
    assert inspect(twice).deleted


def test_a_child_that_was_given_up_by_half_stays_if_a_parent_takes_it_again(session: Session, twice: Loan) -> None:
    session.info["ada"].loans.append(twice)
    twice.note = "late"
    session.flush()
    assert inspect(twice).persistent


def test_a_new_child_that_was_given_up_by_half_goes_with_its_next_change_whoever_holds_it(session: Session) -> None:
    loan = Loan(id=1)
    ada = Member(id=1, name="Ada", loans=[loan, loan])
    session.add(ada)
    loan.member = None
    session.add(loan)
    session.flush()
    ada.loans.append(Loan(id=2))
    loan.note = "late"
    session.flush()
    assert inspect(loan).deleted


@pytest.mark.parametrize("how", ["assigned", "behind"])
def test_a_pending_child_that_was_given_up_by_half_in_the_session_may_come_again(session: Session, how: str) -> None:
    loan = Loan(id=1)
    ada = Member(id=1, name="Ada", loans=[loan])
    session.add(ada)
    ada.loans.append(loan)
    ada.loans.remove(loan)
    assert loan not in session
    if how == "assigned":
        ada.loans = [loan]
    else:
        session.expunge(ada)
        session.add(ada)
    session.flush()
    assert inspect(loan).persistent


def test_a_child_that_was_given_up_and_refers_to_its_parent_again_comes_with_it(session: Session) -> None:
    loan = Loan(id=1)
    ada = Member(id=1, name="Ada", loans=[loan, loan])
    ada.loans.remove(loan)
    ada.loans.remove(loan)
    loan.member = ada
    session.add(ada)
    session.flush()
    assert inspect(loan).persistent


def test_children_in_a_tree_are_written_with_the_new_key_of_their_parent(session: Session) -> None:
    """Line 21.6: though the database is asked to follow by itself elsewhere."""
    top, leaf = Node(id=1), Node(id=2)
    session.add_all([top, leaf])
    leaf.parent = top
    session.commit()
    assert top.children == [leaf]
    top.id = 6
    session.flush()
    assert session.scalar(select(Node.parent_id).where(Node.id == 2)) == 6


class Asked(weakref.ref[Any]):
    """A weak reference that counts how often any of its kind is asked."""

    times = 0

    def __call__(self) -> Any:
        Asked.times += 1
        return super().__call__()


def test_expiring_thousands_of_references_looks_at_each_kept_parent_a_few_times(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, ada = 500, Member(id=1, name="Ada")
    loans = [Loan(id=i + 1) for i in range(number)]
    session.add_all([ada, *loans])
    session.flush()
    for loan in loans:
        loan.member = ada
    monkeypatch.setattr(Asked, "times", 0)
    monkeypatch.setattr(kept_parents, "ref", Asked)
    for loan in loans:
        session.expire(loan, ["member"])
    assert len(session.unit_of_work.kept) == number
    assert Asked.times < 3 * number


def test_kept_parents_of_objects_that_are_gone_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    kept, ada, loan = kept_parents.KeptParents(), Member(name="Ada"), Loan()
    kept.keep(loan, None, ada)
    monkeypatch.setattr(
        kept_parents, "ref", lambda obj: lambda: None
    )  # as of objects that are gone, at ever new addresses
    others = [Loan() for _ in range(3 * kept_parents.PURGE_AT)]
    for other in others:
        kept.keep(other, None, ada)
    assert id(loan) in kept and len(kept) <= kept_parents.PURGE_AT


def test_who_was_taken_out_of_a_list_is_an_orphan_though_the_list_is_read_anew_and_holds_it(session: Session) -> None:
    """Reading a list gives nobody a parent; only being put into it does, or referring to its owner."""
    kept, lost, given = Loan(id=1), Loan(id=2), Loan(id=3)
    ada = Member(id=1, name="Ada", loans=[kept, lost])
    session.add_all([ada, given])
    session.commit()
    with session.no_autoflush:
        ada.loans = [kept]
        session.refresh(ada)
        ada.loans.append(given)
        assert ada.loans == [kept, lost, given]
        session.flush()
    assert inspect(lost).deleted and given.member_id == 1


def test_who_was_taken_out_of_a_list_and_put_in_again_lives(session: Session) -> None:
    kept, back = Loan(id=1), Loan(id=2)
    ada = Member(id=1, name="Ada", loans=[kept, back])
    session.add(ada)
    session.commit()
    with session.no_autoflush:
        ada.loans = [kept]
        session.refresh(ada)
        ada.loans.append(back)
        session.flush()
    assert inspect(back).persistent and back.member_id == 1


@pytest.mark.parametrize("by_list", [False, True])
def test_a_new_object_that_moves_to_another_object_of_its_parents_row_is_inserted(
    session: Session, by_list: bool
) -> None:
    ada = Member(id=1, name="Ada", loans=[])
    session.add(ada)
    session.flush()
    loan = Loan(id=1, member=ada)
    session.expunge(ada)
    here = session.get_one(Member, 1)
    with pytest.raises(InvalidRequestError, match="Can't attach instance"):
        here.loans = [loan]
    assert loan in session and here.loans == []
    if by_list:
        here.loans.append(loan)
    else:
        loan.member = here
    session.commit()
    assert inspect(loan).persistent and loan.member_id == 1
