"""What a session does with transactions: begins, nests, commits, rolls back, and finds its connections."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from nbsession.database.connection import Connection
from nbsession.exc import InvalidRequestError
from nbsession.mapping.mapper import Mapper
from nbsession.session.binding import Binding
from nbsession.session.transaction import SessionTransaction
from nbsession.states import TransactionState, Trigger


class Transacting(Binding):
    """A session's transactions and connections."""

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
        with self.bus.because("session.begin_nested"):
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
            with self.bus.because("session.begin" if explicit else "autobegin"):
                self.transaction = SessionTransaction(self)
        return self.transaction

    def commit(self) -> None:
        """Flushes and commits everything, savepoints included. Objects are expired, deleted ones detached."""
        *_, root = self.ensure_begun().levels()
        with self.bus.because("session.commit"):
            root.commit()

    def rollback(self) -> None:
        """Rolls everything back: new objects are transient again, deleted ones persistent, the others expired."""
        if self.transaction is not None:
            *_, root = self.transaction.levels()
            with self.bus.because("session.rollback"):
                root.rollback()

    def close(self) -> None:
        """Takes every object out and ends the transaction: what was not committed is rolled back. Usable again."""
        self._expunge_all("session.close")
        while self.transaction is not None:
            self.transaction.close()

    def _expunge_all(self, cause: str) -> None:
        unit = self.unit_of_work
        unit.move_each([*unit.new.values(), *unit.identity_map.all(), *unit.held_deleted()], Trigger.EXPUNGE, cause)
        unit.identity_map.clear()

    reset = close

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

    def connection(self, bind_arguments: Mapping[str, Any] | None = None) -> Connection:
        """The connection of the session's transaction."""
        return self.ensure_begun().connection_for(self.get_bind(**(bind_arguments or {})))

    def connection_of(self, mapper: Mapper) -> Connection:
        """The connection that serves a class."""
        return self.ensure_begun().connection_for(self.get_bind(mapper))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
