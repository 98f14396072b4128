"""Defects that random programs found by comparing with SQLAlchemy, each as the smallest program that shows it."""

from __future__ import annotations

from typing import Any

import pytest

from nbsession import Column, DeclarativeBase, Engine, ForeignKey, Integer, Session, inspect, relationship
from nbsession.exc import IntegrityError, InvalidRequestError, NbsessionWarning, ObjectDeletedError


@pytest.fixture
def session(engine: Engine) -> Any:
    with Session(engine) as made:
        yield made


def test_what_was_done_after_a_failed_flush_goes_with_the_rollback(model: Any, session: Session) -> None:
    session.add(model.User(id=1))
    with pytest.raises(IntegrityError):
        session.flush()
    late = model.User()
    session.add(late)
    with pytest.warns(NbsessionWarning, match="non-active transaction"):
        session.rollback()
    assert inspect(late).transient and not session.new


def test_adding_what_is_there_begins_a_transaction(model: Any, session: Session) -> None:
    known = session.get(model.User, 1)
    session.rollback()
    session.add(known)
    assert session.in_transaction()


def test_a_new_object_with_values_is_modified(model: Any, session: Session) -> None:
    assert session.is_modified(model.User(name="n"))
    assert not session.is_modified(model.User())


def test_a_key_that_is_taken_still_begins_a_transaction(model: Any, session: Session) -> None:
    known = session.get(model.User, 1)
    session.expunge_all()
    held = session.get(model.User, 1)
    session.commit()
    with pytest.raises(InvalidRequestError, match="another instance"):
        session.add(known)
    assert session.in_transaction() and held in session


def test_refresh_of_some_attributes_loads_no_others(model: Any, session: Session) -> None:
    node = session.get(model.Node, 2)
    session.expire(node)
    session.refresh(node, ["parent_id"])
    assert node.__dict__ == {"parent_id": 1}


def test_what_was_not_set_stays_unset_after_the_insert_and_reads_as_none(model: Any, session: Session) -> None:
    user = model.User()
    session.add(user)
    session.flush()
    session.connection().exec_driver_sql("UPDATE users SET name = 'other'")
    assert user.name is None and "name" not in user.__dict__
    session.expire(user, ["name"])
    assert user.name == "other"


def test_what_was_not_set_is_loaded_once_it_is_expired(model: Any, session: Session) -> None:
    user = model.User()
    session.add(user)
    session.commit()
    session.connection().exec_driver_sql("UPDATE users SET name = 'other'")
    assert user.name == "other"
    session.expunge(user)
    assert user.name == "other"


def test_what_was_not_set_reads_as_none_in_no_session_too(model: Any, session: Session) -> None:
    user = model.User()
    session.add(user)
    session.flush()
    session.expunge(user)
    assert user.name is None and "name" not in user.__dict__


def test_an_object_made_new_by_a_rollback_is_modified_by_what_is_set_afterwards(model: Any, session: Session) -> None:
    flushed, waiting = model.User(name="Ada"), model.User(name="Bob")
    session.add(flushed)
    session.flush()
    session.add(waiting)
    session.rollback()
    assert [session.is_modified(u) for u in (flushed, waiting)] == [False, True]
    session.add(flushed)
    assert flushed in session.new and not session.is_modified(flushed)
    flushed.name = "Eve"
    assert session.is_modified(flushed) and inspect(flushed).attrs.name.history == (["Eve"], (), ["Ada"])
    session.flush()
    assert not session.is_modified(flushed)
    assert session.connection().exec_driver_sql("SELECT name FROM users WHERE name = 'Eve'").scalar() == "Eve"


def test_a_deleted_object_keeps_its_unflushed_changes(model: Any, session: Session) -> None:
    user = session.get(model.User, 1)
    session.delete(user)
    user.name = "changed"
    session.flush()
    assert inspect(user).deleted and session.is_modified(user)
    session.commit()
    assert inspect(user).detached and session.is_modified(user)


def test_a_commit_that_expires_nothing_leaves_deleted_objects_deleted(model: Any, session: Session) -> None:
    session.expire_on_commit = False
    user = session.get(model.User, 1)
    session.delete(user)
    session.commit()
    assert inspect(user).deleted and user not in session
    session.expunge(user)
    assert inspect(user).detached


