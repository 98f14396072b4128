"""The transaction stack as the facts tell it: what was sent in each frame, and what failed. Knows no session."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from nbsession.events import StatementExecuted, TransactionMoved
from nbsession.notebook.recording.snapshots import Failure, Frame, TransactionInfo
from nbsession.notebook.recording.sources import Level

WRITES = ("INSERT", "UPDATE", "DELETE", "REPLACE", "MERGE")
"""what counts as writing rows"""
DRIVER = re.compile(r"^\([\w.]+\) ")
"""the driver's class, with which the message of a wrapped error begins"""


class Frames:
    """BEGIN and the savepoints inside it.

    :ivar open: the frames, outermost first.
    :ivar error: why the transaction failed, if it did.
    :ivar began: the number of the event with which the transaction began; 0 if that was not heard.
    """

    def __init__(self) -> None:
        self.open: list[Frame] = []
        self.began = 0
        self.error: Failure | None = None

    def adopt(self, levels: Iterable[Level]) -> None:
        """Takes over a stack that began before anybody listened.

        :param levels: the transaction and its savepoints, outermost first.
        """
        for level, each in enumerate(levels):
            self.open.append(_frame(level, each.name, None, each.state))
            if each.state == "failed":
                self._fail(level, None, each.error or "")

    def move(self, fact: TransactionMoved, cell: str | None) -> None:
        """The transaction, or a savepoint, moved."""
        level = fact.level
        if fact.trigger == "begin":
            del self.open[level:]
            self.open.append(_frame(level, fact.name, cell, "active"))
            self.began = self.began if level else fact.seq
        elif fact.trigger == "fail":
            for frame in self.open[level:]:
                frame["state"] = "failed"
            self._fail(level, cell, fact.error or "")
        elif fact.trigger == "prepare":
            for frame in self.open[level:]:
                frame["state"] = "prepared"
        else:
            ended = self.open[level:]
            del self.open[level:]
            if fact.trigger == "commit" and self.open:
                self.open[-1]["statements"] += sum(frame["statements"] for frame in ended)
                self.open[-1]["rows"] += sum(frame["rows"] for frame in ended)
            if not any(frame["state"] == "failed" for frame in self.open):
                self.error = None

    def sent(self, fact: StatementExecuted) -> None:
        """A statement was sent in the innermost frame."""
        if self.open and not fact.internal:
            self.open[-1]["statements"] += 1
            if fact.rows is not None and writes(fact.sql):
                self.open[-1]["rows"] += max(0, fact.rows)

    def relabel(self, presumed: str | None, actual: str | None) -> None:
        """A cell turned out to have another number than presumed."""
        entries: list[Any] = [*self.open, *([self.error] if self.error else [])]
        for entry in entries:
            if entry["cell"] == presumed:
                entry["cell"] = actual

    def info(self) -> TransactionInfo:
        """The stack as a part of a snapshot."""
        state = "idle"
        if self.open:
            states = [frame["state"] for frame in self.open]
            state = next((word for word in ("failed", "prepared") if word in states), "active")
        frames: list[Frame] = [{**frame} for frame in self.open]
        return {
            "state": state,
            "since": frames[0]["cell"] if frames else None,
            "error": None if self.error is None else {**self.error},
            "frames": frames,
        }

    def _fail(self, level: int, cell: str | None, error: str) -> None:
        kind, _, message = error.removeprefix("(").partition(") " if error.startswith("(") else ": ")
        message = DRIVER.sub("", message)
        self.error = {"type": kind or "error", "message": message, "cell": cell, "advice": self._advice(level)}

    def _advice(self, level: int) -> str:
        inner = ""
        if 0 < level < len(self.open):
            name = self.open[level]["name"]
            inner = f"%session rollback {name} goes back to savepoint {name} only; "
        return (
            f"Nothing can be sent before a rollback: {inner}session.rollback() ends the whole transaction "
            "and gives the objects back the states they had before it."
        )


def writes(sql: str) -> bool:
    """Does a statement write rows?"""
    return sql.lstrip()[:7].upper().startswith(WRITES)


def _frame(level: int, name: str | None, cell: str | None, state: str) -> Frame:
    return {
        "name": (name or f"savepoint {level}") if level else "BEGIN",
        "kind": "savepoint" if level else "transaction",
        "cell": cell,
        "statements": 0,
        "rows": 0,
        "state": state,
    }
