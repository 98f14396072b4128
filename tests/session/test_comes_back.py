"""Objects that were deleted, given away or expired, and are met again."""

from __future__ import annotations

import pytest

from nbsession import Engine, InvalidRequestError, ObjectDeletedError, Session, inspect, text
from tests.session.models import Shelf, Tool
from tests.session.test_versions import Base as Versioned
from tests.session.test_versions import Doc
from tests.support import expect_statements


def test_delete_of_a_deleted_object_that_left_the_session_marks_it_again(session: Session) -> None:
    """Line 14.5: its row may be there again."""
    shelf = Shelf(id=1)
    session.add(shelf)
    session.commit()
    session.delete(shelf)
    session.flush()
    session.close()  # which takes the DELETE back
    session.delete(shelf)
    assert shelf in session.deleted
    session.commit()
    assert session.get(Shelf, 1) is None


def test_a_deleted_object_that_was_expunged_is_marked_again(session: Session) -> None:
    """Line 14.5"""
    shelf = Shelf(id=1)
    session.add(shelf)
    session.commit()
    session.delete(shelf)
    session.flush()
    session.expunge(shelf)
    session.delete(shelf)
    assert shelf in session.deleted
    with pytest.warns(Warning, match="0 were matched"):
        session.flush()
    assert inspect(shelf).deleted


def test_who_was_given_to_a_parent_first_and_marked_then_waits_for_the_next_flush(session: Session) -> None:
    """Line 9.3: as in SQLAlchemy, also if the parent came into the session in between."""
    tool = Tool(id=1)
    session.add(tool)
    session.commit()
    shelf = Shelf(tools=[tool])
    with pytest.warns(Warning, match="not in session"):
        session.flush()
    session.add(shelf)
    session.delete(tool)
    session.flush()
    assert tool in session.deleted
    session.flush()
    assert inspect(tool).deleted


def test_who_was_expired_and_given_before_it_was_marked_waits_too(session: Session) -> None:
    """Line 9.3"""
    tool, shelf = Tool(id=1), Shelf(id=1)
    session.add_all([tool, shelf])
    session.commit()
    tool.shelf = shelf
    session.expire(tool)
    session.delete(tool)
    session.flush()
    assert tool in session.deleted


def test_get_with_populate_existing_leaves_an_object_whose_row_is_gone(session: Session) -> None:
    """Line 8.4"""
    shelf = Shelf(id=1)
    session.add(shelf)
    session.commit()
    session.execute(text("DELETE FROM shelf WHERE id = 1"))
    assert session.get(Shelf, 1, populate_existing=True) is None
    assert inspect(shelf).persistent


def test_a_parent_that_is_expired_is_not_known_though_something_was_set_on_it(session: Session) -> None:
    """Line 17.7: what the foreign key leads to is told only of objects whose row is known to be there."""
    session.add(Shelf(id=1, tools=[Tool(id=1)]))
    session.commit()
    shelf, tool = session.get(Shelf, 1), session.get(Tool, 1)
    session.expire(shelf)
    shelf.label = "top"
    tool.shelf = shelf
    assert session.is_modified(tool)


def test_an_unloaded_reference_that_is_taken_away_has_changed_for_good(session: Session) -> None:
    """Line 17.7: what it was is not known, so that giving it back does not undo that."""
    shelf = Shelf(id=1, tools=[Tool(id=1)])
    session.add(shelf)
    session.commit()
    (tool,) = shelf.tools
    session.expire(tool)
    shelf.tools.remove(tool)
    shelf.tools.append(tool)
    assert session.is_modified(tool)


def test_a_flush_that_looks_at_an_object_loads_its_version(engine: Engine) -> None:
    """Line 21.8: though nothing is written; if the row is gone, it says so."""
    Versioned.metadata.create_all(engine)
    with Session(engine) as session:
        doc = Doc(id=1, text="a")
        session.add(doc)
        session.commit()
        doc.text = doc.text
        session.expire(doc, ["version", "text"])
        session.flush()
        assert doc.__dict__["version"] == 1
        doc.text = "b"
        session.expire(doc, ["version", "text"])
        with session.no_autoflush:
            session.execute(text("DELETE FROM doc WHERE id = 1"))
        with pytest.raises(ObjectDeletedError):
            session.flush()


def test_a_reference_deleted_before_it_was_set_is_loaded_when_it_is_read(session: Session) -> None:
    """Line 17.7: there was nothing to delete."""
    tool = Tool()
    session.add(tool)
    session.flush()
    del tool.shelf
    with session.no_autoflush:
        assert tool.shelf is None
    assert tool.__dict__["shelf"] is None


def test_deleting_a_parent_lets_go_of_those_it_gave_up_and_that_forgot_it(session: Session) -> None:
    """Line 18.3: expired, or out of the session."""
    shelf = Shelf(id=1, tools=[Tool(id=1), Tool(id=2)])
    session.add(shelf)
    session.commit()
    expired, outside = shelf.tools
    assert outside.shelf_id == 1
    shelf.tools = []
    session.delete(shelf)
    session.expire(expired)
    session.expunge(outside)
    session.flush()
    assert expired.shelf_id is None
    assert outside.shelf_id is None


def test_a_member_that_was_deleted_before_its_parent_loses_its_foreign_key(session: Session) -> None:
    """Line 18.3"""
    shelf = Shelf(id=1, tools=[Tool(id=1)])
    session.add(shelf)
    session.commit()
    (tool,) = shelf.tools
    assert tool.shelf_id == 1
    session.delete(tool)
    session.flush()
    session.delete(shelf)
    session.flush()
    assert tool.__dict__["shelf_id"] is None


def test_the_collection_of_a_new_object_is_there_though_its_first_member_is_refused(session: Session) -> None:
    """Line 13.6"""
    tool, shelf = Tool(id=1), Shelf()
    session.add_all([tool, shelf])
    session.commit()
    session.delete(tool)
    session.flush()
    fresh = Shelf()
    session.add(fresh)
    with pytest.raises(InvalidRequestError, match="has been deleted"):
        fresh.tools.append(tool)
    assert fresh.__dict__["tools"] == []


def test_an_object_that_lost_one_attribute_after_another_is_not_asked_for(session: Session) -> None:
    """Line 8.3: get() asks only after objects that were expired as a whole."""
    shelf = Shelf(id=1)
    session.add(shelf)
    session.commit()
    session.refresh(shelf, ["label"])
    session.expire(shelf, ["id", "label", "tools"])
    with expect_statements(session, 0):
        assert session.get(Shelf, 1) is shelf
    session.expire(shelf)
    with expect_statements(session, 1):
        assert session.get(Shelf, 1) is shelf


def test_merge_without_loading_takes_an_expired_object_for_there(session: Session) -> None:
    """Line 15.8"""
    shelf = Shelf(id=1)
    session.add(shelf)
    session.commit()
    assert session.merge(shelf, load=False) is shelf
    with expect_statements(session, 0):
        assert session.get(Shelf, 1) is shelf
