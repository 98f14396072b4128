"""What ``%session`` does, as Python functions: one a verb. Each calls the session's own method and says what moved.

They work outside IPython too (marimo, scripts, plain Python). Each returns an Answer; the verbs that show something are
in :mod:`nbsession.notebook.commands.showing`. ``session`` is the session meant: the current one, if none is given. The
engine's errors pass through as they are.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Literal

from nbsession.exc import SavepointError
from nbsession.notebook import views
from nbsession.notebook.commands import checkpoints, drift
from nbsession.notebook.commands import sandbox as sandboxes
from nbsession.notebook.commands.answers import Answer, answer, moved_since
from nbsession.notebook.commands.arguments import did_you_mean
from nbsession.notebook.commands.current import current, current_session
from nbsession.notebook.commands.receipts import receipts
from nbsession.notebook.commands.run_again import run_again
from nbsession.notebook.recording.cells import clock
from nbsession.notebook.recording.recorder import Recorder, recorder_of, stop_listening
from nbsession.notebook.recording.snapshots import Frame
from nbsession.notebook.recording.sources import is_watched, require, session_in, source_of
from nbsession.notebook.reporting.card_builder import label_of
from nbsession.notebook.views.plain import counted, listed, session_line


# ── opening and showing ──────────────────────────────────────────────────────────────────────────────────────────────
def open(url: str, *, name: str = "session", echo: bool = False, sandbox: bool = False) -> Any:
    """Makes an engine and a session on it, and connects once, so that a file that cannot be opened says so now.

    :param url: ``sqlite://``, ``sqlite:///file.db``, ``duckdb://`` or ``duckdb:///file.duckdb``.
    :param name: what the views call the session.
    :param echo: print every statement as it is sent.
    :param sandbox: on a private copy of the file: what is done, commits too, never reaches the file itself.
    :return: the session; ``session.bind`` is the engine.
    :raises ArgumentError: the URL makes no sense.
    :raises OperationalError: the database cannot be opened.
    """
    from nbsession.database import create_engine
    from nbsession.session.session import Session

    copy = sandboxes.copied(url) if sandbox else None
    engine = create_engine(url if copy is None else copy.url, echo=echo)
    if copy is not None:
        sandboxes.keep(engine, copy)
    engine.connect().close()
    session = Session(engine)
    current.set(session, engine, name)
    recorder_of(session, name)
    return session


def watch(session: Any, *, name: str = "session") -> Answer:
    """Makes a session the current one: one of our own, or a Session of SQLAlchemy 2, which is listened to from now on.

    :param session: the session; of a ``scoped_session`` the one of this thread.
    :param name: what the views call it, where no variable of the notebook holds it.
    :raises ArgumentError: it is no session.
    """
    found = session_in(session)
    recorder = recorder_of(found, name)
    current.set(found, current.engine if found is current.opened else None, name)
    told = [f"watching {session_line(recorder.snapshot())}"]
    if is_watched(found):
        told.append("a SQLAlchemy session: what happens from here on is shown as on a session of nbsession")
        told.append(f"not to be had of it: {', '.join(source_of(found).cannot)}")
    return answer(told)


def show(session: Any = None) -> Any:
    """The dashboard of a session; where there are no widgets, its board.

    :param session: the current one if none is given.
    """
    session = current_session(session)
    if clock.has_widgets:
        from nbsession.notebook.page.widget import Dashboard

        return Dashboard(session)
    return views.board(session)


def dock(session: Any = None) -> Any:
    """The dashboard of a session beside the code, where it does not scroll away; where there is no page, its board.

    In JupyterLab, JupyterLite and Notebook 7 the application makes room at its right edge, or at its lower edge if the page
    is narrow. One dashboard is docked at a time; its button puts it back into the output.

    :param session: the current one if none is given.
    """
    shown = show(session)
    if clock.has_widgets:
        shown.docked = True
    return shown


# ── objects ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def add(*objects: Any, session: Any = None) -> Answer:
    """Puts objects into the session."""
    session = current_session(session)
    return _told(
        session, lambda: session.add_all(objects) if len(objects) > 1 else session.add(*objects), "already there"
    )


def delete(*objects: Any, session: Any = None) -> Answer:
    """Marks objects for deletion."""
    session = current_session(session)
    return _told(session, lambda: [session.delete(obj) for obj in objects], "already marked")


def expunge(*objects: Any, session: Any = None) -> Answer:
    """Takes objects out of the session."""
    session = current_session(session)
    return _told(session, lambda: [session.expunge(obj) for obj in objects], "nothing moved")


def merge(*objects: Any, session: Any = None) -> Answer:
    """Copies objects onto the session's own objects for their rows; the objects given stay as they are."""
    session = current_session(session)
    recorder, event, _ = _before(session)
    copies = [session.merge(obj) for obj in objects]
    recorder.snapshot()
    same = all(copy is obj for copy, obj in zip(copies, objects, strict=True))
    names = listed((label_of(copy, recorder.journal) for copy in copies), 5)
    done = "already there: merge gives the object itself" if same else f"merged onto {names}: use what merge() returns"
    return answer([*moved_since(recorder.journal, event), done])


