"""merge(): copies the state of one object onto the session's object of the same key. Knows sessions and attributes."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nbsession.exc import InvalidRequestError, NbsessionWarning, StaleDataError
from nbsession.mapping.attributes import NEW, describe
from nbsession.mapping.relating.relationships import Relationship
from nbsession.session.cascades import held_by
from nbsession.states import ObjectState, Trigger
from nbsession.tracking.instance_state import NO_VALUE, OwnState, ident_of, state_of
from nbsession.tracking.unset import forget_unset, note_there, unset_of

if TYPE_CHECKING:
    from nbsession.session.session import Session


class Merging:
    """What one call of merge() has met so far.

    :ivar load: False: no SQL; the given state is taken for the row's.
    :ivar options: loader options for the object that was given, if it has to be loaded.
    :ivar done: counterparts, by ``id`` of the given object: for circles.
    :ivar by_key: counterparts, by mapper and key: two given objects of one key have one counterpart.
    :ivar along: (``id`` of the given object, relationship it was reached over): its other side says nothing new.
    """

    __slots__ = ("along", "by_key", "done", "load", "options", "session")

    def __init__(self, session: Session, load: bool, options: Sequence[Any] = ()) -> None:
        self.session = session
        self.load = load
        self.options = options
        self.done: dict[int, Any] = {}
        self.by_key: dict[Any, Any] = {}
        self.along: set[tuple[int, Relationship]] = set()


def merge_into(merging: Merging, instance: Any) -> Any:
    """The session's counterpart of an object, with the object's loaded state copied onto it.

    :raises InvalidRequestError: with ``load=False``, the object is new or has unflushed changes.
    """
    if id(instance) in merging.done:
        return merging.done[id(instance)]
    session, mapper = merging.session, state_of(instance).mapper
    if state_of(instance).status is ObjectState.PERSISTENT and instance in session:
        merging.done[id(instance)] = instance
        if not merging.load:
            _take_as_loaded(session, instance)
        return instance
    ident = ident_of(instance)
    if ident is None:
        _check_new(instance, session, merging.load)
        ident = mapper.ident_of_values(instance.__dict__)
    target = _present(merging, mapper, mapper.partial_ident(instance.__dict__) if ident is None else ident)
    if target is None:
        target = _counterpart(session, instance, merging.load)
    merging.done[id(instance)] = target
    if ident is not None:
        merging.by_key[mapper, ident] = target
    _check_version(instance, target)
    for declared in mapper.relationships:
        if declared.cascade.merge and declared.key in instance.__dict__:
            _copy_relationship(merging, instance, target, declared)
    _copy_columns(session, instance, target, merging.load)
    if not merging.load:
        _take_as_loaded(session, target)
    return target


def _take_as_loaded(session: Any, obj: Any) -> None:
    """What it holds is its row's. It is not expired any more, even if it holds nothing."""
    note_there(obj)
    session.unit_of_work.take_as_loaded(obj)


def _check_version(instance: Any, target: Any) -> None:
    """An object of another version than the row is not merged: somebody changed the row meanwhile.

    :raises StaleDataError: the versions differ.
    """
    key = state_of(target).mapper.version_key
    if key is None or state_of(target).status is not ObjectState.PERSISTENT or key not in instance.__dict__:
        return
    given, there = instance.__dict__[key], target.__dict__.get(key, NO_VALUE)
    if there is not NO_VALUE and given != there:
        raise StaleDataError(
            f"Version id '{given}' on merged state {describe(instance)} does not match existing version '{there}'. Leave "
            "the version attribute of the merged instance unset if overwriting the row anyway is intended."
        )


def _present(merging: Merging, mapper: Any, ident: Any) -> Any:
    """The object of a key that is in the session, was met in this merge, or is in the database."""
    if ident is None or (isinstance(ident, tuple) and all(part is None for part in ident)):
        return None
    target = merging.by_key.get((mapper, ident))
    if target is not None:
        return target
    present = merging.session.find(mapper, ident)
    if present is not None or not merging.load:
        return present
    options = () if merging.done else merging.options
    return merging.session.get(
        mapper.class_,
        ident if isinstance(ident, tuple) else (ident,),
        options=options,
        entity_name=mapper.entity_name,
    )


def _check_new(instance: Any, session: Session, load: bool) -> None:
    if not load:
        raise InvalidRequestError(
            f"merge() with load=False option does not support objects transient (i.e. unpersisted) objects: {describe(instance)}. "
            "flush() all changes on mapped instances before merging with load=False."
        )
    if instance in session:
        warnings.warn(
            f"Instance {describe(instance)} is already pending in this Session yet is being merged again; this is probably "
            "not what you want to do",
            NbsessionWarning,
            stacklevel=2,
        )


def _counterpart(session: Session, instance: Any, load: bool) -> Any:
    """A new object of the class, without calling its constructor: pending, or persistent if nothing is loaded."""
    mapper = state_of(instance).mapper
    if not load and isinstance(state_of(instance), OwnState):
        raise InvalidRequestError(
            f"merge() with load=False option does not support objects marked as 'dirty': {describe(instance)}. flush() all "
            "changes on mapped instances before merging with load=False."
        )
    target = object.__new__(mapper.class_)
    mapper.give_state(target, mapper.transient if load else mapper.detached)
    if load:
        session.add(target)
    else:
        session.work_begins()
        mapper.give_ident(target, ident_of(instance))
        session.unit_of_work.move(mapper, (target,), ObjectState.DETACHED, Trigger.ADD, "session.merge")
    return target


def _copy_columns(session: Session, instance: Any, target: Any, load: bool) -> None:
    given, mapper = instance.__dict__, state_of(instance).mapper
    unset = unset_of(target)
    if unset:  # what was not copied is asked of the row
        forget_unset(target, [key for key in unset if key not in given])
    foreign = load and not state_of(target).mapper.isa(mapper)
    for key in mapper.column_keys:
        if foreign and key not in state_of(target).mapper.columns:
            raise _not_of_the_class(instance, target, key)
        if key in given:
            if load:
                if key in mapper.pk_keys and key not in target.__dict__ and state_of(target).status not in NEW:
                    session.load_missing(target, key)  # expired: what is copied next is compared with its row
                setattr(target, key, given[key])
            else:
                target.__dict__[key] = given[key]


def _not_of_the_class(instance: Any, target: Any, key: str) -> KeyError:
    """The error, as in SQLAlchemy, for an attribute that the object in the session does not have."""
    error = KeyError(key)
    error.add_note(
        f"{describe(target)}, which the session has under the key of {describe(instance)}, is no {type(instance).__name__} and has "
        f"no attribute {key!r}: expunge it, or let the session load the object as what its row says it is."
    )
    return error


def _copy_relationship(merging: Merging, instance: Any, target: Any, declared: Relationship) -> None:
    if merging.load and declared.reverse is not None and (id(instance), declared.reverse.relationship) in merging.along:
        return
    key, held = declared.key, instance.__dict__[declared.key]
    if declared.uselist and merging.load:
        held_by(target, key)  # by one SELECT, so that each member is found in the session
    members = declared.members(held)
    merging.along.update((id(member), declared) for member in members)
    merged = [merge_into(merging, member) for member in members]
    value = merged if declared.uselist else merged[0] if merged else None
    if merging.load and declared.uselist:
        state_of(target).mapper.attributes[key].assign(target, merged)
    elif merging.load:
        setattr(target, key, value)
    elif declared.uselist:
        state_of(target).mapper.attributes[key].fill(target, merged)
    else:
        target.__dict__[key] = value
