"""One level of a session's transaction: where it stands, and which connections it has taken. How it ends is not told here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from nbsession.database.connection import Connection
from nbsession.events import TransactionMoved
from nbsession.exc import InvalidRequestError, PendingRollbackError, ResourceClosedError
from nbsession.session.undo import Frame
from nbsession.states import TRANSACTION_MOVES, SessionTransactionOrigin, TransactionState, TransactionTrigger

if TYPE_CHECKING:
    from nbsession.mapping.mapper import Mapper
    from nbsession.session.binding import Binding


class Enlisted(NamedTuple):
    """One connection of a level.

    :ivar connection: the connection.
    :ivar transaction: its transaction or savepoint at this level.
    :ivar ends: does this level's commit end it? Not where an outer transaction was joined.
    :ivar closes: was the connection opened here, so that it is closed here?
    """

    connection: Connection
    transaction: Any
    ends: bool
    closes: bool


class Level:
    """The part of :class:`~nbsession.session.transaction.SessionTransaction` that holds connections."""

    def __init__(
        self,
        session: Binding,
        parent: Self | None,
        autoflush: bool,
        nested: bool = False,
        *,
        name: str | None = None,
        for_flush: bool = False,
        by_itself: bool = False,
    ) -> None:
        self.session = session
        self.parent = parent
        self.nested = nested
        self.autoflush = autoflush
        self.name = name
        self.for_flush = for_flush
        self.state = TransactionState.IDLE
        self.error: BaseException | None = None
        self._enlisted: dict[Any, Enlisted] = {}
        self._unannounced: set[Any] = set()
        self._outer_block: Any = None
        self._rolled_back = False
        self._stays: Callable[[Mapper], bool] | None = None
        self._by_itself = by_itself
        unit = session.unit_of_work
        self.frame: Frame = parent.frame if parent is not None and not nested else Frame(unit.frame, nested)
        unit.frame = self.frame
        self._move(TransactionTrigger.BEGIN)
        session.transaction = self  # type: ignore[assignment]  # a level is always a SessionTransaction
        if session.hooks.heard:
            session.hooks.fire("after_transaction_create", session, self)

    # --------------------------------------------------------------------------------------------- looking

    @property
    def is_active(self) -> bool:
        """Can it be used? False when it failed or ended."""
        real = self.real
        return self.state is TransactionState.ACTIVE and real.state is TransactionState.ACTIVE and not real._rolled_back

    @property
    def is_subtransaction(self) -> bool:
        """Is it a mere bracket within the level above, as ``begin(subtransactions=True)`` makes it?"""
        return self.parent is not None and not self.nested

    @property
    def origin(self) -> SessionTransactionOrigin:
        """What it was begun by."""
        if self.nested:
            return SessionTransactionOrigin.BEGIN_NESTED
        if self.parent is not None:
            return SessionTransactionOrigin.SUBTRANSACTION
        return SessionTransactionOrigin.AUTOBEGIN if self._by_itself else SessionTransactionOrigin.BEGIN

    @property
    def real(self) -> Self:
        """The level of the database that it stands for: itself, unless it is a subtransaction."""
        level = self
        while level.parent is not None and not level.nested:
            level = level.parent
        return level

    @property
    def level(self) -> int:
        """0 for the transaction, 1 for the outermost savepoint, and so on."""
        return 0 if self.parent is None else self.parent.level + self.nested

    def levels(self) -> Iterator[Self]:
        """This level and those above it, up to the root."""
        level: Self | None = self
        while level is not None:
            yield level
            level = level.parent

    def require_active(self) -> None:
        """Refuses work in a transaction that failed or ended.

        :raises PendingRollbackError: a flush failed: only a rollback helps.
        :raises ResourceClosedError: it ended.
        """
        if self.parent is None and self.state is TransactionState.ACTIVE:
            return  # nearly always: this is asked before every statement
        if self.state is TransactionState.CLOSED and self.session.transaction is not self:
            raise ResourceClosedError("This transaction is closed. Begin a new one.")
        for level in self.levels():
            if level.state is TransactionState.FAILED:
                raise PendingRollbackError(
                    "This Session's transaction has been rolled back due to a previous exception during flush. To begin a "
                    "new transaction with this Session, first issue Session.rollback()"
                    + (" (or roll back the savepoint that failed)" if level.nested else "")
                    + f". Original exception was: {first_line(level.error)}"
                )
        if self.state is not TransactionState.ACTIVE:
            state = "prepared" if self.state is TransactionState.PREPARED else "committed"
            raise InvalidRequestError(
                f"This session is in '{state}' state; no further SQL can be emitted within this transaction. Wait until it has "
                "ended."
            )

    # ----------------------------------------------------------------------------------------- connections

    def connection_for(self, bind: Any) -> Connection:
        """The connection of an engine at this level, taken and begun if need be.

        :param bind: an Engine, or a Connection to be joined.
        """
        self.require_active()
        if self.parent is not None and not self.nested:
            return self.parent.connection_for(bind)
        engine = bind.engine if isinstance(bind, Connection) else bind
        held = self._enlisted.get(engine)
        if held is not None:
            if isinstance(bind, Connection) and held.connection is not bind:
                raise InvalidRequestError(
                    "Session already has a Connection associated for the given Connection's Engine"
                )
            if self._unannounced:
                self._announce(engine)
            return held.connection
        with self.session.beginning:
            held = self._enlisted.get(engine)
            if held is None:
                held = self._enlist(bind)
                self._enlisted[engine] = held
                self.session.on_enlisted(self, held.connection)
        return held.connection

    def _enlist(self, bind: Any) -> Enlisted:
        if self.parent is not None:
            connection = self.parent.connection_for(bind)  # a bind that is new here is the outer level's first
            return Enlisted(connection, connection.begin_nested(name=self.name), ends=True, closes=False)
        own = not isinstance(bind, Connection)
        connection = bind.connect() if own else bind
        connection.facts = self.session.bus
        try:
            if self.session.twophase:
                return Enlisted(connection, connection.begin_twophase(), ends=True, closes=own)
            if not connection.in_transaction():
                return Enlisted(connection, connection.begin(), ends=True, closes=own)
            return self._join(connection)
        except BaseException:
            if own:
                connection.close()
            raise

    def _join(self, connection: Connection) -> Enlisted:
        """Joins a transaction that somebody else began on the connection, as join_transaction_mode says."""
        mode = self.session.join_transaction_mode
        nested = connection.get_nested_transaction()
        if mode == "create_savepoint" or (mode == "conditional_savepoint" and nested is not None):
            return Enlisted(connection, connection.begin_nested(), ends=True, closes=False)
        outer = nested or connection.get_transaction()
        return Enlisted(connection, outer, ends=mode == "control_fully", closes=False)

    def connection(self, bindkey: Any, execution_options: Mapping[str, Any] | None = None, **choice: Any) -> Connection:
        """The connection that serves a class.

        :param bindkey: a mapper or mapped class; None: the session's bind.
        :param execution_options: options noted on the connection.
        :param choice: passed on to the session's ``get_bind()``.
        """
        connection = self.connection_for(self.session.get_bind(bindkey, **choice))
        return connection.execution_options(**execution_options) if execution_options else connection

    def add(self, bind: Any) -> Connection:
        """Takes an engine, or a connection, into the transaction.

        :raises InvalidRequestError: the transaction has a connection to it already.
        """
        own = not isinstance(bind, Connection)
        root = self
        while root.parent is not None:
            root = root.parent
        if (bind if own else bind.engine) in root._enlisted:
            which = "Engine" if own else "Connection's Engine"
            raise InvalidRequestError(f"Session already has a Connection associated for the given {which}")
        return self.connection_for(bind)

    def get_or_add(self, bind: Any) -> Connection:
        """The connection of an engine, taken into the transaction if it is not there.

        :raises InvalidRequestError: another Connection of the same engine is there.
        """
        return self.connection_for(bind)

    def enlisted(self) -> list[Connection]:
        """The connections this level has taken."""
        return [held.connection for held in self._enlisted.values()]

    def enlist_connections_of(self, outer: Self) -> None:
        """A savepoint is set at once on every connection that the level around it has."""
        try:
            for engine, held in outer._enlisted.items():
                savepoint = held.connection.begin_nested(name=self.name)
                self._enlisted[engine] = Enlisted(held.connection, savepoint, ends=True, closes=False)
                self._unannounced.add(engine)
        except BaseException:
            for held in self._enlisted.values():  # nothing was done since
                with suppress(Exception):
                    held.transaction.rollback()
            raise

    def _announce(self, engine: Any) -> None:
        """Hooks hear of a savepoint's connection when it is first used, though the savepoint is set at once."""
        if self.parent is not None:
            self.parent._announce(engine)
        if engine in self._unannounced:
            self._unannounced.discard(engine)
            self.session.on_enlisted(self, self._enlisted[engine].connection)

    def _move(self, trigger: TransactionTrigger, error: BaseException | None = None) -> None:
        before = self.state
        self.state = TRANSACTION_MOVES.step("This transaction", before, trigger)
        self.session.unit_of_work.licence.withdraw()
        bus = self.session.bus
        if bus.observers and not self.is_subtransaction:
            bus.publish(
                TransactionMoved(
                    level=self.level,
                    name=self.name,
                    before=before.value,
                    trigger=trigger.value,
                    after=self.state.value,
                    error=first_line(error) if error is not None else None,
                )
            )


def first_line(error: object) -> str:
    """An error in one line, with its type."""
    text = str(error)
    return f"({type(error).__name__}) {text.splitlines()[0] if text else ''}"
