"""What changed on an attribute: added, unchanged, deleted; and what has no history."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from nbsession import Engine, Session, event, inspect
from nbsession.events import AttributeChanged
from nbsession.tracking.history import History, same
from nbsession.tracking.instance_state import NO_VALUE, OwnState, state_of
from tests.session.models import Base, Member, Shelf, Tool
from tests.support import expect_statements


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    Base.metadata.create_all(engine)
    session = Session(engine)
    yield session
    session.close()


@pytest.fixture
def tool(session: Session) -> Tool:
    """A loaded tool on a shelf whose list is loaded too."""
    tool = Tool(name="saw", shelf=Shelf(label="one"))
    session.add(tool)
    session.commit()
    assert tool.name and tool.shelf.tools
    return tool


def history(obj: Any, name: str) -> History:
    return inspect(obj).attrs[name].history


def test_a_new_object_has_only_additions() -> None:
    """Line 21.15: a new object has only additions."""
    inspect(Tool)  # the relationships are resolved
    tool = Tool(name="saw", shelf=Shelf())
    assert history(tool, "name") == (["saw"], (), ())
    assert history(tool, "shelf") == ([tool.shelf], (), ())
    assert history(tool.shelf, "tools") == ([tool], (), ())
    assert history(tool, "id") == ((), (), ()) and history(tool, "id").empty()


def test_a_loaded_object_has_only_what_is_unchanged(tool: Tool) -> None:
    assert history(tool, "name") == ((), ["saw"], ())
    assert history(tool, "shelf") == ((), [tool.shelf], ())
    assert history(tool.shelf, "tools") == ((), [tool], ())


def test_a_change_and_back_nets_to_nothing(tool: Tool) -> None:
    """Line 21.15: set back it is unchanged."""
    tool.name = "axe"
    tool.name = "adze"
    assert history(tool, "name") == (["adze"], (), ["saw"])
    tool.name = "saw"
    assert history(tool, "name") == ((), ["saw"], ()) and not history(tool, "name").has_changes()


def test_setting_to_none_and_from_nothing(session: Session, tool: Tool) -> None:
    """Line 23.13: a column set from None shows the deleted None, a many-to-one does not."""
    tool.name = None
    assert history(tool, "name") == ([None], (), ["saw"])
    bare = Tool()
    session.add(bare)
    session.commit()
    assert bare.name is None and bare.shelf is None
    bare.name, bare.shelf = "new", tool.shelf
    assert history(bare, "name") == (["new"], (), [None])
    assert history(bare, "shelf") == ([tool.shelf], (), ())


def test_a_reference_that_moved(session: Session, tool: Tool) -> None:
    one, two = tool.shelf, Shelf(label="two")
    tool.shelf = two
    assert history(tool, "shelf") == ([two], (), [one])
    tool.shelf = one
    assert history(tool, "shelf") == ((), [one], ())


def test_a_collection_that_changed(session: Session, tool: Tool) -> None:
    shelf, new = tool.shelf, Tool(name="new")
    shelf.tools.append(new)
    assert history(shelf, "tools") == ([new], [tool], [])
    shelf.tools.remove(tool)
    assert history(shelf, "tools") == ([new], [], [tool])
    assert history(shelf, "tools").sum() == [new, tool] and history(shelf, "tools").non_deleted() == [new]
    session.flush()
    assert history(shelf, "tools") == ((), [new], ())


def test_an_expired_value_has_an_unknown_old_one(session: Session, tool: Tool) -> None:
    """Lines 10.8, 22.10: an expired value has an unknown old one."""
    session.expire(tool)
    with expect_statements(session, 0):
        assert history(tool, "name").empty()
        tool.name = "saw"
        assert history(tool, "name") == (["saw"], (), ())
        assert inspect(tool).attrs.name.loaded_value == "saw"
        assert inspect(tool).attrs.id.loaded_value is NO_VALUE
    with expect_statements(session, 2) as sent:
        session.flush()
    assert sent[0].startswith("SELECT tool.id") and sent[1].startswith("UPDATE tool SET name")


def test_the_first_old_value_is_kept_until_the_flush(session: Session, tool: Tool) -> None:
    """Line 21.16: the first old value is kept until the flush."""
    shared = state_of(tool)
    tool.name = "a"
    own = state_of(tool)
    assert isinstance(own, OwnState) and own.common is shared
    tool.name = "b"
    assert own.old == {"name": "saw"}
    session.flush()
    assert state_of(tool) is shared


def test_who_listens_between_two_changes_hears_of_the_second_and_the_first_old_value_stays(
    session: Session, tool: Tool
) -> None:
    tool.name = "axe"
    facts: list[Any] = []
    stop = session.subscribe(facts.append)
    tool.name = "adze"
    stop()
    tool.name = "plane"
    assert [(f.old, f.new) for f in facts if isinstance(f, AttributeChanged)] == [("'axe'", "'adze'")]
    assert history(tool, "name") == (["plane"], (), ["saw"])
    session.flush()
    assert history(tool, "name") == ((), ["plane"], ())


def test_a_validator_sees_every_write_of_an_object_that_is_changed_already(session: Session, tool: Tool) -> None:
    tool.name = "axe"
    seen: list[Any] = []

    def look(target: Any, value: Any, old: Any, initiator: Any) -> None:
        seen.append((value, old))

    event.listen(Tool.name, "set", look)
    try:
        tool.name = "adze"
        tool.name = "plane"
    finally:
        event.remove(Tool.name, "set", look)
    assert seen == [("adze", "axe"), ("plane", "adze")]
    assert history(tool, "name") == (["plane"], (), ["saw"])


def test_changes_of_columns_and_relationships_of_one_object_are_kept_side_by_side(session: Session, tool: Tool) -> None:
    shelf = tool.shelf
    tool.name = "axe"
    tool.shelf = None
    tool.name = "adze"
    assert history(tool, "name") == (["adze"], (), ["saw"])
    assert history(tool, "shelf") == ([None], (), [shelf])
    session.expire(tool, ["name"])
    assert history(tool, "shelf") == ([None], (), [shelf]) and state_of(tool).old == {}
    session.rollback()
    assert tool.name == "saw" and tool.shelf is shelf


def test_unchanged_objects_share_one_state(session: Session) -> None:
    session.add_all([Member(name="a"), Member(name="b"), Shelf()])
    session.commit()
    one, two = session.query(Member).all()
    assert state_of(one) is state_of(two)
    assert state_of(session.query(Shelf).one()) is not state_of(one)


class Stubborn:
    def __eq__(self, other: object) -> bool:
        raise TypeError("do not compare me")

    __hash__ = None  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [(1, 1.0, True), ("a", "a", True), (None, None, True), (None, 0, False), (Stubborn(), Stubborn(), False)],
)
def test_same(old: object, new: object, expected: bool) -> None:
    assert same(old, new) is expected


def test_a_value_that_cannot_be_compared_with_itself_is_the_same() -> None:
    value = Stubborn()
    assert same(value, value)
