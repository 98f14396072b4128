"""Objects come and go: add, delete, expunge, and what of it the session shows."""

from __future__ import annotations

from typing import Any

import pytest

from nbsession import (
    Engine,
    InvalidRequestError,
    NbsessionWarning,
    Session,
    inspect,
    make_transient,
    make_transient_to_detached,
    object_session,
)
from nbsession.exc import UnmappedInstanceError
from tests.session.models import City, Country, Loan, Member, Node, Shelf, Tool
from tests.support import expect_moves, expect_statements


# ── add ──────────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_add_moves_the_object_and_sends_nothing(session: Session) -> None:
    """Lines 9.14, 13.2: twice is as once; add() never flushes."""
    ada = Member(name="Ada")
    with expect_moves(session, ["Member transient → pending by add"]), expect_statements(session, 0):
        session.add(ada)
        session.add(ada)
    assert list(session.new) == [ada] and ada in session and object_session(ada) is session
    assert not session.dirty and not session.deleted and len(session.identity_map) == 0


def test_add_all_keeps_the_order(session: Session) -> None:
    """Line 21.2: INSERTs in order of add."""
    members = [Member(name=n) for n in "cab"]
    session.add_all(iter(members))
    assert list(session.new) == members
    session.flush()
    assert [m.id for m in members] == [1, 2, 3]


def test_an_object_taken_out_and_added_again_is_last(session: Session) -> None:
    """Line 22.3: the order is that of add, not a number that two may share."""
    a, b, c = (Member(name=n) for n in "abc")
    session.add_all([a, b, c])
    session.expunge(a)
    session.add(a)
    session.flush()
    assert (b.id, c.id, a.id) == (1, 2, 3)


def test_add_walks_the_graph_up_to_what_is_here_already(session: Session) -> None:
    """Line 13.6: as measured on 2.1.9, the walk ends at members that are in the session."""
    root, branch, leaf = Node(name="root"), Node(name="branch", children=[]), Node(name="leaf")
    session.add(branch)
    list.append(branch.children, leaf)  # unseen by the session, as in a graph that was built elsewhere
    root.children.append(branch)
    session.add(root)
    assert root in session and leaf not in session
    session.add(branch)
    assert leaf in session


def test_add_reaches_members_removed_since_the_last_flush(session: Session) -> None:
    """Line 13.6: add reaches members removed since the last flush."""
    shelf, tool = Shelf(), Tool()
    shelf.tools = [tool]
    session.add(shelf)
    session.commit()
    shelf.tools.remove(tool)
    session.expunge(shelf)
    session.expunge(tool)
    session.add(shelf)
    assert tool in session


def test_a_graph_with_a_circle_is_added_once(session: Session) -> None:
    a, b = Node(name="a"), Node(name="b")
    a.parent, b.parent = b, None
    a.children.append(Node(name="c"))
    session.add(a)
    assert sorted(n.name for n in session.new) == ["a", "b", "c"]


def test_add_after_delete_cancels_it(session: Session) -> None:
    """Line 13.4: add after delete cancels it."""
    ada = Member(name="Ada")
    session.add(ada)
    session.flush()
    session.delete(ada)
    assert ada in session.deleted
    session.add(ada)
    assert ada not in session.deleted and ada in session
    with expect_statements(session, 0):
        session.flush()


def test_add_after_the_delete_was_sent_is_refused(session: Session) -> None:
    """Line 13.5: add after the delete was sent is refused."""
    ada = Member(name="Ada")
    session.add(ada)
    session.flush()
    session.delete(ada)
    session.flush()
    for _ in range(2):  # while the transaction is open, and after it
        with pytest.raises(InvalidRequestError, match=r"has been deleted\. Use the make_transient"):
            session.add(ada)
        session.commit()
    make_transient(ada)
    session.add(ada)
    session.commit()
    assert inspect(ada).persistent and ada.name == "Ada"


def test_a_second_object_of_one_key_is_refused(session: Session) -> None:
    """Line 13.5: a second object of one key is refused."""
    ada = Member(name="Ada")
    session.add(ada)
    session.flush()
    twin = Member(id=ada.id, name="twin")
    make_transient_to_detached(twin)
    with pytest.raises(
        InvalidRequestError, match=r"Can't attach instance <Member 1>; another instance with key .*merge"
    ):
        session.add(twin)
    assert inspect(twin).detached and ada in session


@pytest.mark.parametrize("how", ["add", "delete"])
def test_an_object_of_another_session_is_refused_and_stays_there(session: Session, tables: Engine, how: str) -> None:
    """Lines 13.7, 14.4: an object of another session is refused and stays there."""
    with Session(tables) as other:
        ada = Member(name="Ada")
        session.add(ada)
        session.commit()
        number, others = session.hash_key, other.hash_key
        with pytest.raises(
            InvalidRequestError, match=rf"'<Member 1>' is already attached to session '{number}' \(this is '{others}'\)"
        ):
            getattr(other, how)(ada)
        assert ada in session and ada not in other and not other.deleted


