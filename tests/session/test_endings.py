"""How levels of a transaction end when something refuses, and what objects are afterwards: found by mutation testing."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import pytest

from nbsession import (
    Connection,
    DeclarativeBase,
    Engine,
    FlushError,
    IntegrityError,
    InvalidRequestError,
    Mapped,
    PendingRollbackError,
    ResourceClosedError,
    Session,
    create_engine,
    event,
    inspect,
    mapped_column,
    text,
    update,
)
from nbsession.states import ObjectState, Trigger
from nbsession.tracking.instance_state import own_state, state_of
from tests.session.models import Base, Loan, Member
from tests.support import expect_moves


def refuse(*args: Any, **options: Any) -> Any:
    raise RuntimeError("refused")


def fail_a_flush(session: Session) -> IntegrityError:
    session.add_all([Member(id=1, name="a"), Member(id=1, name="b")])
    with pytest.raises(IntegrityError) as caught:
        session.flush()
    session.expunge_all()
    return caught.value


# ── levels ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_subtransaction_ends_once(session: Session) -> None:
    """Line 4.17."""
    session.begin()
    inner = session.begin(subtransactions=True)
    inner.commit()
    with pytest.raises(ResourceClosedError):
        inner.commit()


def test_preparing_a_failed_transaction_is_refused(tables: Engine) -> None:
    """Line 20.1."""
    session = Session(tables)
    fail_a_flush(session)
    session.twophase = True
    with pytest.raises(PendingRollbackError):
        session.prepare()
    session.rollback()
    session.close()


@pytest.mark.parametrize("nested", [False, True])
def test_a_rollback_that_fails_too_is_noted_on_the_error(session: Session, nested: bool) -> None:
    """The savepoint's outer level cannot be trusted then, and fails with it."""
    session.begin()
    if nested:
        session.begin_nested()
    event.listen(session, "after_rollback", refuse)
    error = fail_a_flush(session)
    assert "The rollback after it failed too: refused" in error.__notes__
    event.remove(session, "after_rollback", refuse)
    if nested:
        session.rollback(to_root=False)
        assert not session.is_active
    session.rollback()


def test_an_error_without_a_second_one_has_no_note_of_it(session: Session) -> None:
    assert not any("failed too" in note for note in getattr(fail_a_flush(session), "__notes__", ()))


def test_a_block_whose_commit_is_vetoed_rolls_back(session: Session) -> None:
    """Line 4.14."""
    event.listen(session, "before_commit", refuse)
    ada = Member(name="Ada")
    with pytest.raises(RuntimeError, match="refused"), session.begin():
        session.add(ada)
    assert not session.in_transaction() and inspect(ada).transient


def test_nothing_is_begun_in_a_block_whose_savepoint_has_ended(session: Session) -> None:
    """Line 4.14."""
    session.begin()
    with session.begin_nested() as savepoint:
        savepoint.commit()
        for begin in (session.begin_nested, lambda: session.begin(subtransactions=True)):
            with pytest.raises(InvalidRequestError, match="closed transaction inside context manager"):
                begin()
    assert session.in_transaction() and not session.in_nested_transaction()


def test_a_savepoint_is_set_before_it_is_used(session: Session, rows: Callable[[str], Any]) -> None:
    """What is sent past the session is rolled back with it."""
    connection = session.connection()
    savepoint = session.begin_nested()
    connection.execute(text("INSERT INTO member (id, name) VALUES (1, 'Ada')"))
    savepoint.rollback()
    assert rows("SELECT * FROM member") == []


