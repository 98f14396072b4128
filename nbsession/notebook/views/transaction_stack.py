"""The transaction stack: what survives if you stop now. Knows a snapshot only."""

from __future__ import annotations

from nbsession.notebook.recording.snapshots import Frame, Snapshot
from nbsession.notebook.views import markup as m
from nbsession.notebook.views.plain import clip, counted, header, wrap
from nbsession.notebook.views.view import View


def view(snapshot: Snapshot) -> View:
    """The stack."""
    return View(_text(snapshot), _html(snapshot))


def done_in(frame: Frame) -> str:
    """What a frame holds: ``2 statements, 4 rows written``."""
    if not frame["statements"]:
        return "nothing sent yet"
    written = f"{counted(frame['rows'], 'row')} written" if frame["rows"] else "nothing written"
    return f"{counted(frame['statements'], 'statement')}, {written}"


def outcome(snapshot: Snapshot) -> str:
    """What survives if everything stopped now."""
    transaction = snapshot.transaction
    if not transaction["frames"]:
        return "No transaction is open: everything that was committed survives, and nothing is waiting."
    rows = sum(frame["rows"] for frame in transaction["frames"])
    if transaction["state"] == "failed":
        return "The transaction failed: nothing of it can be committed any more."
    if not rows:
        return "If you stop now nothing is lost: no row was written in this transaction."
    return (
        f"If you stop now {counted(rows, 'row')} written here would be lost; session.commit() keeps what was written."
    )


# ── text ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
def _text(snapshot: Snapshot) -> str:
    lines = [*header(snapshot), ""]
    for depth, frame in enumerate(snapshot.transaction["frames"]):
        failed = "" if frame["state"] == "active" else f" ! {frame['state']}"
        where = f" {frame['cell']}" if frame["cell"] else ""
        lines.append(clip(f"{'  ' * min(depth, 20)}[{frame['name']}]{where}: {done_in(frame)}{failed}"))
    lines += wrap(outcome(snapshot))
    return "\n".join(line.rstrip() for line in lines)


# ── HTML ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
def _html(snapshot: Snapshot) -> str:
    boxes = m.Html("")
    for frame in reversed(snapshot.transaction["frames"]):
        boxes = _box(frame, boxes)
    return m.page(snapshot, "Transaction stack", m.padded(boxes, m.element("div", m.element("b", outcome(snapshot)))))


def _box(frame: Frame, inner: m.Html) -> m.Html:
    edge = m.FILL["P"] if frame["kind"] == "savepoint" else "#8a929e"
    failed = frame["state"] != "active"
    return m.element(
        "div",
        m.strong(frame["name"]),
        m.dim(f" {frame['cell'] or ''} "),
        m.tag(f"! {frame['state']}") if failed else "",
        m.element("div", m.dim(done_in(frame))),
        inner,
        style=f"border:1px solid {edge};border-left:4px solid {edge};border-radius:5px;padding:4px 8px;margin:4px 0;"
        f"color:{m.INK};background-color:{m.BAD if failed else m.PAPER}",
    )
