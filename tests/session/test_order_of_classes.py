"""In which order a flush writes the rows of several classes, and how far it comes where some need each other's keys."""

from __future__ import annotations

import pytest

from nbsession import CircularDependencyError, IntegrityError, Session, inspect
from tests.session.models import Country, Loan, Member, Node, Shelf, Tool


def tables(session: Session) -> list[str]:
    """The tables the next flush writes, in order."""
    return [str(step).rpartition(" ")[0] for step in session.flush_plan().steps]


def test_classes_that_have_nothing_to_do_with_each_other_come_by_name(session: Session) -> None:
    """Line 21.1: by the name of the class, not in the order of add."""
    session.add_all([Shelf(), Node(), Member(), Country(code="de")])
    assert tables(session) == ["INSERT country", "INSERT member", "INSERT node", "INSERT shelf"]


def test_what_waits_for_nothing_comes_before_what_waits(session: Session) -> None:
    """Line 21.1: a loan waits for the members, nodes for nobody."""
    session.add_all([Loan(), Node(), Member()])
    assert tables(session) == ["INSERT member", "INSERT node", "INSERT loan"]


def test_what_goes_does_not_wait_for_what_comes_elsewhere(session: Session) -> None:
    """Line 21.1: rows of a class are deleted as soon as nothing refers to them any more."""
    session.add(Node(id=1))
    session.commit()
    session.delete(session.get(Node, 1))
    session.add_all([Loan(), Member()])
    assert tables(session) == ["INSERT member", "DELETE node", "INSERT loan"]


def test_what_is_in_no_circle_is_written_before_the_circle_is_refused(session: Session) -> None:
    """Line 21.1: so that it has a key afterwards, though its row is gone again."""
    node, member = Node(name="itself"), Member(name="Ada")
    node.parent = node
    session.add_all([node, member])
    with pytest.raises(CircularDependencyError, match=r"these rows need each other's keys: .*Node"):
        session.flush_plan()
    with pytest.raises(CircularDependencyError, match=r"these rows need each other's keys: .*Node"):
        session.flush()
    assert "id" in member.__dict__ and "id" not in node.__dict__
    session.rollback()
    assert session.query(Member).count() == 0 and inspect(member).transient


def test_a_row_that_is_refused_is_told_before_a_circle(session: Session) -> None:
    """Line 21.1: what comes first fails first."""
    session.add(Member(id=1, name="Ada"))
    session.commit()
    session.expunge_all()
    node = Node(name="itself")
    node.parent = node
    session.add_all([node, Member(id=1, name="Bob")])
    with pytest.raises(IntegrityError):
        session.flush()


def test_in_a_circle_rows_are_saved_before_others_are_deleted(session: Session) -> None:
    """Lines 21.1, 21.2"""
    old, root = Node(id=1), Node(id=2)
    session.add_all([old, root, Node(id=3, parent=root)])
    session.commit()
    with session.no_autoflush:
        root.children.append(Node(id=4))
        session.delete(old)
    assert tables(session) == ["INSERT node", "DELETE node"]
    session.commit()
    assert [node.id for node in session.query(Node).order_by(Node.id)] == [2, 3, 4]


def test_tools_go_before_their_shelf(session: Session) -> None:
    """Line 21.1: children first, where both go."""
    shelf = Shelf(tools=[Tool()])
    session.add(shelf)
    session.commit()
    (tool,) = shelf.tools
    session.delete(shelf)
    session.delete(tool)
    assert tables(session) == ["DELETE tool", "DELETE shelf"]
