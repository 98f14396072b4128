"""Objects in a session, line by line: what docs/session-semantics.md lists and no other test shows."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import pytest

from nbsession import (
    DetachedInstanceError,
    Engine,
    InvalidRequestError,
    NbsessionWarning,
    Session,
    UnmappedInstanceError,
    inspect,
    make_transient_to_detached,
    object_session,
)
from tests.session.models import City, Country, Loan, Member, Node, Shelf, Tool
from tests.support import expect_moves, expect_statements, statements_of

Rows = Callable[[str], list[tuple[Any, ...]]]


def states(*objects: Any) -> str:
    return "".join(inspect(obj).state.letter for obj in objects)


# ── add, delete ──────────────────────────────────────────────────────────────────────────────────────────────────────
def test_an_object_of_a_session_that_is_gone_can_be_added_elsewhere(session: Session, tables: Engine) -> None:
    """Lines 1.3, 13.7: a session that nobody holds any more holds nothing back."""
    gone = Session(tables)
    pending, persistent = Member(name="pending"), Member(name="persistent")
    gone.add(persistent)
    gone.commit()
    gone.add(pending)
    gone.rollback()
    gone.add(pending)
    assert object_session(pending) is gone and object_session(persistent) is gone
    del gone
    gc.collect()
    assert object_session(pending) is None and object_session(persistent) is None
    session.add_all([pending, persistent])
    assert states(pending, persistent) == "PS"
    session.commit()
    assert session.query(Member).count() == 2


def test_an_unmodified_detached_object_is_not_written(session: Session) -> None:
    """Line 13.8: only what was changed while it was outside."""
    ada, bob = Member(name="Ada"), Member(name="Bob")
    session.add_all([ada, bob])
    session.commit()
    assert ada.name and bob.name
    session.expunge_all()
    bob.age = 7
    session.add_all([ada, bob])
    assert list(session.dirty) == [bob]
    with statements_of(session) as sent:
        session.flush()
    assert len(sent) == 1 and sent[0].startswith("UPDATE member SET age")


def test_deleting_a_detached_object_whose_key_is_taken_is_refused(session: Session) -> None:
    """Line 14.3: another object has this key here."""
    ada = Member(name="Ada")
    session.add(ada)
    session.flush()
    twin = Member(id=ada.id)
    make_transient_to_detached(twin)
    with pytest.raises(InvalidRequestError, match=r"Can't attach instance <Member 1>; another instance with key"):
        session.delete(twin)
    assert states(ada, twin) == "SD" and not session.deleted


def test_deleting_an_object_of_another_session_is_refused(session: Session, tables: Engine) -> None:
    """Line 14.4: also when it is marked there."""
    with Session(tables) as other:
        ada = Member(name="Ada")
        other.add(ada)
        other.commit()
        other.delete(ada)
        with pytest.raises(InvalidRequestError, match="is already attached to session"):
            session.delete(ada)
        assert list(other.deleted) == [ada] and not session.deleted


def test_deleted_and_flushed_then_committed_or_rolled_back(session: Session) -> None:
    """Line 14.8: deleted; commit detaches, rollback restores."""
    ada, bob = Member(name="Ada"), Member(name="Bob")
    session.add_all([ada, bob])
    session.commit()
    session.delete(ada)
    session.flush()
    assert states(ada) == "X" and ada not in session and inspect(ada).key is not None
    session.rollback()
    assert states(ada) == "S" and ada in session
    session.delete(bob)
    session.flush()
    with expect_moves(session, ["Member deleted → detached by commit"]):
        session.commit()
    assert states(bob) == "D" and object_session(bob) is None


def test_delete_loads_a_collection_that_it_cascades_over(session: Session, rows: Rows) -> None:
    """Lines 9.14, 14.6: by a SELECT at delete(), which flushes first what is pending; without one nothing is flushed."""
    ada, bob = Member(name="Ada", loans=[Loan(note="a")]), Member(name="Bob")
    session.add_all([ada, bob])
    session.commit()
    assert bob.loans == [] and ada.name
    pending = Tool(name="pending")
    session.add(pending)
    with expect_statements(session, 0):
        session.delete(bob)
    assert states(pending) == "P"
    with statements_of(session) as sent:
        session.delete(ada)
    assert [s.split()[0] for s in sent] == ["INSERT", "DELETE", "SELECT"] and len(session.deleted) == 2
    session.commit()
    assert rows("SELECT count(*) FROM loan") == [(0,)]


def test_a_cascade_delete_is_decided_at_delete(session: Session) -> None:
    """Line 18.13: a member that comes later is not deleted by it."""
    root = Node(name="root", children=[Node(name="a")])
    session.add(root)
    session.commit()
    assert len(root.children) == 1
    session.delete(root)
    with session.no_autoflush:
        late = Node(name="late")
        session.add(late)
        late.parent = root
    assert {n.name for n in session.deleted} == {"root", "a"}
    session.flush()
    assert states(late) == "S"


def test_an_orphan_is_decided_at_the_flush(session: Session, rows: Rows) -> None:
    """Line 18.13: removed and put back before the flush, it stays."""
    ada = Member(name="Ada", loans=[Loan(note="a")])
    session.add(ada)
    session.commit()
    (loan,) = ada.loans
    ada.loans.remove(loan)
    assert not session.deleted
    ada.loans.append(loan)
    session.flush()
    assert states(loan) == "S" and rows("SELECT note FROM loan") == [("a",)]
    ada.loans.remove(loan)
    session.flush()
    assert states(loan) == "X"


# ── expunge ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_members_that_are_elsewhere_are_skipped_by_expunge(session: Session) -> None:
    """Line 12.2: a member that left before, and one that never came."""
    root, left, stays = Node(name="root"), Node(name="left"), Node(name="stays")
    root.children = [left, stays]
    session.add(root)
    session.commit()
    assert len(root.children) == 2
    session.expunge(left)
    with expect_moves(session, ["Node persistent → detached by expunge ×2"]):
        session.expunge(root)
    assert states(root, left, stays) == "DDD"


# ── what the session shows ───────────────────────────────────────────────────────────────────────────────────────────
def test_object_session(session: Session) -> None:
    """Lines 17.1, 17.2: the session while the object is in it, None before and after, an error for what is not mapped."""
    ada = Member(name="Ada")
    assert object_session(ada) is None
    session.add(ada)
    assert object_session(ada) is session
    session.commit()
    assert object_session(ada) is session
    session.expunge(ada)
    assert object_session(ada) is None
    for stranger in (None, 3, object()):
        with pytest.raises(UnmappedInstanceError):
            object_session(stranger)


def test_what_is_in_a_session(session: Session) -> None:
    """Line 17.3: pending and persistent objects, those marked to be deleted too; not deleted ones."""
    pending, persistent, marked, outside = (Member(name=n) for n in ("p", "s", "m", "o"))
    session.add_all([persistent, marked])
    session.commit()
    session.delete(marked)
    session.add(pending)
    assert [o in session for o in (pending, persistent, marked, outside)] == [True, True, True, False]
    session.flush()
    assert marked not in session


def test_dirty_holds_neither_new_nor_marked_objects(session: Session) -> None:
    """Lines 17.5, 17.6: persistent ones that something was set on, an append and a remove too."""
    shelf, tool, marked = Shelf(label="a"), Tool(name="saw"), Tool(name="marked")
    shelf.tools.append(tool)
    session.add_all([shelf, marked])
    session.commit()
    assert shelf.tools and marked.name
    shelf.tools.remove(tool)
    assert shelf in session.dirty and tool in session.dirty
    marked.name = "x"
    with session.no_autoflush:
        session.delete(marked)
    new = Tool(name="new")
    session.add(new)
    new.name = "changed"
    assert marked not in session.dirty and new not in session.dirty
    seen = session.dirty
    session.flush()
    assert len(seen) == 2 and len(session.dirty) == 0


def test_is_modified_with_and_without_collections(session: Session) -> None:
    """Line 17.7: a many-to-one counts either way, a collection only if asked for."""
    shelf, tool = Shelf(), Tool()
    shelf.tools.append(tool)
    session.add(shelf)
    session.commit()
    assert shelf.tools == [tool] and tool.shelf is shelf
    shelf.tools.remove(tool)
    assert session.is_modified(shelf) and not session.is_modified(shelf, include_collections=False)
    assert session.is_modified(tool, include_collections=False)


def test_identity_key_of_an_instance_is_that_of_its_present_values(session: Session) -> None:
    """Line 16.2: also of an object that is in no session, and of a changed key before the flush."""
    assert Session.identity_key(instance=City(code="DE", number=3)) == (City, ("DE", 3), None)
    country = Country(code="a")
    session.add(country)
    session.commit()
    assert country.code
    country.code = "b"
    assert session.identity_key(instance=country) == (Country, ("b",), None)
    assert inspect(country).key == (Country, ("a",), None)


# ── expire, refresh ──────────────────────────────────────────────────────────────────────────────────────────────────
def test_refresh_overwrites_every_column_and_resets_lazy_relationships(session: Session) -> None:
    """Lines 10.1, 10.5: rows changed behind the session are seen, and the object is clean."""
    shelf = Shelf(label="old", tools=[Tool(name="a")])
    session.add(shelf)
    session.commit()
    assert shelf.label == "old" and len(shelf.tools) == 1
    session.connection().exec_driver_sql("UPDATE shelf SET label = 'new'")
    session.connection().exec_driver_sql("INSERT INTO tool (id, shelf_id, name) VALUES (50, 1, 'b')")
    shelf.label = "mine"
    with expect_statements(session, 1):
        session.refresh(shelf)
    assert shelf not in session.dirty and inspect(shelf).attrs.label.history == ((), ["new"], ())
    with expect_statements(session, 1):
        assert [t.name for t in shelf.tools] == ["a", "b"]


def test_expired_attributes_by_name_load_together(session: Session) -> None:
    """Line 10.7: the collection of an object expired by its columns stays loaded."""
    ada = Member(name="Ada", age=1, loans=[Loan(note="a")])
    session.add(ada)
    session.commit()
    assert ada.loans and ada.name
    kept = ada.loans
    session.expire(ada, ["name", "age"])
    with expect_statements(session, 1):
        assert (ada.name, ada.age) == ("Ada", 1)
    assert ada.loans is kept


def test_expire_lets_a_pending_member_of_an_owning_parent_go(session: Session) -> None:
    """Line 10.6: its cascade expunges pending members under delete-orphan, and leaves others alone."""
    ada, root = Member(name="Ada"), Node(name="root")
    session.add_all([ada, root])
    session.flush()
    assert ada.loans == [] and root.children == []
    loan, child = Loan(note="pending"), Node(name="pending")
    with session.no_autoflush:
        ada.loans.append(loan)
        root.children.append(child)
        session.expire(ada)
        session.expire(root)
    assert states(loan, child) == "TP"


def test_an_expired_detached_object_cannot_have_its_key_assigned(session: Session) -> None:
    """Line 22.8: the old key is wanted, and there is nobody to ask; other columns can be set."""
    ada = Member(name="Ada")
    session.add(ada)
    session.commit()
    session.expunge(ada)
    with pytest.raises(DetachedInstanceError):
        ada.id = 9
    ada.name = "Bea"
    session.add(ada)
    session.commit()
    assert ada.name == "Bea"


# ── chance ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_an_entry_queued_for_an_object_outside_is_gone_after_the_flush(session: Session) -> None:
    """Line 22.11: it was never saved, and the flush says so."""
    shelf = Shelf(tools=[Tool(name="inside")])
    session.add(shelf)
    session.commit()
    assert shelf.label is None and "tools" not in vars(shelf)
    outside = Tool(name="outside")
    outside.shelf = shelf
    assert states(outside) == "T" and "tools" not in vars(shelf)
    with pytest.warns(NbsessionWarning, match="not in session"):
        session.flush()
    assert [t.name for t in shelf.tools] == ["inside"]


def test_the_same_program_sends_the_same_statements(tables: Engine) -> None:
    """Line 22.5: deleting several children, and the parent of some, does the same in every run."""
    runs = []
    for _ in range(5):
        with Session(tables) as session:
            shelves = [Shelf(label=str(n), tools=[Tool(name=f"{n}.{m}") for m in range(3)]) for n in range(3)]
            session.add_all(shelves)
            session.commit()
            for tool in session.query(Tool).order_by(Tool.id).all():
                session.delete(tool)
            for shelf in session.query(Shelf).order_by(Shelf.id).all()[:2]:
                session.delete(shelf)
            with statements_of(session) as sent:
                session.flush()
            runs.append(list(sent))
            for shelf in session.query(Shelf).all():
                session.delete(shelf)
            session.commit()
    assert all(run == runs[0] for run in runs)


def test_reading_a_collection_with_queued_changes_of_expunged_objects(session: Session) -> None:
    """Line 22.6: what was queued for an object that left raises nothing."""
    one, two = Shelf(label="1", tools=[Tool(name="a")]), Shelf(label="2")
    session.add_all([one, two])
    session.commit()
    tool = session.query(Tool).one()
    assert tool.shelf is one and two.label
    tool.shelf = two
    session.expunge(tool)
    with session.no_autoflush:
        assert isinstance(one.tools, list) and isinstance(two.tools, list)
    session.rollback()
    assert [t.name for t in one.tools] == ["a"]


def test_who_is_replaced_in_the_map_stays_persistent_outside_of_the_session(session: Session) -> None:
    """Line 21.13: a new row took over the key of an object that is still there."""
    old = Member(id=1, name="old")
    session.add(old)
    session.commit()
    assert old.name
    session.connection().exec_driver_sql("DELETE FROM member")
    new = Member(id=1, name="new")
    session.add(new)
    with pytest.warns(NbsessionWarning, match="conflicts with persistent instance"):
        session.flush()
    assert states(old, new) == "SS" and session.get(Member, 1) is new and old not in session
    old.name = "changed"
    assert not session.dirty and session.is_modified(old)
    with pytest.raises(InvalidRequestError, match="is not persistent within this Session"):
        session.refresh(old)
    for deed in (session.add, session.delete):
        with pytest.raises(InvalidRequestError, match=r"another instance with key .* is already present"):
            deed(old)
    session.commit()
    assert old.__dict__["name"] == "changed" and new.name == "new"
    session.expunge(new)
    session.add(old)
    assert old in session.dirty
    session.commit()
    assert old.name == "changed" and inspect(old).persistent
    session.expunge(old)
    assert inspect(old).detached
