"""One quiet line under each cell: what moved, how many statements, what was committed. Knows a journal; asks nothing."""

from __future__ import annotations

from collections import Counter
from typing import Any
from weakref import WeakKeyDictionary

from nbsession.notebook.recording.journal import Journal
from nbsession.notebook.recording.recorder import recorder_of
from nbsession.notebook.views.plain import clip, counted

KINDS_SHOWN = 3


class Receipts:
    """Which sessions give a receipt, and how far each has been told."""

    def __init__(self) -> None:
        self._told: WeakKeyDictionary[Any, int] = WeakKeyDictionary()

    def turn(self, session: Any, on: bool) -> None:
        """Turns the receipts of a session on or off."""
        self._told.pop(session, None)
        if on:
            self._told[session] = recorder_of(session).journal.event

    def lines(self) -> list[str]:
        """The receipts of what happened since the last ones; of a session in which nothing did there is none."""
        lines = []
        for session in tuple(self._told):
            recorder = recorder_of(session)
            recorder.snapshot()
            line = receipt(recorder.journal, self._told[session])
            self._told[session] = recorder.journal.event
            if line:
                lines.append(line)
        return lines


def receipt(journal: Journal, since: int) -> str:
    """What happened after an event, on one line: ``2 pending → persistent · 3 statements · nothing committed``.

    :param since: the number of the event.
    """
    moves: Counter[str] = Counter()
    for move in journal.moves:
        if move["event"] > since:
            moves[f"{move['before']} → {move['after']}"] += move["count"]
    events = [event for event in journal.chronicle.events if event["event"] > since]
    statements = sum(1 for event in events if event["kind"] == "sql" and not event["internal"])
    changes = {token for event in events if event["kind"] == "change" for token in event["tokens"]}
    if not moves and not statements and not changes:
        return ""
    parts = [f"{count:,} {words}" for words, count in moves.most_common(KINDS_SHOWN)]
    parts += ["…"] if len(moves) > KINDS_SHOWN else []
    parts += [f"{counted(len(changes), 'object')} changed"] if changes and not moves and not statements else []
    parts.append(counted(statements, "statement") if statements else "no statement")
    ends = [event["text"] for event in events if event["kind"] == "transaction"]
    committed = "committed" if "COMMIT" in ends else "rolled back" if "ROLLBACK" in ends else "nothing committed"
    return clip(" · ".join([*parts, committed]))


receipts = Receipts()
"""those of this notebook"""
