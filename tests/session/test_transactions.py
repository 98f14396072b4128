"""Commit, rollback and savepoints: what becomes of rows, and of objects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from nbsession import (
    Engine,
    IntegrityError,
    InvalidRequestError,
    NbsessionWarning,
    PendingRollbackError,
    ResourceClosedError,
    Session,
    event,
    inspect,
    make_transient,
    select,
    sessionmaker,
)
from nbsession.database.connection import Connection
from nbsession.states import TransactionState
from tests.session.models import Loan, Member, Node, Shelf, Tool
from tests.support import expect_moves, expect_statements

Rows = Callable[[str], list[tuple[Any, ...]]]


def states(*objects: Any) -> str:
    return "".join(inspect(obj).state.letter for obj in objects)


def names(session: Session) -> list[str]:
    with session.no_autoflush:
        return list(session.scalars(select(Member.name).order_by(Member.name)).all())


# ── commit ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_commit_expires_detaches_and_ends(session: Session) -> None:
    """Line 6.9: commit expires detaches and ends."""
    ada, bob = Member(name="Ada"), Member(name="Bob")
    session.add_all([ada, bob])
    session.flush()
    session.delete(bob)
    with expect_moves(session, ["Member persistent → deleted by delete", "Member deleted → detached by commit"]):
        session.commit()
    assert states(ada, bob) == "SD" and inspect(ada).expired and not inspect(bob).expired and bob.name == "Bob"
    assert not session.in_transaction()


def test_commit_without_expiry_keeps_values(tables: Engine) -> None:
    """Lines 5.12, 6.9: expire_on_commit=False."""
    with Session(tables, expire_on_commit=False) as session:
        ada = Member(name="Ada", loans=[Loan()])
        session.add(ada)
        session.commit()
        with expect_statements(session, 0):
            assert ada.name == "Ada" and len(ada.loans) == 1 and ada.id == 1
        ada.name = "rolled back"
        session.rollback()
        assert ada.name == "Ada"


def test_committing_nothing_is_no_error(session: Session) -> None:
    """Lines 6.3, 6.7: neither commit() nor rollback() needs a transaction."""
    session.commit()
    session.rollback()
    assert not session.in_transaction()


def test_a_commit_refused_by_the_database_rolls_back(tables: Engine) -> None:
    """Line 6.16: a deferred foreign key is checked at COMMIT (SQLite); elsewhere the flush is refused."""
    session = Session(tables)
    if tables.dialect.name == "sqlite":
        session.connection().exec_driver_sql("PRAGMA defer_foreign_keys = ON")
    loan = Loan(note="of nobody", member_id=99)
    session.add(loan)
    with pytest.raises(IntegrityError):
        session.commit()
    assert states(loan) == "T" and not session.is_active
    with pytest.raises(PendingRollbackError):
        session.query(Loan).all()
    session.rollback()
    loan.member_id = None
    session.add(loan)
    session.commit()
    assert session.query(Loan).one() is loan
    session.close()


def test_a_failing_after_commit_hook_comes_after_the_commit(file_engine: Engine) -> None:
    """Line 3.2: the rows are committed when the hook is called."""
    session = Session(file_engine)
    event.listen(session, "after_commit", lambda s: 1 / 0, once=True)
    kept, gone = Member(name="kept"), Member(name="gone")
    session.add_all([kept, gone])
    session.flush()
    session.delete(gone)
    with pytest.raises(ZeroDivisionError):
        session.commit()
    assert session.transaction is None  # first: while it is there, close() would not return
    assert states(kept, gone) == "SD"
    session.close()
    with Session(file_engine) as session:
        assert names(session) == ["kept"]


@pytest.mark.parametrize("by", ["rollback", "failed flush"])
def test_a_failing_after_rollback_hook_comes_after_the_rollback(session: Session, by: str) -> None:
    """Line 3.3: the rows are gone when the hook is called."""
    event.listen(session, "after_rollback", lambda s: 1 / 0, once=True)
    ada = Member(name="Ada") if by == "rollback" else Member()
    session.add(ada)
    with pytest.raises((ZeroDivisionError, IntegrityError)):
        session.flush()
        session.rollback()
    assert states(ada) == "T"
    assert session.transaction is None if by == "rollback" else not session.is_active
    session.rollback()
    session.add(Member(name="Bob"))
    session.commit()
    assert names(session) == ["Bob"]


# ── rollback ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_rollback_restores_every_kind_of_object(session: Session) -> None:
    """Line 6.5: changed, deleted, untouched, inserted and pending objects."""
    changed, deleted, untouched = (Member(name=n) for n in ("changed", "deleted", "untouched"))
    session.add_all([changed, deleted, untouched])
    session.commit()
    inserted, pending = Member(name="inserted"), Member(name="pending")
    changed.name = "new name"
    session.delete(deleted)
    session.add(inserted)
    session.flush()
    session.add(pending)
    untouched.age
    key = inserted.id
    session.rollback()
    assert states(changed, deleted, untouched, inserted, pending) == "SSSTT"
    assert (inserted.id, inserted.name, inspect(inserted).key) == (key, "inserted", None)
    assert inspect(untouched).expired and changed.name == "changed"
    assert names(session) == ["changed", "deleted", "untouched"]
    assert session.get(Member, deleted.id) is deleted


def test_an_object_rolled_back_can_be_added_again_under_its_old_key(session: Session, rows: Rows) -> None:
    """Line 22.9: an object rolled back can be added again under its old key."""
    ada = Member(name="Ada", loans=[Loan(note="a")])
    session.add(ada)
    session.flush()
    key = ada.id
    session.rollback()
    assert states(ada, ada.loans[0]) == "TT"
    session.add(ada)
    session.commit()
    assert ada.id == key and rows("SELECT note, member_id FROM loan") == [("a", key)]


@pytest.mark.parametrize("how", ["expire", "expire_all", "refresh"])
def test_an_object_inserted_expired_and_rolled_back_keeps_its_values(session: Session, how: str) -> None:
    """Line 22.7: it has the values it was inserted with."""
    ada = Member(name="Ada", age=36)
    session.add(ada)
    session.flush()
    if how == "expire_all":
        session.expire_all()
    else:
        getattr(session, how)(ada)
    session.rollback()
    assert states(ada) == "T" and (ada.name, ada.age) == ("Ada", 36)
    session.add(ada)
    session.commit()
    assert (ada.name, ada.age) == ("Ada", 36)


def test_an_object_inserted_changed_in_a_savepoint_and_rolled_back_has_its_inserted_values(session: Session) -> None:
    """Line 22.7: an object inserted changed in a savepoint and rolled back has its inserted values."""
    ada = Member(name="Ada", age=36)
    session.add(ada)
    session.flush()
    with session.begin_nested() as savepoint:
        ada.age = 1
        session.flush()
        savepoint.rollback()
    assert inspect(ada).expired
    session.rollback()
    assert states(ada) == "T" and (ada.name, ada.age) == ("Ada", 36)


def test_inserted_then_expired_by_name_and_rolled_back_it_has_all_its_values(session: Session) -> None:
    """Line 22.7: inserted then expired by name and rolled back it has all its values."""
    bob = Member(name="Bob", age=1)
    session.add(bob)
    session.flush()
    session.expire(bob, ["age"])
    session.rollback()
    assert states(bob) == "T" and bob.name == "Bob" and bob.age == 1


def test_rollback_of_an_object_inserted_and_deleted_in_one_transaction(session: Session) -> None:
    """Line 6.5: it was never there."""
    ada = Member(name="Ada")
    session.add(ada)
    session.flush()
    session.delete(ada)
    session.flush()
    assert states(ada) == "X"
    session.rollback()
    assert states(ada) == "T" and inspect(ada).key is None
    session.add(ada)
    session.commit()
    assert names(session) == ["Ada"]


def test_rollback_leaves_committed_deletes_alone(session: Session) -> None:
    ada = Member(name="Ada")
    session.add(ada)
    session.commit()
    session.delete(ada)
    session.commit()
    session.add(Member(name="Bob"))
    session.rollback()
    assert states(ada) == "D" and names(session) == []


def test_rollback_does_not_bring_back_what_was_made_transient(session: Session) -> None:
    """Line 6.5: what was made transient meanwhile does not come back."""
    ada = Member(name="Ada")
    session.add(ada)
    session.commit()
    session.delete(ada)
    session.flush()
    make_transient(ada)
    session.rollback()
    assert states(ada) == "T"
    assert session.query(Member).one() is not ada


def test_an_object_moved_to_another_session_is_left_alone_by_a_rollback(tables: Engine) -> None:
    """Lines 12.1, 13.7: what left is not the session's any more, and another may take it."""
    with Session(tables) as first, Session(tables) as second:
        ada = Member(name="Ada")
        first.add(ada)
        first.commit()
        assert ada.name
        first.expunge(ada)
        second.add(ada)
        first.rollback()
        assert states(ada) == "S" and ada in second


