"""Makes the steps of a flush, in order; where classes or objects need each other, :mod:`action_graph` tells the order. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nbsession.exc import CircularDependencyError
from nbsession.mapping.listening import class_hooks
from nbsession.mapping.mapper import Mapper
from nbsession.mapping.relating.relationships import Direction, Relationship
from nbsession.session.batches import by_mapper
from nbsession.session.flush.action_graph import CLEAR, DELETE, LATE, RELATE, SAVE, Action, Graph
from nbsession.session.flush.flush_plan import Relating, Section
from nbsession.session.flush.linking import Linking, written_late
from nbsession.session.flush.saving import Saving, sort_by_key, spread
from nbsession.session.flush.steps import Link, Step
from nbsession.session.flush.workload import Participants, Workload, row_key


class Ordering:
    """The order of one flush.

    :param switched: deleted objects whose row is taken over.
    :ivar sections: which steps belong together, for hooks on classes.
    :ivar outside: links of members that are in no session, for which no step is left to be filled before.
    :ivar relating: when foreign keys are filled, for a flush that fails half-way; empty where nothing is to be put in order.
    :ivar circle: the error to raise once all that is in no circle, and waits for none, is written; None: all is in order.
    """

    def __init__(self, work: Workload, linking: Linking, saving: Saving, switched: dict[int, Any]) -> None:
        self.new = work.unit.new
        self.late = bool(linking.late)
        self.saving = saving
        self.kept = set(map(id, switched.values()))
        self.circle: CircularDependencyError | None = None
        self.sections: list[Section] = []
        self.relating: list[Relating] = []
        self.parts = Participants(work, linking.linked)
        self._outside = linking.outside
        self._fills: list[tuple[int, list[Link]]] = []
        self._steps: list[Step] = []

    def steps(self, clearing: list[Step], associations: list[Step]) -> list[Step]:
        """All steps that can be put in order.

        :param clearing: association rows that go with a deleted object.
        :param associations: other association rows.
        """
        # a flush is mostly about one object, or many of a kind: there is nothing to put in order
        if len(self.parts.mappers) == 1:
            ((family, mappers),) = self.parts.mappers.items()
            if not _needs_itself(family, mappers):
                self._learn(leaving=True)
                self._steps += clearing
                self._save(self.parts.inserts.get(family, []), self.parts.updates.get(family, []))
                self._learn()
                self._steps += associations
                self._steps += self.saving.late_updates() if self.late else ()
                self._delete(self.parts.removals.get(family, []))
                return self._filled()
        related: dict[tuple[int, Relationship], list[Step]] = {}
        for kind, found in ((CLEAR, clearing), (RELATE, associations)):
            for step in found:
                assert step.relationship is not None
                related.setdefault((kind, step.relationship), []).append(step)
        graph = Graph(self.parts, {declared for _, declared in related}, self.late)
        for ready in graph.rounds():
            place = len(self._steps)
            self.relating += [
                Relating(place, action.kind == CLEAR, *(action.relates or (action.about, None)))
                for action in ready
                if action.relates is not None or isinstance(action.about, Relationship)
            ]
            for kind, about, objects in _together(ready):
                if kind == SAVE and objects is None:
                    self._save(self.parts.inserts.get(about, []), self.parts.updates.get(about, []))
                elif kind == SAVE:
                    some = objects or []
                    self._save([o for o in some if id(o) in self.new], [o for o in some if id(o) not in self.new])
                elif kind == DELETE:
                    self._delete(self.parts.removals.get(about, []) if objects is None else objects)
                elif kind == LATE:
                    self._steps += self.saving.late_updates()
                else:
                    self._learn(about, kind == CLEAR)
                    self._steps += related.get((kind, about), ())
        self.circle = graph.circle
        return self._filled()

    def _learn(self, declared: Relationship | None = None, leaving: bool = False) -> None:
        """Now members that are in no session learn their owner's key: before the next step, whatever that is.

        :param declared: of this relationship; None: of all.
        """
        for known in [one for one in self._outside if one[1] == leaving and declared in (None, one[0])]:
            self._fills.append((len(self._steps), self._outside.pop(known)))

    def _filled(self) -> list[Step]:
        """The steps, with what is filled before each."""
        self.outside = [] if self.circle is not None else [link for some in self._outside.values() for link in some]
        for place, links in self._fills:
            if place < len(self._steps):
                self._steps[place].fills = [*self._steps[place].fills, *links]
            else:
                self.outside += links
        return self._steps

    def _save(self, new: list[Any], touched: list[Any]) -> None:
        start = len(self._steps)
        self._steps += self.saving.save(new, touched)
        if len(self._steps) > start + 1 and any(step.links for step in self._steps[start + 1 :]):
            together = [
                link for step in self._steps[start:] for link in step.links
            ]  # all, even if the first step fails
            for step in self._steps[start:]:
                step.fills, together = together, []
        if class_hooks.count and (new or touched):
            in_order = list(touched)
            sort_by_key(in_order)
            self.sections.append(Section(start, len(self._steps), new, in_order, [], self.saving.updates))

    def _delete(self, objects: list[Any]) -> None:
        leaving = [obj for obj in objects if id(obj) not in self.kept] if self.kept else objects
        if not leaving:
            return
        start = len(self._steps)
        sort_by_key(leaving)
        mappers = list(by_mapper(leaving))
        self._steps += [
            Step("DELETE", shape, some, shape.pk_keys) for shape, some in reversed(spread(leaving, mappers))
        ]
        if class_hooks.count:
            self.sections.append(Section(start, len(self._steps), [], [], leaving, self.saving.updates))


def _together(ready: list[Action]) -> Iterator[tuple[int, Any, list[Any] | None]]:
    """(what to do, with which hierarchy or relationship, with which objects), in order; objects of one hierarchy together."""
    single: dict[tuple[int, Mapper], list[Any]] = {}
    for action in sorted(ready, key=lambda one: one.rank):
        if isinstance(action.about, (Mapper, Relationship)):
            yield action.kind, action.about, None
        elif action.kind == LATE:
            yield LATE, None, None
        elif action.about is not None:
            single.setdefault((action.kind, row_key(action.about)[0]), []).append(action.about)
    for (kind, family), objects in single.items():
        yield kind, family, objects


def _needs_itself(family: Mapper, mappers: list[Mapper]) -> bool:
    """Do rows of a hierarchy refer to others of it?"""
    for mapper in mappers:
        needs: bool | None = mapper.memo.get("needs its own")
        if needs is None:
            needs = mapper.memo["needs its own"] = any(
                declared.mapper.base_mapper is family
                and declared.direction is not Direction.MANYTOMANY
                and not declared.viewonly
                and not written_late(declared)
                for declared in mapper.relationships
            )
        if needs:
            return True
    return False
