"""Every error nbsession raises, as one tree. Names and inheritance follow SQLAlchemy 2.1.

::

    NbsessionError (= SQLAlchemyError)
    ├── ArgumentError
    │   ├── AmbiguousForeignKeysError
    │   └── NoForeignKeysError
    ├── CircularDependencyError
    ├── CompileError                      a statement that cannot be rendered
    ├── DetachedInstanceError
    ├── FlushError
    ├── StaleDataError
    ├── InvalidRequestError
    │   ├── IllegalTransition             (ours) a move that the tables in states.py do not hold
    │   ├── NoInspectionAvailable
    │   ├── NoReferencedTableError
    │   ├── NoResultFound, MultipleResultsFound
    │   ├── NoSuchTableError
    │   ├── ObjectDeletedError
    │   ├── PendingRollbackError
    │   ├── ResourceClosedError
    │   ├── SavepointError                (ours) a savepoint that is unknown, lost or cannot be rebuilt
    │   │   ├── SerializationError        (ours) another connection committed meanwhile
    │   │   └── ReplayDivergence          (ours) a replayed statement did something else than the first time
    │   ├── UnboundExecutionError
    │   └── UnmappedError
    │       ├── UnmappedClassError
    │       └── UnmappedInstanceError
    └── StatementError                    has .statement, .params, .orig
        └── DBAPIError
            ├── InterfaceError
            └── DatabaseError
                ├── DataError, IntegrityError, InternalError
                └── NotSupportedError, OperationalError, ProgrammingError

A driver's error is wrapped once: the driver's own is ``.orig``, with ``.statement`` and ``.params`` beside it.
A message says which object, in what state, what was attempted, and what to do next.
"""

from __future__ import annotations

import sys
import warnings
from typing import Any


class NbsessionError(Exception):
    """The root of every error nbsession raises."""


SQLAlchemyError = NbsessionError
"""The root under its other name, so that import lines written for SQLAlchemy carry over."""


class NbsessionWarning(RuntimeWarning):
    """The root of every warning nbsession gives."""


SAWarning = NbsessionWarning
"""the same, by SQLAlchemy's name"""


def warn(message: str) -> None:
    """Warns at the line outside of this package that led here: a person's own, mostly.

    :param message: what is wrong, and what to do.
    """
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("nbsession."):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, NbsessionWarning, stacklevel=level)


class ArgumentError(NbsessionError):
    """An argument, or a combination of arguments, that makes no sense."""


class NoForeignKeysError(ArgumentError):
    """Two tables are to be joined, and no foreign key connects them."""


class AmbiguousForeignKeysError(ArgumentError):
    """Two tables are to be joined, and several foreign keys connect them."""


class CircularDependencyError(NbsessionError):
    """Rows depend on each other in a circle that no order of statements satisfies."""


class CompileError(NbsessionError):
    """A statement that cannot be rendered as SQL."""


class DetachedInstanceError(NbsessionError):
    """A value must be loaded, and the object belongs to no session."""


class FlushError(NbsessionError):
    """The objects are in no shape to be flushed."""


class StaleDataError(NbsessionError):
    """A statement met another number of rows than there are objects: somebody changed them."""


class InvalidRequestError(NbsessionError):
    """The request does not fit the state that things are in."""


class IllegalTransition(InvalidRequestError):
    """A move that the tables in :mod:`nbsession.states` do not hold."""


class NoInspectionAvailable(InvalidRequestError):
    """inspect() was given something that is not mapped."""


class NoReferencedTableError(InvalidRequestError):
    """A foreign key names a table that the metadata does not hold."""


class NoReferencedColumnError(InvalidRequestError):
    """A foreign key names a column that the table does not have."""


class NoResultFound(InvalidRequestError):
    """One row was asked for, and there is none."""


class MultipleResultsFound(InvalidRequestError):
    """One row was asked for, and there are several."""


class NoSuchTableError(InvalidRequestError):
    """The database has no table of this name."""


class ObjectDeletedError(InvalidRequestError):
    """The row of an object is gone."""


class PendingRollbackError(InvalidRequestError):
    """The transaction failed and waits for a rollback."""


class ResourceClosedError(InvalidRequestError):
    """A connection, result or transaction that has ended was used."""


class SavepointError(InvalidRequestError):
    """A savepoint that is unknown, lost, or cannot be rebuilt."""


class SerializationError(SavepointError):
    """Another connection committed, or holds a row: the transaction cannot be rebuilt as it was."""


class ReplayDivergence(SavepointError):
    """A replayed statement did something else than the first time."""


class UnboundExecutionError(InvalidRequestError):
    """No engine or connection is known for what is to be executed."""


class UnmappedError(InvalidRequestError):
    """Something that should be mapped is not."""


class UnmappedClassError(UnmappedError):
    """A mapped class was expected."""

    def __init__(self, cls: object, message: str | None = None) -> None:
        name = f"{cls.__module__}.{cls.__name__}" if isinstance(cls, type) else repr(cls)
        super().__init__(
            message or f"Class '{name}' is not mapped. Map it (subclass a DeclarativeBase) before using it here."
        )


class UnmappedInstanceError(UnmappedError):
    """An instance of a mapped class was expected."""

    def __init__(self, obj: object, message: str | None = None) -> None:
        if message is None:
            if isinstance(obj, type):
                message = (
                    f"Class '{type(obj).__module__}.{type(obj).__qualname__}' is not mapped; was a class "
                    f"({obj.__module__}.{obj.__name__}) supplied where an instance was required? Call it to make one."
                )
            else:
                message = (
                    f"Class '{type(obj).__module__}.{type(obj).__name__}' is not mapped: "
                    "only instances of mapped classes can be in a session."
                )
        super().__init__(message)


class StatementError(NbsessionError):
    """A statement could not be prepared or executed.

    :ivar statement: the SQL text, or None.
    :ivar params: its parameters, or None.
    :ivar orig: the error underneath, or None.
    """

    def __init__(
        self, message: str, statement: str | None = None, params: Any = None, orig: BaseException | None = None
    ) -> None:
        super().__init__(message)
        self.statement = statement
        self.params = params
        self.orig = orig

    def __str__(self) -> str:
        text = str(self.args[0])
        if self.statement:
            text += f"\n[SQL: {self.statement}]"
            if self.params:
                text += f"\n[parameters: {_shortened(self.params)}]"
        return text


def _shortened(params: Any, limit: int = 300) -> str:
    text = repr(params)
    return text if len(text) <= limit else f"{text[:limit]} … ({len(text)} characters)"


class DBAPIError(StatementError):
    """The driver raised."""


class InterfaceError(DBAPIError):
    """The driver was misused."""


class DatabaseError(DBAPIError):
    """The database refused."""


class DataError(DatabaseError):
    """A value that the column cannot hold."""


class IntegrityError(DatabaseError):
    """A constraint was violated."""


class InternalError(DatabaseError):
    """The database met an error of its own."""


class NotSupportedError(DatabaseError):
    """The database cannot do this."""


class OperationalError(DatabaseError):
    """The database could not be reached or could not carry on."""


class ProgrammingError(DatabaseError):
    """The SQL is wrong."""
