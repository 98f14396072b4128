"""Attributes that hold related objects. Keep both sides of a relationship in step; load nothing and write no row.

A change on one side is told to the other by ``link`` and ``unlink``, which do not answer back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbsession.exc import DetachedInstanceError, InvalidRequestError
from nbsession.mapping.attributes import NEW, Attribute, describe, retirement
from nbsession.mapping.entity_names import name_entity
from nbsession.mapping.relating.joining import Direction
from nbsession.mapping.relating.parents import SingleParent, has_another_parent
from nbsession.mapping.relating.relationship_operators import RelationshipOperators
from nbsession.states import ObjectState
from nbsession.tracking.history import History, reference_history
from nbsession.tracking.instance_state import NEVER_SET, NO_VALUE, OPTIONS_KEY, OwnState, own_state, state_of
from nbsession.tracking.unset import is_expired, unset_of

if TYPE_CHECKING:
    from nbsession.mapping.mapper import Mapper
    from nbsession.mapping.relating.relationships import Relationship


def not_available(declared: Relationship, strategy: str) -> InvalidRequestError:
    """The error for touching what must not be loaded."""
    return InvalidRequestError(
        f"'{declared}' is not available due to lazy='{strategy}'. Load it with the object: selectinload({declared})."
    )


def tell_given(child: Any) -> None:
    """A parent takes an object: if that is to be deleted, its session wants to know."""
    if child is not None and (state := state_of(child)).status is ObjectState.PERSISTENT:
        session = state.session_ref()
        if session is not None:
            session.note_given(child)


class RelationshipAttribute(RelationshipOperators, Attribute):
    """What references and collections share.

    :ivar relationship: what was declared, with its joins and cascades.
    """

    def __init__(self, relationship: Relationship, mapper: Mapper) -> None:
        self.relationship = relationship
        self.key = relationship.key
        self.mapper = mapper
        self.single = SingleParent(self) if relationship.single_parent else None
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
        :raises InvalidRequestError: it is in none, and touching it is an error anyway.
        """
        session = state_of(obj).session_ref()
        if session is None:
            if state_of(obj).mapper.retired:
                raise DetachedInstanceError(retirement(obj, self.key))
            said = getattr(obj, OPTIONS_KEY, None)
            strategy = self.relationship.lazy
            if (strategy if said is None else said.strategy_of(self.key, strategy)) == "raise":
                raise not_available(self.relationship, "raise")
            raise DetachedInstanceError(
                f"Parent instance {describe(obj)} is not bound to a Session; lazy load operation of attribute "
                f"'{self.key}' cannot proceed. Add it to a session, or load '{self.key}' before the session closes."
            )
        return session.load_related(obj, self.key)

    def check(self, obj: Any, value: Any) -> None:
        """A related object must be mapped, and of the target's class where it has to know of the relationship itself.

        Without another side a wrong one is refused later: where a cascade reaches it, or when it is flushed.

        :raises UnmappedInstanceError: it is not mapped at all.
        :raises AssertionError: it is of another class.
        """
        if value is None:
            return  # in a collection: the flush refuses it, unless it is taken out before
        state_of(value)
        if self.relationship.entity_name is not None and isinstance(value, self.relationship.mapper.class_):
            name_entity(value, self.relationship.entity_name)
        if self.relationship.reverse is not None and not isinstance(value, self.relationship.mapper.class_):
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

    def comes_again(self, owner: Any, member: Any) -> None:
        """An owner takes a member, after another has let it go."""

    def note(self, obj: Any, old: Any) -> None:
        """Keeps what the relationship held before its first change."""
        state = state_of(obj)
        if not state.noting or self.relationship.viewonly:
            return
        own_state(obj, state).noting_more().related.setdefault(self.key, old)

    def pull_in(self, obj: Any, value: Any) -> None:
        """Save-update cascade: what is attached to an object of a session enters the session."""
        session = state_of(obj).session_ref()
        if session is not None and value is not None and self.relationship.cascade.save_update:
            session.enter(value, f"cascade save-update over {self.class_.__name__}.{self.key}")

    def let_go(self, obj: Any, value: Any, moved: bool = False) -> None:
        """An object lost its parent, which it remembers; a pending one under delete-orphan has no reason to be inserted.

        :param moved: also if it has another parent now.
        """
        state = state_of(value)
        if self.single is not None:
            self.single.freed(obj, value)
        if self.relationship.cascade.delete_orphan:
            session = state.session_ref()
            if session is not None and session.is_kept(value, self.relationship, obj):
                return
        if self.relationship.uselist and (
            state.owned or (state.status in NEW and self.relationship.direction is Direction.ONETOMANY)
        ):
            own_state(value, state).noting_more().given_up += (self.relationship,)
        if state.status is ObjectState.PENDING and self.relationship.cascade.delete_orphan:
            session = state.session_ref()
            if (
                session is not None
                and (moved or not self.relationship.has_parent(value))
                and not (state.mapper.legacy_is_orphan and has_another_parent(session, value))
            ):
                here = state_of(obj).session_ref() is session
                session.leave(value, f"orphan of {self.class_.__name__}.{self.key}", at_once=here)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.class_.__name__}.{self.key}>"

    __str__ = Attribute.__repr__


