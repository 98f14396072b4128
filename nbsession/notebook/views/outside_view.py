"""The outside view: what this session sees, beside what everyone else sees. Knows plain data only."""

from __future__ import annotations

from nbsession.notebook.recording.snapshots import Snapshot
from nbsession.notebook.reporting.reports import Comparison, RowDifference, TableComparison
from nbsession.notebook.views import markup as m
from nbsession.notebook.views.plain import clip, counted, header, pad, wrap
from nbsession.notebook.views.view import View

ROWS_SHOWN = 12
"""differing rows of one table that the text shows"""
RULE = "A flush sends rows to this transaction only; others see them after commit()."


def view(snapshot: Snapshot, comparison: Comparison) -> View:
    """The two sides."""
    return View(_text(snapshot, comparison), _html(snapshot, comparison))


def verdict(comparison: Comparison) -> str:
    """The difference in one sentence."""
    rows = sum(len(table["rows"]) + table["more"] for table in comparison["tables"])
    if rows:
        return f"{counted(rows, 'row')} {'is' if rows == 1 else 'are'} not the same outside. {RULE}"
    uneven = [table["table"] for table in comparison["tables"] if table["here"] != table["outside"]]
    if uneven:
        return f"Not the same outside: {', '.join(uneven)}. {RULE}"
    return "Everyone else sees what this session sees."


def seen(count: int) -> str:
    """A number of rows; a table that is not there."""
    return "no table" if count < 0 else f"{count:,}"


def values(row: RowDifference, side: str) -> str:
    """What one side sees of a row: the whole row if the other has none, else the values that differ."""
    here, outside = row["here"], row["outside"]
    mine, other = (here, outside) if side == "here" else (outside, here)
    if mine is None:
        return "no row"
    shown = mine if other is None else {name: value for name, value in mine.items() if value != other.get(name)}
    return ", ".join(f"{name} {value}" for name, value in shown.items())


# ── text ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
def _text(snapshot: Snapshot, comparison: Comparison) -> str:
    lines = [*header(snapshot), ""]
    if not comparison["possible"]:
        return "\n".join([*lines, *wrap(f"Nothing can be seen from outside: {comparison['why_not']}")])
    lines += [*wrap(verdict(comparison)), ""]
    if comparison["tables"]:
        wide = min(max(len(table["table"]) for table in comparison["tables"]), 30)
        lines.append(f"  {pad('table', wide)}  {pad('this session', 14)}everyone else")
    for table in comparison["tables"]:
        same = "  " if table["here"] == table["outside"] and not table["rows"] else "* "
        lines.append(clip(f"{same}{pad(table['table'], wide)}  {pad(seen(table['here']), 14)}{seen(table['outside'])}"))
        lines += wrap(table["note"], "    ") if table["note"] else []
        for row in table["rows"][:ROWS_SHOWN]:
            lines.append(clip(f"    {row['label']}  ({row['by']})"))
            lines.append(clip(f"      here     {values(row, 'here')}"))
            lines.append(clip(f"      outside  {values(row, 'outside')}"))
        hidden = len(table["rows"][ROWS_SHOWN:]) + table["more"]
        if hidden:
            lines.append(f"    … {hidden:,} more")
    return "\n".join(line.rstrip() for line in lines)


# ── HTML ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
def _html(snapshot: Snapshot, comparison: Comparison) -> str:
    if not comparison["possible"]:
        return m.page(snapshot, "Outside view", m.padded(f"Nothing can be seen from outside: {comparison['why_not']}"))
    heads = m.heads("table, row", "this session", "everyone else", "written by")
    rows = [row for table in comparison["tables"] for row in _rows(table)]
    parts = [m.padded(m.element("b", verdict(comparison)))]
    if rows:
        parts.append(m.table(heads, *rows, style="width:100%;table-layout:auto"))
    return m.page(snapshot, "Outside view", *parts)


def _rows(table: TableComparison) -> list[m.Html]:
    differs = table["here"] != table["outside"] or bool(table["rows"])
    ground = f"background-color:{m.NEW if differs else m.PAPER}"
    name = m.cell(m.strong(table["table"]), head=True, scope="row", style=ground)
    here, outside = m.cell(seen(table["here"]), style=ground), m.cell(seen(table["outside"]), style=ground)
    found = [m.element("tr", name, here, outside, m.cell(m.dim(table["note"]), style=ground))]
    for row in table["rows"]:
        found.append(
            m.element(
                "tr",
                m.cell(m.span(row["label"], m.MONO), style="padding-left:24px"),
                m.cell(values(row, "here"), style="overflow-wrap:break-word"),
                m.cell(values(row, "outside"), style="overflow-wrap:break-word"),
                m.cell(m.dim(row["by"])),
            )
        )
    if table["more"]:
        found.append(m.element("tr", m.cell(m.dim(f"… {table['more']:,} more"), style="padding-left:24px")))
    return found
