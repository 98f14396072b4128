"""A link: one driver connection with its transaction. Knows drivers and SQL text; no hooks, facts or result objects.

:class:`~nbsession.database.connection.Connection` is what people hold; it borrows a link while it lives. Links begin
lazily: ``begin()`` is sent with the first statement, so an idle transaction never reaches the database.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import RLock
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias

from nbsession.database.dialect import Dialect
from nbsession.database.errors import class_of
from nbsession.database.interrupts import unbroken, watch
from nbsession.database.rows import RowDelete, RowInsert, RowUpdate, Sets
from nbsession.database.turns import ALONE, WAITING, InUse, alone, in_turn, waiting
from nbsession.exc import InternalError, PendingRollbackError

if TYPE_CHECKING:
    from nbsession.sql.schema import Column

Rows: TypeAlias = list[tuple[Any, ...]]


class Owner(Protocol):
    """Who began a link's transaction."""

    def tell(self, sql: str, params: Sequence[Any] = (), rows: int | None = None) -> None:
        """Is told of each statement that the link asks for itself."""


class Outcome(NamedTuple):
    """What one statement gave: rows (None if it returns none), their keys, rows touched (-1: unknown), the generated key."""

    rows: Rows | None
    keys: tuple[str, ...]
    rowcount: int
    lastrowid: int | None


class Link:
    """One driver connection. Subclasses speak to a driver; errors leave here as the driver raised them."""

    dialect: Dialect
    raw: Any

    def __init__(self, dialect: Dialect, raw: Any) -> None:
        self.dialect = dialect
        self.raw = raw
        self.fresh = True
        """just opened: the engine's hooks have not seen it"""
        self.pending = False
        """begun, but BEGIN was not sent yet"""
        self.failure: BaseException | None = None
        """the error that aborted the transaction"""
        self.attention = False
        """pending or failed: what the fast doors look at before they send anything"""
        self.unclean = False
        """a ROLLBACK failed: it is sent again before anything else"""
        self.steady = False
        """its statement is not to be interrupted"""
        self.interrupted = False
        """its statement was interrupted, because of Ctrl-C"""
        self.lost = False
        """closed while a connection had it: no statement reaches the database any more"""
        self._owner: weakref.ref[Owner] | None = None
        self.check_file: Callable[[], None] | None = None
        """raises if the database's file is not there any more"""
        self.turn = RLock()
        """held by the thread that is inside"""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        for name, method in list(vars(cls).items()):
            if name in ALONE:
                setattr(cls, name, alone(method))
            elif name in WAITING:
                setattr(cls, name, waiting(method))
            elif name == "execute":
                setattr(cls, name, in_turn(method))

    # ── the transaction ──────────────────────────────────────────────────────────────────────────────────────────────
    def begin(self, owner: Owner) -> None:
        """Begins a transaction with the next statement.

        :param owner: the connection that asks; held weakly, because one that is dropped rolls back.
        """
        self.pending = self.attention = True
        self.failure = None
        self.interrupted = False
        self._owner = weakref.ref(owner)

    def start(self, writing: bool) -> None:
        """Sends the pending BEGIN, or refuses because the transaction is aborted. Called where ``attention`` is set."""
        if self.failure is None and not self.pending:
            self.doom(InternalError("the database ended it by itself, or somebody did behind the connection's back"))
        if self.failure is not None:
            raise aborted(self.failure)
        watch()
        if self.unclean:
            self._roll_back()
        try:
            self._send_begin(writing)
        except BaseException:
            with suppress(Exception):
                self._roll_back()  # BEGIN itself may have gone through
            raise
        self.pending = self.attention = False

    @waiting
    def commit(self) -> BaseException | None:
        """Commits. After an error that aborted the transaction it raises: nothing may be lost silently.

        :return: an error that came when the COMMIT had gone through: none of the driver's, who says so if it has not.
        """
        if self.pending and not self.lost:
            self._ended()
            return None
        if self.failure is not None:
            raise aborted(self.failure, "COMMIT refused: ")
        if self.check_file is not None:
            self.check_file()
        late = self._send_commit()
        self._ended()
        return late

    @waiting
    def rollback(self) -> None:
        """Rolls back whatever there is."""
        pending = self.pending
        try:
            if not pending:
                self._roll_back()
        finally:
            self._ended()

    def made_clean(self) -> bool:
        """Nothing is open on it: a ROLLBACK that failed is tried once more."""
        if self.unclean:
            with suppress(Exception):
                self._roll_back()
        return not self.unclean

    def _roll_back(self) -> None:
        self.unclean = True
        with unbroken:
            self.steady = True
            try:
                self._send_rollback()
            finally:
                self.steady = False
        self.unclean = False

    def _ended(self) -> None:
        self.pending = self.attention = False
        self.failure = None
        self._owner = None

    @property
    def owner(self) -> Owner | None:
        """Who began the transaction, while it lasts."""
        return None if self._owner is None else self._owner()

    def tell(self, sql: str, params: Sequence[Any], rows: int | None) -> None:
        """Tells the owner of a statement of our own."""
        owner = self.owner
        if owner is not None:
            owner.tell(sql, params, rows)

    def failed(self, error: BaseException) -> None:
        """Takes note of an error: does the transaction live on?"""
        if self.pending or self.failure is not None or isinstance(error, InUse):
            return
        living = False
        try:
            with self.turn:
                living = self.alive()
        finally:
            if not living:
                self.doom(error)

    def doom(self, error: BaseException) -> None:
        """What the transaction has done is not known, or lost: from now on it can only be rolled back."""
        self.failure = error
        self.attention = True

    def interrupt(self) -> None:
        """Stops the statement that is running, from another thread. The end of a transaction is not interrupted."""
        if not self.steady:
            self.interrupted = True
            with suppress(Exception):
                self.raw.interrupt()

    # ── what subclasses do ───────────────────────────────────────────────────────────────────────────────────────────
    def alive(self) -> bool:
        """Would the next statement run inside the transaction?"""
        raise NotImplementedError

    def _send_begin(self, writing: bool) -> None:
        raise NotImplementedError

    def _send_commit(self) -> BaseException | None:
        raise NotImplementedError

    def _commit_through(self, call: Callable[[], object]) -> BaseException | None:
        """Sends COMMIT. An error that is not the driver's may have come after it: then it is returned."""
        handled = sys.exception()
        with unbroken:
            self.steady = True
            try:
                call()
            except BaseException as error:
                if _is_drivers(error, handled) or self._in_transaction():
                    raise
                return error
            finally:
                self.steady = False
        return None

    def _in_transaction(self) -> bool:
        """Is a transaction open, whatever we think?"""
        raise NotImplementedError

    def _send_rollback(self) -> None:
        raise NotImplementedError

    def control(self, sql: str) -> None:
        """Transaction control in the user's own words. Statements after it are still inside a transaction."""
        raise NotImplementedError

    def savepoint(self, name: str) -> None:
        """Sets a savepoint. Names are ours: simple and unique in the transaction."""
        raise NotImplementedError

    def rollback_to(self, name: str) -> None:
        """Undoes what was done since a savepoint, which stays."""
        raise NotImplementedError

    def release(self, name: str) -> None:
        """Forgets a savepoint; what was done since stays."""
        raise NotImplementedError

    def cursor(self) -> Any:
        """A driver's cursor, for the hooks that want to see one."""
        raise NotImplementedError

    def execute(self, sql: str, params: Sequence[Any], writing: bool, trusted: bool = False) -> Outcome:
        """Runs one statement and fetches all its rows.

        :param writing: does it (or may it) write?
        :param trusted: was it made here, with nothing in it that a second run could answer otherwise?
        """
        raise NotImplementedError

    def execute_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> int:
        """Runs one statement for each set of parameters; all of them or none. Returns the rows touched, -1 if unknown."""
        raise NotImplementedError

    def fetch(self, sql: str, params: Sequence[Any]) -> Rows:
        """Runs a SELECT that writes nothing, by the quickest way there is."""
        raise NotImplementedError

    def insert_rows(self, write: RowInsert, rows: Sets) -> Sequence[Any] | None:
        """Inserts rows, all or none. Returns the generated keys in order if ``write.generated``."""
        raise NotImplementedError

    def update_rows(self, write: RowUpdate, rows: Sets) -> int:
        """Updates rows, all or none; each gives set values, then match values. Returns how many were matched."""
        raise NotImplementedError

    def delete_rows(self, write: RowDelete, rows: Sets) -> int:
        """Deletes rows, all or none. Returns how many were matched."""
        raise NotImplementedError

    def draw_keys(self, column: Column, count: int) -> Sequence[Any]:
        """Keys for rows that are to be inserted; only where the dialect ``draws_keys``."""
        raise NotImplementedError

    def close(self) -> None:
        """Closes the driver's connection."""
        self.raw.close()


