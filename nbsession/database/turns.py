"""One thread at a time on a link: whoever reads, or ends something, waits for the other; whoever writes is refused."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

from nbsession.exc import InvalidRequestError

if TYPE_CHECKING:
    from nbsession.database.link import Link

ALONE = (
    "execute_many",
    "insert_rows",
    "update_rows",
    "delete_rows",
    "draw_keys",
    "control",
    "savepoint",
)
"""methods that are refused while another thread is inside"""
WAITING = ("commit", "rollback", "rollback_to", "release")
"""methods that wait until it is out"""
WAIT = 0.05
"""seconds that a writer gives a reader who is nearly done"""


class InUse(InvalidRequestError):
    """Another thread is inside; nothing was sent."""


def alone(method: Callable[..., Any]) -> Callable[..., Any]:
    """A method of a link that is refused while another thread is inside the link."""

    @wraps(method)
    def entered(self: Link, *args: Any, **options: Any) -> Any:
        turn = self.turn
        if not turn.acquire(False) and not turn.acquire(timeout=WAIT):
            raise InUse(
                "This Connection is in use by another thread, which is in the middle of a statement. A connection, and a "
                "session that writes, is for one thread at a time: give each thread its own (engine.connect(), scoped_session())."
            )
        try:
            return method(self, *args, **options)
        finally:
            turn.release()

    return entered


def waiting(method: Callable[..., Any]) -> Callable[..., Any]:
    """A method of a link that waits until no other thread is inside the link."""

    @wraps(method)
    def entered(self: Link, *args: Any) -> Any:
        with self.turn:
            return method(self, *args)

    return entered


def in_turn(method: Callable[..., Any]) -> Callable[..., Any]:
    """``execute()`` of a link: refused like the others if it writes; a reader waits."""
    refused = alone(method)

    @wraps(method)
    def entered(self: Link, sql: str, params: Any, writing: bool, trusted: bool = False) -> Any:
        if writing:
            return refused(self, sql, params, writing, trusted)
        with self.turn:
            return method(self, sql, params, writing, trusted)

    return entered
