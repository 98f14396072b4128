"""The state machines of a session as two tables: every legal move, and no other.

An object's state, read left to right as a life::

    transient --add--> pending --insert--> persistent --row deleted--> deleted --commit--> detached

Only the unit of work moves an object, and it asks :data:`OBJECT_MOVES` first. The diagram in ARCHITECTURE.md, the board's
lanes and the state tests are drawn from these tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Generic, TypeVar

from nbsession.exc import IllegalTransition


class ObjectState(str, Enum):
    """Where an object stands towards its session and its row."""

    TRANSIENT = "transient"
    """in no session, no row"""
    PENDING = "pending"
    """in a session, will be inserted"""
    PERSISTENT = "persistent"
    """in a session, has a row"""
    DELETED = "deleted"
    """its DELETE was sent, not yet committed"""
    DETACHED = "detached"
    """has (or had) a row, in no session"""

    @property
    def letter(self) -> str:
        """The letter the views use: T P S X D."""
        return _LETTERS[self]


_LETTERS = {
    ObjectState.TRANSIENT: "T",
    ObjectState.PENDING: "P",
    ObjectState.PERSISTENT: "S",
    ObjectState.DELETED: "X",
    ObjectState.DETACHED: "D",
}


IN_SESSION = (ObjectState.PENDING, ObjectState.PERSISTENT, ObjectState.DELETED)
"""the states of objects that are in a session"""


class Trigger(str, Enum):
    """What moves an object."""

    ADD = "add"
    """it enters a session: add(), a cascade, delete() of a detached object"""
    LOAD = "load"
    """a row was read and became this object"""
    INSERT = "insert"
    """a flush sent its INSERT"""
    DELETE = "delete"
    """a flush sent its DELETE, or its row was found gone"""
    COMMIT = "commit"
    """the transaction that deleted it was committed"""
    EXPUNGE = "expunge"
    """it leaves the session: expunge(), expunge_all(), close(); or a rollback undoes its INSERT after its key was changed"""
    UNDO_ADD = "undo add"
    """a rollback undoes its add"""
    UNDO_INSERT = "undo insert"
    """a rollback undoes its INSERT"""
    UNDO_DELETE = "undo delete"
    """a rollback undoes its DELETE"""
    MAKE_TRANSIENT = "make transient"
    """make_transient()"""
    MAKE_DETACHED = "make detached"
    """make_transient_to_detached()"""
    SESSION_GONE = "session gone"
    """its session was garbage-collected"""


class SessionTransactionOrigin(Enum):
    """What a level of a session's transaction was begun by."""

    AUTOBEGIN = 0
    """the first use of the session"""
    BEGIN = 1
    """``begin()``, or ``begin_nested()`` where none was begun"""
    BEGIN_NESTED = 2
    """a savepoint"""
    SUBTRANSACTION = 3
    """a bracket: a flush's, or one of ``begin(subtransactions=True)``"""


class TransactionState(str, Enum):
    """Where a transaction, or a savepoint, stands."""

    IDLE = "idle"
    """not begun"""
    ACTIVE = "active"
    """begun"""
    FAILED = "failed"
    """a flush failed: only a rollback helps"""
    PREPARED = "prepared"
    """first phase of a two-phase commit done"""
    CLOSED = "closed"
    """committed, rolled back or closed"""


class TransactionTrigger(str, Enum):
    """What moves a transaction, or a savepoint."""

    BEGIN = "begin"
    FAIL = "fail"
    PREPARE = "prepare"
    COMMIT = "commit"
    ROLLBACK = "rollback"
    CLOSE = "close"


S = TypeVar("S", bound=Enum)
T = TypeVar("T", bound=Enum)


