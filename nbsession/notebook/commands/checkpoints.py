"""The cell as a unit: each runs inside a savepoint, so that one that raises leaves no trace, and later ones can be undone.

A cell's savepoint is set when it starts; when it has ended well, what it left to be flushed is flushed, so that what
stood before the next cell is what the next savepoint keeps. A cell that raises, or whose flush fails, is rolled back.
Going back stops at a COMMIT or a whole ROLLBACK: what was before is no longer the database's to give. In a sandbox it is
ours: there the whole database is put back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from weakref import ref

from nbsession.exc import SavepointError
from nbsession.notebook.commands.answers import Answer, answer, moved_since
from nbsession.notebook.commands.sandbox import Saved, put_back, sandbox_of, save
from nbsession.notebook.recording.cells import clock
from nbsession.notebook.recording.recorder import recorder_of
from nbsession.notebook.views.plain import counted

CELLS_KEPT = 50
"""cells that can be undone; before one more, all are let go of, since savepoints nest"""


@dataclass(slots=True)
class Checkpoint:
    """What one cell can be taken back to.

    :ivar level: the savepoint's handle.
    :ivar cell: the cell, as ``In[7]``; presumed while it runs.
    :ivar event: the number of the last fact before it, its own savepoint included.
    :ivar saved: in a sandbox, the whole database before it, if no transaction was open then.
    """

    level: Any
    cell: str | None
    event: int
    saved: Saved | None = None

    @property
    def stands(self) -> bool:
        """Can the savepoint still be rolled back to?"""
        session = self.level.session
        level = session.get_nested_transaction() if session is not None else None
        while level is not None:
            if level is self.level:
                return True
            level = level.parent
        return False


class Checkpoints:
    """The checkpoints of one session; held weakly.

    :param tell: shows a line under a cell.
    """

    def __init__(self, session: Any, tell: Callable[[str], object] = print) -> None:
        self._session = ref(session)
        self._tell = tell
        self._kept: list[Checkpoint] = []
        self._every: list[Checkpoint] = []
        """in a sandbox every cell, those too whose savepoints are gone with a COMMIT"""
        self._barrier = "no cell has run since checkpoints were turned on"
        clock.on_start.append(self._started)
        clock.on_end.insert(0, self._ended)  # before views are told: they show what is left

    @property
    def session(self) -> Any:
        """The session, or None if it is gone."""
        return self._session()

    def close(self) -> None:
        """No further cell is a unit; the savepoints that stand are released, what was done stays."""
        if self._started in clock.on_start:
            clock.on_start.remove(self._started)
            clock.on_end.remove(self._ended)
        if self._kept and self._kept[0].stands:
            self._kept[0].level.commit()
        self._kept.clear()

    # ── the cells ────────────────────────────────────────────────────────────────────────────────────────────────────
    def _started(self) -> None:
        session = self.session
        if session is None:
            self.close()
            return
        self._look()
        if len(self._kept) >= CELLS_KEPT:
            self._kept[0].level.commit()
            self._kept.clear()
            self._barrier = f"only {CELLS_KEPT} cells are kept"
        level = session.get_nested_transaction() or session.get_transaction()
        if level is not None and not level.is_active:
            return  # a failed transaction: only a rollback helps
        try:
            saved = save(session)
            nested = session.begin_nested(name=f"before_{(clock.last or '').strip('In[]') or len(self._kept) + 1}")
        except Exception as error:
            self._tell(f"this cell cannot be undone: {type(error).__name__}: {error}")
            return
        self._kept.append(Checkpoint(nested, clock.last, session.bus.seq, saved))
        if sandbox_of(session) is not None:
            self._every = [*self._every, self._kept[-1]][-CELLS_KEPT:]

    def _ended(self, presumed: str | None, actual: str | None) -> None:
        session = self.session
        if session is None:
            return
        running = self._kept[-1] if self._kept and self._kept[-1].cell == presumed else None
        if running is not None:
            running.cell = actual
            if running.stands and not self._flushed(session, running):
                return
        self._look(actual)

    def _flushed(self, session: Any, running: Checkpoint) -> bool:
        """Flushes at the end of a cell; a cell that raised, or whose flush fails, is rolled back."""
        error = clock.error
        if error is None:
            try:
                session.flush()
                return True
            except Exception as failed:
                error = failed
        self._every = [each for each in self._every if each is not self._kept[-1]]
        self._kept.pop()
        did_something = session.bus.seq > running.event
        running.level.rollback()
        if did_something:
            said = type(error).__name__ if error is clock.error else f"{type(error).__name__}: {error}".splitlines()[0]
            self._tell(f"{running.cell or 'the cell'} undone ({said}): rows and objects are as they were before it")
        return False

    def _look(self, cell: str | None = None) -> None:
        """Lets go of checkpoints that no longer stand, and remembers why."""
        if all(each.stands for each in self._kept):
            return
        standing = [each for each in self._kept if each.stands]
        if not standing:
            self._barrier = self._why(cell)
        self._kept = standing

    def _why(self, cell: str | None) -> str:
        """What ended the transaction: the last COMMIT or ROLLBACK that was heard."""
        recorder = recorder_of(self.session)
        recorder.snapshot()
        words = {"COMMIT": "was committed", "ROLLBACK": "was rolled back"}
        for event in reversed(recorder.journal.chronicle.events):
            if event["kind"] == "transaction" and event["text"] in words:
                where = f" in {event['cell'] or cell}" if event["cell"] or cell else ""
                return f"the transaction {words[event['text']]}{where}"
        return "the transaction ended"

    @property
    def _past(self) -> list[Checkpoint]:
        """The cells that have ended and can be undone, oldest first."""
        return [each for each in self._kept if not (clock.running and each.cell == clock.last)]

    def reach(self, cell: str) -> int:
        """How many cells must be undone to undo this one; more than there are, if it cannot be."""
        cells = [each.cell for each in self._past]
        return len(cells) - cells.index(cell) if cell in cells else len(cells) + 1

    # ── going back ───────────────────────────────────────────────────────────────────────────────────────────────────
    def undo(self, count: int = 1) -> Answer:
        """Takes back the last cells, rows and objects: not the one that asks, nor what was before a COMMIT.

        :param count: how many cells.
        :raises SavepointError: so many cannot be undone.
        """
        self._look()
        session, past = self.session, self._past
        if count > len(past) and self._every:
            return self._undo_past_commit(session, count)
        if count < 1 or count > len(past):
            reach = f"{counted(len(past), 'cell')} can be undone" if past else "no cell can be undone"
            raise SavepointError(f"undo {count}: {reach}, because {self._barrier}.")
        back = past[-count]
        recorder = recorder_of(session)
        recorder.snapshot()
        event = recorder.journal.event
        self._kept = self._kept[: self._kept.index(back)]
        self._every = [each for each in self._every if each.event < back.event]
        back.level.rollback()
        recorder.snapshot()
        cells = ", ".join(each.cell or "a cell" for each in reversed(past[-count:]))
        return answer([*moved_since(recorder.journal, event), f"undone: {cells}; rows and objects are as before"])

    def _undo_past_commit(self, session: Any, count: int) -> Answer:
        """In a sandbox the whole database is put back: nobody else has it."""
        past = [each for each in self._every if not (clock.running and each.cell == clock.last)]
        if count > len(past):
            raise SavepointError(f"undo {count}: {counted(len(past), 'cell')} can be undone: no more have run.")
        back = past[-count]
        if back.saved is None:
            raise SavepointError(self._no_way_to(past, count))
        recorder = recorder_of(session)
        recorder.snapshot()
        event = recorder.journal.event
        self._kept, self._every = [], past[: -count or None]
        self._barrier = "the database was put back"
        put_back(session, back.saved)
        recorder.snapshot()
        cells = ", ".join(each.cell or "a cell" for each in reversed(past[-count:]))
        return answer(
            [*moved_since(recorder.journal, event), f"undone, commits too: {cells}; the sandbox is as before"]
        )

    def _no_way_to(self, past: list[Checkpoint], count: int) -> str:
        wanted = past[-count]
        others = [each for each in past[:-count] if each.saved is not None]
        further = f"; undo {len(past) - past.index(others[-1])} goes back to before {others[-1].cell}" if others else ""
        return (
            f"undo {count}: {wanted.cell} began inside a transaction that has ended since, and only what lay between "
            f"transactions is kept{further}."
        )


_on: list[Checkpoints] = []


def checkpoints_of(session: Any) -> Checkpoints | None:
    """The checkpoints of a session, if they are on."""
    return next((each for each in _on if each.session is session), None)


def turn(session: Any, on: bool, tell: Callable[[str], object] = print) -> Answer:
    """Turns checkpoints of a session on or off.

    :param tell: shows a line under a cell.
    """
    known = checkpoints_of(session)
    if on and known is None:
        _on.append(Checkpoints(session, tell))
    elif not on and known is not None:
        known.close()
        _on.remove(known)
    if not on:
        return answer(["checkpoints are off: cells are no units any more, what was done stays"])
    return answer(["checkpoints are on: from the next cell, one that raises leaves no trace; %session undo goes back"])


def undo(session: Any, count: int = 1) -> Answer:
    """Takes back the last cells.

    :raises SavepointError: checkpoints are off, or so many cells cannot be undone.
    """
    known = checkpoints_of(session)
    if known is None:
        raise SavepointError("checkpoints are off: %session checkpoint on makes each cell a unit that can be undone")
    return known.undo(count)


def undo_to(session: Any, cell: str) -> Answer:
    """Takes back a cell, and those after it.

    :param cell: its label.
    :raises SavepointError: it cannot be undone.
    """
    known = checkpoints_of(session)
    return undo(session, known.reach(cell) if known is not None else 1)


def forget_all() -> None:
    """Turns all off."""
    for each in _on:
        each.close()
    _on.clear()
