"""Executes a flush plan: one statement per group of rows. Knows the plan, connections and the unit of work."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from nbsession.events import FlushEnded, FlushStarted
from nbsession.exc import FlushError
from nbsession.mapping.attributes import describe
from nbsession.session.batches import mappers_of
from nbsession.session.flush.changes import changed_columns
from nbsession.session.flush.flush_plan import FlushPlan, Link, Step
from nbsession.session.flush.key_holders import meet_holders, warn_of_leaving_keys
from nbsession.session.flush.orphans import note_homeless
from nbsession.session.flush.unfinished import fill_unfinished
from nbsession.session.flush.versions import know_version
from nbsession.session.flush.writing import RowWriter
from nbsession.session.flush.writing_links import write_links
from nbsession.session.load.loading import row_is_gone
from nbsession.session.load.pause import collector_paused
from nbsession.session.load.refreshing import load_expired
from nbsession.session.unit_of_work import UnitOfWork
from nbsession.states import ObjectState, Trigger
from nbsession.tracking.instance_state import ident_of, state_of

if TYPE_CHECKING:
    from nbsession.database.connection import Connection
    from nbsession.session.session import Session
    from nbsession.session.transaction import SessionTransaction


Writing = Callable[["Session", FlushPlan, "SessionTransaction"], None]


def execute_plan(session: Session, plan: FlushPlan, transaction: SessionTransaction, writing: Writing) -> None:
    """Sends a plan's statements. Objects are moved afterwards, by :func:`settle_flush`.

    :param writing: how: :func:`plainly`, or telling the hooks on classes.
    :raises CircularDependencyError: the rows that are left need each other's keys.
    :raises FlushError: a related object has no key to refer to.
    :raises StaleDataError: a row is not there any more.
    :raises DBAPIError: the database refused.
    """
    if session.bus.observers:
        session.bus.publish(FlushStarted(steps=tuple(map(str, plan.steps))))
    rows = 0
    for step in plan.steps:
        rows += step.count
    with collector_paused(rows):
        for mapper in mappers_of(obj for obj, _ in plan.skipped) if session.hooks.listens("after_begin") else ():
            transaction.connection_for(session.get_bind(mapper))  # though nothing is written, it is told of
        for obj, _ in plan.skipped:
            know_version(obj)
        try:
            warn_of_leaving_keys(session, plan.steps)
            writing(session, plan, transaction)
            if plan.outside:
                fill_links(plan.outside)
            if plan.circle is not None:
                raise plan.circle
        except BaseException as error:
            if plan.relating:
                fill_unfinished(session, plan, len(plan.steps) if error is plan.circle else plan.begun - 1)
            raise
        if plan.followed:
            _follow_keys(session, plan.followed)


def plainly(session: Session, plan: FlushPlan, transaction: SessionTransaction) -> None:
    """Sends the statements of all steps."""
    for whole in plan.steps:
        plan.begun += 1
        for bind, step in session.parts_of(whole):
            write_step(session, transaction.connection_for(bind), step)


def write_step(session: Session, connection: Connection, step: Step, as_planned: bool = True) -> None:
    """Sends the statements of one step, to one database.

    :param as_planned: can nothing have changed since the plan was made?
    """
    if step.fills:
        fill_links(step.fills)
    if step.relationship is not None:
        if step.verb == "INSERT" and session.unit_of_work.frame is not None and session.unit_of_work.frame.deleted:
            _leave_out_the_lost(step)
        write_links(connection, step)
        return
    assert step.shape is not None
    writer = RowWriter.of(step.shape, connection.dialect)
    if step.verb != "INSERT":
        _know_keys(session, step)
    if step.verb == "INSERT":
        if step.shape.first:
            meet_holders(session, step)
        writer.insert(connection, step.objects)
    elif step.verb == "DELETE":
        writer.delete(connection, step.objects)
    elif step.fixed:
        _write_fixed(writer, connection, step)
    else:
        known = step.columns if as_planned and not step.links else None
        for obj, ident in writer.update(connection, step.objects, known, step.dicts):
            session.unit_of_work.rekey(obj, ident)


def _leave_out_the_lost(step: Step) -> None:
    """Of objects that the flush itself found to have no row any more, no association is written."""
    step.links_between = [
        pair for pair in step.links_between if all(state_of(one).status is not ObjectState.DELETED for one in pair)
    ]


def _know_keys(session: Session, step: Step) -> None:
    """Rows are found by the keys that objects hold: of one that is expired, what it lacks is loaded first.

    :raises ObjectDeletedError: its row is gone.
    """
    assert step.shape is not None
    for key in step.shape.mapper.pk_keys:
        if step.dicts is not None and not [1 for values in step.dicts if key not in values]:
            continue
        for obj in [o for o in step.objects if key not in o.__dict__] if not step.replaces else ():
            if (step.verb == "DELETE" or changed_columns(obj)) and not load_expired(session, obj):
                raise row_is_gone(obj)


def fill_links(links: Iterable[Link]) -> None:
    """Gives children the keys of their parents; validators see them.

    :raises FlushError: a parent has none.
    """
    for child, keys, parent, along in links:
        values = child.__dict__
        state = state_of(child)
        mapper, new = state.mapper, not state.noting
        for key, source in keys:
            value = None
            if parent is not None:
                value = parent.__dict__.get(source)
                if value is None:
                    value = _from_key(parent, source)
                if value is None:
                    raise FlushError(
                        f"Can't execute sync rule for '{along}': {describe(parent)} has no '{source}' that "
                        f"{describe(child)}.{key} could refer to. Flush it first, or set it."
                    )
            if new and key in mapper.plain_keys:
                values[key] = value
            elif new or key not in values or values[key] != value:
                mapper.attributes[key].set(child, value)


def _from_key(parent: Any, source: str) -> Any:
    """A key value of an expired object, which is loaded."""
    mapper, ident = state_of(parent).mapper, ident_of(parent)
    if ident is None or source not in mapper.pk_keys or state_of(parent).status is ObjectState.PERSISTENT:
        return getattr(parent, source)
    return mapper.identity_key(ident)[1][mapper.pk_keys.index(source)]


def _write_fixed(writer: RowWriter, connection: Any, step: Step) -> None:
    """Exactly the step's columns: of new objects that take over rows of deleted ones, or of late foreign keys."""
    assert step.shape is not None
    mapper = step.shape.mapper
    keys = tuple(k for k in step.columns if k not in mapper.pk_keys)
    if step.replaces:
        writer.take_over(connection, step.objects, keys, step.replaces)
    elif keys:
        writer.update_columns(connection, step.objects, keys)
    if step.replaces and step.settles:
        for obj in step.objects:
            mapper.give_ident(obj, mapper.ident_of_values(obj.__dict__))


