"""Drivers' errors as ours. Knows the names of the DB-API's classes, imports no driver."""

from __future__ import annotations

from typing import Any

from nbsession import exc

_CLASSES: dict[str, type[exc.DBAPIError]] = {
    cls.__name__: cls
    for cls in (
        exc.InterfaceError,
        exc.DataError,
        exc.IntegrityError,
        exc.InternalError,
        exc.NotSupportedError,
        exc.OperationalError,
        exc.ProgrammingError,
        exc.DatabaseError,
    )
}
"""our class for each name in a driver error's ancestry, looked up from the most special on"""

_NOT_DATABASE = (OverflowError, UnicodeEncodeError, UnicodeDecodeError)
"""what drivers let through when a value cannot be sent or read: a DataError in all but name"""


def wrapped(error: BaseException, statement: str | None = None, params: Any = None, advice: str = "") -> BaseException:
    """Our error for a driver's; raise it ``from`` the driver's.

    :param error: what the driver raised.
    :param statement: the SQL that was sent.
    :param params: its parameters.
    :param advice: what to do next, put behind the driver's words.
    :return: a :class:`~nbsession.exc.DBAPIError` with ``.orig``; errors of nbsession, and what is no error of a
        database at all (KeyboardInterrupt), come back as they are.
    """
    if isinstance(error, exc.NbsessionError) or not isinstance(error, Exception):
        return error
    cls = class_of(error)
    if cls is None:
        return error
    said = describe(error)
    if advice:
        said += f" {advice}" if said.endswith((".", "!", "?")) else f". {advice}"
    return cls(said, statement, params, error)


def class_of(error: BaseException) -> type[exc.DBAPIError] | None:
    """Our class for a driver's error, or None if it is not one."""
    if type(error).__name__ == "TransactionException" and "constraint violation" in str(error):
        return exc.IntegrityError  # DuckDB finds the clash of two transactions at COMMIT
    for ancestor in type(error).__mro__:
        known = _CLASSES.get(ancestor.__name__)
        if known is not None and ancestor.__module__.lstrip("_").partition(".")[0] != "nbsession":
            return known
        if ancestor.__name__ == "Error" and ancestor.__module__ in ("sqlite3", "duckdb", "_duckdb"):
            return exc.DatabaseError
    if isinstance(error, _NOT_DATABASE):
        return exc.DataError
    return None


def describe(error: BaseException) -> str:
    """A driver's error on one line, with its class: ``(sqlite3.IntegrityError) UNIQUE constraint failed: user.name``."""
    cls = type(error)
    text = " ".join(str(error).partition("\n\nLINE ")[0].split()) or "no message"
    return f"({cls.__module__.lstrip('_')}.{cls.__name__}) {text}"
