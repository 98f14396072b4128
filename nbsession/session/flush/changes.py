"""Which columns of an object differ from its row, and how notes of a plan name objects. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import eq, is_
from typing import Any

from nbsession.events import safe_repr
from nbsession.mapping.attributes import key_text
from nbsession.tracking.history import same
from nbsession.tracking.instance_state import NO_VALUE, OwnState, ident_of, state_of

_PLAIN = frozenset([int, str, bool, bytes, float])
"""types whose values can be compared without care"""


def changed_columns(obj: Any, extra: Iterable[str] = ()) -> tuple[str, ...]:
    """Keys of the columns whose value differs from the row's, in the table's order.

    :param extra: keys that a link will fill.
    """
    state = obj._nbs_state
    if not state.owned:
        wanted: set[str] = set(extra)
    else:
        values, old = obj.__dict__, state.old
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
    olds = [obj._nbs_state for obj in objects]
    keys = tuple(olds[0])
    if not keys or set(map(len, olds)) != {len(keys)}:
        return None
    for key in keys:
        try:
            before, now = [old[key] for old in olds], [values[key] for values in dicts]
        except KeyError:
            return None
        kinds = {*map(type, before), *map(type, now)}
        if not kinds <= _PLAIN or any(map(eq, before, now)):
            return None
        if float in kinds and any(map(is_, before, now)):  # it may be the same and not equal
            return None
    if len(keys) == 1:
        return keys
    return tuple(key for key in state_of(objects[0]).mapper.column_keys if key in keys)


def key_changed(obj: Any) -> bool:
    """Will the flush change the primary key of the object's row?"""
    state = state_of(obj)
    return (
        isinstance(state, OwnState)
        and not state.old.keys().isdisjoint(state.mapper.pk_keys)
        and not set(state.mapper.pk_keys).isdisjoint(changed_columns(obj))
    )


def title(obj: Any) -> str:
    """How notes name an object: ``Member#3``, or ``Member`` while it has no key."""
    key = key_text(ident_of(obj))
    return f"{type(obj).__name__}#{key}" if key is not None else f"{type(obj).__name__} ({safe_repr(obj)})"
