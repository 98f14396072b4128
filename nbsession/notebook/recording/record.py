"""The record of a session: a first snapshot and what changed since, event by event. What time travel and export replay.

Plain data, bounded: the newest :data:`FRAMES_KEPT` frames stay, or fewer if they hold more than :data:`ENTRIES_KEPT`
entries; older ones become part of the first snapshot. A frame is mostly one event; where thousands came at once it is
many of them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any, TypedDict

from nbsession.notebook.recording.snapshots import Snapshot, merged

FRAMES_KEPT = 1_000
ENTRIES_KEPT = 20_000
"""cards, events, moves and statements in all frames, each at most about a kilobyte: a record takes 20 MB at most"""
SQL_ENTRY = 1_000
"""characters of SQL that count as one entry"""


class Frame(TypedDict):
    """What changed with one event, or with a few."""

    event: int
    """the last event of it"""
    cell: str | None
    patch: dict[str, Any]
    """as the dashboard merges it"""


class RecordData(TypedDict):
    """A record as the page replays it."""

    base: dict[str, Any]
    """the snapshot before the first frame"""
    frames: list[Frame]


class Record:
    """Takes snapshots in their order and keeps what differs.

    :param first: where the record begins.
    """

    def __init__(self, first: Snapshot) -> None:
        self._base: dict[str, Any] = first.as_json()
        self._frames: deque[Frame] = deque()
        self._weights: deque[int] = deque()
        self._weight = 0
        self._last = first

    def take(self, snapshot: Snapshot) -> None:
        """Keeps a snapshot, as what changed since the one before."""
        patch = snapshot.patch_since(self._last)
        self._last = snapshot
        if len(patch) <= 2:  # its kind and revision
            return
        self._frames.append({"event": snapshot.as_of["event"], "cell": snapshot.as_of["cell"], "patch": patch})
        self._weights.append(entries(patch))
        self._weight += self._weights[-1]
        while len(self._frames) > FRAMES_KEPT or (self._weight > ENTRIES_KEPT and len(self._frames) > 1):
            self._base = {**self._base, **merged(self._base, self._frames.popleft()["patch"])}
            self._weight -= self._weights.popleft()

    def data(self) -> RecordData:
        """The record, to be read and not changed."""
        return {"base": self._base, "frames": list(self._frames)}

    def at(self, event: int) -> Snapshot:
        """The session as it was after an event; before the first that is kept, as the record begins."""
        data = self._base
        for frame in self._frames:
            if frame["event"] > event:
                break
            data = {**data, **merged(data, frame["patch"])}
        return Snapshot.from_json(data)


def entries(patch: Mapping[str, Any]) -> int:
    """How many entries a patch holds; a long statement counts as several."""
    short = sum(len(patch.get(key, ())) for key in ("cards", "timeline", "moves"))
    return 1 + short + sum(1 + len(entry["sql"]) // SQL_ENTRY for entry in patch.get("log", ()))