class ReferenceAttribute(RelationshipAttribute):
    """``address.user``: one object or None."""

    def __get__(self, obj: Any, owner: type | None = None) -> Any:
        if obj is None:
            return self
        state = state_of(obj)
        if state.status in NEW:
            return None  # never set
        if isinstance(state, OwnState) and self.key in state.related and not self.forget_unknown(obj):
            return None  # deleted and not flushed yet
        return self.load(obj)

    def set(self, obj: Any, value: Any) -> None:
        """Relates the objects the user assigned, in place of those before."""
        if self.validators or self.active_history:
            value = self.validated(obj, value, self._known(obj) if not self.active_history else getattr(obj, self.key))
        if value is not None:
            self.relationship.parent.configure()
            self.check(obj, value)
        old = self._known(obj)
        reverse = self.relationship.reverse
        if value is not None and old is not value:
            if self.single is not None:
                self.single.taken(obj, value)
            self.pull_in(obj, value)
        if reverse is not None and value is not None and old is not value:
            reverse.link(value, obj)  # before the value is stored: it may load, and that may flush
        self._store(obj, old, value)
        if old is value:
            return
        if reverse is not None and old is not None and old is not NO_VALUE:
            reverse.unlink(old, obj)
            if value is not None:
                reverse.comes_again(value, obj)
        if old is not None and old is not NO_VALUE:
            self.let_go(obj, old)

    def delete(self, obj: Any) -> None:
        """``del obj.attribute``: it refers to nothing, and the value is loaded anew after the flush.

        :raises AttributeError: a new object has no such value.
        """
        if self.key not in obj.__dict__ and state_of(obj).status in NEW:
            raise AttributeError(f"{describe(obj)} has no value for '{self.key}' to delete.")
        old = self._known(obj)
        if state_of(obj).noting and not self.relationship.viewonly:
            own_state(obj, state_of(obj))  # so that it remembers who gives it up
        if self.validators:
            self.say_goodbye(obj, old)
        reverse = self.relationship.reverse
        if reverse is not None and old is not None and old is not NO_VALUE:
            reverse.unlink(old, obj)
        self._store(obj, old, None)
        del obj.__dict__[self.key]
        if old is not None and old is not NO_VALUE:
            self.let_go(obj, old)

    def link(self, obj: Any, other: Any) -> None:
        """The other side says: ``other`` is now related to ``obj``."""
        old = self._known(obj)
        if self.validators:
            other = self.validated(obj, other, old, backref=True)
        if self.relationship.cascade_backrefs:
            self.pull_in(obj, other)
        if old is other:
            self._store(obj, old, other)
            return
        self._store(obj, old, other)
        reverse = self.relationship.reverse
        if old is not None and old is not NO_VALUE and reverse is not None:
            reverse.unlink(old, obj)
            reverse.comes_again(other, obj)

    def unlink(self, obj: Any, other: Any) -> None:
        """The other side says: ``other`` is no longer related to ``obj``."""
        current = self._known(obj)
        if self.validators and (current is other or current is NO_VALUE):
            self.validated(obj, None, current, backref=True)
        if current is other:
            self._store(obj, current, None)
            self.let_go(other, obj)
        elif current is NO_VALUE and not self._never_set(obj):
            self._store(obj, NO_VALUE, None)

    def look_up(self, obj: Any, expired: bool = False) -> None:
        """Puts what it refers to in place, if that can be told without SQL.

        :param expired: also an expired object, of which nobody knows whether its row is still there.
        """
        if self.key not in obj.__dict__ and state_of(obj).status not in NEW and not self._is_deleted(obj):
            known = self._told(obj, expired)
            if known is not NO_VALUE:
                obj.__dict__[self.key] = known

    def forget_unknown(self, obj: Any) -> bool:
        """Was it deleted from an object on which it had never been set? Then nothing was deleted."""
        state = state_of(obj)
        if not isinstance(state, OwnState) or state.related.get(self.key) is not NEVER_SET or self.key in obj.__dict__:
            return False
        del state.related[self.key]
        return True

    def _is_deleted(self, obj: Any) -> bool:
        """Was it deleted from the object, and not set since?"""
        state = state_of(obj)
        return isinstance(state, OwnState) and self.key in state.related and self.key not in obj.__dict__

    def _never_set(self, obj: Any) -> bool:
        """Was neither it nor its foreign key ever set?"""
        state = state_of(obj)
        if state.status in NEW:
            return True
        if state.session_ref() is None:
            return False  # nobody can tell
        unset = unset_of(obj)
        return any(local in unset and local not in obj.__dict__ for local, _ in self.relationship.pairs)

    def _known(self, obj: Any) -> Any:
        """What it refers to, as far as that can be told; what was looked up is then there, as if it had been read."""
        found = self._told(obj)
        if found is not NO_VALUE and state_of(obj).status not in NEW and not self._is_deleted(obj):
            obj.__dict__.setdefault(self.key, found)
        return found

    def _told(self, obj: Any, expired: bool = False) -> Any:
        """What it refers to, as far as that can be told: a to-one by foreign key is looked up without SQL."""
        current = obj.__dict__.get(self.key, NO_VALUE)
        state = state_of(obj)
        if current is not NO_VALUE or state.status in NEW:
            return None if current is NO_VALUE and not state.noting else current
        if self._is_deleted(obj):
            return None
        session = state.session_ref()
        if session is None:
            return NO_VALUE
        if not self.relationship.to_one_by_key or self.relationship.cascade.delete_orphan:  # who owns it must know it
            with session.no_autoflush:  # the change is half made
                return self.load(obj)
        row = obj.__dict__
        if isinstance(state, OwnState) and state.old:
            row = {**row, **{key: None if old is NO_VALUE else old for key, old in state.old.items()}}
        ident = self.relationship.target_ident(row)
        if ident is NO_VALUE:
            return NO_VALUE
        if ident is None:
            known = all(row.get(local, NO_VALUE) is not NO_VALUE for local, _ in self.relationship.pairs)
            return None if known else NO_VALUE
        target = self.relationship.mapper
        found = session.find(target, ident)
        if found is None or (not expired and is_expired(found)):
            return NO_VALUE
        return found

    def _store(self, obj: Any, old: Any, value: Any) -> None:
        self.note(obj, NEVER_SET if old is NO_VALUE and self._never_set(obj) else old)
        obj.__dict__[self.key] = value
        if self.relationship.direction is Direction.ONETOMANY:
            tell_given(value)
        if old is not value:
            self.announce(obj, state_of(obj), old, value)

    def history(self, obj: Any) -> History:
        """What changed since the row was known."""
        return reference_history(obj, self.key)
