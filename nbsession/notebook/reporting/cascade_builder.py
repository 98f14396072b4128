"""From the engine's cascade preview to a report. A dry run: loads, changes and sends nothing."""

from __future__ import annotations

from typing import Any

from nbsession.events import tokens
from nbsession.notebook.recording.journal import Journal
from nbsession.notebook.recording.sources import require
from nbsession.notebook.reporting.card_builder import label_of
from nbsession.notebook.reporting.reports import CascadeReport, CascadeTree
from nbsession.tracking.instance_state import state_of


def cascade_of(session: Any, deed: str, obj: Any, journal: Journal) -> CascadeReport:
    """What a deed would do to an object and those it reaches.

    :param deed: ``delete``, ``add``, ``merge``, ``expunge`` or ``refresh``.
    :raises ArgumentError: it is none of these.
    :raises UnmappedInstanceError: the object is not mapped.
    """
    require(session, "graph EXPR")
    state_of(obj)  # something that is not mapped is an error here, not deep inside
    root = session.cascade_preview(deed, obj)
    return {"deed": deed, "tree": _tree(root, journal), "complete": root.complete}


def _tree(root: Any, journal: Journal) -> CascadeTree:
    """The tree as data; built without recursion, since a chain of objects may be long."""
    built = _node(root, journal)
    waiting = [(root, built)]
    while waiting:
        node, data = waiting.pop()
        for child in node.children:
            data["children"].append(_node(child, journal))
            waiting.append((child, data["children"][-1]))
    return built


def _node(node: Any, journal: Journal) -> CascadeTree:
    here = node.object is not None
    return {
        "label": label_of(node.object, journal) if here else "",
        "token": tokens.of(node.object) if here else 0,
        "state": state_of(node.object).status.value if here else "",
        "effect": str(node.effect),
        "rule": str(node.rule),
        "along": str(node.along or ""),
        "unloaded": bool(node.unloaded),
        "children": [],
    }
