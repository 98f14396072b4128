"""Statements sent again and again for one object after the other: N+1. Knows statements' causes; holds no object."""

from __future__ import annotations

import linecache
import sys
from collections.abc import Mapping
from types import FrameType
from typing import Any

from nbsession.events import StatementExecuted
from nbsession.notebook.recording.snapshots import Repeat

LEAST = 3
"""so many loads of one attribute in one cell, each a statement of its own, are told as N+1"""
KEPT = 20
"""groups remembered, and told: the newest"""
RELATED, EXPIRED = "lazy load of ", "load of "
"""how the causes begin of what loads a relationship, and of what loads columns of one object"""
LINE_SHOWN = 60
OURS = frozenset({"nbsession", "sqlalchemy"})
"""packages in which nobody looks for a line of theirs"""


class Repeats:
    """Loads of the same attribute, counted by cell."""

    def __init__(self) -> None:
        self._groups: dict[tuple[str | None, str, str], Repeat] = {}
        self._began: dict[tuple[str | None, str, str], int] = {}

    def take(self, fact: StatementExecuted, number: int, cell: str | None, line: str) -> None:
        """Counts a statement, if touching an attribute was its cause.

        :param number: its number in the log.
        :param line: the line of code that touched the attribute.
        """
        if not is_load(fact.cause) or fact.internal:
            return
        key = (cell, fact.cause, fact.sql)
        known = self._groups.pop(key, None)
        if known is None:
            attribute = fact.cause.partition(" of ")[2]
            fresh: Repeat = {
                "attribute": attribute,
                "cause": fact.cause,
                "count": 1,
                "cell": cell,
                "line": line,
                "first": number,
                "last": number,
                "fix": fix(attribute, related=fact.cause.startswith(RELATED)),
            }
            self._groups[key], self._began[key] = fresh, fact.seq
            if len(self._groups) > KEPT:
                oldest = next(iter(self._groups))
                del self._groups[oldest], self._began[oldest]
        else:
            self._groups[key] = {**known, "count": known["count"] + 1, "last": number, "line": line or known["line"]}

    def told(self) -> list[Repeat]:
        """Those that are worth telling, in the order of their first statements."""
        found = [group for group in self._groups.values() if group["count"] >= LEAST]
        return sorted(found, key=lambda group: group["first"])

    def relabel(self, presumed: str | None, actual: str | None, since: int) -> None:
        """A cell turned out to have another number than presumed: corrects what began after event ``since``."""
        for key in tuple(self._groups):
            if key[0] == presumed and self._began[key] > since:
                began, group = self._began.pop(key), self._groups.pop(key)
                renamed = (actual, *key[1:])
                self._groups[renamed], self._began[renamed] = {**group, "cell": actual}, began


def is_load(cause: str) -> bool:
    """Does a statement with this cause load what was missing of one object?"""
    return cause.startswith((RELATED, EXPIRED))


def fix(attribute: str, *, related: bool) -> str:
    """The query that loads the attribute of all objects at once.

    :param attribute: as ``Member.loans``.
    :param related: is it a relationship?

    >>> fix("Member.loans", related=True)
    'select(Member).options(selectinload(Member.loans))'
    """
    cls = attribute.partition(".")[0]
    return f"select({cls}).options(selectinload({attribute}))" if related else f"session.scalars(select({cls})).all()"


def touching_line(namespace: Mapping[str, Any]) -> str:
    """The line of the caller's own code that is being run: ``line 2: len(member.loans)``; empty if it cannot be told.

    :param namespace: the notebook's variables; code that runs in them is a cell's.
    """
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        code, name = frame.f_code, frame.f_globals.get("__name__") or ""
        in_cell = frame.f_globals is namespace
        if in_cell or not (name.partition(".")[0] in OURS or code.co_filename.startswith("<")):
            text = linecache.getline(code.co_filename, frame.f_lineno).strip()
            where = f"line {frame.f_lineno}" if in_cell else f"{_file(code.co_filename)}, line {frame.f_lineno}"
            inside = "" if code.co_name.startswith("<") else f" of {code.co_name}()"
            shown = text if len(text) <= LINE_SHOWN else f"{text[:LINE_SHOWN]}…"
            return f"{where}{inside}: {shown}" if shown else f"{where}{inside}"
        frame = frame.f_back
    return ""


def _file(path: str) -> str:
    return path.replace("\\", "/").rsplit("/", 1)[-1]
