"""Finds the foreign keys that a flush fills: of children that came to a parent, left it, or follow its changed key.

Looks at histories; loads nothing and changes no object.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any

from nbsession.exc import FlushError, NbsessionWarning
from nbsession.mapping.attributes import describe
from nbsession.mapping.collecting.collections import members_of
from nbsession.mapping.mapper import Mapper
from nbsession.mapping.relating.relationships import Direction, Relationship
from nbsession.session.flush.changes import title
from nbsession.session.flush.key_changes import KeyChanges
from nbsession.session.flush.orphans import given_up, is_untold
from nbsession.session.flush.steps import Link, committed_value
from nbsession.session.flush.workload import Workload
from nbsession.tracking.history import collection_history, reference_history
from nbsession.tracking.instance_state import NO_VALUE, OwnState, state_of


class Linking:
    """The links of one flush.

    :ivar links: by ``id`` of the child, what is filled before its row is written.
    :ivar linked: those children, by ``id``.
    :ivar late: what a separate UPDATE writes once all rows are there (``post_update``).
    :ivar outside: of members that are in no session, by relationship and whether its owner leaves: they learn the key, and no
        row is written.
    :ivar followed: what the database fills itself where a key changes (``passive_updates``), to be known in memory.
    :ivar met: objects that a parent let go of, with nothing to be filled.
    """

    def __init__(self, work: Workload) -> None:
        self.work = work
        self.links: dict[int, list[Link]] = {}
        self.linked: dict[int, Any] = {}
        self.late: list[Link] = []
        self.outside: dict[tuple[Relationship, bool], list[Link]] = {}
        self.followed: list[Link] = []
        self.met: list[Any] = []
        self._known: dict[Relationship, tuple[tuple[tuple[str, str], ...], bool, str]] = {}

    def find(self) -> None:
        """Goes through the relationships of all objects of the flush."""
        for mapper, objects in self.work.new_of.items():
            declared_here = _linking(mapper)
            again = [obj for obj in objects if obj._nbs_state.noting] if declared_here else []
            fresh = [obj for obj in objects if not obj._nbs_state.noting] if again else objects
            for declared in declared_here:
                self._link_new(declared, fresh)
                self._link_changed(declared, again)
        for mapper, objects in self.work.touched_of.items():
            if not mapper.relationships:
                continue
            changed = [obj for obj in objects if (state := obj._nbs_state).owned and state.notes is not None]
            for declared in mapper.relationships if changed else ():
                if not declared.viewonly and declared.direction is not Direction.MANYTOMANY:
                    self._link_changed(declared, changed)
        for mapper, objects in self.work.deleted_of.items():
            for declared in mapper.relationships:
                if declared.viewonly:
                    continue
                if declared.direction is Direction.ONETOMANY:
                    self._unlink_children(declared, objects)
                elif declared.direction is Direction.MANYTOONE and declared.post_update:
                    self._let_go_of_parents(declared, objects)
        if self.work.touched_of:
            KeyChanges(self.work, self).follow()
        for links in self.links.values():
            if len(links) > 1:  # two relationships that say different things of one foreign key: the last one has it
                links.sort(key=_said_by)

    # ------------------------------------------------------------------------------------------------ saves

    def _link_new(self, declared: Relationship, objects: list[Any]) -> None:
        key = declared.key
        if declared.direction is Direction.MANYTOONE:
            for obj in objects:
                parent = obj.__dict__.get(key, NO_VALUE)
                if parent is NO_VALUE or (parent is None and _is_keyless(declared.pairs, obj)):
                    continue
                self._link(declared, obj, parent)
            return
        for obj in objects:
            held = obj.__dict__.get(key)
            if held is not None:
                self._link_members(declared, obj, members_of(held) if declared.uselist else (held,))

    def _link_changed(self, declared: Relationship, objects: list[Any]) -> None:
        key = declared.key
        tree = is_tree(declared)
        for obj in objects:
            state = obj._nbs_state
            if not state.owned or (key not in state.related and key not in state.queued):
                continue
            if tree and key not in obj.__dict__:
                for children in state.queued.get(key, ()):
                    self.met += [child for child in children if child is not None and self.work.has_row(child)]
                continue  # among rows that refer to one another, only what is there says who is whose parent
            if declared.direction is Direction.MANYTOONE:
                if reference_history(obj, key).has_changes():
                    self._link(declared, obj, obj.__dict__.get(key))
                continue
            history = collection_history(obj, key) if declared.uselist else reference_history(obj, key)
            self._link_members(
                declared, obj, history.added if declared.uselist else [c for c in history.added if c is not None]
            )
            if (
                declared.passive_deletes != "all" and not declared.cascade.delete_orphan
            ):  # who is no orphan belongs elsewhere
                self._let_go(declared, obj, history.deleted)

    def _let_go(self, declared: Relationship, obj: Any, children: Iterable[Any]) -> None:
        for child in children:
            if declared.reverse is None or declared.key in obj.__dict__ or _forgot(child, declared):
                self._unlink_child(declared, obj, child)
            elif child is not None and self.work.has_row(child):
                self.met.append(child)

    def _link_members(self, declared: Relationship, parent: Any, members: Iterable[Any]) -> None:
        back = declared.reverse.key if declared.reverse is not None else None
        takes_part = self.work.takes_part
        for child in members:
            if child is None:
                raise cannot_flush_none(declared)
            if (
                back is not None
                and child.__dict__.get(back) is parent
                and takes_part(child)
                and (not state_of(child).noting or reference_history(child, back).has_changes())
            ):
                continue  # the many-to-one on the child links the two
            self._link(declared, child, parent)

    def _link(self, declared: Relationship, child: Any, parent: Any) -> None:
        other = parent if declared.direction is Direction.MANYTOONE else child
        if other is not None:
            if not self.work.in_session(other):
                warn_not_in_session(declared, other)
                if declared.direction is Direction.ONETOMANY:
                    check_type(declared, other)
                    self.link_outside(declared, child, parent)
                return
            check_type(declared, other)
        if id(child) in self.work.gone:
            return
        if self.work.only is not None and any(
            one is not None and self.work.comes_later(one) for one in (child, parent)
        ):
            return  # their own flush links the two
        self.add(declared, child, parent)

    def link_outside(self, declared: Relationship, child: Any, parent: Any, leaving: bool = False) -> None:
        """Notes what a member that is in no session learns of its parent, or of having none."""
        link = Link(child, foreign_keys_of(declared), parent, str(declared))
        self.outside.setdefault((declared, leaving), []).append(link)

    def add(self, declared: Relationship, child: Any, parent: Any) -> None:
        """Notes that a child's foreign key is to be filled.

        :raises AssertionError: it would empty the child's primary key.
        """
        keys, late, along = self._how(declared)
        if parent is None:
            blanked = [k for k, _ in keys if k in state_of(child).mapper.pk_keys]
            if blanked:
                raise AssertionError(
                    f"Dependency rule on '{declared}' tried to blank-out primary key column(s) {', '.join(blanked)} on "
                    f"instance {describe(child)}. Delete it instead, or give it another parent."
                )
        link = Link(child, keys, parent, along)
        if late:
            self.late.append(link)
            return
        try:
            self.links[id(child)].append(link)
        except KeyError:
            self.links[id(child)] = [link]
        self.linked[id(child)] = child

    def _how(self, declared: Relationship) -> tuple[tuple[tuple[str, str], ...], bool, str]:
        """The keys to fill, whether by an UPDATE of their own, and the relationship's name: asked for every child."""
        try:
            return self._known[declared]
        except KeyError:
            self._known[declared] = foreign_keys_of(declared), written_late(declared), str(declared)
            return self._known[declared]

    # --------------------------------------------------------------------------------------------- leaving

    def _unlink_child(self, declared: Relationship, parent: Any, child: Any, leaving: bool = False) -> None:
        """A child that left its parent: its foreign key becomes NULL, unless it has a new parent or is deleted.

        :param leaving: the parent is deleted: then a new parent counts only if it is in the session.
        """
        now = child.__dict__.get(declared.reverse.key) if child is not None and declared.reverse is not None else None
        if now is parent and not leaving and (_is_set(child, declared) or is_untold(child, declared, parent)):
            return  # given, then taken out by an assignment that was refused: nobody told it
        moved = now is not None and now is not parent and (not leaving or self.work.in_session(now))
        if moved and not leaving and declared.reverse is not None and self.work.has_row(child):
            # a parent that was only read is what the row says, and no new one
            moved = reference_history(child, declared.reverse.key).has_changes() or any(
                member is child for member in members_of(now.__dict__.get(declared.key))
            )
        elif moved and leaving:  # it lets go of all that it has; who has a part in the flush then says where it belongs
            moved = self.work.in_session(child) and _is_set(child, declared)
        if child is None or not self.work.has_row(child):
            alone = child is not None and not self.work.in_session(child)
            if alone and not leaving:
                alone = not declared.has_parent(child)
            elif alone:
                alone = not moved and _was_member(declared, parent, child)
            if alone and not declared.cascade.delete_orphan:
                self.link_outside(declared, child, None, leaving)
            told = child is not None and now is None and not leaving and id(child) in self.work.unit.new
            if told and not _is_keyless(foreign_keys_of(declared), child):
                self.add(declared, child, None)  # it may have learnt the key from a flush, when it was in no session
            return
        if id(child) in self.work.gone:
            if not written_late(declared) or id(parent) not in self.work.gone:
                return
            self.late.append(Link(child, foreign_keys_of(declared), None, str(declared)))
            return
        links = self.links.get(id(child), ())
        if moved or any(link.parent is not None and link.along == str(declared) for link in links):
            return
        self.add(declared, child, None)

    def _unlink_children(self, declared: Relationship, parents: list[Any]) -> None:
        """Children of deleted parents: their foreign keys become NULL, as far as they are loaded."""
        for parent in parents:
            if parent._nbs_state.owned:
                self._unlink_removed(declared, parent)
            held = parent.__dict__.get(declared.key, NO_VALUE)
            if held is NO_VALUE:
                if not declared.passive_deletes:
                    self.work.notes.append(f"{declared.key} of {title(parent)} not loaded: would SELECT")
                continue
            if (declared.cascade.delete and not written_late(declared)) or declared.passive_deletes == "all":
                continue
            members: Iterable[Any] = members_of(held) if declared.uselist else [held]
            if parent._nbs_state.owned:  # who came since the last flush says by itself where it belongs
                members = (collection_history if declared.uselist else reference_history)(
                    parent, declared.key
                ).unchanged
            for child in members:
                self._unlink_child(declared, parent, child, leaving=True)

    def _unlink_removed(self, declared: Relationship, parent: Any) -> None:
        """Children that were taken out of a parent before it was deleted.

        A many-to-one on them that knows sees to it by itself, if they are here; in a tree, if it is not deleted from them.
        """
        state, tree = state_of(parent), is_tree(declared)
        back = None if declared.reverse is None else declared.reverse.key
        if declared.passive_deletes == "all" or not isinstance(state, OwnState):
            return
        if declared.key in state.related or declared.key in state.queued:
            history = (collection_history if declared.uselist else reference_history)(parent, declared.key)
            for child in history.deleted:
                if child is None or declared.has_parent(child):
                    continue
                knows = back is not None and reference_history(child, back).has_changes()
                forgot = not knows and not tree and not declared.cascade.delete_orphan and self.work.has_row(child)
                if forgot or back is None or (tree and back not in child.__dict__):
                    self._unlink_child(declared, parent, child)
                elif not self.work.in_session(child):
                    self.link_outside(declared, child, None, leaving=True)

    def _let_go_of_parents(self, declared: Relationship, children: list[Any]) -> None:
        """Rows that are to be deleted and refer, by ``post_update``, to others: first they let go of them."""
        if declared.cascade.delete_orphan or declared.passive_deletes == "all":
            return
        keys = foreign_keys_of(declared)
        for child in children:
            if all(k not in state_of(child).mapper.pk_keys for k, _ in keys) and any(
                committed_value(child, k) not in (None, NO_VALUE) for k, _ in keys
            ):
                self.late.append(Link(child, keys, None, str(declared)))


