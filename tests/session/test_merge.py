"""merge(): the state of one object, copied onto the session's own object of the same key."""

from __future__ import annotations

import pytest

from nbsession import Engine, InvalidRequestError, Session, inspect
from tests.session.models import City, Country, Loan, Member, Node, Shelf, Tool
from tests.support import expect_statements


@pytest.fixture
def ada(session: Session) -> Member:
    """A committed member with one loan, taken out of the session with its values loaded."""
    ada = Member(name="Ada", age=36, loans=[Loan(note="a")])
    session.add(ada)
    session.commit()
    assert ada.name and [loan.note for loan in ada.loans] == ["a"]
    session.expunge_all()
    return ada


def test_a_new_object_is_copied_and_the_copy_is_pending(session: Session) -> None:
    """Lines 15.1, 15.4: a new object is copied and the copy is pending."""
    given = Member(name="Ada")
    merged = session.merge(given)
    assert merged is not given and inspect(merged).pending and inspect(given).transient and merged.name == "Ada"


def test_a_new_object_with_a_known_key_lands_on_the_row(session: Session, ada: Member) -> None:
    """Lines 15.1, 15.5: what was not set is left alone."""
    merged = session.merge(Member(id=ada.id, name="changed"))
    assert inspect(merged).persistent and merged in session.dirty
    session.commit()
    assert (merged.name, merged.age) == ("changed", 36)  # what was not set is left alone: 15.5


def test_a_key_without_a_row_makes_a_pending_object(session: Session) -> None:
    """Line 15.2: a key without a row makes a pending object."""
    merged = session.merge(City(code="DE", number=7, name="Ulm"))
    assert inspect(merged).pending
    session.add(Country(code="DE"))
    session.commit()
    assert session.get(City, ("DE", 7)).name == "Ulm"


def test_a_detached_object_without_differences_costs_one_select_and_no_update(session: Session, ada: Member) -> None:
    """Line 15.10: a detached object without differences costs one select and no update."""
    with session.no_autoflush:
        merged = session.merge(ada)
    assert merged is not ada and inspect(ada).detached
    with expect_statements(session, 0):
        session.flush()
    assert [loan.note for loan in merged.loans] == ["a"]


def test_merge_onto_a_present_object_asks_nothing(session: Session, ada: Member) -> None:
    """Lines 15.2, 15.10: the object here is changed, and knows it."""
    here = session.get(Member, ada.id)
    del ada.__dict__["loans"]
    ada.name = "changed outside"
    with expect_statements(session, 0):
        assert session.merge(ada) is here
    assert here.name == "changed outside" and session.is_modified(here)


def test_merge_of_what_is_here_returns_it(session: Session) -> None:
    """Line 15.4: merge of what is here returns it."""
    ada = Member(name="Ada")
    session.add(ada)
    assert session.merge(ada) is ada
    assert inspect(ada).persistent  # autoflush ran first
    ada.name = "changed"
    assert session.merge(ada) is ada


def test_loaded_relations_are_merged_and_replace_those_here(session: Session, ada: Member) -> None:
    """Line 15.6: loaded relations are merged and replace those here."""
    ada.loans = [Loan(note="new")]
    merged = session.merge(ada)
    session.commit()
    assert [loan.note for loan in merged.loans] == ["new"]
    assert session.query(Loan).count() == 1  # the other was an orphan


def test_unloaded_relations_are_left_alone(session: Session, ada: Member) -> None:
    """Line 15.6: unloaded relations are left alone."""
    session.merge(Member(id=ada.id, name="x"))
    session.commit()
    assert session.query(Loan).count() == 1


def test_a_circle_is_merged_once(session: Session) -> None:
    """Line 15.7: a circle is merged once."""
    root = Node(name="root")
    leaf = Node(name="leaf", parent=root)
    merged = session.merge(leaf)
    assert merged.parent.children == [merged] and merged.parent is not root
    session.commit()
    assert session.query(Node).count() == 2


