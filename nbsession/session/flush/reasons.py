"""Why a step of a flush plan waits for others: it needs keys that they make, or refers to rows that they write or let go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nbsession.session.flush.steps import Step


def explain(steps: Sequence[Step]) -> None:
    """Fills in ``after`` and ``reasons`` of each step. Every edge has a reason."""
    if len(steps) < 2:
        return
    makers = _Makers(steps)
    latest: dict[Any, Step] = {}
    for step in steps:
        reasons: dict[str, int] = {}
        if step.verb == "DELETE":
            _wait_for_referring_rows(step, latest, reasons)
        else:
            _wait_for_keys(step, makers, reasons)
            _wait_for_referred_rows(step, latest, reasons)
        step.after = tuple(sorted(set(reasons.values())))
        step.reasons = tuple(reasons)
        latest[step.source, step.verb] = step


class _Makers:
    """Which step makes an object's key; worked out when first asked."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self._steps = steps
        self._found: dict[int, Step] | None = None

    def of(self, obj: Any) -> Step | None:
        """The step that inserts the object, if one does."""
        if self._found is None:
            self._found = {id(o): s for s in self._steps if s.verb == "INSERT" and s.settles for o in s.objects}
        return self._found.get(id(obj))


def _wait_for_keys(step: Step, makers: _Makers, reasons: dict[str, int]) -> None:
    def needs(column: str, obj: Any, key: str) -> None:
        maker = makers.of(obj)
        if maker is not None and maker.number < step.number and maker.shape is not None:
            wanted = f"{maker.table}.{maker.shape.names.get(key, key)}"
            reasons[f"{step.table}.{column} needs {wanted} of step {maker.number}"] = maker.number

    if step.relationship is not None:
        for here, there in step.links_between:
            for obj, pairs in ((here, step.relationship.secondary_pairs), (there, step.relationship.target_pairs)):
                for key, column in pairs:
                    needs(column.name, obj, key)
        return
    assert step.shape is not None
    names = step.shape.names
    told: set[tuple[int, Any]] = set()
    for link in step.links:
        maker = makers.of(link.parent) if link.parent is not None else None
        if maker is not None and (maker.number, link.keys) not in told:
            told.add((maker.number, link.keys))
            for key, source in link.keys:
                if key in names:
                    needs(names[key], link.parent, source)
    if step.verb == "INSERT" and step.shape.taken_keys:
        for obj in step.objects:
            for key in step.shape.taken_keys:
                needs(names[key], obj, key)


def _wait_for_referred_rows(step: Step, latest: dict[Any, Step], reasons: dict[str, int]) -> None:
    """The rows that a foreign key refers to must be there, even where the key was given by hand."""
    if step.verb != "INSERT":
        return
    known = set(reasons.values())
    for fk in _foreign_keys(step):
        other = latest.get((fk.column.table, "INSERT"))
        if other is not None and other.source is not step.source and other.number not in known:
            said = f"{step.table}.{fk.parent.name} refers to rows of {other.table}, which step {other.number} inserts"
            reasons[said] = other.number


def _wait_for_referring_rows(step: Step, latest: dict[Any, Step], reasons: dict[str, int]) -> None:
    """A row can go when nothing refers to it any more."""
    for (_, verb), other in latest.items():
        if verb == "INSERT":
            continue
        for fk in _foreign_keys(other):
            if fk.column.table is not step.source:
                continue
            if verb == "DELETE":
                said = f"{other.table}.{fk.parent.name} refers to {step.table}: step {other.number} deletes those rows first"
                reasons[said] = other.number
            elif any(link.parent is None for link in other.links) and _writes(other, fk.parent):
                said = f"{other.table}.{fk.parent.name} refers to {step.table}: step {other.number} lets go of it first"
                reasons[said] = other.number


def _foreign_keys(step: Step) -> list[Any]:
    return sorted(step.source.foreign_keys, key=lambda fk: str(fk.parent.name)) if step.source.foreign_keys else []


def _writes(step: Step, column: Any) -> bool:
    return step.shape is not None and any(step.shape.fields[key] is column for key in step.columns)