def _forgot(child: Any, declared: Relationship) -> bool:
    """Was a child taken out of such a relationship, or does it not know any more where it belongs?"""
    if child is None or given_up(child, declared):
        return True
    return (
        declared.reverse is not None and declared.reverse.key not in child.__dict__ and not _is_noted(child, declared)
    )


def _is_set(child: Any, declared: Relationship) -> bool:
    """Was the reference of a child changed since the last flush?"""
    return declared.reverse is not None and reference_history(child, declared.reverse.key).has_changes()


def _is_noted(child: Any, declared: Relationship) -> bool:
    state = state_of(child)
    return isinstance(state, OwnState) and declared.reverse is not None and declared.reverse.key in state.related


def _was_member(declared: Relationship, parent: Any, child: Any) -> bool:
    """Did a parent have a child at the last flush, and has it still?"""
    history = (collection_history if declared.uselist else reference_history)(parent, declared.key)
    return any(child is member for member in history.unchanged)


def _linking(mapper: Mapper) -> list[Relationship]:
    """The relationships of a class that fill a foreign key."""
    found: list[Relationship] | None = mapper.memo.get("linking")
    if found is None:
        found = mapper.memo["linking"] = [
            r for r in mapper.relationships if not r.viewonly and r.direction is not Direction.MANYTOMANY
        ]
    return found


