"""Building HTML that survives JupyterLab's sanitiser. Knows elements, escaping and colours; not what is shown.

No script, style sheet, SVG, ``data-*`` or ``var()``: tables, ``<details>``, ``title`` and literal colours stay. Every
surface has its own background with dark letters on it, so that a view reads the same on a light and on a dark page.
"""

from __future__ import annotations

from html import escape

from nbsession.notebook.recording.snapshots import LANES, Card, Snapshot
from nbsession.notebook.views.plain import one_line, session_line, stamp

INK, DIM, PAPER, PANEL, LINE, NEW = "#1c2430", "#55606f", "#ffffff", "#f7f8fa", "#dfe3e8", "#fff6df"
GONE, MADE, BAD = "#a33d00", "#00684d", "#ffe9df"
FILL = {"T": "#999999", "P": "#E69F00", "S": "#0072B2", "X": "#D55E00", "D": "#CC79A7"}
"""Okabe and Ito's colours, which differ for every kind of colour vision; the letter says the same"""
LETTERING = {"T": "#000000", "P": "#000000", "S": "#ffffff", "X": "#000000", "D": "#000000"}
BORDER = {"T": "dashed", "P": "dotted", "S": "solid", "X": "double", "D": "dashed"}
MONO = "font-family:monospace"
LETTER_OF = {state: letter for state, letter, *_ in LANES}


class Html(str):
    """Text that is HTML already. Every other string is escaped when it enters an element."""

    __slots__ = ()


def element(name: str, *children: str, **attributes: str | int | None) -> Html:
    """An element.

    :param children: what it holds: :class:`Html` as it is, other text escaped.
    :param attributes: its attributes; None leaves one out.

    >>> element("td", "<b>", title='a "b"')
    '<td title="a &quot;b&quot;">&lt;b&gt;</td>'
    """
    head = "".join(f' {key}="{escape(one_line(str(value)))}"' for key, value in attributes.items() if value is not None)
    return Html(f"<{name}{head}>" if name == "br" else f"<{name}{head}>{join(*children)}</{name}>")


def join(*children: str) -> Html:
    """Pieces one after the other; those that are not :class:`Html` are escaped."""
    return Html("".join(child if isinstance(child, Html) else escape(one_line(child)) for child in children))


def span(text: str, style: str, title: str | None = None) -> Html:
    """A styled piece of text."""
    return element("span", text, style=style, title=title)


def dim(text: str) -> Html:
    """Text of less weight."""
    return span(text, f"color:{DIM};font-size:85%")


def strong(text: str) -> Html:
    """A name."""
    return span(text, f"{MONO};font-weight:bold")


def badge(state: str) -> Html:
    """The letter of a state on its colour, with the word as title."""
    letter = LETTER_OF[state]
    colours = f"background-color:{FILL[letter]};color:{LETTERING[letter]}"
    return span(letter, f"{colours};padding:0 5px;border-radius:3px;font-weight:bold", state)


def tag(text: str, title: str | None = None) -> Html:
    """A word in a small frame."""
    return span(text, f"border:1px solid {DIM};border-radius:3px;padding:0 3px;font-size:80%;color:{INK}", title)


def flags(card: Card) -> Html:
    """The marks of an object: ``* dirty``, ``~ expired``, ``! failed``, ``× to delete``."""
    return join(*(tag(f"{FLAG_SIGNS.get(flag, '')} {flag}".strip()) for flag in card["flags"]))


FLAG_SIGNS = {"dirty": "*", "expired": "~", "failed": "!", "to delete": "×"}


def change(committed: str | None, current: str | None) -> Html:
    """A value before and after."""
    old = element("del", committed, style=f"color:{GONE}") if committed is not None else Html("")
    new = element("ins", current or "", style=f"color:{MADE};font-weight:bold;text-decoration:none")
    return join(old, " → " if old else "", new)


def cell(*children: str, style: str = "", head: bool = False, **attributes: str | int | None) -> Html:
    """A cell of a table."""
    base = f"text-align:left;vertical-align:top;padding:3px 8px;color:{INK};background-color:{PAPER};"
    return element("th" if head else "td", *children, style=base + style, **attributes)


def table(*rows: Html, style: str = "") -> Html:
    """A table on white paper."""
    base = f"border-collapse:collapse;background-color:{PAPER};color:{INK};margin:0;font-size:13px;"
    return element("table", element("tbody", *rows), style=base + style)


def heads(*titles: str) -> Html:
    """The first row of a table."""
    style = f"border-bottom:1px solid {LINE};color:{DIM};font-weight:normal;font-size:85%"
    return element("tr", *(cell(title, style=style, head=True, scope="col") for title in titles))


def page(snapshot: Snapshot, title: str, *body: Html) -> str:
    """A whole view: what it is, of which session and when, an error if there is one, and the body."""
    head = element(
        "div",
        element("b", title),
        dim(f" {session_line(snapshot)} · {stamp(snapshot)}"),
        style=f"background-color:{PANEL};color:{INK};border-bottom:1px solid {LINE};padding:5px 10px",
    )
    frame = f"border:1px solid {LINE};border-radius:6px;background-color:{PAPER};color:{INK}"
    return element(
        "div", head, failure(snapshot), *body, style=f"{frame};font-size:13px;overflow-x:auto;max-width:980px"
    )


def failure(snapshot: Snapshot) -> Html:
    """The error of a failed transaction with what to do next, or nothing."""
    error = snapshot.transaction["error"]
    if error is None:
        return Html("")
    where = f" in {error['cell']}" if error["cell"] else ""
    return element(
        "div",
        element("b", f"! The transaction failed{where}: {error['type']}"),
        f" {error['message']}",
        element("br"),
        error["advice"],
        style=f"background-color:{BAD};color:{INK};padding:5px 10px;border-bottom:1px solid {LINE}",
    )


def padded(*children: str) -> Html:
    """A paragraph's worth of space around something."""
    return element("div", *children, style=f"padding:6px 10px;background-color:{PAPER};color:{INK}")
