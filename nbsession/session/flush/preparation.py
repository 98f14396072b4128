"""What must be settled before a flush can be planned: orphans become deletes, and what follows a deleted or rekeyed row is loaded.

This is the part of a flush that may load; the plan itself loads nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbsession.mapping.collecting.collections import members_of
from nbsession.mapping.mapper import Mapper
from nbsession.mapping.relating.relationships import Direction, Relationship
from nbsession.session.batches import by_mapper, mappers_of
from nbsession.session.cascades import held_by
from nbsession.session.flush.action_graph import holds
from nbsession.session.flush.changes import key_changed
from nbsession.session.flush.key_holders import meet_leaving_holders
from nbsession.session.flush.linking import is_tree
from nbsession.session.flush.orphans import left_once, orphans, taken_back, taken_back_since
from nbsession.states import ObjectState, Trigger
from nbsession.tracking.instance_state import NO_VALUE, OwnState, ident_of, state_of

if TYPE_CHECKING:
    from nbsession.session.session import Session
    from nbsession.session.unit_of_work import UnitOfWork


def prepare_flush(session: Session, only: set[int] | None) -> None:
    """Repeats until nothing is added: deleting an orphan may orphan others.

    :param only: ``id`` of the objects to flush, to which orphans are added; or None for all.
    """
    unit = session.unit_of_work
    if (
        not unit.leaving
        and not unit.marked
        and not any(map(_prepares, mappers_of((*unit.modified.values(), *unit.new.values()))))
    ):
        return
    if unit.leaving:
        _drop_leaving(unit)
    seen: set[int] = set()
    spared = _spared(session, only) if unit.marked else set()
    for child, along in taken_back_since(unit, only) if unit.marked else ():
        unit.unmark_deleted(child, f"given to {along}")
    while True:
        for child, along in orphans(unit, only):
            before = set(unit.marked)
            session.cascade_delete(child, f"orphan of {along}")
            if only is not None:
                only |= unit.marked.keys() - before  # what a chosen parent gave up is flushed with it
        if not unit.marked:
            break
        known = seen | spared
        fresh = [o for address, o in unit.marked.items() if address not in known and (only is None or address in only)]
        if not fresh:
            break
        for obj in fresh:
            seen.add(id(obj))
            _reach_children(session, obj)
    _reach_followers(session, only)
    if seen:
        _reach_parents(session, [o for o in unit.marked.values() if id(o) in seen])
    if seen and unit.new:
        meet_leaving_holders(session, only)


def _spared(session: Session, only: set[int] | None) -> set[int]:
    """``id`` of those that are marked, and live through this flush. In a tree their own children are loaded all the same."""
    spared = set()
    for child, declared in taken_back(session.unit_of_work, only):
        spared.add(id(child))
        if is_tree(declared) and not declared.passive_deletes and isinstance(child, declared.class_):
            with session.no_autoflush:
                held_by(child, declared.key)
    return spared


def _prepares(mapper: Mapper) -> bool:
    """May a change of an object of a class concern others, that have to be found?"""
    prepares: bool | None = mapper.memo.get("prepares")
    if prepares is None:
        prepares = mapper.memo["prepares"] = bool(mapper.orphan_relationships or mapper.owners or _followed(mapper))
    return prepares


def _drop_leaving(unit: UnitOfWork) -> None:
    """Pending orphans whose parent is elsewhere go, if they are still orphans."""
    leaving, unit.leaving = unit.leaving, {}
    for address, obj in leaving.items():
        owners = state_of(obj).mapper.owners
        if address in unit.new and any(left_once(obj, declared) or not declared.has_parent(obj) for declared in owners):
            unit.move_each((obj,), Trigger.EXPUNGE, "an orphan outside of the session")


def _reach_children(session: Session, parent: Any) -> None:
    """Loads the children of a parent to be deleted, where their rows or the association rows must follow."""
    for declared in state_of(parent).mapper.relationships:
        if declared.direction is Direction.MANYTOONE or declared.viewonly or declared.passive_deletes:
            continue
        held = parent.__dict__.get(declared.key, NO_VALUE)
        if held is NO_VALUE:
            with session.no_autoflush:
                held = held_by(parent, declared.key)
        if declared.cascade.delete_orphan and not declared.cascade.delete:
            for child in members_of(held) if declared.uselist else [held]:
                if child is not None and state_of(child).status is ObjectState.PERSISTENT:
                    session.cascade_delete(child, f"orphan of {declared}")


def _reach_parents(session: Session, leaving: list[Any]) -> None:
    """What deleted objects refer to, as far as their order may depend on it.

    Of each relationship, the first that can be told without SQL; in a tree, where there is one, all.
    """
    for mapper, objects in by_mapper(leaving).items():
        for declared in mapper.relationships:
            if declared.direction is not Direction.MANYTOONE or declared.viewonly or declared.passive_deletes:
                continue
            attribute = mapper.attributes[declared.key]
            for obj in sorted(objects, key=_key_text):
                if _is_changed(obj, declared) and not attribute.forget_unknown(obj):
                    break  # what it referred to is known
                for local, _ in declared.pairs if declared.key not in obj.__dict__ else ():
                    getattr(obj, local)  # an expired object is loaded
                attribute.look_up(obj, expired=True)
                if declared.key in obj.__dict__:
                    break
            else:
                if not is_tree(declared) or not _told_by_others(session.unit_of_work, declared):
                    continue
            if is_tree(declared):
                with session.no_autoflush:
                    for obj in objects:
                        if not _is_changed(obj, declared):
                            held_by(obj, declared.key)


def _told_by_others(unit: UnitOfWork, declared: Relationship) -> bool:
    """Does an object that is saved hold, or did it, anything under a relationship?"""
    saved = (*unit.new.values(), *(obj for address, obj in unit.modified.items() if address not in unit.marked))
    return any(isinstance(obj, declared.class_) and holds(obj, declared) for obj in saved)


def _is_changed(obj: Any, declared: Relationship) -> bool:
    state = state_of(obj)
    return isinstance(state, OwnState) and declared.key in state.related


def _key_text(obj: Any) -> str:
    return str(ident_of(obj))


def _reach_followers(session: Session, only: set[int] | None) -> None:
    """Loads what refers to a row whose primary key changes, where the database does not change it along."""
    if not session.unit_of_work.modified:
        return
    waiting = list(session.unit_of_work.modified.values())
    followed = {mapper: _followed(mapper) for mapper in mappers_of(waiting)}
    if not any(followed.values()):
        return
    for mapper, objects in by_mapper(waiting).items():
        active = followed[mapper]
        if active:
            for obj in objects:
                if (only is None or id(obj) in only) and key_changed(obj):
                    for declared in active:
                        with session.no_autoflush:
                            held_by(obj, declared.key)


def _followed(mapper: Mapper) -> list[Relationship]:
    """Relationships over which we change the other rows along with a key."""
    return [
        declared
        for declared in mapper.relationships
        if not declared.passive_updates and not declared.viewonly and declared.direction is not Direction.MANYTOONE
    ]
