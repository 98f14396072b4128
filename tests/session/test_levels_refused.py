"""Levels of a transaction where something goes wrong on the way out: what is told, and which levels fail along."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from nbsession import (
    Engine,
    IntegrityError,
    PendingRollbackError,
    Session,
    create_engine,
    event,
    inspect,
    text,
    update,
)
from nbsession.database.connection import Connection
from nbsession.events import Fact, Marked, StatesMoved
from nbsession.session.transaction import SessionTransaction
from nbsession.states import TransactionState
from tests.session.models import Base, Loan, Member

Rows = Callable[[str], list[tuple[Any, ...]]]


def refuse(*args: Any, **options: Any) -> Any:
    raise RuntimeError("refused")


def once(target: Any, name: str, error: str = "refused") -> None:
    """The next time, a hook raises."""

    def hook(*about: Any) -> None:
        event.remove(target, name, hook)
        raise RuntimeError(error)

    event.listen(target, name, hook)


def fail_a_flush(session: Session) -> IntegrityError:
    session.add_all([Member(id=1, name="a"), Member(id=1, name="b")])
    with pytest.raises(IntegrityError) as caught:
        session.flush()
    return caught.value


def end_savepoint_by_hand(session: Session) -> None:
    savepoint = session.connection().get_nested_transaction()
    assert savepoint is not None
    savepoint.rollback()


@pytest.fixture
def two(tables: Engine) -> Iterator[tuple[Session, Engine]]:
    """A session on two engines, both of which have taken part, and the second engine."""
    other = create_engine("sqlite://")
    Base.metadata.create_all(other)
    session = Session(binds={Member: tables, Loan: other})
    for cls in (Member, Loan):
        session.connection(cls)
    yield session, other
    session.close()
    other.dispose()


def both(session: Session) -> list[Connection]:
    return [session.connection(Member), session.connection(Loan)]


# ── savepoints that cannot be gone back to ───────────────────────────────────────────────────────────────────────────
def test_a_savepoint_that_cannot_be_gone_back_to_takes_the_level_above_along(
    session: Session, monkeypatch: pytest.MonkeyPatch, rows: Rows
) -> None:
    """Line 22.16: nobody knows what that level holds by now."""
    ada = Member(name="Ada")
    session.add(ada)
    savepoint = session.begin_nested()
    monkeypatch.setattr(Connection, "_rollback_nested", refuse)
    with pytest.raises(RuntimeError, match="refused"):
        savepoint.rollback()
    assert not session.is_active and not session.in_nested_transaction() and inspect(ada).transient
    with pytest.raises(PendingRollbackError, match=r"Original exception was: \(RuntimeError\) refused"):
        session.query(Member).all()
    session.rollback()
    assert rows("SELECT * FROM member") == []


def test_of_two_savepoints_that_cannot_be_gone_back_to_the_first_error_is_raised(
    two: tuple[Session, Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    session, _ = two
    savepoint = session.begin_nested()
    errors = iter(("first", "second"))

    def refuse_each(connection: Connection, nested: Any) -> None:
        raise RuntimeError(next(errors))

    monkeypatch.setattr(Connection, "_rollback_nested", refuse_each)
    with pytest.raises(RuntimeError, match="first"):
        savepoint.rollback()
    assert next(errors, None) is None
    session.rollback()


def test_a_savepoint_ended_by_hand_can_be_left_and_the_level_above_goes_on(session: Session, rows: Rows) -> None:
    session.connection()
    session.add(Member(name="Ada"))
    savepoint = session.begin_nested()
    end_savepoint_by_hand(session)
    savepoint.rollback()
    assert session.is_active and not session.in_nested_transaction()
    session.commit()
    assert rows("SELECT name FROM member") == [("Ada",)]


def test_a_flush_that_fails_where_the_savepoint_was_ended_by_hand_fails_the_level_above(session: Session) -> None:
    """Line 4.18: there is no savepoint to go back to."""
    session.connection()
    savepoint = session.begin_nested()
    end_savepoint_by_hand(session)
    fail_a_flush(session)
    savepoint.rollback()
    assert not session.is_active
    with pytest.raises(PendingRollbackError, match=r"Original exception was: \(IntegrityError\)"):
        session.connection()
    session.rollback()
    assert session.is_active


def test_the_level_above_fails_with_the_error_of_the_rollback(session: Session) -> None:
    """Line 4.18"""
    session.begin()
    savepoint = session.begin_nested()
    once(session, "after_rollback", "no way back")
    fail_a_flush(session)
    savepoint.rollback()
    with pytest.raises(PendingRollbackError, match=r"Original exception was: \(RuntimeError\) no way back"):
        session.connection()
    session.rollback()


def test_a_hook_that_raises_when_a_failed_savepoint_is_left_costs_nothing_else(session: Session, rows: Rows) -> None:
    """Line 22.12: the savepoint was gone back to when the flush failed."""
    session.add(Member(id=7, name="Ada"))
    savepoint = session.begin_nested()
    fail_a_flush(session)
    once(session, "after_soft_rollback")
    with pytest.raises(RuntimeError, match="refused"):
        savepoint.rollback()
    assert session.is_active and not session.in_nested_transaction()
    session.commit()
    assert rows("SELECT name FROM member") == [("Ada",)]


def test_a_savepoint_refused_by_the_second_engine_is_not_set_on_the_first(
    two: tuple[Session, Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    session, other = two
    real = Connection.begin_nested

    def begin(connection: Connection, **options: Any) -> Any:
        return refuse() if connection.engine is other else real(connection, **options)

    monkeypatch.setattr(Connection, "begin_nested", begin)
    with pytest.raises(RuntimeError, match="refused"):
        session.begin_nested()
    assert not any(connection.in_nested_transaction() for connection in both(session))
    assert session.is_active and not session.in_nested_transaction()


# ── rollbacks ────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_rollback_to_the_root_goes_through_every_savepoint(session: Session, rows: Rows) -> None:
    """Line 4.12"""
    session.add(Member(name="Ada"))
    session.begin_nested()
    session.begin_nested()
    inner = session.begin_nested()
    assert inner.rollback(to_root=True) is None
    assert not session.in_transaction() and rows("SELECT * FROM member") == []


def test_each_level_that_is_rolled_back_is_inactive_when_hooks_hear_of_it(session: Session) -> None:
    """Line 3.3"""
    session.connection()
    session.begin_nested()
    seen: list[tuple[bool, bool]] = []
    event.listen(session, "after_rollback", lambda s: seen.append((s.in_nested_transaction(), s.is_active)))
    session.rollback()
    assert seen == [(True, False), (False, False)]


def test_a_hook_that_raises_for_an_inner_level_leaves_the_outer_one_to_be_rolled_back(
    session: Session, rows: Rows
) -> None:
    """Line 3.3: the level that it heard of has ended."""
    ada = Member(name="Ada")
    session.add(ada)
    session.begin_nested()
    once(session, "after_rollback")
    with pytest.raises(RuntimeError, match="refused"):
        session.rollback()
    assert session.in_transaction() and not session.in_nested_transaction()
    session.rollback()
    assert not session.in_transaction() and inspect(ada).transient and rows("SELECT * FROM member") == []


@pytest.mark.parametrize(("nested", "cause"), [(True, "rollback to savepoint"), (False, "session.rollback")])
def test_facts_of_a_handles_rollback_say_how_far_it_went(session: Session, nested: bool, cause: str) -> None:
    transaction = session.begin_nested() if nested else session.begin()
    ada = Member(name="Ada")
    session.add(ada)
    session.flush()
    causes: set[str] = set()
    session.subscribe(lambda fact: causes.add(fact.cause) if isinstance(fact, StatesMoved) else None)
    transaction.rollback()
    assert inspect(ada).transient and causes == {cause}


# ── a flush's own bracket ────────────────────────────────────────────────────────────────────────────────────────────
def test_the_bracket_of_a_failed_flush_has_ended_when_hooks_hear_of_its_end(session: Session) -> None:
    """Line 3.14"""
    ended: list[tuple[bool, TransactionState]] = []
    event.listen(session, "after_transaction_end", lambda s, t: ended.append((t.is_subtransaction, t.state)))
    fail_a_flush(session)
    session.rollback()
    assert ended == [(True, TransactionState.CLOSED), (False, TransactionState.CLOSED)]


def test_the_bracket_of_a_flush_flushes_as_the_level_does_that_it_stands_for(session: Session) -> None:
    made: list[SessionTransaction] = []
    session.begin(autoflush=True)
    event.listen(session, "after_transaction_create", lambda s, t: made.append(t))
    session.add(Member(name="Ada"))
    session.flush()
    assert [one.autoflush for one in made] == [True]


@pytest.mark.parametrize("bracketed", [False, True])
@pytest.mark.parametrize("way", ["rollback", "close"])
def test_a_hook_of_a_flush_that_ends_the_transaction_and_raises_is_heard(
    session: Session, way: str, bracketed: bool
) -> None:
    """Line 3.2: its error is the one that is told, and the session is usable again."""
    if bracketed:
        event.listen(session, "after_transaction_end", lambda s, t: None)

    def end(s: Session, *about: Any) -> None:
        event.remove(session, "after_flush", end)
        getattr(s, way)()
        raise RuntimeError("after its end")

    event.listen(session, "after_flush", end)
    session.add(Member(name="Ada"))
    with pytest.raises(RuntimeError, match="after its end"):
        session.flush()
    session.rollback()
    session.add(Member(name="Bob"))
    session.commit()
    assert session.scalars(text("SELECT name FROM member")).all() == ["Bob"]


def test_a_hook_of_a_flush_that_ends_its_bracket_and_raises_is_heard(session: Session) -> None:
    """Line 3.2"""
    event.listen(session, "after_transaction_end", lambda s, t: None)

    def end(s: Session, *about: Any) -> None:
        event.remove(session, "after_flush", end)
        assert s.transaction is not None and s.transaction.is_subtransaction
        s.transaction.commit()
        raise RuntimeError("after its end")

    event.listen(session, "after_flush", end)
    ada = Member(name="Ada")
    session.add(ada)
    with pytest.raises(RuntimeError, match="after its end"):
        session.flush()
    assert not session.is_active and inspect(ada).transient
    session.rollback()


# ── commits ──────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("engines", [1, 2])
def test_an_error_that_comes_after_a_commit_is_raised_and_the_commit_stays(
    two: tuple[Session, Engine], monkeypatch: pytest.MonkeyPatch, engines: int
) -> None:
    """Line 22.16: of two such errors the first."""
    session, _ = two
    ada, loan = Member(name="Ada"), Loan(note="a")
    session.add_all([ada, loan])
    session.flush()
    real, errors = Connection._commit_root, iter(("first", "second")[:engines])

    def commit(connection: Connection, transaction: Any) -> None:
        real(connection, transaction)
        for error in errors:
            raise RuntimeError(error)

    monkeypatch.setattr(Connection, "_commit_root", commit)
    with pytest.raises(RuntimeError, match="first") as caught:
        session.commit()
    assert not getattr(caught.value, "__notes__", ()) and not session.in_transaction()
    assert inspect(ada).persistent and inspect(loan).persistent
    assert ada.name == "Ada" and loan.note == "a"


def test_where_nothing_had_committed_the_error_says_nothing_of_it(session: Session, tables: Engine) -> None:
    """Line 22.16"""
    session.add(Member(name="Ada"))
    session.flush()
    once(tables, "commit")
    with pytest.raises(RuntimeError, match="refused") as caught:
        session.commit()
    assert not getattr(caught.value, "__notes__", ())
    session.rollback()


def test_a_savepoint_released_on_one_engine_only_has_committed_nothing(
    two: tuple[Session, Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Line 22.16"""
    session, other = two
    savepoint = session.begin_nested()
    real = Connection._release

    def release(connection: Connection, nested: Any) -> None:
        if connection.engine is other:
            refuse()
        real(connection, nested)

    monkeypatch.setattr(Connection, "_release", release)
    with pytest.raises(RuntimeError, match="refused") as caught:
        savepoint.commit()
    assert not any("Already committed" in note for note in getattr(caught.value, "__notes__", ()))
    session.rollback()