def test_an_empty_reference_set_to_none_is_no_change(model: Any, session: Session) -> None:
    root = session.get(model.Node, 1)
    root.parent = None
    assert not session.is_modified(root)


def test_the_old_key_of_an_expired_object_is_known(model: Any, session: Session) -> None:
    user = session.get(model.User, 1)
    session.expire(user)
    user.id = 1
    assert not session.is_modified(user)
    pair = session.get(model.Pair, (1, 2))
    session.expire(pair)
    pair.b = 5
    assert inspect(pair).attrs.b.history == ([5], (), [2])


def test_a_deleted_object_that_left_is_refused(model: Any, session: Session) -> None:
    pair = session.get(model.Pair, (1, 1))
    session.delete(pair)
    session.flush()
    session.expunge(pair)
    with pytest.raises(InvalidRequestError, match="has been deleted"):
        session.add(pair)


def test_a_change_queued_on_an_unloaded_collection_is_no_change_of_its_owner(model: Any, session: Session) -> None:
    child, parent = session.get(model.Address, 1), session.get(model.User, 2)
    child.user = parent
    assert session.is_modified(child) and not session.is_modified(parent)


def test_a_member_that_is_in_the_list_twice_leaves_with_its_last_place(model: Any) -> None:
    user, address = model.User(), model.Address()
    user.addresses += [address, address]
    user.addresses.remove(address)
    assert address.user is user
    user.addresses.remove(address)
    assert address.user is None


def test_save_update_does_not_cascade_over_a_back_reference(model: Any, session: Session) -> None:
    child, parent = session.get(model.Address, 1), model.User()
    parent.addresses.append(child)
    assert child.user is parent and inspect(parent).transient


def test_get_of_an_expired_object_flushes_first(model: Any, session: Session) -> None:
    pair = session.get(model.Pair, (1, 1))
    session.delete(pair)
    session.expire_all()
    assert session.get(model.Pair, (1, 1)) is None
    assert inspect(pair).deleted


def test_a_reference_set_to_none_beats_the_foreign_key(model: Any, session: Session) -> None:
    address = model.Address(user=None, user_id=1)
    session.add(address)
    session.flush()
    assert address.user_id is None


def test_a_refused_member_leaves_the_list_alone(model: Any, session: Session) -> None:
    parent, child = session.get(model.User, 1), session.get(model.Address, 3)
    session.delete(child)
    session.flush()
    before = list(parent.addresses)
    with pytest.raises(InvalidRequestError, match="has been deleted"):
        parent.addresses.append(child)
    assert list(parent.addresses) == before and not session.dirty


@pytest.mark.parametrize("side", ["parent", "child"])
def test_a_child_given_to_a_parent_after_delete_lives(model: Any, session: Session, side: str) -> None:
    old, new = session.get(model.User, 1), session.get(model.User, 2)
    first, second = old.addresses
    assert len(new.addresses) == 1  # loaded now: loading it later would flush the delete
    session.delete(old)
    if side == "parent":
        new.addresses.append(first)
    else:
        first.user = new
    assert set(session.deleted) == {old, first, second}  # until the flush takes it back
    session.flush()
    session.flush()
    assert inspect(first).persistent and first.user_id == 2 and inspect(second).deleted


def test_adding_a_parent_leaves_its_marked_children_marked(model: Any, session: Session) -> None:
    parent = session.get(model.User, 1)
    child, _ = parent.addresses
    session.delete(child)
    session.add(parent)
    assert child in session.deleted


@pytest.mark.parametrize("forget", ["refresh", "expunge"])
def test_a_child_without_parent_is_an_orphan_even_if_the_parent_forgot_it(
    model: Any, session: Session, forget: str
) -> None:
    parent, child = session.get(model.User, 1), session.get(model.Address, 2)
    child.user = None
    getattr(session, forget)(parent)
    session.flush()
    assert inspect(child).deleted


def test_expiring_a_parent_lets_pending_children_go(model: Any, session: Session) -> None:
    parent, child = session.get(model.User, 1), model.Address()
    parent.addresses.append(child)
    session.expire(parent)
    assert inspect(child).transient and len(parent.addresses) == 2


def test_expiring_no_names_expires_all(model: Any, session: Session) -> None:
    user = session.get(model.User, 1)
    session.expire(user, [])
    assert not user.__dict__


