"""Builds the flush plan: finds what is to be written, and puts it in order. Pure; loads nothing."""

from __future__ import annotations

from nbsession.mapping.listening import class_hooks
from nbsession.session.flush.associating import Associating
from nbsession.session.flush.flush_plan import FlushPlan
from nbsession.session.flush.linking import Linking
from nbsession.session.flush.ordering import Ordering
from nbsession.session.flush.row_switches import row_switches
from nbsession.session.flush.saving import Saving
from nbsession.session.flush.steps import Step
from nbsession.session.flush.workload import Workload
from nbsession.session.unit_of_work import UnitOfWork


def build_plan(unit: UnitOfWork, only: set[int] | None = None, prepared: bool = False) -> FlushPlan:
    """What a flush would send now.

    :param unit: the session's unit of work.
    :param only: ``id`` of the objects to flush; None: all.
    :param prepared: is it a flush, which has looked for orphans already?
    :return: the plan; where rows need each other's keys, its ``circle`` is the error that ends it.
    """
    plain = _plain_inserts(unit) if prepared and only is None and not unit.modified and not unit.marked else None
    if plain is not None:
        return FlushPlan(plain, (), ())
    work = Workload(unit, only, prepared)
    linking = Linking(work)
    linking.find()
    associating = Associating(work)
    clearing, associations = associating.clearing(), associating.steps()
    switched = row_switches(work, linking.links)
    saving = Saving(linking.links, linking.late, switched)
    ordering = Ordering(work, linking, saving, switched)
    steps = ordering.steps(clearing, associations)
    plan = FlushPlan(
        steps,
        saving.skipped,
        work.notes,
        linking.followed,
        ordering.outside,
        ordering.sections,
        ordering.circle,
        ordering.relating,
        linking.links,
        linking.met,
    )
    return plan if prepared else plan.explain()


def _plain_inserts(unit: UnitOfWork) -> list[Step] | None:
    """The steps where there is nothing to find out, as mostly: new objects of one class that are related to nobody.

    :return: None if there is more to it.
    """
    new = list(unit.new.values())
    if not new or class_hooks.count:
        return None
    mapper = new[0]._nbs_state.mapper
    related = mapper.declared
    for obj in new:
        state = obj._nbs_state
        if state.mapper is not mapper or state.noting or not obj.__dict__.keys().isdisjoint(related):
            return None
    return Saving({}, [], {}).save(new, [])
