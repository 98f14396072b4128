"""The session: what people hold. Each method reads as what it does; how is in the neighbouring files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from nbsession.exc import InvalidRequestError, NoResultFound
from nbsession.mapping.attributes import describe
from nbsession.mapping.entity_names import name_entity
from nbsession.mapping.registry import class_mapper
from nbsession.session import attaching
from nbsession.session.cascade_preview import CascadeNode, preview
from nbsession.session.cascades import HAS_ROW, deletes_along, reached, reached_by_delete
from nbsession.session.classic import ClassicNames
from nbsession.session.debug_view import debug_view
from nbsession.session.identity import identity_key, normal_ident
from nbsession.session.load import refreshing
from nbsession.session.merging import Merging, merge_into
from nbsession.states import ObjectState, Trigger
from nbsession.tracking.instance_state import ident_of, state_of


class Session(ClassicNames):
    """A unit of work with an identity map: objects go in, and what changed on them goes to the database.

    :param bind: an Engine or a Connection.
    :param autoflush: flush before queries, so that they see pending changes.
    :param expire_on_commit: load objects anew after each commit.
    :param autobegin: begin a transaction at the first use.
    :param binds: class, mapper or table to Engine or Connection, where one bind is not enough.
    :param twophase: commit in two phases; needs a database that can.
    :param weak_identity_map: forget unchanged objects that nobody else holds.
    :param join_transaction_mode: what to do with a Connection that is in a transaction: ``"conditional_savepoint"``,
        ``"rollback_only"``, ``"control_fully"`` or ``"create_savepoint"``.
    :param transactional: False, as in 2007: each flush commits itself, and queries run outside of a transaction.
    :param close_resets_only: False: a closed session cannot be used again.
    :param info: notes of your own, kept in ``.info``.
    :param extension: a :class:`SessionExtension`, or several.
    :param echo_uow: log what the unit of work does (logger ``nbsession.unitofwork``).
    :param query_cls: the class of its queries.
    :param execution_options: options of every statement that it runs; a statement's own come first.
    :param future: True, as in SQLAlchemy 2.1; ``autocommit`` False.
    :raises ArgumentError: an option makes no sense.

    >>> with Session(engine) as session:
    ...     session.add(User(name="Ada"))
    ...     session.commit()
    """

    def is_modified(self, instance: Any, include_collections: bool = True, passive: bool = True) -> bool:
        """Would a flush find a net change on the object? Loads nothing.

        :param include_collections: False: collections are not looked at.
        :param passive: as in 2007, where False could load; nothing is ever loaded here.
        """
        return attaching.is_modified(instance, include_collections)

    # -------------------------------------------------------------------------------- objects come and go

    def add(self, obj: Any) -> None:
        """Puts an object into the session, and what save-update cascades to: a new one will be inserted.

        :raises UnmappedInstanceError: its class is not mapped.
        :raises InvalidRequestError: it is in another session, its key is taken here, or it was deleted.
        """
        attaching.attach(self, obj, "session.add")
        state = state_of(obj)
        if state.owned or not obj.__dict__.keys().isdisjoint(state.mapper.declared):  # else it leads to nobody
            self._pull_in_family(obj)

    def add_all(self, instances: Iterable[Any]) -> None:
        """:meth:`add` for each."""
        if self.bus.observers:
            with self.unit_of_work.adding_many():
                for obj in instances:
                    self.add(obj)
            return
        if type(instances) is list and len(instances) > 1 and attaching.attach_plain(self, instances, "session.add"):
            return
        for obj in instances:
            self.add(obj)

    def delete(self, obj: Any) -> None:
        """The next flush deletes the object's row, and those that the delete cascade reaches.

        One whose row a flush deleted already is left as it is, also after the commit; but if it left the session before that,
        or the session was closed, it comes back as any detached object: its row may be there again.

        :raises InvalidRequestError: it has no row, or is in another session, or another object has its key here.
        """
        state = state_of(obj)
        if state.status is ObjectState.DELETED or state.common is state.mapper.gone:
            self.work_begins()
            attaching.check_not_elsewhere(self, obj)
            attaching.check_key_free(self, obj)
            if state.status is not ObjectState.DELETED or not attaching.leaves_again(self, obj):
                return
        attaching.check_deletable(self, obj)
        with self.bus.because("session.delete"):
            self.cascade_delete(obj, "session.delete")

    def cascade_delete(self, obj: Any, cause: str) -> None:
        """Marks an object, and what the delete cascade reaches."""
        unit = self.unit_of_work
        state = state_of(obj)
        if id(obj) in unit.marked or state.status is ObjectState.DELETED:
            return
        members = list(reached_by_delete(obj)) if deletes_along(state.mapper) else []
        unit.mark_deleted(obj, cause)
        for member, along in members:
            waits = state_of(member).status in HAS_ROW and id(member) not in unit.marked
            if waits and not attaching.is_gone(member):
                attaching.check_deletable(self, member)
                unit.mark_deleted(member, f"cascade delete over {along}")

    def expunge(self, obj: Any) -> None:
        """Takes an object out of the session, and what the expunge cascade reaches.

        :raises InvalidRequestError: it is not here.
        """
        if state_of(obj).session_ref() is not self:
            raise InvalidRequestError(f"Instance {describe(obj)} is not present in this Session")
        members = [m for m, _ in reached(obj, "expunge", itself=True) if state_of(m).session_ref() is self]
        unit, told = self.unit_of_work, "pending_to_transient" if ident_of(obj) is None else "persistent_to_detached"
        back = next((place for place, member in enumerate(members) if member is obj), len(members))
        unit.move_each([obj, *members[:back]], Trigger.EXPUNGE, "session.expunge")
        if back < len(members):  # the cascade comes back to the object: hooks are told of it once more
            unit.tell(told, (obj,))
            unit.move_each(members[back + 1 :], Trigger.EXPUNGE, "session.expunge")

    def expunge_all(self) -> None:
        """Takes every object out."""
        self.unit_of_work.let_all_go("session.expunge_all")

    def merge(
        self,
        instance: Any,
        *,
        load: bool = True,
        options: Sequence[Any] | None = None,
        dont_load: bool = False,
        entity_name: str | None = None,
    ) -> Any:
        """Copies an object's state onto the session's own object of the same key, which is loaded or made.

        :param load: False: trust the given state; no SQL.
        :param options: loader options, for when it has to be loaded.
        :param dont_load: True: ``load=False``, as 2007 wrote it.
        :param entity_name: of a class with several mappings, the name of the one that the given object is of.
        :return: the session's object.
        :raises InvalidRequestError: with ``load=False``, the given object is new, changed or deleted.
        """
        if entity_name is not None:
            name_entity(instance, entity_name)
        load = load and not dont_load
        if load:
            state_of(instance)
            self.autoflush_before("session.merge")
        with self.no_autoflush:
            return merge_into(Merging(self, load, options or ()), instance)

    def merge_all(
        self, instances: Iterable[Any], *, load: bool = True, options: Sequence[Any] | None = None
    ) -> list[Any]:
        """:meth:`merge` for each; the session is flushed once, before the first."""
        given = list(instances)
        if load:
            self.autoflush_before("session.merge_all")
        with self.no_autoflush:
            return [merge_into(Merging(self, load, options or ()), instance) for instance in given]

    # ------------------------------------------------------------------------------------------ asking

    def get(
        self,
        entity: Any,
        ident: Any,
        *,
        options: Sequence[Any] = (),
        populate_existing: bool = False,
        with_for_update: Any = None,
        execution_options: Mapping[str, Any] | None = None,
        entity_name: str | None = None,
    ) -> Any:
        """The object of a primary key, or None. No SQL if it is here and not expired.

        :param entity: a mapped class.
        :param ident: the key; a tuple or a dict for a composite one.
        :param options: loader options, for when it has to be loaded.
        :param populate_existing: load it anew even if it is here.
        :param with_for_update: lock the row where the database can, and ask for it even if it is here.
        :param execution_options: ``{"populate_existing": True}`` is the same as the argument.
        :param entity_name: of a class with several mappings, the name of the one that is meant.
        :raises InvalidRequestError: the key has the wrong number of values.
        """
        populate_existing = populate_existing or bool(execution_options and execution_options.get("populate_existing"))
        mapper = class_mapper(entity, entity_name)
        if type(ident) is not int or len(mapper.pk_keys) != 1:
            ident = normal_ident(mapper, ident)
            if ident is None:
                return None
        present = self.identity_map.of(mapper.base_mapper).find(ident)
        if mapper.inherits is not None and present is not None and not isinstance(present, mapper.class_):
            return None  # the row is of another class of the hierarchy
        locked = with_for_update not in (None, False)
        if present is not None and not populate_existing and not locked:
            return present if mapper.pk_keys[0] in present.__dict__ or self.still_there(present) else None
        self.autoflush_before("session.get")
        with self.bus.because("session.get"):
            return refreshing.load_by_ident(self, mapper, ident, options, populate_existing, locked)

    def get_one(self, entity: Any, ident: Any, **options: Any) -> Any:
        """:meth:`get`, but a missing row is an error.

        :raises NoResultFound: there is no such row.
        """
        found = self.get(entity, ident, **options)
        if found is None:
            raise NoResultFound(f"No row was found when one was required: {entity.__name__} {ident!r}")
        return found

    identity_key = staticmethod(identity_key)

    # ------------------------------------------------------------------------------------------ looking

    def debug_view(self, long: bool = False) -> str:
        """What is in the session, as text that is the same from run to run. Loads nothing.

        :param long: with the values of every object, and what they were.
        """
        return debug_view(self, long)

    def cascade_preview(self, deed: str, obj: Any) -> CascadeNode:
        """What a deed would do to an object and those it reaches, as a tree that prints itself. Loads and changes nothing.

        :param deed: ``"delete"``, ``"add"``, ``"merge"``, ``"expunge"`` or ``"refresh"``.
        :raises ArgumentError: it is none of these.

        >>> print(session.cascade_preview("delete", member))
        Member#3  DELETE
          - loans of Member#3 not loaded: would SELECT them, to delete
        """
        return preview(self, deed, obj)
