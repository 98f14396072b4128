"""What is said after a cell: an error's card under its traceback, and that a transaction failed until it is ended.

Knows the shell only as a place to show something. Nothing is said after a cell in which all went well.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nbsession.notebook import views
from nbsession.notebook.commands.current import sessions_in
from nbsession.notebook.commands.receipts import receipts
from nbsession.notebook.recording.cells import clock
from nbsession.notebook.recording.recorder import recorded_sessions, recorder_of
from nbsession.notebook.reporting.error_builder import is_known, session_of
from nbsession.notebook.views import markup as m
from nbsession.notebook.views.plain import clip
from nbsession.notebook.views.view import View


def cell_ended(
    show: Callable[[View], object], tell: Callable[[str], object] = print
) -> Callable[[str | None, str | None], None]:
    """What is to be called when a cell has ended.

    :param show: shows a view under the cell.
    :param tell: prints a line there.
    """

    def ended(presumed: str | None, actual: str | None) -> None:
        for name, session in sessions_in(clock.namespace).items():
            recorder = recorder_of(session, name)  # sessions that variables hold are listened to from now on
            recorder.met = recorder.met or actual
        error = clock.error
        sessions = recorded_sessions()
        if error is not None and is_known(error, sessions):
            show(views.error(error, session_of(error, sessions), cell=actual))
        else:
            for banner in filter(None, map(failed_banner, sessions)):
                show(banner)
        for line in receipts.lines():
            tell(line)

    return ended


def failed_banner(session: Any) -> View | None:
    """A line that says that a session's transaction failed, where and why, and what ends it; None if it did not."""
    frames = recorder_of(session).snapshot().transaction
    error = frames["error"]
    if frames["state"] != "failed" or error is None:
        return None
    where = f" in {error['cell']}" if error["cell"] else ""
    text = f"! the transaction failed{where} ({error['type']}: {error['message']})"
    text = f"{clip(text)}\n  nothing can be sent before %session rollback"
    style = (
        f"border-left:5px solid {m.FILL['X']};background-color:{m.BAD};color:{m.INK};padding:4px 10px;font-size:13px"
    )
    return View(text, m.element("div", *(m.element("div", line) for line in text.splitlines()), style=style))
