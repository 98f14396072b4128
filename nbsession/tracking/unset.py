"""The columns that were never set when an object was inserted: they read as None, and are not loaded. Loads nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from nbsession.tracking.instance_state import state_of

UNSET_KEY = "_nbs_unset"
"""the attribute under which an object carries the columns that were never set when it was inserted; absent where all were"""


THERE = ""
"""among those columns: though nothing of its row is loaded, an object is not expired as a whole"""
_NOTHING: frozenset[str] = frozenset()


def unset_of(obj: Any) -> frozenset[str]:
    """The columns that were never set when the object was inserted, nor expired since: they read as None."""
    return getattr(obj, UNSET_KEY, _NOTHING)


def note_unset(obj: Any, keys: frozenset[str]) -> None:
    """Columns of an object that is inserted were never set."""
    before = getattr(obj, UNSET_KEY, None)
    object.__setattr__(obj, UNSET_KEY, before | keys if before else keys)


def forget_unset(obj: Any, keys: Iterable[str] | None = None) -> None:
    """Columns were expired: what the row holds is to be loaded.

    :param keys: these; None: all.
    """
    if unset_of(obj):
        object.__setattr__(obj, UNSET_KEY, _NOTHING if keys is None else unset_of(obj).difference(keys))


def is_expired(obj: Any) -> bool:
    """Is none of its row's values there, but what was set since? Not if that came of expiring one attribute after another."""
    state, values = state_of(obj), obj.__dict__
    if not values:
        return THERE not in unset_of(obj)
    mapper = state.mapper
    if mapper.pk_keys[0] in values:
        return False
    changed = state.changed_keys
    return THERE not in unset_of(obj) and not any(
        key in values and key not in changed for key in mapper.column_keys if key not in mapper.deferred_keys
    )


def note_there(obj: Any) -> None:
    """An object of which nothing is loaded is not expired: its row is taken to be there, until it is expired as a whole."""
    note_unset(obj, frozenset((THERE,)))
    state_of(obj).mapper.memo["unset"] = True
