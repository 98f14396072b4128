"""The identity map: which object stands for which row, who holds it, and may it vanish? Knows a snapshot only."""

from __future__ import annotations

from nbsession.notebook.recording.snapshots import Card, Snapshot
from nbsession.notebook.views import markup as m
from nbsession.notebook.views.plain import clip, counted, header, pad, wrap
from nbsession.notebook.views.state_board import marked
from nbsession.notebook.views.view import View

ROWS_SHOWN = 30
EMPTY = "The identity map is empty: no object of this session has a row."
RULE = "One row, one object: a second query for a row gives the object that is here, with the values it has."


def view(snapshot: Snapshot) -> View:
    """The identity map."""
    return View(_text(snapshot), _html(snapshot))


def rows(snapshot: Snapshot) -> tuple[list[Card], int]:
    """The cards of persistent objects, and how many more there are."""
    lane = next(lane for lane in snapshot.lanes if lane["state"] == "persistent")
    cards = [card for token in lane["tokens"] if (card := snapshot.card(token)) is not None]
    return cards[:ROWS_SHOWN], lane["count"] - len(cards[:ROWS_SHOWN])


def holders(card: Card) -> str:
    """Who in the notebook holds the object."""
    return ", ".join(card["holders"]) or "no variable"


def kept(card: Card) -> str:
    """How the session holds it, and what follows."""
    if card["grip"] == "strong":
        why = next((flag for flag in ("dirty", "to delete") if flag in card["flags"]), "")
        return {
            "dirty": "strongly: it has changes to write",
            "to delete": "strongly: it is to be deleted",
            "": "strongly: this session keeps all it has",
        }[why]
    return "weakly" if card["holders"] else "weakly: goes when nothing else holds it"


def freshness(card: Card) -> str:
    """Are its values those of the row?"""
    if "expired" in card["flags"]:
        return "expired: read again when touched"
    if "row changed" in card["flags"]:
        return "row changed behind the session: %session refresh reads it"
    return ""


# ── text ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
def _text(snapshot: Snapshot) -> str:
    cards, more = rows(snapshot)
    lines = [*header(snapshot), ""]
    if not cards:
        return "\n".join([*lines, EMPTY])
    lines += [f"{counted(len(cards) + more, 'object')} in the identity map", *wrap(RULE), ""]
    label = min(max(*(len(marked(card)) for card in cards), 6), 24)
    held = min(max(*(len(holders(card)) for card in cards), 7), 20)
    lines.append(f"  {pad('object', label)}  {pad('held by', held)}  kept by the session")
    for card in cards:
        notes = "; ".join(part for part in (kept(card), freshness(card)) if part)
        lines.append(clip(f"  {pad(marked(card), label)}  {pad(holders(card), held)}  {notes}"))
    if more > 0:
        lines.append(f"  … {more:,} more")
    return "\n".join(line.rstrip() for line in lines)


# ── HTML ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
def _html(snapshot: Snapshot) -> str:
    cards, more = rows(snapshot)
    if not cards:
        return m.page(snapshot, "Identity map", m.padded(EMPTY))
    heads = m.heads("row", "object", "held by", "kept by the session", "values")
    parts = [m.padded(RULE), m.table(heads, *map(_row, cards), style="width:100%;table-layout:auto")]
    if more > 0:
        parts.append(m.padded(m.dim(f"… {more:,} more")))
    return m.page(snapshot, "Identity map", *parts)


def _row(card: Card) -> m.Html:
    return m.element(
        "tr",
        m.cell(m.span(f"{card['cls']} {card['key'] or ''}".strip(), m.MONO), head=True, scope="row"),
        m.cell(m.strong(card["label"]), " ", m.flags(card)),
        m.cell(m.span(holders(card), m.MONO) if card["holders"] else m.dim("no variable")),
        m.cell(kept(card)),
        m.cell(freshness(card) or m.dim("as last read or written")),
    )
