"""Who may enter a session, be deleted or be expired in it: the checks, with their messages, and the entry itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nbsession.exc import InvalidRequestError
from nbsession.mapping.attributes import describe
from nbsession.mapping.listening import class_hooks
from nbsession.session.displacing import is_displaced, key_taken, put_back
from nbsession.session.hook_points import HookPoints
from nbsession.session.kept_parents import keep_parent
from nbsession.session.load.load_context import NO_WISHES, give_wishes, wishes_of
from nbsession.states import IN_SESSION, ObjectState, Trigger
from nbsession.tracking.history import column_history
from nbsession.tracking.instance_state import OwnState, ident_of, state_of
from nbsession.tracking.seeing import seen
from nbsession.tracking.unset import forget_unset, is_expired, note_there, unset_of

if TYPE_CHECKING:
    from nbsession.session.session import Session
    from nbsession.session.unit_of_work import UnitOfWork


def attach(session: Session, obj: Any, cause: str, behind: bool = False) -> None:
    """Brings an object in: a transient one becomes pending, a detached one persistent; one that is here stays.

    :param behind: it comes along with another one, by the cascade.
    :raises InvalidRequestError: it is in another session, its key is taken here, or it was deleted.
    """
    state = state_of(obj)
    mapper, status = state.mapper, state.status
    unit = session.unit_of_work
    if status is ObjectState.TRANSIENT:
        if session.transaction is None or session.block is not None or session.flushing_thread is not None:
            session.work_begins()
        if state is mapper.transient:
            unit.admit(mapper, obj, cause)
        else:
            if isinstance(state, OwnState) and state.noted.adrift and not behind:
                state.noting_more().adrift = False
            unit.move(mapper, (obj,), status, Trigger.ADD, cause)
        return
    if status is not ObjectState.DETACHED:
        owner = state.session_ref()
        if owner is session:
            _stay(session, obj, status, cause)
            return
        if owner is not None:
            if status is ObjectState.DELETED:
                raise was_deleted(obj)
            session.work_begins()
            raise elsewhere(session, obj, owner)
        unit.move(mapper, (obj,), status, Trigger.SESSION_GONE, "its session is gone")
        attach(session, obj, cause)
        return
    if mapper.deleted_before(state) and (state.common is mapper.gone or cause != "session.delete"):
        raise was_deleted(obj)
    session.work_begins()
    holder = session.find(mapper, ident_of(obj))
    if holder is not None and holder is not obj:
        raise key_taken(obj)
    unit.move(mapper, (obj,), status, Trigger.ADD, cause)


def attach_plain(session: Session, objects: list[Any], cause: str) -> bool:
    """Brings in many new objects of one class that lead to nobody, all at once. False if there is more to some: none is in then."""
    state = state_of(objects[0])
    mapper = state.mapper
    if state is not mapper.transient or HookPoints.about_objects:
        return False
    if session.transaction is None or session.block is not None or session.flushing_thread is not None:
        session.work_begins()
    if set(map(type, objects)) != {type(objects[0])} or any(obj._nbs_state is not state for obj in objects):
        return False
    if mapper.declared and not set().union(*[obj.__dict__ for obj in objects]).isdisjoint(mapper.declared):
        return False
    session.unit_of_work.move(mapper, objects, ObjectState.TRANSIENT, Trigger.ADD, cause)
    return True


def _stay(session: Session, obj: Any, status: ObjectState, cause: str) -> None:
    if status is ObjectState.DELETED:
        raise was_deleted(obj)
    session.work_begins()
    session.unit_of_work.unmark_deleted(obj, cause)
    if is_displaced(session.unit_of_work, obj):
        put_back(session.unit_of_work, obj)
    session.unit_of_work.leaving.pop(id(obj), None)


def object_session(obj: Any) -> Any:
    """The session an object is in, or None.

    :raises UnmappedInstanceError: its class is not mapped.
    """
    state = state_of(obj)
    return state.session_ref() if state.status in IN_SESSION else None


def identity_text(entity: Any, ident: Any) -> str:
    """A class and a key, for a message."""
    return f"{getattr(entity, '__name__', entity)} {ident!r}"


def leaves_again(session: Session, obj: Any) -> bool:
    """Of a deleted object: does the transaction that deleted it last no longer, by close()? Then it is a detached one."""
    unit = session.unit_of_work
    others = [reference for reference in unit.undeleted if reference() is not obj]
    if len(others) == len(unit.undeleted):
        return False
    unit.undeleted = others
    unit.move_each((obj,), Trigger.EXPUNGE, "its transaction was closed")
    return True


def is_gone(obj: Any) -> bool:
    """Did a flush delete its row, in this transaction or in one that was committed?"""
    state = state_of(obj)
    deleted_here = state.status is ObjectState.DELETED and state.session_ref() is not None
    return deleted_here or state.common is state.mapper.gone


def check_key_free(session: Session, obj: Any) -> None:
    """Refuses an object whose key another one has here.

    :raises InvalidRequestError: so it is.
    """
    holder = session.find(state_of(obj).mapper, ident_of(obj))
    if holder is not None and holder is not obj:
        raise key_taken(obj)


def was_deleted(obj: Any) -> InvalidRequestError:
    """The error for an object whose row a flush has deleted."""
    return InvalidRequestError(
        f"Instance '{describe(obj)}' has been deleted. Use the make_transient() function to send this object back to the "
        "transient state, or roll back the transaction that deleted it."
    )


def elsewhere(session: Session, obj: Any, owner: Session) -> InvalidRequestError:
    """The error for an object that is in another session."""
    return InvalidRequestError(
        f"Object '{describe(obj)}' is already attached to session '{owner.hash_key}' (this is '{session.hash_key}'). Expunge it "
        "there first, or merge() it here."
    )


def check_not_elsewhere(session: Session, obj: Any) -> None:
    """Refuses an object that is in another session.

    :raises InvalidRequestError: so it is.
    """
    owner = state_of(obj).session_ref()
    if owner is not None and owner is not session:
        raise elsewhere(session, obj, owner)


def check_deletable(session: Session, obj: Any) -> None:
    """An object with a row may be deleted; a detached one is attached first.

    :raises InvalidRequestError: it has no row, or is in another session, or its key is taken.
    """
    state = state_of(obj)
    if ident_of(obj) is None or state.status in (ObjectState.TRANSIENT, ObjectState.PENDING):
        raise InvalidRequestError(
            f"Instance '{describe(obj)}' is not persisted: it has no row to delete."
            + (" Expunge it to keep it from being inserted." if state.status is ObjectState.PENDING else "")
        )
    if session.transaction is None or session.block is not None or session.flushing_thread is not None:
        session.work_begins()
    check_not_elsewhere(session, obj)
    here = state.status is not ObjectState.PERSISTENT or session.unit_of_work.identity_map.contains_object(obj)
    if state.session_ref() is None or not here:
        attach(session, obj, "session.delete")


def require_persistent(session: Session, obj: Any) -> None:
    """Refuses what only makes sense for a persistent object of this session.

    :raises InvalidRequestError: it is something else.
    """
    state = state_of(obj)
    if state.status is not ObjectState.PERSISTENT or obj not in session:
        raise InvalidRequestError(
            f"Instance '{describe(obj)}' is not persistent within this Session: it is {state.status.value}"
            + ("." if state.session_ref() in (None, session) else " in another session.")
        )


def check_keys_flushed(obj: Any, names: Sequence[str]) -> None:
    """Part of an object is found by its key: what was set on that must be in the row.

    :raises InvalidRequestError: it is not.
    """
    mapper = state_of(obj).mapper
    changed = [key for key in mapper.pk_keys if key not in names and column_history(obj, key).has_changes()]
    if changed:
        raise InvalidRequestError(
            f"Please flush pending primary key changes on attributes {set(changed)} for mapper {mapper} before proceeding "
            f"with a refresh of {', '.join(names)} of {describe(obj)}."
        )


def expire_names(unit: UnitOfWork, obj: Any, names: Sequence[str]) -> None:
    """Expires some attributes; the others keep their changes.

    :raises InvalidRequestError: the class has no such attribute.
    """
    state = state_of(obj)
    for name in names:
        if name not in state.mapper.attributes:
            raise InvalidRequestError(
                f"'{type(obj).__name__}' has no mapped attribute '{name}' to expire. It has: {', '.join(state.mapper.attributes)}."
            )
    unit.remember_inserted((obj,))
    there = not is_expired(obj)
    forget_unset(obj, names)
    wishes = wishes_of(obj)
    if wishes is not NO_WISHES:
        columns = [name for name in names if name in state.mapper.columns]
        give_wishes((obj,), wishes.without(state.mapper, columns))
    for name in names:
        held = obj.__dict__.pop(name, None)
        if isinstance(state, OwnState):
            if held is not None and name in state.related:
                keep_parent(unit, obj, name, held)
            state.forget(name)
    if there and is_expired(obj):
        note_there(obj)
    if class_hooks.count:
        class_hooks.fire("expire", (obj,), list(names))
    unit.mark((obj,), "expired", "session.expire")


def is_modified(obj: Any, include_collections: bool) -> bool:
    """Is there a net change? Of new objects, anything set counts."""
    state = seen(obj)
    if state.owned or not state.noting:
        made = (
            () if state.noting or ident_of(obj) is None else {*unset_of(obj), state.mapper.version_key}
        )  # by a refused flush
        for attribute in state.mapper.attributes.values():
            declared = getattr(attribute, "relationship", None)
            collection = declared is not None and declared.uselist
            if collection and not (include_collections and attribute.key in obj.__dict__):
                continue
            if attribute.key in made:
                continue
            if attribute.history(obj).has_changes():
                return True
    return False