def test_values_set_on_pending_objects_survive_a_rollback(session: Session) -> None:
    ada = Member(name="Ada")
    session.add(ada)
    ada.age = 3
    session.rollback()
    assert (ada.name, ada.age) == ("Ada", 3) and states(ada) == "T"


def test_collections_are_as_in_the_rows_after_a_rollback(session: Session) -> None:
    """Line 6.5: collections expire too."""
    shelf = Shelf(tools=[Tool(name="a"), Tool(name="b")])
    session.add(shelf)
    session.commit()
    new = Tool(name="new")
    shelf.tools.append(new)
    shelf.tools.pop(0)
    session.flush()
    session.rollback()
    assert [t.name for t in shelf.tools] == ["a", "b"] and states(new) == "T"


# ── savepoints ───────────────────────────────────────────────────────────────────────────────────────────────────────
def test_begin_nested_flushes_first(session: Session) -> None:
    """Line 6.2: begin nested flushes first."""
    ada = Member(name="Ada")
    session.add(ada)
    with session.begin_nested() as savepoint:
        assert states(ada) == "S"
        savepoint.rollback()
    assert states(ada) == "S" and names(session) == ["Ada"]


def test_three_savepoints_undone_one_by_one_restore_each_state(session: Session) -> None:
    """Line 6.6: three savepoints undone one by one restore each state."""
    kept, marked = Member(name="kept", age=0), Member(name="marked")
    session.add_all([kept, marked])
    session.commit()
    assert kept.name
    news, handles, seen = [], [], []
    for depth in (1, 2, 3):
        handles.append(session.begin_nested(name=f"level {depth}"))
        news.append(Member(name=f"new {depth}"))
        session.add(news[-1])
        kept.age = depth
        if depth == 2:
            session.delete(marked)
        session.flush()
    assert states(*news, kept, marked) == "SSSSX" and session.transaction.level == 3
    for handle in reversed(handles):
        handle.rollback()
        seen.append((states(*news, kept, marked), kept.age, names(session)))
    assert seen == [
        ("SSTSX", 2, ["kept", "new 1", "new 2"]),
        ("STTSS", 1, ["kept", "marked", "new 1"]),
        ("TTTSS", 0, ["kept", "marked"]),
    ]
    session.commit()
    assert names(session) == ["kept", "marked"]


