"""A session with more of everything than a view shows, made out of the busy one: what is left out is to be said."""

from __future__ import annotations

from typing import Any

from nbsession.notebook.recording.snapshots import Snapshot
from tests.notebook.fixtures import reports, snapshot

TIMES = 30


def crowd() -> tuple[Snapshot, dict[str, Any]]:
    """The snapshot, and its reports."""
    busy = snapshot("busy")
    shown = snapshot(
        "busy", log=_log(busy), log_total=5_000, timeline=_timeline(busy), moves=busy.moves * TIMES, **_objects(busy)
    )
    shown.plan["steps"] *= TIMES
    shown.plan["skipped"] *= TIMES
    told = reports("busy")
    told["waiting"] *= TIMES
    told["cascade"]["deed"] = "merge"
    told["cascade"]["tree"]["children"] *= TIMES
    first, *_ = told["comparison"]["tables"]
    first["more"], first["note"] = 1_234, "compared as far as the keys go"
    other = {**first, "table": "quiet", "rows": [], "more": 0, "here": 7, "outside": 5}
    told["comparison"]["tables"].append(other)
    return shown, told


def _log(busy: Snapshot) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = [{**entry} for _ in range(TIMES) for entry in busy.log]
    entries += [{**busy.log[0]} for _ in range(TIMES)]
    entries[-2]["internal"] = True
    entries[-1]["sql"] = "SELECT " + ", ".join(f"column_{number}" for number in range(300))
    return [{**entry, "n": number, "params": [str(number)]} for number, entry in enumerate(entries, 1)]


def _timeline(busy: Snapshot) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = [{**event} for _ in range(TIMES) for event in busy.timeline]
    return [
        {**event, "event": number, "cell": event["cell"] if number % 3 else None, "within": 0}
        for number, event in enumerate(events, 1)
    ]


def _objects(busy: Snapshot) -> dict[str, Any]:
    """Four hundred persistent objects, held in every way and with every flag."""
    pattern = busy.cards["12"]
    ways = [
        ("strong", ["dirty"]),
        ("strong", ["to delete"]),
        ("strong", []),
        ("weak", ["row changed"]),
        ("weak", ["expired"]),
    ]
    cards: dict[str, Any] = {}
    for token in range(100, 500):
        grip, flags = ways[token % len(ways)]
        cards[str(token)] = {**pattern, "token": token, "label": f"Tool#{token}", "grip": grip, "flags": flags}
        if token % 7:
            cards[str(token)]["moved"] = None
    lanes = [
        {**lane, "tokens": list(range(100, 500)), "count": 5_000, "more": 4_600} if lane["letter"] == "S" else lane
        for lane in busy.lanes
    ]
    return {"cards": {**busy.cards, **cards}, "lanes": lanes}
