"""What a verb answers: which objects moved, in words. Knows a journal; knows no session."""

from __future__ import annotations

from collections.abc import Iterable

from nbsession.events import tokens
from nbsession.notebook.recording.journal import Journal
from nbsession.notebook.recording.snapshots import Move, Named
from nbsession.notebook.reporting.card_builder import label_of
from nbsession.notebook.views.plain import clip
from nbsession.notebook.views.state_board import said

LINES = 12


class Answer(str):
    """Text that a notebook shows as it is, without quotation marks."""

    __slots__ = ()
    __repr__ = str.__str__


def moved_since(journal: Journal, event: int) -> list[str]:
    """What moved and what was marked after an event: ``Member+1 pending → persistent, now Member#1``."""
    moves = [move for move in journal.moves if move["event"] > event]
    lines = [_said(move, journal) for move in _joined(moves)]
    lines += [
        f"{mark.label}{f' and {mark.objects - 1:,} more' if mark.objects > 1 else ''} {MARKS[mark.mark]}"
        for mark in journal.marks
        if mark.event > event and mark.mark in MARKS
    ]
    if len(lines) > LINES:
        lines = [*lines[: LINES - 1], f"… {len(lines) - LINES + 1:,} more"]
    return [clip(line) for line in lines]


MARKS = {
    "to delete": "marked: the next flush sends its DELETE",
    "not to delete": "no longer marked for deletion",
}


def answer(lines: Iterable[str]) -> Answer:
    """Lines as one answer."""
    return Answer("\n".join(lines))


def _said(move: Move, journal: Journal) -> str:
    """A move, and what its objects are called since: ``Member+1 pending → persistent, now Member#1``."""
    before: list[Named] = [{"token": move["token"], "label": move["label"]}, *move["others"]]
    objects = [tokens.object(named["token"]) for named in before]
    if move["count"] > len(before) or None in objects:
        return said(move)
    now = [label_of(obj, journal) for obj in objects]
    return f"{said(move)}, now {', '.join(now)}" if now != [named["label"] for named in before] else said(move)


def _joined(moves: list[Move]) -> list[Move]:
    """Moves in a row that are alike, beyond a few, as one."""
    joined: list[Move] = []
    for move in moves:
        last = joined[-1] if joined else None
        alike = last is not None and all(last[key] == move[key] for key in ("before", "after", "cause"))
        if alike and len(moves) > LINES and last is not None and _cls(last["label"]) == _cls(move["label"]):
            joined[-1] = {**last, "others": [], "count": last["count"] + move["count"]}
        else:
            joined.append(move)
    return joined


def _cls(label: str) -> str:
    return label.partition("#")[0].partition("+")[0]
