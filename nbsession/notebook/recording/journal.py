"""What happened in one session, as plain data: moves, statements, transaction frames. Holds no object and no session.

Facts go in, in order; the parts of a snapshot that need no look at live objects come out. Bounded: the newest stay.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, NamedTuple

from nbsession.events import (
    AttributeChanged,
    Fact,
    FlushEnded,
    Marked,
    StatementExecuted,
    StatesMoved,
    Subject,
    TransactionMoved,
)
from nbsession.notebook.recording.chronicle import Chronicle
from nbsession.notebook.recording.frames import Frames, writes
from nbsession.notebook.recording.labels import Labels
from nbsession.notebook.recording.repeats import Repeats
from nbsession.notebook.recording.snapshots import CardMove, LogEntry, Move, Named

STATEMENTS_KEPT = 2_000
MOVES_KEPT = 5_000
MARKS_KEPT = 500
OBJECTS_KEPT = 5_000
"""objects whose last move is remembered"""
NAMED = 3
"""objects of one move that are called by name"""
ALIKE = 50
"""moves in a row that are alike and more than this are remembered as one"""
OUTSIDE = frozenset({"transient", "deleted", "detached"})
"""states of objects that the session itself does not list"""


class Mark(NamedTuple):
    """Objects of one class that were marked without moving."""

    event: int
    label: str
    """the first of them"""
    mark: str
    objects: int


class Journal:
    """The memory of one session.

    :ivar event: the number of the last fact.
    :ivar outside: tokens of objects known to be transient, deleted or detached, with that state.
    :ivar deleted: how many objects are in state deleted.
    :ivar unnamed_outside: did more objects leave the session than a fact names?
    :ivar frames: the transaction stack.
    :ivar chronicle: every event, for the timeline.
    :ivar repeats: loads of the same attribute of one object after the other.
    :ivar behind: objects whose row was changed by SQL of a person's own: in which cell, and attribute to the row's value
        (None: the row is gone).
    :ivar lines: number of a fact to the line of code that led to it, for those that are not entered yet.
    """

    def __init__(self, labels: Labels) -> None:
        self.labels = labels
        self.event = 0
        self.outside: dict[int, str] = {}
        self.deleted = 0
        self.unnamed_outside = False
        self.frames = Frames()
        self.chronicle = Chronicle(self.label_before, labels.of)
        self.statements: deque[LogEntry] = deque(maxlen=STATEMENTS_KEPT)
        self.statement_count = 0
        self.moves: deque[Move] = deque(maxlen=MOVES_KEPT)
        self.marks: deque[Mark] = deque(maxlen=MARKS_KEPT)
        self.repeats = Repeats()
        self.lines: dict[int, str] = {}
        self.behind: dict[int, tuple[str | None, dict[str, object] | None]] = {}
        self._last: dict[int, CardMove] = {}
        self._keys: dict[int, str] = {}
        self._failed: set[int] = set()

    # ── what is asked ────────────────────────────────────────────────────────────────────────────────────────────────
    def last_move(self, token: int) -> CardMove | None:
        """The last move of an object, if it is remembered."""
        return self._last.get(token)

    def failed(self, token: int) -> bool:
        """Was the object thrown back by a flush that failed, and not moved since?"""
        return token in self._failed

    def newest(self) -> Iterable[int]:
        """Tokens of the objects that moved, the last first."""
        return reversed(self._last)

    def written_since(self, statement: int) -> tuple[int, int]:
        """How many statements were sent after one, and how many rows they wrote.

        :param statement: its number in the log.
        """
        sent = [entry for entry in self.statements if entry["n"] > statement and not entry["internal"]]
        return len(sent), sum(entry["rows"] or 0 for entry in sent if writes(entry["sql"]))

    def log(self, limit: int) -> list[LogEntry]:
        """The last statements, oldest first."""
        return list(islice(self.statements, max(0, len(self.statements) - limit), None))

    def last_moves(self, limit: int) -> list[Move]:
        """The last moves, oldest first."""
        return list(islice(self.moves, max(0, len(self.moves) - limit), None))

    # ── what is told ─────────────────────────────────────────────────────────────────────────────────────────────────
    def take(self, facts: Sequence[Fact], cell: str | None = None, via: str = "") -> None:
        """Enters facts, in their order.

        :param cell: the cell they came from.
        :param via: what a person did, if they came from the dashboard: ``button: session.flush()``.
        """
        for each in runs(facts):
            fact = sendable(each)
            self.chronicle.take(fact, cell, via)
            if isinstance(fact, StatesMoved):
                self._moved(fact, cell, via)
            elif isinstance(fact, StatementExecuted):
                self._sent(fact, cell, via)
            elif isinstance(fact, TransactionMoved):
                self._transaction_moved(fact, cell)
            elif isinstance(fact, Marked):
                self._marked(fact)
        if facts:
            self.event = max(self.event, facts[-1].seq)

    def relabel(self, presumed: str | None, actual: str | None, since: int) -> None:
        """A cell turned out to have another number than presumed: corrects what was entered after event ``since``."""

        def corrected(entry: Any) -> Any:  # a copy: snapshots share the entries
            return {**entry, "cell": actual} if entry["event"] > since and entry["cell"] == presumed else entry

        self.statements = deque(map(corrected, self.statements), maxlen=STATEMENTS_KEPT)
        self.moves = deque(map(corrected, self.moves), maxlen=MOVES_KEPT)
        self._last = {token: corrected(move) for token, move in self._last.items()}
        self.frames.relabel(presumed, actual)
        self.chronicle.relabel(presumed, actual, since)
        self.repeats.relabel(presumed, actual, since)

    def _transaction_moved(self, fact: TransactionMoved, cell: str | None) -> None:
        self.frames.move(fact, cell)
        if not self.frames.open:
            self.deleted = 0
        if self.frames.error is None:
            self._failed.clear()

    def _moved(self, fact: StatesMoved, cell: str | None, via: str) -> None:
        last: CardMove = {
            "before": fact.before,
            "after": fact.after,
            "trigger": fact.trigger,
            "cause": via or fact.cause,
            "cell": cell,
            "event": fact.seq,
        }
        named: list[Named] = [
            {"token": subject.token, "label": self.label_before(subject, fact.before)}
            for subject in fact.subjects[:NAMED]
        ]
        thrown_back = fact.cause == "failed flush"
        for subject in fact.subjects:
            self._last.pop(subject.token, None)
            self._last[subject.token] = last
            (self._failed.add if thrown_back else self._failed.discard)(subject.token)
            if fact.after in OUTSIDE:
                self.outside[subject.token] = fact.after
            else:
                self.outside.pop(subject.token, None)
            if subject.key is not None:
                self._keys[subject.token] = subject.key
        while len(self._last) > OBJECTS_KEPT:
            oldest = next(iter(self._last))
            del self._last[oldest]
            self._keys.pop(oldest, None)
        self._count_deleted(fact)
        if named:
            first, *others = named
            self.moves.append({**first, "others": others, "count": fact.count, **last})

    def label_before(self, subject: Subject, before: str) -> str:
        """What an object was called before it moved: ``Member+1`` although its key is known by now, or ``Member#1``
        although a rollback has taken it away.
        """
        if before in ("transient", "pending"):
            keyless = self.labels.known(subject.token)
            return self.labels.of(subject.token, subject.cls, None if keyless else subject.key)
        key = subject.key if subject.key is not None else self._keys.get(subject.token)
        return self.labels.of(subject.token, subject.cls, key)

    def _count_deleted(self, fact: StatesMoved) -> None:
        if fact.after == "deleted":
            self.deleted += fact.count
        elif fact.before == "deleted":
            self.deleted = max(0, self.deleted - fact.count)
        if fact.after in OUTSIDE and fact.count > len(fact.subjects):
            self.unnamed_outside = True

    def _sent(self, fact: StatementExecuted, cell: str | None, via: str) -> None:
        self.statement_count += 1
        self.statements.append(
            {
                "n": self.statement_count,
                "sql": fact.sql,
                "params": list(fact.params),
                "executions": fact.executions,
                "rows": fact.rows,
                "cause": via or fact.cause,
                "cell": cell,
                "event": fact.seq,
                "internal": fact.internal,
                "error": fact.error,
            }
        )
        self.frames.sent(fact)
        self.repeats.take(fact, self.statement_count, cell, self.lines.pop(fact.seq, ""))

    def _marked(self, fact: Marked) -> None:
        for subject in fact.subjects:  # marked now, so newest; but its last move stays what it was
            last = self._last.pop(subject.token, None)
            if last is not None:
                self._last[subject.token] = last
        if fact.subjects:
            first = fact.subjects[0]
            label = self.labels.of(first.token, first.cls, first.key)
            self.marks.append(Mark(fact.seq, label, fact.mark, fact.count))


def sendable(fact: Fact) -> Fact:
    """The fact with ``?`` for halves of characters in its texts (a bad SQL text has them), which no page can be sent.

    >>> sendable(FlushEnded(error="no \\ud800")).error
    'no ?'
    """
    told: dict[str, Any] = {}
    for name in TEXTS.get(type(fact), ()):
        text = getattr(fact, name)
        if text and not text.isascii() and (clean := text.encode("utf-8", "replace").decode("utf-8")) != text:
            told[name] = clean
    return replace(fact, **told) if told else fact


TEXTS: dict[type[Fact], tuple[str, ...]] = {
    StatementExecuted: ("sql", "error"),
    TransactionMoved: ("name", "error"),
    AttributeChanged: ("old", "new"),
    FlushEnded: ("error",),
}
"""the texts of a fact that others wrote"""


def runs(facts: Sequence[Fact]) -> Iterator[Fact]:
    """The facts, with long runs of moves that are alike made one move each: a loop that adds thousands makes thousands."""
    position = 0
    while position < len(facts):
        fact = facts[position]
        end = position + 1
        if isinstance(fact, StatesMoved):
            while end < len(facts) and _alike(fact, facts[end]):
                end += 1
        if end - position > ALIKE:
            yield _merged([each for each in facts[position:end] if isinstance(each, StatesMoved)])
        else:
            yield from facts[position:end]
        position = end


def _alike(one: StatesMoved, other: Fact) -> bool:
    return (
        type(other) is StatesMoved
        and other.cls == one.cls
        and other.after == one.after
        and other.trigger == one.trigger
        and other.cause == one.cause
    )


def _merged(facts: Sequence[StatesMoved]) -> StatesMoved:
    """Moves that are alike as one: the first object names it, all are in it."""
    subjects = tuple(subject for fact in facts for subject in fact.subjects)
    return replace(facts[-1], subjects=subjects, count=sum(fact.count for fact in facts))
