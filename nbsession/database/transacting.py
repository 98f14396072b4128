"""A connection's transaction: how it begins and ends, and its savepoints. Knows links, hooks and transaction objects."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn

from nbsession.database.errors import wrapped
from nbsession.database.interrupts import is_interruption, unbroken
from nbsession.database.link import Link, lost_with
from nbsession.database.observing import publish
from nbsession.database.telling import handled
from nbsession.database.transaction import NestedTransaction, RootTransaction, Transaction, no_two_phase
from nbsession.exc import InvalidRequestError, ReplayDivergence, ResourceClosedError, SerializationError

if TYPE_CHECKING:
    from nbsession.database.dialect import Dialect
    from nbsession.database.engine import Engine
    from nbsession.events import FactBus


class Transacting:
    """The part of a :class:`~nbsession.database.connection.Connection` that begins and ends transactions."""

    __slots__ = ("_block", "_link", "_nested", "_savepoints", "_transaction", "dialect", "engine", "facts")

    def __init__(self, engine: Engine, link: Link) -> None:
        self.engine = engine
        self.dialect: Dialect = engine.dialect
        self.facts: FactBus | None = None
        self._link: Link | None = link
        self._transaction: RootTransaction | None = None
        self._nested: NestedTransaction | None = None
        self._block: Transaction | None = None
        self._savepoints = 0

    def begin(self) -> RootTransaction:
        """Begins a transaction. What is sent to the database is sent with the first statement.

        :raises InvalidRequestError: one is begun already.
        """
        self._open_link()
        if self._transaction is not None:
            raise InvalidRequestError(
                "a transaction is already begun on this Connection (by begin(), or by its first statement): can't call begin() "
                "here unless commit() or rollback() is called first. For a savepoint inside it call begin_nested()."
            )
        return self._begin()

    def begin_nested(self, name: str | None = None) -> NestedTransaction:
        """Sets a savepoint; begins the transaction first if there is none.

        :param name: a name for people; the one in SQL is made here and unique.
        """
        link = self._ready()
        self._savepoints += 1
        savepoint = f"sp_{self._savepoints}"
        self._hook("savepoint", savepoint)
        try:
            link.savepoint(savepoint)
        except BaseException as error:
            self.fail(error, f"SAVEPOINT {savepoint}")
        self.tell(f"SAVEPOINT {savepoint}")
        self._nested = NestedTransaction(self, savepoint, name, self._nested)
        return self._nested

    def begin_twophase(self, xid: Any = None) -> RootTransaction:
        """Would begin a two-phase transaction.

        :raises NotSupportedError: always: neither SQLite nor DuckDB has it.
        """
        self._open_link()
        raise no_two_phase(self.dialect.name)

    def begin_writing(self) -> None:
        """Begins a transaction if none is begun, and takes SQLite's write lock at once, not with the first write."""
        link = self._ready()
        try:
            if link.attention:
                link.start(True)
        except BaseException as error:
            self.fail(error, "BEGIN IMMEDIATE")

    def commit(self) -> None:
        """Commits the transaction with all its savepoints; nothing happens if none is begun."""
        self._open_link()
        if self._transaction is not None:
            self._transaction.commit()

    def rollback(self) -> None:
        """Rolls the transaction back with all its savepoints; nothing happens if none is begun."""
        self._open_link()
        if self._transaction is not None:
            self._transaction.rollback()

    def close(self) -> None:
        """Gives the connection back; a transaction that was not committed is rolled back."""
        link = self._link
        if link is None:
            return
        try:
            if self._transaction is not None:
                self._transaction.rollback()
        finally:
            self._end_root()
            self._link = None
            self._block = None
            if not link.lost:
                self.engine._source.checkin(link)

    def invalidate(self, exception: BaseException | None = None) -> None:
        """Closes the driver's connection and keeps it for nobody. What was not committed is lost.

        A transaction that was begun can only be rolled back; the next one opens the database anew. A SQLite database in memory
        is gone with its connection.

        :param exception: why; the error of whoever goes on in the transaction names it.
        :raises ResourceClosedError: it is closed.
        """
        link = self._open_link()
        if link.lost:
            return
        link.lost = True
        self._end_nested(None)
        begun = self._transaction is not None
        try:
            if begun:
                with suppress(Exception):
                    link.rollback()
        finally:
            if begun:
                link.begin(self)
                link.doom(lost_with(exception))
            self.engine._source.discard(link)

    @property
    def invalidated(self) -> bool:
        """Was it invalidated, and not used since?"""
        return self._link is not None and self._link.lost

    @property
    def closed(self) -> bool:
        """Was it closed?"""
        return self._link is None

    def in_transaction(self) -> bool:
        """Is a transaction begun?"""
        return self._transaction is not None

    def in_nested_transaction(self) -> bool:
        """Is a savepoint set?"""
        return self._nested is not None

    def get_transaction(self) -> RootTransaction | None:
        """The transaction, or None."""
        return self._transaction

    def get_nested_transaction(self) -> NestedTransaction | None:
        """The innermost savepoint, or None."""
        return self._nested

    @property
    def transaction_aborted(self) -> bool:
        """Did an error end the transaction's life, so that only a rollback helps?"""
        return self._link is not None and self._link.failure is not None

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────────
    def _open_link(self) -> Link:
        if self._link is None:
            raise ResourceClosedError("This Connection is closed. Open another one with engine.connect().")
        return self._link

    def _ready(self) -> Link:
        """The link, inside a transaction."""
        link = self._link
        if link is None:
            link = self._open_link()
        if self._block is not None and not self._block.is_active:
            self._check_block()
        if self._transaction is None:
            with link.turn:  # two threads that read at once begin one transaction
                if self._transaction is None:
                    self._begin()
                    link = self._open_link()  # another, if this one was lost
        return link

    def _begin(self) -> RootTransaction:
        link = self._open_link()
        self._check_block()
        if link.lost:
            link = self._link = self.engine._open_link()
        self._hook("begin")
        try:
            link.begin(self)
        except BaseException as error:
            self.fail(error, "BEGIN")
        self._transaction = RootTransaction(self)
        self.tell("BEGIN")
        return self._transaction

    def _check_block(self) -> None:
        if self._block is not None and not self._block.is_active:
            raise InvalidRequestError(
                "Can't operate on closed transaction inside context manager: it was committed or rolled back inside its "
                "'with' block. Leave the block before the next statement."
            )

    def _commit_root(self, root: RootTransaction) -> None:
        self._hook("commit")
        link = self._open_link()
        with unbroken:
            try:
                late = link.commit()
            except BaseException as error:
                try:
                    link.rollback()
                except BaseException as second:
                    error.add_note(f"The ROLLBACK after it failed too: {second}")
                self._end_root()
                self._publish("COMMIT", error)
                self.fail(error, "COMMIT")
            root.committed = True
            self._end_root()
            self.tell("COMMIT")
            if late is not None:
                late.add_note("The COMMIT before it had gone through: what was written stays.")
                raise late

    def _rollback_root(self, root: RootTransaction) -> None:
        link = self._open_link()
        try:
            self._hook("rollback")
            link.rollback()
        except BaseException as error:
            self.fail(error, "ROLLBACK")
        finally:
            self._end_root()
        self.tell("ROLLBACK")

    def _release(self, nested: NestedTransaction) -> None:
        self._hook("release_savepoint", nested.savepoint, None)
        try:
            self._open_link().release(nested.savepoint)
        except BaseException as error:  # it stays: a rollback to it may still help
            self.fail(error, f"RELEASE SAVEPOINT {nested.savepoint}")
        self._end_nested(nested)
        self.tell(f"RELEASE SAVEPOINT {nested.savepoint}")

    def _rollback_nested(self, nested: NestedTransaction) -> None:
        self._hook("rollback_savepoint", nested.savepoint, None)
        self._end_nested(nested)
        try:
            link = self._open_link()
            link.rollback_to(nested.savepoint)
            link.release(nested.savepoint)
        except BaseException as error:
            self.fail(error, f"ROLLBACK TO SAVEPOINT {nested.savepoint}")
        self.tell(f"ROLLBACK TO SAVEPOINT {nested.savepoint}")

    def _end_nested(self, nested: NestedTransaction | None) -> None:
        """Ends a savepoint and those inside it."""
        while self._nested is not None:
            ended, self._nested = self._nested, self._nested._outer
            ended.is_active = False
            if ended is nested:
                break

    def _end_root(self) -> None:
        self._end_nested(None)
        if self._transaction is not None:
            self._transaction.is_active = False
            self._transaction = None
        self._savepoints = 0

    def fail(self, error: BaseException, sql: str, params: Any = None) -> NoReturn:
        """Raises our error for a driver's, after noting what it did to the transaction."""
        link = self._link
        interrupted = link is not None and is_interruption(error, link.interrupted)
        whole = False
        if link is not None and self._transaction is not None:
            whole = link.owner is None
            if whole:
                self._end_root()
            else:
                link.failed(error)
        ours = KeyboardInterrupt() if interrupted else wrapped(error, sql, params, self.dialect.advice(error))
        if whole and not isinstance(error, SerializationError | ReplayDivergence):
            ours.add_note("The whole transaction was rolled back with it: begin again and repeat it.")
        if self.engine._hooks["handle_error"]:
            ours = handled(self, error, ours, sql, params)
        try:
            if ours is error:
                raise error
            raise ours from error
        finally:
            del ours, error  # an error whose traceback holds the error is a circle, and everything on the way with it

    def _hook(self, name: str, *args: Any) -> None:
        for hook in tuple(self.engine._hooks[name]):
            hook(self, *args)

    def tell(self, sql: str, params: Sequence[Any] = (), rows: int | None = None) -> None:
        """Publishes a statement that was made here: transaction control, probes, keys."""
        if self.facts is not None and self.facts.observers:
            publish(self, sql, params, 1, rows, internal=True)

    def _publish(self, sql: str, error: BaseException) -> None:
        publish(self, sql, (), 1, None, error, internal=True)
