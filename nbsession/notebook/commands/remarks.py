"""What is remarked in passing, under a cell: that it was run before, that a session was dropped, that nothing is awaited."""

from __future__ import annotations

import re
from collections.abc import Callable

from nbsession.notebook.commands.orphans import orphans
from nbsession.notebook.commands.run_again import run_again
from nbsession.notebook.commands.survivors import survivors
from nbsession.notebook.recording.cells import clock

AWAITED = re.compile(r"object (\w+) can't be used in 'await' expression")
"""what Python says of an ``await`` before what was done already"""
OURS = frozenset(["NoneType", "Result", "list", "Session"])
"""what the session's methods give"""


def said_after(tell: Callable[[str], object] = print) -> Callable[[str | None, str | None], None]:
    """What is to be called when a cell has ended.

    :param tell: prints a line under it.
    """

    def ended(presumed: str | None, actual: str | None) -> None:
        for line in (*run_again.ended(actual), *orphans.ended(), *_awaited()):
            tell(line)
        survivors.ended()

    return ended


def begin() -> None:
    """Cells are remarked on from now on."""
    clock.on_start.append(run_again.started)
    clock.on_end.append(_said)


def end() -> None:
    """No longer, and what was known of them is forgotten."""
    if _said in clock.on_end:
        clock.on_start.remove(run_again.started)
        clock.on_end.remove(_said)
    run_again.forget()
    orphans.forget()
    survivors.forget()


def _awaited() -> list[str]:
    found = AWAITED.search(str(clock.error)) if isinstance(clock.error, TypeError) else None
    if found is None or found[1] not in OURS or not re.search(r"\bawait\b", clock.source):
        return []
    return [
        "! nbsession does not wait: a session's calls have done their work when they return. Leave `await` out before them"
    ]


_said = said_after()
