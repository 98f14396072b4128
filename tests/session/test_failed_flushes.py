"""What a flush leaves that fails, and what a rollback makes of it: as in SQLAlchemy, found by random programs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from nbsession import CircularDependencyError, Engine, Session, inspect, text
from nbsession.exc import IntegrityError, NbsessionWarning
from tests.support import expect_statements, statements_of


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    with Session(engine) as made:
        yield made


def test_a_circle_is_refused_after_the_rows_that_do_not_wait_for_it(model: Any, session: Session) -> None:
    ring, user = model.Node(), model.User()
    ring.parent = ring
    session.add_all([ring, user])
    with expect_statements(session, 1) as sent, pytest.raises(CircularDependencyError):
        session.flush()
    assert sent[0].startswith("INSERT INTO users")
    session.rollback()
    assert "id" in vars(user) and "id" not in vars(ring)


def test_a_row_that_is_refused_before_a_circle_is_the_error(model: Any, session: Session) -> None:
    ring, user = model.Node(), model.User(id=1)
    ring.parent = ring
    session.add_all([ring, user])
    with pytest.raises(IntegrityError):
        session.flush()


def test_members_of_a_circle_hold_up_those_behind_them_and_no_others(model: Any, session: Session) -> None:
    ring, child, other = model.Node(), model.Node(), model.Node()
    ring.parent = ring
    child.parent = ring
    session.add_all([ring, child, other])
    with expect_statements(session, 1), pytest.raises(CircularDependencyError):
        session.flush()
    session.rollback()
    assert "id" in vars(other) and "id" not in vars(child)


def test_deletes_wait_for_a_circle_in_their_tree_and_not_in_another(model: Any, session: Session) -> None:
    ring, user = session.get(model.Node, 1), session.get(model.User, 2)
    leaf = session.get(model.Node, 4)
    assert ring.parent is None
    with session.no_autoflush:
        session.delete(user)
        session.delete(leaf)
        ring.parent = ring
    with statements_of(session) as sent, pytest.raises(CircularDependencyError):
        session.flush()
    deletes = [statement.split()[2] for statement in sent if statement.startswith("DELETE")]
    assert deletes == ["addresses", "users"]


def test_nothing_was_set_on_an_object_by_an_insert_that_a_failed_flush_undid(model: Any, session: Session) -> None:
    plain, refused = model.User(), model.Address(id=1)
    session.add_all([plain, refused])
    with pytest.raises(IntegrityError):
        session.flush()
    session.rollback()
    assert "id" in vars(plain) and not session.is_modified(plain) and session.is_modified(refused)


def test_a_new_object_loads_the_expired_one_that_has_its_key(model: Any, session: Session) -> None:
    known = session.get(model.User, 1)
    session.expire(known)
    session.add(model.User(id=1))
    with pytest.raises(IntegrityError), pytest.warns(NbsessionWarning, match="conflicts with persistent instance"):
        session.flush()
    session.rollback()
    session.expire(known)
    with session.begin_nested():
        session.connection().execute(text("DELETE FROM addresses"))
        session.connection().execute(text("DELETE FROM users"))
    newcomer = model.User(id=1, name="new")
    session.add(newcomer)
    session.flush()
    assert inspect(known).deleted and session.get(model.User, 1) is newcomer


def test_who_was_deleted_by_a_transaction_that_failed_and_expunged_comes_back(model: Any, session: Session) -> None:
    gone = session.get(model.Node, 4)
    session.delete(gone)
    session.flush()
    session.add(model.User(id=1))
    with pytest.raises(IntegrityError):
        session.flush()
    session.expunge(gone)
    assert inspect(gone).detached
    with pytest.warns(Warning, match="non-active transaction"):
        session.add(model.User())
        session.rollback()
    assert inspect(gone).persistent


def test_who_was_expunged_when_it_was_deleted_stays_detached(model: Any, session: Session) -> None:
    gone = session.get(model.Node, 4)
    session.delete(gone)
    session.flush()
    session.expunge(gone)
    session.rollback()
    assert inspect(gone).detached


def test_who_takes_over_a_row_has_unset_what_was_never_set(model: Any, session: Session) -> None:
    session.delete(session.get(model.Pair, (1, 1)))
    newcomer = model.Pair(a=1, b=1)
    session.add(newcomer)
    session.flush()
    assert "data" not in vars(newcomer)
    with expect_statements(session, 0):
        assert newcomer.data is None


def test_a_changed_key_comes_back_without_the_values_of_the_savepoint(model: Any, session: Session) -> None:
    child = model.Address()
    session.add(child)
    session.flush()
    child.id = 60
    savepoint = session.begin_nested()
    child.email = "z"
    session.flush()
    savepoint.rollback()
    session.rollback()
    assert inspect(child).detached and "email" not in vars(child)


def test_a_changed_reference_of_a_deleted_object_is_not_loaded(model: Any, session: Session) -> None:
    parent, child = session.get(model.User, 2), session.get(model.Address, 3)
    session.delete(parent)
    del child.user
    session.flush()
    assert inspect(child).deleted and "user" not in vars(child) and session.is_modified(child)


def test_a_reference_deleted_outside_of_a_session_is_a_change(model: Any, session: Session) -> None:
    child = model.Address()
    session.add(child)
    session.flush()
    session.expunge(child)
    del child.user
    assert session.is_modified(child)


def test_a_child_that_leaves_one_of_two_places_in_a_list_is_an_orphan(model: Any, session: Session) -> None:
    parent, child = session.get(model.User, 1), session.get(model.Address, 1)
    parent.addresses.append(child)
    parent.addresses.remove(child)
    session.flush()
    assert inspect(child).deleted


def test_a_child_that_is_in_a_list_twice_and_refers_to_nobody_is_an_orphan(model: Any, session: Session) -> None:
    parent, child = session.get(model.User, 1), model.Address()
    parent.addresses += [child, child]
    session.flush()
    child.user = None
    assert parent.addresses.count(child) == 1
    session.flush()
    assert inspect(child).deleted


def test_a_key_that_was_set_is_a_change_after_a_flush_that_failed(model: Any, session: Session) -> None:
    known, refused = model.User(id=70), model.Address(id=1)
    session.add_all([known, refused])
    with pytest.raises(IntegrityError):
        session.flush()
    session.rollback()
    assert session.is_modified(known)


def test_what_an_insert_made_is_no_change_of_who_is_new_again(model: Any, session: Session) -> None:
    user, address = model.User(), model.Address()
    user.addresses.append(address)
    session.add_all([user, model.User(id=1)])
    with pytest.raises(IntegrityError):
        session.flush()
    session.rollback()
    history = inspect(user).attrs
    assert inspect(user).transient and history.id.history == ((), [user.id], ())
    assert list(history.addresses.history.added) == [address] and session.is_modified(user)
    user.addresses.remove(address)
    assert not session.is_modified(user)


def test_who_is_new_again_after_a_flush_that_failed_is_inserted_with_all_it_has(model: Any, session: Session) -> None:
    user, refused = model.User(id=70, name="w"), model.User(id=1)
    user.addresses.append(model.Address(id=70))
    session.add_all([user, refused])
    with pytest.raises(IntegrityError):
        session.flush()
    session.rollback()
    assert inspect(user).attrs.name.history == (["w"], (), ())
    session.add(user)
    session.commit()
    assert (user.name, [one.user_id for one in user.addresses]) == ("w", [70])


def test_a_child_given_twice_and_taken_back_once_lives(model: Any, session: Session) -> None:
    parent, child = session.get(model.User, 1), model.Address()
    session.add(child)
    session.flush()
    parent.addresses += [child, child]
    parent.addresses.remove(child)
    session.flush()
    assert inspect(child).persistent and child.user is parent


def test_a_child_that_leaves_one_of_two_places_and_is_given_again_lives(model: Any, session: Session) -> None:
    parent, child = session.get(model.User, 1), session.get(model.Address, 1)
    parent.addresses.append(child)
    parent.addresses.remove(child)
    parent.addresses.append(child)
    session.flush()
    assert inspect(child).persistent
