"""merge(): copies the state of one object onto the session's object of the same key. Knows sessions and attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbsession.exc import InvalidRequestError
from nbsession.mapping.attributes import describe
from nbsession.states import ObjectState, Trigger
from nbsession.tracking.instance_state import OwnState, ident_of, state_of

if TYPE_CHECKING:
    from nbsession.session.session import Session


def merge_into(session: Session, instance: Any, load: bool, seen: dict[int, Any] | None = None) -> Any:
    """The session's counterpart of an object, with the object's loaded state copied onto it.

    :param load: False: no SQL; the given state is taken for the row's.
    :param seen: counterparts made so far, by ``id`` of the given object: for circles.
    :raises InvalidRequestError: with ``load=False``, the object is new or has unflushed changes.
    """
    seen = {} if seen is None else seen
    if id(instance) in seen:
        return seen[id(instance)]
    state = state_of(instance)
    mapper = state.mapper
    if state.session_ref() is session and instance in session:
        seen[id(instance)] = instance
        return instance
    if not load:
        _require_clean(instance)
    ident = ident_of(instance)
    if ident is None:
        ident = mapper.ident_of_values(instance.__dict__)
    target = None if ident is None else session.find(mapper, ident)
    if target is None and ident is not None and load:
        target = session.get(mapper.class_, ident if isinstance(ident, tuple) else (ident,))
    if target is None:
        target = _counterpart(session, instance, load)
    seen[id(instance)] = target
    _copy_columns(instance, target, load)
    for declared in mapper.relationships:
        if declared.cascade.merge and declared.key in instance.__dict__:
            _copy_relationship(session, instance, target, declared, load, seen)
    return target


def _require_clean(instance: Any) -> None:
    state = state_of(instance)
    if ident_of(instance) is None:
        raise InvalidRequestError(
            f"merge() with load=False option does not support objects transient (i.e. unpersisted) objects: {describe(instance)}. "
            "flush() all changes on mapped instances before merging with load=False."
        )
    if isinstance(state, OwnState):
        raise InvalidRequestError(
            f"merge() with load=False option does not support objects marked as 'dirty': {describe(instance)}. flush() all "
            "changes on mapped instances before merging with load=False."
        )


def _counterpart(session: Session, instance: Any, load: bool) -> Any:
    """A new object of the class, without calling its constructor: pending, or persistent if nothing is loaded."""
    mapper = state_of(instance).mapper
    target = object.__new__(mapper.class_)
    mapper.give_state(target, mapper.transient)
    if load:
        session.add(target)
    else:
        ident = ident_of(instance)
        mapper.give_ident(target, ident)
        session.identity_map.of(mapper.base_mapper).put(ident, target)
        session.unit_of_work.move(mapper, (target,), ObjectState.TRANSIENT, Trigger.LOAD, "session.merge")
    return target


def _copy_columns(instance: Any, target: Any, load: bool) -> None:
    given, held = instance.__dict__, target.__dict__
    for key in state_of(instance).mapper.column_keys:
        if key not in given:
            continue
        if not load:
            held[key] = given[key]
        elif key not in held or (held[key] is not given[key] and held[key] != given[key]):
            setattr(target, key, given[key])


def _copy_relationship(
    session: Session, instance: Any, target: Any, declared: Any, load: bool, seen: dict[int, Any]
) -> None:
    key, held = declared.key, instance.__dict__[declared.key]
    attribute = state_of(target).mapper.attributes[key]
    if declared.uselist:
        members = [merge_into(session, member, load, seen) for member in held]
        if load:
            setattr(target, key, members)
        else:
            attribute.fill(target, members)
        return
    value = None if held is None else merge_into(session, held, load, seen)
    if load:
        setattr(target, key, value)
    else:
        target.__dict__[key] = value
