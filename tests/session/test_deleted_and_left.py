"""Who was deleted by a flush and leaves the session before its transaction ends: what it is then, and what hooks are told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from nbsession import (
    IntegrityError,
    NbsessionWarning,
    Session,
    event,
    inspect,
    make_transient,
    make_transient_to_detached,
    object_session,
    text,
)
from nbsession.session.hook_points import LIFE
from tests.session.models import Shelf


@pytest.fixture
def shelf(session: Session) -> Shelf:
    """It was stored, and a flush has deleted it."""
    shelf = Shelf(id=1, label="low")
    session.add(shelf)
    session.commit()
    session.delete(shelf)
    session.flush()
    return shelf


@pytest.fixture
def told(session: Session, shelf: Shelf) -> Iterator[list[str]]:
    """The hooks about objects that were called for it since."""
    log: list[str] = []
    hooks: dict[str, Any] = {
        name: lambda _, obj, name=name: log.append(name) if obj is shelf else None for name in LIFE.values()
    }
    for name, hook in hooks.items():
        event.listen(session, name, hook)
    yield log
    for name, hook in hooks.items():
        event.remove(session, name, hook)


def test_who_left_in_a_savepoint_stays_away_though_all_is_rolled_back(
    session: Session, shelf: Shelf, told: list[str]
) -> None:
    """Line 6.5"""
    session.begin_nested()
    session.expunge(shelf)
    session.rollback()
    assert inspect(shelf).detached and shelf not in session and told == ["deleted_to_detached"]


def test_who_left_in_a_savepoint_and_is_no_deleted_one_by_now_is_told_of_as_what_it_is(
    session: Session, shelf: Shelf, told: list[str]
) -> None:
    """Line 14.8"""
    session.begin_nested()
    make_transient(shelf)
    shelf.id = 1
    make_transient_to_detached(shelf)
    session.commit()
    assert told == ["deleted_to_detached", "persistent_to_detached"]


def test_who_left_in_a_savepoint_is_told_of_again_by_the_commit(
    session: Session, shelf: Shelf, told: list[str]
) -> None:
    """Line 14.8"""
    session.begin_nested()
    session.expunge(shelf)
    session.commit()
    assert told == ["deleted_to_detached"] * 2


def test_who_came_back_by_a_failed_flush_is_told_of_again_when_later_work_is_discarded(
    session: Session, shelf: Shelf, told: list[str]
) -> None:
    """Line 6.5"""
    session.add_all([Shelf(id=2), Shelf(id=2)])
    with pytest.raises(IntegrityError):
        session.flush()
    assert told == ["deleted_to_persistent"]
    session.add(Shelf(id=3))
    with pytest.warns(match="this state will be discarded"):
        session.rollback()
    assert told == ["deleted_to_persistent"] * 2 and inspect(shelf).persistent


@pytest.mark.parametrize("left", [True, False])
def test_who_was_deleted_before_a_close_is_deleted_once_afterwards(session: Session, shelf: Shelf, left: bool) -> None:
    """Line 14.1: the row is there again; whoever is deleted by now stays so."""
    if left:
        session.begin_nested()
        session.expunge(shelf)
    transaction = session.get_transaction()
    assert transaction is not None
    transaction.close()
    for _ in range(2):
        session.delete(shelf)
        session.flush()
    assert inspect(shelf).deleted and object_session(shelf) is session
    session.delete(shelf)
    assert inspect(shelf).deleted and shelf not in session.deleted


def test_who_gets_back_its_first_key_and_its_place_is_the_sessions_again(session: Session) -> None:
    """Line 6.5: displaced under its second key, it is changed and written as any other after the rollback."""
    shelf = Shelf(id=1, label="low")
    session.add(shelf)
    session.commit()
    shelf.id = 7
    session.flush()
    session.execute(text("DELETE FROM shelf"))
    session.add(Shelf(id=7))
    with pytest.warns(NbsessionWarning, match="conflicts with persistent instance <Shelf 7>"):
        session.flush()
    assert shelf not in session
    session.rollback()
    assert shelf in session
    shelf.label = "high"
    assert shelf in session.dirty
    session.commit()
    assert (shelf.id, shelf.label) == (1, "high")
