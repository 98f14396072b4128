"""Objects that hold the keys of new ones: an expired one is asked whether its row is still there, before a flush relies on it.

Who holds one and stays is warned of.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nbsession.exc import warn
from nbsession.session.displacing import key_conflict
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
    newcomers = [obj for obj in step.objects if key in obj.__dict__]
    _meet(session, newcomers)
    _warn(session, newcomers)


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


def warn_of_leaving_keys(session: Session, steps: Sequence[Step]) -> None:
    """Before a flush that changes keys: a new object that is to have one is warned of, though it will be free by then."""
    leaving: set[int] = set()
    for step in steps:
        mapper = step.mapper
        if step.verb == "UPDATE":
            if mapper is not None and not step.replaces and not set(mapper.pk_keys).isdisjoint(step.columns):
                leaving.update(map(id, step.objects))
        elif leaving and step.verb == "INSERT" and step.shape is not None and step.shape.first:
            _warn(session, step.objects, leaving)


def _warn(session: Session, newcomers: Sequence[Any], only: set[int] | None = None) -> None:
    """Warns of new objects whose key another one has had since before this flush.

    :param only: ``id`` of those that are looked at; None: all.
    """
    identity_map = session.unit_of_work.identity_map
    for obj in newcomers:
        mapper = state_of(obj).mapper
        ident = mapper.ident_of_values(obj.__dict__)
        holder = None if ident is None else identity_map.of(mapper.base_mapper).find(ident)
        if holder is None or holder is obj or (only and id(holder) not in only):
            continue
        state = state_of(holder)
        if (
            not set(mapper.pk_keys).isdisjoint(state.changed_keys)
            and state.mapper.ident_of_values(holder.__dict__) == ident
        ):
            continue  # this flush gave it the key
        warn(key_conflict(obj, ident, holder))