def test_rolling_back_an_outer_savepoint_undoes_the_inner_ones(session: Session) -> None:
    outer = session.begin_nested()
    a = Member(name="a")
    session.add(a)
    middle = session.begin_nested()
    b = Member(name="b")
    session.add(b)
    session.begin_nested()
    c = Member(name="c")
    session.add(c)
    session.flush()
    outer.rollback()
    assert states(a, b, c) == "TTT" and names(session) == []
    assert middle.state is TransactionState.CLOSED and session.transaction.parent is None


def test_released_savepoints_are_undone_by_the_level_above(session: Session) -> None:
    """Lines 6.6, 6.9: a savepoint hands its memory to the level above and expires nothing."""
    kept = Member(name="kept", age=0)
    session.add(kept)
    session.commit()
    assert kept.age == 0
    outer = session.begin_nested()
    with session.begin_nested():
        with session.begin_nested():
            new = Member(name="new")
            session.add(new)
            kept.age = 3
        assert states(new) == "S" and kept.age == 3
    outer.rollback()
    assert states(new) == "T" and kept.age == 0


def test_released_and_committed_it_stays(session: Session) -> None:
    with session.begin_nested(), session.begin_nested():
        session.add(Member(name="Ada"))
    session.commit()
    session.rollback()
    assert names(session) == ["Ada"]


