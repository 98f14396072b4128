"""Attributes that hold related objects. Keep both sides of a relationship in step; load nothing and write no row.

A change on one side is told to the other by ``link`` and ``unlink``, which do not answer back.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from nbsession.exc import ArgumentError, DetachedInstanceError
from nbsession.mapping.attributes import NEW, Attribute, describe
from nbsession.mapping.collections import InstrumentedList
from nbsession.mapping.entity_names import name_entity
from nbsession.mapping.relationship_operators import RelationshipOperators
from nbsession.states import ObjectState
from nbsession.tracking.history import History, collection_history, reference_history
from nbsession.tracking.instance_state import NO_VALUE, OwnState, ident_of, own_state, state_of

if TYPE_CHECKING:
    from nbsession.mapping.mapper import Mapper
    from nbsession.mapping.relationships import Relationship


class RelationshipAttribute(RelationshipOperators, Attribute):
    """What references and collections share.

    :ivar relationship: what was declared, with its joins and cascades.
    """

    def __init__(self, relationship: Relationship, mapper: Mapper) -> None:
        self.relationship = relationship
        self.key = relationship.key
        self.mapper = mapper
        self.__doc__ = f"Relationship {self.key} of {mapper.class_.__name__}."

    @property
    def parent_entity(self) -> Any:
        """The class it is on."""
        return self.mapper.class_

    @property
    def property(self) -> Relationship:
        """The relationship, by SQLAlchemy's name."""
        return self.relationship

    def load(self, obj: Any) -> Any:
        """The related objects, loaded through the object's session.

        :raises DetachedInstanceError: it is in none.
        """
        session = state_of(obj).session_ref()
        if session is None:
            raise DetachedInstanceError(
                f"Parent instance {describe(obj)} is not bound to a Session; lazy load operation of attribute "
                f"'{self.key}' cannot proceed. Add it to a session, or load '{self.key}' before the session closes."
            )
        return session.load_related(obj, self.key)

    def check(self, obj: Any, value: Any) -> None:
        """A related object must be of the target's class.

        :raises UnmappedInstanceError: it is not mapped at all.
        :raises AssertionError: it is of another class (2.1's own error for it).
        """
        state_of(value)
        if self.relationship.entity_name is not None and isinstance(value, self.relationship.mapper.class_):
            name_entity(value, self.relationship.entity_name)
        if not isinstance(value, self.relationship.mapper.class_):
            raise AssertionError(
                f"Attribute '{self.key}' on class '{self.class_.__name__}' doesn't handle objects of type "
                f"'{type(value).__name__}': it takes {self.relationship.mapper.class_.__name__} objects."
            )

    def link(self, obj: Any, other: Any) -> None:
        """The other side says: ``other`` is now related to ``obj``."""
        raise NotImplementedError

    def unlink(self, obj: Any, other: Any) -> None:
        """The other side says: ``other`` is no longer related to ``obj``."""
        raise NotImplementedError

    def note(self, obj: Any, old: Any) -> None:
        """Keeps what the relationship held before its first change."""
        state = state_of(obj)
        if state.status in NEW:
            return
        own_state(obj, state).related.setdefault(self.key, old)

    def pull_in(self, obj: Any, value: Any) -> None:
        """Save-update cascade: what is attached to an object of a session enters the session."""
        session = state_of(obj).session_ref()
        if session is not None and self.relationship.cascade.save_update:
            session.enter(value, f"cascade save-update over {self.class_.__name__}.{self.key}")

    def let_go(self, obj: Any, value: Any) -> None:
        """An object lost its parent, which it remembers; a pending one under delete-orphan has no reason to be inserted."""
        state = state_of(value)
        if isinstance(state, OwnState):
            if self.relationship.uselist:
                state.given_up += (self.relationship,)
        elif self.relationship.cascade.delete_orphan and state.status is ObjectState.PENDING:
            session = state.session_ref()
            if session is not None and not self.relationship.has_parent(value):
                session.leave(value, f"orphan of {self.class_.__name__}.{self.key}")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.class_.__name__}.{self.key}>"

    __str__ = Attribute.__repr__


