"""The error card: what an error means, what is true now, what to type next. Added under a traceback. Plain data only."""

from __future__ import annotations

from nbsession.notebook.reporting.reports import ErrorReport
from nbsession.notebook.views import markup as m
from nbsession.notebook.views.plain import clip, wrap
from nbsession.notebook.views.view import View

LINES = 12
"""what a card takes under a traceback, at most"""


def view(report: ErrorReport) -> View:
    """The card."""
    return View(_text(report), _html(report))


def headline(report: ErrorReport) -> str:
    """The error and where it came from."""
    where = f" in {report['cell']}" if report["cell"] else ""
    return f"! {report['type']}{where}"


def came_first(report: ErrorReport) -> str:
    """The error that came first, if it was another."""
    original = report["original"]
    if original is None:
        return ""
    where = f" in {original['cell']}" if original["cell"] else ""
    return f"it began{where}: {original['type']}: {original['message']}"


def _text(report: ErrorReport) -> str:
    lines = [clip(headline(report)), *wrap(report["plain"], "  ")[:2]]
    lines += [clip(f"  {came_first(report)}")] if report["original"] else []
    lines += wrap(f"rule: {report['rule']}", "  ")[:2]
    lines += wrap(f"now: {'; '.join(report['now'])}", "  ")[:2] if report["now"] else []
    elsewhere = ", ".join(f"{word} in {library}" for library, word in report["elsewhere"])
    last = wrap(f"elsewhere: {elsewhere}", "  ")[:2] if elsewhere else []
    room = LINES - len(lines) - len(last)
    lines += [clip(f"  > {command}  {effect}") for command, effect in report["next"][:room]]
    lines += last
    return "\n".join(line.rstrip() for line in lines)


def _html(report: ErrorReport) -> str:
    parts = [m.element("div", m.element("b", headline(report)), " ", report["plain"])]
    if report["original"]:
        parts.append(m.element("div", came_first(report)))
    parts.append(m.element("div", m.element("b", "rule "), report["rule"]))
    if report["now"]:
        parts.append(m.element("div", m.element("b", "now "), "; ".join(report["now"])))
    if report["next"]:
        items = [m.element("li", m.span(command, m.MONO), f" {effect}") for command, effect in report["next"]]
        parts.append(m.element("ul", *items, style="margin:4px 0;padding-left:20px"))
    if report["elsewhere"]:
        words = ", ".join(f"{library}: {word}" for library, word in report["elsewhere"])
        parts.append(m.element("details", m.element("summary", "The same elsewhere"), words))
    style = (
        f"border-left:5px solid {m.FILL['X']};background-color:{m.BAD};color:{m.INK};padding:6px 10px;font-size:13px"
    )
    return m.element("div", *parts, style=f"{style};max-width:980px;overflow-wrap:break-word")
