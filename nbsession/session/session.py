"""The session: what people hold. Each method reads as what it does; how is in the neighbouring files."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Self

from nbsession.database.connection import Connection
from nbsession.database.result import Result, ScalarResult
from nbsession.events import FactBus, Observer
from nbsession.exc import ArgumentError, InvalidRequestError, NoResultFound
from nbsession.mapping.attributes import describe
from nbsession.mapping.mapper import Mapper
from nbsession.mapping.registry import class_mapper
from nbsession.session import attaching, loading
from nbsession.session.binds import Binds
from nbsession.session.cascades import reached, reached_by_delete
from nbsession.session.execution import execute_statement
from nbsession.session.flush import execute_plan, publish_end, settle_flush
from nbsession.session.flush_plan import FlushPlan
from nbsession.session.hooks import HookPoints
from nbsession.session.identity import identity_key, normal_ident
from nbsession.session.merging import merge_into
from nbsession.session.planning import build_plan
from nbsession.session.preparation import prepare_flush
from nbsession.session.query import Query
from nbsession.session.transaction import SessionTransaction
from nbsession.session.unit_of_work import UnitOfWork
from nbsession.states import ObjectState, TransactionState, Trigger
from nbsession.tracking.identity import IdentityMap, IdentitySet
from nbsession.tracking.instance_state import ident_of, state_of

JOIN_MODES = ("conditional_savepoint", "rollback_only", "control_fully", "create_savepoint")

_numbers = itertools.count(1)
_sessions: weakref.WeakValueDictionary[int, Session] = weakref.WeakValueDictionary()


class Session:
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

    class_hooks = HookPoints()

    def __init__(
        self,
        bind: Any = None,
        *,
        autoflush: bool = True,
        expire_on_commit: bool = True,
        autobegin: bool = True,
        binds: Mapping[Any, Any] | None = None,
        twophase: bool = False,
        weak_identity_map: bool = True,
        join_transaction_mode: str = "conditional_savepoint",
        info: Mapping[Any, Any] | None = None,
    ) -> None:
        if join_transaction_mode not in JOIN_MODES:
            raise ArgumentError(f"join_transaction_mode must be one of {', '.join(JOIN_MODES)}, not {join_transaction_mode!r}.")
        self.binds = Binds(bind, binds)
        self.autoflush = autoflush
        self.autobegin = autobegin
        self.expire_on_commit = expire_on_commit
        self.twophase = twophase
        self.join_transaction_mode = join_transaction_mode
        self.info: dict[Any, Any] = dict(info or {})
        self.bus = FactBus()
        self.unit_of_work = UnitOfWork(weakref.ref(self), self.bus, weak_identity_map)
        self.hooks = HookPoints(above=tuple(c.class_hooks for c in reversed(type(self).__mro__) if "class_hooks" in vars(c)))
        self.transaction: SessionTransaction | None = None
        self.block: SessionTransaction | None = None
        self.hash_key = next(_numbers)
        self._flushing = False
        _sessions[self.hash_key] = self

    # -------------------------------------------------------------------------------------- what it holds

    @property
    def bind(self) -> Any:
        """The Engine or Connection that serves what is not bound otherwise."""
        return self.binds.bind

    @property
    def new(self) -> IdentitySet:
        """Pending objects."""
        return IdentitySet(self.unit_of_work.new.values())

    @property
    def dirty(self) -> IdentitySet:
        """Persistent objects on which something was set; whether it is a net change, the flush finds out."""
        unit = self.unit_of_work
        return IdentitySet(obj for address, obj in unit.modified.items() if address not in unit.marked)

    @property
    def deleted(self) -> IdentitySet:
        """Objects that the next flush deletes."""
        return IdentitySet(self.unit_of_work.marked.values())

    @property
    def identity_map(self) -> IdentityMap:
        """Persistent objects by identity key."""
        return self.unit_of_work.identity_map

    def __contains__(self, obj: object) -> bool:
        state = state_of(obj)
        if state.status is ObjectState.PENDING:
            return id(obj) in self.unit_of_work.new
        return state.status is ObjectState.PERSISTENT and self.identity_map.contains_object(obj)

    def __iter__(self) -> Iterator[Any]:
        return iter([*self.unit_of_work.new.values(), *self.identity_map.all()])

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
            for member, along in reached(obj, "save_update", removed=True):
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

    def _expunge_all(self, cause: str) -> None:
        unit = self.unit_of_work
        unit.move_each([*unit.new.values(), *unit.identity_map.all(), *unit.held_deleted()], Trigger.EXPUNGE, cause)
        unit.identity_map.clear()

    def merge(self, instance: Any, *, load: bool = True) -> Any:
        """Copies an object's state onto the session's own object of the same key, which is loaded or made.

        :param load: False: trust the given state; no SQL.
        :return: the session's object.
        """
        if load:
            state_of(instance)
            self.autoflush_before("session.merge")
        with self.no_autoflush:
            return merge_into(self, instance, load)

    # ------------------------------------------------------------------------------------ what is asked of it by objects

    def enter(self, obj: Any, cause: str) -> None:
        """A save-update cascade reaches an object: it comes in, unless it is here."""
        if state_of(obj).session_ref() is self:
            return
        attaching.attach(self, obj, cause)
        for member, along in reached(obj, "save_update", removed=True):
            attaching.attach(self, member, f"cascade save-update over {along}")

    def leave(self, obj: Any, cause: str) -> None:
        """A pending orphan goes."""
        self.unit_of_work.move_each((obj,), Trigger.EXPUNGE, cause)

    def note_modified(self, obj: Any) -> None:
        """An object has its first unflushed change."""
        if self.autobegin:
            self.ensure_begun()
        self.unit_of_work.note_modified(obj)

    def find(self, mapper: Mapper, ident: Any) -> Any:
        """The object of a key if it is here, else None."""
        return self.identity_map.of(mapper.base_mapper).find(ident)

    def load_missing(self, obj: Any, key: str) -> Any:
        """Loads the column values an object lacks; returns one.

        :raises ObjectDeletedError: its row is gone.
        """
        self.autoflush_before(f"load of {type(obj).__name__}.{key}")
        if not loading.load_missing_values(self, obj):
            raise loading.row_is_gone(obj)
        return obj.__dict__[key]

    def load_related(self, obj: Any, key: str) -> Any:
        """Loads a relationship."""
        return loading.load_relationship(self, obj, key)

    def still_there(self, obj: Any) -> bool:
        """An expired object is loaded; one whose row is gone leaves the identity map."""
        if not obj.__dict__.keys().isdisjoint(state_of(obj).mapper.column_keys):
            return True
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
        if attribute_names is not None:
            attaching.expire_names(self.unit_of_work, obj, list(attribute_names))
            return
        members = [m for m, _ in reached(obj, "refresh_expire") if state_of(m).status is ObjectState.PERSISTENT and m in self]
        self.unit_of_work.expire([obj, *members], "session.expire")

    def expire_all(self) -> None:
        """:meth:`expire` for every persistent object."""
        self.unit_of_work.expire_all("session.expire_all")

    def refresh(self, obj: Any, attribute_names: Iterable[str] | None = None) -> None:
        """Loads an object anew, by one SELECT; its own unflushed changes are lost.

        :param attribute_names: only these; the others keep their changes.
        :raises InvalidRequestError: the object is not persistent here, or its row is gone.
        """
        names = None if attribute_names is None else list(attribute_names)
        self.expire(obj, names)
        self.autoflush_before("session.refresh")
        self.ensure_begun()
        mapper = state_of(obj).mapper
        if names is None or any(n in mapper.columns for n in names):
            loading.require_found(obj, loading.load_missing_values(self, obj))
        for name in names or ():
            getattr(obj, name)

    # ------------------------------------------------------------------------------------------ asking

    def get(
        self, entity: Any, ident: Any, *, populate_existing: bool = False, options: Any = (), with_for_update: Any = None
    ) -> Any:
        """The object of a primary key, or None. No SQL if it is here and not expired.

        :param entity: a mapped class.
        :param ident: the key; a tuple or a dict for a composite one.
        :param populate_existing: load it anew even if it is here.
        :raises InvalidRequestError: the key has the wrong number of values.
        """
        mapper = class_mapper(entity)
        ident = normal_ident(mapper, ident)
        if ident is None:
            return None
        present = self.find(mapper, ident)
        if present is not None and not populate_existing:
            return present if self.still_there(present) else None
        self.autoflush_before("session.get")
        if present is not None:
            self.expire(present)
            return present if self.still_there(present) else None
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

    def scalars(self, statement: Any, params: Any = None, *, bind_arguments: Mapping[str, Any] | None = None) -> ScalarResult:
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
        cause, self.bus.cause = self.bus.cause, self.bus.cause or "session.flush"
        self._flushing = True
        try:
            self._flush(objects)
        finally:
            self._flushing = False
            self.bus.cause = cause

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
        before, self.bus.cause = self.bus.cause, f"autoflush before {cause}"
        try:
            self.flush()
        except Exception as error:
            error.add_note(
                "(raised as a result of Query-invoked autoflush; consider using a session.no_autoflush block if this flush is "
                "occurring prematurely)"
            )
            raise
        finally:
            self.bus.cause = before

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

    # ------------------------------------------------------------------------------------- transactions

    def begin(self, nested: bool = False) -> SessionTransaction:
        """Begins a transaction; the handle ends it, also as ``with session.begin():``.

        :raises InvalidRequestError: one is begun already.
        """
        if nested:
            return self.begin_nested()
        if self.transaction is not None:
            raise InvalidRequestError(
                "A transaction is already begun on this Session. Use it, end it with commit() or rollback(), or set a "
                "savepoint with begin_nested()."
            )
        return self.ensure_begun(explicit=True)

    def begin_nested(self, *, name: str | None = None) -> SessionTransaction:
        """Flushes, then sets a savepoint; the handle releases it or rolls back to it.

        :param name: a name for people.
        """
        parent = self.ensure_begun(explicit=True)
        parent.require_active()
        self.flush()
        nested = self.transaction = SessionTransaction(self, parent, name)
        try:
            nested.enlist_parents_connections()
        except BaseException:
            nested.close()
            raise
        return nested

    def ensure_begun(self, explicit: bool = False) -> SessionTransaction:
        """The current transaction, begun if there is none.

        :raises InvalidRequestError: autobegin is off, or the transaction of a ``with`` block ended inside it.
        """
        if self.block is not None and self.block.state is TransactionState.CLOSED:
            raise InvalidRequestError(
                "Can't operate on closed transaction inside context manager. Please complete the context manager before "
                "emitting further commands."
            )
        if self.transaction is None:
            if not (self.autobegin or explicit):
                raise InvalidRequestError(
                    "Autobegin is disabled on this Session; please call session.begin() to start a new transaction"
                )
            self.transaction = SessionTransaction(self)
        return self.transaction

    def commit(self) -> None:
        """Flushes and commits everything, savepoints included. Objects are expired, deleted ones detached."""
        *_, root = self.ensure_begun().levels()
        self._with_cause("session.commit", root.commit)

    def rollback(self) -> None:
        """Rolls everything back: new objects are transient again, deleted ones persistent, the others expired."""
        if self.transaction is not None:
            *_, root = self.transaction.levels()
            self._with_cause("session.rollback", root.rollback)

    def close(self) -> None:
        """Takes every object out and ends the transaction: what was not committed is rolled back. Usable again."""
        self._expunge_all("session.close")
        while self.transaction is not None:
            self.transaction.close()

    reset = close

    def _with_cause(self, cause: str, deed: Callable[[], None]) -> None:
        before, self.bus.cause = self.bus.cause, cause
        try:
            deed()
        finally:
            self.bus.cause = before

    @property
    def is_active(self) -> bool:
        """Can it be used? False while a failed transaction waits for rollback()."""
        return self.transaction is None or self.transaction.is_active

    def in_transaction(self) -> bool:
        """Is a transaction begun?"""
        return self.transaction is not None

    def in_nested_transaction(self) -> bool:
        """Is a savepoint set?"""
        return self.transaction is not None and self.transaction.nested

    def get_transaction(self) -> SessionTransaction | None:
        """The transaction itself, or None."""
        if self.transaction is None:
            return None
        *_, root = self.transaction.levels()
        return root

    def get_nested_transaction(self) -> SessionTransaction | None:
        """The innermost savepoint, or None."""
        return self.transaction if self.in_nested_transaction() else None

    # ---------------------------------------------------------------------------------------- connections

    def connection(self, bind_arguments: Mapping[str, Any] | None = None) -> Connection:
        """The connection of the session's transaction."""
        return self.ensure_begun().connection_for(self.get_bind(**(bind_arguments or {})))

    def connection_of(self, mapper: Mapper) -> Connection:
        """The connection that serves a class."""
        return self.ensure_begun().connection_for(self.get_bind(mapper))

    def get_bind(self, mapper: Any = None, *, clause: Any = None, bind: Any = None) -> Any:
        """The Engine or Connection that serves a class or statement.

        :raises UnboundExecutionError: there is none.
        """
        return bind if bind is not None else self.binds.find(mapper, clause)

    def bind_mapper(self, mapper: Any, bind: Any) -> None:
        """Binds a class."""
        self.binds.set(mapper, bind)

    def bind_table(self, table: Any, bind: Any) -> None:
        """Binds a table."""
        self.binds.set(table, bind)

    def on_enlisted(self, transaction: SessionTransaction, connection: Connection) -> None:
        """A transaction took a connection."""
        self.hooks.fire("after_begin", self, transaction, connection)

    # -------------------------------------------------------------------------------------------- watching

    def subscribe(self, observer: Observer) -> Callable[[], None]:
        """Calls ``observer(fact)`` for everything that happens from now on; see :mod:`nbsession.events`.

        :return: a function that ends it.
        """
        stop = self.bus.subscribe(observer)
        self.unit_of_work.observe(True)

        def unsubscribe() -> None:
            stop()
            if not self.bus.observers:
                self.unit_of_work.observe(False)

        return unsubscribe

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        unit = self.unit_of_work
        where = f" on {self.bind.engine.url if isinstance(self.bind, Connection) else self.bind.url}" if self.bind else ""
        return (
            f"<Session{where}: {len(unit.new)} new, {len(self.dirty)} dirty, {len(unit.marked)} to delete, "
            f"{len(self.identity_map)} persistent>"
        )


def close_all_sessions() -> None:
    """Closes every session that is alive."""
    for session in list(_sessions.values()):
        session.close()