def _is_keyless(keys: Iterable[tuple[str, str]], obj: Any) -> bool:
    """Is the foreign key part of a key that is not set? Then there is nothing to blank out."""
    return any(k in state_of(obj).mapper.pk_keys and obj.__dict__.get(k) is None for k, _ in keys)


def foreign_keys_of(declared: Relationship) -> tuple[tuple[str, str], ...]:
    """(foreign key attribute of the child, attribute of the parent) of a relationship, whichever side it is on."""
    if declared.direction is Direction.MANYTOONE:
        return declared.pairs
    return tuple((there, here) for here, there in declared.pairs)


def written_late(declared: Relationship) -> bool:
    """Does ``post_update``, on either side, ask for a separate UPDATE?"""
    if declared.post_update:
        return True
    return declared.reverse is not None and bool(declared.reverse.relationship.post_update)


def is_tree(declared: Relationship) -> bool:
    """Does it relate rows of one table to one another, by a foreign key that is written with the row?"""
    return declared.mapper.base_mapper is declared.parent.base_mapper and not written_late(declared)


def _said_by(link: Link) -> str:
    return link.along


def warn_not_in_session(declared: Relationship, other: Any, operation: str = "add") -> None:
    """A related object that nobody added: the relationship is not written."""
    warnings.warn(
        f"Object of type {describe(other)} not in session, {operation} operation along '{declared}' will not proceed",
        NbsessionWarning,
        stacklevel=2,
    )


def cannot_flush_none(declared: Relationship) -> FlushError:
    """The error for a collection that holds None."""
    return FlushError(
        f"Can't flush None value found in collection {declared}. Take it out, and roll back if the transaction failed by it."
    )


def check_type(declared: Relationship, other: Any) -> None:
    """A related object must be of the class that the relationship leads to.

    :raises FlushError: it is not.
    """
    target, mapper = declared.mapper, state_of(other).mapper
    if mapper is target or (mapper.isa(target) and (target.polymorphic or not declared.enable_typechecks)):
        return
    subtype = (
        f"{type(other).__name__} is a subclass of {target.class_.__name__}: give the mapper a polymorphic_on, or set "
        "enable_typechecks=False on the relationship."
        if mapper.isa(target)
        else "Put it where it belongs."
    )
    raise FlushError(
        f'Attempting to flush an item of type {type(other)} as a member of collection "{declared}". Expected an object of type '
        f"{target.class_} or a polymorphic subclass of this type. {subtype}"
    )