def test_only_what_was_touched_in_a_savepoint_is_expired(session: Session) -> None:
    """Line 6.6: only what was touched in a savepoint is expired."""
    touched, other = Member(name="touched", age=0), Member(name="other")
    session.add_all([touched, other])
    session.commit()
    assert touched.age == 0 and other.name
    with session.begin_nested() as savepoint:
        touched.age = 1
        savepoint.rollback()
    assert inspect(touched).expired and not inspect(other).expired
    with expect_statements(session, 1):
        assert touched.age == 0 and other.name == "other"


def test_changes_before_a_savepoint_survive_it(session: Session) -> None:
    """Line 6.6: changes before a savepoint survive it."""
    ada = Member(name="Ada", age=0)
    session.add(ada)
    session.commit()
    assert ada.name
    ada.age = 1
    with session.begin_nested() as savepoint:
        ada.name = "no"
        savepoint.rollback()
    assert (ada.name, ada.age) == ("Ada", 1)
    session.commit()
    assert ada.age == 1


def test_deleted_before_a_savepoint_stays_deleted_after_it(session: Session) -> None:
    ada = Member(name="Ada")
    session.add(ada)
    session.commit()
    session.delete(ada)
    with session.begin_nested() as savepoint:
        assert states(ada) == "X"
        session.add(Member(name="Bob"))
        savepoint.rollback()
    assert states(ada) == "X"
    session.rollback()
    assert states(ada) == "S"


def test_an_error_in_a_savepoint_costs_the_savepoint_only(session: Session) -> None:
    """Lines 4.18, 22.12: the failed savepoint stays the current one until its handle rolls it back."""
    ada = Member(id=1, name="Ada")
    session.add(ada)
    session.flush()
    savepoint = session.begin_nested()
    bob = Member(id=1, name="Bob")
    session.add(bob)
    with pytest.raises(IntegrityError), pytest.warns(NbsessionWarning, match="conflicts with persistent instance"):
        session.flush()
    assert session.in_nested_transaction() and not savepoint.is_active and states(ada, bob) == "ST"
    with pytest.raises(PendingRollbackError, match="or roll back the savepoint that failed"):
        session.query(Member).all()
    savepoint.rollback()
    assert not session.in_nested_transaction() and session.is_active
    session.add(Member(name="Carol"))
    session.commit()
    assert names(session) == ["Ada", "Carol"]


def test_generated_keys_after_a_savepoint_was_rolled_back(session: Session, rows: Rows) -> None:
    """Keys need not be without gaps, but they must be those of the rows."""
    members = [Member(name="a")]
    session.add(members[0])
    for name in ("b", "c"):
        with session.begin_nested() as savepoint:
            session.add(Member(name=f"lost {name}"))
            session.flush()
            savepoint.rollback()
        members.append(Member(name=name))
        session.add(members[-1])
        session.flush()
    session.commit()
    assert rows("SELECT name, id FROM member ORDER BY name") == [(m.name, m.id) for m in members]


def test_session_rollback_ends_all_levels_and_to_a_handle_only_one(session: Session) -> None:
    """Line 6.4: commit() and rollback() act on all levels."""
    session.begin_nested()
    session.begin_nested()
    session.rollback()
    assert not session.in_transaction()
    session.begin_nested()
    session.commit()
    assert not session.in_transaction()


@pytest.mark.parametrize("end", ["commit", "rollback"])
def test_an_outer_handle_ends_the_inner_levels(session: Session, end: str) -> None:
    """Lines 4.15, 6.4: a handle ends its level and those within, which are closed then."""
    root = session.begin()
    outer, inner = session.begin_nested(), session.begin_nested()
    ada = Member(name="Ada")
    session.add(ada)
    getattr(outer, end)()
    assert session.transaction is root
    with pytest.raises(ResourceClosedError, match="This transaction is closed"):
        inner.commit()
    root.commit()
    assert names(session) == (["Ada"] if end == "commit" else [])