def test_expunge_follows_loaded_collections_only(model: Any, session: Session) -> None:
    parent, child = session.get(model.User, 1), session.get(model.Address, 3)
    child.user = parent
    session.expunge(parent)
    assert inspect(child).persistent


def test_an_insert_that_fails_leaves_unset_what_was_unset(model: Any, session: Session) -> None:
    user = model.User(id=1)
    session.add(user)
    with pytest.raises(IntegrityError):
        session.flush()
    session.rollback()
    assert session.merge(user).name == "x"


def test_a_removed_child_is_an_orphan_even_if_its_reference_was_loaded_anew(model: Any, session: Session) -> None:
    parent, child = session.get(model.User, 1), session.get(model.Address, 2)
    parent.addresses.remove(child)
    with session.no_autoflush:
        session.refresh(child, ["user"])
    session.flush()
    assert inspect(child).deleted


def test_get_of_an_expired_and_changed_object_loads_it(model: Any, session: Session) -> None:
    user = session.get(model.User, 1)
    session.expire(user)
    user.name = "new"
    assert session.get(model.User, 1) is user and not session.dirty


def test_values_of_a_deleted_object_are_loaded_anew_after_the_savepoint(model: Any, session: Session) -> None:
    savepoint = session.begin_nested()
    pair = session.get(model.Pair, (1, 1))
    pair.data = "unsaved"
    session.delete(pair)
    session.flush()
    savepoint.rollback()
    assert inspect(pair).persistent and pair.data == "x"


def test_merge_of_two_objects_of_one_key_makes_one(model: Any, session: Session) -> None:
    first, again = model.Node(id=60, name="a"), model.Node(id=60)
    merged = session.merge(model.Node(id=50, children=[first, again]))
    session.flush()
    assert merged.children[0] is merged.children[1] and merged.children[0].name == "a"


def test_merge_takes_each_pair_from_the_side_it_came_from(model: Any, session: Session) -> None:
    user = session.get(model.User, 1)
    second = user.addresses[1]
    session.expunge_all()
    second.__dict__["user"] = None  # says nothing: it was reached over the collection
    merged = session.merge(user)
    assert [a.id for a in merged.addresses] == [1, 2] and all(a.user is merged for a in merged.addresses)


def test_merge_without_load_leaves_what_is_there_clean(model: Any, session: Session) -> None:
    given = session.get(model.User, 1)
    session.expunge(given)
    held = session.get(model.User, 1)
    held.name = "changed"
    assert session.merge(given, load=False) is held
    assert held.name == "x" and not session.dirty


def test_merge_of_a_pending_object_without_autoflush_makes_a_second_one(model: Any, session: Session) -> None:
    user = model.User()
    session.add(user)
    with session.no_autoflush, pytest.warns(NbsessionWarning, match="already pending"):
        assert session.merge(user) is not user


def test_save_update_halts_at_what_is_here(model: Any, session: Session) -> None:
    here, left_out = session.get(model.User, 1), model.Address()
    left_out.user = here
    session.add(model.Address(user=here))
    assert inspect(left_out).transient


def test_a_viewonly_relationship_has_no_writing_cascades(engine: Engine) -> None:
    class Base(DeclarativeBase):
        pass

    class Item(Base):
        __tablename__ = "items"
        id = Column(Integer, primary_key=True)
        owner_id = Column(ForeignKey("owners.id"))

    class Owner(Base):
        __tablename__ = "owners"
        id = Column(Integer, primary_key=True)
        items: Any = relationship("Item", viewonly=True, cascade="all")

    Base.metadata.create_all(engine)
    with Session(engine) as session:
        owner = Owner(id=1, items=[Item(id=1)])
        session.add(owner)
        assert list(session.new) == [owner]


def test_a_child_given_and_taken_back_is_an_orphan(model: Any, session: Session) -> None:
    child, parent = session.get(model.Address, 3), session.get(model.User, 1)
    parent.addresses.append(child)
    parent.addresses.remove(child)
    session.flush()
    assert inspect(child).deleted


def test_a_change_of_parent_that_expire_discards_leaves_the_row_alone(model: Any, session: Session) -> None:
    child, other = session.get(model.Node, 4), session.get(model.Node, 3)
    session.get(model.Node, 2)
    other.children.append(child)
    session.expire(other)
    session.expire(child)
    session.flush()
    assert child.parent_id == 2