def test_a_joined_transaction_gets_back_its_place_at_the_commit(tables: Engine) -> None:
    """Line 6.10: the savepoint that the session set in it is released."""
    with tables.connect() as connection, connection.begin():
        with Session(connection, join_transaction_mode="create_savepoint") as session:
            session.add(Member(name="Ada"))
            session.commit()
            assert not connection.in_nested_transaction() and not connection.closed
        assert connection.execute(text("SELECT name FROM member")).scalars().all() == ["Ada"]
        connection.get_transaction().rollback()


# ── what savepoints are told of ──────────────────────────────────────────────────────────────────────────────────────
def test_hooks_hear_of_each_savepoint_when_it_is_first_used_the_outer_one_first(session: Session) -> None:
    """Line 3.14: though it was set before."""
    begun: list[SessionTransaction] = []
    event.listen(session, "after_begin", lambda s, transaction, connection: begun.append(transaction))
    session.connection()
    root = session.get_transaction()
    outer, inner = session.begin_nested(), session.begin_nested()
    assert begun == [root]
    for _ in range(2):
        session.connection()
    inner.commit()
    session.connection()
    assert begun == [root, outer, inner]


def test_a_savepoint_within_a_subtransaction_is_set_at_once(session: Session, rows: Rows) -> None:
    """Line 4.17: what is sent past the session is rolled back with it."""
    connection = session.connection()
    session.begin(subtransactions=True)
    savepoint = session.begin_nested()
    connection.execute(text("INSERT INTO member (id, name) VALUES (1, 'Ada')"))
    savepoint.rollback()
    assert rows("SELECT * FROM member") == []


