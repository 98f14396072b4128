"""Builds the flush plan: finds what is to be written, and puts it in order. Pure; loads nothing."""

from __future__ import annotations

from nbsession.session.flush.associating import Associating
from nbsession.session.flush.flush_plan import FlushPlan
from nbsession.session.flush.linking import Linking
from nbsession.session.flush.ordering import Ordering
from nbsession.session.flush.row_switches import row_switches
from nbsession.session.flush.saving import Saving
from nbsession.session.flush.workload import Workload
from nbsession.session.unit_of_work import UnitOfWork


def build_plan(unit: UnitOfWork, only: set[int] | None = None, prepared: bool = False) -> FlushPlan:
    """What a flush would send now.

    :param unit: the session's unit of work.
    :param only: ``id`` of the objects to flush; None: all.
    :param prepared: is it a flush, which has looked for orphans already?
    :return: the plan; where rows need each other's keys, its ``circle`` is the error that ends it.
    """
    work = Workload(unit, only, prepared)
    linking = Linking(work)
    linking.find()
    associating = Associating(work)
    clearing, associations = associating.clearing(), associating.steps()
    switched = row_switches(work, linking.links)
    saving = Saving(linking.links, linking.late, switched)
    ordering = Ordering(work, linking, saving, switched)
    steps = ordering.steps(clearing, associations)
    return FlushPlan(
        steps, saving.skipped, work.notes, linking.followed, linking.outside, ordering.sections, ordering.circle
    )
