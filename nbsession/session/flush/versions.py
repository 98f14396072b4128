"""The versions that rows are counted by (``version_id_col``): which one a row has, and which comes next. Sends nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nbsession.session.flush.steps import committed_value
from nbsession.tracking.history import same
from nbsession.tracking.instance_state import NO_VALUE, OwnState, state_of

if TYPE_CHECKING:
    from nbsession.database.rows import Sets
    from nbsession.session.flush.row_shape import RowShape


def count_versions(shape: RowShape, objects: Sequence[Any], found: Sets, taking: bool = False) -> None:
    """The next version of each row, unless somebody set it; a second UPDATE of the flush must find the first one's.

    :param found: the values by which the rows are found, the version last.
    :param taking: are the objects new, and the rows those of others? Then any version that is set on one counts.
    """
    for key in shape.counted:
        for obj, values in zip(objects, found, strict=True):
            state = state_of(obj)
            changed = obj.__dict__.get(key) != values[-1] and isinstance(state, OwnState)
            if not (_is_given(obj, key) if taking else changed):
                obj.__dict__[key] = state.mapper.version_id_generator(values[-1])
            if isinstance(state, OwnState):
                state.old[key] = obj.__dict__[key]


def _is_given(obj: Any, key: str) -> bool:
    """Did somebody set a new object's version? What an INSERT that was undone left on it is nobody's."""
    state, value = state_of(obj), obj.__dict__.get(key, NO_VALUE)
    if value is NO_VALUE or not state.noting:
        return value is not NO_VALUE
    return isinstance(state, OwnState) and not same(state.old.get(key, value), value)


def know_version(obj: Any) -> None:
    """An object that a flush looks at knows the version of its row, though nothing is written."""
    key = state_of(obj).mapper.version_key
    if key is not None:
        version_of(obj, key)


def version_of(obj: Any, key: str) -> Any:
    """The version that the row has as far as the object knows; loaded if it does not."""
    version = committed_value(obj, key)
    if version is not NO_VALUE:
        return version
    values, state = obj.__dict__, state_of(obj)
    given = values.pop(key, NO_VALUE)
    version = getattr(obj, key)
    if given is not NO_VALUE and isinstance(state, OwnState):
        values[key], state.old[key] = given, version
    return version