def test_a_scalar_none_is_copied(session: Session) -> None:
    """Line 15.6: a scalar none is copied."""
    tool = Tool(name="saw", shelf=Shelf())
    session.add(tool)
    session.commit()
    given = Tool(id=tool.id, name=None, shelf=None)
    merged = session.merge(given)
    session.commit()
    assert merged is tool and (tool.name, tool.shelf) == (None, None)


def test_without_load_nothing_is_asked_and_nothing_written(session: Session, ada: Member) -> None:
    """Lines 15.8, 15.9: without load nothing is asked and nothing written."""
    with expect_statements(session, 0):
        merged = session.merge(ada, load=False)
        assert inspect(merged).persistent and merged not in session.dirty
        assert merged.name == "Ada" and [loan.note for loan in merged.loans] == ["a"]
        assert merged.loans[0] is not ada.loans[0] and merged.loans[0] in session
        session.flush()
    assert session.get(Member, ada.id) is merged


def test_without_load_new_and_dirty_objects_are_refused(session: Session, ada: Member) -> None:
    """Line 15.8: new and changed sources are refused."""
    with pytest.raises(InvalidRequestError, match="does not support objects transient"):
        session.merge(Member(name="x"), load=False)
    ada.name = "dirty"
    with pytest.raises(InvalidRequestError, match="does not support objects marked as 'dirty'"):
        session.merge(ada, load=False)
    assert len(session.identity_map) == 0


def test_merging_from_one_session_into_another(tables: Engine) -> None:
    with Session(tables) as one, Session(tables) as two:
        ada = Member(name="Ada")
        one.add(ada)
        one.commit()
        twin = two.merge(ada)
        assert twin is not ada and ada in one and twin in two and twin.name == "Ada"
        one.close()


def test_merge_flushes_once_before_it_starts(session: Session) -> None:
    """Line 9.14: merge flushes once before it starts."""
    pending = Member(id=5, name="pending")
    session.add(pending)
    with expect_statements(session, 1):
        assert session.merge(Member(id=5, name="other")) is pending
    assert pending.name == "other"


def test_dont_load_is_load_false(session: Session) -> None:
    """Lines 15.8, 23.7."""
    ada = Member(name="Ada")
    session.add(ada)
    session.commit()
    session.refresh(ada)
    session.expunge(ada)
    with expect_statements(session, 0):
        merged = session.merge(ada, dont_load=True)
    assert merged is not ada and inspect(merged).persistent and merged.name == "Ada" and merged not in session.dirty
    session.expunge_all()
    ada.name = "changed"
    with pytest.raises(InvalidRequestError, match="does not support objects marked as 'dirty'"):
        session.merge(ada, dont_load=True)


def test_of_what_was_deleted_a_merge_without_a_look_makes_a_persistent_copy(session: Session) -> None:
    """Line 15.8: the given state is trusted, whatever became of its row."""
    ada = Member(name="Ada")
    session.add(ada)
    session.commit()
    session.refresh(ada)
    session.delete(ada)
    session.flush()
    with expect_statements(session, 0):
        copy = session.merge(ada, load=False)
        assert inspect(copy).persistent and copy.name == "Ada" and copy not in session.dirty
    session.rollback()
    assert inspect(ada).persistent and session.get(Member, ada.id) is ada


def test_merging_an_object_into_its_own_session_without_load_forgets_its_changes(session: Session) -> None:
    """Lines 15.4, 15.8: it is returned itself, and clean."""
    ada = Member(name="Ada")
    session.add(ada)
    session.commit()
    session.autoflush = False
    ada.name = "Bob"
    assert session.merge(ada, load=False) is ada
    assert ada.name == "Bob" and ada not in session.dirty and not session.is_modified(ada)
    with expect_statements(session, 0):
        session.flush()


def test_merge_all(session: Session) -> None:
    """Line 15.1."""
    one, two = session.merge_all([Member(id=1, name="Ada"), Member(id=2, name="Bob")])
    assert {one.name, two.name} == {"Ada", "Bob"} and len(session.new) == 2
