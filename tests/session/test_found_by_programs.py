"""Behaviour that random programs found to differ from SQLAlchemy's, each in its shortest form."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import pytest

from nbsession import IntegrityError, InvalidRequestError, Session, inspect
from tests.session.models import City, Loan, Member, Node, Shelf, Tool
from tests.support import expect_statements


@pytest.fixture
def family(session: Session) -> Iterator[Session]:
    """A session whose database has a tree, a member with two loans, and a shelf with a tool; nothing is loaded."""
    root = Node(id=1, name="root")
    session.add_all([root, Node(id=2, name="leaf", parent=root)])
    session.add(Member(id=1, name="Ada", loans=[Loan(id=1), Loan(id=2)]))
    session.add(Shelf(id=1, tools=[Tool(id=1, name="saw")]))
    session.commit()
    session.expunge_all()
    yield session


def test_refresh_of_a_trees_parent_loads_no_other_row(family: Session) -> None:
    """Line 10.2: the parent is taken if it is here."""
    leaf = family.get(Node, 2)
    family.refresh(leaf, ["parent"])
    assert "parent" not in leaf.__dict__
    root = family.get(Node, 1)
    family.refresh(leaf, ["parent"])
    assert leaf.__dict__["parent"] is root


def test_the_delete_cascade_takes_detached_members_along(family: Session) -> None:
    """Lines 14.5, 14.6: attached, then marked."""
    member, loan = family.get(Member, 1), family.get(Loan, 1)
    assert loan in member.loans
    family.expunge(loan)
    family.delete(member)
    assert loan in family.deleted
    family.flush()
    assert inspect(loan).deleted


def test_the_delete_cascade_reaches_what_a_detached_member_has_loaded_and_loads_no_more(family: Session) -> None:
    """Line 14.6"""
    root, leaf = family.get(Node, 1), family.get(Node, 2)
    assert leaf in root.children
    family.expunge(leaf)
    family.delete(root)
    assert leaf in family.deleted


def test_a_key_that_a_rollback_gives_back_displaces_who_took_it(family: Session) -> None:
    """Line 21.13"""
    ada = family.get(Member, 1)
    family.expunge(ada)
    other = family.get(Member, 1)
    other.id = 7
    family.flush()
    family.add(ada)
    family.rollback()
    assert inspect(ada).persistent and ada not in family and family.get(Member, 1) is other


def test_a_missing_key_is_refused_by_the_database_and_explained(session: Session) -> None:
    """Line 21.10"""
    session.add(City(code="DE"))
    with pytest.raises(IntegrityError) as refused:
        session.flush()
    assert "number is not set" in refused.value.__notes__[0]


def test_a_reference_that_a_new_object_lacks_cannot_be_deleted() -> None:
    with pytest.raises(AttributeError, match="no value for 'member'"):
        del Loan().member


def test_a_reference_set_and_set_back_leaves_the_foreign_key_alone(family: Session) -> None:
    """Line 21.15: setting back nets to nothing."""
    tool = family.get(Tool, 1)
    shelf = tool.shelf
    tool.shelf = None
    tool.shelf = shelf
    tool.shelf_id = None
    family.flush()
    family.expire(tool)
    assert tool.shelf_id is None


def test_merge_onto_an_expired_object_of_which_no_key_is_copied_loads_nothing(family: Session) -> None:
    """Line 15.5"""
    given = family.get(Shelf, 1)
    family.expire(given)
    family.expunge(given)
    there = family.get(Shelf, 1)
    family.expire(there)
    with expect_statements(family, 0):
        assert family.merge(given) is there


def test_merge_copies_relationships_before_columns(family: Session) -> None:
    """Line 15.6: so a reference of an expired object counts as changed; its old value is not known."""
    tool = family.get(Tool, 1)
    family.expire(tool)
    merged = family.merge(Tool(id=1, shelf=None))
    assert merged is tool and merged in family.dirty
    family.flush()
    assert tool.shelf_id is None


@pytest.mark.parametrize("added_again", [False, True])
def test_a_pending_orphan_of_a_parent_elsewhere_goes_with_the_next_flush(family: Session, added_again: bool) -> None:
    """Line 9.4: unless it is added again."""
    member, loan = family.get(Member, 1), Loan()
    assert len(member.loans) == 2
    family.expunge(member)
    here = family.get(Member, 1)
    member.loans.append(loan)
    with pytest.raises(InvalidRequestError, match="another instance"):
        family.add(loan)  # it is in; its parent cannot come along
    member.loans.remove(loan)
    assert inspect(loan).pending
    if added_again:
        family.add(loan)
    family.flush()
    assert inspect(loan).persistent is added_again and here in family


def test_a_member_outside_of_the_session_learns_its_key(session: Session) -> None:
    """Line 13.11: it is left out of the flush, with a warning."""
    shelf, tool = Shelf(id=5), Tool()
    session.add(shelf)
    tool.shelf = shelf
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        session.flush()
    assert any("not in session" in str(one.message) for one in told)
    assert tool.shelf_id == 5 and inspect(tool).transient


def test_get_finds_who_was_asked_for_though_another_took_over_the_row_in_the_flush_before(family: Session) -> None:
    """Line 8.3"""
    old, new = family.get(Shelf, 1), Shelf(id=1, label="new")
    family.expire(old)
    family.delete(old)
    family.add(new)
    assert family.get(Shelf, 1) is old and old.label == "new" and family.get(Shelf, 1) is new


def test_a_removed_child_is_written_though_its_own_changes_are_forgotten(family: Session) -> None:
    """Line 18.3"""
    root, leaf = family.get(Node, 1), family.get(Node, 2)
    root.children.remove(leaf)
    family.refresh(leaf)
    assert leaf.parent_id is None


def test_deleting_what_is_in_another_session_is_refused(family: Session) -> None:
    """Line 14.4: and begins the transaction, as SQLAlchemy does."""
    ada = family.get(Member, 1)
    with Session(family.bind) as other:
        with pytest.raises(InvalidRequestError, match="already attached"):
            other.delete(ada)
        assert other.in_transaction()


def test_delete_of_who_is_deleted_already_does_nothing(family: Session) -> None:
    """Lines 14.1, 14.8: so a new object can have its key, before the commit and after it."""
    node = family.get(Node, 2)
    family.delete(node)
    family.flush()
    family.delete(node)
    assert node not in family and inspect(node).deleted and not family.deleted
    family.add(Node(id=2, name="new"))
    family.commit()
    family.delete(node)
    assert node not in family and not family.deleted
    assert family.get(Node, 2).name == "new"


def test_delete_spares_cascaded_members_that_are_deleted_already(family: Session) -> None:
    """Line 14.6: those that a flush deleted are not put back."""
    member = family.get(Member, 1)
    gone = member.loans[0]
    family.delete(gone)
    family.flush()
    family.delete(member)
    assert gone not in family and gone not in family.deleted
    family.commit()
    assert family.query(Loan).count() == 0


def test_a_reference_set_to_nothing_on_who_is_new_again_is_a_change(session: Session) -> None:
    """Lines 17.7, 6.5: it was never set, so that None is something new."""
    loan = Loan()
    session.add(loan)
    session.flush()
    session.rollback()
    loan.member = None
    assert session.is_modified(loan)
    session.add(loan)
    session.flush()
    assert loan.__dict__["member_id"] is None


def test_del_of_a_reference_whose_foreign_key_was_never_set_changes_nothing(session: Session) -> None:
    """Lines 17.6, 17.7: dirty, yet not modified; one that was loaded as None is."""
    loan = Loan()
    session.add(loan)
    session.flush()
    del loan.member
    assert loan in session.dirty and not session.is_modified(loan)
    session.flush()
    assert "member_id" not in loan.__dict__
    assert loan.member is None
    del loan.member
    assert session.is_modified(loan)


def test_a_deleted_reference_stays_deleted_though_its_owner_goes(family: Session) -> None:
    """Line 18.10: deleting the orphan's row does not look up again what it referred to."""
    member, loan = family.get(Member, 1), family.get(Loan, 1)
    del loan.member
    family.flush()
    assert inspect(loan).deleted and "member" not in loan.__dict__ and loan.member is None
    assert inspect(member).persistent


