"""Sends a flush plan's statements, and tells the hooks on mapped classes of the rows: who listens sees all objects of a
hierarchy before its first statement, and after its last. Used only while there are such hooks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from nbsession.mapping.listening import class_hooks
from nbsession.session.flush.changes import changed_columns
from nbsession.session.flush.executing import fill_links, write_step
from nbsession.session.flush.flush_plan import FlushPlan, Section, Step
from nbsession.session.flush.row_shape import shapes_of
from nbsession.tracking.instance_state import NO_VALUE, state_of

if TYPE_CHECKING:
    from nbsession.database.connection import Connection
    from nbsession.session.session import Session
    from nbsession.session.transaction import SessionTransaction


def telling(session: Session, plan: FlushPlan, transaction: SessionTransaction) -> None:
    """Sends the statements of all steps, in the order of the plan."""
    teller = _Teller(session, transaction)
    place = 0
    for section in plan.sections:
        teller.send(plan.steps[place : section.start])
        plan.begun = section.start + 1
        teller.go_through(section, plan.steps[section.start : section.end])
        place = section.end
    plan.begun = len(plan.steps)
    teller.send(plan.steps[place:])


def _renewed(obj: Any, step: Step) -> set[str]:
    """The columns that the UPDATE of an object sets by itself (``onupdate``)."""
    if step.verb != "UPDATE" or step.fixed or step.shape is None:
        return set()
    changed, fields = set(changed_columns(obj)), step.shape.fields
    if changed.isdisjoint(fields):
        return set()
    return {key for key, column in fields.items() if column.onupdate is not None and key not in changed}


class _Teller:
    """One flush."""

    def __init__(self, session: Session, transaction: SessionTransaction) -> None:
        self.session = session
        self.transaction = transaction

    def send(self, steps: Iterable[Step]) -> None:
        """Sends the statements of steps, and tells which values they brought."""
        for whole in steps:
            for bind, step in self.session.parts_of(whole):
                before = [
                    (obj, dict(obj.__dict__), _renewed(obj, step))
                    for obj in step.objects
                    if not (step.fixed and not step.replaces) and class_hooks.of(type(obj), "refresh_flush")
                ]
                write_step(self.session, self.transaction.connection_for(bind), step, as_planned=False)
                self._tell_values(before)

    def _tell_values(self, before: Iterable[tuple[Any, dict[str, Any], set[str]]]) -> None:
        """Fires ``refresh_flush`` for objects that defaults, or the database, gave values."""
        for obj, values, renewed in before:
            mapper = state_of(obj).mapper
            made = [
                key
                for key in mapper.column_keys
                if key in renewed
                or (
                    key not in mapper.pk_keys
                    and key != mapper.polymorphic_on
                    and obj.__dict__.get(key) is not None
                    and obj.__dict__[key] is not values.get(key, NO_VALUE)
                )
            ]
            if made:
                class_hooks.fire("refresh_flush", (obj,), self.session.unit_of_work, made)

    def go_through(self, section: Section, steps: Sequence[Step]) -> None:
        """Before-hooks, statements, after-hooks. What a hook changed is written too."""
        for step in steps:
            fill_links(step.fills)
        self._fire("before_delete", section.leaving)
        self._fire("before_insert", section.new)
        self._fire("before_update", section.touched)
        if section.touched:
            updates = section.again(section.touched)
            steps = [*updates, *(step for step in steps if step.verb != "UPDATE" or step.fixed)]
        self.send(steps)
        switched = {id(obj) for step in steps if step.replaces for obj in step.objects}
        self._fire("after_delete", section.leaving)
        self._fire("after_insert", [obj for obj in section.new if id(obj) not in switched])
        self._fire("after_update", [obj for obj in section.new if id(obj) in switched])  # their rows were there
        self._fire("after_update", section.touched)

    def _fire(self, name: str, objects: list[Any]) -> None:
        hearing = [obj for obj in objects if class_hooks.of(type(obj), name)]
        if not hearing:
            return
        shape = shapes_of(state_of(hearing[0]).mapper)[0]
        for bind, part in self.session.parts_of(Step("UPDATE", shape, hearing, ())):
            connection: Connection = self.transaction.connection_for(bind)
            for obj in part.objects:
                for hook in class_hooks.of(type(obj), name):
                    hook(state_of(obj).mapper, connection, obj)
