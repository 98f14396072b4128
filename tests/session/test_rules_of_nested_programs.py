"""Rules of SQLAlchemy's that random programs with savepoints, merges and two sessions found."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from nbsession import Engine, InvalidRequestError, Session, event, inspect, text
from nbsession.exc import IntegrityError, ObjectDeletedError
from tests.session.hierarchy import Engineer, staffed
from tests.session.models import Loan, Member, Node, Shelf, Tool
from tests.support import expect_statements


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
    """Of objects that a rollback makes new again, each keeps what is noted of it."""
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
    """Line 9.3: under delete-orphan."""
    ada, bob, loan = library.get(Member, 1), library.get(Member, 2), library.get(Loan, 2)
    assert loan in ada.loans
    library.delete(bob)
    bob.loans.append(loan)
    library.expire(loan)
    library.flush()
    assert inspect(loan).deleted


def test_another_object_of_the_parents_row_is_no_other_parent(library: Session) -> None:
    """Line 9.3: under delete-orphan."""
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
    """Line 9.3: no other parent's removal makes an orphan of it."""
    loan, cleo = library.get(Loan, 1), Member(name="Cleo")
    cleo.loans.append(loan)
    library.refresh(loan, ["note", "member"])
    loan.member = None
    library.flush()
    assert inspect(loan).persistent


def test_who_is_given_to_another_parent_then_is_that_ones_orphan(library: Session) -> None:
    """Line 9.3: under delete-orphan."""
    loan, bob, cleo = library.get(Loan, 1), library.get(Member, 2), Member(name="Cleo")
    cleo.loans.append(loan)
    library.refresh(loan, ["note", "member"])
    bob.loans.append(loan)
    library.flush()
    bob.loans.remove(loan)
    library.flush()
    assert inspect(loan).deleted


# ── found by programs that also look at hooks, keys and inheritance ──────────────────────────────────────────────────
@pytest.fixture
def shelves(session: Session) -> Session:
    """Two shelves; the first has a tool. Nothing is loaded."""
    session.add_all([Shelf(id=1, tools=[Tool(id=1, name="saw")]), Shelf(id=2)])
    session.commit()
    session.expunge_all()
    return session


def test_with_the_first_change_of_who_is_displaced_a_transaction_begins(shelves: Session) -> None:
    """Line 21.13: also who is not in the map belongs to the session."""
    before = shelves.get(Shelf, 1)
    shelves.expunge(before)
    other = shelves.get(Shelf, 1)
    shelves.delete(other)
    shelves.begin_nested()
    shelves.add(before)
    shelves.rollback()
    assert not shelves.in_transaction() and before not in shelves and other in shelves
    before.label = "new"
    assert shelves.in_transaction() and before not in shelves.dirty


def test_with_the_first_change_of_who_is_deleted_a_transaction_begins(tables: Engine) -> None:
    with Session(tables, expire_on_commit=False) as session:
        tool = Tool(name="saw")
        session.add(tool)
        session.commit()
        session.delete(tool)
        session.commit()
        assert inspect(tool).deleted and not session.in_transaction()
        tool.shelf = None
        assert session.in_transaction()


def test_a_reference_that_was_never_set_and_deleted_is_asked_of_the_row(tables: Engine) -> None:
    """A flush that deletes the object wants to know what it refers to."""
    with Session(tables, autoflush=False, expire_on_commit=False) as session:
        tool = Tool(name="saw")
        session.add(tool)
        session.commit()
        tool.shelf = None
        session.execute(text("DELETE FROM tool"))
        session.expire(tool, ["name", "shelf_id"])
        del tool.shelf
        session.delete(tool)
        with pytest.raises(ObjectDeletedError):
            session.flush()


def test_who_is_no_orphan_keeps_its_foreign_key_when_a_parent_lets_go_of_it(library: Session) -> None:
    """Line 9.3: it belongs to whom it was given to, though that one is deleted and it forgot."""
    ada, bob = library.get(Member, 1), library.get(Member, 2)
    loan = ada.loans[0]
    library.delete(bob)
    loan.member = bob
    library.expire(loan, ["member"])
    library.flush()
    assert loan.member_id == 1


def test_a_member_that_is_deleted_learns_its_owners_new_key(shelves: Session) -> None:
    shelf = shelves.get(Shelf, 1)
    (tool,) = shelf.tools
    shelves.delete(tool)
    shelves.flush()
    shelf.id = 7
    shelves.flush()
    assert vars(tool)["shelf_id"] == 7


@pytest.mark.parametrize("deleted", [True, False])
def test_who_is_in_no_session_forgets_a_parent_that_let_go_of_it_and_is_deleted(
    session: Session, deleted: bool
) -> None:
    """As an orphan it had kept the key: a flush that drops orphans writes nothing on them."""
    ada, loan = Member(id=1, name="Ada", loans=[]), Loan(id=1)
    session.add(ada)
    session.flush()
    ada.loans.append(loan)
    session.expunge(loan)
    with pytest.warns(match="not in session"):
        session.flush()
    assert loan.member_id == 1
    loan.member = None
    if deleted:
        session.delete(ada)
    session.flush()
    assert inspect(loan).transient and loan.member_id == (None if deleted else 1)


