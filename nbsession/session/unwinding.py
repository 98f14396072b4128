"""What the end of a transaction does to the objects of a unit of work: what a rollback undoes, what a commit settles.

Tells the unit of work what to move, in the order in which SQLAlchemy tells of it; moves nothing itself. Runs no SQL.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from nbsession.mapping.mapper import Mapper
from nbsession.session.batches import alive
from nbsession.session.displacing import displace
from nbsession.session.hook_points import HookPoints
from nbsession.session.undo import Frame
from nbsession.states import ObjectState, Trigger
from nbsession.tracking.instance_state import ident_of, state_of

if TYPE_CHECKING:
    from nbsession.session.unit_of_work import UnitOfWork


def unwind(unit: UnitOfWork, frame: Frame, cause: str, stays: Callable[[Mapper], bool] | None = None) -> None:
    """Undoes what happened to objects since a frame was opened: what a rollback does to them.

    Pending objects and those inserted since become transient, deleted ones persistent again; the others are expired,
    after a savepoint only those that were touched.

    :param stays: tells the mappers whose rows were committed all the same, by an engine that came first.
    """
    deleted = _ours(unit, alive(frame.deleted))
    expunged = [
        obj for obj in _in(deleted, ObjectState.DETACHED) if not state_of(obj).mapper.deleted_before(state_of(obj))
    ]
    inserted = alive(frame.inserted)
    if HookPoints.about_objects:  # it was undone before, and is told of again
        unit.tell("pending_to_transient", _in(inserted, ObjectState.TRANSIENT))
    unit.move_each(list(unit.new.values()), Trigger.UNDO_ADD, cause)
    inserted = _ours(unit, inserted)
    if stays is not None:
        inserted = [obj for obj in inserted if not stays(state_of(obj).mapper)]
        gone = [obj for obj in _in(deleted, ObjectState.DELETED) if stays(state_of(obj).mapper)]
        unit.move_each(gone, Trigger.COMMIT, cause)
    _make_new_again(unit, frame, inserted, cause)
    for obj, ident in frame.rekeyed_objects():
        if state_of(obj).status is ObjectState.PERSISTENT:
            displace(unit, obj, ident, cause)
        unit.give_key(obj, ident)
    _bring_back(unit, deleted, cause)
    unit.move_each(expunged, Trigger.ADD, cause)  # by a flush that failed they were persistent again before
    if frame.nested:
        touched = {id(obj): obj for obj in alive(frame.touched)}
        touched.update(unit.modified)  # deleted ones come back with what was changed on them
        here = unit.identity_map.contains_object  # and who was displaced by one that came back keeps what it has
        unit.expire([obj for obj in _in(touched.values(), ObjectState.PERSISTENT) if here(obj)], cause)
    else:
        unit.expire_all(cause, ending=True)


def _make_new_again(unit: UnitOfWork, frame: Frame, inserted: list[Any], cause: str) -> None:
    """Objects whose INSERT is undone have no row and no key; one whose key was changed keeps the first, as a detached one."""
    first_keys = {id(obj): ident for obj, ident in frame.rekeyed_objects()}
    was_deleted: list[Any] = []
    others: list[Any] = []
    for obj in inserted:
        state = obj._nbs_state
        (was_deleted if state.mapper.deleted_before(state) else others).append(obj)
    for batch in (was_deleted, others):
        if not first_keys:
            unit.move_each(batch, Trigger.UNDO_INSERT, cause)
            continue
        keyed = [obj for obj in batch if id(obj) in first_keys]
        left = _in(keyed, ObjectState.DETACHED)
        unit.tell("deleted_to_detached" if batch is was_deleted else "persistent_to_transient", left)
        unit.move_each(_in(keyed, ObjectState.DELETED), Trigger.EXPUNGE, cause)
        stay = set(map(id, _in(keyed, ObjectState.DETACHED)))
        unit.move_each([obj for obj in batch if id(obj) not in stay], Trigger.UNDO_INSERT, cause)
        again = _in(keyed, ObjectState.TRANSIENT)
        for obj in again:
            state_of(obj).mapper.give_ident(obj, first_keys[id(obj)])
        unit.move_each(again, Trigger.MAKE_DETACHED, cause)
    frame.give_back_values(_in(inserted, ObjectState.TRANSIENT))


def _bring_back(unit: UnitOfWork, deleted: list[Any], cause: str) -> None:
    """What was deleted, and what was to be, is persistent as before."""
    back = {id(obj): obj for obj in _in(deleted, ObjectState.PERSISTENT)} | unit.marked  # each once
    unit.tell("deleted_to_persistent", list(back.values()))
    for obj in list(unit.marked.values()):
        unit.unmark_deleted(obj, cause)
    returning = _in(deleted, ObjectState.DELETED)
    for obj in returning:
        displace(unit, obj, ident_of(obj), cause)
    unit.move_each(returning, Trigger.UNDO_DELETE, cause)


def keys_changed(unit: UnitOfWork) -> int:
    """How many changes of keys a rollback would take back."""
    return 0 if unit.frame is None else len(unit.frame.rekeyed)


def take_keys_back(unit: UnitOfWork, since: int) -> None:
    """A flush failed: its changes of keys never were, and who had a key has its place again.

    :param since: :func:`keys_changed` before it.
    """
    if unit.frame is not None:
        for reference, ident, outdone in reversed(unit.frame.rekeyed[since:]):
            obj, holder = reference(), None if outdone is None else outdone()
            if obj is not None:
                unit.give_key(obj, ident)
            if holder is not None and holder is not obj and state_of(holder).status is ObjectState.PERSISTENT:
                unit.identity_map.of(state_of(holder).mapper.base_mapper).put(ident_of(holder), holder)
        del unit.frame.rekeyed[since:]


def settle(unit: UnitOfWork, frame: Frame, cause: str, expire: bool, detach: bool) -> None:
    """What a commit does to objects: they are expired, and deleted ones detached; else these stay what they are."""
    if detach:
        if HookPoints.about_objects:  # who left in a savepoint is told of again, as what it is by now
            for obj in _in(alive(frame.deleted), ObjectState.DETACHED):
                was_deleted = state_of(obj).mapper.deleted_before(state_of(obj))
                unit.tell("deleted_to_detached" if was_deleted else "persistent_to_detached", (obj,))
        gone = _ours(unit, _in(alive(frame.deleted), ObjectState.DELETED)) if frame.deleted else []
        if gone:
            unit.move_each(gone, Trigger.COMMIT, cause)
    if expire:
        unit.expire_all(cause, ending=True)


def note_undeleted(unit: UnitOfWork, frame: Frame) -> None:
    """A transaction was closed: its objects that are called deleted stay so, but their rows are there."""
    known = [reference for reference in (*unit.undeleted, *frame.deleted) if reference() is not None]
    unit.undeleted = [one for one in known if state_of(one()).status is ObjectState.DELETED]


def is_ours(unit: UnitOfWork, obj: Any) -> bool:
    """Was the object left to this session, and did it not become somebody else's or new meanwhile?"""
    state = state_of(obj)
    new = state.status in (ObjectState.TRANSIENT, ObjectState.PENDING)
    return not new and state.session_ref() in (None, unit.session())


def _ours(unit: UnitOfWork, objects: list[Any]) -> list[Any]:
    """Those that are :func:`is_ours`: asked once for all that share a state."""
    shared, answer, found = None, False, []
    for obj in objects:
        state = obj._nbs_state
        if state is not shared:
            shared, answer = state, is_ours(unit, obj)
        if answer:
            found.append(obj)
    return found


def _in(objects: Iterable[Any], status: ObjectState) -> list[Any]:
    return [obj for obj in objects if state_of(obj).status is status]
