"""Transactions and savepoints as objects. Know their place on a connection; what is sent to the database it knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from nbsession.exc import NotSupportedError, ResourceClosedError

if TYPE_CHECKING:
    from nbsession.database.transacting import Transacting


class Transaction:
    """A transaction that was begun on a connection; ends once.

    Used with ``with`` it commits at the end, and rolls back if an error leaves the block.

    :ivar connection: the connection.
    :ivar is_active: neither committed, rolled back nor closed yet.
    :ivar committed: was it committed? An error may have come after it.
    """

    __slots__ = ("_entered", "_left", "committed", "connection", "is_active")

    def __init__(self, connection: Transacting) -> None:
        self.connection = connection
        self.is_active = True
        self.committed = False
        self._entered = False
        self._left: Transaction | None = None

    def commit(self) -> None:
        """Makes what was done since the begin stay.

        :raises ResourceClosedError: it has ended already.
        """
        self._need_active("commit")
        self._commit()

    def rollback(self) -> None:
        """Undoes what was done since the begin. Of a transaction that has ended there is nothing to undo: no error."""
        if self.is_active:
            self._rollback()

    def close(self) -> None:
        """Ends it: rolls back if it was not committed."""
        self.rollback()

    def prepare(self) -> None:
        """First phase of a two-phase commit.

        :raises NotSupportedError: always: neither SQLite nor DuckDB has it.
        """
        self._need_active("prepare")
        raise no_two_phase(self.connection.dialect.name)

    @property
    def is_valid(self) -> bool:
        """Can it still be committed? False after an error that aborted it."""
        return self.is_active and not self.connection.transaction_aborted

    def _commit(self) -> None:
        raise NotImplementedError

    def _rollback(self) -> None:
        raise NotImplementedError

    def _need_active(self, attempt: str) -> None:
        if not self.is_active:
            raise ResourceClosedError(
                f"This transaction is closed: {self} was committed, rolled back or closed before, or its outer transaction was. "
                f"{attempt}() is not possible; begin a new one."
            )

    def __enter__(self) -> Self:
        self._left = self.connection._block
        self.connection._block = self
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self.connection._block is self:
            self.connection._block = self._left
        if not self.is_active:
            return
        if kind is None:
            try:
                self.commit()
            except BaseException:
                self.rollback()
                raise
        else:
            self.rollback()


class RootTransaction(Transaction):
    """The transaction itself."""

    __slots__ = ()

    def _commit(self) -> None:
        self.connection._commit_root(self)

    def _rollback(self) -> None:
        self.connection._rollback_root(self)

    def __repr__(self) -> str:
        return f"<RootTransaction {'active' if self.is_active else 'ended'}>"


class NestedTransaction(Transaction):
    """A savepoint: ``commit()`` releases it, ``rollback()`` undoes what was done since and ends it.

    :ivar name: the name given by the user, or None.
    :ivar savepoint: the name in SQL.
    """

    __slots__ = ("_outer", "name", "savepoint")

    def __init__(
        self, connection: Transacting, savepoint: str, name: str | None, outer: NestedTransaction | None
    ) -> None:
        super().__init__(connection)
        self.savepoint = savepoint
        self.name = name
        self._outer = outer

    def _commit(self) -> None:
        self.connection._release(self)

    def _rollback(self) -> None:
        self.connection._rollback_nested(self)

    def __repr__(self) -> str:
        shown = f"{self.savepoint} ({self.name})" if self.name else self.savepoint
        return f"<NestedTransaction {shown} {'active' if self.is_active else 'ended'}>"


def no_two_phase(database: str) -> NotSupportedError:
    """The error for two-phase commit: it is not simulated, because a simulation would not keep its promise."""
    return NotSupportedError(
        f"two-phase commit is not supported: {database} has no PREPARE TRANSACTION. Use an ordinary transaction "
        "(begin() instead of begin_twophase(), Session(twophase=False))."
    )
