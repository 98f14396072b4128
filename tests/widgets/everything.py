"""A page in which every control of the dashboard can be found: the busy fixture, a record, the reports."""

from __future__ import annotations

import copy
from typing import Any

from tests.notebook.fixtures import reports
from tests.widgets.instrument import fixture

TABS = ("Board", "Card", "Plan", "SQL", "Timeline", "Changes", "Outside", "Identity map", "Graph")


def record() -> dict[str, Any]:
    """A record of three moments that ends in the busy fixture."""
    busy = fixture("busy")
    base = {**copy.deepcopy(busy), "as_of": {"cell": "In[6]", "event": 20}}
    frames = [
        {"event": event, "cell": "In[7]", "patch": {"kind": "patch", "revision": event, "as_of": as_of}}
        for event in (22, 23, 24)
        for as_of in [{"cell": "In[7]", "event": event}]
    ]
    return {"kind": "record", "base": base, "frames": frames}


def report(view: str, name: str = "busy") -> dict[str, Any]:
    """What the kernel answers when ``outside``, ``changes`` or ``graph`` is asked for."""
    told = reports(name)
    kind = {"kind": "report", "view": view, "as_of": {"cell": "In[7]", "event": 24}}
    if view == "graph":
        return {**kind, "cascade": told["cascade"]}
    return {**kind, "comparison": told["comparison"], "waiting": told["waiting"]}


TOLD = (record(), report("outside"), report("changes"), report("graph"))
