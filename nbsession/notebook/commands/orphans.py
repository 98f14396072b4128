"""A session that no variable holds any more: it lives on, and so may what it had not saved, and its lock on the file.

Holds sessions weakly, and their recorders, which know what was not saved even if the session is gone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from weakref import ref

from nbsession.notebook.commands.current import sessions_in
from nbsession.notebook.commands.roll import unsaved
from nbsession.notebook.recording.cells import clock
from nbsession.notebook.recording.recorder import Recorder, recorded_sessions, recorder_of
from nbsession.notebook.recording.snapshots import Snapshot
from nbsession.notebook.views.plain import counted


@dataclass(slots=True)
class Held:
    """A session that a variable held after the last cell."""

    session: ref[Any]
    recorder: Recorder


@dataclass(slots=True)
class Orphans:
    """What variables held after the last cell."""

    _held: dict[str, Held] = field(default_factory=dict)

    def ended(self) -> list[str]:
        """A cell has ended: the sessions that variables do not hold any more, unless they are closed or had nothing to lose."""
        now = sessions_in(clock.namespace)
        held = {id(session) for session in now.values()}
        lines, told = [], set[int]()
        for name, before in self._held.items():
            session = before.session()
            if (session is not None and id(session) in held) or id(before.recorder) in told:
                continue
            told.add(id(before.recorder))
            if session is not None and not any(one is session for one in recorded_sessions()):
                continue  # it was closed by a verb
            line = _alive(name, session) if session is not None else _gone(name, before.recorder)
            lines += [line] if line else []
        self._held = {name: Held(ref(session), recorder_of(session, name)) for name, session in now.items()}
        return lines

    def forget(self) -> None:
        """Nothing was held."""
        self._held.clear()


orphans = Orphans()
"""those of this notebook"""


def _alive(name: str, session: Any) -> str:
    lost = [part for part in (unsaved(session), "in an open transaction" if session.in_transaction() else "") if part]
    if not lost:
        return ""
    what = f": {', '.join(lost)}"
    handle = recorder_of(session).handle
    return (
        f"! the session {name}{_where(recorder_of(session))} is held by no variable any more, and not closed{what}. It may "
        f"keep its file locked; %session close {handle} ends it"
    )


def _gone(name: str, recorder: Recorder) -> str:
    snapshot = recorder.snapshot()
    lost = _unsaved_in(snapshot)
    return f"! the session {name}{_where(recorder)} is gone, and what it had not saved with it: {lost}" if lost else ""


def _unsaved_in(snapshot: Snapshot) -> str:
    rows = sum(frame["rows"] for frame in snapshot.transaction["frames"])
    new = sum(lane["count"] for lane in snapshot.lanes if lane["state"] == "pending")
    parts = [f"{counted(rows, 'row')} written, not committed"] if rows else []
    return ", ".join([*parts, *([f"{new:,} new"] if new else [])])


def _where(recorder: Recorder) -> str:
    return f" ({recorder.met})" if recorder.met else ""
