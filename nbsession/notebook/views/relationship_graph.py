"""The relationship graph: which objects are linked, and what a deed would do to the others. Knows plain data only."""

from __future__ import annotations

from collections.abc import Iterator

from nbsession.notebook.recording.snapshots import Attribute, Card, Snapshot
from nbsession.notebook.reporting.reports import CascadeReport, CascadeTree
from nbsession.notebook.views import markup as m
from nbsession.notebook.views.plain import clip, counted, header, wrap
from nbsession.notebook.views.state_board import marked
from nbsession.notebook.views.view import View

NODES_SHOWN = 30
TREE_SHOWN = 60
NOTHING = "No object with relationships is shown on the board."
DEEDS = {
    "delete": "session.delete({})",
    "add": "session.add({})",
    "merge": "session.merge({})",
    "expunge": "session.expunge({})",
    "refresh": "session.refresh({})",
}


def view(snapshot: Snapshot, cascade: CascadeReport | None = None) -> View:
    """The graph; or, with a report of it, what a deed would do.

    :param cascade: a deed that was tried out.
    """
    if cascade is not None:
        return View(_cascade_text(snapshot, cascade), _cascade_html(snapshot, cascade))
    return View(_text(snapshot), _html(snapshot))


def nodes(snapshot: Snapshot) -> list[tuple[Card, list[Attribute]]]:
    """The cards that have relationships, with those relationships; in the order of the lanes."""
    cards = [snapshot.card(token) for lane in snapshot.lanes for token in lane["tokens"]]
    related = [(card, [each for each in card["attributes"] if each["kind"] != "column"]) for card in cards if card]
    return [(card, attributes) for card, attributes in related if attributes]


def linked(attribute: Attribute, state: str) -> str:
    """Whom a relationship names, in words."""
    if attribute["current"] is None:
        return "not set" if attribute["status"] == "not set" else "not loaded"
    arrow = "→" if attribute["kind"] == "one" else "⇉"
    return f"{arrow} {attribute['current']}" if attribute["current"] not in ("None", "none") else "none"


def call(cascade: CascadeReport) -> str:
    """The call that was tried out: ``session.delete(Member#3)``."""
    return DEEDS[cascade["deed"]].format(cascade["tree"]["label"])


def verdict(cascade: CascadeReport) -> str:
    """How many objects it reaches, and whether that is all."""
    reached = sum(1 for node, _ in walk(cascade["tree"]) if node["token"]) - 1
    words = f"{call(cascade)} would reach {counted(reached, 'other object')}; nothing was done."
    return words if cascade["complete"] else f"{words} More would have to be loaded to say everything."


def walk(tree: CascadeTree) -> Iterator[tuple[CascadeTree, int]]:
    """Every node with its depth, from top to bottom."""
    waiting = [(tree, 0)]
    while waiting:
        node, depth = waiting.pop()
        yield node, depth
        waiting.extend((child, depth + 1) for child in reversed(node["children"]))


def said(node: CascadeTree) -> str:
    """One node in words: ``Loan#1  DELETE (cascade over Member.loans)``."""
    how = " over ".join(part for part in (node["rule"], node["along"]) if part)
    words = f"{node['label']}  {node['effect']}" if node["label"] else node["effect"]
    return f"{words}  ({how})" if how else words


# ── text ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
def _text(snapshot: Snapshot) -> str:
    every = nodes(snapshot)
    lines = [*header(snapshot), ""]
    if not every:
        return "\n".join([*lines, NOTHING])
    for card, attributes in every[:NODES_SHOWN]:
        lines.append(clip(f"{m.LETTER_OF[card['state']]} {marked(card)}"))
        for attribute in attributes:
            sign = "*" if attribute["changed"] else " "
            lines.append(clip(f"  {sign} {attribute['name']}  {linked(attribute, card['state'])}"))
    if len(every) > NODES_SHOWN:
        lines.append(f"… {len(every) - NODES_SHOWN:,} more")
    lines += ["", *wrap("%session graph delete EXPR tries out what a delete would do to the others.")]
    return "\n".join(line.rstrip() for line in lines)


def _cascade_text(snapshot: Snapshot, cascade: CascadeReport) -> str:
    lines = [*header(snapshot), "", *wrap(verdict(cascade))]
    every = list(walk(cascade["tree"]))
    for node, depth in every[:TREE_SHOWN]:
        lines.append(clip("  " * min(depth, 20) + ("- " if depth else "") + said(node)))
    if len(every) > TREE_SHOWN:
        lines.append(f"… {len(every) - TREE_SHOWN:,} more")
    return "\n".join(line.rstrip() for line in lines)


# ── HTML ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
def _html(snapshot: Snapshot) -> str:
    every = nodes(snapshot)
    if not every:
        return m.page(snapshot, "Relationship graph", m.padded(NOTHING))
    rows = [_row(card, attributes) for card, attributes in every[:NODES_SHOWN]]
    table = m.table(m.heads("object", "its relationships"), *rows, style="width:100%;table-layout:auto")
    more = len(every) - NODES_SHOWN
    return m.page(
        snapshot, "Relationship graph", table, m.padded(m.dim(f"… {more:,} more")) if more > 0 else m.Html("")
    )


def _row(card: Card, attributes: list[Attribute]) -> m.Html:
    links = [
        m.element(
            "div",
            m.span(attribute["name"], m.MONO),
            " ",
            m.element("b", linked(attribute, card["state"])),
            m.join(" ", m.tag("* changed")) if attribute["changed"] else "",
        )
        for attribute in attributes
    ]
    name = m.join(m.badge(card["state"]), " ", m.strong(card["label"]), " ", m.flags(card))
    return m.element("tr", m.cell(name, head=True, scope="row", style="font-weight:normal"), m.cell(*links))


def _cascade_html(snapshot: Snapshot, cascade: CascadeReport) -> str:
    items = [_item(node, depth) for node, depth in list(walk(cascade["tree"]))[:TREE_SHOWN]]
    return m.page(snapshot, "Cascade preview", m.padded(m.element("b", verdict(cascade))), m.padded(*items))


def _item(node: CascadeTree, depth: int) -> m.Html:
    how = " over ".join(part for part in (node["rule"], node["along"]) if part)
    words = [m.strong(node["label"]), " "] if node["label"] else []
    state = [m.badge(node["state"]), " "] if node["state"] else []
    effect = m.element("i", node["effect"]) if node["unloaded"] else m.element("b", node["effect"])
    style = f"padding-left:{min(depth, 20) * 22}px;margin:3px 0"
    return m.element("div", *state, *words, effect, " ", m.dim(how) if how else "", style=style)
