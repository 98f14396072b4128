"""The timeline: what happened, in what order, and which line of whose cell caused it. Knows a snapshot only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from nbsession.notebook.recording.snapshots import Event, Snapshot
from nbsession.notebook.views import markup as m
from nbsession.notebook.views.plain import clip, counted, header
from nbsession.notebook.views.view import View

EVENTS_SHOWN = 60
SIGNS = {"move": "→", "mark": "·", "change": "*", "sql": ">", "flush": "»", "transaction": "=", "": " "}
"""the sign before an event, by its kind: the shape that goes with the word"""


@dataclass(frozen=True, slots=True)
class Act:
    """Events one after the other with one cause in one cell.

    :ivar cell: the cell, as ``In[7]``; None outside a notebook.
    :ivar cause: the call, or the button.
    """

    cell: str | None
    cause: str
    events: tuple[Event, ...]


def view(
    snapshot: Snapshot,
    *,
    cell: int | None = None,
    last: int | None = None,
    internal: bool = False,
    between: tuple[int, int] | None = None,
) -> View:
    """The timeline.

    :param cell: show only what this cell did.
    :param last: show only so many events.
    :param internal: show also what the engine asked for itself.
    :param between: only events with numbers from the first to the second.
    """
    known = [event for event in snapshot.timeline if internal or not event["internal"]]
    if between is not None:
        known = [event for event in known if between[0] <= event["event"] <= between[1]]
    events = [event for event in known if cell is None or event["cell"] == f"In[{cell}]"]
    shown = events[-(EVENTS_SHOWN if last is None else last) :] if last != 0 else []
    title = _title(len(shown), len(events), cell)
    return View(_text(snapshot, title, shown), _html(snapshot, title, shown))


def acts(events: list[Event]) -> Iterator[Act]:
    """The events, those with the same cause in the same cell together."""
    for (cell, cause), group in groupby(events, lambda event: (event["cell"], event["cause"])):
        yield Act(cell, cause, tuple(group))


def cause_of(act: Act) -> str:
    """The call that did it; nothing but an assignment has none."""
    return act.cause or "set by hand"


def _title(shown: int, known: int, cell: int | None) -> str:
    where = f" in In[{cell}]" if cell is not None else ""
    if not known:
        return f"Nothing happened{where or ' yet'}."
    earlier = f", {known - shown:,} earlier ones not shown" if shown < known else ""
    return f"{counted(shown, 'event')}{where}{earlier}"


# ── text ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
def _text(snapshot: Snapshot, title: str, events: list[Event]) -> str:
    lines = [*header(snapshot), "", title]
    wide = max((len(str(event["event"])) for event in events), default=0)
    for cell, group in groupby(acts(events), lambda act: act.cell):
        lines.append(cell or "outside a cell")
        for act in group:
            lines.append(clip(f"  {cause_of(act)}"))
            lines += [_line(event, wide) for event in act.events]
    return "\n".join(line.rstrip() for line in lines)


def _line(event: Event, wide: int) -> str:
    inner = "  " if event["within"] else ""
    error = f"  ! {event['error']}" if event["error"] else ""
    return clip(f"    {event['event']:>{wide}}. {inner}{SIGNS[event['kind']]} {event['text']}{error}")


# ── HTML ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
def _html(snapshot: Snapshot, title: str, events: list[Event]) -> str:
    cells = [(cell, list(group)) for cell, group in groupby(acts(events), lambda act: act.cell)]
    parts = [m.padded(title)]
    for number, (cell, group) in enumerate(cells):
        count = sum(len(act.events) for act in group)
        words = m.join(m.element("b", cell or "outside a cell"), m.dim(f" {counted(count, 'event')}"))
        body = [m.element("summary", words), *map(_act, group)]
        parts.append(m.padded(m.element("details", *body, open="" if number == len(cells) - 1 else None)))
    return m.page(snapshot, "Timeline", *parts)


def _act(act: Act) -> m.Html:
    items = [_item(event) for event in act.events]
    return m.element(
        "div",
        m.strong(cause_of(act)),
        m.element("ol", *items, style="margin:0;padding-left:44px"),
        style=f"border-left:3px solid {m.LINE};padding:2px 8px;margin:4px 0",
    )


def _item(event: Event) -> m.Html:
    style = f"padding-left:{16 if event['within'] else 0}px;overflow-wrap:break-word"
    mono = event["kind"] in ("sql", "flush", "transaction")
    words = m.span(event["text"], m.MONO) if mono else m.join(event["text"])
    if event["error"]:
        style += f";color:{m.INK};background-color:{m.BAD}"
        words = m.join(words, " ", m.element("b", f"! {event['error']}"))
    return m.element("li", m.dim(f"{event['kind']} "), words, value=event["event"], style=style)
