"""The snapshots and reports that the views and the dashboard share: ``busy``, ``empty`` and ``failed``."""

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


def reports(name: str) -> dict[str, Any]:
    """What no snapshot holds: ``comparison``, ``waiting``, ``cascade``, ``error`` and ``why``."""
    every: dict[str, dict[str, Any]] = json.loads((FOLDER / "reports.json").read_text(encoding="utf-8"))
    return every[name]


STRUCTURE = {"state", "kind", "verb", "status", "flags", "letter", "by", "what", "deed", "dialect", "cell", "since"}
"""keys whose texts are words of ours, not a user's"""


def everywhere(value: Any, text: str, key: str = "") -> Any:
    """Plain data with a text in the place of every value, label, name, statement and message."""
    if isinstance(value, dict):
        return {name: everywhere(each, text, name) for name, each in value.items()}
    if isinstance(value, list):
        return [everywhere(each, text, key) for each in value]
    return text if isinstance(value, str) and key not in STRUCTURE else value
