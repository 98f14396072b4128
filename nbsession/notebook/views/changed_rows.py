"""The changes since BEGIN, for a review before commit: sent or waiting, before and after. Knows plain data only."""

from __future__ import annotations

from nbsession.notebook.recording.snapshots import Snapshot
from nbsession.notebook.reporting.reports import Comparison, RowDifference, TableComparison, Waiting
from nbsession.notebook.views import markup as m
from nbsession.notebook.views.outside_view import seen
from nbsession.notebook.views.plain import clip, counted, header, listed, wrap
from nbsession.notebook.views.view import View

SHOWN = 30
BY = {"session": "by a flush", "SQL": "by SQL of your own"}
SIGN = {"INSERT": "+", "UPDATE": "*", "DELETE": "-"}


def view(snapshot: Snapshot, comparison: Comparison, waiting: list[Waiting]) -> View:
    """What commit() would make permanent.

    :param comparison: what was sent, beside what is committed.
    :param waiting: what no flush has sent yet.
    """
    return View(_text(snapshot, comparison, waiting), _html(snapshot, comparison, waiting))


def verb(row: RowDifference) -> str:
    """What was done to a row."""
    if row["outside"] is None:
        return "INSERT"
    return "DELETE" if row["here"] is None else "UPDATE"


def own(table: TableComparison) -> list[RowDifference]:
    """The rows that this transaction changed."""
    return [row for row in table["rows"] if row["by"] != "others"]


def meanwhile(comparison: Comparison) -> str:
    """What somebody else committed since this transaction began, which no commit or rollback here touches."""
    rows = [row["label"] for table in comparison["tables"] for row in table["rows"] if row["by"] == "others"]
    return f"Committed by somebody else meanwhile, not seen here: {listed(rows, 6)}." if rows else ""


def pairs(row: RowDifference) -> list[list[str]]:
    """Column, value before, value now, of what differs; a value that is not there is empty."""
    before, now = row["outside"] or {}, row["here"] or {}
    names = list(dict.fromkeys([*before, *now]))
    return [
        [name, before.get(name, ""), now.get(name, "")] for name in names if before.get(name, "") != now.get(name, "")
    ]


def verdict(comparison: Comparison, waiting: list[Waiting]) -> str:
    """What a commit would do, in one sentence."""
    sent = sum(len(own(table)) + table["more"] for table in comparison["tables"])
    parts = [f"{counted(sent, 'row')} changed in this transaction"] if sent else []
    parts += [f"{counted(len(waiting), 'change')} not sent yet"] if waiting else []
    if not parts:
        return "Nothing has changed since BEGIN." if comparison["possible"] else ""
    return f"{' and '.join(parts)}: session.commit() keeps all of it, session.rollback() none."


# ── text ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
def _text(snapshot: Snapshot, comparison: Comparison, waiting: list[Waiting]) -> str:
    lines = [*header(snapshot), "", *wrap(verdict(comparison, waiting))]
    if not comparison["possible"]:
        lines += wrap(f"Rows that were sent cannot be compared: {comparison['why_not']}")
    for table in comparison["tables"]:
        rows = own(table)
        if not rows and not table["more"]:
            if table["here"] != table["outside"] and not table["rows"]:
                counts = f"  {seen(table['outside'])} → {seen(table['here'])} {table['note']}"
                lines += ["", clip(table["table"]), clip(counts)]
            continue
        lines += ["", clip(f"{table['table']}: sent, not committed")]
        for row in rows[:SHOWN]:
            lines += _row_text(verb(row), row["label"], pairs(row), BY[row["by"]])
        hidden = len(rows[SHOWN:]) + table["more"]
        lines += [f"  … {hidden:,} more"] if hidden else []
        lines += wrap(f"note: {table['note']}", "  ") if table["note"] else []
    if waiting:
        lines += ["", "waiting for a flush"]
        for change in waiting[:SHOWN]:
            lines += _row_text(change["what"], change["label"], change["values"], "")
        if len(waiting) > SHOWN:
            lines.append(f"  … {len(waiting) - SHOWN:,} more")
    theirs = meanwhile(comparison)
    lines += ["", *wrap(theirs)] if theirs else []
    return "\n".join(line.rstrip() for line in lines)


def _row_text(what: str, label: str, values: list[list[str]], by: str) -> list[str]:
    lines = [clip(f"  {SIGN[what]} {what} {label}{f' ({by})' if by else ''}")]
    for name, before, now in values:
        change = f"{clip(before, 30)} → {now}" if before and now else f"→ {now}" if now else before
        lines.append(clip(f"      {name}  {change}"))
    return lines


# ── HTML ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
def _html(snapshot: Snapshot, comparison: Comparison, waiting: list[Waiting]) -> str:
    parts = [m.padded(m.element("b", verdict(comparison, waiting)))]
    if not comparison["possible"]:
        parts.append(m.padded(f"Rows that were sent cannot be compared: {comparison['why_not']}"))
    rows = []
    for table in comparison["tables"]:
        for row in own(table):
            rows.append(_row(verb(row), row["label"], pairs(row), f"{table['table']}, {BY[row['by']]}"))
        notes = [f"… {table['more']:,} more in {table['table']}"] if table["more"] else []
        notes += [f"{table['table']}: {table['note']}"] if table["note"] else []
        rows += [m.element("tr", m.cell(m.dim(note))) for note in notes]
    rows += [_row(change["what"], change["label"], change["values"], "not sent yet") for change in waiting[:SHOWN]]
    if len(waiting) > SHOWN:
        rows.append(m.element("tr", m.cell(m.dim(f"… {len(waiting) - SHOWN:,} more not sent yet"))))
    if rows:
        heads = m.heads("change", "row", "before → after", "where it stands")
        parts.append(m.table(heads, *rows, style="width:100%;table-layout:auto"))
    theirs = meanwhile(comparison)
    parts += [m.padded(m.dim(theirs))] if theirs else []
    return m.page(snapshot, "Changes since BEGIN", *parts)


def _row(what: str, label: str, values: list[list[str]], where: str) -> m.Html:
    shown = [
        m.element("div", m.span(f"{name} ", m.MONO), m.change(before or None, now or None))
        for name, before, now in values
    ]
    return m.element(
        "tr",
        m.cell(m.tag(f"{SIGN[what]} {what}")),
        m.cell(m.span(label, m.MONO), head=True, scope="row"),
        m.cell(*shown, style="overflow-wrap:break-word"),
        m.cell(m.dim(where)),
    )