def test_a_savepoint_can_be_named_and_told(session: Session) -> None:
    """Lines 4.3, 6.15: get_transaction() is the root, get_nested_transaction() the savepoint."""
    with session.begin_nested(name="before") as savepoint:
        assert repr(savepoint) == "<SessionTransaction savepoint before active>" and savepoint.level == 1
        assert session.get_nested_transaction() is savepoint
        assert session.get_transaction().nested is False
    assert repr(session.transaction) == "<SessionTransaction transaction active>"


def test_a_deleted_object_returns_at_the_depth_of_its_delete(session: Session) -> None:
    tree = Node(name="root", children=[Node(name="leaf")])
    session.add(tree)
    session.commit()
    (leaf,) = tree.children
    one = session.begin_nested()
    session.delete(leaf)
    session.flush()
    two = session.begin_nested()
    session.delete(tree)
    session.flush()
    session.begin_nested()
    assert states(tree, leaf) == "XX"
    two.rollback()
    assert states(tree, leaf) == "SX"
    one.rollback()
    assert states(tree, leaf) == "SS" and tree.children == [leaf]


def test_another_object_with_the_key_of_a_deleted_one_gives_way(session: Session) -> None:
    """Line 6.5: the deleted object has its key again."""
    old = Member(id=1, name="old")
    session.add(old)
    session.commit()
    session.delete(old)
    session.flush()
    new = Member(id=1, name="new")
    session.add(new)
    session.flush()
    assert session.get(Member, 1) is new
    session.rollback()
    assert states(old, new) == "ST" and session.get(Member, 1) is old and old.name == "old"


# ── blocks ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_begin_twice_is_refused(session: Session) -> None:
    """Line 4.17: begin twice is refused."""
    session.begin()
    with pytest.raises(InvalidRequestError, match="A transaction is already begun on this Session"):
        session.begin()


def test_blocks_commit_and_roll_back(session: Session) -> None:
    """Line 4.14: success commits, an error rolls back, and the outer level is current again."""
    with session.begin():
        session.add(Member(name="Ada"))
        with pytest.raises(ZeroDivisionError), session.begin_nested():
            session.add(Member(name="lost"))
            session.flush()
            raise ZeroDivisionError
    assert not session.in_transaction()
    with pytest.raises(ZeroDivisionError), session.begin():
        session.add(Member(name="lost too"))
        raise ZeroDivisionError
    assert names(session) == ["Ada"]


def test_work_in_a_block_whose_transaction_has_ended_is_refused(session: Session) -> None:
    """Line 4.14: a transaction that ended inside its block is fine, work in it is not."""
    with session.begin() as transaction:
        session.add(Member(name="Ada"))
        transaction.commit()
        with pytest.raises(InvalidRequestError, match="Can't operate on closed transaction inside context manager"):
            session.add(Member(name="Bob"))
    session.add(Member(name="Carol"))
    session.commit()
    assert names(session) == ["Ada", "Carol"]


def test_autobegin_off_wants_begin(tables: Engine) -> None:
    """Line 5.12: autobegin=False."""
    with Session(tables, autobegin=False) as session:
        with pytest.raises(InvalidRequestError, match=r"Autobegin is disabled.*session\.begin\(\)"):
            session.query(Member).all()
        with session.begin():
            session.add(Member(name="Ada"))
        with session.begin():
            assert names(session) == ["Ada"]


def test_sessionmaker_blocks_and_options(tables: Engine) -> None:
    """Lines 2.2, 2.3, 2.4: local options win over configured ones; one bind by position; configure() reaches later sessions."""
    factory = sessionmaker(tables, expire_on_commit=False)
    other = sessionmaker(tables)
    with factory.begin() as session:
        session.add(Member(name="Ada"))
        assert isinstance(session, Session) and not session.expire_on_commit
    factory.configure(autoflush=False, info={"who": "made"})
    with factory(expire_on_commit=True, info={"why": "local"}) as session:
        assert (session.autoflush, session.expire_on_commit, session.info) == (
            False,
            True,
            {"who": "made", "why": "local"},
        )
        assert names(session) == ["Ada"]
    assert other().autoflush and other().expire_on_commit
    with pytest.raises(TypeError):
        factory(tables, "another")
    factory.configure(nonsense=1)
    with pytest.raises(TypeError):
        factory()


