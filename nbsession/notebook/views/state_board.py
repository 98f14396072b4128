"""The state board: where every object is, and what moved it. Knows a snapshot; knows no session."""

from __future__ import annotations

from nbsession.notebook.recording.snapshots import Card, Lane, Move, Snapshot
from nbsession.notebook.views import markup as m
from nbsession.notebook.views.plain import clip, header, pad
from nbsession.notebook.views.view import View

CARDS_IN_TEXT = 8
"""cards of one lane that the text shows"""
MOVES_SHOWN = 8
SIGNS = {"dirty": "*", "expired": "~", "failed": "!", "to delete": "×"}


def view(snapshot: Snapshot) -> View:
    """The board.

    >>> from nbsession.notebook.recording.snapshots import blank
    >>> print(view(Snapshot.from_json(blank("session", "sqlite", ":memory:"))))
    session · sqlite · :memory: · no transaction
    as of event 0
    <BLANKLINE>
    T transient    0  not in a session, no row
    P pending      0  in the session, will be INSERTed
    S persistent   0  in the session, has a row
    X deleted      0  DELETE sent, not committed
    D detached     0  has or had a row, in no session
    <BLANKLINE>
    Nothing yet: session.add(obj) moves an object from transient to pending.
    """
    return View(_text(snapshot), _html(snapshot))


def said(move: Move) -> str:
    """A move in words: ``Member+1 transient → pending``; a move of many counts them."""
    names = [move["label"], *(other["label"] for other in move["others"])]
    if move["count"] > len(names):
        names = [f"{names[0]} and {move['count'] - 1:,} more"]
    return f"{', '.join(names)} {move['before']} → {move['after']}"


def because(cause: str, cell: str | None) -> str:
    """Why and where, in words: ``session.add, In[7]``."""
    return ", ".join(part for part in (cause, cell) if part)


def marked(card: Card) -> str:
    """The label with the signs of its flags: ``Member#3 *``."""
    return " ".join([card["label"], *(SIGNS[flag] for flag in card["flags"] if flag in SIGNS)])


def recent(snapshot: Snapshot) -> tuple[str, list[Move]]:
    """The moves of the last cell in which anything moved, with a title; the last move where there are no cells."""
    if not snapshot.moves:
        return "", []
    cell = snapshot.moves[-1]["cell"]
    if cell is None:
        return "moved last", snapshot.moves[-1:]
    return f"moved in {cell}", [move for move in snapshot.moves if move["cell"] == cell]


def _tokens(snapshot: Snapshot, moves: list[Move]) -> set[int]:
    """The objects whose last move is one of these."""
    events = {move["event"] for move in moves}
    return {card["token"] for card in snapshot.cards.values() if card["moved"] and card["moved"]["event"] in events}


# ── text ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
def _text(snapshot: Snapshot) -> str:
    lines = [*header(snapshot), ""]
    title, moves = recent(snapshot)
    just_moved = _tokens(snapshot, moves)
    for lane in snapshot.lanes:
        lines.append(clip(f"{lane['letter']} {lane['state']:<11}{lane['count']:>3,}  {lane['says']}"))
        lines += _lane_text(snapshot, lane, just_moved)
    lines.append("")
    if not moves:
        lines.append("Nothing yet: session.add(obj) moves an object from transient to pending.")
    else:
        lines.append(f"{title}:")
        hidden = len(moves) - MOVES_SHOWN
        if hidden > 0:
            lines.append(f"  … {hidden:,} earlier")
        for move in moves[-MOVES_SHOWN:]:
            lines.append(clip(f"  {move['event']}. {said(move)} ({move['cause'] or move['trigger']})"))
    return "\n".join(line.rstrip() for line in lines)


def _lane_text(snapshot: Snapshot, lane: Lane, just_moved: set[int]) -> list[str]:
    cards = [card for token in lane["tokens"] if (card := snapshot.card(token)) is not None]
    if len(cards) > CARDS_IN_TEXT:  # what moved or changed first, but in the lane's order
        notable = [card for card in cards if card["token"] in just_moved or card["flags"]]
        others = [card for card in reversed(cards) if card not in notable]
        kept = {card["token"] for card in (notable + others)[:CARDS_IN_TEXT]}
        cards = [card for card in cards if card["token"] in kept]
    lines = []
    for card in cards:
        arrow = ">" if card["token"] in just_moved else " "
        lines.append(clip(f"  {arrow} {pad(marked(card), max(16, len(marked(card))))} {card['summary']}"))
    if lane["count"] > len(cards):
        lines.append(f"    … {lane['count'] - len(cards):,} more")
    return lines


# ── HTML ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
def _html(snapshot: Snapshot) -> str:
    title, moves = recent(snapshot)
    just_moved = _tokens(snapshot, moves)
    head = m.element("tr", *(_lane_head(lane) for lane in snapshot.lanes))
    body = m.element("tr", *(_lane_cell(snapshot, lane, just_moved) for lane in snapshot.lanes))
    lanes = m.table(head, body, style="width:100%;table-layout:fixed")
    if not moves:
        story = m.padded(m.dim("Nothing yet: session.add(obj) moves an object from transient to pending."))
    else:
        items = [m.element("li", said(move), " ", _why(move), value=move["event"]) for move in moves[-MOVES_SHOWN:]]
        story = m.padded(m.dim(title), m.element("ol", *items, style="margin:0;padding-left:40px"))
    return m.page(snapshot, "State board", lanes, story)


def _why(move: Move) -> m.Html:
    return m.dim(because(move["cause"] or move["trigger"], move["cell"]))


def _lane_head(lane: Lane) -> m.Html:
    words = m.join(m.badge(lane["state"]), " ", m.element("b", lane["title"]), m.dim(f" {lane['count']:,}"))
    return m.cell(
        words, m.element("br"), m.dim(lane["says"]), head=True, scope="col", style="font-weight:normal;width:20%"
    )


def _lane_cell(snapshot: Snapshot, lane: Lane, just_moved: set[int]) -> m.Html:
    cards = [card for token in lane["tokens"] if (card := snapshot.card(token)) is not None]
    parts = [_card(card, card["token"] in just_moved) for card in cards]
    hidden = lane["count"] - len(cards)
    if hidden > 0:
        parts.append(m.element("div", m.dim(f"… {hidden:,} more")))
    return m.cell(*parts, style=f"border-left:1px dashed {m.LINE}")


def _card(card: Card, moved: bool) -> m.Html:
    letter = m.LETTER_OF[card["state"]]
    style = (
        f"border:1px {m.BORDER[letter]} #8a929e;border-left:5px solid {m.FILL[letter]};border-radius:5px;"
        f"padding:3px 7px;margin:0 0 6px 0;overflow-wrap:break-word;color:{m.INK};"
        f"background-color:{m.NEW if moved else m.PAPER}"
    )
    if moved:
        style += f";outline:2px solid {m.FILL['P']}"
    move = card["moved"]
    why = m.Html("")
    if moved and move is not None:
        words = f"{move['before']} → {move['after']} · {because(move['cause'] or move['trigger'], move['cell'])}"
        why = m.join(m.element("br"), m.dim(words))
    flags = m.flags(card)
    held = f"held by {', '.join(card['holders'])}" if card["holders"] else None
    name = m.span(card["label"], f"{m.MONO};font-weight:bold", held)
    head = m.join(name, " " if flags else "", flags, m.element("br"))
    return m.element("div", head, m.dim(card["summary"]), why, style=style)
