"""The three snapshots that the views and the dashboard share."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from nbsession.notebook.recording.snapshots import Snapshot

FOLDER = Path(__file__).parents[1] / "fixtures"
NAMES = ("busy", "empty", "failed")


def snapshot(name: str, **changes: Any) -> Snapshot:
    """A fixture, with top-level keys replaced."""
    data = json.loads((FOLDER / f"snapshot_{name}.json").read_text(encoding="utf-8"))
    return Snapshot.from_json(copy.deepcopy({**data, **changes}))