class ReferenceAttribute(RelationshipAttribute):
    """``address.user``: one object or None."""

    def __get__(self, obj: Any, owner: type | None = None) -> Any:
        if obj is None:
            return self
        return None if state_of(obj).status in NEW else self.load(obj)

    def set(self, obj: Any, value: Any) -> None:
        """Relates the objects the user assigned, in place of those before."""
        if self.validators:
            value = self.validated(obj, value)
        if value is not None:
            self.relationship.parent.configure()
            self.check(obj, value)
        old = self._known(obj)
        reverse = self.relationship.reverse
        if value is not None and old is not value:
            self.pull_in(obj, value)
        self._store(obj, old, value)
        if old is value:
            return
        if reverse is not None:
            if old is not None and old is not NO_VALUE:
                reverse.unlink(old, obj)
            if value is not None:
                reverse.link(value, obj)
        if old is not None and old is not NO_VALUE:
            self.let_go(obj, old)

    def delete(self, obj: Any) -> None:
        """``del obj.attribute``: as set to nothing."""
        self.set(obj, None)

    def link(self, obj: Any, other: Any) -> None:
        """The other side says: ``other`` is now related to ``obj``."""
        old = self._known(obj)
        if old is other:
            self._store(obj, old, other)
            return
        self._store(obj, old, other)
        reverse = self.relationship.reverse
        if old is not None and old is not NO_VALUE and reverse is not None:
            reverse.unlink(old, obj)

    def unlink(self, obj: Any, other: Any) -> None:
        """The other side says: ``other`` is no longer related to ``obj``."""
        current = self._known(obj)
        if current is other:
            self._store(obj, current, None)
            self.let_go(other, obj)
        elif current is NO_VALUE:
            self._store(obj, NO_VALUE if ident_of(other) is None else other, None)

    def _known(self, obj: Any) -> Any:
        """What it refers to, as far as that can be told: a to-one by foreign key is looked up without SQL."""
        current = obj.__dict__.get(self.key, NO_VALUE)
        state = state_of(obj)
        if current is not NO_VALUE or state.status in NEW:
            return None if current is NO_VALUE else current
        session = state.session_ref()
        if session is None:
            return NO_VALUE
        if not self.relationship.to_one_by_key:
            return self.load(obj)
        ident = self.relationship.target_ident(obj.__dict__)
        if ident is None:
            known = all(local in obj.__dict__ for local, _ in self.relationship.pairs)
            return None if known else NO_VALUE
        target = self.relationship.mapper
        found = session.find(target, ident)
        return NO_VALUE if found is None or found.__dict__.keys().isdisjoint(target.column_keys) else found

    def _store(self, obj: Any, old: Any, value: Any) -> None:
        self.note(obj, old)
        obj.__dict__[self.key] = value
        if old is not value:
            self.announce(obj, state_of(obj), old, value)

    def history(self, obj: Any) -> History:
        """What changed since the row was known."""
        return reference_history(obj, self.key)


