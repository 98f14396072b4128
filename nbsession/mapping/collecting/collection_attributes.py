"""Attributes that hold several related objects. Keep both sides of a relationship in step; write no row.

A collection tells its attribute what comes and goes; the attribute checks, notes, and tells the other side.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any
from weakref import ref

from nbsession.mapping.attribute_events import AttributeEvent, tell
from nbsession.mapping.attributes import NEW
from nbsession.mapping.collecting.collection_kinds import CollectionKind
from nbsession.mapping.collecting.collections import members_of
from nbsession.mapping.relating.relationship_attributes import ReferenceAttribute, RelationshipAttribute, tell_given
from nbsession.tracking.history import History, collection_history
from nbsession.tracking.instance_state import NO_VALUE, OwnState, ident_of, own_state, state_of

if TYPE_CHECKING:
    from nbsession.mapping.mapper import Mapper
    from nbsession.mapping.relating.relationships import Relationship


class CollectionAttribute(RelationshipAttribute):
    """``user.addresses``: a collection of objects.

    :ivar kind: what kind of collection.
    """

    def __init__(self, relationship: Relationship, mapper: Mapper) -> None:
        super().__init__(relationship, mapper)
        self.kind = CollectionKind(relationship.collection_class)
        self._untouched: dict[int, ref[Any]] = {}
        self._purge_at = 64

    def __get__(self, obj: Any, owner: type | None = None) -> Any:
        if obj is None:
            return self
        if state_of(obj).status in NEW:
            self.relationship.parent.configure()
            return self._empty(obj)
        return self.load(obj)

    # ------------------------------------------------------------------------------------------ whole collections

    def fill(self, obj: Any, members: Iterable[Any]) -> Any:
        """Puts a collection in place, as loaded: notes and tells nothing."""
        collection = self._attached(obj, self.kind.build(members))
        obj.__dict__[self.key] = collection
        return collection

    def restore(self, obj: Any, saved: Any) -> None:
        """Puts a collection in place that pickle kept."""
        obj.__dict__[self.key] = self._attached(obj, self.kind.restored(saved))

    def holds(self, obj: Any, collection: Any) -> bool:
        """Is this the object's collection now?"""
        held = obj.__dict__.get(self.key)
        if held is None and state_of(obj).status in NEW:
            untouched = self._untouched.get(id(obj))
            return untouched is not None and untouched() is collection
        return held is collection

    def _attached(self, obj: Any, collection: Any) -> Any:
        collection._nbs_attribute = self
        collection._nbs_owner = ref(obj)
        if self.occasional:
            tell(self, "init_collection", obj, collection, None)
        return collection

    def _empty(self, obj: Any) -> Any:
        """The collection of a new object that was never set: it becomes part of the object when it is changed."""
        address, untouched = id(obj), self._untouched
        known = untouched.get(address)
        collection = known() if known is not None else None
        if collection is None or collection._nbs_owner() is not obj:
            collection = self._attached(obj, self.kind.make())
            if len(untouched) >= self._purge_at:
                for dead in [a for a, known in untouched.items() if known() is None]:
                    del untouched[dead]
                self._purge_at = 2 * len(untouched) + 64
            untouched[address] = ref(collection)
        return collection

    def set(self, obj: Any, value: Any) -> None:
        """Relates the objects the user assigned, in place of those before.

        :raises TypeError: the value is not a collection of this kind.
        """
        self.relationship.parent.configure()
        if value is not None and value is obj.__dict__.get(self.key):
            return
        name = f"{self.class_.__name__}.{self.key}"
        self.assign(obj, self.kind.members_assigned(value, name, self.relationship.mapper.class_.__name__))

    def assign(self, obj: Any, members: list[Any]) -> None:
        """Relates these objects in place of those before; only the difference is told."""
        replaced = obj.__dict__.get(self.key)
        waiting: list[Any] = []
        if replaced is None:
            if state_of(obj).status in NEW:
                self._untouched.pop(id(obj), None)
                obj.__dict__[self.key] = replaced = self._attached(obj, self.kind.make())
            else:
                waiting = state_of(obj).noted.queued.get(self.key, ([], []))[0]
                replaced = getattr(obj, self.key)
        before = members_of(replaced)
        if self.occasional:
            tell(self, "bulk_replace", obj, members, AttributeEvent(self, "bulk_replace"))
        self._note_members(obj)
        held = {id(m) for m in before}
        far: list[Any] = []
        try:
            come = self.before_add(obj, members, already=held, far=far)
        except Exception:
            self._tell_nobody(obj, before, waiting)
            self._assign_some(obj, far, held)
            raise
        kept = {id(m) for m in come}
        gone = list({id(m): m for m in before if id(m) not in kept}.values())
        self.before_remove(obj, gone)
        collection = self.fill(obj, come)
        self.after_add(obj, [m for m in members_of(collection) if id(m) not in held])
        staying = {id(m): m for m in before if id(m) in kept}
        for member in staying.values():  # they are brought in last, in the old order
            self.pull_in(obj, member)
        self.after_remove(obj, gone)
        if self.occasional:
            tell(self, "dispose_collection", obj, replaced, None)

    def _tell_nobody(self, obj: Any, before: list[Any], waiting: list[Any]) -> None:
        """An assignment is refused: those who were given before, in a flush or just now, do not learn that they went."""
        state = state_of(obj)
        if isinstance(state, OwnState):
            session = state.common.session_ref()
            given = set() if session is None else session.given_before(before, self.relationship)
            state.noting_more().untold.setdefault(self.key, set()).update(given, map(id, waiting))

    def _assign_some(self, obj: Any, members: list[Any], held: Collection[int]) -> None:
        """An assignment that fails has come as far as the member that is refused."""
        if self.validators:
            return  # they are asked once
        collection = self.fill(obj, ())
        try:
            for member in members:
                self.before_add(obj, (member,), already=held, far=[])
                self.kind.append(collection, member)
                self.after_add(obj, () if id(member) in held else (member,))
        except Exception:
            return

    def delete(self, obj: Any) -> None:
        """``del obj.attribute``: as set to nothing."""
        self.relationship.parent.configure()
        self.assign(obj, [])

    # ------------------------------------------------------------------------------------------ what a collection tells

    def before_add(
        self, owner: Any, members: Collection[Any], already: Any = (), far: list[Any] | None = None
    ) -> list[Any]:
        """Checks members that are about to come, brings them in, and notes what the collection held.

        :param already: ``id`` of those that are members.
        :param far: where one is refused, it is told those before it; who was a member already is not brought in.
        :return: the members, as validators made them.
        """
        come = members
        if self.validators:
            come = [m if id(m) in already else self.validated(owner, m, op="append") for m in members]
        for member in come:
            try:
                self.check(owner, member)
                if self.single is not None and member is not None and id(member) not in already:
                    self.single.taken(owner, member)
                if far is None or id(member) not in already:
                    self.pull_in(owner, member)  # one that the other side brought is perhaps not in the session yet
            except Exception:
                self._make_part(owner)
                raise
            if far is not None:
                far.append(member)
        self._note_members(owner)
        return list(come)

    def after_add(self, owner: Any, members: Iterable[Any]) -> None:
        """Tells the other side of members that came."""
        reverse = self.relationship.reverse
        for member in members:
            if member is not None:
                self.comes_again(owner, member)
                if reverse is not None:
                    reverse.link(member, owner)
            tell_given(member)
            self.announce(owner, state_of(owner), NO_VALUE, member)

    def comes_again(self, owner: Any, member: Any) -> None:
        """That somebody was taken out of a list once does not count any more, whosever it was: it has a parent."""
        state = state_of(member)
        if isinstance(state, OwnState) and state.noted.left:
            state.noting_more().left = tuple(one for one in state.noted.left if one[0] is not self.relationship)

    def before_remove(self, owner: Any, members: Iterable[Any]) -> None:
        """Notes what the collection holds before something goes."""
        if self.validators:
            for member in members:
                self.say_goodbye(owner, member)
        self._note_members(owner)

    def after_remove(self, owner: Any, members: Iterable[Any]) -> None:
        """Tells the other side and the session of members that went.

        One that was in the list twice still refers to its owner; of two lists, each lets go of the other once.
        """
        reverse = self.relationship.reverse
        both = reverse is not None and reverse.relationship.uselist
        held: Any = None
        for member in members:
            if member is None:
                continue
            if held is None:
                held = set(map(id, members_of(owner.__dict__.get(self.key))))
            if reverse is not None and (both or id(member) not in held):
                reverse.unlink(member, owner)
            self.announce(owner, state_of(owner), member, None)
            twin = self._has_a_twin_as_parent(owner, member, new=True)
            if id(member) in held or twin:
                self._once_more(owner, member, twin)
            if id(member) not in held or state_of(member).status in NEW:
                self.let_go(owner, member, id(member) in held or twin)

    def _once_more(self, owner: Any, member: Any, twin: bool) -> None:
        """A member went that is in the list still: under delete-orphan it counts as given up, unless it comes again.

        :param twin: so it does if its parent by now is another object of the same row.
        """
        state = state_of(member)
        if not self.relationship.cascade.delete_orphan:
            return
        count = sum(other is member for other in members_of(owner.__dict__.get(self.key)))
        if not count and not twin:
            return
        if isinstance(state, OwnState) or state.status in NEW:
            notes = own_state(member, state).noting_more()
            notes.left += ((self.relationship, owner, count),)
            session = state_of(owner).session_ref()
            notes.adrift = state.status in NEW and (session is None or session is not state.session_ref())
        elif (session := state.session_ref()) is not None:
            session.note_left(member, self.relationship)

    def _has_a_twin_as_parent(self, owner: Any, member: Any, new: bool = False) -> bool:
        """Does a member refer to another object of its owner's row?

        :param new: do those that have no row yet count as of one?
        """
        reverse = self.relationship.reverse
        parent = None if reverse is None or reverse.relationship.uselist else member.__dict__.get(reverse.key)
        if parent is None or parent is owner or not self.relationship.cascade.delete_orphan:
            return False
        ident = ident_of(owner)
        return (new or ident is not None) and ident_of(parent) == ident and type(parent) is type(owner)

    def missed(self, owner: Any, member: Any) -> None:
        """Something was to be removed that is no member: both count as changed, and what was asked is known."""
        self._note_members(owner)
        reverse = self.relationship.reverse
        if not isinstance(member, self.relationship.mapper.class_):
            return
        if isinstance(reverse, ReferenceAttribute):
            reverse.look_up(member)
        if isinstance(reverse, RelationshipAttribute) and (
            state_of(member).status in NEW
            if reverse.relationship.uselist and reverse.key not in member.__dict__
            else reverse.relationship.uselist or member.__dict__.get(reverse.key) is owner
        ):
            reverse.unlink(member, owner)
        elif isinstance(reverse, CollectionAttribute):
            own_state(member, state_of(member))

    # ------------------------------------------------------------------------------------------ what the other side tells

    def link(self, obj: Any, other: Any) -> None:
        """The other side says: ``other`` is now related to ``obj``."""
        if self.validators:
            other = self.validated(obj, other, op="append", backref=True)
        if self.relationship.cascade_backrefs:
            self.pull_in(obj, other)
        tell_given(other)
        self.comes_again(obj, other)
        collection = self._collection_or_queue(obj)
        if isinstance(collection, OwnState):
            added, removed = collection.noting_more().queued.setdefault(self.key, ([], []))
            if not _drop(removed, other) and not any(m is other for m in added):
                added.append(other)
        elif not (self.kind.form is set and any(m is other for m in collection)):
            if self.kind.plain:
                self._note_members(obj)
                self.kind.append(collection, other)
                return
            self.kind.know(other)  # it may load its key, and that may flush: nothing is noted before
            self._note_members(obj)
            replaced = self.kind.add(collection, other)
            if replaced:
                self.after_remove(obj, replaced)

    def unlink(self, obj: Any, other: Any) -> None:
        """The other side says: ``other`` is no longer related to ``obj``."""
        if self.validators:
            self.say_goodbye(obj, other, backref=True)
        collection = self._collection_or_queue(obj)
        if isinstance(collection, OwnState):
            added, removed = collection.noting_more().queued.setdefault(self.key, ([], []))
            if not _drop(added, other) and not any(m is other for m in removed):
                removed.append(other)
        else:
            member = any(m is other for m in members_of(collection))
            if not member and self.kind.form in (set, dict):
                return  # they look before they tell
            self._note_members(obj)
            if member:
                self.kind.take(collection, other)
                self._once_more(obj, other, self._has_a_twin_as_parent(obj, other))
        self.let_go(obj, other, moved=True)

    def _collection_or_queue(self, obj: Any) -> Any:
        """The loaded collection, or the state on which a change of an unloaded one is queued."""
        collection = obj.__dict__.get(self.key)
        if collection is not None:
            return collection
        state = state_of(obj)
        if state.status not in NEW:
            return own_state(obj, state)
        collection = obj.__dict__[self.key] = self._empty(obj)
        return collection

    def _note_members(self, obj: Any) -> None:
        """Keeps what the collection of a stored object held before its first change; that of a new one is now set."""
        state = state_of(obj)
        if state.noting and not self.relationship.viewonly:
            related = own_state(obj, state).noting_more().related
            if self.key not in related:
                related[self.key] = members_of(obj.__dict__.get(self.key))
        self._make_part(obj)

    def _make_part(self, obj: Any) -> None:
        """The collection of a new object that is changed, or was to be, is a part of it from now on."""
        if self.key not in obj.__dict__ and state_of(obj).status in NEW:
            obj.__dict__[self.key] = self._empty(obj)
            del self._untouched[id(obj)]

    def history(self, obj: Any) -> History:
        """What changed since the row was known."""
        return collection_history(obj, self.key)


def _drop(members: list[Any], member: Any) -> bool:
    for i, m in enumerate(members):
        if m is member:
            del members[i]
            return True
    return False


def attribute_for(relationship: Relationship, mapper: Mapper) -> RelationshipAttribute:
    """The attribute that fits a relationship.

    :raises ArgumentError: the collection class cannot be used.
    """
    if relationship.lazy == "dynamic":
        from nbsession.mapping.collecting.dynamic_attributes import DynamicAttribute

        return DynamicAttribute(relationship, mapper)
    return (
        CollectionAttribute(relationship, mapper) if relationship.uselist else ReferenceAttribute(relationship, mapper)
    )
