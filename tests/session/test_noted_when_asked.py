"""What a session notes only while somebody asks for it, and what it keeps of objects that are gone: nothing."""

from __future__ import annotations

import pytest

from nbsession import Session
from nbsession.session.hook_points import HookPoints
from nbsession.tracking import identity
from tests.session.models import Shelf


def is_noted(shelf: Shelf, name: str) -> bool:
    """Does a value that is set pass by its attribute?"""
    return name not in shelf._nbs_state  # type: ignore[attr-defined]


def test_what_is_set_on_pending_objects_is_noted_only_while_somebody_listens(session: Session) -> None:
    first, second = Shelf(id=1), Shelf(id=2)
    session.add(first)
    assert not is_noted(first, "label")
    stop = session.subscribe(lambda fact: None)
    session.add(second)
    assert is_noted(first, "label") and is_noted(second, "label")
    stop()
    assert not is_noted(second, "label") and is_noted(second, "tools")


def test_in_which_order_objects_came_is_noted_only_for_hooks(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    for hooks in (0, 1):
        monkeypatch.setattr(HookPoints, "about_objects", hooks)
        shelf = Shelf(id=1 + hooks)
        session.add(shelf)
        assert not session.unit_of_work._order  # it is not in the identity map yet
        session.flush()
        assert len(session.unit_of_work._order) == hooks
        session.expunge_all()
        assert not session.unit_of_work._order


def test_a_session_that_inserts_for_long_keeps_no_keys_of_objects_that_are_gone(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identity, "PURGE_AT", 4)
    for number in range(12):
        session.add(Shelf(id=number))
        session.flush()
    known = session.unit_of_work.identity_map.of(Shelf.__mapper__)
    assert 0 < len(known) <= 4
    session.expunge_all()
    assert not session.unit_of_work.identity_map.by_mapper
