"""The views of a session: a function per view, each giving a :class:`View` with text and HTML.

Looking sends no SQL, flushes, loads and begins nothing; only :func:`outside` and :func:`changes` ask the database, on a
connection of their own and unheard. Each function takes a snapshot of the session and hands it to the module that draws
it; those modules know plain data only.

>>> from nbsession.notebook import views
>>> print(views.board(session))                                                                  # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nbsession.notebook.views import (
    changed_rows,
    error_card,
    event_timeline,
    flush_plan,
    identity_map,
    object_card,
    outside_view,
    relationship_graph,
    sql_log,
    state_board,
    transaction_stack,
    why_answer,
)
from nbsession.notebook.views.view import View

if TYPE_CHECKING:
    from nbsession.notebook.recording.recorder import Recorder

__all__ = [
    "View",
    "board",
    "card",
    "changes",
    "error",
    "graph",
    "identity",
    "outside",
    "plan",
    "sql",
    "stack",
    "timeline",
    "why",
]


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


def sql(
    session: Any,
    *,
    cell: int | None = None,
    last: int | None = None,
    internal: bool = False,
    between: tuple[int, int] | None = None,
) -> View:
    """The SQL log: what was sent since somebody first looked at the session, with values, rows and causes.

    :param session: a Session.
    :param cell: show only what the cell with this number sent.
    :param last: show only so many statements.
    :param internal: show also what the engine asked for itself.
    :param between: show only what has numbers, in the timeline, from the first to the second.
    """
    recorder = _recorder(session)
    snapshot = replace(recorder.snapshot(), log=list(recorder.journal.statements))
    return sql_log.view(snapshot, cell=cell, last=last, internal=internal, between=between)


def timeline(
    session: Any,
    *,
    cell: int | None = None,
    last: int | None = None,
    internal: bool = False,
    between: tuple[int, int] | None = None,
) -> View:
    """The timeline: what happened, in what order, and which call of which cell caused it.

    :param session: a Session.
    :param cell: show only what the cell with this number did.
    :param last: show only so many events.
    :param internal: show also what the engine asked for itself.
    :param between: show only what has numbers, in the timeline, from the first to the second.
    """
    recorder = _recorder(session)
    snapshot = replace(recorder.snapshot(), timeline=list(recorder.journal.chronicle.events))
    return event_timeline.view(snapshot, cell=cell, last=last, internal=internal, between=between)


def identity(session: Any) -> View:
    """The identity map: which object stands for which row, who holds it, and whether it may vanish.

    :param session: a Session.
    """
    return identity_map.view(_recorder(session).snapshot())


def graph(session: Any, obj: Any = None, deed: str = "delete") -> View:
    """The relationship graph; or, of one object, what a deed would do to it and to the others. A dry run.

    :param session: a Session.
    :param obj: an instance of a mapped class, to try a deed on.
    :param deed: ``delete``, ``add``, ``merge``, ``expunge`` or ``refresh``.
    :raises ArgumentError: it is none of these.
    :raises UnmappedInstanceError: the object is not mapped.
    """
    from nbsession.notebook.reporting.cascade_builder import cascade_of

    recorder = _recorder(session)
    snapshot = recorder.snapshot()
    cascade = None if obj is None else cascade_of(session, deed, obj, recorder.journal)
    return relationship_graph.view(snapshot, cascade)


def outside(session: Any, tables: Sequence[str] = ()) -> View:
    """The outside view: what this session sees, beside what everyone else sees. Asks the database, unheard.

    :param session: a Session.
    :param tables: only these tables; those that are mapped or were written, if none is named.
    """
    from nbsession.notebook.reporting.comparing import compare

    recorder = _recorder(session)
    snapshot = recorder.snapshot()
    return outside_view.view(snapshot, compare(session, recorder.journal, tables))


def changes(session: Any) -> View:
    """What changed since BEGIN, sent or waiting, row by row, before and after: to be looked over before a commit.

    Rows that were sent are compared with what is committed; that asks the database, unheard.

    :param session: a Session.
    """
    from nbsession.notebook.reporting.comparing import compare
    from nbsession.notebook.reporting.waiting_builder import waiting_of

    recorder = _recorder(session)
    snapshot = recorder.snapshot()
    compared = compare(session, recorder.journal)
    return changed_rows.view(snapshot, compared, waiting_of(session, recorder.journal))


def why(session: Any, obj: Any) -> View:
    """Why a flush would write an object, or not. Plans a flush and sends nothing.

    :param session: a Session.
    :param obj: anything; of something that is not mapped it says just that.
    """
    from nbsession.notebook.reporting.why_builder import why_of

    recorder = _recorder(session)
    return why_answer.view(recorder.snapshot(), why_of(session, obj, recorder.journal))


def error(raised: BaseException, session: Any = None, *, cell: str | None = None) -> View:
    """The error card: what an error means, what is true of the session now, what to type next.

    :param raised: the exception.
    :param session: the session it came from, if that is known.
    :param cell: the cell it came from.
    """
    from nbsession.notebook.reporting.error_builder import report_of

    snapshot = None if session is None else _recorder(session).snapshot()
    return error_card.view(report_of(raised, snapshot, cell))


def _recorder(session: Any) -> Recorder:
    from nbsession.notebook.recording.recorder import recorder_of  # which draws on this package's plain text

    return recorder_of(session)
