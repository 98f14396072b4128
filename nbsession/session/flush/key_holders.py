"""Objects that hold the keys of new ones: an expired one is asked whether its row is still there, before a flush relies on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbsession.session.load.refreshing import load_expired
from nbsession.states import Trigger
from nbsession.tracking.instance_state import state_of
from nbsession.tracking.unset import is_expired

if TYPE_CHECKING:
    from nbsession.session.flush.steps import Step
    from nbsession.session.session import Session


def meet_holders(session: Session, step: Step) -> None:
    """Before rows of a base table are inserted: who holds a key of theirs is loaded, if it is expired."""
    assert step.shape is not None
    mapper = step.shape.mapper
    known, key = session.unit_of_work.identity_map.of(mapper.base_mapper), mapper.pk_keys[0]
    if not known:
        return
    if len(mapper.pk_keys) == 1:
        idents = [obj.__dict__.get(key) for obj in step.objects]
    else:
        idents = [mapper.ident_of_values(obj.__dict__) for obj in step.objects]
    if known.keys().isdisjoint(idents):
        return  # nearly always
    _meet(session, [obj for obj in step.objects if key in obj.__dict__])


def meet_leaving_holders(session: Session, only: set[int] | None) -> None:
    """Before a flush is planned: the same of those marked to be deleted, whose rows new objects may take over."""
    unit = session.unit_of_work
    if any(is_expired(obj) for obj in unit.marked.values()):
        _meet(session, [o for address, o in unit.new.items() if only is None or address in only], marked=True)


def _meet(session: Session, newcomers: list[Any], marked: bool = False) -> None:
    unit = session.unit_of_work
    for obj in newcomers:
        mapper = state_of(obj).mapper
        ident = mapper.ident_of_values(obj.__dict__)
        holder = None if ident is None else unit.identity_map.of(mapper.base_mapper).find(ident)
        if holder is None or holder is obj or not is_expired(holder):
            continue
        if (not marked or id(holder) in unit.marked) and not load_expired(session, holder):
            unit.move_each((holder,), Trigger.DELETE, "its row is gone, and a new object has its key")
