"""The sessions of this notebook, one line each: on which database, in what transaction, who holds it, where it was met."""

from __future__ import annotations

from typing import Any

from nbsession.notebook.commands.answers import Answer, answer
from nbsession.notebook.commands.current import sessions_in
from nbsession.notebook.recording.cells import clock
from nbsession.notebook.recording.recorder import recorded_sessions, recorder_of
from nbsession.notebook.views.plain import clip, counted, session_line

NONE = "no session is open: begin with %session open sqlite:// (or a file: sqlite:///shop.db)"


def roll_call() -> Answer:
    """The sessions that are alive, those that no variable holds too."""
    held: dict[int, list[str]] = {}
    for name, session in sessions_in(clock.namespace).items():
        held.setdefault(id(session), []).append(name)
    lines = [line for session in recorded_sessions() for line in _lines(session, held.get(id(session), []))]
    return answer(lines or [NONE])


def session_called(name: str) -> Any:
    """The session of a variable or handle, or None."""
    held = sessions_in(clock.namespace).get(name)
    if held is not None:
        return held
    return next((session for session in recorded_sessions() if recorder_of(session).handle == name), None)


def unsaved(session: Any) -> str:
    """What a session holds that a close would lose, in words; nothing if there is nothing."""
    snapshot = recorder_of(session).snapshot()
    rows = sum(frame["rows"] for frame in snapshot.transaction["frames"])
    parts = [f"{counted(rows, 'row')} written, not committed"] if rows else []
    new, dirty, gone = len(session.new), len(session.dirty), len(session.deleted)
    parts += [
        f"{count:,} {word}" for count, word in ((new, "new"), (dirty, "changed"), (gone, "to be deleted")) if count
    ]
    return ", ".join(parts)


def _lines(session: Any, names: list[str]) -> list[str]:
    recorder = recorder_of(session)
    snapshot = recorder.snapshot()
    where = f"met in {recorder.met}" if recorder.met else "met outside a cell"
    holders = (
        f"held by {', '.join(names)}" if names else f"held by no variable: %session close {recorder.handle} ends it"
    )
    waiting = unsaved(session)
    return [
        session_line(snapshot),
        clip(f"    {where}; {holders}"),
        *([clip(f"    unsaved: {waiting}")] if waiting else []),
    ]
