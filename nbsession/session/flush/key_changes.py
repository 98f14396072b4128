"""What follows a changed primary key: the foreign keys of children, by our UPDATE or by the database's own.

``passive_updates=True``, the default, trusts the database (ON UPDATE CASCADE): then the children's values change in memory
only. Loads nothing; :mod:`nbsession.session.flush.preparation` has loaded what must be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbsession.mapping.collecting.collections import members_of
from nbsession.mapping.mapper import Mapper
from nbsession.mapping.relating.relationships import Direction, Relationship
from nbsession.session.flush.changes import key_changed
from nbsession.session.flush.steps import Link
from nbsession.session.flush.workload import Workload
from nbsession.tracking.history import collection_history
from nbsession.tracking.instance_state import state_of

if TYPE_CHECKING:
    from nbsession.session.flush.linking import Linking


class KeyChanges:
    """Goes from each object whose key changes to those that refer to it."""

    def __init__(self, work: Workload, linking: Linking) -> None:
        self.work = work
        self.linking = linking

    def follow(self) -> None:
        """Notes a link for each child; a child whose own key is made of the foreign key is followed in turn."""
        waiting = [
            obj
            for mapper, objects in self.work.touched_of.items()
            if mapper.relationships or references_without_collection(mapper)
            for obj in _with_keys_set(mapper, objects)
            if key_changed(obj)
        ]
        seen = set(map(id, waiting))
        while waiting:
            obj = waiting.pop()
            self._tell_outsiders(obj)
            for declared, child in self._children(obj):
                keys = self._follow(declared, child, obj)
                if id(child) not in seen and not set(state_of(child).mapper.pk_keys).isdisjoint(keys):
                    seen.add(id(child))
                    waiting.append(child)

    def _children(self, obj: Any) -> list[tuple[Relationship, Any]]:
        mapper = state_of(obj).mapper
        found = []
        for declared in mapper.relationships:
            if declared.direction is Direction.ONETOMANY and not declared.viewonly:
                held = obj.__dict__.get(declared.key)
                if held is not None:
                    found += [(declared, child) for child in (members_of(held) if declared.uselist else [held])]
        for declared in references_without_collection(mapper):
            for child in self.work.unit.identity_map.all():
                if isinstance(child, declared.class_) and child.__dict__.get(declared.key) is obj:
                    found.append((declared, child))
        return [(declared, child) for declared, child in found if self.work.has_row(child)]

    def _tell_outsiders(self, obj: Any) -> None:
        """Members that are in no session, or deleted, learn the key all the same."""
        for declared in state_of(obj).mapper.relationships:
            if declared.direction is Direction.ONETOMANY and declared.uselist and not declared.viewonly:
                for child in collection_history(obj, declared.key).unchanged:
                    if child is not None and not self.work.in_session(child):
                        self.linking.link_outside(declared, child, obj)

    def _follow(self, declared: Relationship, child: Any, parent: Any) -> list[str]:
        from nbsession.session.flush.linking import foreign_keys_of

        keys = foreign_keys_of(declared)
        if id(child) not in self.work.gone:
            links = self.linking.links.get(id(child), ())
            if not any(k == key for link in links for k, _ in link.keys for key, _ in keys):
                if declared.passive_updates and not self._is_written_anyway(declared, child, keys):
                    self.linking.followed.append(Link(child, keys, parent, str(declared)))
                else:
                    self.linking.add(declared, child, parent)
        return [key for key, _ in keys]

    def _is_written_anyway(self, declared: Relationship, child: Any, keys: tuple[tuple[str, str], ...]) -> bool:
        """Is a member of a collection in this flush by itself, or of a tree? Its UPDATE names the new key, as in SQLAlchemy."""
        from nbsession.session.flush.linking import is_tree

        own = state_of(child).mapper.pk_keys
        return (
            declared.direction is Direction.ONETOMANY
            and (self.work.takes_part(child) or is_tree(declared))
            and all(key not in own for key, _ in keys)
        )


def _with_keys_set(mapper: Mapper, objects: list[Any]) -> list[Any]:
    """Those of whose key something was set: few, and all that were changed are asked."""
    keys = frozenset(mapper.pk_keys)
    return [obj for obj in objects if (state := obj._nbs_state).owned and not keys.isdisjoint(state)]


def references_without_collection(mapper: Mapper) -> tuple[Relationship, ...]:
    """Many-to-one relationships to a class whose other side does not lead back to those who refer to it."""
    try:
        return mapper.memo["references"]  # type: ignore[no-any-return]
    except KeyError:
        pass
    found = []
    for other in mapper.registry.mappers:
        for declared in other.relationships:
            if declared.direction is Direction.MANYTOONE and not declared.viewonly and mapper.isa(declared.mapper):
                back = declared.reverse
                if back is None or (not declared.passive_updates and back.relationship.passive_updates):
                    found.append(declared)
    mapper.memo["references"] = tuple(dict.fromkeys(found))
    return mapper.memo["references"]  # type: ignore[no-any-return]