class MoveTable(Generic[S, T]):
    """Legal moves: (state, trigger) to state.

    :param moves: the table.

    >>> OBJECT_MOVES.step("<Member>", ObjectState.TRANSIENT, Trigger.ADD).value
    'pending'
    """

    def __init__(self, moves: Mapping[tuple[S, T], S]) -> None:
        self.moves: Mapping[tuple[S, T], S] = MappingProxyType(dict(moves))

    def step(self, subject: str, state: S, trigger: T) -> S:
        """The state after a move.

        :param subject: what moves, for the message.
        :param state: the state it is in.
        :param trigger: what happens to it.
        :raises IllegalTransition: the table holds no such move.
        """
        try:
            return self.moves[state, trigger]
        except KeyError:
            legal = ", ".join(t.value for s, t in self.moves if s is state) or "nothing"
            raise IllegalTransition(
                f"{subject} is {state.value}: '{trigger.value}' is not a move from there. Legal from {state.value}: {legal}."
            ) from None


_O, _T = ObjectState, Trigger
OBJECT_MOVES: MoveTable[ObjectState, Trigger] = MoveTable({
    (_O.TRANSIENT,  _T.ADD):            _O.PENDING,
    (_O.TRANSIENT,  _T.LOAD):           _O.PERSISTENT,
    (_O.TRANSIENT,  _T.MAKE_DETACHED):  _O.DETACHED,

    (_O.PENDING,    _T.INSERT):         _O.PERSISTENT,
    (_O.PENDING,    _T.EXPUNGE):        _O.TRANSIENT,
    (_O.PENDING,    _T.UNDO_ADD):       _O.TRANSIENT,
    (_O.PENDING,    _T.MAKE_TRANSIENT): _O.TRANSIENT,
    (_O.PENDING,    _T.SESSION_GONE):   _O.TRANSIENT,

    (_O.PERSISTENT, _T.DELETE):         _O.DELETED,
    (_O.PERSISTENT, _T.EXPUNGE):        _O.DETACHED,
    (_O.PERSISTENT, _T.UNDO_INSERT):    _O.TRANSIENT,
    (_O.PERSISTENT, _T.MAKE_TRANSIENT): _O.TRANSIENT,
    (_O.PERSISTENT, _T.SESSION_GONE):   _O.DETACHED,

    (_O.DELETED,    _T.COMMIT):         _O.DETACHED,
    (_O.DELETED,    _T.EXPUNGE):        _O.DETACHED,
    (_O.DELETED,    _T.UNDO_DELETE):    _O.PERSISTENT,
    (_O.DELETED,    _T.UNDO_INSERT):    _O.TRANSIENT,
    (_O.DELETED,    _T.MAKE_TRANSIENT): _O.TRANSIENT,
    (_O.DELETED,    _T.SESSION_GONE):   _O.DETACHED,

    (_O.DETACHED,   _T.ADD):            _O.PERSISTENT,
    (_O.DETACHED,   _T.UNDO_INSERT):    _O.TRANSIENT,
    (_O.DETACHED,   _T.MAKE_TRANSIENT): _O.TRANSIENT,
})  # fmt: skip
"""Every legal move of an object."""

_X, _Y = TransactionState, TransactionTrigger
TRANSACTION_MOVES: MoveTable[TransactionState, TransactionTrigger] = MoveTable({
    (_X.IDLE,     _Y.BEGIN):    _X.ACTIVE,

    (_X.ACTIVE,   _Y.FAIL):     _X.FAILED,
    (_X.ACTIVE,   _Y.PREPARE):  _X.PREPARED,
    (_X.ACTIVE,   _Y.COMMIT):   _X.CLOSED,
    (_X.ACTIVE,   _Y.ROLLBACK): _X.CLOSED,
    (_X.ACTIVE,   _Y.CLOSE):    _X.CLOSED,

    (_X.FAILED,   _Y.ROLLBACK): _X.CLOSED,
    (_X.FAILED,   _Y.CLOSE):    _X.CLOSED,

    (_X.PREPARED, _Y.COMMIT):   _X.CLOSED,
    (_X.PREPARED, _Y.ROLLBACK): _X.CLOSED,
    (_X.PREPARED, _Y.CLOSE):    _X.CLOSED,
})  # fmt: skip
"""Every legal move of a transaction or savepoint."""
