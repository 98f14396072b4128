"""What a flush does, and what of it waits for what: class by class, or object by object in circles.

An action is done as soon as all that it waits for is done; those that could be done at once are done by name. So the order is
SQLAlchemy's, also among classes that have nothing to do with each other. A hierarchy counts as one class. Pure; loads nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nbsession.exc import CircularDependencyError
from nbsession.mapping.attributes import describe
from nbsession.mapping.mapper import Mapper
from nbsession.mapping.relating.relationships import Direction, Relationship
from nbsession.session.cascades import loaded_members
from nbsession.session.flush.linking import written_late
from nbsession.session.flush.steps import committed_value
from nbsession.session.flush.topology import components, rounds
from nbsession.session.flush.workload import Participants, class_name, relationship_name, row_key
from nbsession.tracking.instance_state import NO_VALUE, OwnState, state_of

DELETE, CLEAR, RELATE, LATE, SAVE = range(5)
"""what an action does, in the order in which it comes among those that could be done at once"""


class Action:
    """What is done in one go, as a node of a graph: compared by identity, named when it is part of a circle.

    :ivar about: a hierarchy's root, a relationship, or one object.
    :ivar rank: its place among those that could be done at once.
    :ivar relates: (relationship, object) where it is done for one object alone; else None.
    """

    __slots__ = ("about", "kind", "rank", "relates")

    def __init__(self, kind: int, about: Any, rank: str, relates: tuple[Relationship, Any] | None = None) -> None:
        self.kind = kind
        self.about = about
        self.rank = kind, rank
        self.relates = relates

    def __str__(self) -> str:
        return self.about.class_.__name__ if isinstance(self.about, Mapper) else describe(self.about)


class Graph:
    """What waits for what.

    :param needed: relationships that have association rows to write.
    :param late: are foreign keys written once all rows are there?
    :ivar circle: the error for what is in a circle, once :meth:`rounds` is through; None: nothing is.
    """

    def __init__(self, parts: Participants, needed: set[Relationship], late: bool) -> None:
        self.parts = parts
        self.before: dict[Action, set[Action]] = {}
        self.alone: dict[tuple[int, int], Action] = {}
        self.circle: CircularDependencyError | None = None
        self._known: dict[tuple[int, Any], Action] = {}
        self._active: dict[Relationship, None] = {}
        for family in parts.mappers:
            self._family(SAVE, family)
        self._relationships(needed)
        self._foreign_keys()
        if late:
            last = self._action(LATE, None, "")
            for family in parts.mappers:
                self._wait((self._family(SAVE, family), last), (last, self._family(DELETE, family)))
        self._part()

    def rounds(self) -> Iterator[list[Action]]:
        """The actions that can be done at once, again and again; what is left then is in a circle, or waits for one."""
        done: set[Action] = set()
        for ready in rounds(self.before):
            done.update(ready)
            yield ready
        if len(done) < len(self.before):
            circle = next(found for found in self._circles() if done.isdisjoint(found))
            names = dict.fromkeys(
                str(action) for action in circle if action.kind in (SAVE, DELETE) and action.about is not None
            )
            self.circle = CircularDependencyError(
                f"Circular dependency detected: these rows need each other's keys: {', '.join(names)}."
            )

    def _circles(self) -> Iterator[list[Action]]:
        for found in components(self.before, self.before):
            if len(found) > 1 or found[0] in self.before[found[0]]:
                yield found

    # ── classes ──────────────────────────────────────────────────────────────────────────────────────────────────────
    def _family(self, kind: int, family: Mapper) -> Action:
        """Saving a hierarchy, or deleting, which comes after."""
        save = self._action(SAVE, family, class_name(family))
        delete = self._action(DELETE, family, class_name(family))
        self.before[delete].add(save)
        return save if kind == SAVE else delete

    def _action(self, kind: int, about: Any, rank: str) -> Action:
        known = self._known.get((kind, about))
        if known is None:
            known = self._known[kind, about] = Action(kind, about, rank)
            self.before[known] = set()
        return known

    def _wait(self, *pairs: tuple[Action, Action]) -> None:
        for first, then in pairs:
            self.before[then].add(first)

    def _relationships(self, needed: set[Relationship]) -> None:
        for mappers in self.parts.mappers.values():
            for mapper in mappers:
                for declared in mapper.relationships:
                    if not declared.viewonly and (declared in needed or self._matters(mapper, declared)):
                        self._active[declared] = None
        for declared in self._active:
            self._relate(declared)

    def _matters(self, mapper: Mapper, declared: Relationship) -> bool:
        """Does it put its classes in order? If both take part, or if anything lies under it."""
        target = declared.mapper.base_mapper
        if target is not mapper.base_mapper and target in self.parts.mappers:
            return True
        return any(holds(obj, declared) for room in self.parts.objects for obj in room.get(mapper, ()))

    def _relate(self, declared: Relationship) -> None:
        here, there = declared.parent.base_mapper, declared.mapper.base_mapper
        save, delete = self._family(SAVE, here), self._family(DELETE, here)
        save_other, delete_other = self._family(SAVE, there), self._family(DELETE, there)
        rank = relationship_name(declared)
        relate, clear = self._action(RELATE, declared, rank), self._action(CLEAR, declared, rank)
        if declared.direction is Direction.MANYTOMANY:
            self._wait((save, relate), (save_other, relate), (relate, delete_other))
            self._wait((clear, save), (clear, delete), (clear, save_other), (clear, delete_other))
        elif written_late(declared):
            self._wait((save, relate), (save_other, relate), (relate, delete), (relate, delete_other))
        elif declared.direction is Direction.ONETOMANY:
            self._wait((save, relate), (relate, save_other), (relate, delete_other), (save_other, delete))
            self._wait((delete_other, delete), (clear, save_other), (clear, delete_other))
        else:
            self._wait((save_other, relate), (relate, save), (save, delete_other), (delete, delete_other))

    def _foreign_keys(self) -> None:
        """Tables that refer to one another without a relationship, one way."""
        families = self.parts.mappers
        related = {(r.parent.base_mapper, r.mapper.base_mapper) for r in self._active}
        for family, mappers in families.items():
            referred = {fk.column.table for mapper in mappers for table in mapper.tables for fk in table.foreign_keys}
            for other, theirs in families.items() if referred else ():
                if other is family or (family, other) in related or (other, family) in related:
                    continue
                if any(not referred.isdisjoint(mapper.tables) for mapper in theirs):
                    related.add((family, other))
                    self._wait((self._family(SAVE, other), self._family(SAVE, family)))
                    self._wait((self._family(DELETE, family), self._family(DELETE, other)))

    # ── objects ──────────────────────────────────────────────────────────────────────────────────────────────────────
    def _part(self) -> None:
        """Classes that need each other, or themselves, are parted into their objects."""
        parted = {action for circle in self._circles() for action in circle}
        if not parted:
            return
        into: dict[Action, list[Action]] = {action: [] for action in parted}
        families = [action for action in self.before if action in parted and isinstance(action.about, Mapper)]
        for action in families:
            for obj in self._objects(action):
                one = self.alone[action.kind, id(obj)] = Action(action.kind, obj, action.rank[1])
                self.before[one] = set()
                into[action].append(one)
        for action in families:
            if action.kind == DELETE:
                self._saved_first(action, into)
        broken = {(RELATE if action.kind == SAVE else CLEAR, action.about) for action in families}
        dropped = {  # association rows are written together all the same
            action
            for action in self.before
            if isinstance(declared := action.about, Relationship)
            and declared.direction is not Direction.MANYTOMANY
            and (action.kind, declared.parent.base_mapper) in broken
        }
        parted |= dropped
        for then, firsts in list(self.before.items()):
            if then in dropped:
                continue
            for first in [first for first in firsts if first in parted]:
                firsts.discard(first)
                if then not in parted:
                    firsts.update(into.get(first, ()))
            if then in parted:
                for one in into[then]:
                    self.before[one].update(firsts)
        for action in parted:
            del self.before[action]
        for action in families:
            self._among(action, into)
        if any(action.kind == DELETE for action in families):
            self._by_rows()

    def _objects(self, action: Action) -> list[Any]:
        parts, family = self.parts, action.about
        if action.kind == DELETE:
            return parts.removals.get(family, [])
        return [*parts.updates.get(family, ()), *parts.inserts.get(family, ())]

    def _saved_first(self, delete: Action, into: dict[Action, list[Action]]) -> None:
        """Rows are saved before others of their class are deleted."""
        saves = into.get(self._family(SAVE, delete.about))
        if saves and into[delete]:
            gate = Action(RELATE, None, "")
            self.before[gate] = set(saves)
            for one in into[delete]:
                self.before[one].add(gate)

    def _among(self, action: Action, into: dict[Action, list[Action]]) -> None:
        """What the objects of a class hold, and held, tells which of them wait for which."""
        leaving = action.kind == DELETE
        for one in into[action]:
            for declared in state_of(one.about).mapper.relationships:
                if declared.direction is Direction.MANYTOMANY or declared not in self._active:
                    continue
                if declared.key not in one.about.__dict__:
                    continue
                members = _neighbours(one.about, declared)
                if not members:
                    continue
                step = Action(CLEAR if leaving else RELATE, None, "", (declared, one.about))
                self.before[step] = set()
                for member in members:
                    self._join(declared, one, step, member, leaving)

    def _join(self, declared: Relationship, one: Action, step: Action, member: Any, leaving: bool) -> None:
        other = declared.mapper.base_mapper
        pairs: list[tuple[Action | None, bool]]
        if self._known[SAVE, other] in self.before:  # the other class is in no circle
            pairs = [(self._known[SAVE, other], False), (self._known[DELETE, other], True)]
        else:
            goes = self.alone.get((DELETE, id(member)))
            pairs = [(goes, True) if goes is not None else (self.alone.get((SAVE, id(member))), False)]
        for action, goes_too in pairs:
            for first, then in _joined(declared, one, step, action, leaving, goes_too):
                if first is not None and then is not None:
                    self.before[then].add(first)

    def _by_rows(self) -> None:
        """Rows that refer to each other by their foreign keys, whatever is loaded: those that refer go first."""
        leaving = [action for (kind, _), action in self.alone.items() if kind == DELETE]
        rows = {row_key(action.about): action for action in leaving}
        for action in leaving:
            for declared in state_of(action.about).mapper.relationships:
                if declared.to_one_by_key and not written_late(declared) and not declared.viewonly:
                    values = {local: _committed(action.about, local) for local, _ in declared.pairs}
                    target = rows.get((declared.mapper.base_mapper, declared.target_ident(values)))
                    if target is not None and target is not action:
                        self.before[target].add(action)


def _joined(
    declared: Relationship, one: Action, step: Action, other: Action | None, leaving: bool, other_leaves: bool
) -> list[tuple[Action | None, Action | None]]:
    """(first, then) for an object and another that lies under a relationship of it."""
    if written_late(declared):
        return [] if leaving else [(one, step), (other, step)]
    if declared.direction is Direction.ONETOMANY:
        return [(step, other), (other, one)] if leaving else [(one, step), (step, other), (one, other)]
    if leaving:
        return [(one, other)] if other_leaves else []
    return [(step, one)] if other_leaves else [(other, step), (step, one)]


def holds(obj: Any, declared: Relationship) -> bool:
    """Does, or did, anything lie under a relationship of the object, be it that it refers to nothing?"""
    state, key = state_of(obj), declared.key
    held = isinstance(state, OwnState) and key in state.related and (not declared.uselist or bool(state.related[key]))
    if held or (isinstance(state, OwnState) and key in state.queued):
        return True
    return key in obj.__dict__ and (not declared.uselist or bool(declared.members(obj.__dict__[key])))


def _neighbours(obj: Any, declared: Relationship) -> list[Any]:
    """All that an object holds or held under a relationship. For a reference that is set, there is always one."""
    members = loaded_members(obj, declared, removed=True)
    return [None] if not members and not declared.uselist else members


def _committed(obj: Any, key: str) -> Any:
    value = committed_value(obj, key)
    return None if value is NO_VALUE else value