# ── what objects forget ──────────────────────────────────────────────────────────────────────────────────────────────
def test_who_takes_what_was_merged_for_its_row_is_clean_and_said_to_be(session: Session, tables: Engine) -> None:
    """Line 15.5: load=False."""
    session.add(Member(id=1, name="Ada", age=36))
    session.commit()
    with Session(tables) as other:
        given = other.get_one(Member, 1)
        other.expunge(given)
    ada = session.get_one(Member, 1)
    ada.age = 1
    marks: list[Fact] = []
    session.subscribe(lambda fact: marks.append(fact) if isinstance(fact, Marked) else None)
    assert session.merge(given, load=False) is ada
    assert [one.mark for one in marks if isinstance(one, Marked)] == ["clean"]
    assert not session.dirty and ada.age == 36


def test_an_orphan_that_was_expired_is_none_any_more(session: Session) -> None:
    """Line 9.5: it was inserted without its parent, and forgets that."""
    loan = Loan(id=1)
    Member(id=1, name="Ada", loans=[loan])
    loan.member = None
    session.add(loan)
    session.flush()
    session.expire(loan)
    loan.note = "late"
    session.flush()
    assert inspect(loan).persistent


def test_a_statement_outside_of_a_transaction_reaches_objects_too(file_engine: Engine) -> None:
    """Line 5.3: transactional=False."""
    with Session(file_engine, transactional=False) as session:
        ada = Member(name="Ada", age=1)
        session.add(ada)
        session.flush()
        session.execute(update(Member).values(age=2))
        assert vars(ada)["age"] == 2 and not session.in_transaction()
