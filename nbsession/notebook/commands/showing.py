"""The verbs of ``%session`` that show something, as Python functions: one a view. They send nothing and change nothing.

``session`` is the session meant: the current one, if none is given.
"""

from __future__ import annotations

from typing import Any

from nbsession.notebook import views
from nbsession.notebook.commands.answers import Answer, answer
from nbsession.notebook.commands.current import current_session
from nbsession.notebook.commands.drift import drift
from nbsession.notebook.commands.roll import roll_call
from nbsession.notebook.recording.sources import require
from nbsession.notebook.views import View


def list() -> Answer:
    """The sessions of this notebook: what they hold, and who holds them."""
    return roll_call()


def schema(session: Any = None) -> Answer:
    """What differs between the mapped classes and the tables of the session's database."""
    session = current_session(session)
    require(session, "schema")
    return drift(session)


def plan(session: Any = None) -> View:
    """What a flush would send, in which order and why. Sends nothing."""
    session = current_session(session)
    require(session, "plan")
    return views.plan(session)


def log(session: Any = None, *, cell: int | None = None, last: int | None = None, internal: bool = False) -> View:
    """The statements sent: see :func:`nbsession.notebook.views.sql`."""
    return views.sql(current_session(session), cell=cell, last=last, internal=internal)


def timeline(session: Any = None, *, cell: int | None = None, last: int | None = None, internal: bool = False) -> View:
    """Everything that happened, in order, with its cause: see :func:`nbsession.notebook.views.timeline`."""
    return views.timeline(current_session(session), cell=cell, last=last, internal=internal)


def state(obj: Any, session: Any = None) -> View:
    """One object: what it holds, what the database holds, what a flush would write."""
    return views.card(current_session(session), obj)


def why(obj: Any, session: Any = None) -> View:
    """Why a flush would write an object, or not."""
    return views.why(current_session(session), obj)


def stack(session: Any = None) -> View:
    """The transaction and its savepoints."""
    return views.stack(current_session(session))


def identity(session: Any = None) -> View:
    """The identity map: which object stands for which row, and who holds it."""
    return views.identity(current_session(session))


def graph(obj: Any = None, deed: str = "delete", session: Any = None) -> View:
    """The relationships between objects; or, of one object, what a deed would do to the others."""
    return views.graph(current_session(session), obj, deed)


def outside(table: str | None = None, session: Any = None) -> View:
    """What this session sees, beside what everyone else sees.

    :param table: only this table.
    """
    return views.outside(current_session(session), [table] if table else [])


def export(path: str, session: Any = None) -> Answer:
    """Writes a page of its own that replays what happened, without a kernel and without a network.

    :param path: the file, as ``"story.html"``; it is overwritten if it is there.
    :raises OSError: it cannot be written.
    """
    from nbsession.notebook.page.export import export as write

    target = write(current_session(session), path)
    return answer([f"written: {target}; open it in any browser"])


def diff(session: Any = None) -> View:
    """Everything changed since BEGIN, sent or waiting: to be looked over before a commit."""
    return views.changes(current_session(session))
