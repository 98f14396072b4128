"""What a kernel that ends takes along: noted after each cell in a small file of its own, said when the database is opened next.

The file lies in the person's cache folder, one a database; it holds numbers, no values, and goes when nothing is unsaved.
"""

from __future__ import annotations

import contextlib
import json
import os
from hashlib import sha256
from pathlib import Path
from typing import Any

from nbsession.notebook.recording.recorder import recorded_sessions, recorder_of
from nbsession.notebook.views.plain import counted

FOLDER = "NBSESSION_CACHE"
"""the environment variable that names another folder"""


class Survivors:
    """The notes of this kernel, by file."""

    def __init__(self) -> None:
        self._written: dict[Path, str] = {}

    def ended(self) -> None:
        """A cell has ended: notes what each session has that is not committed, and takes away notes that are true no longer."""
        now: dict[Path, list[dict[str, Any]]] = {}
        for session in recorded_sessions():
            place, note = _place(session), _note(session)
            if place is not None and note is not None:
                now.setdefault(place, []).append(note)
        for place in [place for place in self._written if place not in now]:
            del self._written[place]
            with contextlib.suppress(OSError):
                place.unlink(missing_ok=True)
        for place, notes in now.items():
            text = json.dumps({"pid": os.getpid(), "sessions": notes})
            if self._written.get(place) != text:
                self._written[place] = text
                with contextlib.suppress(OSError):  # a note is a kindness: where none can be written there is none
                    place.parent.mkdir(parents=True, exist_ok=True)
                    place.write_text(text, encoding="utf-8")

    def told(self, session: Any) -> str:
        """What the kernel before took along of the database that a session is on, in words; nothing if nothing. Said once."""
        place = _place(session)
        if place is None or place in self._written:
            return ""
        try:
            found = json.loads(place.read_text(encoding="utf-8"))
            notes, pid = found["sessions"], int(found["pid"])
        except (OSError, ValueError, KeyError, TypeError):
            return ""
        lost = "; ".join(_said(note) for note in notes)
        if pid != os.getpid() and _alive(pid):
            return f"! another kernel (process {pid}) has unsaved work on this database: {lost}"
        with contextlib.suppress(OSError):
            place.unlink(missing_ok=True)
        database = notes[0].get("database", "")
        kept = "it was in memory, and is gone with the kernel" if not database else "what was committed is in the file"
        return f"! the kernel before ended with {lost}, not committed: rolled back. {kept[0].upper()}{kept[1:]}"

    def forget(self) -> None:
        """No session has anything unsaved."""
        for place in self._written:
            with contextlib.suppress(OSError):
                place.unlink(missing_ok=True)
        self._written.clear()


survivors = Survivors()
"""those of this kernel"""


def _note(session: Any) -> dict[str, Any] | None:
    transaction = recorder_of(session).snapshot().transaction
    rows, new = sum(frame["rows"] for frame in transaction["frames"]), len(session.new)
    if not rows and not new:
        return None
    return {"rows": rows, "new": new, "since": transaction["since"] or "", "database": _file(session)}


def _said(note: dict[str, Any]) -> str:
    rows, new = int(note["rows"]), int(note["new"])
    parts = [f"{counted(rows, 'row')} written since {note['since'] or 'BEGIN'}"] if rows else []
    return " and ".join([*parts, *([f"{counted(new, 'new object')}"] if new else [])])


def _file(session: Any) -> str:
    """The path of the database, or nothing if it is in memory."""
    bind = getattr(session, "bind", None)
    url = getattr(getattr(bind, "engine", bind), "url", None)
    name = getattr(url, "database", None)
    return "" if not name or str(name).startswith((":memory:", "file:")) else str(Path(str(name)).resolve())


def _place(session: Any) -> Path | None:
    """The file for the note on a session's database; of one in memory, that of the notebook, where it is known."""
    if getattr(session, "bind", None) is None:
        return None
    notebook = os.environ.get(
        "JPY_SESSION_NAME"
    )  # a server says it: the same notebook has another kernel after a restart
    key = _file(session) or (notebook and f"in memory: {notebook}")
    if not key:
        return None
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = os.environ.get(FOLDER) or Path(cache) / "nbsession"
    return Path(folder) / f"{sha256(key.encode()).hexdigest()[:24]}.json"


def _alive(pid: int) -> bool:
    """Does a process run?"""
    if os.name == "nt":
        return False  # os.kill would end it
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