def test_who_was_refreshed_in_part_is_not_expired_as_a_whole(shelves: Session) -> None:
    shelf = shelves.get(Shelf, 1)
    shelves.expire(shelf)
    shelves.refresh(shelf, ["label"])
    shelf.label = "new"
    with expect_statements(shelves, 0):
        assert shelves.get(Shelf, 1) is shelf


def test_of_who_was_given_back_in_a_tree_the_children_are_loaded(session: Session) -> None:
    """Line 22.14: it leaves session.deleted; what a delete would have reached is known all the same."""
    session.add(Node(id=1))
    session.commit()
    node, root = session.get(Node, 1), Node(id=2)
    session.delete(node)
    root.children.append(node)
    session.add(root)
    session.refresh(node)
    assert vars(node)["children"] == []


def test_of_an_orphan_of_a_flush_that_failed_nobody_is_told(library: Session) -> None:
    told: list[object] = []
    event.listen(library, "deleted_to_persistent", lambda _, obj: told.append(obj))
    ada = library.get(Member, 1)
    orphan = ada.loans.pop()
    library.add(Member(id=2, name="Bob again"))
    with pytest.raises(IntegrityError):
        library.flush()
    library.rollback()
    assert told == [] and inspect(orphan).persistent


def test_who_was_deleted_and_expunged_in_a_savepoint_is_told_of_again_at_the_commit(shelves: Session) -> None:
    told: list[object] = []
    event.listen(shelves, "deleted_to_detached", lambda _, obj: told.append(obj))
    tool = shelves.get(Tool, 1)
    shelves.delete(tool)
    shelves.begin_nested()
    shelves.expunge(tool)
    assert told == [tool]
    shelves.commit()
    assert told == [tool, tool]


def test_an_assignment_that_is_refused_takes_nobody_out(shelves: Session) -> None:
    """Who was to go is not told, and keeps its row as it is."""
    shelf, gone = shelves.get(Shelf, 1), Tool(id=2)
    shelves.add(gone)
    shelves.flush()
    shelves.delete(gone)
    shelves.flush()
    kept = Tool(id=3)
    shelves.add(kept)
    assert kept not in shelf.tools
    kept.shelf = shelf
    with pytest.raises(InvalidRequestError, match="has been deleted"):
        shelf.tools = [gone]
    shelves.flush()
    assert kept.shelf is shelf and kept.shelf_id == 1


def test_who_came_to_a_parent_that_is_deleted_is_not_let_go_of_by_it(shelves: Session) -> None:
    shelf, tool = shelves.get(Shelf, 2), shelves.get(Tool, 1)
    tool.shelf = None
    savepoint = shelves.begin_nested()
    shelf.tools.append(tool)
    shelves.delete(shelf)
    shelves.refresh(tool)
    savepoint.rollback()
    assert "shelf_id" in vars(tool)  # it had no part in the flush


def test_who_is_new_again_and_taken_out_of_a_list_learns_nothing(session: Session) -> None:
    shelf, tool = Shelf(), Tool()
    shelf.tools.append(tool)
    session.add(shelf)
    session.flush()
    session.expire(tool)
    session.rollback()
    shelf.tools.remove(tool)
    assert "shelf" not in vars(tool)


def test_a_queued_removal_makes_a_row_of_nobody_who_forgot_its_parent(shelves: Session) -> None:
    """As SQLAlchemy has it, what a list had been told counts more than what the row says."""
    first, second, tool = shelves.get(Shelf, 1), shelves.get(Shelf, 2), shelves.get(Tool, 1)
    tool.shelf = second
    shelves.expunge(first)
    shelves.commit()
    shelves.add(first)
    shelves.flush()
    assert tool.shelf_id is None


def test_changed_and_new_objects_of_a_hierarchy_are_written_table_by_table(engine: Engine) -> None:
    with Session(staffed(engine)) as session:
        eve = session.get(Engineer, 2)
        eve.name, eve.tool = "Eva", "axe"
        session.add(Engineer(name="Ann"))
        steps = [(step.verb, step.shape.table.name) for step in session.flush_plan().steps]
    assert steps == [("UPDATE", "person"), ("INSERT", "person"), ("UPDATE", "engineer"), ("INSERT", "engineer")]


def test_who_came_back_by_a_failed_flush_and_is_to_be_deleted_again_is_told_of_once(shelves: Session) -> None:
    told: list[object] = []
    tool = shelves.get(Tool, 1)
    shelves.delete(tool)
    shelves.flush()
    shelves.add(Shelf(id=2))
    with pytest.raises(IntegrityError):
        shelves.flush()
    shelves.delete(tool)
    event.listen(shelves, "deleted_to_persistent", lambda _, obj: told.append(obj))
    with pytest.warns(match="non-active transaction"):
        shelves.rollback()
    assert told == [tool]
