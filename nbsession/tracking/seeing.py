"""Looks at the state behind an object and leaves it as it is. Knows the three forms; changes none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nbsession.tracking.alike_state import AlikeState
from nbsession.tracking.instance_state import AnyState, state_of


def seen(obj: Any) -> AnyState | AlikeState:
    """The state behind a mapped object, to be looked at only.

    :func:`~nbsession.tracking.instance_state.state_of` gives an object that shares a state with others one of its own; looking
    at some of thousands would make a flush of all take the long way.

    :raises UnmappedInstanceError: it is no instance of a mapped class.
    """
    try:
        state: AnyState | AlikeState = obj._nbs_state
    except AttributeError:
        return state_of(obj)
    return state_of(obj) if isinstance(obj, type) else state


def old_values(obj: Any) -> Mapping[str, Any]:
    """Key to the column value before the first change, or NO_VALUE; of an object that did not change: nothing."""
    state = seen(obj)
    return state.old_of(obj) if isinstance(state, AlikeState) else state.old