def refresh(*objects: Any, session: Any = None) -> Answer:
    """Reads the rows of objects now; changes that were not flushed are lost."""
    session = current_session(session)
    recorder, event, sent = _before(session)
    for obj in objects:
        session.refresh(obj)
    recorder.snapshot()
    statements, _ = recorder.journal.written_since(sent)
    return answer([*moved_since(recorder.journal, event), f"read again: {counted(statements, 'statement')}"])


def expire(*objects: Any, session: Any = None) -> Answer:
    """Drops what objects hold, all of them if none is given: they are read again when touched."""
    session = current_session(session)
    recorder, event, _ = _before(session)
    count = len(objects) or len(session.identity_map)
    if objects:
        for obj in objects:
            session.expire(obj)
    else:
        session.expire_all()
    recorder.snapshot()
    done = f"{counted(count, 'object')} expired: read again when touched"
    return answer([*moved_since(recorder.journal, event), done])


# ── the transaction ──────────────────────────────────────────────────────────────────────────────────────────────────
def begin(session: Any = None) -> Answer:
    """Begins a transaction; without it the first statement does."""
    session = current_session(session)
    session.begin()
    recorder_of(session).snapshot()
    return answer(["a transaction is open: nothing is sent before the first statement"])


def flush(session: Any = None) -> Answer:
    """Sends what is new, changed and deleted; commits nothing."""
    session = current_session(session)
    recorder, event, sent = _before(session)
    session.flush()
    recorder.snapshot()
    statements, rows = recorder.journal.written_since(sent)
    if not statements:
        return answer([*moved_since(recorder.journal, event), "nothing to flush"])
    done = f"flushed: {counted(statements, 'statement')}, {counted(rows, 'row')} written, nothing committed"
    return answer([*moved_since(recorder.journal, event), done])


def commit(session: Any = None) -> Answer:
    """Flushes, and makes everything since BEGIN permanent."""
    session = current_session(session)
    recorder, event, sent = _before(session)
    frames = recorder.snapshot().transaction["frames"]
    session.commit()
    recorder.snapshot()
    rows = sum(frame["rows"] for frame in frames) + recorder.journal.written_since(sent)[1]
    done = f"committed: {counted(rows, 'row')} written" if rows else "committed: no row had been written"
    return answer([*moved_since(recorder.journal, event), done])


def rollback(name: str | None = None, session: Any = None) -> Answer:
    """Takes back everything since BEGIN, or everything since a savepoint.

    :param name: the savepoint's name; without one every level ends.
    :raises SavepointError: there is no savepoint of that name.
    """
    session = current_session(session)
    recorder, event, _ = _before(session)
    frames = recorder.snapshot().transaction["frames"]
    if name:
        depth, _, level = _savepoint(session, name)
        frames = frames[depth:]
        level.rollback()
    else:
        session.rollback()
    recorder.snapshot()
    return answer([*moved_since(recorder.journal, event), *_lost(frames, name)])


def savepoint(name: str | None = None, session: Any = None) -> Answer:
    """Flushes, and sets a point to which a rollback can return.

    :param name: its name; without one it is called sp1, sp2, ...
    """
    session = current_session(session)
    if name:
        require(session, "savepoint NAME")
    names_itself = "savepoint NAME" in source_of(session).cannot
    keywords = {} if names_itself else {"name": name or _free_name(session)}
    recorder, event, _ = _before(session)
    session.begin_nested(**keywords)
    recorder.snapshot()
    name = savepoint_names(session)[-1]
    done = f"savepoint {name}: %session rollback {name} returns to here"
    return answer([*moved_since(recorder.journal, event), done])


def release(name: str | None = None, session: Any = None) -> Answer:
    """Ends a savepoint, and any inside it; what was done in it stays.

    :param name: its name; without one the last.
    :raises SavepointError: there is none, or none of that name.
    """
    session = current_session(session)
    depth, name, level = _savepoint(session, name)
    outer = f"savepoint {savepoint_names(session)[depth - 2]}" if depth > 1 else "the transaction"
    done = f"savepoint {name} released: what was done in it belongs to {outer} now, nothing is committed"
    return _told(session, level.commit, done, always=True)


