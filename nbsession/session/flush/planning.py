"""Builds the flush plan: finds what is to be written, and puts it in order. Pure; loads nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nbsession.mapping.attributes import describe
from nbsession.mapping.listening import class_hooks
from nbsession.mapping.mapper import Mapper
from nbsession.mapping.relating.relationships import Direction, Relationship
from nbsession.session.batches import by_mapper
from nbsession.session.cascades import loaded_members
from nbsession.session.flush.associating import Associating
from nbsession.session.flush.flush_plan import FlushPlan, Section
from nbsession.session.flush.linking import Linking, written_late
from nbsession.session.flush.row_switches import row_switches
from nbsession.session.flush.saving import Saving, sort_by_key, spread
from nbsession.session.flush.steps import Step, committed_value
from nbsession.session.flush.topology import components, levels
from nbsession.session.flush.workload import Workload, by_family, row_key
from nbsession.session.unit_of_work import UnitOfWork
from nbsession.tracking.instance_state import NO_VALUE, state_of


def build_plan(unit: UnitOfWork, only: set[int] | None = None) -> FlushPlan:
    """What a flush would send now.

    :param unit: the session's unit of work.
    :param only: ``id`` of the objects to flush; None: all.
    :raises CircularDependencyError: rows need each other's keys.
    """
    work = Workload(unit, only)
    linking = Linking(work)
    linking.find()
    associating = Associating(work)
    clearing, associations = associating.clearing(), associating.steps()
    switched = row_switches(work, linking.links)
    saving = Saving(linking.links, linking.late, switched)
    ordering = _Ordering(work, linking, saving)
    steps = ordering.steps(clearing, associations, switched)
    return FlushPlan(steps, saving.skipped, work.notes, linking.followed, linking.outside, ordering.sections)


class _Ordering:
    """Puts classes in order, and objects where classes need each other. A hierarchy counts as one class."""

    def __init__(self, work: Workload, linking: Linking, saving: Saving) -> None:
        self.work = work
        self.links = linking.links
        self.late = linking.late
        self.saving = saving
        self.sections: list[Section] = []
        unit, gone = work.unit, work.gone
        known = unit.modified if work.only is None else set(map(id, work.touched))
        reached = [o for a, o in linking.linked.items() if a not in unit.new and a not in known and a not in gone]
        touched = [*work.touched, *reached]
        new, removed = work.new_of, work.deleted_of
        changed = by_mapper(touched) if reached else work.touched_of
        self.inserts = by_family(work.inserts, new)
        self.updates = by_family(touched, changed)
        self.removals = by_family(work.deletes, removed)
        involved = dict.fromkeys([*self.inserts, *self.updates, *self.removals])
        classes: dict[Mapper, list[Mapper]] = {family: [] for family in involved}
        for mapper in dict.fromkeys([*new, *changed, *removed]):
            classes[mapper.base_mapper].append(mapper)
        self.before: dict[Mapper, list[Mapper]]
        if len(classes) == 1:  # a flush is mostly about one object, or many of a kind: there is nothing to put in order
            ((family, mappers),) = classes.items()
            self.before = {family: [family] if _needs_itself(family, mappers) else []}
            self.groups = [[family]]
        else:
            self.before = {family: _parents(family, classes) for family in involved}
            self.groups = components(involved, self.before)

    def steps(self, clearing: list[Step], associations: list[Step], switched: dict[int, Any]) -> list[Step]:
        """Association rows that go with an object; saves, parents first; other association rows; late foreign keys; deletes."""
        steps = list(clearing)
        for group in self.groups:
            if len(group) == 1 and group[0] not in self.before[group[0]]:
                self._save(steps, self.inserts.get(group[0], []), self.updates.get(group[0], []))
            else:
                self._save_in_circle(steps, group)
        steps += associations
        if self.late:
            steps += self.saving.late_updates()
        kept = set(map(id, switched.values()))
        for group in reversed(self.groups) if self.removals else ():
            leaving = [o for family in group for o in self.removals.get(family, ()) if id(o) not in kept]
            if leaving:
                self._remove(steps, group, leaving)
        return steps

    def _save(self, steps: list[Step], new: list[Any], touched: list[Any]) -> None:
        start = len(steps)
        steps += self.saving.save(new, touched)
        if class_hooks.count and (new or touched):
            in_order = list(touched)
            sort_by_key(in_order)
            self.sections.append(Section(start, len(steps), new, in_order, [], self.saving.updates))

    def _save_in_circle(self, steps: list[Step], group: list[Mapper]) -> None:
        """Classes that need each other, or themselves: the order is that of the objects.

        :raises CircularDependencyError: an object is, or was, above itself.
        """
        objects = {id(o): o for f in group for o in (*self.updates.get(f, ()), *self.inserts.get(f, ()))}
        nodes = {address: _Node(obj) for address, obj in objects.items()}
        before: dict[_Node, list[_Node]] = {node: [] for node in nodes.values()}
        waits: dict[_Node, list[_Node]] = {}
        for node in list(before):
            for declared, above, other in _neighbours(node.object, group):
                there = nodes.get(id(other))
                if above:  # also what waits to hear of no parent comes after what has nothing to hear
                    link = waits.setdefault(node, [])
                    if there is not None:
                        link.append(there)
                elif there is not None:
                    step = _Node(declared)
                    before[step] = [node]
                    before[there].append(step)
        for node, parents in waits.items():
            step = _Node(node.object)
            before[step] = parents
            before[node].append(step)
        depth = levels(before, before)
        for level in range(max(depth.values(), default=-1) + 1):
            for family in group:
                fresh = [o for o in self.inserts.get(family, ()) if depth[nodes[id(o)]] == level]
                touched = [o for o in self.updates.get(family, ()) if depth[nodes[id(o)]] == level]
                if fresh or touched:
                    self._save(steps, fresh, touched)

    def _remove(self, steps: list[Step], group: list[Mapper], objects: list[Any]) -> None:
        """Deletes of classes that need each other: referring rows before those they refer to.

        :raises CircularDependencyError: an object is, or was, above itself.
        """
        if len(group) == 1 and group[0] not in self.before[group[0]]:
            self._delete(steps, objects)
            return
        nodes = {id(o): _Node(o) for o in objects}
        before: dict[_Node, list[_Node]] = {node: [] for node in nodes.values()}
        for node in nodes.values():
            for _, above, other in _neighbours(node.object, group):
                there = nodes.get(id(other))
                if there is not None and above:
                    before[there].append(node)
                elif there is not None:
                    before[node].append(there)
        self._by_rows(nodes, before)
        depth = levels(nodes.values(), before)
        for level in range(max(depth.values()) + 1):
            for family in reversed(group):
                leaving = [n.object for n in nodes.values() if depth[n] == level and row_key(n.object)[0] is family]
                if leaving:
                    self._delete(steps, leaving)

    def _delete(self, steps: list[Step], objects: list[Any]) -> None:
        start = len(steps)
        steps += _deletes(objects)
        if class_hooks.count:
            self.sections.append(Section(start, len(steps), [], [], objects, self.saving.updates))

    def _by_rows(self, nodes: dict[int, _Node], before: dict[_Node, list[_Node]]) -> None:
        """Rows that refer to each other by their foreign keys, whatever is loaded."""
        rows = {row_key(node.object): node for node in nodes.values()}
        for node in nodes.values():
            for declared in state_of(node.object).mapper.relationships:
                if declared.to_one_by_key and not written_late(declared) and not declared.viewonly:
                    values = {local: _committed(node.object, local) for local, _ in declared.pairs}
                    target = rows.get((declared.mapper.base_mapper, declared.target_ident(values)))
                    if target is not None and target is not node:
                        before[target].append(node)


class _Node:
    """An object as a node of a graph: compared by identity, named when it is part of a circle."""

    __slots__ = ("object",)

    def __init__(self, obj: Any) -> None:
        self.object = obj

    def __str__(self) -> str:
        return describe(self.object)


def _deletes(objects: list[Any]) -> list[Step]:
    """The rows of objects of one hierarchy, base table last."""
    sort_by_key(objects)
    mappers = list(by_mapper(objects))
    return [Step("DELETE", shape, leaving, shape.pk_keys) for shape, leaving in reversed(spread(objects, mappers))]


def _parents(family: Mapper, classes: dict[Mapper, list[Mapper]]) -> list[Mapper]:
    """Families whose rows must be there before this one's: by its relationships, those of others to it, and foreign keys."""
    found = [
        declared.mapper.base_mapper
        for mapper in classes[family]
        for declared in mapper.relationships
        if declared.direction is Direction.MANYTOONE and not declared.viewonly and not written_late(declared)
    ]
    tables = {table for mapper in classes[family] for table in mapper.tables}
    referred = {fk.column.table for table in tables for fk in table.foreign_keys}
    for other, mappers in classes.items():
        if other is not family and any(not referred.isdisjoint(mapper.tables) for mapper in mappers):
            found.append(other)
        for declared in (declared for mapper in mappers for declared in mapper.relationships):
            if (
                declared.mapper.base_mapper is family
                and declared.direction is Direction.ONETOMANY
                and not declared.viewonly
                and not written_late(declared)
            ):
                found.append(other)
    return [other for other in found if other in classes]


