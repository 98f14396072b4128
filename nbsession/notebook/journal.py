"""What happened in one session, as plain data: moves, statements, transaction frames. Holds no object and no session.

Facts go in, in order; the parts of a snapshot that need no look at live objects come out. Bounded: the newest stay.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any, NamedTuple

from nbsession.events import Fact, Marked, StatementExecuted, StatesMoved, Subject, TransactionMoved
from nbsession.notebook.frames import Frames, writes
from nbsession.notebook.labels import Labels
from nbsession.notebook.snapshots import CardMove, LogEntry, Move, Named

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


class Heard(NamedTuple):
    """A fact with the circumstances under which it came."""

    fact: Fact
    cell: str | None
    via: str
    """what a person did, if it came from the dashboard: ``button: session.flush()``"""


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
    """

    def __init__(self, labels: Labels) -> None:
        self.labels = labels
        self.event = 0
        self.outside: dict[int, str] = {}
        self.deleted = 0
        self.unnamed_outside = False
        self.frames = Frames()
        self.statements: deque[LogEntry] = deque(maxlen=STATEMENTS_KEPT)
        self.statement_count = 0
        self.moves: deque[Move] = deque(maxlen=MOVES_KEPT)
        self.marks: deque[Mark] = deque(maxlen=MARKS_KEPT)
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
    def take(self, batch: Sequence[Heard]) -> None:
        """Enters facts, in their order."""
        position = 0
        while position < len(batch):
            end = _end_of_run(batch, position)
            if end - position > ALIKE:
                self._moved(_merged(batch[position:end]))
            else:
                for heard in batch[position:end]:
                    self._enter(heard)
            position = end

    def relabel(self, presumed: str | None, actual: str | None, since: int) -> None:
        """A cell turned out to have another number than presumed: corrects what was entered after event ``since``."""

        def corrected(entry: Any) -> Any:  # a copy: snapshots share the entries
            return {**entry, "cell": actual} if entry["event"] > since and entry["cell"] == presumed else entry

        self.statements = deque(map(corrected, self.statements), maxlen=STATEMENTS_KEPT)
        self.moves = deque(map(corrected, self.moves), maxlen=MOVES_KEPT)
        self._last = {token: corrected(move) for token, move in self._last.items()}
        self.frames.relabel(presumed, actual)

    def _enter(self, heard: Heard) -> None:
        fact = heard.fact
        self.event = max(self.event, fact.seq)
        if isinstance(fact, StatesMoved):
            self._moved(heard)
        elif isinstance(fact, StatementExecuted):
            self._sent(heard, fact)
        elif isinstance(fact, TransactionMoved):
            self.frames.move(fact, heard.cell)
            if not self.frames.open:
                self.deleted = 0
            if self.frames.error is None:
                self._failed.clear()
        elif isinstance(fact, Marked):
            self._marked(fact)

    def _moved(self, heard: Heard) -> None:
        fact = heard.fact
        assert isinstance(fact, StatesMoved)
        self.event = max(self.event, fact.seq)
        cause = heard.via or fact.cause
        last: CardMove = {
            "before": fact.before,
            "after": fact.after,
            "trigger": fact.trigger,
            "cause": cause,
            "cell": heard.cell,
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

    def _sent(self, heard: Heard, fact: StatementExecuted) -> None:
        self.statement_count += 1
        self.statements.append(
            {
                "n": self.statement_count,
                "sql": fact.sql,
                "params": list(fact.params),
                "executions": fact.executions,
                "rows": fact.rows,
                "cause": heard.via or fact.cause,
                "cell": heard.cell,
                "event": fact.seq,
                "internal": fact.internal,
                "error": fact.error,
            }
        )
        self.frames.sent(fact)

    def _marked(self, fact: Marked) -> None:
        for subject in fact.subjects:  # marked now, so newest; but its last move stays what it was
            last = self._last.pop(subject.token, None)
            if last is not None:
                self._last[subject.token] = last
        if fact.subjects:
            first = fact.subjects[0]
            label = self.labels.of(first.token, first.cls, first.key)
            self.marks.append(Mark(fact.seq, label, fact.mark, fact.count))


def _end_of_run(batch: Sequence[Heard], start: int) -> int:
    first = batch[start].fact
    if not isinstance(first, StatesMoved):
        return start + 1
    end = start + 1
    while end < len(batch):
        fact = batch[end].fact
        if not isinstance(fact, StatesMoved) or batch[end][1:] != batch[start][1:]:
            break
        if (fact.cls, fact.before, fact.after, fact.cause) != (first.cls, first.before, first.after, first.cause):
            break
        end += 1
    return end


def _merged(run: Sequence[Heard]) -> Heard:
    """Moves that are alike as one: the first object names it, all are in it."""
    facts = [heard.fact for heard in run if isinstance(heard.fact, StatesMoved)]
    last = facts[-1]
    merged = StatesMoved(
        seq=last.seq,
        cause=last.cause,
        cls=last.cls,
        subjects=tuple(subject for fact in facts for subject in fact.subjects),
        count=sum(fact.count for fact in facts),
        before=last.before,
        trigger=last.trigger,
        after=last.after,
    )
    return Heard(merged, run[-1].cell, run[-1].via)