def close(session: Any = None) -> Answer:
    """Ends the session: its objects leave it, and what was not committed is lost."""
    session = current_session(session)
    recorder, event, _ = _before(session)
    before = recorder.snapshot()
    unsaved = sum(lane["count"] for lane in before.lanes if lane["state"] == "pending")
    session.close()
    checkpoints.turn(session, False)  # or the next cell would begin a transaction
    recorder.snapshot()
    lines = moved_since(recorder.journal, event)
    rows = sum(frame["rows"] for frame in before.transaction["frames"])
    lost = [counted(rows, "row") + " not committed"] if rows else []
    lost += [counted(unsaved, "object") + " never flushed"] if unsaved else []
    lines.append(f"closed; lost: {', '.join(lost)}" if lost else "closed; nothing was lost")
    lines += ["it is no longer watched"] if is_watched(session) else []
    stop_listening(session)
    if session is current.opened:
        if current.engine is not None:
            current.engine.dispose()
            sandboxes.drop(current.engine)
        current.clear()
    return answer(lines)


# ── cells ────────────────────────────────────────────────────────────────────────────────────────────────────────────
def checkpoint(on: bool = True, session: Any = None) -> Answer:
    """Makes each cell a unit: one that raises leaves no trace in rows or objects, and :func:`undo` takes cells back."""
    session = current_session(session)
    require(session, "checkpoint")
    return checkpoints.turn(session, on)


def undo(count: int | Literal["cell"] = 1, session: Any = None) -> Answer:
    """Takes back the last cells: rows and objects are as before.

    :param count: how many cells; ``"cell"``: what the last cell added that added something.
    :raises SavepointError: checkpoints are off, or a COMMIT lies between.
    """
    if count == "cell":
        return run_again.undo()
    session = current_session(session)
    require(session, "undo")
    return checkpoints.undo(session, count)


def receipt(on: bool = True, session: Any = None) -> Answer:
    """Shows, or no longer shows, one line under each cell: what moved, what was sent, what was committed."""
    receipts.turn(current_session(session), on)
    return answer([f"receipts are {'on: one line under each cell in which something happened' if on else 'off'}"])


def remap(alter: bool = False, session: Any = None) -> Answer:
    """Which columns of mapped classes their tables lack.

    :param alter: add them, inside the session's transaction.
    """
    session = current_session(session)
    require(session, "schema")
    return drift.alter(session) if alter else drift.drift(session)


def forget() -> Answer:
    """Lets go of what outputs and tracebacks hold: ``Out[n]``, ``_``, the last error. Outside IPython nothing does."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is None:
        return answer(["nothing to forget: no shell keeps outputs here"])
    from nbsession.notebook.commands.shell_cells import forget_outputs

    return forget_outputs(shell)


# ── how they tell ────────────────────────────────────────────────────────────────────────────────────────────────────
def _before(session: Any) -> tuple[Recorder, int, int]:
    """The recorder, with the number of the last fact and of the last statement."""
    recorder = recorder_of(session)
    recorder.snapshot()
    return recorder, recorder.journal.event, recorder.journal.statement_count


def _told(session: Any, act: Callable[[], Any], otherwise: str, *, always: bool = False) -> Answer:
    """Acts, and says what moved.

    :param otherwise: what to say if nothing moved, or at the end ``always``.
    """
    recorder, event, _ = _before(session)
    act()
    recorder.snapshot()
    lines = moved_since(recorder.journal, event)
    return answer([*lines, otherwise] if always or not lines else lines)


def _lost(frames: list[Frame], name: str | None) -> list[str]:
    if not frames:
        return ["nothing to roll back: no transaction was open"]
    rows = sum(frame["rows"] for frame in frames)
    lost = (
        f"{counted(rows, 'row')} written since then {'is' if rows == 1 else 'are'} lost" if rows else "no row was lost"
    )
    if name:
        return [f"rolled back to savepoint {name}: {lost}"]
    began = f" (in {frames[0]['cell']})" if frames[0]["cell"] else ""
    lines = [f"rolled back everything since BEGIN{began}: {lost}"]
    savepoints = [frame["name"] for frame in frames if frame["kind"] == "savepoint"]
    if savepoints:
        lines.append(f"{counted(len(savepoints), 'savepoint')} ended with it: {listed(savepoints, 5)}")
        lines.append(f"to take back only the last one, it would have been: %session rollback {savepoints[-1]}")
    return lines


def savepoint_names(session: Any) -> list[str]:
    """Names of the open savepoints, outermost first."""
    return [name for name, _ in source_of(session).savepoints() if name]


def _savepoint(session: Any, name: str | None) -> tuple[int, str, Any]:
    """How deep a savepoint is, its name and its handle; of the last one if none is named."""
    levels = list(enumerate(source_of(session).savepoints(), 1))
    for depth, (known, handle) in reversed(levels):
        if not name or known == name:
            return depth, known, handle
    names = savepoint_names(session)
    if not names:
        raise SavepointError("no savepoint is open: %session savepoint NAME sets one")
    raise SavepointError(f"no savepoint {name!r}{did_you_mean(name or '', names)} Open: {', '.join(names)}")


def _free_name(session: Any) -> str:
    taken = set(savepoint_names(session))
    return next(name for number in range(1, len(taken) + 2) if (name := f"sp{number}") not in taken)
