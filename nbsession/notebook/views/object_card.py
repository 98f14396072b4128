"""The object card: what one object holds, what the database holds, what a flush would write. Knows a snapshot only."""

from __future__ import annotations

from nbsession.notebook.recording.snapshots import Attribute, Card, Snapshot
from nbsession.notebook.views import markup as m
from nbsession.notebook.views.plain import clip, header, pad, wrap
from nbsession.notebook.views.state_board import because, marked
from nbsession.notebook.views.view import View


def view(snapshot: Snapshot, token: int) -> View:
    """The card of one object.

    :param token: the object's token; the snapshot must hold its card.
    :raises KeyError: it does not.
    """
    card = snapshot.cards[str(token)]
    return View(_text(snapshot, card), _html(snapshot, card))


def would_write(card: Card) -> str:
    """What a flush would do for the object, in words."""
    if "to delete" in card["flags"]:
        return "the next flush sends its DELETE"
    if card["state"] == "pending":
        return "the next flush sends its INSERT"
    if card["state"] == "persistent":
        changed = [each["name"] for each in card["attributes"] if each["changed"] and each["kind"] != "many"]
        return f"the next flush writes {', '.join(changed)}" if changed else "nothing to write"
    return {
        "transient": "no flush knows of it: session.add(obj) would make it pending",
        "deleted": "commit() makes the DELETE final, rollback() takes it back",
    }.get(card["state"], "no flush knows of it: session.add(obj) would make it persistent again")


def last_move(card: Card) -> str:
    """What moved it last, in words."""
    move = card["moved"]
    if move is None:
        return "not seen to move"
    why = because(move["cause"] or move["trigger"], move["cell"])
    return f"{move['before']} → {move['after']} by {move['trigger']} ({why}, event {move['event']})"


def missing(attribute: Attribute, state: str) -> str:
    """Why an attribute shows no value, and what touching it would do."""
    if attribute["status"] == "not set":
        return "not set"
    if state == "detached":
        return "not loaded, and cannot be while detached"
    return "expired: read again when touched" if attribute["status"] == "expired" else "not loaded: read when touched"


# ── text ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
def _text(snapshot: Snapshot, card: Card) -> str:
    letter = m.LETTER_OF[card["state"]]
    title = f"{marked(card)} · {letter} {card['state']}"
    if card["flags"]:
        title += f" · {', '.join(card['flags'])}"
    lines = [*header(snapshot), "", clip(title)]
    names = max((len(attribute["name"]) for attribute in card["attributes"]), default=0)
    for attribute in card["attributes"]:
        sign = "*" if attribute["changed"] else " "
        lines.append(clip(f"  {sign} {pad(attribute['name'], min(names, 24))}  {_value(attribute, card['state'])}"))
    lines.append("")
    lines += wrap(f"moved: {last_move(card)}")
    lines += wrap(f"flush: {would_write(card)}")
    if card["holders"]:
        lines += wrap(f"held by: {', '.join(card['holders'])}")
    return "\n".join(line.rstrip() for line in lines)


def _value(attribute: Attribute, state: str) -> str:
    current, committed = attribute["current"], attribute["committed"]
    if current is None:
        return f"({missing(attribute, state)})"
    if not attribute["changed"]:
        return current
    return f"{clip(committed, 32)} → {clip(current, 40)}" if committed is not None else f"→ {current}"


# ── HTML ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
def _html(snapshot: Snapshot, card: Card) -> str:
    rows = [m.heads("attribute", "committed", "current", "")]
    rows += [_row(attribute, card["state"]) for attribute in card["attributes"]]
    title = m.padded(m.badge(card["state"]), " ", m.strong(card["label"]), f" {card['state']} ", m.flags(card))
    facts = [m.join(m.element("b", "moved "), last_move(card)), m.join(m.element("b", "flush "), would_write(card))]
    if card["holders"]:
        facts.append(m.join(m.element("b", "held by "), ", ".join(card["holders"])))
    story = m.padded(*(m.element("div", fact) for fact in facts))
    return m.page(snapshot, "Object card", title, m.table(*rows, style="width:100%;table-layout:auto"), story)


def _row(attribute: Attribute, state: str) -> m.Html:
    ground = f"background-color:{m.NEW};" if attribute["changed"] else ""
    wide = f"{ground}{m.MONO};overflow-wrap:break-word;"
    committed, current = attribute["committed"], attribute["current"]
    old, new = m.join(committed or ""), m.join(current or "")
    if current is None:
        new = m.element("i", missing(attribute, state))
    elif attribute["changed"]:
        old = m.element("i", "none") if committed is None else m.element("del", committed, style=f"color:{m.GONE}")
        new = m.join("→ ", m.element("ins", current, style=f"color:{m.MADE};font-weight:bold"))
    name = attribute["name"] + (" *" if attribute["changed"] else "")
    words = {"column": "", "one": "one related object", "many": "related objects"}[attribute["kind"]]
    return m.element(
        "tr",
        m.cell(name, style=f"{ground}{m.MONO};", head=True, scope="row"),
        m.cell(old, style=wide),
        m.cell(new, style=wide),
        m.cell(m.dim(words), style=ground),
    )