def test_who_is_given_away_and_then_deleted_lives_until_the_second_flush(family: Session) -> None:
    """Lines 14.7, 22.14: delete() has the last word, one flush later than elsewhere, as in SQLAlchemy."""
    loan, other = family.get(Loan, 1), Member(id=2, name="Bob")
    family.add(other)
    other.loans.append(loan)
    family.delete(loan)
    family.flush()
    assert inspect(loan).persistent and loan.member_id == 2 and loan in family.deleted
    family.flush()
    assert inspect(loan).deleted
    family.commit()
    assert family.get(Loan, 1) is None


def test_who_is_given_away_after_delete_lives_whatever_went_before(family: Session) -> None:
    """Line 22.14: given, deleted, and given again."""
    loan, other, third = family.get(Loan, 1), Member(id=2, name="Bob"), Member(id=3, name="Cy")
    family.add_all([other, third])
    other.loans.append(loan)
    family.delete(loan)
    third.loans.append(loan)
    family.commit()
    assert loan.member is third and loan not in family.deleted


def test_a_child_taken_out_of_a_list_that_holds_it_twice_is_an_orphan(family: Session) -> None:
    """Line 18.2: the list holds it still, but what was said last counts; put in again, it stays."""
    member = family.get(Member, 1)
    gone, stays = member.loans
    member.loans += [gone, stays]
    member.loans.remove(gone)
    member.loans.remove(stays)
    member.loans.append(stays)
    family.flush()
    assert inspect(gone).deleted and inspect(stays).persistent


@pytest.mark.filterwarnings("ignore:Object of type .Loan")
def test_an_orphan_by_half_that_comes_with_its_parent_is_not_inserted(session: Session) -> None:
    """Lines 18.2, 13.6: it is dropped by the flush, unless it is added for itself."""
    for alone in (False, True):
        member, loan = Member(name=f"Ada {alone}"), Loan()
        member.loans += [loan, loan]
        loan.member = None
        session.add(member)
        if alone:
            session.add(loan)
        session.flush()
        assert inspect(loan).persistent is alone


def test_expire_reaches_members_that_left_the_session(family: Session) -> None:
    """Line 10.6: who was expunged is expired along, and its changes are forgotten."""
    root = family.get(Node, 1)
    (leaf,) = root.children
    leaf.name = "changed"
    family.expunge(leaf)
    family.expire(root)
    assert inspect(leaf).detached and "name" not in leaf.__dict__ and not family.is_modified(leaf)


def test_the_delete_cascade_takes_along_who_was_inserted_by_it(family: Session) -> None:
    """Line 14.6: the cascade loads, which flushes; who has a row then goes, too."""
    root, new = family.get(Node, 1), Node(id=3)
    root.children.append(new)
    family.delete(root)
    assert new in family.deleted and inspect(new).persistent


def test_who_was_deleted_and_left_can_be_deleted_again(family: Session) -> None:
    """Lines 12.4, 14.5: nobody knows whether its row is there."""
    node = family.get(Node, 2)
    family.delete(node)
    family.flush()
    family.expunge(node)
    family.rollback()
    family.delete(node)
    family.commit()
    assert family.get(Node, 2) is None