class CollectionAttribute(RelationshipAttribute):
    """``user.addresses``: a list of objects."""

    def __get__(self, obj: Any, owner: type | None = None) -> Any:
        if obj is None:
            return self
        if state_of(obj).status in NEW:
            self.relationship.parent.configure()
            return self.fill(obj, ())
        return self.load(obj)

    def fill(self, obj: Any, members: Iterable[Any]) -> InstrumentedList:
        """Puts a list in place, as loaded: notes and tells nothing."""
        collection = InstrumentedList(members).belongs_to(obj, self)
        obj.__dict__[self.key] = collection
        return collection

    def set(self, obj: Any, value: Any) -> None:
        """Relates the objects the user assigned, in place of those before."""
        self.relationship.parent.configure()
        if value is None or (not isinstance(value, (list, tuple, set, frozenset)) and not hasattr(value, "__iter__")):
            raise TypeError(
                f"Incompatible collection type: {type(value).__name__} is not list-like. "
                f"'{self.class_.__name__}.{self.key}' takes a list of {self.relationship.mapper.class_.__name__} objects."
            )
        before = list(getattr(obj, self.key))
        held = {id(m) for m in before}
        come = self.before_add(obj, list(value), already=held)
        self.before_remove(obj)
        collection = self.fill(obj, come)
        kept = {id(m) for m in come}
        self.after_remove(obj, [m for m in before if id(m) not in kept])
        self.after_add(obj, [m for m in collection if id(m) not in held])

    def delete(self, obj: Any) -> None:
        """``del obj.attribute``: as set to nothing."""
        self.set(obj, [])

    def before_add(self, owner: Any, members: list[Any], already: Any = ()) -> list[Any]:
        """Checks members that are about to come, brings them in, and notes what the collection held."""
        for validate in self.validators:
            members = [m if id(m) in already else validate(owner, self.key, m) for m in members]
        for member in members:
            self.check(owner, member)
        come = [m for m in members if id(m) not in already]
        for member in come:
            self.pull_in(owner, member)
        self._keep(owner, come)
        self._note_members(owner)
        return members

    def after_add(self, owner: Any, members: Iterable[Any]) -> None:
        """Tells the other side of members that came."""
        reverse = self.relationship.reverse
        for member in members:
            if reverse is not None:
                reverse.link(member, owner)
            self.announce(owner, state_of(owner), NO_VALUE, member)

    def _keep(self, owner: Any, members: Iterable[Any]) -> None:
        session = state_of(owner).session_ref()
        if session is not None:
            session.keep(members, owner, f"given to {self.class_.__name__}.{self.key}")

    def before_remove(self, owner: Any) -> None:
        """Notes what the collection holds before something goes."""
        self._note_members(owner)

    def after_remove(self, owner: Any, members: Iterable[Any]) -> None:
        """Tells the other side and the session of members that went; one that is in the list twice has not."""
        reverse = self.relationship.reverse
        held = set(map(id, owner.__dict__.get(self.key, ())))
        for member in members:
            if id(member) in held:
                continue
            if reverse is not None:
                reverse.unlink(member, owner)
            self.announce(owner, state_of(owner), member, None)
            self.let_go(owner, member)

    def link(self, obj: Any, other: Any) -> None:
        """The other side says: ``other`` is now related to ``obj``."""
        self._keep(obj, (other,))
        collection = self._collection_or_queue(obj)
        if isinstance(collection, OwnState):
            added, removed = collection.queued.setdefault(self.key, ([], []))
            if not _drop(removed, other):
                added.append(other)
        else:
            self._note_members(obj)
            list.append(collection, other)

    def unlink(self, obj: Any, other: Any) -> None:
        """The other side says: ``other`` is no longer related to ``obj``."""
        collection = self._collection_or_queue(obj)
        if isinstance(collection, OwnState):
            added, removed = collection.queued.setdefault(self.key, ([], []))
            if not _drop(added, other):
                removed.append(other)
        elif any(m is other for m in collection):
            self._note_members(obj)
            index = next(i for i, m in enumerate(collection) if m is other)
            list.pop(collection, index)
        self.let_go(obj, other)

    def _collection_or_queue(self, obj: Any) -> Any:
        """The loaded list, or the state on which a change of an unloaded one is queued."""
        collection = obj.__dict__.get(self.key)
        if collection is not None:
            return collection
        state = state_of(obj)
        return self.fill(obj, ()) if state.status in NEW else own_state(obj, state)

    def _note_members(self, obj: Any) -> None:
        state = state_of(obj)
        if state.status not in NEW:
            own = own_state(obj, state)
            if self.key not in own.related:
                own.related[self.key] = list(obj.__dict__.get(self.key, ()))

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

    :raises ArgumentError: the collection class is not known.
    """
    if relationship.collection_class not in (None, list):
        raise ArgumentError(
            f"Relationship '{relationship}' asks for a {relationship.collection_class!r}: collections are lists."
        )
    return (
        CollectionAttribute(relationship, mapper) if relationship.uselist else ReferenceAttribute(relationship, mapper)
    )
