"""The SQL log: what was sent, with which values, how often and why. Knows a snapshot only."""

from __future__ import annotations

from dataclasses import dataclass

from nbsession.notebook.recording.snapshots import LogEntry, Repeat, Snapshot
from nbsession.notebook.views import markup as m
from nbsession.notebook.views.plain import clip, counted, hanging, header, wrap
from nbsession.notebook.views.state_board import because
from nbsession.notebook.views.view import View

GROUPS_SHOWN = 30
SQL_SHOWN = 1200
"""characters of one statement that the text shows"""


@dataclass(frozen=True, slots=True)
class Group:
    """Entries one after the other that sent the same statement for the same reason."""

    entries: tuple[LogEntry, ...]

    @property
    def first(self) -> LogEntry:
        """The one that is shown."""
        return self.entries[0]

    @property
    def numbers(self) -> str:
        """``4`` or ``4–34``."""
        first, last = self.entries[0]["n"], self.entries[-1]["n"]
        return str(first) if first == last else f"{first}–{last}"


def view(
    snapshot: Snapshot,
    *,
    cell: int | None = None,
    last: int | None = None,
    internal: bool = False,
    between: tuple[int, int] | None = None,
) -> View:
    """The log.

    :param cell: show only what this cell sent.
    :param last: show only so many statements.
    :param internal: show also what the engine asked for itself.
    :param between: only statements that are events with numbers from the first to the second, and their repeats.
    """
    known = [entry for entry in snapshot.log if internal or not entry["internal"]]
    entries = [entry for entry in known if cell is None or entry["cell"] == f"In[{cell}]"]
    if last is not None:
        entries = entries[-last:] if last > 0 else []
    repeats = [each for each in snapshot.repeats if cell is None or each["cell"] == f"In[{cell}]"]
    if between is not None:
        entries = [entry for entry in entries if between[0] <= entry["event"] <= between[1]]
        numbers = {entry["n"] for entry in entries}
        repeats = [each for each in repeats if {each["first"], each["last"]} <= numbers]
    groups = grouped(entries)
    title = _title(snapshot, len(entries), len(known), cell)
    return View(_text(snapshot, title, groups, repeats), _html(snapshot, title, groups, repeats))


def grouped(entries: list[LogEntry]) -> list[Group]:
    """Entries, with runs of the same statement made one."""
    groups: list[list[LogEntry]] = []
    for entry in entries:
        if groups and _alike(groups[-1][-1], entry):
            groups[-1].append(entry)
        else:
            groups.append([entry])
    return [Group(tuple(group)) for group in groups]


def _alike(one: LogEntry, other: LogEntry) -> bool:
    return all(one[key] == other[key] for key in ("sql", "cause", "cell", "error", "internal"))


def _title(snapshot: Snapshot, shown: int, known: int, cell: int | None) -> str:
    where = f" sent by In[{cell}]" if cell is not None else ""
    forgotten = "; older ones are not kept here" if snapshot.log_total > len(snapshot.log) else ""
    if not shown:
        return f"No statement{where or ' sent yet'}{forgotten}."
    return f"{counted(shown, 'statement')}{f' of {known:,}' if shown < known else ''}{where}{forgotten}"


def came_back(group: Group) -> str:
    """What a statement did: ``39 rows``, ``2 sets of values, 2 rows``, or its error."""
    entry = group.first
    if entry["error"]:
        return f"! {entry['error']}"
    rows = sum(each["rows"] or 0 for each in group.entries)
    known = any(each["rows"] is not None for each in group.entries)
    parts = [counted(entry["executions"], "set") + " of values"] if entry["executions"] > 1 else []
    parts += [counted(rows, "row")] if known else []
    return ", ".join(parts)


def badge(group: Group) -> str:
    """``×31, the same statement`` for a run."""
    return f"×{len(group.entries)}, the same statement" if len(group.entries) > 1 else ""


def told(repeat: Repeat) -> str:
    """An N+1 in words: ``Member.loans was loaded 31 times, a statement each (In[5], line 2: len(m.loans))``."""
    where = because(repeat["cell"] or "", repeat["line"])
    times = f"{repeat['attribute']} was loaded {repeat['count']:,} times, a statement each"
    return f"{times} ({where})" if where else times


# ── text ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
def _text(snapshot: Snapshot, title: str, groups: list[Group], repeats: list[Repeat]) -> str:
    lines = [*header(snapshot), "", title]
    for repeat in repeats:
        lines += [*hanging("N+1: ", told(repeat)), clip(f"     once for all: {repeat['fix']}")]
    if len(groups) > GROUPS_SHOWN:
        lines.append(f"… {len(groups) - GROUPS_SHOWN:,} earlier")
    for group in groups[-GROUPS_SHOWN:]:
        entry = group.first
        notes = [because(entry["cause"], entry["cell"]), badge(group), "internal" if entry["internal"] else ""]
        lines.append(clip(f"{group.numbers}. {' · '.join(note for note in notes if note)}"))
        sql = entry["sql"]
        lines += wrap(sql if len(sql) <= SQL_SHOWN else f"{sql[:SQL_SHOWN]}… ({len(sql):,} characters)", "    ")
        result = came_back(group)
        values = f"({', '.join(entry['params'])})" if entry["params"] else ""
        lines += [clip(f"      with {values}")] if values else []
        lines += [clip(f"      {result}" if entry["error"] else f"      → {result}")] if result else []
    return "\n".join(line.rstrip() for line in lines)


# ── HTML ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
def _html(snapshot: Snapshot, title: str, groups: list[Group], repeats: list[Repeat]) -> str:
    parts = [m.padded(title), *map(_repeat, repeats)]
    if groups:
        rows = map(_row, groups[-GROUPS_SHOWN:])
        parts.append(
            m.table(
                m.heads("", "statement", "values", "result", "because"), *rows, style="width:100%;table-layout:auto"
            )
        )
    if len(groups) > GROUPS_SHOWN:
        parts.append(m.padded(m.dim(f"… {len(groups) - GROUPS_SHOWN:,} earlier")))
    return m.page(snapshot, "SQL log", *parts)


def _repeat(repeat: Repeat) -> m.Html:
    style = f"background-color:{m.NEW};color:{m.INK};border-left:5px solid {m.FILL['P']};padding:4px 10px"
    fix = m.element("div", "once for all: ", m.span(repeat["fix"], m.MONO))
    return m.element("div", m.element("b", "N+1 "), told(repeat), fix, style=f"{style};overflow-wrap:break-word")


def _row(group: Group) -> m.Html:
    entry = group.first
    ground = f"background-color:{m.BAD};" if entry["error"] else ""
    wide = f"{ground}{m.MONO};overflow-wrap:break-word;"
    marks = [m.tag(text) for text in (badge(group), "internal" if entry["internal"] else "") if text]
    return m.element(
        "tr",
        m.cell(f"{group.numbers}.", style=ground, head=True, scope="row"),
        m.cell(_sql(entry["sql"]), *marks, style=wide),
        m.cell(", ".join(entry["params"]), style=wide),
        m.cell(came_back(group), style=ground),
        m.cell(m.dim(because(entry["cause"], entry["cell"])), style=ground),
    )


def _sql(sql: str) -> m.Html:
    if len(sql) <= 300:
        return m.join(sql)
    return m.element("details", m.element("summary", f"{sql[:200]}…"), sql[:20_000])