# ── connections from outside ─────────────────────────────────────────────────────────────────────────────────────────
def outside(connection: Connection) -> list[str]:
    return [row[0] for row in connection.exec_driver_sql("SELECT name FROM member ORDER BY name")]


@pytest.mark.parametrize(
    ("mode", "end", "seen", "outer_active"),
    [
        ("conditional_savepoint", "commit", ["Ada", "before"], True),
        ("conditional_savepoint", "rollback", [], False),
        ("rollback_only", "commit", ["Ada", "before"], True),
        ("rollback_only", "rollback", [], False),
        ("control_fully", "commit", ["Ada", "before"], False),
        ("control_fully", "rollback", [], False),
        ("create_savepoint", "commit", ["Ada", "before"], True),
        ("create_savepoint", "rollback", ["before"], True),
    ],
)
def test_join_transaction_mode(tables: Engine, mode: str, end: str, seen: list[str], outer_active: bool) -> None:
    """Lines 5.12, 6.10: what commit and rollback do to a transaction that the Connection had before."""
    with tables.connect() as connection:
        outer = connection.begin()
        connection.exec_driver_sql("INSERT INTO member (id, name) VALUES (50, 'before')")
        with Session(connection, join_transaction_mode=mode) as session:
            session.add(Member(name="Ada"))
            session.flush()
            getattr(session, end)()
        assert outer.is_active is outer_active
        assert not connection.closed and outside(connection) == seen
        if outer.is_active:
            outer.rollback()
        assert outside(connection) == (seen if (mode, end) == ("control_fully", "commit") else [])


@pytest.mark.parametrize("mode", ["conditional_savepoint", "create_savepoint"])
def test_joining_a_savepoint_makes_another(tables: Engine, mode: str) -> None:
    with tables.connect() as connection:
        connection.begin()
        nested = connection.begin_nested()
        with Session(connection, join_transaction_mode=mode) as session:
            session.add(Member(name="Ada"))
            session.flush()
            session.rollback()
            assert nested.is_active and outside(connection) == []


def test_an_unknown_join_mode(tables: Engine) -> None:
    from nbsession.exc import ArgumentError

    with pytest.raises(ArgumentError, match="join_transaction_mode must be one of"):
        Session(tables, join_transaction_mode="whatever")


def test_a_connection_of_the_session_is_that_of_its_transaction(session: Session) -> None:
    connection = session.connection()
    assert session.connection() is connection
    session.begin_nested()
    assert session.connection() is connection
    session.commit()
    assert connection.closed


# ── hooks ────────────────────────────────────────────────────────────────────────────────────────────────────────────
HOOKS = (
    "after_begin",
    "before_commit",
    "after_commit",
    "after_rollback",
    "before_flush",
    "after_flush",
    "after_flush_postexec",
)


@pytest.fixture
def fired(session: Session) -> list[str]:
    names: list[str] = []
    for name in HOOKS:
        event.listen(session, name, lambda *_, name=name: names.append(name))
    return names


def test_hooks_of_a_commit_come_in_order(session: Session, fired: list[str]) -> None:
    """Line 3.10: hooks of a commit come in order."""
    session.add(Member(name="Ada"))
    session.commit()
    flush = ["before_flush", "after_begin", "after_flush", "after_flush_postexec"]
    assert fired == ["before_commit", *flush, "after_commit"]
    fired.clear()
    session.commit()
    assert fired == ["before_commit", "after_commit"]


def test_hooks_of_a_failed_flush(session: Session, fired: list[str]) -> None:
    """Line 3.12: hooks of a failed flush."""
    session.add(Member())
    with pytest.raises(IntegrityError):
        session.flush()
    assert fired == ["before_flush", "after_begin", "after_rollback"]
    session.rollback()
    assert fired == ["before_flush", "after_begin", "after_rollback"]


