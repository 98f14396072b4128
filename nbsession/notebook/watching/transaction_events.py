"""A session's transaction events as facts: BEGIN, savepoints, flushes, and how each ended. Begins and ends none.

A flush opens a level of its own inside the transaction, which is how its beginning and its failure are told.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any
from weakref import ReferenceType, ref

from sqlalchemy import event

from nbsession.events import FlushEnded, FlushStarted, TransactionMoved
from nbsession.notebook.recording.sources import Level
from nbsession.notebook.watching.causes import cause_now
from nbsession.notebook.watching.gathering import GatheringBus
from nbsession.notebook.watching.hearing import quietly
from nbsession.notebook.watching.statement_events import first_line

WORDS = {"new": "new", "dirty": "changed", "deleted": "to delete"}
"""the session's collection to what a flush does with it"""


class TransactionEvents:
    """The transaction stack of one session.

    :param session: the session; held weakly.
    :param bus: where the facts go.
    :ivar flushing: does a flush run now?
    :ivar flush_failed: is one being taken back now?
    """

    def __init__(self, session: Any, bus: GatheringBus) -> None:
        self._session = ref(session)
        self._bus = bus
        self._stack: list[tuple[ReferenceType[Any], str | None]] = []
        self._failed: set[int] = set()
        self._outcome = ""
        self._flushed = False
        self.flushing = False
        self.flush_failed = False
        for each in _chain(session):
            self._push(each)
            if not each.is_active:
                self._failed.add(len(self._stack) - 1)
        self._ears: dict[str, Callable[..., None]] = {
            "after_transaction_create": self._created,
            "after_transaction_end": self._ended,
            "after_commit": self._committed,
            "after_rollback": self._rolled_back,
            "after_soft_rollback": self._given_up,
            "after_flush_postexec": self._flush_done,
        }
        for name, ear in self._ears.items():
            event.listen(session, name, ear)

    def close(self) -> None:
        """Hears nothing more."""
        session = self._session()
        for name, ear in self._ears.items() if session is not None else ():
            event.remove(session, name, ear)

    def levels(self) -> list[Level]:
        """The transaction and its savepoints, outermost first."""
        return [
            Level(
                name, "failed" if level in self._failed else "active", "(error) a flush failed before this was watched"
            )
            for level, (_, name) in enumerate(self._stack)
        ]

    def savepoints(self) -> list[tuple[str, Any]]:
        """Names and handles of the open savepoints, outermost first."""
        return [(name, handle) for reference, name in self._stack if name and (handle := reference()) is not None]

    # ── levels ───────────────────────────────────────────────────────────────────────────────────────────────────────
    def _push(self, transaction: Any) -> str | None:
        taken = {name for _, name in self._stack}
        free = (f"sp{number}" for number in range(1, len(taken) + 2))
        name = next(each for each in free if each not in taken) if transaction.nested else None
        self._stack.append((ref(transaction), name))
        return name

    def _level(self, transaction: Any) -> int | None:
        return next((level for level, (known, _) in enumerate(self._stack) if known() is transaction), None)

    @quietly
    def _created(self, session: Any, transaction: Any) -> None:
        if _of_a_flush(transaction):
            self.flushing, self._flushed = True, False
            sizes = [(len(getattr(session, name)), word) for name, word in WORDS.items()]
            steps = tuple(f"{count:,} {word}" for count, word in sizes if count)
            self._bus.publish(FlushStarted(cause=cause_now(), steps=steps))
            return
        name = self._push(transaction)
        self._publish(len(self._stack) - 1, name, "idle", "begin", "active")

    @quietly
    def _ended(self, _session: Any, transaction: Any) -> None:
        if _of_a_flush(transaction):
            if self._flushed:
                self.flushing = False
                self._bus.publish(FlushEnded(cause=cause_now(), error=None))
            return
        level = self._level(transaction)
        if level is None:
            return
        cause, name = cause_now(), self._stack[level][1]
        before = "failed" if level in self._failed else "active"
        trigger = self._outcome or ("rollback" if "rollback" in cause else "close")
        self._outcome = ""
        del self._stack[level:]
        self._failed = {each for each in self._failed if each < level}
        self._publish(level, name, before, trigger, "closed")

    @quietly
    def _committed(self, _session: Any) -> None:
        self._outcome = "commit"

    @quietly
    def _rolled_back(self, _session: Any) -> None:
        if self.flushing and not self._flushed:
            self.flush_failed = True  # what follows takes its objects back
        else:
            self._outcome = "rollback"

    @quietly
    def _given_up(self, _session: Any, transaction: Any) -> None:
        """A level was rolled back; if it was a flush's own, the flush failed, and with it the level around it."""
        if not _of_a_flush(transaction):
            return
        error = sys.exc_info()[1]
        said = first_line(error) if error is not None else "(error) the flush failed"
        self.flush_failed = self.flushing = False
        self._bus.publish(FlushEnded(cause=cause_now(), error=said))
        level = self._level(transaction.parent)
        if level is not None:
            self._failed.update(range(level, len(self._stack)))
            self._publish(level, self._stack[level][1], "active", "fail", "failed", said)

    @quietly
    def _flush_done(self, _session: Any, _context: Any) -> None:
        self._flushed = True

    def _publish(
        self, level: int, name: str | None, before: str, trigger: str, after: str, error: str | None = None
    ) -> None:
        self._bus.publish(
            TransactionMoved(
                cause=cause_now(), level=level, name=name, before=before, trigger=trigger, after=after, error=error
            )
        )


def _of_a_flush(transaction: Any) -> bool:
    return transaction.parent is not None and not transaction.nested


def _chain(session: Any) -> list[Any]:
    """The transaction and its savepoints, outermost first."""
    level, chain = session.get_nested_transaction() or session.get_transaction(), []
    while level is not None:
        if not _of_a_flush(level):
            chain.append(level)
        level = level.parent
    return chain[::-1]
