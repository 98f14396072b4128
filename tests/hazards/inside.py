"""What the tests of hazards do inside a kernel."""

from __future__ import annotations

import gc
from typing import Any


def begin_anew() -> None:
    """A notebook of which nothing is known, in a kernel that has run another; the cell that calls it does not count."""
    from IPython import get_ipython

    from nbsession.mapping.declaring.redefining import redefinitions
    from nbsession.notebook.commands.current import current
    from nbsession.notebook.recording.labels import labels
    from nbsession.notebook.recording.newcomers import newcomers
    from nbsession.notebook.recording.recorder import recorded_sessions, stop_listening
    from nbsession.session.core import close_all_sessions

    shell: Any = get_ipython()
    ahead = shell.execution_count - shell.displayhook.prompt_count  # newer ones have counted this very cell already
    shell.extension_manager.unload_extension("nbsession")
    for session in recorded_sessions():
        stop_listening(session)
    close_all_sessions()
    newcomers.close()
    labels.clear()
    current.clear()
    shell.reset(new_session=True, aggressive=False)
    redefinitions._tableless.clear()
    gc.collect()
    shell.execution_count = ahead
