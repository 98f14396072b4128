"""The views of a session: a function per view, each giving a :class:`View` with text and HTML.

Looking sends no SQL, flushes, loads and begins nothing. Each function takes a snapshot of the session and hands it to
the module that draws it; those modules know snapshots only.

>>> from nbsession.notebook import views
>>> print(views.board(session))                                                                  # doctest: +SKIP
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nbsession.notebook.views import flush_plan, object_card, sql_log, state_board, transaction_stack
from nbsession.notebook.views.view import View

if TYPE_CHECKING:
    from nbsession.notebook.recorder import Recorder

__all__ = ["View", "board", "card", "log", "plan", "stack"]


def board(session: Any) -> View:
    """The state board: where every object is, and what moved it.

    :param session: a Session.
    """
    return state_board.view(_recorder(session).snapshot())


def card(session: Any, obj: Any) -> View:
    """The object card: what an object holds, what the database holds, what a flush would write.

    :param session: the session to which the object belongs, or might.
    :param obj: an instance of a mapped class.
    :raises NoInspectionAvailable: it is none.
    """
    recorder = _recorder(session)
    shown = recorder.card(obj)
    snapshot = recorder.snapshot()
    cards = {**snapshot.cards, str(shown["token"]): shown}
    return object_card.view(replace(snapshot, cards=cards), shown["token"])


def plan(session: Any) -> View:
    """The flush plan: what a flush would send, in which order, and why. Sends nothing.

    :param session: a Session.
    """
    return flush_plan.view(_recorder(session).snapshot(with_plan=True))


def stack(session: Any) -> View:
    """The transaction stack: what survives if you stop now.

    :param session: a Session.
    """
    return transaction_stack.view(_recorder(session).snapshot())


def log(session: Any, *, cell: int | None = None, last: int | None = None, internal: bool = False) -> View:
    """The SQL log: what was sent since somebody first looked at the session, with values, rows and causes.

    :param session: a Session.
    :param cell: show only what the cell with this number sent.
    :param last: show only so many statements.
    :param internal: show also what the engine asked for itself.
    """
    recorder = _recorder(session)
    snapshot = replace(recorder.snapshot(), log=list(recorder.journal.statements))
    return sql_log.view(snapshot, cell=cell, last=last, internal=internal)


def _recorder(session: Any) -> Recorder:
    from nbsession.notebook.recorder import recorder_of  # which draws on this package's plain text

    return recorder_of(session)
