"""The record of a session: a first snapshot and what changed since, event by event. What time travel and export replay.

Plain data, bounded: the newest :data:`FRAMES_KEPT` frames stay, older ones become part of the first snapshot. A frame is
mostly one event; where thousands came at once it is many of them.
"""

from __future__ import annotations

from collections import deque
from typing import Any, TypedDict

from nbsession.notebook.recording.snapshots import Snapshot, merged

FRAMES_KEPT = 1_000


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
        self._last = first

    def take(self, snapshot: Snapshot) -> None:
        """Keeps a snapshot, as what changed since the one before."""
        patch = snapshot.patch_since(self._last)
        self._last = snapshot
        if len(patch) <= 2:  # its kind and revision
            return
        self._frames.append({"event": snapshot.as_of["event"], "cell": snapshot.as_of["cell"], "patch": patch})
        if len(self._frames) > FRAMES_KEPT:
            self._base = {**self._base, **merged(self._base, self._frames.popleft()["patch"])}

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
