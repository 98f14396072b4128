"""What can be looked at before it is done: debug_view() and cascade_preview(). Nothing is loaded and nothing changes."""

from __future__ import annotations

import pytest

from nbsession import ArgumentError, Session
from tests.session.models import Crate, Loan, Member, Node, Shelf, Tool
from tests.support import expect_moves, expect_statements


@pytest.fixture
def ada(session: Session) -> Member:
    """A committed member with two loans, loaded."""
    ada = Member(id=3, name="Ada", loans=[Loan(id=1), Loan(id=2)])
    session.add(ada)
    session.commit()
    assert ada.name and [loan.id for loan in ada.loans] == [1, 2]
    return ada


def test_a_delete_cascades_over_what_is_loaded(session: Session, ada: Member) -> None:
    """Lines 14.6, 18.13."""
    with expect_statements(session, 0), expect_moves(session, []):
        tree = session.cascade_preview("delete", ada)
    assert str(tree) == "Member#3  DELETE\n  - Loan#1  DELETE (cascade)\n  - Loan#2  DELETE (cascade)"
    assert tree.complete and not session.deleted
    assert [node.object for node in tree.walk()] == [ada, *ada.loans]
    assert tree.children[0].along == "Member.loans" and tree.children[0].rule == "cascade"


def test_unloaded_children_are_a_node_that_says_so(session: Session, ada: Member) -> None:
    """Line 14.6."""
    session.expire(ada, ["loans"])
    with expect_statements(session, 0):
        tree = session.cascade_preview("delete", ada)
    assert str(tree) == "Member#3  DELETE\n  - loans of Member#3 not loaded: would SELECT them, to delete"
    assert not tree.complete and tree.children[0].object is None


def test_children_that_stay_lose_their_key(session: Session) -> None:
    """Lines 18.3, 18.6."""
    shelf = Shelf(id=1, tools=[Tool(id=1)])
    crate = Crate(id=1)
    session.add_all([shelf, crate])
    session.commit()
    assert shelf.tools
    assert str(session.cascade_preview("delete", shelf)) == (
        "Shelf#1  DELETE\n  - Tool#1  stays; its foreign key becomes NULL (nullify)"
    )
    session.expire_all()
    assert "set their foreign keys to NULL" in str(session.cascade_preview("delete", shelf))
    assert "screws of Crate#1 not loaded: left to the database" in str(session.cascade_preview("delete", crate))
    assert session.cascade_preview("delete", crate).complete


def test_an_add_enters_whom_it_reaches(session: Session, ada: Member) -> None:
    """Line 13.6."""
    bob = Member(name="Bob", loans=[Loan(), ada.loans[0]])
    assert str(session.cascade_preview("add", bob)) == (
        "Member  becomes pending: INSERT\n"
        "  - Loan  becomes pending: INSERT (cascade)\n"
        "  - Loan#1  is here already (cascade)"
    )
    session.expunge(ada)
    assert str(session.cascade_preview("add", ada)).startswith("Member#3  becomes persistent")


def test_merge_expunge_and_refresh(session: Session, ada: Member) -> None:
    """Lines 12.1, 10.6, 15.1, 15.2."""
    given = Member(id=3, name="new", loans=[Loan(id=9), Loan()])
    assert str(session.cascade_preview("merge", given)) == (
        "Member  is copied onto the object that is here\n"
        "  - Loan  is copied onto what a SELECT finds, else onto a new object (cascade)\n"
        "  - Loan  is copied onto a new object: INSERT (cascade)"
    )
    assert str(session.cascade_preview("merge", ada)).startswith("Member#3  is here: stays itself")
    assert [node.effect for node in session.cascade_preview("expunge", ada).walk()] == ["becomes detached"] * 3
    assert [node.effect for node in session.cascade_preview("refresh", ada).walk()] == ["is loaded anew"] * 3
    assert session.cascade_preview("refresh", given).effect == "is transient: left alone"
    with Session() as other:
        assert other.cascade_preview("add", ada).effect == "is in another session: refused"


def test_circles_end(session: Session) -> None:
    """Line 15.7."""
    root = Node(name="root")
    root.children = [Node(name="child")]
    root.children[0].children = [root]
    tree = session.cascade_preview("add", root)
    assert [node.object.name for node in tree.walk()] == ["root", "child"]


def test_deeds_that_cannot_be_tried(session: Session) -> None:
    """Line 18.1."""
    with pytest.raises(ArgumentError, match="cascade_preview"):
        session.cascade_preview("explode", Member())


def test_the_view_of_a_session(session: Session, ada: Member) -> None:
    """Line 17.4: stable text, in the order of classes and keys, new ones last."""
    assert Session().debug_view() == "session: no transaction\nno objects"
    session.add(Member(name="Bob"))
    ada.name = "Ada L."
    session.delete(ada.loans[1])
    with session.no_autoflush, expect_statements(session, 0):
        assert session.debug_view() == (
            "session: transaction\n"
            "Loan#1  persistent\n"
            "Loan#2  persistent, to delete\n"
            "Member#3  persistent, modified\n"
            "Member+1  pending"
        )
        assert session.debug_view(long=True) == (
            "session: transaction\n"
            "Loan#1  persistent\n    id: 1\n    member_id: 3\n    note: None\n    member: not loaded\n"
            "Loan#2  persistent, to delete\n    id: 2\n    member_id: 3\n    note: None\n    member: not loaded\n"
            "Member#3  persistent, modified\n    id: 3\n    name: 'Ada L.' (was 'Ada')\n    age: None\n"
            "    loans: [Loan#1, Loan#2]\n"
            "Member+1  pending\n    name: 'Bob'"
        )
    session.begin_nested(name="try")
    session.expire_all()
    assert session.debug_view().splitlines()[:2] == [
        "session: transaction > savepoint try",
        "Member#3  persistent, expired",
    ]
