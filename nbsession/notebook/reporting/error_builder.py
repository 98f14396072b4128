"""From an exception to the data of its card: what it means, what is true now, what to type next. Sends nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nbsession.exc import NbsessionError
from nbsession.notebook.recording.snapshots import Snapshot
from nbsession.notebook.reporting.explanations import explained
from nbsession.notebook.reporting.reports import ErrorReport
from nbsession.notebook.views.plain import one_line

MESSAGE = 300
"""characters of a message that a card repeats"""


def report_of(error: BaseException, snapshot: Snapshot | None = None, cell: str | None = None) -> ErrorReport:
    """What there is to say of an error.

    :param error: the exception, as it was raised.
    :param snapshot: of the session that raised it, after it; None if it is not known which.
    :param cell: the cell that raised it.
    """
    said = explained(type(error))
    cause = snapshot.transaction["error"] if snapshot is not None else None
    failed = snapshot is not None and snapshot.transaction["state"] == "failed"
    savepoint = _innermost(snapshot) if failed and snapshot is not None else None
    back = [[f"%session rollback {savepoint}", f"goes back to savepoint {savepoint} only"]] if savepoint else []
    return {
        "type": type(error).__name__,
        "message": one_line(str(error))[:MESSAGE],
        "cell": cell,
        "plain": said.plain,
        "rule": said.rule,
        "now": list(_now(snapshot)),
        "original": (
            {"type": cause["type"], "message": cause["message"][:MESSAGE], "cell": cause["cell"]}
            if cause is not None and cause["cell"] != cell
            else None
        ),
        "next": [
            *back,
            *([command, effect] for command, effect in said.next if failed or command != "session.rollback()"),
        ],
        "elsewhere": [list(pair) for pair in said.elsewhere],
    }


def is_ours(error: BaseException | None) -> bool:
    """Is it an error that nbsession raises?"""
    return isinstance(error, NbsessionError)


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