def _follow_keys(session: Session, links: Iterable[Link]) -> None:
    """What the database changed along with a key, ``ON UPDATE CASCADE``, is so in memory."""
    for child, keys, parent, _ in links:
        values, mapper = child.__dict__, state_of(child).mapper
        found = {key: parent.__dict__[source] for key, source in keys if source in parent.__dict__}
        values.update(found)
        if not found.keys().isdisjoint(mapper.pk_keys):
            session.unit_of_work.rekey(child, mapper.ident_of_values({**mapper.key_values(ident_of(child)), **values}))


def settle_flush(session: Session, plan: FlushPlan, flushed: Iterable[Any]) -> None:
    """After the statements: objects are moved, and clean.

    :param flushed: modified objects of this flush, those without net change among them.
    """
    unit, cause = session.unit_of_work, session.bus.cause
    unit.given.clear()
    for step in plan.steps:
        if step.verb == "DELETE" and step.settles:
            _move(unit, step, step.objects, ObjectState.PERSISTENT, Trigger.DELETE, cause)
    for step in plan.steps:
        if step.replaces:
            if step.settles:
                unit.move_each(step.replaces, Trigger.DELETE, cause)
                _move(unit, step, step.objects, ObjectState.PENDING, Trigger.INSERT, cause)
        elif step.verb == "INSERT":
            if step.settles:
                if step.shape is not None and step.shape.mapper.owners:
                    note_homeless(unit, step.objects)
                _move(unit, step, step.objects, ObjectState.PENDING, Trigger.INSERT, cause)
        elif step.verb == "UPDATE":
            if step.links:
                _tell_keys(session, step.objects)
            unit.clean(step.objects)
    if plan.met:
        _tell_keys(session, plan.met)
    if plan.links:
        unit.kept.note_written(flushed, plan.links)
    if not unit.modified:  # mostly: all that was changed is written
        return
    touched = list(flushed)
    if not touched:
        return
    _tell_keys(session, [obj for obj in touched if id(obj) in unit.modified])
    unit.clean(touched)


def _tell_keys(session: Session, objects: Iterable[Any]) -> None:
    """Who took part in a flush tells its key, though nothing of it was written: one that is expired is loaded.

    What it tells is its key from then on, whatever it was filed under.

    :raises ObjectDeletedError: its row is gone.
    """
    for obj in objects:
        mapper, values = state_of(obj).mapper, obj.__dict__
        if mapper.pk_keys[0] not in values and not load_expired(session, obj):
            raise row_is_gone(obj)
        told = mapper.ident_of_values(values)
        if told is not None and told != ident_of(obj):
            session.unit_of_work.rekey(obj, told)


def _move(unit: UnitOfWork, step: Step, objects: list[Any], before: ObjectState, trigger: Trigger, cause: str) -> None:
    """Moves a step's objects, in batches of one class."""
    assert step.shape is not None
    if len(step.shape.mappers) == 1:
        unit.move(step.shape.mapper, objects, before, trigger, cause)
    else:
        unit.move_each(objects, trigger, cause)


def publish_end(session: Session, error: BaseException | None) -> None:
    """Tells observers that the flush ended."""
    if session.bus.observers:
        text = None
        if error is not None:
            first = str(error).splitlines()
            text = f"{type(error).__name__}: {first[0] if first else ''}"
        session.bus.publish(FlushEnded(error=text))
