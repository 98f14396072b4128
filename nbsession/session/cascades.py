"""Which objects a deed reaches through relationships. Walks without recursion; only ``delete`` may load on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from nbsession.mapping.attributes import NEW
from nbsession.mapping.mapper import Mapper
from nbsession.mapping.relating.relationships import Relationship
from nbsession.states import ObjectState
from nbsession.tracking.history import collection_history
from nbsession.tracking.instance_state import Absent, state_of

HAS_ROW = (ObjectState.PERSISTENT, ObjectState.DETACHED)


def waiting_members(obj: Any, declared: Relationship, removed: bool) -> list[Any]:
    """What was added to a dynamic collection since the last flush."""
    history = collection_history(obj, declared.key)
    return [*history.added, *(history.deleted if removed else ())]


def loaded_members(obj: Any, declared: Relationship, removed: bool = False) -> list[Any]:
    """The objects a relationship holds, as far as it is loaded.

    :param removed: also those removed since the last flush.
    """
    held = obj.__dict__.get(declared.key)
    if declared.uselist:
        if held is None:
            return waiting_members(obj, declared, removed) if declared.lazy == "dynamic" else []
        if removed and obj._nbs_state.owned:
            return list(collection_history(obj, declared.key).sum())  # what was added comes first
        return list(declared.members(held))
    if declared.key not in obj.__dict__:  # not loaded; or deleted, and then what it held is let go
        return []
    members = [] if held is None else [held]
    state = obj._nbs_state
    if removed and state.owned:
        old = state.related.get(declared.key)
        if old is not None and not isinstance(old, Absent) and old is not held:
            members.append(old)
    return members


def held_by(obj: Any, key: str) -> Any:
    """What a relationship holds, loaded if need be: also one that is an error to touch, for it is not the user who does."""
    if key in obj.__dict__:
        return obj.__dict__[key]
    state = state_of(obj)
    session = None if state.status in NEW else state.session_ref()
    return getattr(obj, key) if session is None else session.load_related(obj, key, raising=False)


def check_class(declared: Relationship, member: Any) -> None:
    """A cascade goes no further than objects of the related class.

    :raises AssertionError: it has come to another one.
    """
    if not isinstance(member, declared.mapper.class_):
        raise AssertionError(
            f"Attribute '{declared.key}' on class '{declared.class_.__name__}' doesn't handle objects of type "
            f"'{type(member).__name__}': it takes {declared.mapper.class_.__name__} objects."
        )


def reached(
    obj: Any, deed: str, removed: bool = False, halt: Callable[[Any], bool] | None = None, itself: bool = False
) -> Iterator[tuple[Any, Relationship]]:
    """(object, relationship) for every object that a cascade reaches over loaded relationships, each once.

    Expiring passes by new objects, and what lies behind them, where they are not orphans by it.

    :param deed: a field of :class:`~nbsession.mapping.relating.cascade.Cascade`.
    :param removed: along with the members that were removed since the last flush.
    :param halt: members of which this is true are left out, and so is what lies behind them.
    :param itself: also the object itself, if a relationship leads back to it.
    """
    seen = set() if itself else {id(obj)}

    def next_ones(current: Any) -> Iterator[tuple[Any, Relationship]]:
        for declared in state_of(current).mapper.relationships:
            if not getattr(declared.cascade, deed):
                continue
            fresh = []
            passes_by_new = deed == "refresh_expire" and not declared.cascade.delete_orphan
            for member in loaded_members(current, declared, removed):
                if passes_by_new and member is not None and state_of(member).status in NEW:
                    continue
                if member is not None and id(member) not in seen and not (halt is not None and halt(member)):
                    check_class(declared, member)
                    seen.add(id(member))
                    fresh.append((member, declared))
            yield from fresh

    return _deeply(obj, next_ones)


def _deeply(
    obj: Any, next_ones: Callable[[Any], Iterator[tuple[Any, Relationship]]]
) -> Iterator[tuple[Any, Relationship]]:
    """Each member, then what lies behind it, then the next: the order in which new objects come into a session."""
    open_ones = [next_ones(obj)]
    while open_ones:
        step = next(open_ones[-1], None)
        if step is None:
            open_ones.pop()
        else:
            yield step
            open_ones.append(next_ones(step[0]))


def deletes_along(mapper: Mapper) -> bool:
    """Has a class relationships with delete cascade? Asked for every object that is deleted."""
    answer: bool | None = mapper.memo.get("deletes along")
    if answer is None:
        answer = mapper.memo["deletes along"] = any(declared.cascade.delete for declared in mapper.relationships)
    return answer


def reached_by_delete(obj: Any) -> Iterator[tuple[Any, str]]:
    """What ``delete(obj)`` deletes along: unloaded relationships are loaded, unless passive_deletes.

    A member comes before what lies behind it, and that before the next member. Loading may flush: which of them have a row is
    known only afterwards.
    """
    seen = {id(obj)}

    def next_ones(current: Any) -> Iterator[tuple[Any, Relationship]]:
        for declared in state_of(current).mapper.relationships:
            if not declared.cascade.delete:
                continue
            state = state_of(current)
            detached = state.status not in NEW and state.session_ref() is None  # what it has not loaded is not reached
            if declared.key not in current.__dict__ and (declared.passive_deletes or detached):
                continue
            fresh = []
            for member in declared.members(held_by(current, declared.key)):
                if member is not None and id(member) not in seen:
                    seen.add(id(member))
                    fresh.append((member, declared))
            yield from fresh

    return ((member, str(declared)) for member, declared in _deeply(obj, next_ones))
