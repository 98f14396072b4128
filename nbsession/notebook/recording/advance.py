"""The next snapshot from the last one and the facts since. Reads no session and no object, so any thread may do it.

While a cell runs, the board is kept up to date in this way; when the cell has ended a snapshot is taken from the
objects themselves, and corrects what facts alone cannot tell (what a new object holds, which objects are gone).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TypeAlias

from nbsession.events import AttributeChanged, Fact, Marked, StatesMoved
from nbsession.notebook.recording.journal import Journal
from nbsession.notebook.recording.snapshots import Attribute, Card, Lane, Snapshot, lane
from nbsession.notebook.reporting.snapshot_builder import CARDS_A_LANE, EVENTS_SHOWN, MOVES_SHOWN, STATEMENTS_SHOWN

MADE = "made"
"""stands for an object that was made and not looked at: a burst makes thousands"""

News: TypeAlias = Fact | Card | str
"""a fact, a card just taken of an object, or MADE"""


def advance(
    before: Snapshot, news: Iterable[News], journal: Journal, *, revision: int, cell: str | None, running: bool
) -> Snapshot:
    """The snapshot after some news.

    :param before: the last snapshot.
    :param news: what happened since, in order; the journal has it already.
    :param revision: the number to give to the new snapshot.
    """
    board = _Board(before, journal)
    for item in news:
        board.take(item)
    return replace(
        before,
        revision=revision,
        as_of={"cell": cell, "event": journal.event},
        running=running,
        transaction=journal.frames.info(),
        lanes=board.lanes(),
        cards=board.cards,
        log=journal.log(STATEMENTS_SHOWN),
        log_total=journal.statement_count,
        moves=journal.last_moves(MOVES_SHOWN),
        timeline=journal.chronicle.last(EVENTS_SHOWN),
        repeats=journal.repeats.told(),
    )


class _Board:
    """Lanes and cards that are being changed; the snapshot they come from is not."""

    def __init__(self, before: Snapshot, journal: Journal) -> None:
        self.journal = journal
        self.cards = dict(before.cards)
        self._tokens: dict[str, dict[int, None]] = {
            each["state"]: dict.fromkeys(each["tokens"]) for each in before.lanes
        }
        self._counts: dict[str, int] = {each["state"]: each["count"] for each in before.lanes}

    def lanes(self) -> list[Lane]:
        """The lanes, and the cards of no lane dropped."""
        shown = {str(token) for tokens in self._tokens.values() for token in tokens}
        self.cards = {token: card for token, card in self.cards.items() if token in shown}
        return [
            lane(state, list(tokens), max(self._counts[state], len(tokens))) for state, tokens in self._tokens.items()
        ]

    def take(self, news: News) -> None:
        if isinstance(news, str):
            self._counts["transient"] += 1
        elif isinstance(news, dict):
            self._put(news)
        elif isinstance(news, StatesMoved):
            self._move(news)
        elif isinstance(news, AttributeChanged):
            self._change(news)
        elif isinstance(news, Marked):
            self._mark(news)

    def _put(self, card: Card) -> None:
        token, state = card["token"], card["state"]
        if not any(token in tokens for tokens in self._tokens.values()):
            if state == "transient":
                self._counts[state] += 1
            self._show(token, state)
        if any(token in tokens for tokens in self._tokens.values()):
            known = self.cards.get(str(token))  # who holds it is looked up between cells only
            self.cards[str(token)] = {**card, "holders": known["holders"]} if known else card

    def _show(self, token: int, state: str) -> None:
        """Puts a token into a lane; in a full lane the oldest card without a flag makes room."""
        for tokens in self._tokens.values():
            tokens.pop(token, None)
        tokens = self._tokens[state]
        tokens[token] = None
        if len(tokens) > CARDS_A_LANE:
            plain = (each for each in tokens if each != token and not self._flags(each))
            del tokens[next(plain, next(iter(tokens)))]

    def _flags(self, token: int) -> list[str]:
        card = self.cards.get(str(token))
        return card["flags"] if card is not None else []

    def _move(self, fact: StatesMoved) -> None:
        if fact.trigger != "load":
            self._counts[fact.before] = max(0, self._counts[fact.before] - fact.count)
        self._counts[fact.after] += fact.count
        if fact.count > len(fact.subjects):
            self._forget_unnamed(fact)
        for subject in fact.subjects[:-CARDS_A_LANE]:
            self._tokens[fact.before].pop(subject.token, None)
        for subject in fact.subjects[-CARDS_A_LANE:]:
            known = self.cards.get(str(subject.token))
            key = subject.key if fact.after not in ("transient", "pending") else None
            changed: Card = {
                "token": subject.token,
                "label": self.journal.labels.of(subject.token, subject.cls, key),
                "cls": subject.cls,
                "key": subject.key,
                "state": fact.after,
                "flags": ["failed"] if self.journal.failed(subject.token) else [],
                "summary": known["summary"] if known else "",
                "attributes": known["attributes"] if known else [],
                "moved": self.journal.last_move(subject.token),
                "holders": known["holders"] if known else [],
                "grip": "weak" if fact.after == "persistent" else "",
            }
            if fact.trigger == "insert":
                changed["attributes"] = [_settled(attribute) for attribute in changed["attributes"]]
            self.cards[str(subject.token)] = changed
            self._show(subject.token, fact.after)

    def _forget_unnamed(self, fact: StatesMoved) -> None:
        """Some that moved are not named: the cards of their class leave the lane, rather than stay where they may not be."""
        tokens = self._tokens[fact.before]
        for token in tuple(tokens):
            card = self.cards.get(str(token))
            if card is not None and card["cls"] == fact.cls:
                del tokens[token]

    def _change(self, fact: AttributeChanged) -> None:
        card = self.cards.get(str(fact.subject.token))
        if card is None:
            return
        attributes = [_changed(each, fact) if each["name"] == fact.name else each for each in card["attributes"]]
        flags = [flag for flag in card["flags"] if flag != "dirty"]
        if card["state"] == "persistent":
            flags.insert(0, "dirty")
        grip = "strong" if card["state"] == "persistent" else card["grip"]
        self.cards[str(fact.subject.token)] = {**card, "attributes": attributes, "flags": flags, "grip": grip}

    def _mark(self, fact: Marked) -> None:
        if fact.mark == "displaced":
            self._counts["persistent"] = max(0, self._counts["persistent"] - fact.count)
            for subject in fact.subjects:
                self._tokens["persistent"].pop(subject.token, None)
        for subject in fact.subjects:
            card = self.cards.get(str(subject.token))
            if card is None:
                continue
            flags = [flag for flag in card["flags"] if flag not in _CLEARED.get(fact.mark, (fact.mark,))]
            if fact.mark in ("to delete", "expired"):
                flags.append(fact.mark)
            self.cards[str(subject.token)] = {**card, "flags": flags}


_CLEARED = {"clean": ("dirty",), "not to delete": ("to delete",), "expired": ("expired", "dirty")}
"""the flags that a mark takes away"""


def _changed(attribute: Attribute, fact: AttributeChanged) -> Attribute:
    committed = attribute["committed"]
    if committed is None and not attribute["changed"]:
        committed = fact.old
    return {
        **attribute,
        "status": "loaded",
        "committed": committed,
        "current": fact.new,
        "changed": committed != fact.new,
    }


def _settled(attribute: Attribute) -> Attribute:
    return {**attribute, "committed": attribute["current"], "changed": False}
