"""A session as text that stays the same from run to run: for tests, logs and the eye. Loads nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbsession.events import safe_repr
from nbsession.session.batches import alive
from nbsession.session.cascade_preview import label
from nbsession.states import ObjectState
from nbsession.tracking.instance_state import NO_VALUE, OwnState, ident_of, state_of

if TYPE_CHECKING:
    from nbsession.session.session import Session


def debug_view(session: Session, long: bool = False) -> str:
    """What a session holds: its transaction, then its objects by class and key, new ones last.

    :param long: with the values of every object, and what they were.
    """
    unit = session.unit_of_work
    new = list(unit.new.values())
    labels = _labels(session, new)
    rows = sorted([*unit.identity_map.all(), *_deleted(unit)], key=_place)
    by_class: dict[str, list[Any]] = {}
    for obj in (*rows, *new):
        by_class.setdefault(type(obj).__name__, []).append(obj)
    lines = [f"session: {_transaction(session)}"]
    for name in sorted(by_class):
        for obj in by_class[name]:
            lines.append(f"{labels.get(id(obj), label(obj))}  {_standing(session, obj)}")
            if long:
                lines += [f"    {line}" for line in _values(obj, labels)]
    if len(lines) == 1:
        lines.append("no objects")
    return "\n".join(lines)


def _labels(session: Session, new: list[Any]) -> dict[int, str]:
    """Labels of new objects: ``Member+1`` is the first of its class."""
    counts: dict[str, int] = {}
    labels = {}
    for obj in new:
        name = type(obj).__name__
        counts[name] = counts.get(name, 0) + 1
        labels[id(obj)] = f"{name}+{counts[name]}"
    return labels


def _place(obj: Any) -> tuple[str, list[tuple[int, Any, str]]]:
    ident = ident_of(obj)
    parts = ident if isinstance(ident, tuple) else (ident,)
    numbers = [(0, part, "") if isinstance(part, (int, float)) else (1, 0, str(part)) for part in parts]
    return type(obj).__name__, numbers


def _transaction(session: Session) -> str:
    if session.transaction is None:
        return "no transaction"
    levels = [
        ("savepoint" + (f" {level.name}" if level.name else "")) if level.nested else "transaction"
        for level in session.transaction.levels()
        if not level.is_subtransaction
    ]
    failed = "" if session.is_active else ", failed: waits for rollback()"
    return " > ".join(reversed(levels)) + failed


def _standing(session: Session, obj: Any) -> str:
    state = state_of(obj)
    words = [state.status.value]
    if state.status is ObjectState.PERSISTENT:
        if id(obj) in session.unit_of_work.marked:
            words.append("to delete")
        elif isinstance(state, OwnState):
            words.append("modified")
        if not any(key in obj.__dict__ for key in state.mapper.column_keys):
            words.append("expired")
    return ", ".join(words)


def _values(obj: Any, labels: dict[int, str]) -> list[str]:
    state, values = state_of(obj), obj.__dict__
    old, changed = state.old, state.changed_keys
    lines = []
    for key in state.mapper.column_keys:
        shown = safe_repr(values[key]) if key in values else "not loaded"
        was = f" (was {'not loaded' if old[key] is NO_VALUE else safe_repr(old[key])})" if key in changed else ""
        if key in values or state.status is not ObjectState.PENDING:
            lines.append(f"{key}: {shown}{was}")
    for declared in state.mapper.relationships:
        if declared.key in values:
            held = values[declared.key]
            if declared.uselist:
                named = ", ".join("None" if m is None else labels.get(id(m), label(m)) for m in declared.members(held))
                lines.append(f"{declared.key}: [{named}]")
            else:
                lines.append(f"{declared.key}: {'None' if held is None else labels.get(id(held), label(held))}")
        elif state.status is not ObjectState.PENDING:
            lines.append(f"{declared.key}: not loaded")
    return lines


def _deleted(unit: Any) -> list[Any]:
    """Objects whose DELETE was sent in the open transaction."""
    found: list[Any] = []
    frame = unit.frame
    while frame is not None:
        found += [obj for obj in alive(frame.deleted) if state_of(obj).status is ObjectState.DELETED]
        frame = frame.parent
    return found
