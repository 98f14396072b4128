"""Draws the figures as a table. Knows nothing of how they came about."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

HEADER = ("work", "raw ms", "nbsession ms", "SQLAlchemy ms", "× raw", "goal", "faster than SQLAlchemy", "goal")


def table(found: dict[str, Any]) -> Iterator[str]:
    """The lines of one setting's table.

    :param found: what :func:`benchmarks.one.run` returned.
    """
    yield ""
    yield found["title"] + (f", {found['n']:,} objects" if "n" in found else "")
    for remark in found["remarks"]:
        yield f"  ({remark})"
    if not found["lines"]:
        return
    rows = [HEADER, *(_row(line) for line in found["lines"])]
    widths = [max(len(row[at]) for row in rows) for at in range(len(HEADER))]
    for number, row in enumerate(rows):
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        yield "  " + "  ".join(cells)
        if number == 0:
            yield "  " + "  ".join("─" * width for width in widths)


def _row(line: dict[str, Any]) -> tuple[str, ...]:
    sides, goal = line["sides"], line["goal"] or {"raw": None, "peer": None}
    raw, faster = line["times_raw"], line["times_faster"]
    return (
        line["work"],
        _milliseconds(sides.get("raw")),
        _milliseconds(sides.get("nbsession")),
        _milliseconds(sides.get("sqlalchemy")),
        _times(raw),
        _goal(raw, goal["raw"], at_most=True),
        _times(faster),
        _goal(faster, goal["peer"], at_most=False),
    )


def _milliseconds(median: dict[str, Any] | None) -> str:
    return "–" if median is None else f"{median['seconds'] * 1000:.2f}"


def _times(ratio: float | None) -> str:
    return "–" if ratio is None else f"×{ratio:.1f}" if ratio >= 10 else f"×{ratio:.2f}"


def _goal(ratio: float | None, goal: float | None, *, at_most: bool) -> str:
    if goal is None:
        return ""
    text = f"{'≤' if at_most else '≥'}{goal:g}"
    if ratio is None:
        return text
    return f"{text} {'✓' if (ratio <= goal if at_most else ratio >= goal) else '✗'}"


def facts(found: dict[str, Any]) -> Iterator[str]:
    """The lines that say what publishing costs when nobody listens.

    :param found: what :func:`benchmarks.facts.run` returned.
    """
    yield ""
    yield f"A fact costs nothing when nobody listens: SQLite, memory, {found['n']:,} objects"
    yield f"  nbsession against a copy of it with its {found['removed']} publishing blocks taken out,"
    yield "  and against a copy with nothing taken out (what differs there is noise)"
    width = max(len(line["work"]) for line in found["lines"])
    for line in found["lines"]:
        yield f"  {line['work'].ljust(width)}  with/without ×{line['ratio']:.3f}   noise ×{line['noise']:.3f}"


def dashboard(found: dict[str, Any]) -> Iterator[str]:
    """The lines that say what an open dashboard costs.

    :param found: what :func:`benchmarks.dashboard.run` returned.
    """
    flush, storm, paint = found["flush"], found["storm"], found["paint"]
    yield ""
    yield "An open dashboard: SQLite, memory"
    for work in ("insert", "update"):
        yield f"  CPU time of a flush of {found['n']:,} objects ({work})  with/without ×{flush[work]:.2f}   goal ≤1.1"
    yield (
        f"  {storm['events']:,.0f} events a second: {storm['messages']:.0f} messages a second, "
        f"{storm['kilobytes']:,.0f} kB a second, {100 * storm['cpu']:.0f} % of a core, events included"
    )
    yield (
        f"  from an event to its paint in Chromium: median {paint['median']:.0f} ms, 95 % within {paint['95 %']:.0f} ms, "
        f"longest {paint['longest']:.0f} ms   goal 95 % ≤100   ({100 * paint['seen']:.0f} % were seen)"
    )
