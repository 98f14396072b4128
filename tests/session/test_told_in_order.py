"""What a session's hooks about objects are told at the end of a transaction, and in which order: as SQLAlchemy tells."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from nbsession import Engine, Session, event, inspect
from nbsession.exc import DBAPIError, NbsessionWarning
from nbsession.session.hook_points import LIFE
from tests.session.models import Loan, Member, Node, Shelf


@pytest.fixture
def told(tables: Engine, session: Session) -> Iterator[list[tuple[str, Any]]]:
    """What the hooks were told: (hook, object)."""
    log: list[tuple[str, Any]] = []
    hooks = {name: (lambda *about, name=name: log.append((name, about[1]))) for name in LIFE.values()}
    for name, hook in hooks.items():
        event.listen(session, name, hook)
    yield log
    for name, hook in hooks.items():
        event.remove(session, name, hook)


def test_close_lets_persistent_objects_go_first_and_in_the_order_they_came(session: Session, told: list[Any]) -> None:
    ada, shelf, bob, new = Member(name="Ada"), Shelf(label="A"), Member(name="Bob"), Loan()
    for obj in (ada, shelf, bob):
        session.add(obj)
        session.flush()
    session.add(new)
    told.clear()
    session.close()
    gone = [("persistent_to_detached", obj) for obj in (ada, shelf, bob)]
    assert told == [*gone, ("pending_to_transient", new)]


def test_what_was_to_be_deleted_comes_back_as_told(session: Session, told: list[Any]) -> None:
    ada = Member(name="Ada")
    session.add(ada)
    session.commit()
    session.delete(ada)
    told.clear()
    session.rollback()
    assert told == [("deleted_to_persistent", ada)]


def test_new_objects_that_left_the_session_are_told_of_at_the_rollback(session: Session, told: list[Any]) -> None:
    expunged, deleted = Member(name="Ada"), Member(name="Bob")
    session.add_all([expunged, deleted])
    session.flush()
    session.expunge(expunged)
    session.delete(deleted)
    session.flush()
    session.expunge(deleted)
    told.clear()
    session.rollback()
    assert sorted(name for name, _ in told) == ["deleted_to_detached", "persistent_to_transient"]


def test_a_new_object_whose_key_was_changed_is_told_of_as_transient(session: Session, told: list[Any]) -> None:
    ada = Member(name="Ada")
    session.add(ada)
    session.flush()
    ada.id = 40
    session.flush()
    told.clear()
    session.rollback()
    assert told == [("persistent_to_transient", ada)]


def test_a_second_rollback_tells_again_what_a_failed_flush_undid(session: Session, told: list[Any]) -> None:
    ada = Member(name="Ada")
    session.add(ada)
    session.flush()
    session.add(Member(name="Ada"))
    with pytest.raises(DBAPIError):
        session.flush()
    session.add(Loan())
    told.clear()
    with pytest.warns(NbsessionWarning, match="non-active transaction"):
        session.rollback()
    assert ("pending_to_transient", ada) in told


def test_merged_without_loading_an_object_comes_as_a_detached_one_does(session: Session, told: list[Any]) -> None:
    ada = Member(name="Ada")
    session.add(ada)
    session.commit()
    assert ada.name == "Ada"
    session.close()
    attached: list[Any] = []
    event.listen(session, "after_attach", lambda session, obj: attached.append(obj))
    told.clear()
    copy = session.merge(ada, load=False)
    assert told == [("detached_to_persistent", copy)] and attached == [copy]


def test_an_expired_object_found_gone_after_its_delete_is_told_of_twice(session: Session, told: list[Any]) -> None:
    shelf = Shelf(label="A")
    session.add(shelf)
    session.commit()
    session.delete(shelf)
    told.clear()
    assert session.get(Shelf, 1) is None
    assert told == [("persistent_to_deleted", shelf)] * 2


def test_a_flush_that_writes_nothing_begins_all_the_same(session: Session) -> None:
    ada = Member(name="Ada")
    session.add(ada)
    session.flush()
    order: list[str] = []
    for name in ("before_flush", "after_begin", "after_flush"):
        event.listen(session, name, lambda *_, name=name: order.append(name))
    session.begin_nested()
    ada.name = "Ada"
    session.flush()
    assert order == ["before_flush", "after_begin", "after_flush"]


def test_expunge_goes_deep_before_wide_and_tells_again_where_it_comes_back(session: Session, told: list[Any]) -> None:
    root, left, leaf, right = Node(name="root"), Node(name="left"), Node(name="leaf"), Node(name="right")
    left.children, root.children = [leaf], [left, right]
    session.add(root)
    session.flush()
    root.children.append(root)
    told.clear()
    session.expunge(root)
    assert told == [("persistent_to_detached", node) for node in (root, left, leaf, right, root)]


def test_a_failed_flush_has_changed_no_key(session: Session) -> None:
    """Line 6.5: the new object is transient, not detached with a key it never had."""
    ada = Member(name="Ada")
    session.add(ada)
    session.flush()
    ada.id = 40
    session.add(Member(name="Ada"))
    with pytest.raises(DBAPIError):
        session.flush()
    assert inspect(ada).transient and inspect(ada).key is None