def test_merge_onto_an_expired_object_compares_with_its_row(model: Any, session: Session) -> None:
    user = session.get(model.User, 1)
    session.expire(user)
    session.merge(model.User(id=1, name="x"))
    assert not session.is_modified(user)


def test_an_object_whose_key_goes_to_a_new_row_is_no_longer_in_the_session(model: Any, session: Session) -> None:
    pair = session.get(model.Pair, (1, 1))
    session.connection().exec_driver_sql("DELETE FROM pairs WHERE b = 1")
    newcomer = model.Pair(a=1, b=1)
    session.add(newcomer)
    with pytest.warns(NbsessionWarning, match="conflicts with persistent instance"):
        session.flush()
    assert inspect(pair).persistent and pair not in session and session.get(model.Pair, (1, 1)) is newcomer


def test_part_of_a_composite_key_changes_while_the_other_is_expired(model: Any, session: Session) -> None:
    pair = session.get(model.Pair, (1, 2))
    session.expire(pair)
    pair.b = 7
    session.flush()
    assert session.get(model.Pair, (1, 7)) is pair and (pair.a, pair.b) == (1, 7)


def test_a_new_key_for_an_expired_object_loads_it(model: Any, session: Session) -> None:
    pair = session.get(model.Pair, (1, 2))
    session.expire(pair)
    pair.b = 5
    assert pair.__dict__["a"] == 1 and inspect(pair).attrs.b.history == ([5], (), [2])


def test_writing_over_an_expired_object_loads_what_it_lacks(model: Any, session: Session) -> None:
    """Line 10.8: setting does not load; the flush that writes the row does, to learn its key."""
    user = session.get(model.User, 1)
    session.expire(user)
    user.name = "new"
    assert "id" not in user.__dict__
    session.flush()
    assert user.__dict__["id"] == 1 and user.__dict__["name"] == "new"


def test_an_expired_object_whose_row_is_gone_cannot_be_deleted(model: Any, session: Session) -> None:
    pair = session.get(model.Pair, (1, 2))
    session.expire(pair)
    session.connection().exec_driver_sql(f"DELETE FROM {model.Pair.__table__.name} WHERE a = 1 AND b = 2")
    session.delete(pair)
    with pytest.raises(ObjectDeletedError):
        session.flush()


def test_an_object_stays_dirty_when_the_attributes_that_changed_are_expired(model: Any, session: Session) -> None:
    """Line 17.6: dirty is optimistic; there is no net change."""
    user = session.get(model.User, 1)
    user.name = "new"
    session.expire(user, ["name"])
    assert user in session.dirty and not session.is_modified(user)
    session.flush()
    assert user not in session.dirty


def test_get_answers_with_the_object_that_a_new_one_took_the_row_from(model: Any, session: Session) -> None:
    known = session.get(model.Pair, (1, 2))
    session.expire(known)
    session.delete(known)
    session.add(model.Pair(a=1, b=2, data="z"))
    assert session.get(model.Pair, (1, 2)) is known and inspect(known).deleted


def test_get_of_an_expired_object_that_the_flush_deletes_finds_nothing(model: Any, session: Session) -> None:
    known = session.get(model.Pair, (1, 2))
    session.expire(known)
    session.delete(known)
    assert session.get(model.Pair, (1, 2)) is None


def test_who_loses_its_row_to_a_new_object_is_not_loaded_for_it(model: Any, session: Session) -> None:
    known = session.get(model.Pair, (1, 2))
    session.expire(known, ["a", "b"])
    session.delete(known)
    session.add(model.Pair(a=1, b=2, data="z"))
    session.flush()
    assert "a" not in vars(known)


def test_a_parent_that_comes_late_gives_its_key_to_a_child_that_refers_to_it_since_its_insert(
    model: Any, session: Session
) -> None:
    session.autoflush = False
    child, parent = model.Address(), model.User()
    session.add(child)
    parent.addresses.append(child)
    with pytest.warns(NbsessionWarning, match="not in session"):
        session.flush()
    assert child.user_id is None
    parent.addresses.append(child)
    session.add(child)
    session.flush()
    assert child.user_id == parent.id
