"""Collections that are never loaded as a whole: ``lazy="dynamic"``. Reading one is a query, changes wait for the flush.

Knows the object and its session by what every session has (``query``, ``autoflush``); knows no SQL.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from nbsession.exc import DetachedInstanceError, InvalidRequestError
from nbsession.mapping.attributes import NEW, describe
from nbsession.mapping.collecting.collection_attributes import CollectionAttribute
from nbsession.mapping.collecting.collections import members_of
from nbsession.mapping.relating.joining import Direction
from nbsession.mapping.relating.relationship_operators import with_parent
from nbsession.tracking.instance_state import own_state, state_of

if TYPE_CHECKING:
    from nbsession.mapping.mapper import Mapper
    from nbsession.mapping.relating.relationships import Relationship


class AppenderQuery:
    """What reading a dynamic collection gives: a query for its members, to which members can be added.

    Whatever a :class:`~nbsession.session.querying.query.Query` can do, it can: ``filter``, ``order_by``, ``count``, ``first``, ...

    >>> user.addresses.filter(Address.email == "a").one()
    >>> user.addresses.append(Address(email="b"))
    """

    def __init__(self, instance: Any, attribute: DynamicAttribute) -> None:
        self.instance = instance
        self._attribute = attribute

    @property
    def session(self) -> Any:
        """The session it asks, or None: the object is not stored yet."""
        return self._attribute.session_asked(self.instance)

    def _query(self) -> Any:
        return self._attribute.query(self.instance)

    def append(self, item: Any) -> None:
        """Adds a member."""
        self.extend((item,))

    add = append

    def extend(self, iterator: Iterable[Any]) -> None:
        """Adds several members."""
        attribute, owner = self._attribute, self.instance
        for member in attribute.before_add(owner, list(iterator)):
            attribute.put(owner, member)
            attribute.after_add(owner, (member,))

    add_all = extend

    def remove(self, item: Any) -> None:
        """Removes a member.

        :raises ValueError: the object is new, and it is no member.
        """
        attribute, owner = self._attribute, self.instance
        attribute.before_remove(owner, (item,))
        attribute.take(owner, item)
        attribute.after_remove(owner, (item,))

    def __iter__(self) -> Iterator[Any]:
        return iter(self._attribute.added_to_new(self.instance) if self.session is None else self._query())

    def __getitem__(self, index: Any) -> Any:
        return self._attribute.added_to_new(self.instance)[index] if self.session is None else self._query()[index]

    def count(self) -> int:
        """How many members there are; the database counts."""
        if self.session is None:
            return len(self._attribute.added_to_new(self.instance))
        return self._query().count()  # type: ignore[no-any-return]

    def all(self) -> list[Any]:
        """The members."""
        return list(self)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if self.session is None:
            raise DetachedInstanceError(
                f"Parent instance {describe(self.instance)} is not bound to a Session, and no contextual session is "
                f"established; lazy load operation of attribute '{self._attribute.key}' cannot proceed: '{name}' asks the "
                "database. Add the object to a session and flush it first."
            )
        return getattr(self._query(), name)

    def __repr__(self) -> str:
        return f"<AppenderQuery {self._attribute} of {describe(self.instance)}>"


class DynamicAttribute(CollectionAttribute):
    """``user.addresses`` under ``lazy="dynamic"``: a query. What is added and removed waits on the object's state.

    :raises InvalidRequestError: it leads to one object.
    """

    def __init__(self, relationship: Relationship, mapper: Mapper) -> None:
        if relationship.direction is Direction.MANYTOONE or not relationship.uselist:
            raise InvalidRequestError(
                f"On relationship {relationship}, 'dynamic' loaders cannot be used with many-to-one/one-to-one relationships "
                "and/or uselist=False."
            )
        super().__init__(relationship, mapper)

    def __get__(self, obj: Any, owner: type | None = None) -> Any:
        return self if obj is None else AppenderQuery(obj, self)

    def __set__(self, obj: Any, value: Any) -> None:
        """Here so that reading passes by :meth:`__get__`; writing comes to :meth:`set`."""
        self.set(obj, value)

    def session_asked(self, obj: Any) -> Any:
        """The session that answers for an object; None if it is not stored yet.

        :raises DetachedInstanceError: it is stored, and in no session.
        """
        state = state_of(obj)
        session = state.session_ref()
        if session is not None and session.autoflush:
            session.autoflush_before(f"query of {self}")
            state = state_of(obj)
        if state.status in NEW:
            return None
        if session is None:
            raise DetachedInstanceError(
                f"Parent instance {describe(obj)} is not bound to a Session; lazy load operation of attribute '{self.key}' "
                "cannot proceed. Add it to a session."
            )
        return session

    def query(self, obj: Any) -> Any:
        """The query for the members."""
        declared = self.relationship
        query = self.session_asked(obj).query(declared.mapper.class_).filter(with_parent(obj, self))
        ordering = declared.ordering()
        return query.order_by(*ordering) if ordering else query

    def added_to_new(self, obj: Any) -> list[Any]:
        """The members that an object which is not stored yet was given."""
        return members_of(obj.__dict__.get(self.key))

    # ------------------------------------------------------------------------------------------ changes

    def put(self, obj: Any, member: Any) -> None:
        """Adds a member, to the new object's list or to what waits for the flush."""
        waiting = self._collection_or_queue(obj)
        (waiting if isinstance(waiting, list) else self._waiting(obj)[0]).append(member)

    def take(self, obj: Any, member: Any) -> None:
        """Removes a member."""
        waiting = self._collection_or_queue(obj)
        if isinstance(waiting, list):
            waiting.remove(member)
            return
        added, removed = self._waiting(obj)
        if any(m is member for m in added):
            added[:] = [m for m in added if m is not member]
        else:
            removed.append(member)

    def _waiting(self, obj: Any) -> tuple[list[Any], list[Any]]:
        return own_state(obj, state_of(obj)).noting_more().queued.setdefault(self.key, ([], []))

    def _collection_or_queue(self, obj: Any) -> Any:
        state = state_of(obj)
        if state.status in NEW:
            return obj.__dict__.setdefault(self.key, [])
        obj.__dict__.pop(self.key, None)  # what it was given when it was new is stored by now
        return own_state(obj, state)

    def _note_members(self, obj: Any) -> None:
        """Nothing to note: what comes and goes is kept itself."""

    def fill(self, obj: Any, members: Iterable[Any]) -> Any:
        """Members that a deletion needs to know."""
        held = obj.__dict__[self.key] = list(members)
        return held

    def restore(self, obj: Any, saved: Any) -> None:
        """Puts in place what pickle kept of a new object's members."""
        obj.__dict__[self.key] = members_of(saved)

    def set(self, obj: Any, value: Any) -> None:
        """Relates the objects the user assigned, in place of those before.

        :raises TypeError: the value is not a list.
        """
        self.relationship.parent.configure()
        name = f"{self.class_.__name__}.{self.key}"
        self.assign(obj, self.kind.members_assigned(value, name, self.relationship.mapper.class_.__name__))

    def assign(self, obj: Any, members: list[Any]) -> None:
        """Relates these objects in place of those before; only the difference is told."""
        collection = AppenderQuery(obj, self)
        before = list(collection)
        known, kept = set(map(id, before)), set(map(id, members))
        collection.extend([m for m in members if id(m) not in known])
        for member in before:
            if id(member) not in kept:
                collection.remove(member)
