"""The session: what people hold. Each method reads as what it does; how is in the neighbouring files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Self

from nbsession.database.result import Result, ScalarResult
from nbsession.exc import InvalidRequestError, NoResultFound
from nbsession.mapping.attributes import describe
from nbsession.mapping.mapper import Mapper
from nbsession.mapping.registry import class_mapper
from nbsession.session import attaching, loading
from nbsession.session.cascades import reached, reached_by_delete
from nbsession.session.execution import execute_statement
from nbsession.session.flush import execute_plan, publish_end, settle_flush
from nbsession.session.flush_plan import FlushPlan
from nbsession.session.identity import identity_key, normal_ident
from nbsession.session.merging import Merging, merge_into
from nbsession.session.planning import build_plan
from nbsession.session.preparation import prepare_flush
from nbsession.session.query import Query
from nbsession.session.transacting import Transacting
from nbsession.states import ObjectState, Trigger
from nbsession.tracking.instance_state import OwnState, state_of


class Session(Transacting):
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
    :param info: notes of your own, kept in ``.info``.
    :raises ArgumentError: an option makes no sense.

    >>> with Session(engine) as session:
    ...     session.add(User(name="Ada"))
    ...     session.commit()
    """

    def is_modified(self, obj: Any, include_collections: bool = True) -> bool:
        """Would a flush find a net change on the object? Loads nothing."""
        return attaching.is_modified(obj, include_collections)

    # -------------------------------------------------------------------------------- objects come and go

    def add(self, obj: Any) -> None:
        """Puts an object into the session, and what save-update cascades to: a new one will be inserted.

        :raises UnmappedInstanceError: its class is not mapped.
        :raises InvalidRequestError: it is in another session, its key is taken here, or it was deleted.
        """
        attaching.attach(self, obj, "session.add")
        if state_of(obj).mapper.declared:
            self._pull_in_family(obj)

    def _pull_in_family(self, obj: Any) -> None:
        """The save-update cascade: who is here already stays as it is, marked to be deleted or not."""
        for member, along in reached(obj, "save_update", removed=True, halt=self.__contains__):
            attaching.attach(self, member, f"cascade save-update over {along}")

    def add_all(self, instances: Iterable[Any]) -> None:
        """:meth:`add` for each."""
        for obj in instances:
            self.add(obj)

    def delete(self, obj: Any) -> None:
        """The next flush deletes the object's row, and those that the delete cascade reaches.

        :raises InvalidRequestError: it has no row, or is in another session.
        """
        attaching.check_deletable(self, obj)
        with self.bus.because("session.delete"):
            self.cascade_delete(obj, "session.delete")

    def cascade_delete(self, obj: Any, cause: str) -> None:
        """Marks an object, and what the delete cascade reaches."""
        unit = self.unit_of_work
        if id(obj) in unit.marked or state_of(obj).status is ObjectState.DELETED:
            return
        members = list(reached_by_delete(obj))
        unit.mark_deleted(obj, cause)
        for member, along in members:
            if id(member) not in unit.marked and member in self:
                unit.mark_deleted(member, f"cascade delete over {along}")

    def expunge(self, obj: Any) -> None:
        """Takes an object out of the session, and what the expunge cascade reaches.

        :raises InvalidRequestError: it is not here.
        """
        if state_of(obj).session_ref() is not self:
            raise InvalidRequestError(f"Instance {describe(obj)} is not present in this Session")
        members = [m for m, _ in reached(obj, "expunge") if state_of(m).session_ref() is self]
        self.unit_of_work.move_each([obj, *members], Trigger.EXPUNGE, "session.expunge")

    def expunge_all(self) -> None:
        """Takes every object out."""
        self._expunge_all("session.expunge_all")

    def merge(self, instance: Any, *, load: bool = True) -> Any:
        """Copies an object's state onto the session's own object of the same key, which is loaded or made.

        :param load: False: trust the given state; no SQL.
        :return: the session's object.
        """
        if load:
            state_of(instance)
            self.autoflush_before("session.merge")
        with self.no_autoflush:
            return merge_into(Merging(self, load), instance)

    # ------------------------------------------------------------------------------------ what is asked of it by objects

    def enter(self, obj: Any, cause: str) -> None:
        """A save-update cascade reaches an object: it comes in, unless it is here."""
        if obj in self:
            return
        attaching.attach(self, obj, cause)
        self._pull_in_family(obj)

    def keep(self, members: Iterable[Any], parent: Any, cause: str) -> None:
        """Objects were given to a parent: unless that is to be deleted, they are not."""
        marked = self.unit_of_work.marked
        if marked and id(parent) not in marked:
            for obj in members:
                self.unit_of_work.unmark_deleted(obj, cause)

    def leave(self, obj: Any, cause: str) -> None:
        """A pending orphan goes."""
        self.unit_of_work.move_each((obj,), Trigger.EXPUNGE, cause)

    def note_modified(self, obj: Any) -> None:
        """An object has its first unflushed change."""
        if self.autobegin and (self.transaction is None or self.block is not None):
            self.ensure_begun()
        self.unit_of_work.modified[id(obj)] = obj

    def find(self, mapper: Mapper, ident: Any) -> Any:
        """The object of a key if it is here, else None."""
        return self.identity_map.of(mapper.base_mapper).find(ident)

    def load_missing(self, obj: Any, key: str) -> Any:
        """Loads the column values an object lacks; returns one.

        :raises ObjectDeletedError: its row is gone.
        """
        cause = f"load of {type(obj).__name__}.{key}"
        self.autoflush_before(cause)
        with self.bus.because(cause):
            if not loading.load_missing_values(self, obj):
                raise loading.row_is_gone(obj)
        return obj.__dict__[key]

    def load_related(self, obj: Any, key: str) -> Any:
        """Loads a relationship."""
        with self.bus.because(f"lazy load of {type(obj).__name__}.{key}"):
            return loading.load_relationship(self, obj, key)

    def still_there(self, obj: Any) -> bool:
        """An expired object is loaded; one whose row is gone leaves the identity map."""
        values, state = obj.__dict__, state_of(obj)
        keys = state.mapper.column_keys
        if keys[0] in values:
            return True
        changed = state.old if isinstance(state, OwnState) else ()
        if any(key in values and key not in changed for key in keys):
            return True
        self.autoflush_before("session.get")
        if state_of(obj).status is not ObjectState.PERSISTENT:
            return False
        with self.bus.because("session.get"):
            if loading.load_missing_values(self, obj):
                return True
        self.unit_of_work.move_each((obj,), Trigger.DELETE, "row not found")
        return False

    # ------------------------------------------------------------------------------------------ expiry

    def expire(self, obj: Any, attribute_names: Iterable[str] | None = None) -> None:
        """Forgets loaded values and unflushed changes: the next touch loads them.

        :param attribute_names: only these.
        :raises InvalidRequestError: the object is not persistent here, or has no such attribute.
        """
        attaching.require_persistent(self, obj)
        names = list(attribute_names or ())
        if names:
            attaching.expire_names(self.unit_of_work, obj, names)
            return
        expired, left = [obj], []
        for member, along in reached(obj, "refresh_expire"):
            if member in self:
                if state_of(member).status is ObjectState.PERSISTENT:
                    expired.append(member)
                elif along.cascade.delete_orphan:
                    left.append(member)
        self.unit_of_work.expire(expired, "session.expire")
        self.unit_of_work.move_each(left, Trigger.EXPUNGE, "session.expire")

    def expire_all(self) -> None:
        """:meth:`expire` for every persistent object."""
        self.unit_of_work.expire_all("session.expire_all")

    def refresh(self, obj: Any, attribute_names: Iterable[str] | None = None) -> None:
        """Loads an object anew, by one SELECT; its own unflushed changes are lost.

        :param attribute_names: only these; the others keep their changes.
        :raises InvalidRequestError: the object is not persistent here, or its row is gone.
        """
        names = list(attribute_names or ()) or None
        self.expire(obj, names)
        self.autoflush_before("session.refresh")
        self.ensure_begun()
        columns = [n for n in names or () if n in state_of(obj).mapper.columns]
        with self.bus.because("session.refresh"):
            if names is None:
                loading.require_found(obj, loading.load_missing_values(self, obj))
            elif columns:
                loading.require_found(obj, loading.load_columns(self, obj, columns))
        for name in names or ():
            getattr(obj, name)

    # ------------------------------------------------------------------------------------------ asking

    def get(self, entity: Any, ident: Any, *, populate_existing: bool = False) -> Any:
        """The object of a primary key, or None. No SQL if it is here and not expired.

        :param entity: a mapped class.
        :param ident: the key; a tuple or a dict for a composite one.
        :param populate_existing: load it anew even if it is here.
        :raises InvalidRequestError: the key has the wrong number of values.
        """
        mapper = class_mapper(entity)
        if type(ident) is not int or len(mapper.pk_keys) != 1:
            ident = normal_ident(mapper, ident)
            if ident is None:
                return None
        present = self.identity_map.of(mapper.base_mapper).find(ident)
        if present is not None and not populate_existing:
            return present if self.still_there(present) else None
        self.autoflush_before("session.get")
        if present is not None:
            self.expire(present)
            return present if self.still_there(present) else None
        with self.bus.because("session.get"):
            return loading.load_by_key(self, mapper, ident)

    def get_one(self, entity: Any, ident: Any, **options: Any) -> Any:
        """:meth:`get`, but a missing row is an error.

        :raises NoResultFound: there is no such row.
        """
        found = self.get(entity, ident, **options)
        if found is None:
            raise NoResultFound(f"No row was found when one was required: {entity.__name__} {ident!r}")
        return found

    def execute(self, statement: Any, params: Any = None, *, bind_arguments: Mapping[str, Any] | None = None) -> Result:
        """Runs a statement in the session's transaction; what it selects of mapped classes comes as objects.

        :param statement: ``select()``, ``insert()``, ``update()``, ``delete()`` or ``text()``; or SQL as a string.
        :param params: its named parameters.
        """
        return execute_statement(self, statement, params, bind_arguments)

    def scalars(
        self, statement: Any, params: Any = None, *, bind_arguments: Mapping[str, Any] | None = None
    ) -> ScalarResult:
        """The first thing of each row."""
        return self.execute(statement, params, bind_arguments=bind_arguments).scalars()

    def scalar(self, statement: Any, params: Any = None, *, bind_arguments: Mapping[str, Any] | None = None) -> Any:
        """The first thing of the first row, or None."""
        return self.execute(statement, params, bind_arguments=bind_arguments).scalar()

    def query(self, *entities: Any) -> Query:
        """A query in the older style: ``session.query(User).filter_by(name="Ada").all()``."""
        return Query(entities, self)

    identity_key = staticmethod(identity_key)

    # ------------------------------------------------------------------------------------------ flushing

    def flush(self, objects: Iterable[Any] | None = None) -> None:
        """Sends what changed, in the order that foreign keys need. Nothing to send: nothing happens.

        :param objects: only these.
        :raises InvalidRequestError: called from within a flush.
        :raises DBAPIError: the database refused; the transaction is rolled back and waits for rollback().
        """
        if self._flushing:
            raise InvalidRequestError("Session is already flushing")
        if not self.unit_of_work.has_work:
            return
        self._flushing = True
        try:
            with self.bus.because("session.flush"):
                self._flush(objects)
        finally:
            self._flushing = False

    def _flush(self, objects: Iterable[Any] | None) -> None:
        unit = self.unit_of_work
        chosen = None if objects is None else list(objects)
        self.hooks.fire("before_flush", self, unit, chosen)
        only = None if chosen is None else {id(obj) for obj in chosen}
        touched = [obj for address, obj in unit.modified.items() if only is None or address in only]
        transaction = self.ensure_begun()
        transaction.require_active()
        try:
            prepare_flush(self, only)
            plan = build_plan(unit, only)
            execute_plan(self, plan, transaction)
            if plan:
                self.hooks.fire("after_flush", self, unit)
            settle_flush(self, plan, touched)
        except BaseException as error:
            transaction.fail(error)
            publish_end(self, error)
            raise
        publish_end(self, None)
        if plan:
            self.hooks.fire("after_flush_postexec", self, unit)

    def autoflush_before(self, cause: str) -> None:
        """Flushes before something reads, if autoflush is on."""
        if not self.autoflush or self._flushing or not self.unit_of_work.has_work:
            return
        try:
            with self.bus.because(f"autoflush before {cause}", instead=True):
                self.flush()
        except Exception as error:
            error.add_note(
                "(raised as a result of Query-invoked autoflush; consider using a session.no_autoflush block if this flush is "
                "occurring prematurely)"
            )
            raise

    @property
    @contextmanager
    def no_autoflush(self) -> Iterator[Self]:
        """``with session.no_autoflush:`` queries do not flush inside."""
        before, self.autoflush = self.autoflush, False
        try:
            yield self
        finally:
            self.autoflush = before

    def flush_plan(self, objects: Iterable[Any] | None = None) -> FlushPlan:
        """What a flush would send, in order and why. Sends, loads and changes nothing."""
        return build_plan(self.unit_of_work, None if objects is None else {id(obj) for obj in objects})
