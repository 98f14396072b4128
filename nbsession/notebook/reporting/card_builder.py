"""From a live object to its card. Reads states, ``__dict__`` and histories only: nothing is loaded, flushed or begun.

No attribute of a mapped object is touched and its ``__repr__`` is not called. A value's ``__repr__`` is the only code
of others that runs; one that raises is named in the value's place.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from nbsession.events import safe_repr, tokens
from nbsession.exc import UnmappedInstanceError
from nbsession.notebook.recording.journal import Journal
from nbsession.notebook.recording.snapshots import Attribute, Card, Status
from nbsession.notebook.reporting.readings import NO_VALUE, Reading, named, read
from nbsession.notebook.reporting.stale import is_behind
from nbsession.notebook.views.plain import clip, one_line
from nbsession.tracking.history import members_of

MEMBERS_SHOWN = 4
"""members of a collection that a card names"""
LINKS_SHOWN = 30
"""members of a collection that the graph draws"""
SUMMARY_WIDTH = 60


def card_of(obj: Any, journal: Journal, *, to_delete: bool = False, holders: Iterable[str] = ()) -> Card:
    """The card of a mapped object.

    :param journal: gives the label and the last move.
    :param to_delete: is the object marked for deletion?
    :param holders: variables and outputs that hold it.
    :raises NoInspectionAvailable: it is not mapped.
    """
    looked = read(obj)
    token = tokens.of(obj)
    state = looked.state
    attributes = [_column(looked, name, state) for name in looked.columns]
    attributes += [_related(looked, name, many, state, journal) for name, many in looked.relationships]
    expired = state == "persistent" and bool(looked.expired_columns)
    dirty = state == "persistent" and any(attribute["changed"] for attribute in attributes)
    behind = state == "persistent" and is_behind(obj, journal.behind.get(token))
    marks = {"dirty": dirty, "expired": expired, "failed": journal.failed(token), "to delete": to_delete}
    marks["row changed"] = behind
    return {
        "token": token,
        "label": label_of(obj, journal),
        "cls": type(obj).__name__,
        "key": key_text(looked.identity),
        "state": state,
        "flags": [flag for flag, is_set in marks.items() if is_set],
        "summary": _summary(attributes, looked.expired and state == "persistent"),
        "attributes": attributes,
        "moved": journal.last_move(token),
        "holders": list(holders),
        "grip": _grip(looked, bool(dirty or to_delete)),
    }


def _grip(looked: Reading, held: bool) -> Literal["strong", "weak", ""]:
    """How the identity map holds a persistent object: what would be written is held fast, the rest weakly."""
    if looked.state != "persistent":
        return ""
    return "strong" if held or not looked.held_weakly else "weak"


def key_text(identity: tuple[Any, ...] | None) -> str | None:
    """A primary key as text: ``3``, ``3, 7``, ``L-12``."""
    if identity is None:
        return None
    return ", ".join(one_line(part) if isinstance(part, str) else value_text(part) for part in identity)


def value_text(value: Any) -> str:
    """A value's representation on one line, shortened; one that raises is named."""
    return one_line(safe_repr(value))


def _column(looked: Reading, name: str, state: str) -> Attribute:
    history, current = looked.changes(name), looked.value(name)
    status: Status = "loaded"
    if current is NO_VALUE:
        status = "expired" if name in looked.expired_columns else _missing(state)
    changed = bool(history.added) and state in ("pending", "persistent", "transient")
    before = history.unchanged or history.deleted
    return {
        "name": name,
        "kind": "column",
        "status": status,
        "committed": value_text(before[0]) if before else None,
        "current": None if current is NO_VALUE else value_text(current),
        "changed": changed,
        "tokens": [],
    }


def _related(looked: Reading, name: str, many: bool, state: str, journal: Journal) -> Attribute:
    history, current = looked.changes(name), looked.value(name)
    loaded = current is not NO_VALUE
    before = [*history.unchanged, *history.deleted]
    if many:
        then = _labels(before, journal) if loaded and (before or history.added) else None
        now = _labels(members_of(current), journal) if loaded else None
        then = None if state in ("transient", "pending") else then
    else:
        then = label_of(before[0], journal) if before else None
        now = label_of(current, journal) if loaded else None
    nothing = now in (None, "None", "none") and then is None
    return {
        "name": name,
        "kind": "many" if many else "one",
        "status": "loaded" if loaded else _missing(state),
        "committed": then,
        "current": now,
        "changed": not nothing and bool(history.added or history.deleted),
        "tokens": _tokens_of(members_of(current) if many else [current]) if loaded else [],
    }


def _tokens_of(members: list[Any]) -> list[int]:
    return [tokens.of(member) for member in members[:LINKS_SHOWN] if member is not None]


def _missing(state: str) -> Status:
    return "not set" if state in ("transient", "pending") else "not loaded"


def _labels(members: list[Any], journal: Journal) -> str:
    named = [label_of(member, journal) for member in members[:MEMBERS_SHOWN]]
    if len(members) > len(named):
        named.append(f"… {len(members) - len(named):,} more")
    return ", ".join(named) or "none"


def label_of(obj: Any, journal: Journal) -> str:
    """The label of a mapped object; another value's representation.

    :param obj: anything.
    """
    try:
        key = key_text(named(obj))
    except UnmappedInstanceError:
        return value_text(obj)
    return journal.labels.of(tokens.of(obj), type(obj).__name__, key)


def _summary(attributes: list[Attribute], expired: bool) -> str:
    """The changes if there are any, else the first values that say something: on one line."""
    if expired:
        return "expired: will be read again when touched"
    changes = [a for a in attributes if a["changed"] and a["committed"] is not None]
    if changes:
        words = [f"{a['name']} {a['committed']} → {a['current']}" for a in changes]
    else:
        telling = [a for a in attributes if a["current"] not in (None, "None", "none") and not _is_key(a)]
        words = [f"{a['name']} {a['current']}" for a in telling]
    return clip(" · ".join(words[:2]), SUMMARY_WIDTH)


def _is_key(attribute: Attribute) -> bool:
    return attribute["kind"] == "column" and (attribute["name"] == "id" or attribute["name"].endswith("_id"))
