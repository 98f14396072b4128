"""``%%session fresh``: a cell that can be run as often as one likes, because each run begins where the first began.

Before its first run a savepoint is set, which stays; a later run goes back to it. Past a COMMIT there is no way back.
"""

from __future__ import annotations

from typing import Any

from nbsession.exc import SavepointError
from nbsession.notebook.commands.checkpoints import Checkpoint
from nbsession.notebook.commands.shell_cells import execute
from nbsession.notebook.recording.cells import clock
from nbsession.notebook.recording.recorder import recorder_of
from nbsession.notebook.recording.sources import require

_before: dict[str, Checkpoint] = {}
"""what stays the same of a cell to what was before its first run"""


def run_fresh(shell: Any, session: Any, cell: str) -> None:
    """Runs a cell from where its first run began.

    :param shell: IPython's shell.
    :raises SavepointError: what it did was committed; nothing is run then.
    """
    require(session, "%%session fresh")
    known = _before.get(clock.ident)
    if known is not None and known.stands and known.level.session is session:
        known.level.rollback()
        print(f"back to before {known.cell}: what was done since then and not committed is undone")
    elif known is not None and _committed(session, known.event):
        raise SavepointError(
            f"fresh: what {known.cell} did, which this cell was then, is committed and cannot be taken back; run again, it "
            "would be there twice. Nothing was run. Without %%session fresh the cell runs as it is."
        )
    event = session.bus.seq
    level = session.begin_nested()
    _before[clock.ident] = Checkpoint(level, clock.now or "the first run", event)
    try:
        execute(shell, cell)
        session.flush()
    except BaseException:
        level.rollback()
        del _before[clock.ident]
        raise


def forget_fresh() -> None:
    """No cell is known."""
    _before.clear()


def _committed(session: Any, since: int) -> bool:
    """Was the transaction committed in which an event happened?"""
    recorder = recorder_of(session)
    recorder.snapshot()
    ends = [event for event in recorder.journal.chronicle.events if event["event"] > since]
    return next((event["text"] for event in ends if event["text"] in ("COMMIT", "ROLLBACK")), "") == "COMMIT"