@pytest.mark.parametrize(
    "stranger", [None, 3, "text", object(), Member, [Member()]], ids=lambda each: type(each).__name__
)
@pytest.mark.parametrize("how", ["add", "delete", "expunge", "refresh", "expire", "merge", "__contains__"])
def test_what_is_not_mapped_is_refused_by_everything(session: Session, how: str, stranger: Any) -> None:
    """Line 13.9: what is not mapped is refused by everything."""
    with pytest.raises(UnmappedInstanceError):
        getattr(session, how)(stranger)
    assert not session.in_transaction()


def test_add_all_keeps_what_came_before_the_bad_one(session: Session) -> None:
    ada, bob = Member(name="Ada"), Member(name="Bob")
    with pytest.raises(UnmappedInstanceError):
        session.add_all([ada, None, bob])
    assert list(session.new) == [ada]


def test_an_object_that_is_no_cascade_target_is_left_out_with_a_warning(session: Session) -> None:
    """Lines 13.10, 13.11: an object that is no cascade target is left out with a warning."""
    shelf, tool = Shelf(), Tool(name="left out")
    session.add(shelf)
    tool.shelf = shelf
    assert inspect(tool).transient
    with pytest.warns(
        NbsessionWarning, match="Object of type <Tool at .*> not in session, add operation along 'Shelf.tools'"
    ):
        session.flush()
    assert inspect(tool).transient and inspect(shelf).persistent


# ── delete ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_delete_only_marks(session: Session) -> None:
    """Lines 14.1, 14.7: twice is as once; nothing is sent, and the object is neither new nor dirty."""
    ada = Member(name="Ada")
    session.add(ada)
    session.commit()
    ada.loans
    with expect_moves(session, []), expect_statements(session, 0):
        session.delete(ada)
        session.delete(ada)
    assert ada in session.deleted and ada in session and inspect(ada).persistent
    ada.age = 3
    assert ada not in session.dirty and ada in session.deleted


@pytest.mark.parametrize("state", ["transient", "pending"])
def test_delete_of_an_object_without_a_row_is_refused(session: Session, state: str) -> None:
    """Line 14.2: delete of an object without a row is refused."""
    ada = Member(name="Ada")
    if state == "pending":
        session.add(ada)
    with pytest.raises(InvalidRequestError, match="is not persisted"):
        session.delete(ada)
    assert inspect(ada).state.value == state


def test_delete_cascades_and_loads_what_it_needs(session: Session) -> None:
    """Line 14.6: delete cascades and loads what it needs."""
    root = Node(name="root", children=[Node(name="a", children=[Node(name="b")]), Node(name="c")])
    session.add(root)
    session.commit()
    session.expunge_all()
    root = session.query(Node).filter_by(name="root").one()
    session.delete(root)
    assert sorted(n.name for n in session.deleted) == ["a", "b", "c", "root"]
    session.commit()
    assert session.query(Node).count() == 0


def test_delete_does_not_reach_members_that_left(session: Session) -> None:
    """Line 14.6: delete does not reach members that left."""
    a, b = Node(name="a"), Node(name="b")
    root = Node(name="root", children=[a, b])
    session.add(root)
    session.commit()
    root.children.remove(b)
    session.delete(root)
    assert b not in session.deleted and a in session.deleted
    session.commit()
    assert [n.name for n in session.query(Node)] == ["b"] and b.parent_id is None


def test_pending_members_are_not_marked_by_a_cascade(session: Session) -> None:
    """Line 14.6: pending members are not marked by a cascade."""
    root, new = Node(name="root"), Node(name="new")
    session.add(root)
    session.flush()
    with session.no_autoflush:
        root.children.append(new)
        session.delete(root)
    assert list(session.deleted) == [root]


def test_deleting_edits_no_loaded_collection(session: Session) -> None:
    """Lines 14.9, 9.9: deleting edits no loaded collection."""
    shelf, tool = Shelf(), Tool()
    shelf.tools.append(tool)
    session.add(shelf)
    session.commit()
    assert shelf.tools == [tool]
    session.delete(tool)
    session.flush()
    assert shelf.tools == [tool] and inspect(tool).deleted
    session.commit()
    assert shelf.tools == []


def test_a_deleted_object_still_answers_with_its_session(session: Session) -> None:
    """Lines 14.8, 17.2: deleted, not in the session, and readable."""
    ada = Member(name="Ada")
    session.add(ada)
    session.flush()
    session.delete(ada)
    session.flush()
    assert object_session(ada) is session and ada not in session
    assert ada.name == "Ada"
    session.commit()
    assert object_session(ada) is None


