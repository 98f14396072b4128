"""The foreign keys that a flush fills, and filled though it failed: of objects whose rows it did not come to. Sends nothing.

They are seen on who is new again afterwards, and tell who has changed, where a savepoint is rolled back.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from nbsession.mapping.relating.relationships import Direction, Relationship
from nbsession.session.flush.flush_plan import FlushPlan, Link, Relating
from nbsession.session.flush.linking import foreign_keys_of
from nbsession.states import IN_SESSION, ObjectState
from nbsession.tracking.history import collection_history, reference_history
from nbsession.tracking.instance_state import ident_of, state_of

if TYPE_CHECKING:
    from nbsession.session.session import Session


def fill_unfinished(session: Session, plan: FlushPlan, place: int) -> None:
    """Fills what was due when the flush failed.

    :param place: how many steps were done.
    """
    silent = _silent(plan)
    for due in plan.relating:
        if due.place > place or (due.leaving and due.relationship.direction is not Direction.ONETOMANY):
            continue
        if due.obj is None:
            along = str(due.relationship)
            links = [link for some in plan.links.values() for link in some] + list(plan.outside)
            links = [link for link in links if link.along == along]
            _fill(links if not due.leaving else list(_of_the_leaving(session, due, links)), silent)
        else:
            _fill(list(_links_of(session, due)), silent)


def _silent(plan: FlushPlan) -> set[int]:
    """``id`` of the parents whose keys were asked for, and that hold none: it was their rows that were not there."""
    return {
        id(parent)
        for step in plan.steps[: plan.begun]
        for _, keys, parent, _ in step.fills
        if parent is not None
        and state_of(parent).status is ObjectState.PERSISTENT
        and any(source not in parent.__dict__ for _, source in keys)
    }


def _of_the_leaving(session: Session, due: Relating, links: list[Link]) -> Iterator[Link]:
    """Of the links along a relationship, those by which objects that are to be deleted let go of others."""
    leaving = [obj for obj in session.unit_of_work.marked.values() if isinstance(obj, due.relationship.class_)]
    lost = {id(link.child) for obj in leaving for link in _links_of(session, due._replace(obj=obj))}
    return (link for link in links if link.parent is None and id(link.child) in lost)


def _links_of(session: Session, due: Relating) -> Iterator[Link]:
    """What one object's relationship says of foreign keys."""
    declared: Relationship = due.relationship
    obj, keys = due.obj, foreign_keys_of(declared)
    going = session.unit_of_work.marked
    history = (collection_history if declared.uselist else reference_history)(obj, declared.key)
    if declared.direction is Direction.MANYTOONE:
        if due.leaving or id(obj) in going:
            return
        for parent in history.added:
            if parent is None or parent in session:
                yield Link(obj, keys, parent, "")
        if history.deleted and not history.added:
            yield Link(obj, keys, None, "")
        return
    came = [] if due.leaving else history.added
    let_go = [child for child in history.deleted if child is not None and not declared.has_parent(child)]
    if due.leaving:
        let_go += [] if declared.cascade.delete else history.unchanged
    elif declared.cascade.delete_orphan:
        let_go = []
    for children, parent in ((came, obj), (let_go if declared.passive_deletes != "all" else (), None)):
        for child in children:
            if child is not None and id(child) not in going:
                yield Link(child, keys, parent, "")


def _fill(links: list[Link], silent: set[int]) -> None:
    """Gives children the keys of their parents, as far as they are known: nothing is loaded any more."""
    for child, keys, parent, _ in links:
        if id(parent) in silent:
            continue
        mapper, values = state_of(child).mapper, child.__dict__
        for key, source in keys:
            known = None if parent is None else parent.__dict__.get(source, _of_row(parent, source))
            if (parent is not None and known is None) or (parent is None and key in mapper.pk_keys):
                continue
            if key not in values or values[key] != known:
                mapper.attributes[key].set(child, known)


def _of_row(obj: Any, key: str) -> Any:
    mapper, ident = state_of(obj).mapper, ident_of(obj)
    if ident is None or key not in mapper.pk_keys or state_of(obj).status not in IN_SESSION:
        return None
    return mapper.key_values(ident)[key]
