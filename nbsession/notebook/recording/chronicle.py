"""Everything that happened in one session, event by event, in words. Holds no object and no session.

The journal remembers moves and statements each for its own view; the chronicle keeps all kinds of facts in one order,
with the flush that each was part of, so that a timeline can tell which line of a cell led to which statement.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from itertools import islice
from typing import Literal

from nbsession.events import (
    AttributeChanged,
    Fact,
    FlushEnded,
    FlushStarted,
    Marked,
    StatementExecuted,
    StatesMoved,
    Subject,
    TransactionMoved,
)
from nbsession.notebook.recording.snapshots import Event

EVENTS_KEPT = 5_000
TOKENS_KEPT = 5
"""objects that an event remembers"""
SQL_SHOWN = 160
"""characters of a statement in a line of the timeline"""

Kind = Literal["move", "mark", "change", "sql", "flush", "transaction"]

MARKS = {
    "to delete": "marked for deletion",
    "not to delete": "no longer marked for deletion",
    "expired": "expired: will be read again when touched",
    "clean": "has no change to write any more",
    "displaced": "displaced: another object took its key",
}


class Chronicle:
    """The events of one session, the newest :data:`EVENTS_KEPT`.

    :param label_before: gives what an object was called before a move (see :class:`~nbsession.notebook.recording.journal.Journal`).
    :param label: gives what an object is called, from its token, class and key.
    """

    def __init__(
        self, label_before: Callable[[Subject, str], str], label: Callable[[int, str, str | None], str]
    ) -> None:
        self.events: deque[Event] = deque(maxlen=EVENTS_KEPT)
        self._label_before = label_before
        self._label = label
        self._flush = 0

    def last(self, limit: int) -> list[Event]:
        """The last events, oldest first."""
        return list(islice(self.events, max(0, len(self.events) - limit), None))

    def take(self, fact: Fact, cell: str | None, via: str) -> None:
        """Enters a fact.

        :param cell: the cell it came from.
        :param via: what a person did on the page, if it came from there.
        """
        if isinstance(fact, FlushEnded):
            self._flush = 0
        told = self._told(fact)
        if told is None:
            return
        kind, text, tokens, error = told
        self.events.append(
            {
                "event": fact.seq,
                "kind": kind,
                "text": text,
                "cause": via or fact.cause,
                "cell": cell,
                "within": 0 if kind == "flush" else self._flush,
                "tokens": tokens,
                "internal": isinstance(fact, StatementExecuted) and fact.internal,
                "error": error,
            }
        )
        if isinstance(fact, FlushStarted):
            self._flush = fact.seq

    def relabel(self, presumed: str | None, actual: str | None, since: int) -> None:
        """A cell turned out to have another number than presumed: corrects what was entered after event ``since``."""
        corrected: list[Event] = [
            {**event, "cell": actual} if event["event"] > since and event["cell"] == presumed else event
            for event in self.events
        ]
        self.events = deque(corrected, maxlen=EVENTS_KEPT)

    # ── in words ─────────────────────────────────────────────────────────────────────────────────────────────────────
    def _told(self, fact: Fact) -> tuple[Kind, str, list[int], str | None] | None:
        if isinstance(fact, StatesMoved):
            names = [self._label_before(subject, fact.before) for subject in fact.subjects[:1]]
            text = f"{_many(names, fact.cls, fact.count)} {fact.before} → {fact.after}"
            return "move", text, _tokens(fact.subjects), None
        if isinstance(fact, Marked):
            names = [self._name(subject) for subject in fact.subjects[:1]]
            return "mark", f"{_many(names, fact.cls, fact.count)} {MARKS[fact.mark]}", _tokens(fact.subjects), None
        if isinstance(fact, AttributeChanged):
            old = f"{fact.old} → " if fact.old is not None else "→ "
            return "change", f"{self._name(fact.subject)}.{fact.name} {old}{fact.new}", [fact.subject.token], None
        if isinstance(fact, StatementExecuted):
            return "sql", _statement(fact), [], fact.error
        if isinstance(fact, TransactionMoved):
            return "transaction", _transaction(fact), [], fact.error
        if isinstance(fact, FlushStarted):
            return "flush", f"flush: {_steps(fact.steps)}", [], None
        if isinstance(fact, FlushEnded) and fact.error:
            return "flush", "the flush failed", [], fact.error
        return None

    def _name(self, subject: Subject) -> str:
        return self._label(subject.token, subject.cls, subject.key)


def _many(names: list[str], cls: str, count: int) -> str:
    first = names[0] if names else cls
    return f"{first} and {count - 1:,} more" if count > 1 else first


def _tokens(subjects: tuple[Subject, ...]) -> list[int]:
    return [subject.token for subject in subjects[:TOKENS_KEPT]]


def _statement(fact: StatementExecuted) -> str:
    sql = " ".join(fact.sql[: 2 * SQL_SHOWN].split())
    sql = sql if len(sql) <= SQL_SHOWN else f"{sql[:SQL_SHOWN]}…"
    times = f" × {fact.executions:,}" if fact.executions > 1 else ""
    rows = "" if fact.rows is None or fact.error else f"  → {fact.rows:,} row{'' if fact.rows == 1 else 's'}"
    return f"{sql}{times}{rows}"


def _steps(steps: tuple[str, ...]) -> str:
    if not steps:
        return "nothing to send"
    return ", ".join(steps[:4]) + (f", … {len(steps) - 4:,} more" if len(steps) > 4 else "")


def _transaction(fact: TransactionMoved) -> str:
    level = f"savepoint {fact.name or fact.level}" if fact.level else ""
    words = {
        "begin": f"{level} set" if level else "BEGIN",
        "fail": f"{level or 'the transaction'} failed",
        "prepare": "prepared",
        "commit": f"{level} released" if level else "COMMIT",
        "rollback": f"rolled back to {level}" if level else "ROLLBACK",
        "close": f"{level} closed" if level else "transaction closed",
    }
    return words[fact.trigger]