def test_delete_of_a_detached_object_attaches_and_marks_it(session: Session) -> None:
    """Line 14.5: delete of a detached object attaches and marks it."""
    ada = Member(name="Ada")
    session.add(ada)
    session.commit()
    session.expunge_all()
    with expect_moves(session, ["Member detached → persistent by add"]):
        session.delete(ada)
    assert list(session.deleted) == [ada]
    session.commit()
    assert inspect(ada).detached and session.query(Member).count() == 0


# ── expunge ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_expunge_takes_out_of_everything(session: Session) -> None:
    """Line 12.1: expunge takes out of everything."""
    new, kept, marked = Member(name="new"), Member(name="kept"), Member(name="marked")
    session.add_all([kept, marked])
    session.commit()
    kept.age = 3
    marked.age = 4
    session.delete(marked)
    with session.no_autoflush:
        session.add(new)
        for obj in (new, kept, marked):
            session.expunge(obj)
    assert not session.new and not session.dirty and not session.deleted and len(session.identity_map) == 0
    assert [inspect(o).state.value for o in (new, kept, marked)] == ["transient", "detached", "detached"]
    with expect_statements(session, 0):
        session.commit()


def test_expunge_cascades_over_loaded_members_only(session: Session) -> None:
    """Lines 12.1, 12.2: expunge cascades over loaded members only."""
    member = Member(name="Ada", loans=[Loan(), Loan()])
    session.add(member)
    session.commit()
    loans = session.query(Loan).all()
    session.expunge(member)
    assert all(loan in session for loan in loans)
    session.add(member)
    loans = list(member.loans)
    session.expunge(loans[0])
    session.expunge(member)
    assert loans[1] not in session and inspect(loans[1]).detached


@pytest.mark.parametrize("state", ["transient", "detached", "gone"])
def test_expunge_of_an_object_that_is_not_here(session: Session, state: str) -> None:
    """Lines 10.4, 12.3: neither a transient nor a detached one, nor one that is gone."""
    ada = Member(name="Ada")
    if state != "transient":
        session.add(ada)
        session.commit()
        if state == "gone":
            session.delete(ada)
            session.commit()
        else:
            session.expunge(ada)
    with pytest.raises(InvalidRequestError, match="is not present in this Session"):
        session.expunge(ada)


def test_expunged_after_its_delete_was_sent_it_does_not_come_back(session: Session) -> None:
    """Line 12.4: expunged after its delete was sent it does not come back."""
    ada = Member(name="Ada")
    session.add(ada)
    session.commit()
    session.delete(ada)
    session.flush()
    session.expunge(ada)
    session.rollback()
    assert inspect(ada).detached and ada not in session
    assert session.query(Member).one() is not ada


def test_expunged_after_its_insert_and_rolled_back_the_key_is_gone(session: Session) -> None:
    """Line 23.2: expunged after its insert and rolled back the key is gone."""
    ada = Member(name="Ada")
    session.add(ada)
    session.flush()
    session.expunge(ada)
    session.rollback()
    assert inspect(ada).transient and inspect(ada).key is None
    session.add(ada)
    session.commit()
    assert [m.name for m in session.query(Member)] == ["Ada"]


def test_expunge_all_and_close_leave_nothing(session: Session) -> None:
    """Lines 6.11, 6.12: close() takes everything out, flushes nothing, and the session goes on.

    An object whose DELETE was sent is in no map any more: it stays as it is.
    """
    objects = [Member(name="pending"), Member(name="persistent"), Member(name="deleted")]
    session.add_all(objects[1:])
    session.flush()
    session.delete(objects[2])
    session.flush()
    session.add(objects[0])
    assert list(session) == [objects[0], objects[1]]
    session.close()
    assert [inspect(o).state.value for o in objects] == ["transient", "detached", "deleted"]
    assert list(session) == [] and not session.in_transaction()
    assert session.query(Member).count() == 0
    session.add(Member(name="usable again"))
    session.commit()


def test_leaving_a_with_block_closes(tables: Engine) -> None:
    """Line 6.15: a session as a context manager is closed at the end."""
    with Session(tables) as session:
        ada = Member(name="Ada")
        session.add(ada)
        session.flush()
    assert inspect(ada).detached
    with Session(tables) as session:
        assert session.query(Member).count() == 0


# ── what the session shows ───────────────────────────────────────────────────────────────────────────────────────────
def test_new_dirty_deleted_are_copies(session: Session) -> None:
    """Line 17.5: new dirty deleted are copies."""
    new = session.new
    session.add(Member(name="Ada"))
    assert len(new) == 0 and len(session.new) == 1


