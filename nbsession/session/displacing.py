"""Objects whose place in the identity map another one took: they stay what they are, outside of it. Moves none.

Such an object is persistent, and its session loads what it lacks; but it is not in the session, and no flush, commit or
rollback reaches it. Its state says that it is not held, so that its changes are none of the session's; all the same a
transaction begins with the first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbsession.exc import InvalidRequestError
from nbsession.mapping.attributes import describe
from nbsession.states import ObjectState
from nbsession.tracking.instance_state import CommonState, OwnState, forget_changes, ident_of, state_of

if TYPE_CHECKING:
    from nbsession.session.unit_of_work import UnitOfWork


def displace(unit: UnitOfWork, newcomer: Any, ident: Any, cause: str) -> None:
    """An object takes a place in the map: who may be there goes out."""
    places = unit.identity_map.of(state_of(newcomer).mapper.base_mapper)
    holder = places.find(ident)
    if holder is None or holder is newcomer:
        return
    places.discard(ident, holder)
    state = state_of(holder)
    apart = CommonState(state.mapper, state.status, state.session_ref)
    apart.held = False
    _share(holder, apart)
    unit.let_go(holder)
    unit.mark((holder,), "displaced", cause)


def is_displaced(unit: UnitOfWork, obj: Any) -> bool:
    """Is a persistent object of this session outside of its map?"""
    return state_of(obj).status is ObjectState.PERSISTENT and not unit.identity_map.contains_object(obj)


def put_back(unit: UnitOfWork, obj: Any) -> None:
    """A displaced object takes its place again.

    :raises InvalidRequestError: another one has it.
    """
    state, ident = state_of(obj), ident_of(obj)
    places = unit.identity_map.of(state.mapper.base_mapper)
    if places.find(ident) is not None:
        raise key_taken(obj)
    places.put(ident, obj)
    take_back(unit, obj)


def take_back(unit: UnitOfWork, obj: Any) -> None:
    """An object has a place in the map again: its changes are the session's."""
    state = state_of(obj)
    _share(obj, unit.common(state.mapper, ObjectState.PERSISTENT))
    if isinstance(state, OwnState) and (state.old or state.related or state.queued):
        unit.modified[id(obj)] = obj
    else:
        forget_changes(obj)


def _share(obj: Any, common: CommonState) -> None:
    state = state_of(obj)
    if isinstance(state, OwnState):
        state.common = common
    else:
        state.mapper.give_state(obj, common)


def key_taken(obj: Any) -> InvalidRequestError:
    """The error for an object whose key another one has in the session."""
    return InvalidRequestError(
        f"Can't attach instance {describe(obj)}; another instance with key {state_of(obj).mapper.identity_key(ident_of(obj))} "
        "is already present in this session. Use session.merge() to copy its state onto that one."
    )


def key_conflict(obj: Any, ident: Any, present: Any) -> str:
    """What is said of a new object whose key another one has.

    :param ident: the key.
    :param present: who has it.
    """
    return (
        f"New instance {describe(obj)} with identity key {state_of(obj).mapper.identity_key(ident)} conflicts with persistent "
        f"instance {describe(present)}. Change that one, or merge() the new one."
    )


def note_taken_keys(unit: UnitOfWork, error: BaseException) -> None:
    """A row was refused: if another object has the key of a new one, the error says so."""
    for obj in unit.new.values():
        mapper = state_of(obj).mapper
        ident = mapper.ident_of_values(obj.__dict__)
        present = None if ident is None else unit.identity_map.of(mapper.base_mapper).find(ident)
        if present is not None and id(present) not in unit.marked:
            error.add_note(key_conflict(obj, ident, present))
