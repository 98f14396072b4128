"""Why a flush writes an object or not: the answer, what it rests on, what to type next. Knows plain data only."""

from __future__ import annotations

from nbsession.notebook.recording.snapshots import Snapshot
from nbsession.notebook.reporting.reports import WhyReport
from nbsession.notebook.views import markup as m
from nbsession.notebook.views.plain import clip, hanging, header, wrap
from nbsession.notebook.views.view import View


def view(snapshot: Snapshot, report: WhyReport) -> View:
    """The answer."""
    return View(_text(snapshot, report), _html(snapshot, report))


def _text(snapshot: Snapshot, report: WhyReport) -> str:
    lines = [*header(snapshot), "", *wrap(f"{report['label']}: {report['answer']}")]
    for reason in report["because"]:
        lines += hanging("  - ", reason)
    lines += [clip(f"  > {command}  {effect}") for command, effect in report["next"]]
    return "\n".join(line.rstrip() for line in lines)


def _html(snapshot: Snapshot, report: WhyReport) -> str:
    state = [m.badge(report["state"]), " "] if report["state"] else []
    parts = [m.padded(*state, m.strong(report["label"]), " ", m.element("b", report["answer"]))]
    if report["because"]:
        items = [m.element("li", reason) for reason in report["because"]]
        parts.append(m.padded(m.element("ul", *items, style="margin:0;padding-left:20px")))
    if report["next"]:
        items = [m.element("li", m.span(command, m.MONO), f" {effect}") for command, effect in report["next"]]
        parts.append(m.padded(m.element("ul", *items, style="margin:0;padding-left:20px")))
    return m.page(snapshot, "Why", *parts)