def test_a_savepoint_that_is_refused_is_not_there(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    session.connection()
    monkeypatch.setattr(Connection, "begin_nested", refuse)
    with pytest.raises(RuntimeError, match="refused"):
        session.begin_nested()
    assert session.in_transaction() and not session.in_nested_transaction()


def test_a_connection_that_cannot_begin_is_closed(tables: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Connection] = []

    def begin(self: Connection) -> None:
        made.append(self)
        raise RuntimeError("refused")

    session = Session(tables)
    monkeypatch.setattr(Connection, "begin", begin)
    with pytest.raises(RuntimeError, match="refused"):
        session.connection()
    assert made[0].closed
    mine = tables.connect()
    session.reset()
    with pytest.raises(RuntimeError, match="refused"):
        session.begin().connection_for(mine)
    assert not mine.closed
    mine.close()
    session.close()


def test_a_level_tells_its_connections(session: Session) -> None:
    transaction = session.begin()
    assert transaction.enlisted() == []
    connection = session.connection()
    assert transaction.enlisted() == [connection]


def test_closing_ends_every_level_though_a_hook_raises(session: Session) -> None:
    session.begin()
    session.begin_nested()
    event.listen(session, "after_transaction_end", refuse)
    with pytest.raises(RuntimeError, match="refused"):
        session.close()
    assert not session.in_transaction()
    event.remove(session, "after_transaction_end", refuse)


# ── objects ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_detached_object_that_is_attached_is_told_before_and_after(session: Session) -> None:
    """Line 3.15."""
    ada = Member(name="Ada")
    session.add(ada)
    session.commit()
    session.expunge(ada)
    seen: list[tuple[str, bool]] = []
    event.listen(session, "before_attach", lambda s, obj: seen.append(("before", obj in s)))
    event.listen(session, "after_attach", lambda s, obj: seen.append(("after", obj in s)))
    session.add(ada)
    assert seen == [("before", False), ("after", True)]


def test_a_strong_map_holds_what_was_loaded(tables: Engine) -> None:
    with Session(tables) as first:
        first.add(Member(id=1, name="Ada"))
        first.commit()
    session = Session(tables, weak_identity_map=False)
    session.get(Member, 1)
    gc.collect()
    assert [obj.name for obj in session.identity_map.values()] == ["Ada"]
    session.close()


def test_moved_in_a_batch_new_objects_are_pending(session: Session) -> None:
    members = [Member(name="Ada"), Member(name="Bob")]
    session.unit_of_work.move(inspect(Member), members, ObjectState.TRANSIENT, Trigger.ADD)
    assert list(session.new) == members
    session.flush()
    assert all(inspect(member).persistent for member in members)


@pytest.mark.parametrize("way", ["insert", "delete"])
def test_after_a_move_that_leaves_nothing_to_flush_the_state_is_shared(session: Session, way: str) -> None:
    ada = Member(name="Ada")
    session.add(ada)
    if way == "delete":
        session.flush()
        ada.name = "changed"
    own_state(ada, state_of(ada))
    assert state_of(ada).owned
    if way == "delete":
        session.delete(ada)
    session.flush()
    assert not state_of(ada).owned


def test_made_new_again_by_a_rollback_an_object_keeps_the_note_of_its_changes_until_it_is_flushed(
    session: Session,
) -> None:
    ada = Member(name="Ada")
    session.add(ada)
    session.flush()
    ada.name = "changed"
    session.rollback()
    assert inspect(ada).transient and inspect(ada).modified
    session.add(ada)
    assert inspect(ada).modified and inspect(ada).attrs.name.history == (["changed"], (), ["Ada"])
    session.flush()
    assert not inspect(ada).modified and not state_of(ada).owned


def test_a_key_changed_before_the_object_was_deleted_is_its_old_one_after_a_rollback(session: Session) -> None:
    ada = Member(id=1, name="Ada")
    session.add(ada)
    session.commit()
    ada.id = 2
    session.flush()
    session.delete(ada)
    session.flush()
    session.rollback()
    assert inspect(ada).identity == (1,) and session.get(Member, 1) is ada and ada.id == 1


def test_a_row_changed_by_a_statement_is_given_back_as_it_was_inserted(session: Session) -> None:
    ada = Member(id=1, name="Ada", age=36)
    session.add(ada)
    session.flush()
    session.execute(update(Member).values(age=Member.age + 1))
    session.rollback()
    assert inspect(ada).transient and ada.name == "Ada" and ada.age is not None


def test_a_deletion_committed_before_another_engine_refused_is_final(
    tables: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What had committed stays so."""
    other = create_engine("sqlite://")
    Base.metadata.create_all(other)
    session = Session(binds={Member: tables, Loan: other})
    ada, bob = Member(name="Ada"), Member(name="Bob")
    session.add_all([ada, bob])
    session.commit()
    session.delete(ada)
    eve = Member(name="Eve")
    session.add(eve)
    session.flush()
    session.connection(bind_arguments={"bind": other})
    held = session.transaction._enlisted[other].transaction  # type: ignore[union-attr]
    monkeypatch.setattr(type(held), "commit", _refusing(type(held).commit, held))
    with pytest.raises(RuntimeError, match="refused"):
        session.commit()
    session.rollback()
    assert inspect(ada).detached and inspect(bob).persistent and inspect(eve).persistent
    session.close()
    other.dispose()


def _refusing(real: Callable[[Any], Any], refusing: Any) -> Callable[[Any], Any]:
    return lambda self: refuse() if self is refusing else real(self)


def test_a_commit_flushes_a_hundred_times_and_no_more(session: Session) -> None:
    """Line 6.16: while hooks of flushes find something new to do."""
    flushes: list[int] = []

    def more(s: Session, *about: Any) -> None:
        flushes.append(len(flushes))
        s.add(Member(name=f"another {len(flushes)}"))

    event.listen(session, "after_flush_postexec", more)
    session.add(Member(name="Ada"))
    with pytest.raises(FlushError, match="Over 100 subsequent flushes"):
        session.commit()
    assert len(flushes) == 100
    event.remove(session, "after_flush_postexec", more)


def test_a_subtransaction_outlives_the_flush_that_fails_in_it(session: Session) -> None:
    """Line 4.17: only the bracket that a flush opens for itself ends with it."""
    session.begin()
    sub = session.begin(subtransactions=True)
    fail_a_flush(session)
    assert session.transaction is sub and not sub.is_active
    session.rollback()
    assert not session.in_transaction()


def test_objects_added_by_a_hook_of_an_add_come_along(session: Session) -> None:
    """Line 3.15"""
    more = [Loan(note="a"), Loan(note="b")]

    def bring(s: Session, obj: Any) -> None:
        if isinstance(obj, Member):
            s.add_all(more)

    event.listen(session, "transient_to_pending", bring)
    ada = Member(name="Ada")
    try:
        with expect_moves(session, ["Member transient → pending by add", "Loan transient → pending by add ×2"]):
            session.add_all([ada])
    finally:
        event.remove(session, "transient_to_pending", bring)
    assert list(session.new) == [ada, *more]


def test_who_is_taken_back_by_add_and_deleted_again_is_deleted(session: Session) -> None:
    """Line 22.14: giving it away counts until then."""
    loan, bob = Loan(id=1), Member(id=2, name="Bob")
    session.add_all([Member(id=1, name="Ada", loans=[loan]), bob])
    session.commit()
    assert bob.loans == []
    session.delete(loan)
    bob.loans.append(loan)
    session.add(loan)
    session.delete(loan)
    session.flush()
    session.flush()
    assert inspect(loan).deleted


def test_objects_of_a_class_that_is_retired_cannot_be_added(session: Session) -> None:
    """Its place was taken by another class; sessions forget it, and know the others as before."""

    class Old(DeclarativeBase):
        pass

    class Word(Old):
        __tablename__ = "word"
        id: Mapped[int] = mapped_column(primary_key=True)

    Old.metadata.create_all(session.get_bind())
    session.add_all([Word(id=1), Member(id=1, name="Ada")])
    session.commit()
    session.expunge_all()
    mapper = inspect(Word)
    mapper.retired = "class redefined"
    session.unit_of_work.forget_class(mapper)
    with pytest.raises(InvalidRequestError, match="'Word' is used no longer: class redefined"):
        session.add(Word())
    assert session.get_one(Member, 1).name == "Ada"
