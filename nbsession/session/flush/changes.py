"""Which columns of an object differ from its row, and how notes of a plan name objects. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import eq, is_
from typing import Any

from nbsession.events import safe_repr
from nbsession.mapping.attributes import key_text
from nbsession.tracking.alike_state import KINDS
from nbsession.tracking.history import same
from nbsession.tracking.instance_state import NO_VALUE, OwnState, ident_of, state_of

_PLAIN = frozenset([int, str, bool, bytes, float])
"""types whose values can be compared without care"""
AT_ONCE = 1_000
"""values looked at several times before the next: so many are near at hand to the processor"""


def changed_columns(obj: Any, extra: Iterable[str] = ()) -> tuple[str, ...]:
    """Keys of the columns whose value differs from the row's, in the table's order.

    :param extra: keys that a link will fill.
    """
    state = obj._nbs_state
    if not state.owned:
        wanted: set[str] = set(extra)
    else:
        values, old = obj.__dict__, state.old if not state.alike else state.old_of(obj)
        if not extra and len(old) == 1:
            ((key, before),) = old.items()
            return (key,) if key in values and (before is NO_VALUE or not same(before, values[key])) else ()
        wanted = {k for k, before in old.items() if k in values and (before is NO_VALUE or not same(before, values[k]))}
        wanted.update(extra)
    return tuple(k for k in state.mapper.column_keys if k in wanted)


def changed_alike(objects: Sequence[Any], dicts: Sequence[dict[str, Any]]) -> tuple[str, ...] | None:
    """The columns in which all of many objects of one class differ from their rows, if that is quickly told; else None.

    It is where the same columns were set on all of them, to numbers or texts that are new on each.

    :param dicts: the objects' ``__dict__``.
    """
    keys, befores = _set_alike([obj._nbs_state for obj in objects], objects)
    if not keys:
        return None
    for start in range(0, len(objects), AT_ONCE):
        some = slice(start, start + AT_ONCE)
        if not all(_all_differ(key, before[some], dicts[some]) for key, before in zip(keys, befores, strict=True)):
            return None
    if len(keys) == 1:
        return keys
    return tuple(key for key in objects[0]._nbs_state.mapper.column_keys if key in keys)


def _all_differ(key: str, before: list[Any], dicts: Sequence[dict[str, Any]]) -> bool:
    """Is what objects hold, quickly told, another than before on each?"""
    try:
        now = [values[key] for values in dicts]
    except KeyError:
        return False
    kinds = {*map(type, before), *map(type, now)}
    if not kinds <= _PLAIN or any(map(eq, before, now)):
        return False
    return not (float in kinds and any(map(is_, before, now)))  # it may be the same and not equal


def _set_alike(states: list[Any], objects: Sequence[Any]) -> tuple[tuple[str, ...], list[list[Any]]]:
    """The columns that were set on all objects, and what all held under each before; none if they are not the same."""
    first = states[0]
    if first.alike and states.count(first) == len(states):
        return first.changed_keys, first.olds_of(objects)
    olds: list[Any] = states
    if not KINDS.isdisjoint(map(type, states)):  # some, and not all alike
        olds = _olds_of(states, objects)
    keys = tuple(olds[0])
    if set(map(len, olds)) != {len(keys)}:
        return (), []
    try:
        return keys, [[old[key] for old in olds] for key in keys]
    except KeyError:
        return (), []


def _olds_of(states: list[Any], objects: Sequence[Any]) -> list[dict[str, Any]]:
    """What each object held before, by key; of those that share a state it is asked for all at once."""
    olds = list(states)
    for shared in {state for state in states if state.alike}:
        places = [place for place, state in enumerate(states) if state is shared]
        keys, befores = shared.changed_keys, shared.olds_of([objects[place] for place in places])
        for place, *before in zip(places, *befores, strict=True):
            olds[place] = dict(zip(keys, before, strict=True))
    return olds


def key_changed(obj: Any) -> bool:
    """Will the flush change the primary key of the object's row?"""
    state = state_of(obj)
    return (
        isinstance(state, OwnState)
        and not state.old.keys().isdisjoint(state.mapper.pk_keys)
        and not set(state.mapper.pk_keys).isdisjoint(changed_columns(obj))
    )


def key_before(obj: Any) -> Any:
    """The key of an object that is new again before it was changed: that of the row it had; None if it was not changed."""
    state, values = state_of(obj), obj.__dict__
    if not isinstance(state, OwnState):
        return None
    keys = {k: state.old[k] for k in state.mapper.pk_keys if state.old.get(k, NO_VALUE) is not NO_VALUE}
    former = state.mapper.ident_of_values({**values, **keys}) if keys else None
    return None if former == state.mapper.ident_of_values(values) else former


def title(obj: Any) -> str:
    """How notes name an object: ``Member#3``, or ``Member`` while it has no key."""
    key = key_text(ident_of(obj))
    return f"{type(obj).__name__}#{key}" if key is not None else f"{type(obj).__name__} ({safe_repr(obj)})"
