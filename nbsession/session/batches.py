"""Objects in batches: by class, by state, those still alive. Knows mappers; moves no state."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any

from nbsession.mapping.mapper import Mapper
from nbsession.states import ObjectState
from nbsession.tracking.alike_state import are_all_of
from nbsession.tracking.identity import IdentityMap
from nbsession.tracking.instance_state import (
    IDENT_KEY,
    NEVER_SET,
    NO_VALUE,
    forget_changes,
    ident_of,
    own_state,
    state_of,
)
from nbsession.tracking.unset import forget_unset, unset_of


def grouped(objects: Iterable[Any]) -> dict[tuple[Mapper, ObjectState], list[Any]]:
    """Objects by class and state, in order."""
    groups: dict[tuple[Mapper, ObjectState], list[Any]] = {}
    last: Any = None
    batch: list[Any] = []
    for obj in objects:
        state = obj._nbs_state
        if state is not last:
            last = state
            batch = groups.setdefault((state.mapper, state.status), [])
        batch.append(obj)
    return groups


def in_runs(objects: Iterable[Any]) -> Iterator[tuple[tuple[Mapper, ObjectState], list[Any]]]:
    """Objects by class and state as far as their order allows: for hooks, which are told of each in that order."""
    for (_, mapper, status), run in groupby(list(objects), _kind):
        yield (mapper, status), list(run)


def _kind(obj: Any) -> tuple[int, Mapper, ObjectState]:
    state = state_of(obj)
    return id(state.mapper), state.mapper, state.status


def by_mapper(objects: Collection[Any]) -> dict[Mapper, list[Any]]:
    """Objects by their mapper, in order."""
    classes: set[Any] = set(map(type, objects))
    if len(classes) == 1:  # mostly they are of one class, and nobody need look at each
        (cls,) = classes
        if "__mappers__" not in vars(cls):
            return {cls.__mapper__: list(objects)}
    groups: dict[Mapper, list[Any]] = {}
    cls = None
    batch: list[Any] = []
    for obj in objects:
        if type(obj) is not cls:
            cls = type(obj)
            mapper = cls.__mapper__
            if "__mappers__" in vars(cls):  # each object says of which mapping it is
                mapper, cls = state_of(obj).mapper, None
            batch = groups.setdefault(mapper, [])
        batch.append(obj)
    return groups


def mappers_of(objects: Iterable[Any]) -> set[Mapper]:
    """The mappers of objects: much quicker than :func:`by_mapper`, where it only matters whether there are any of a kind."""
    found: set[Mapper] = set()
    classes: set[Any] = set(map(type, objects))
    for cls in classes:
        if "__mappers__" in vars(cls):
            found.update(vars(cls)["__mappers__"].values())
        else:
            found.add(cls.__mapper__)
    return found


def idents_of(objects: Sequence[Any]) -> list[Any]:
    """The keys of objects; None of one that has none."""
    try:
        return list(map(_ident, objects))
    except AttributeError:
        return list(map(ident_of, objects))


_ident = attrgetter(IDENT_KEY)


def alive(references: Iterable[Callable[[], Any]]) -> list[Any]:
    """The objects that still exist, each once."""
    return list({id(obj): obj for reference in references if (obj := reference()) is not None}.values())


def taken_out(room: dict[int, Any], objects: Iterable[Any]) -> list[Any]:
    """Takes objects out of where they are held by ``id``: those that are there."""
    found = list(objects)
    if are_all_of(found, room):  # mostly
        room.clear()
        return found
    return [obj for obj in found if room.pop(id(obj), None) is not None]


def note_what_was_set(obj: Any) -> None:
    """Of a new object whose INSERT was sent, in a flush that failed later, it is noted what had been set on it.

    What the INSERT made is no change: a key, a first version. A collection that was only looked at is none either.
    """
    own, values = own_state(obj, state_of(obj)), obj.__dict__
    mapper = own.mapper
    for key in mapper.mapped_keys.intersection(values).difference(unset_of(obj), (mapper.version_key,)):
        declared = getattr(mapper.attributes[key], "relationship", None)
        if (
            declared is not None
            and not declared.viewonly
            and (values[key] or not isinstance(values[key], _COLLECTIONS))
        ):
            own.noting_more().related[key] = [] if declared.uselist else NEVER_SET
        elif key in mapper.column_keys:
            own.old[key] = NO_VALUE
    if not own.old and own.notes is None:
        forget_changes(obj)


_COLLECTIONS = list, set, dict


def expire_values(mapper: Mapper, objects: Sequence[Any]) -> None:
    """Drops what objects hold of their rows and relationships; what else lies in their ``__dict__`` stays."""
    keys = mapper.mapped_keys
    if "unset" in mapper.memo:
        for obj in objects:
            forget_unset(obj)
    dicts = [obj.__dict__ for obj in objects]
    only = keys.issuperset
    if only(set().union(*dicts)):  # mostly nothing else lies in any
        deque(map(dict.clear, dicts), 0)
        return
    for values in dicts:
        if only(values):
            values.clear()
        else:
            for key in keys:
                values.pop(key, None)


def expire_everything(objects: IdentityMap) -> None:
    """:func:`expire_values` for all objects of a map: what a COMMIT does, mostly of one class, and to nobody's knowledge."""
    for mapper, known in list(objects.by_mapper.items()):
        if mapper.children:
            for (one, _), batch in grouped(known.alive()).items():
                expire_values(one, batch)
        else:
            expire_values(mapper, known.alive())
