"""Every view as a function of plain data, so that a test can hold for all of them. Knows no session."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nbsession.notebook.recording.snapshots import Snapshot
from nbsession.notebook.views import (
    View,
    changed_rows,
    error_card,
    event_timeline,
    flush_plan,
    identity_map,
    object_card,
    outside_view,
    relationship_graph,
    sql_log,
    state_board,
    transaction_stack,
    why_answer,
)
from tests.notebook.fixtures import NAMES, reports, snapshot

Reports = dict[str, Any]


def _cards(shown: Snapshot, told: Reports) -> View:
    every = [object_card.view(shown, int(token)) for token in shown.cards]
    return View("\n\n".join(each.text for each in every), "".join(each.html for each in every))


VIEWS: dict[str, Callable[[Snapshot, Reports], View]] = {
    "board": lambda shown, told: state_board.view(shown),
    "cards": _cards,
    "timeline": lambda shown, told: event_timeline.view(shown),
    "plan": lambda shown, told: flush_plan.view(shown),
    "changes": lambda shown, told: changed_rows.view(shown, told["comparison"], told["waiting"]),
    "log": lambda shown, told: sql_log.view(shown),
    "identity": lambda shown, told: identity_map.view(shown),
    "graph": lambda shown, told: relationship_graph.view(shown),
    "cascade": lambda shown, told: relationship_graph.view(shown, told["cascade"]),
    "stack": lambda shown, told: transaction_stack.view(shown),
    "outside": lambda shown, told: outside_view.view(shown, told["comparison"]),
    "error": lambda shown, told: error_card.view(told["error"]),
    "why": lambda shown, told: why_answer.view(shown, told["why"]),
}
"""the ten views, the cascade of the graph, the error card, the answer to why"""

EVERY = [(view, name) for view in VIEWS for name in NAMES if (view, name) != ("cards", "empty")]


def draw(view: str, name: str) -> View:
    """A view of a fixture."""
    return VIEWS[view](snapshot(name), reports(name))
