"""What changed on one attribute since the row was last known. Pure values: loads nothing."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, NamedTuple

from nbsession.tracking.instance_state import NEVER_SET, NO_VALUE, Absent, OwnState
from nbsession.tracking.seeing import old_values, seen


class History(NamedTuple):
    """The change of one attribute.

    :ivar added: values that the row does not have yet.
    :ivar unchanged: values as in the row.
    :ivar deleted: values that the row still has.
    """

    added: Any
    unchanged: Any
    deleted: Any

    def has_changes(self) -> bool:
        """Was anything added or deleted?"""
        return bool(self.added or self.deleted)

    def empty(self) -> bool:
        """Is nothing known?"""
        return not (self.added or self.unchanged or self.deleted)

    def sum(self) -> Any:
        """All values together."""
        return [*self.added, *self.unchanged, *self.deleted]

    def non_deleted(self) -> Any:
        """Added and unchanged values."""
        return [*self.added, *self.unchanged]


NO_HISTORY = History((), (), ())


def column_history(obj: Any, key: str) -> History:
    """The history of a column attribute."""
    return _single_history(obj, key, "old", same)


def reference_history(obj: Any, key: str) -> History:
    """The history of a many-to-one (or one-to-one) attribute. That it referred to nothing before is not told."""
    if key not in obj.__dict__:
        state = seen(obj)
        if isinstance(state, OwnState) and key in state.related:  # del obj.attribute
            old = state.related[key]
            if old is NEVER_SET:
                return NO_HISTORY
            return History([None], (), ()) if old is None or old is NO_VALUE else History((), (), [old])
        return NO_HISTORY
    history = _single_history(obj, key, "related", operator.is_)
    return history._replace(deleted=()) if history.deleted and history.deleted[0] is None else history


def _single_history(obj: Any, key: str, noted: str, equal: Callable[[Any, Any], bool]) -> History:
    """The history of an attribute that holds one value.

    :param noted: what holds the values before: ``old`` or ``related``.
    """
    state = seen(obj)
    values = obj.__dict__
    if key not in values:
        return NO_HISTORY
    current = values[key]
    if not state.noting:
        return History([current], (), ())
    related = state.related if isinstance(state, OwnState) else {}
    before = old_values(obj) if noted == "old" else related
    old = before.get(key, before)
    if old is before:  # nothing is noted
        return History((), [current], ())
    if isinstance(old, Absent):
        return History([current], (), ())
    return History((), [current], ()) if equal(old, current) else History([current], (), [old])


def members_of(collection: Any) -> list[Any]:
    """The related objects in a collection, whatever its class.

    :param collection: a list, a set, a dict (its values are the members), one of a class of one's own, or None for none.

    >>> members_of({"a": 1, "b": 2})
    [1, 2]
    """
    if collection is None:
        return []
    own = getattr(collection, "_nbs_members", None)
    if own is not None:
        return list(own())
    if isinstance(collection, (list, set)):
        return list(collection)
    return list(collection.values() if hasattr(collection, "values") else collection)


def collection_history(obj: Any, key: str) -> History:
    """The history of a collection; of one that is not loaded, only what is queued on it."""
    state = seen(obj)
    current = obj.__dict__.get(key)
    if current is None:
        if isinstance(state, OwnState) and key in state.queued:
            added, removed = state.queued[key]
            return History(list(added), (), list(removed))
        return NO_HISTORY
    members = members_of(current)
    if not state.noting:
        return History(members, (), ())
    if not isinstance(state, OwnState) or key not in state.related:
        return History((), members, ())
    before = state.related[key]
    known, held = {id(m) for m in before}, {id(m) for m in members}
    return History(
        [m for m in members if id(m) not in known],
        [m for m in members if id(m) in known],
        [m for m in before if id(m) not in held],
    )


def same(old: Any, new: Any) -> bool:
    """Would writing ``new`` over ``old`` change the row? A comparison that raises counts as a change."""
    if old is new:
        return True
    try:
        return bool(old == new)
    except Exception:
        return False
