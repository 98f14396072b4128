"""What objects hold and are after a flush that the database refused, and what of it was made by that flush only."""

from __future__ import annotations

import pytest

from nbsession import IntegrityError, NbsessionWarning, Session, inspect
from tests.session.models import Shelf, Tool


@pytest.fixture
def shelf(session: Session) -> Shelf:
    """A shelf with two tools, all loaded."""
    shelf = Shelf(id=1, tools=[Tool(id=1, name="saw"), Tool(id=2, name="plane")])
    session.add(shelf)
    session.commit()
    assert len(shelf.tools) == 2
    return shelf


def test_all_rows_of_a_class_know_their_parents_though_the_first_is_refused(session: Session, shelf: Shelf) -> None:
    """Line 21.9"""
    shelf.tools[1].id = 1
    fresh = Tool(name="rasp", shelf=shelf)
    session.add(fresh)
    with pytest.raises(IntegrityError):
        session.flush()
    assert fresh.shelf_id == 1


def test_a_member_outside_of_the_session_knows_its_parent_though_a_row_is_refused(
    session: Session, shelf: Shelf
) -> None:
    """Line 21.9: it is filled with the others, before the first row of its class."""
    outsider = Tool(name="rasp", shelf=shelf)
    session.add(Tool(id=2))
    with (
        pytest.warns(NbsessionWarning, match="not in session"),
        pytest.warns(NbsessionWarning, match="conflicts with persistent instance"),
        pytest.raises(IntegrityError),
    ):
        session.flush()
    assert outsider.shelf_id == 1
    assert inspect(outsider).transient


def test_a_member_outside_that_left_its_parent_has_no_foreign_key(session: Session, shelf: Shelf) -> None:
    """Line 21.9"""
    outsider = Tool()
    shelf.tools.append(outsider)
    session.rollback()
    outsider.shelf_id = 1
    outsider.shelf = None
    session.flush()
    assert inspect(outsider).transient
    assert outsider.shelf_id is None


def test_what_a_refused_flush_made_is_no_change(session: Session, shelf: Shelf) -> None:
    """Line 17.8: the key of a row that was inserted before another was refused."""
    plain, taken = Shelf(), Shelf(id=1)
    assert plain.tools == []
    session.add_all([plain, taken])
    with pytest.raises(IntegrityError), pytest.warns(NbsessionWarning, match="conflicts with persistent instance"):
        session.flush()
    session.rollback()
    assert not session.is_modified(plain)
    assert session.is_modified(taken)
