"""From the engine's flush plan to the plan of a snapshot. Planning sends no SQL; the flush itself may yet load more."""

from __future__ import annotations

import warnings
from itertools import islice
from typing import Any

from nbsession.notebook.recording.journal import Journal
from nbsession.notebook.recording.snapshots import Plan, PlanStep
from nbsession.notebook.reporting.card_builder import label_of, value_text

STEPS_SHOWN = 100
OBJECTS_NAMED = 3


def plan_of(session: Any, journal: Journal) -> Plan:
    """What a flush of the session would send, in order. A plan that cannot be made says why in its notes."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they are the flush's to give: looking says nothing
            plan = session.flush_plan()
    except Exception as error:
        return {"steps": [], "skipped": [], "notes": [f"cannot be planned: {type(error).__name__}: {error}"]}
    skipped = [[label_of(obj, journal), str(reason)] for obj, reason in islice(plan.skipped, STEPS_SHOWN)]
    steps = [_step(step, journal) for step in islice(plan.steps, STEPS_SHOWN)]
    notes = [str(note) for note in islice(plan.notes, STEPS_SHOWN)]
    if len(plan.steps) > STEPS_SHOWN:
        notes.append(f"{len(plan.steps) - STEPS_SHOWN:,} more steps")
    return {"steps": steps, "skipped": skipped, "notes": notes}


def _step(step: Any, journal: Journal) -> PlanStep:
    first = next(iter(step.rows()), None)
    values = {} if first is None else first[1]
    count = step.count
    named = [label_of(obj, journal) for obj in islice(step.objects, OBJECTS_NAMED)]
    named += [
        f"{label_of(here, journal)} – {label_of(there, journal)}"
        for here, there in islice(step.links_between, OBJECTS_NAMED)
    ]
    if count > len(named):
        named.append(f"… {count - len(named):,} more")
    return {
        "number": step.number,
        "verb": step.verb,
        "table": step.table,
        "label": ", ".join(named),
        "parameters": [[str(column), _value(value, journal)] for column, value in values.items()],
        "count": count,
        "after": list(step.after),
        "reasons": [str(reason) for reason in step.reasons],
    }


def _value(value: Any, journal: Journal) -> str:
    awaited = getattr(value, "object", None) if type(value).__name__ == "KeyOf" else None
    return value_text(value) if awaited is None else f"key of {label_of(awaited, journal)}"
