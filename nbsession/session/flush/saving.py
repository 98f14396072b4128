"""Makes the INSERT and UPDATE steps of objects of one hierarchy, table by table. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any

from nbsession.mapping.mapper import Mapper
from nbsession.session.batches import by_mapper
from nbsession.session.flush.changes import changed_alike, changed_columns
from nbsession.session.flush.row_shape import RowShape, shape_of, shapes_of
from nbsession.session.flush.steps import Link, Step
from nbsession.tracking.instance_state import IDENT_KEY, state_of


class Saving:
    """Makes steps of objects.

    :param links: by ``id`` of the child, the foreign keys to fill before its row is written.
    :param late: the foreign keys that get an UPDATE of their own.
    :param switched: by ``id`` of a new object, the deleted one whose row it takes over.
    :ivar skipped: (object, why) of objects that need no statement.
    """

    def __init__(self, links: dict[int, list[Link]], late: list[Link], switched: dict[int, Any]) -> None:
        self._links = links
        self._late = late
        self._touched_late = {id(link.child) for link in late}
        self._switched = switched
        self.skipped: list[tuple[Any, str]] = []

    def save(self, new: list[Any], touched: list[Any]) -> list[Step]:
        """Steps for objects that need nothing of each other: updates, taken-over rows, inserts in the order of add."""
        steps = self.updates(touched) if touched else []
        if self._switched:
            taking = [obj for obj in new if id(obj) in self._switched]
            if taking:
                steps += self._take_over(taking)
                new = [obj for obj in new if id(obj) not in self._switched]
        if new:
            steps += self._inserts(new)
        if len(steps) > 1 and any(_depth(step) for step in steps):
            steps.sort(key=_depth)  # table by table
        return steps

    def updates(self, touched: list[Any]) -> list[Step]:
        """Steps for what changed, alike changes together."""
        groups: dict[tuple[RowShape, tuple[str, ...]], list[Any]] = {}
        waiting = by_mapper(touched)
        alone = self._update_alike(waiting) if len(waiting) == 1 and len(touched) > 1 and not self._links else None
        if alone is not None:
            return [alone]
        for mapper, objects in waiting.items():
            shapes = shapes_of(mapper)
            plain = len(shapes) == 1 and mapper.version_key is None
            changed: dict[tuple[str, ...], list[Any]] = {}
            if not (self._links or (plain and len(waiting) == 1)) and len(objects) > 1:
                common = changed_alike(objects, [obj.__dict__ for obj in objects])
                if common is not None:
                    changed[common], objects = objects, []
            for obj in objects:
                links = self._links.get(id(obj)) if self._links else None
                columns = changed_columns(obj, [k for link in links for k, _ in link.keys] if links else ())
                try:
                    changed[columns].append(obj)
                except KeyError:
                    changed[columns] = [obj]
            for obj in changed.pop((), ()):
                if id(obj) not in self._touched_late:
                    self.skipped.append((obj, "no net change"))
            if plain:
                groups.update(((shapes[0], columns), alike) for columns, alike in changed.items())
                continue
            for columns, alike in changed.items():
                for shape in shapes:
                    keys = _keys_in(shape, columns)
                    if keys:
                        groups.setdefault((shape, keys), []).extend(alike)
        steps = []
        if len(groups) > 1:
            groups = _together(groups)
        for (shape, columns), objects in groups.items():
            sort_by_key(objects)
            steps.append(Step("UPDATE", shape, objects, columns, self._links_of(objects, shape)))
        return steps

    def _update_alike(self, waiting: dict[Mapper, list[Any]]) -> Step | None:
        """The one step of many objects of a class on all of which the same was set, as mostly; None if there is more to it."""
        ((mapper, touched),) = waiting.items()
        shapes = shapes_of(mapper)
        if len(shapes) != 1 or mapper.version_key is not None:
            return None
        objects = list(touched)
        sort_by_key(objects)
        dicts = [obj.__dict__ for obj in objects]
        columns = changed_alike(objects, dicts)
        if columns is None:
            return None
        step = Step("UPDATE", shapes[0], objects, columns)
        step.dicts = dicts
        return step

    def _take_over(self, taking: list[Any]) -> list[Step]:
        steps = []
        for mapper, objects in by_mapper(taking).items():
            olds = [self._switched[id(obj)] for obj in objects]
            for shape in shapes_of(mapper):
                for columns, pairs in _taken_columns(shape, objects, olds).items():
                    some, theirs = [obj for obj, _ in pairs], [old for _, old in pairs]
                    links = self._links_of(some, shape)
                    steps.append(Step("UPDATE", shape, some, columns, links, theirs, fixed=True))
        return steps

    def _inserts(self, new: list[Any]) -> list[Step]:
        mappers = list(by_mapper(new)) if len(new) > 1 else [state_of(new[0]).mapper]
        if len(mappers) == 1:
            return [
                Step("INSERT", shape, new, shape.keys, self._links_of(new, shape)) for shape in shapes_of(mappers[0])
            ]
        return [
            Step("INSERT", shape, objects, shape.keys, self._links_of(objects, shape))
            for shape, objects in spread(new, mappers)
        ]

    def _links_of(self, objects: list[Any], shape: RowShape) -> list[Link]:
        if not self._links:
            return []
        return [link for obj in objects for link in self._links.get(id(obj), ()) if link.keys[0][0] in shape.fields]

    def late_updates(self) -> list[Step]:
        """The foreign keys that are written once all rows are there."""
        groups: dict[tuple[RowShape, tuple[str, ...]], list[Link]] = {}
        for link in self._late:
            keys = [key for key, _ in link.keys]
            for shape in shapes_of(state_of(link.child).mapper):
                if keys[0] in shape.fields:
                    groups.setdefault((shape, (*keys, *shape.counted)), []).append(link)
                    break
        return [
            Step("UPDATE", shape, [link.child for link in links], keys, links, fixed=True)
            for (shape, keys), links in groups.items()
        ]


def _taken_columns(
    shape: RowShape, objects: list[Any], olds: list[Any]
) -> dict[tuple[str, ...], list[tuple[Any, Any]]]:
    """(new object, old one) by the columns that are written: all, or of a table in which the old one has no row what was set."""
    found: dict[tuple[str, ...], list[tuple[Any, Any]]] = {}
    for obj, old in zip(objects, olds, strict=True):
        there = shape.table in state_of(old).mapper.tables
        columns = shape.keys if there else tuple(key for key in shape.keys if key in obj.__dict__)
        found.setdefault(columns, []).append((obj, old))
    return found


def _depth(step: Step) -> int:
    """How many tables of its class lie above the one it writes to."""
    assert step.shape is not None
    return step.shape.mapper.tables.index(step.shape.table)


def _keys_in(shape: RowShape, columns: tuple[str, ...]) -> tuple[str, ...]:
    """Those of an object's changed columns that lie in a table. A version counts every change, wherever it lies."""
    keys = tuple(k for k in columns if k in shape.fields and k not in shape.taken_keys)
    return (*keys, *(k for k in shape.counted if k not in keys))


