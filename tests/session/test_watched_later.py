"""Somebody begins to listen to a session that has objects: what is set on them from then on is told, every time."""

from __future__ import annotations

from typing import Any

from nbsession import Session
from nbsession.events import AttributeChanged
from tests.session.models import Shelf


def changes(session: Session) -> list[Any]:
    """What is told from now on of attributes: how the old and the new value look."""
    found: list[Any] = []

    def note(fact: Any) -> None:
        if isinstance(fact, AttributeChanged):
            found.append((fact.old, fact.new))

    session.subscribe(note)
    return found


def test_what_is_set_on_pending_objects_is_told_from_then_on(session: Session) -> None:
    early, late = Shelf(id=1, label="low"), Shelf(id=2, label="low")
    session.add(early)
    told = changes(session)
    session.add(late)
    early.label = "high"
    late.label = "top"
    assert [new for _, new in told] == ["'high'", "'top'"]


def test_every_value_that_is_set_on_persistent_objects_is_told_from_then_on(session: Session) -> None:
    first, second = Shelf(id=1, label="low"), Shelf(id=2, label="low")
    session.add_all([first, second])
    session.flush()
    first.label = "high"  # as nobody listens, who is changed in the same way shares what is noted
    session.flush()
    told = changes(session)
    for label in ("middle", "high", "top"):
        second.label = label
    assert told == [("'low'", "'middle'"), ("'middle'", "'high'"), ("'high'", "'top'")]
