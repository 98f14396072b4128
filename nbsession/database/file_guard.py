"""Is a database's file still the one that was opened? What is committed to a deleted file is lost when it is closed."""

from __future__ import annotations

import os
from collections.abc import Callable

from nbsession.exc import OperationalError


def guard(path: str) -> Callable[[], None] | None:
    """A function that raises once the file at a path is gone, or another one; None where there is no file.

    :param path: the file, open by now.
    """
    where = os.path.abspath(path)
    opened = _identity(where)
    if opened is None:
        return None

    def check() -> None:
        now = _identity(where)
        if now != opened:
            raise OperationalError(
                f"the database file {where!r} was {'deleted or moved' if now is None else 'replaced'} while it was open: "
                "what is committed now would be lost, so it was rolled back. What was committed before can still be read: copy it "
                "if you need it. Then put the file back, or let go of it with engine.dispose() and begin with a new one."
            )

    return check


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino
