"""A cell is run a second time, and what it adds is there twice: noticed, said, and taken back if it can be.

A cell is known again by the id that the front end gives it, else by its source. Holds sessions weakly and no object.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary, ref

from nbsession.events import tokens
from nbsession.exc import IntegrityError, SavepointError
from nbsession.notebook.commands import checkpoints
from nbsession.notebook.commands.answers import Answer, answer
from nbsession.notebook.recording.cells import clock
from nbsession.notebook.recording.recorder import recorded_sessions, recorder_of
from nbsession.notebook.recording.sources import source_of
from nbsession.notebook.views.plain import counted

CELLS_KEPT = 500
TIMED = re.compile(r"\s*%%?(?:timeit|time_repeat)\b")


@dataclass(slots=True)
class Run:
    """What one run of a cell added to one session.

    :ivar cell: its label, as ``In[4]``.
    :ivar event: the number of the last fact before it.
    :ivar count: how many objects it added.
    :ivar tokens: those that are known by name.
    :ivar fate: ``""`` while its transaction is open, then ``COMMIT`` or ``ROLLBACK``.
    """

    session: Any
    cell: str
    event: int
    count: int
    tokens: list[int]
    fate: str = ""

    def told(self) -> str:
        """Where its objects are, in words; nothing if they are nowhere."""
        session = self.session()
        if not _is_recorded(session):
            return ""
        journal = recorder_of(session).journal  # which knows of objects that are gone, too
        states = [move["after"] for token in self.tokens if (move := journal.last_move(token)) is not None]
        back = sum(state in ("transient", "detached") for state in states)
        pending = states.count("pending")
        there = self.count - (back if self.fate != "COMMIT" else 0)
        if there <= 0 or self.fate == "ROLLBACK":
            return ""
        said = "are" if there > 1 else "is"
        if self.fate == "COMMIT":
            return f"{counted(there, 'object')} of that run {said} committed"
        if pending == there:
            return f"{counted(there, 'object')} of that run {said} still pending"
        return f"{counted(there, 'object')} of that run {said} in the open transaction"


@dataclass(slots=True)
class RunAgain:
    """The cells that added something, and their last runs."""

    _runs: dict[str, list[Run]] = field(default_factory=dict)
    _last: str = ""
    _anew: bool = False
    _began: dict[int, int] = field(default_factory=dict)
    _heard: WeakKeyDictionary[Any, int] = field(default_factory=WeakKeyDictionary)

    def started(self) -> None:
        """A cell starts: what each session has done so far is not its doing."""
        self._anew = False
        self._began = {id(session): source_of(session).seq() for session in recorded_sessions()}

    def ended(self, actual: str | None) -> list[str]:
        """A cell has ended: what there is to say of it."""
        if self._anew:
            return []
        added = [run for session in recorded_sessions() if (run := self._added(session, actual)) is not None]
        before = self._runs.get(clock.ident, [])
        lines = []
        if added and TIMED.match(clock.source):
            count = sum(run.count for run in added)
            lines.append(
                f"! the code was timed, and ran many times: {counted(count, 'object')} added. %session undo cell"
            )
        elif before and (added or isinstance(clock.error, IntegrityError)):
            lines += _twice(before, added)
        if added:
            self._runs.pop(clock.ident, None)
            self._runs[clock.ident] = added
            self._last = clock.ident
            while len(self._runs) > CELLS_KEPT:
                del self._runs[next(iter(self._runs))]
        return lines

    def begin_anew(self) -> None:
        """The cell that runs has put everything back to the beginning, and does so each time: nothing is there twice."""
        self.forget()
        self._anew = True

    def forget(self) -> None:
        """No cell has run."""
        self._runs.clear()
        self._last = ""

    def undo(self) -> Answer:
        """Takes back what the last cell added that added something.

        :raises SavepointError: it was sent to the database, and no checkpoint was set before it.
        """
        runs = self._runs.get(self._last, [])
        if not runs:
            raise SavepointError("undo cell: no cell has added an object.")
        done: list[str] = []
        for run in runs:
            session = run.session()
            if not _is_recorded(session):
                continue
            self._follow(session)
            if not run.told():
                continue
            if checkpoints.checkpoints_of(session) is not None:
                done += checkpoints.undo_to(session, run.cell).splitlines()
                continue
            pending = [obj for token in run.tokens if (obj := tokens.object(token)) is not None and obj in session.new]
            if len(pending) < run.count:
                raise SavepointError(
                    f"undo cell: what {run.cell} added was sent to the database ({run.told()}). "
                    + (
                        "What is committed stays: delete it, and commit."
                        if run.fate == "COMMIT"
                        else "%session rollback takes back the whole transaction; with %session checkpoint on, each cell can be "
                        "undone by itself."
                    )
                )
            for obj in pending:
                session.expunge(obj)
            done.append(f"{run.cell} undone: {counted(len(pending), 'object')} pending → transient")
        del self._runs[self._last]
        return answer(done or ["nothing to undo: what the cell added is gone already"])

    def _added(self, session: Any, cell: str | None) -> Run | None:
        journal = recorder_of(session).journal
        since = self._began.get(id(session), 0)
        self._follow(session)
        moves = [move for move in journal.moves if move["event"] > since and move["after"] == "pending"]
        moves = [move for move in moves if move["before"] == "transient" and move["trigger"] == "add"]
        count = sum(move["count"] for move in moves)
        named = [token for move in moves for token in (move["token"], *(each["token"] for each in move["others"]))]
        if not count:
            return None
        run = Run(ref(session), cell or "a cell", since, count, named)
        ends = [
            event for event in journal.chronicle.events if event["event"] > since and event["kind"] == "transaction"
        ]
        run.fate = next((event["text"] for event in ends if event["text"] in ("COMMIT", "ROLLBACK")), "")
        return run if run.told() else None  # a cell that is a unit may have been taken back already

    def _follow(self, session: Any) -> None:
        """How the transactions ended that have ended since the last time."""
        recorder = recorder_of(session)
        recorder.snapshot()
        heard, self._heard[session] = self._heard.get(session, 0), recorder.journal.event
        ends = []
        for event in reversed(recorder.journal.chronicle.events):
            if event["event"] <= heard:
                break
            if event["kind"] == "transaction" and event["text"] in ("COMMIT", "ROLLBACK"):
                ends.append(event)
        for run in [run for runs in self._runs.values() for run in runs if ends and run.session() is session]:
            if not run.fate:
                run.fate = next((end["text"] for end in reversed(ends) if end["event"] > run.event), "")


def _is_recorded(session: Any) -> bool:
    """Is it listened to still? One that a verb has closed is not."""
    return any(one is session for one in recorded_sessions())


def _twice(before: list[Run], added: list[Run]) -> list[str]:
    lines = []
    for run in before:
        told = run.told()
        if told:
            more = sum(one.count for one in added if one.session() is run.session())
            now = f", and this run added {more:,} more: %session undo cell takes those back" if more else ""
            lines.append(f"! this cell ran before, as {run.cell}: {told}{now}")
    return lines


run_again = RunAgain()
"""the cells of this notebook"""
