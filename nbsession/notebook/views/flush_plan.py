"""The flush plan: what a flush would send, in which order, and why. Knows a snapshot only; sends nothing."""

from __future__ import annotations

from nbsession.notebook.recording.snapshots import PlanStep, Snapshot
from nbsession.notebook.views import markup as m
from nbsession.notebook.views.plain import clip, counted, header, listed, wrap
from nbsession.notebook.views.view import View

NOTHING = "Nothing to flush: no object is new, changed or marked for deletion."
SHOWN = 30


def view(snapshot: Snapshot) -> View:
    """The plan."""
    return View(_text(snapshot), _html(snapshot))


def summary(snapshot: Snapshot) -> str:
    """The plan in a few words: how many steps, for how many rows."""
    steps = snapshot.plan["steps"]
    rows = sum(step["count"] for step in steps)
    return f"A flush would send {counted(len(steps), 'step')} for {counted(rows, 'row')}; nothing was sent now."


def why(step: PlanStep) -> str:
    """Why a step stands where it stands: ``after 1: loan_id needs the key of Loan+1``."""
    after = f"after {listed(map(str, step['after']), 6)}" if step["after"] else ""
    return ": ".join(part for part in (after, "; ".join(step["reasons"])) if part)


def verb(step: PlanStep) -> str:
    """A step's statement in short: ``INSERT loan_line × 2``."""
    return f"{step['verb']} {step['table']}" + (f" × {step['count']:,}" if step["count"] > 1 else "")


# ── text ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
def _text(snapshot: Snapshot) -> str:
    plan = snapshot.plan
    lines = [*header(snapshot), ""]
    lines += wrap(summary(snapshot)) if plan["steps"] else [NOTHING] if not plan["notes"] else []
    for step in plan["steps"][:SHOWN]:
        lines.append(clip(f"{step['number']:>2}. {verb(step)}  {step['label']}"))
        values = ", ".join(f"{column} = {value}" for column, value in step["parameters"])
        if values:
            lines.append(clip(f"      {values}"))
        lines += wrap(why(step), "      ")
    if len(plan["steps"]) > SHOWN:
        lines.append(f"    … {len(plan['steps']) - SHOWN:,} more")
    for label, reason in plan["skipped"][:SHOWN]:
        lines += wrap(f"skipped: {label}, {reason}")
    if len(plan["skipped"]) > SHOWN:
        lines.append(f"skipped: … {len(plan['skipped']) - SHOWN:,} more")
    for note in plan["notes"][:SHOWN]:
        lines += wrap(f"note: {note}")
    return "\n".join(line.rstrip() for line in lines)


# ── HTML ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
def _html(snapshot: Snapshot) -> str:
    plan = snapshot.plan
    parts: list[m.Html] = []
    if plan["steps"]:
        parts.append(m.padded(summary(snapshot)))
        heads = m.heads("", "statement", "objects", "values", "why here")
        parts.append(m.table(heads, *map(_row, plan["steps"][:SHOWN]), style="width:100%;table-layout:auto"))
        if len(plan["steps"]) > SHOWN:
            parts.append(m.padded(m.dim(f"… {len(plan['steps']) - SHOWN:,} more")))
    elif not plan["notes"]:
        parts.append(m.padded(NOTHING))
    rest = [m.element("li", f"skipped: {label}, {reason}") for label, reason in plan["skipped"][:SHOWN]]
    rest += [m.element("li", f"note: {note}") for note in plan["notes"][:SHOWN]]
    if rest:
        parts.append(m.padded(m.element("ul", *rest, style="margin:0;padding-left:20px")))
    return m.page(snapshot, "Flush plan", *parts)


def _row(step: PlanStep) -> m.Html:
    values = [m.join(column, " = ", m.span(value, m.MONO), m.element("br")) for column, value in step["parameters"]]
    more = m.dim("the first of them") if step["count"] > 1 and values else m.Html("")
    return m.element(
        "tr",
        m.cell(f"{step['number']}.", head=True, scope="row"),
        m.cell(m.strong(verb(step))),
        m.cell(m.span(step["label"], m.MONO)),
        m.cell(*values, more, style="overflow-wrap:break-word"),
        m.cell(why(step)),
    )
