"""Who in this notebook may keep a database locked: the sessions that have a transaction open, in words. Asks nobody."""

from __future__ import annotations

from nbsession.notebook.recording.cells import clock
from nbsession.notebook.recording.holders import name_of
from nbsession.notebook.recording.recorder import recorded_sessions, recorder_of


def lockers(but: str = "") -> list[tuple[str, str]]:
    """(name or handle, in words) of each session that has a transaction open.

    :param but: the name of one that does not count: it is the one that was refused.
    """
    found = []
    for session in recorded_sessions():
        recorder = recorder_of(session)
        transaction = recorder.snapshot().transaction
        name = name_of(session, clock.namespace, "") or recorder.handle
        if transaction["frames"] and name != but:
            since = f" since {transaction['since']}" if transaction["since"] else ""
            held = "" if "@" not in name else ", which no variable holds,"
            found.append((name, f"session {name}{held} has a transaction open{since}"))
    return found
