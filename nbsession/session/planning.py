"""Builds the flush plan: groups objects by class, finds foreign keys to fill, and puts all of it in order. Pure."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any

from nbsession.exc import FlushError, NbsessionWarning
from nbsession.mapping.attributes import describe
from nbsession.mapping.mapper import Mapper
from nbsession.mapping.relationships import Direction, Relationship
from nbsession.session.flush_plan import FlushPlan, Link, Step, changed_columns, title
from nbsession.session.orphans import given_up, orphans
from nbsession.session.topology import components, levels
from nbsession.session.unit_of_work import UnitOfWork, by_mapper
from nbsession.states import ObjectState
from nbsession.tracking.history import collection_history, reference_history
from nbsession.tracking.instance_state import NO_VALUE, OwnState, ident_of, state_of


def build_plan(unit: UnitOfWork, only: set[int] | None = None) -> FlushPlan:
    """What a flush would send now.

    :param unit: the session's unit of work.
    :param only: ``id`` of the objects to flush; None: all.
    :raises CircularDependencyError: rows need each other's keys.
    """
    return _Planner(unit, only).plan()


class _Planner:
    def __init__(self, unit: UnitOfWork, only: set[int] | None) -> None:
        self.unit = unit
        self.only = only
        self.inserts = self._chosen(unit.new)
        self.deletes = self._chosen(unit.marked)
        marked = set(map(id, self.deletes))
        for child, _ in orphans(unit, only):
            if id(child) not in marked:  # a real flush has marked it before it plans
                marked.add(id(child))
                self.deletes.append(child)
        gone = {id(obj) for obj in self.deletes}
        self.touched = [obj for obj in self._chosen(unit.modified) if id(obj) not in gone]
        self.gone = gone
        self.links: dict[int, list[Link]] = {}
        self.linked: dict[int, Any] = {}
        self.notes: list[str] = []
        self.skipped: list[tuple[Any, str]] = []

    def _chosen(self, objects: dict[int, Any]) -> list[Any]:
        if self.only is None:
            return list(objects.values())
        return [obj for address, obj in objects.items() if address in self.only]

    # ----------------------------------------------------------------------------------------------- links

    def plan(self) -> FlushPlan:
        inserts, updates = by_mapper(self.inserts), by_mapper(self.touched)
        for mapper, objects in inserts.items():
            for declared in mapper.relationships:
                if not declared.viewonly:
                    self._link_new(declared, objects)
        for mapper, objects in updates.items():
            for declared in mapper.relationships:
                if not declared.viewonly:
                    self._link_changed(declared, objects)
        for mapper, objects in by_mapper(self.deletes).items():
            for declared in mapper.relationships:
                if declared.direction is Direction.ONETOMANY and not declared.viewonly:
                    self._unlink_children(declared, objects)
        for obj in self.linked.values():
            if id(obj) not in self.unit.new and id(obj) not in self.unit.modified and id(obj) not in self.gone:
                updates.setdefault(state_of(obj).mapper, []).append(obj)
        return FlushPlan(self._ordered(inserts, updates), self.skipped, self.notes)

    def _link_new(self, declared: Relationship, objects: list[Any]) -> None:
        key = declared.key
        if declared.direction is Direction.MANYTOONE:
            for obj in objects:
                parent = obj.__dict__.get(key, NO_VALUE)
                if parent is None and all(obj.__dict__.get(local) is None for local, _ in declared.pairs):
                    continue
                if parent is not NO_VALUE:
                    self._link(declared, obj, parent)
            return
        for obj in objects:
            held = obj.__dict__.get(key)
            if held is not None:
                self._link_members(declared, obj, held if declared.uselist else (held,))

    def _link_changed(self, declared: Relationship, objects: list[Any]) -> None:
        key = declared.key
        for obj in objects:
            state = state_of(obj)
            if not isinstance(state, OwnState) or (key not in state.related and key not in state.queued):
                continue
            if declared.direction is Direction.MANYTOONE:
                self._link(declared, obj, obj.__dict__.get(key))
                continue
            history = collection_history(obj, key) if declared.uselist else reference_history(obj, key)
            self._link_members(declared, obj, [child for child in history.added if child is not None])
            for child in history.deleted:
                if declared.reverse is None or not declared.uselist or given_up(child, declared):
                    self._unlink_child(declared, obj, child)

    def _link_members(self, declared: Relationship, parent: Any, members: Iterable[Any]) -> None:
        back = declared.reverse.key if declared.reverse is not None else None
        for child in members:
            if back is not None and child.__dict__.get(back) is parent and self._takes_part(child):
                continue  # the many-to-one on the child links the two
            self._link(declared, child, parent)

    def _takes_part(self, obj: Any) -> bool:
        address = id(obj)
        return (address in self.unit.new or address in self.unit.modified) and (
            self.only is None or address in self.only
        )

    def _link(self, declared: Relationship, child: Any, parent: Any) -> None:
        other = parent if declared.direction is Direction.MANYTOONE else child
        if other is not None and not self._in_session(other):
            warnings.warn(
                f"Object of type {describe(other)} not in session, add operation along '{declared}' will not proceed",
                NbsessionWarning,
                stacklevel=2,
            )
            return
        if id(child) in self.gone or (
            id(child) in self.unit.new and self.only is not None and id(child) not in self.only
        ):
            return
        self._add(declared, child, parent)

    def _add(self, declared: Relationship, child: Any, parent: Any) -> None:
        if declared.direction is Direction.MANYTOONE:
            keys = declared.pairs
        else:
            keys = tuple((there, here) for here, there in declared.pairs)
        if parent is None:
            blanked = [k for k, _ in keys if k in state_of(child).mapper.pk_keys]
            if blanked:
                raise AssertionError(
                    f"Dependency rule on '{declared}' tried to blank-out primary key column(s) {', '.join(blanked)} on "
                    f"instance {describe(child)}. Delete it instead, or give it another parent."
                )
        link = Link(child, keys, parent, str(declared))
        try:
            self.links[id(child)].append(link)
        except KeyError:
            self.links[id(child)] = [link]
        self.linked[id(child)] = child

    def _unlink_child(self, declared: Relationship, parent: Any, child: Any) -> None:
        """A child that left its parent: its foreign key becomes NULL, unless it has a new parent or is deleted."""
        if (
            id(child) in self.gone
            or state_of(child).status is not ObjectState.PERSISTENT
            or not self._in_session(child)
        ):
            return
        now = child.__dict__.get(declared.reverse.key) if declared.reverse is not None else None
        moved = now is not None and now is not parent
        if moved or any(
            link.parent is not None and link.along == str(declared) for link in self.links.get(id(child), ())
        ):
            return
        self._add(declared, child, None)

    def _unlink_children(self, declared: Relationship, parents: list[Any]) -> None:
        """Children of deleted parents: their foreign keys become NULL, as far as they are loaded."""
        for parent in parents:
            held = parent.__dict__.get(declared.key, NO_VALUE)
            if held is NO_VALUE:
                if not declared.passive_deletes:
                    self.notes.append(f"{declared.key} of {title(parent)} not loaded: would SELECT")
                continue
            if declared.cascade.delete or declared.passive_deletes == "all":
                continue
            for child in held if declared.uselist else ([] if held is None else [held]):
                self._unlink_child(declared, parent, child)

    def _in_session(self, obj: Any) -> bool:
        state = state_of(obj)
        if state.status is ObjectState.PENDING:
            return id(obj) in self.unit.new
        return state.status is ObjectState.PERSISTENT and self.unit.identity_map.contains_object(obj)

    # ----------------------------------------------------------------------------------------------- order

    def _ordered(self, inserts: dict[Mapper, list[Any]], updates: dict[Mapper, list[Any]]) -> list[Step]:
        removed = by_mapper(self.deletes)
        involved = list(dict.fromkeys([*inserts, *updates, *removed]))
        before = {mapper: _parents(mapper, involved) for mapper in involved}
        groups = components(involved, before)
        switched = self._row_switches(inserts)
        steps: list[Step] = []
        for group in groups:
            if len(group) == 1 and group[0] not in before[group[0]]:
                steps += self._saves(group[0], inserts.get(group[0], []), updates.get(group[0], []), switched)
            else:
                steps += self._saves_in_circle(group, inserts, updates, switched)
        kept = {id(old) for _, old in switched.values()}
        for group in reversed(groups):
            steps += self._removals(
                group, [o for o in self.deletes if state_of(o).mapper in group and id(o) not in kept]
            )
        return steps

    def _row_switches(self, inserts: dict[Mapper, list[Any]]) -> dict[int, tuple[Any, Any]]:
        """New objects that take over the row of one deleted in the same flush: one UPDATE instead of DELETE and INSERT."""
        if not self.deletes:
            return {}
        leaving = {(state_of(obj).mapper, ident_of(obj)): obj for obj in self.deletes}
        switched: dict[int, tuple[Any, Any]] = {}
        taken: set[int] = set()
        for mapper, objects in inserts.items():
            for obj in objects:
                old = leaving.get((mapper, mapper.ident_of_values(obj.__dict__)))
                if old is None:
                    continue
                if id(old) in taken:
                    raise FlushError(
                        f"New instance {describe(obj)} with identity key {mapper.identity_key(ident_of(old))} conflicts with "
                        "another new instance of this flush: both take the place of a deleted one. Add one of them only."
                    )
                taken.add(id(old))
                switched[id(obj)] = obj, old
        return switched

    def _saves(
        self, mapper: Mapper, new: list[Any], touched: list[Any], switched: dict[int, tuple[Any, Any]]
    ) -> list[Step]:
        steps = []
        groups: dict[tuple[str, ...], list[Any]] = {}
        for obj in touched:
            links = self.links.get(id(obj)) if self.links else None
            columns = changed_columns(obj, [k for link in links for k, _ in link.keys] if links else ())
            if columns:
                groups.setdefault(columns, []).append(obj)
            else:
                self.skipped.append((obj, "no net change"))
        for columns, objects in groups.items():
            _sort_by_key(objects)
            steps.append(Step("UPDATE", mapper, objects, columns, self._links_of(objects), []))
        taking = [obj for obj in new if id(obj) in switched]
        if taking:
            olds = [switched[id(obj)][1] for obj in taking]
            steps.append(Step("UPDATE", mapper, taking, mapper.column_keys, self._links_of(taking), olds))
        fresh = [obj for obj in new if id(obj) not in switched] if taking else new
        if fresh:
            steps.append(Step("INSERT", mapper, fresh, mapper.column_keys, self._links_of(fresh), []))
        return steps

    def _links_of(self, objects: list[Any]) -> list[Link]:
        if not self.links:
            return []
        return [link for obj in objects for link in self.links.get(id(obj), ())]

    def _saves_in_circle(
        self,
        group: list[Mapper],
        inserts: dict[Mapper, list[Any]],
        updates: dict[Mapper, list[Any]],
        switched: dict[int, tuple[Any, Any]],
    ) -> list[Step]:
        """Classes that need each other, or themselves: the order is that of the objects."""
        objects = {id(o): o for mapper in group for o in (*updates.get(mapper, ()), *inserts.get(mapper, ()))}
        nodes = {address: _Node(obj) for address, obj in objects.items()}
        before = {
            node: [
                nodes[id(link.parent)]
                for link in self.links.get(address, ())
                if id(link.parent) in self.unit.new and id(link.parent) in nodes
            ]
            for address, node in nodes.items()
        }
        depth = levels(nodes.values(), before)
        steps: list[Step] = []
        for level in range(max(depth.values(), default=-1) + 1):
            for mapper in group:
                new = [o for o in inserts.get(mapper, ()) if depth[nodes[id(o)]] == level]
                touched = [o for o in updates.get(mapper, ()) if depth[nodes[id(o)]] == level]
                steps += self._saves(mapper, new, touched, switched)
        return steps

    def _removals(self, group: list[Mapper], objects: list[Any]) -> list[Step]:
        """Deletes of classes that need each other: referring rows before those they refer to."""
        if not objects:
            return []
        if len(group) == 1 and not any(r.mapper is group[0] for r in group[0].relationships):
            _sort_by_key(objects)
            return [Step("DELETE", group[0], objects, group[0].pk_keys, [], [])]
        nodes = {(state_of(o).mapper, ident_of(o)): _Node(o) for o in objects}
        before: dict[_Node, list[_Node]] = {node: [] for node in nodes.values()}
        for (mapper, _), node in nodes.items():
            for declared in mapper.relationships:
                if declared.to_one_by_key and declared.mapper in group:
                    target = nodes.get((declared.mapper, declared.target_ident(_committed(node.object))))
                    if target is not None and target is not node:
                        before[target].append(node)
        depth = levels(nodes.values(), before)
        steps = []
        for level in range(max(depth.values()) + 1):
            for mapper in reversed(group):
                leaving = [
                    n.object for n in nodes.values() if depth[n] == level and state_of(n.object).mapper is mapper
                ]
                _sort_by_key(leaving)
                if leaving:
                    steps.append(Step("DELETE", mapper, leaving, mapper.pk_keys, [], []))
        return steps


class _Node:
    """An object as a node of a graph: compared by identity, named when it is part of a circle."""

    __slots__ = ("object",)

    def __init__(self, obj: Any) -> None:
        self.object = obj

    def __str__(self) -> str:
        return describe(self.object)


def _parents(mapper: Mapper, involved: list[Mapper]) -> list[Mapper]:
    """Mappers whose rows must be there before this one's: by its relationships, those of others to it, and foreign keys."""
    found = [r.mapper for r in mapper.relationships if r.direction is Direction.MANYTOONE]
    for other in involved:
        if any(r.mapper is mapper and r.direction is Direction.ONETOMANY for r in other.relationships):
            found.append(other)
        if other is not mapper and any(fk.column.table is other.local_table for fk in mapper.local_table.foreign_keys):
            found.append(other)
    return [m for m in found if m in involved]


def _committed(obj: Any) -> dict[str, Any]:
    """Column values as the row has them."""
    state = state_of(obj)
    old = state.old if isinstance(state, OwnState) else {}
    return {**obj.__dict__, **{k: v for k, v in old.items() if v is not NO_VALUE}}


def _sort_by_key(objects: list[Any]) -> None:
    """Rows of one table are changed in the order of their keys, so that two sessions lock them in the same order."""
    try:
        objects.sort(key=ident_of)
    except TypeError:
        return  # keys that do not compare (a composite one with mixed types): the order they were touched in will do
