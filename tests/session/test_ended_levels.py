"""What a level leaves behind when it ends, what is refused where one has ended, and by which words its end is told."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread
from typing import Any

import pytest

from nbsession import Session, event, inspect, text
from nbsession.events import TransactionMoved
from nbsession.exc import IntegrityError, InvalidRequestError, PendingRollbackError
from tests.session.models import Shelf

ENDED = "Can't operate on closed transaction inside context manager"


@pytest.mark.parametrize("how", ["begin", "begin_nested", "commit", "flush", "execute"])
def test_in_a_block_whose_savepoint_was_released_the_transaction_around_it_takes_no_work(
    session: Session, how: str
) -> None:
    """Line 4.11"""
    deeds: dict[str, Callable[[], Any]] = {
        "begin": lambda: session.begin(subtransactions=True),
        "begin_nested": session.begin_nested,
        "commit": session.commit,
        "flush": session.flush,
        "execute": lambda: session.execute(text("SELECT 1")),
    }
    shelf = Shelf(id=1)
    with session.begin():
        session.add(shelf)
        with session.begin_nested() as savepoint:
            savepoint.commit()
            with pytest.raises(InvalidRequestError, match=ENDED):
                shelf.label = "low"
                deeds[how]()
    assert not session.in_transaction()


def test_in_a_block_whose_transaction_was_committed_none_is_begun(session: Session) -> None:
    with session.begin():
        session.commit()
        with pytest.raises(InvalidRequestError, match=ENDED):
            session.begin()
        assert not session.in_transaction()
    session.begin()


def test_a_handle_ends_every_level_around_it_however_many(session: Session) -> None:
    """Line 4.10"""
    for end in ("commit", "rollback"):
        session.begin()
        session.begin_nested()
        innermost = session.begin_nested()
        session.add(Shelf(id=1))
        assert getattr(innermost, end)(to_root=True) is None
        assert not session.in_transaction()
        session.query(Shelf).delete()
        session.commit()


def test_what_ends_a_level_is_told_as_the_cause(session: Session) -> None:
    facts: list[Any] = []
    session.subscribe(facts.append)
    savepoint = session.begin_nested()
    savepoint.commit()
    session.get_transaction().commit()
    moved = [
        (fact.level, fact.cause) for fact in facts if isinstance(fact, TransactionMoved) and fact.trigger == "commit"
    ]
    assert moved == [(1, "savepoint released"), (0, "session.commit")]


def test_an_ended_transaction_forgets_why_it_failed(session: Session) -> None:
    session.add_all([Shelf(id=1), Shelf(id=1)])
    with pytest.raises(IntegrityError) as caught:
        session.flush()
    transaction = session.get_transaction()
    assert transaction.error is caught.value
    session.rollback()
    assert transaction.error is None  # it would hold the session, by its traceback


@pytest.mark.parametrize("nested", [True, False])
def test_what_is_inserted_after_an_inner_level_was_left_is_undone_by_the_one_around_it(
    session: Session, nested: bool
) -> None:
    """Line 6.5"""
    session.begin()
    session.begin(nested=nested, subtransactions=not nested).commit()
    shelf = Shelf(id=1)
    session.add(shelf)
    session.flush()
    session.rollback()
    assert inspect(shelf).transient and session.unit_of_work.frame is None


def test_a_transaction_that_failed_under_a_subtransaction_takes_no_work_in_it(session: Session) -> None:
    session.begin()
    inner = session.begin(subtransactions=True)
    session.add_all([Shelf(id=1), Shelf(id=1)])
    with pytest.raises(IntegrityError):
        session.flush()
    with pytest.raises(PendingRollbackError):
        session.execute(text("SELECT 1"))
    with pytest.raises(PendingRollbackError):
        inner.commit()


@pytest.mark.parametrize("how", ["commit", "rollback", "close", "reset"])
def test_another_thread_ends_nothing_while_a_session_flushes(session: Session, how: str) -> None:
    shelf, refused = Shelf(id=1), []

    def end() -> None:
        with pytest.raises(InvalidRequestError, match="already flushing, in another thread"):
            getattr(session, how)()
        refused.append(how)

    @event.listens_for(session, "after_flush")
    def in_another_thread(*_: object) -> None:
        other = Thread(target=end)
        other.start()
        other.join()

    session.begin(autoflush=False)
    session.add(shelf)
    session.flush()
    assert refused == [how] and session.in_transaction() and inspect(shelf).persistent


def test_who_was_deleted_and_left_is_told_of_once(session: Session) -> None:
    """Line 6.5"""
    told: list[str] = []
    event.listen(session, "deleted_to_detached", lambda _, shelf: told.append(shelf.label))
    low, high = Shelf(id=1, label="low"), Shelf(id=2, label="high")
    session.add_all([low, high])
    session.flush()
    for shelf in (low, high):
        session.delete(shelf)
    session.flush()
    session.expunge(low)
    assert told == ["low"]
    session.commit()
    assert told == ["low", "high"] and inspect(high).detached


def test_a_single_hook_about_objects_is_told_of_the_moves_of_a_flush(session: Session) -> None:
    told: list[Any] = []
    event.listen(session, "pending_to_persistent", lambda _, shelf: told.append(shelf))
    shelf = Shelf(id=1)
    session.add(shelf)
    session.flush()
    assert told == [shelf]