def test_hooks_of_savepoints_and_of_what_fires_none(session: Session, fired: list[str]) -> None:
    """Lines 3.11, 3.14: hooks of savepoints and of what fires none."""
    with session.begin_nested():
        pass
    session.begin_nested().rollback()
    assert [f for f in fired if f != "after_begin"] == ["before_commit", "after_commit", "after_rollback"]
    fired.clear()
    session.expunge_all()
    session.close()
    session.rollback()
    assert fired == []


def test_a_hook_may_veto(session: Session) -> None:
    def veto(*_: Any) -> None:
        raise ValueError("not today")

    event.listen(session, "before_flush", veto)
    ada = Member(name="Ada")
    session.add(ada)
    with pytest.raises(ValueError, match="not today"):
        session.flush()
    assert states(ada) == "P" and session.is_active
    event.remove(session, "before_flush", veto)
    session.commit()
    assert names(session) == ["Ada"]


def test_objects_made_or_changed_in_before_flush_are_flushed_too(session: Session) -> None:
    """Line 3.4: objects made or changed in before flush are flushed too."""
    old = Member(name="old")
    session.add(old)
    session.commit()

    @event.listens_for(session, "before_flush", once=True)
    def more(session: Session, context: Any, objects: Any) -> None:
        session.add(Member(name="by the hook"))
        old.age = 3

    session.add(Member(name="new"))
    session.flush()
    assert not session.new and not session.dirty
    assert names(session) == ["by the hook", "new", "old"]


def test_after_flush_still_sees_what_was_flushed(session: Session) -> None:
    """Lines 3.6, 3.7: after flush still sees what was flushed."""
    seen = []
    event.listen(session, "after_flush", lambda s, c: seen.append((len(s.new), len(s.dirty), len(s.deleted))))
    event.listen(session, "after_flush_postexec", lambda s, c: seen.append((len(s.new), len(s.dirty), len(s.deleted))))
    a, b = Tool(name="a"), Tool(name="b")
    session.add_all([a, b])
    session.flush()
    session.add(Tool(name="c"))
    a.name = "changed"
    session.delete(b)
    seen.clear()
    session.flush()
    assert seen == [(1, 1, 1), (0, 0, 0)]


def test_an_error_in_after_flush_rolls_back(session: Session) -> None:
    """Line 3.6: an error in after flush rolls back."""
    event.listen(session, "after_flush", lambda *_: 1 / 0, once=True)
    ada = Member(name="Ada")
    session.add(ada)
    with pytest.raises(ZeroDivisionError):
        session.flush()
    assert states(ada) == "T" and not session.is_active
    session.rollback()
    assert names(session) == []


def test_class_hooks_come_before_those_of_the_session(tables: Engine) -> None:
    """Line 3.15: hooks of a factory serve all its sessions."""
    factory, seen = sessionmaker(tables), []
    event.listen(factory, "before_commit", lambda s: seen.append("class"))
    with factory() as session, factory() as other:
        event.listen(session, "before_commit", lambda s: seen.append("session"))
        session.commit()
        other.commit()
    assert seen == ["class", "session", "class"]


def test_unknown_hooks_are_refused(session: Session) -> None:
    for target, name in ((session, "before_lunch"), (session.bind, "before_flush"), (3, "before_flush")):
        with pytest.raises(InvalidRequestError, match="No such event"):
            event.listen(target, name, print)
    with pytest.raises(InvalidRequestError, match="No listeners found"):
        event.remove(session, "before_flush", print)


def test_hooks_are_called_in_order_and_one_can_be_put_first(session: Session) -> None:
    called: list[str] = []
    event.listen(session, "after_commit", lambda s: called.append("second"))
    event.listen(session, "after_commit", lambda s: called.append("first"), insert=True)
    event.listen(session, "after_commit", lambda s: called.append("once"), once=True)
    session.commit()
    session.commit()
    assert called == ["first", "second", "once", "first", "second"]