def _neighbours(obj: Any, group: list[Mapper]) -> Iterator[tuple[Relationship, bool, Any]]:
    """(relationship, is it above, object) for all that an object holds or held of the classes it is in a circle with.

    For a reference that is set, to nothing or not, there is always one.
    """
    state, values = state_of(obj), obj.__dict__
    for declared in state.mapper.relationships:
        if declared.key not in values or declared.direction is Direction.MANYTOMANY or declared.viewonly:
            continue
        if declared.mapper.base_mapper not in group or written_late(declared):
            continue
        above = declared.direction is Direction.MANYTOONE
        held = values[declared.key]
        if above:
            yield declared, above, held
        for member in loaded_members(obj, declared, removed=True):
            if not above or member is not held:
                yield declared, above, member


def _needs_itself(family: Mapper, mappers: list[Mapper]) -> bool:
    """Do rows of a hierarchy refer to others of it?"""
    for mapper in mappers:
        for declared in mapper.relationships:
            if (
                declared.mapper.base_mapper is family
                and declared.direction is not Direction.MANYTOMANY
                and not declared.viewonly
                and not written_late(declared)
            ):
                return True
    return False


def _committed(obj: Any, key: str) -> Any:
    value = committed_value(obj, key)
    return None if value is NO_VALUE else value