class LinkSource:
    """Where links come from: an opened database, or one to be opened. One per engine."""

    def checkout(self) -> Link:
        """A link with no transaction on it.

        :raises Exception: the driver's error if the database cannot be opened.
        """
        raise NotImplementedError

    def checkin(self, link: Link) -> None:
        """Takes a link back; its transaction has ended."""
        raise NotImplementedError

    def discard(self, link: Link) -> None:
        """Closes a link that is in use: it does not come back."""
        link.close()

    def dispose(self) -> None:
        """Closes what is not in use."""
        raise NotImplementedError


def _is_drivers(error: BaseException | None, handled: BaseException | None) -> bool:
    """Did a driver raise it, or was it raised on the way out from such an error?

    :param handled: an error from before.
    """
    while error is not None and error is not handled:
        if class_of(error) is not None:
            return True
        error = error.__context__
    return False


def lost_with(reason: BaseException | None) -> PendingRollbackError:
    """What a transaction fails by whose connection was invalidated."""
    because = "" if reason is None else f" ({type(reason).__name__}: {reason})"
    return PendingRollbackError(
        f"Can't reconnect until invalid transaction is rolled back: its connection was invalidated{because}. Please rollback() "
        "fully before proceeding."
    )


def aborted(failure: BaseException, attempt: str = "") -> InternalError | PendingRollbackError:
    """The error for whoever goes on after one that aborted the transaction."""
    if isinstance(failure, PendingRollbackError):
        return PendingRollbackError(str(failure))
    cause = " ".join(str(failure).split())
    cause = cause if len(cause) <= 200 else f"{cause[:200]}…"
    return InternalError(
        f"{attempt}the current transaction is aborted by an earlier error ({type(failure).__name__}: {cause}); none of it can be "
        "committed. Call rollback(), or roll back to a savepoint set before the error, and try again.",
        orig=failure,
    )
