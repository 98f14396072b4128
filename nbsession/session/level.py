"""One level of a session's transaction: where it stands, and which connections it has taken. How it ends is not told here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from nbsession.database.connection import Connection
from nbsession.events import TransactionMoved
from nbsession.exc import InvalidRequestError, PendingRollbackError, ResourceClosedError
from nbsession.session.undo import Frame
from nbsession.states import TRANSACTION_MOVES, TransactionState, TransactionTrigger

if TYPE_CHECKING:
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

    def __init__(self, session: Binding, parent: Self | None = None, name: str | None = None) -> None:
        self.session = session
        self.parent = parent
        self.nested = parent is not None
        self.name = name
        self.state = TransactionState.IDLE
        self.error: BaseException | None = None
        self._enlisted: dict[Any, Enlisted] = {}
        self._outer_block: Any = None
        unit = session.unit_of_work
        self.frame = unit.frame = Frame(unit.frame, self.nested)
        self._move(TransactionTrigger.BEGIN)

    # --------------------------------------------------------------------------------------------- looking

    @property
    def is_active(self) -> bool:
        """Can it be used? False when it failed or ended."""
        return self.state is TransactionState.ACTIVE

    @property
    def level(self) -> int:
        """0 for the transaction, 1 for the outermost savepoint, and so on."""
        return 0 if self.parent is None else self.parent.level + 1

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
        for level in self.levels():
            if level.state is TransactionState.FAILED:
                raise PendingRollbackError(
                    "This Session's transaction has been rolled back due to a previous exception during flush. To begin a "
                    "new transaction with this Session, first issue Session.rollback()"
                    + (" (or roll back the savepoint that failed)" if level.nested else "")
                    + f". Original exception was: {first_line(level.error)}"
                )
        if self.state is not TransactionState.ACTIVE:
            raise ResourceClosedError(f"This transaction is closed: it is {self.state.value}. Begin a new one.")

    # ----------------------------------------------------------------------------------------- connections

    def connection_for(self, bind: Any) -> Connection:
        """The connection of an engine at this level, taken and begun if need be.

        :param bind: an Engine, or a Connection to be joined.
        """
        self.require_active()
        engine = bind.engine if isinstance(bind, Connection) else bind
        held = self._enlisted.get(engine)
        if held is not None:
            if isinstance(bind, Connection) and held.connection is not bind:
                raise InvalidRequestError(
                    "Session already has a Connection associated for the given Connection's Engine"
                )
            return held.connection
        held = self._enlist(bind)
        self._enlisted[engine] = held
        self.session.on_enlisted(self, held.connection)
        return held.connection

    def _enlist(self, bind: Any) -> Enlisted:
        if self.parent is not None:
            connection = self.parent.connection_for(bind)
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

    def enlisted(self) -> list[Connection]:
        """The connections this level has taken."""
        return [held.connection for held in self._enlisted.values()]

    def enlist_parents_connections(self) -> None:
        """A savepoint is set at once on every connection that the level above has."""
        if self.parent is not None:
            for connection in self.parent.enlisted():
                self.connection_for(connection)

    def _move(self, trigger: TransactionTrigger, error: BaseException | None = None) -> None:
        before = self.state
        self.state = TRANSACTION_MOVES.step("This transaction", before, trigger)
        bus = self.session.bus
        if bus.observers:
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


def first_line(error: BaseException | None) -> str:
    """An error in one line, with its type."""
    if error is None:
        return ""
    text = str(error)
    return f"({type(error).__name__}) {text.splitlines()[0] if text else ''}"
