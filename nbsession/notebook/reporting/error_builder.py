"""From an exception to the data of its card: what it means, what is true now, what to type next. Sends nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from nbsession.exc import NbsessionError
from nbsession.notebook.recording.snapshots import Snapshot
from nbsession.notebook.recording.sources import is_sqlalchemy_error, is_watched
from nbsession.notebook.reporting.explanations import EXPLANATIONS, Explanation, explained
from nbsession.notebook.reporting.lockers import lockers
from nbsession.notebook.reporting.reports import ErrorReport
from nbsession.notebook.views.plain import one_line

MESSAGE = 300
"""characters of a message that a card repeats"""
MISUNDERSTOOD = re.compile(r"OperationalError\) (near .*syntax error|no such (table|column))")
"""what SQLite's driver calls an OperationalError although it is about the SQL"""
OURS_ONLY = ("%session plan",)
"""what is not to be had of a watched SQLAlchemy session"""


def report_of(error: BaseException, snapshot: Snapshot | None = None, cell: str | None = None) -> ErrorReport:
    """What there is to say of an error.

    :param error: the exception, as it was raised.
    :param snapshot: of the session that raised it, after it; None if it is not known which.
    :param cell: the cell that raised it.
    """
    theirs = is_sqlalchemy_error(error)
    said = EXPLANATIONS["ProgrammingError"] if theirs and MISUNDERSTOOD.search(str(error)) else explained(type(error))
    cause = snapshot.transaction["error"] if snapshot is not None else None
    failed = snapshot is not None and snapshot.transaction["state"] == "failed"
    savepoint = _innermost(snapshot) if failed and snapshot is not None else None
    waiting = lockers(snapshot.session["name"] if snapshot is not None else "") if _locked(error) else []
    back = [[f"%session rollback {savepoint}", f"goes back to savepoint {savepoint} only"]] if savepoint else []
    return {
        "type": type(error).__name__,
        "message": one_line(str(error))[:MESSAGE],
        "cell": cell,
        "plain": said.plain,
        "rule": said.rule,
        "now": [*(words for _, words in waiting), *_now(snapshot)],
        "original": (
            {"type": cause["type"], "message": cause["message"][:MESSAGE], "cell": cause["cell"]}
            if cause is not None and cause["cell"] != cell
            else None
        ),
        "next": [
            *back,
            *([f"%session close {name}", "ends the transaction that may be in the way"] for name, _ in waiting),
            *_elsewhere(error),
            *([command, effect] for command, effect in _next(error, said) if failed or command != "session.rollback()"),
        ],
        "elsewhere": [[library, word] for library, word in said.elsewhere if not (theirs and library == "SQLAlchemy")],
    }


def is_known(error: BaseException | None, sessions: list[Any]) -> bool:
    """Is it an error that nbsession raises, or one of SQLAlchemy's while a session of its is watched?

    :param sessions: those that are listened to.
    """
    return isinstance(error, NbsessionError) or (is_sqlalchemy_error(error) and any(map(is_watched, sessions)))


def _next(error: BaseException, said: Explanation) -> Iterator[tuple[str, str]]:
    """What to type next, without what is for sessions of our own only."""
    for command, effect in said.next:
        if not (is_sqlalchemy_error(error) and command in OURS_ONLY):
            yield command, effect


def _locked(error: BaseException) -> bool:
    """Is somebody else in the way?"""
    text = str(error).lower()
    return type(error).__name__ == "OperationalError" and any(word in text for word in ("locked", "lock on", "in use"))


def _elsewhere(error: BaseException) -> list[list[str]]:
    """The ways out, where another process has a DuckDB file open."""
    found = re.search(r"PID (\d+)", str(error)) if _locked(error) else None
    if found is None:
        return []
    return [
        [
            "engine.dispose()",
            f"typed in the notebook of process {found[1]}, or its kernel shut down, lets go of the file",
        ],
        ["duckdb:///FILE?access_mode=read_only", "opened so in both, both can read"],
    ]


def session_of(error: BaseException, sessions: list[Any]) -> Any:
    """The session an error is most likely about: one whose transaction failed, or the only one there is."""
    failed = [session for session in sessions if _failed(session)]
    found = failed or sessions
    return found[0] if len(found) == 1 else None


def _failed(session: Any) -> bool:
    level = session.get_nested_transaction() or session.get_transaction()
    return level is not None and not level.is_active


def _innermost(snapshot: Snapshot) -> str | None:
    frames = snapshot.transaction["frames"]
    return next((each["name"] for each in frames if each["state"] == "failed" and each["kind"] == "savepoint"), None)


def _now(snapshot: Snapshot | None) -> Iterator[str]:
    """What is true of the session now, in short sentences."""
    if snapshot is None:
        return
    transaction = snapshot.transaction
    if transaction["state"] == "failed":
        since = f" since {transaction['since']}" if transaction["since"] else ""
        yield f"the transaction{since} failed: nothing of it can be committed"
    elif transaction["frames"]:
        yield "the transaction is still open, and can go on"
    else:
        yield "no transaction is open"
    back = [card["label"] for card in snapshot.cards.values() if "failed" in card["flags"]]
    if back:
        names = ", ".join(back[:3]) + (f", … {len(back) - 3} more" if len(back) > 3 else "")
        yield f"not written: {names}"