def test_dirty_is_optimistic_and_is_modified_is_exact(session: Session) -> None:
    """Lines 17.6, 17.7: dirty is optimistic and is modified is exact."""
    ada = Member(name="Ada")
    session.add(ada)
    session.commit()
    assert ada.name and not session.is_modified(ada)
    ada.name = "Ada"
    assert ada in session.dirty and not session.is_modified(ada)
    ada.name = "Bob"
    assert session.is_modified(ada)
    ada.name = "Ada"
    ada.loans.append(Loan())
    assert session.is_modified(ada) and not session.is_modified(ada, include_collections=False)


def test_is_modified_of_new_and_of_expired_objects(session: Session) -> None:
    """Lines 17.7, 17.8: what is set counts, and nothing is loaded."""
    ada = Member(name="Ada")
    session.add(ada)
    assert session.is_modified(ada)
    session.commit()
    with expect_statements(session, 0):
        assert not session.is_modified(ada)
        ada.name = "Ada"
        assert session.is_modified(ada)


def test_iteration_is_a_snapshot_new_first(session: Session) -> None:
    """Line 17.4: iteration is a snapshot new first."""
    kept, new = Member(name="kept"), Member(name="new")
    session.add(kept)
    session.flush()
    session.add(new)
    for obj in session:
        session.expunge(obj)
    assert list(session) == []


def test_an_equal_key_copy_is_not_in_the_session(session: Session) -> None:
    """Line 17.3: an equal key copy is not in the session."""
    ada = Member(name="Ada")
    session.add(ada)
    session.flush()
    copy = Member(id=ada.id, name="Ada")
    make_transient_to_detached(copy)
    assert copy not in session and ada in session


def test_repr_counts(session: Session) -> None:
    ada = Member(name="Ada")
    session.add(ada)
    session.commit()
    ada.name = "x"
    session.add(Member(name="new"))
    assert repr(session) == f"<Session on {session.bind.url}: 1 new, 1 dirty, 0 to delete, 1 persistent>"


# ── keys ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_identity_key_in_three_ways(session: Session) -> None:
    """Lines 16.1, 16.2, 16.3, 16.5: from class and identity, from an instance, from a row."""
    de = Country(code="DE", name="Germany", cities=[City(number=1)])
    session.add(de)
    session.flush()
    row = session.connection().exec_driver_sql("SELECT code, number FROM city").one()
    assert (
        Session.identity_key(Country, "DE") == Session.identity_key(Country, ident=("DE",)) == (Country, ("DE",), None)
    )
    assert Session.identity_key(instance=de.cities[0]) == (City, ("DE", 1), None)
    assert session.identity_key(City, row=row) == (City, ("DE", 1), None)


@pytest.mark.parametrize(
    ("args", "options", "words"),
    [
        ((Member, 1, 2, 3), {}, "expected up to three positional arguments, got 4"),
        ((Member, 1), {"nonsense": 1}, "unknown keyword arguments: nonsense"),
        ((Member,), {}, "ident or row is required"),
        ((), {}, "class or instance is required"),
    ],
)
def test_identity_key_errors(args: Any, options: Any, words: str) -> None:
    """Line 16.4: identity key errors."""
    from nbsession.exc import ArgumentError

    with pytest.raises(ArgumentError, match=words):
        Session.identity_key(*args, **options)


# ── make_transient ───────────────────────────────────────────────────────────────────────────────────────────────────
def test_make_transient_forgets_the_row_and_keeps_the_values(session: Session) -> None:
    ada = Member(name="Ada")
    session.add(ada)
    session.flush()
    make_transient(ada)
    make_transient(ada)
    assert inspect(ada).transient and inspect(ada).key is None and ada.name == "Ada" and ada not in session
    ada.id, ada.name = None, "another"
    session.add(ada)
    session.flush()
    assert [m.name for m in session.query(Member).order_by(Member.id)] == ["Ada", "another"]


@pytest.mark.parametrize("state", ["pending", "detached", "no key", "part of a key"])
def test_make_transient_to_detached_wants_a_new_object_with_a_key(session: Session, state: str) -> None:
    obj: Any = {"no key": Member(), "part of a key": City(code="DE")}.get(state) or Member(name="Ada")
    if state in ("pending", "detached"):
        session.add(obj)
    if state == "detached":
        session.flush()
        session.expunge(obj)
    with pytest.raises(InvalidRequestError, match=r"must be transient|has no primary key"):
        make_transient_to_detached(obj)


def test_made_detached_and_added_it_loads_what_it_lacks(session: Session) -> None:
    session.add(Member(id=5, name="Ada", age=36))
    session.commit()
    ada = Member(id=5)
    make_transient_to_detached(ada)
    session.add(ada)
    with expect_statements(session, 1):
        assert (ada.name, ada.age) == ("Ada", 36)
