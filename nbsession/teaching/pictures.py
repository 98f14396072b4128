"""Questions, answers, verdicts and hints as text and as HTML. Knows what is said; not when, and no widget."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from nbsession.notebook.views import markup as m
from nbsession.notebook.views.plain import wrap
from nbsession.notebook.views.view import View
from nbsession.teaching.lesson import Choice, Prediction

ACCENT = {"ask": "#0072B2", "right": "#009E73", "wrong": "#D55E00", "plain": "#999999"}
"""Okabe and Ito's colours of the bar at the left; the words say the same"""
MARK = {"ask": "?", "right": "✓", "wrong": "✗", "plain": "·"}


def note(kind: str, title: str, lines: Iterable[str] = (), code: str = "", below: View | None = None) -> View:
    """Something said to the learner.

    :param kind: ``ask``, ``right``, ``wrong`` or ``plain``.
    :param lines: paragraphs; what stands between backticks is code.
    :param code: Python, shown as it is.
    :param below: a view shown under it.
    """
    lines = list(lines)
    text = wrap(f"{MARK[kind]} {plain(title)}")
    for line in lines:
        text += wrap(plain(line), "  ")
    text += [f"    {line}".rstrip() for line in code.splitlines()]
    body = [m.element("div", rich(line), style="margin-top:3px") for line in lines]
    if code:
        style = f"background-color:{m.PANEL};color:{m.INK};padding:6px 10px;margin:6px 0 0;overflow-x:auto"
        body.append(m.element("pre", m.Html(escape(code)), style=style))
    head = m.element("b", rich(f"{MARK[kind]} {title}"))
    html: str = m.element("div", head, *body, style=frame(kind))
    if below is not None:
        text += ["", below.text]
        html = m.element("div", m.Html(html), m.Html(below.html))
    return View("\n".join(text), html)


def frame(kind: str) -> str:
    """The style of what is said: a bar at the left, dark letters on light paper."""
    bar = f"border-left:5px solid {ACCENT[kind]}"
    return f"{bar};background-color:{m.PANEL};color:{m.INK};padding:6px 12px;font-size:14px;max-width:980px"


def rich(text: str) -> m.Html:
    """The text as HTML; what stands between `backticks` is code."""
    pieces = text.split("`")
    style = f"{m.MONO};background-color:{m.PAPER};color:{m.INK};padding:0 2px"
    return m.join(*(m.element("code", piece, style=style) if n % 2 else piece for n, piece in enumerate(pieces)))


# ── predictions ──────────────────────────────────────────────────────────────────────────────────────────────────────
def question(asked: Prediction, locked: str | None) -> View:
    """A question with its choices, and how to answer it.

    :param locked: the letter that is locked, if one is.
    """
    text = wrap(f"? {kind(asked)} {asked.id}: {plain(asked.question)}")
    for letter, choice in asked.choices.items():
        first, *rest = wrap(plain(choice.text), "       ")
        text += [f"  {'>' if letter == locked else ' '} {letter}) {first.lstrip()}", *rest]
    text += wrap(plain(how(asked, locked)), "  ")
    items = [
        m.element(
            "div",
            m.element("b", f"{letter}) "),
            rich(choice.text),
            " ← yours" if letter == locked else "",
            style="padding:1px 12px",
        )
        for letter, choice in asked.choices.items()
    ]
    head = m.element("div", heading(asked))
    foot = m.element("div", rich(how(asked, locked)), style=f"color:{m.DIM};font-size:85%")
    return View("\n".join(text), m.element("div", head, *items, foot, style=frame("ask")))


def kind(asked: Prediction) -> str:
    """What is asked for: what will happen, or the rule behind it."""
    return "prediction" if asked.evidence else "the rule"


def heading(asked: Prediction) -> m.Html:
    """A question without its choices."""
    return m.join(m.element("b", f"? {kind(asked)} {asked.id} "), rich(asked.question))


def framed(html: str) -> str:
    """HTML with the bar of a question."""
    return m.element("div", m.Html(html), style=frame("ask"))


def how(asked: Prediction, locked: str | None) -> str:
    """What to do next with a question."""
    then = ", then run the next cell" if asked.evidence else "; the answer follows"
    if locked is not None:
        return "Locked. Run the next cell." if asked.evidence else "Locked."
    first = next(iter(asked.choices))
    return f"Choose and lock{then}. Or type: `%predict {asked.id} {first}`"


def revealed(asked: Prediction, answer: str | None) -> View:
    """What was right and why.

    :param answer: the letter that was locked; None or empty if nobody predicted.
    """
    right = asked.choices[asked.answer]
    told = f"{asked.answer}) {right.text}"
    if not answer:
        return note("plain", f"{asked.id}: the answer is {told}", [asked.because])
    if answer == asked.answer:
        return note(
            "right",
            f"{asked.id}: you said {told}, and so it is",
            [line for line in (right.reply, asked.because) if line],
        )
    chosen: Choice = asked.choices[answer]
    title = f"{asked.id}: you said {answer}) {chosen.text}; it is {told}"
    return note("wrong", title, [line for line in (chosen.reply, asked.because) if line])


def plain(text: str) -> str:
    """The text without its backticks."""
    return text.replace("`", "")
