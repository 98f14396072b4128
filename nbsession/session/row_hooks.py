"""Fires the hooks on mapped classes at the rows that a load reads. Nothing is done while nobody listens."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from nbsession.mapping.listening import class_hooks
from nbsession.tracking.instance_state import state_of

if TYPE_CHECKING:
    from nbsession.tracking.identity import KeyedObjects


class Loading(NamedTuple):
    """What a ``load`` or ``refresh`` hook is told beside the object.

    :ivar session: the session that loads.
    """

    session: Any


def gaps(objects: Iterable[Any]) -> list[tuple[Any, set[str]]]:
    """(object, columns that it lacks) of those whose class has ``refresh`` hooks."""
    found = []
    for obj in objects:
        missing = {key for key in state_of(obj).mapper.column_keys if key not in obj.__dict__}
        if missing and class_hooks.of(type(obj), "refresh"):
            found.append((obj, missing))
    return found


def stale(known: KeyedObjects) -> list[tuple[Any, set[str]]]:
    """:func:`gaps` of all the objects of a map, some of which a load may fill."""
    return gaps(known.alive()) if class_hooks.count else []


def tell_loaded(session: Any, born: Sequence[Any], before: Iterable[tuple[Any, set[str]]]) -> None:
    """Fires ``load`` for new objects, and ``refresh`` for those that lacked values before and hold them now."""
    context = Loading(session)
    class_hooks.fire("load", born, context)
    for obj, missing in before:
        filled = missing & obj.__dict__.keys()
        if filled:
            class_hooks.fire("refresh", (obj,), context, filled)
