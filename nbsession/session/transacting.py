"""What a session does with transactions: begins, nests, commits, rolls back, and finds its connections."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, cast

from nbsession.database.connection import Connection
from nbsession.database.transaction import no_two_phase
from nbsession.exc import InvalidRequestError
from nbsession.mapping.mapper import Mapper
from nbsession.session.binding import Binding
from nbsession.session.outside import OutsideTransaction
from nbsession.session.transaction import SessionTransaction
from nbsession.states import TransactionState


class Transacting(Binding):
    """A session's transactions and connections."""

    def begin(
        self, nested: bool = False, autoflush: bool = True, *, subtransactions: bool = False
    ) -> SessionTransaction:
        """Begins a transaction; the handle ends it, also as ``with session.begin():``.

        :param nested: set a savepoint instead: :meth:`begin_nested`.
        :param autoflush: do queries inside it, and its commit, flush?
        :param subtransactions: inside a transaction, open a mere bracket: its commit does nothing, its rollback rolls back
            everything, as the sessions of 2007 did.
        :raises InvalidRequestError: one is begun already.
        :raises NotSupportedError: the session is two-phase, and a database of it is not.
        """
        if nested:
            return self._savepoint(None, autoflush)
        if self.transaction is None:
            for bind in self.binds.all() if self.twophase else ():
                if not bind.dialect.supports_two_phase:
                    raise no_two_phase(bind.dialect.name)
            return self._root(autoflush)
        if not subtransactions:
            raise InvalidRequestError(
                "A transaction is already begun on this Session. Use it, end it with commit() or rollback(), or set a "
                "savepoint with begin_nested()."
            )
        self._check_block()
        return SessionTransaction(self, self.transaction, autoflush)

    create_transaction = begin

    def begin_nested(self, *, name: str | None = None) -> SessionTransaction:
        """Flushes, then sets a savepoint; the handle releases it or rolls back to it.

        :param name: a name for people.
        """
        return self._savepoint(name, True)

    def _savepoint(self, name: str | None, autoflush: bool) -> SessionTransaction:
        with self.bus.because("session.begin_nested"):
            parent = self.transaction or self._root()
            self._check_block()
            parent.require_active()
            self.flush()
            nested = SessionTransaction(self, parent, autoflush, nested=True, name=name)
            try:
                nested.enlist_connections_of(parent.real)
            except BaseException:
                nested.close()
                raise
            return nested

    def _root(
        self, autoflush: bool = True, cause: str = "session.begin", for_flush: bool = False
    ) -> SessionTransaction:
        self._check_block()
        if self.closed_for_good:
            raise InvalidRequestError(
                "This Session has been permanently closed and is unable to handle any more transaction requests. Make another, "
                "or use reset() instead of close()."
            )
        with self.bus.because(cause):
            return SessionTransaction(self, None, autoflush, for_flush=for_flush, by_itself=cause != "session.begin")

    def _check_block(self) -> None:
        if self.block is not None and self.block.state is TransactionState.CLOSED:
            raise InvalidRequestError(
                "Can't operate on closed transaction inside context manager. Please complete the context manager before "
                "emitting further commands."
            )

    def ensure_begun(self) -> SessionTransaction:
        """The current transaction, begun if there is none.

        :raises InvalidRequestError: none is begun and none begins by itself, or that of a ``with`` block ended inside it.
        """
        self._check_block()
        if self.transaction is not None:
            return self.transaction
        if not self.transactional:
            raise InvalidRequestError("No transaction is begun.")
        if not self.autobegin:
            raise InvalidRequestError(
                "Autobegin is disabled on this Session; please call session.begin() to start a new transaction"
            )
        with self.beginning:
            return self.transaction or self._root(cause="autobegin")

    def work_begins(self) -> None:
        """Something is done that belongs into a transaction: it begins by itself, unless the session is not transactional."""
        self.refuse_other_threads()
        if self.transactional:
            self.ensure_begun()

    def commit(self, to_root: bool = True) -> None:
        """Flushes and commits everything, savepoints included. Objects are expired, deleted ones detached.

        :param to_root: False: only the innermost level.
        :raises InvalidRequestError: the session is not transactional, and no transaction is begun.
        """
        self.refuse_other_threads()
        transaction = self.ensure_begun()
        with self.bus.because("session.commit"):
            (_root_of(transaction) if to_root else transaction).commit()

    def rollback(self, to_root: bool = True) -> None:
        """Rolls everything back: new objects are transient again, deleted ones persistent, the others expired.

        :param to_root: False: only the innermost level.
        """
        self.refuse_other_threads()
        if self.transaction is not None:
            with self.bus.because("session.rollback"):
                (_root_of(self.transaction) if to_root else self.transaction).rollback()

    def prepare(self) -> None:
        """First phase of a two-phase commit; ``commit()`` is the second.

        :raises InvalidRequestError: the session is not two-phase.
        """
        with self.bus.because("session.prepare"):
            _root_of(self.ensure_begun()).prepare()

    def close(self) -> None:
        """Takes every object out and ends the transaction: what was not committed is rolled back.

        Usable again, unless the session was made with ``close_resets_only=False``.
        """
        self._close("session.close")
        self.closed_for_good = not self.close_resets_only

    def reset(self) -> None:
        """:meth:`close`, and usable again in any case."""
        self._close("session.reset")

    def invalidate(self) -> None:
        """:meth:`close`, and closes the connections of the transaction: the driver's own, which nobody is given again.

        For connections that are not to be trusted any more. A SQLite database in memory is gone with its connection.
        """
        self._close("session.invalidate", invalidate=True)
        self.closed_for_good = not self.close_resets_only

    def _close(self, cause: str, invalidate: bool = False) -> None:
        self.refuse_other_threads()
        self.unit_of_work.let_all_go(cause)
        first: BaseException | None = None
        while self.transaction is not None:
            try:
                if invalidate and self.transaction.parent is None:
                    for connection in self.transaction.enlisted():
                        connection.invalidate()
                self.transaction.close()
            except BaseException as error:
                first = first or error
        if first is not None:
            raise first

    @property
    def is_active(self) -> bool:
        """Can it be used? False while a failed transaction waits for rollback()."""
        return self.transaction is None or self.transaction.is_active

    def in_transaction(self) -> bool:
        """Is a transaction begun?"""
        return self.transaction is not None

    def in_nested_transaction(self) -> bool:
        """Is a savepoint set?"""
        return self.get_nested_transaction() is not None

    def get_transaction(self) -> SessionTransaction | None:
        """The transaction itself, or None."""
        return None if self.transaction is None else _root_of(self.transaction)

    def get_nested_transaction(self) -> SessionTransaction | None:
        """The innermost savepoint, or None."""
        real = None if self.transaction is None else self.transaction.real
        return real if real is not None and real.nested else None

    # ---------------------------------------------------------------------------------------- connections

    def connection(
        self,
        bind_arguments: Any = None,
        execution_options: Mapping[str, Any] | None = None,
        **choice: Any,
    ) -> Connection:
        """The connection of the session's transaction; outside of one, if none begins by itself, a connection of your own.

        :param bind_arguments: what decides the engine, as ``{"mapper": User}``; or the mapped class itself.
        :param execution_options: options noted on the connection.
        :param choice: passed on to :meth:`get_bind`.
        """
        if bind_arguments is not None:
            choice = {
                **(bind_arguments if isinstance(bind_arguments, Mapping) else {"mapper": bind_arguments}),
                **choice,
            }
        bind = self.get_bind(**choice)
        if self.transaction is None and not self.transactional:
            connection: Connection = bind if isinstance(bind, Connection) else bind.connect()
        else:
            connection = self.ensure_begun().connection_for(bind)
        return connection.execution_options(**execution_options) if execution_options else connection

    def connection_of(self, mapper: Mapper) -> Connection:
        """The connection that serves a class, for one statement."""
        return self.connection_for(self.get_bind(mapper))

    def connection_for(self, bind: Any) -> Connection:
        """The connection to an engine, for one statement."""
        if self.transaction is None and not self.transactional:
            return cast(Connection, OutsideTransaction(bind, self.bus))
        return self.ensure_begun().connection_for(bind)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _root_of(transaction: SessionTransaction) -> SessionTransaction:
    while transaction.parent is not None:
        transaction = transaction.parent
    return transaction