def _together(
    groups: dict[tuple[RowShape, tuple[str, ...]], list[Any]],
) -> dict[tuple[RowShape, tuple[str, ...]], list[Any]]:
    """Base tables first; and objects of several classes together, where the same columns of one table change."""
    alike: dict[tuple[Any, tuple[str, ...]], list[RowShape]] = {}
    for shape, columns in sorted(groups, key=lambda group: group[0].mapper.tables.index(group[0].table)):
        alike.setdefault((shape.table, columns), []).append(shape)
    found: dict[tuple[RowShape, tuple[str, ...]], list[Any]] = {}
    for (table, columns), shapes in alike.items():
        common = shapes[0] if len(shapes) == 1 else shape_of([m for s in shapes for m in s.mappers], table)
        for shape in shapes:
            found.setdefault((common or shape, columns), []).extend(groups[shape, columns])
    return found


def spread(objects: Sequence[Any], mappers: Sequence[Mapper]) -> list[tuple[RowShape, list[Any]]]:
    """Objects of several classes of a hierarchy, by the tables in which they have a row, base tables first."""
    depth: dict[Any, int] = {}
    for mapper in mappers:
        for place, table in enumerate(mapper.tables):
            depth.setdefault(table, place)
    found: list[tuple[RowShape, list[Any]]] = []
    for table in sorted(depth, key=depth.__getitem__):
        writers = [mapper for mapper in mappers if table in mapper.tables]
        chosen = set(writers)
        having = [obj for obj in objects if state_of(obj).mapper in chosen]
        shape = shape_of(writers, table)
        if shape is not None:
            found.append((shape, having))
            continue
        for mapper, run in groupby(having, lambda obj: state_of(obj).mapper):  # one name means two columns: one by one
            (alone,) = (own for own in shapes_of(mapper) if own.table is table)
            found.append((alone, list(run)))
    return found


_ident = attrgetter(IDENT_KEY)


def sort_by_key(objects: list[Any]) -> None:
    """Rows of one table are changed in the order of their keys, so that two sessions lock them in the same order."""
    try:
        objects.sort(key=_ident)
    except (TypeError, AttributeError):
        return  # keys that do not compare (a composite one with mixed types): the order they were touched in will do
