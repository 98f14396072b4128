"""Aliases of entities: the same class twice in a statement, and entities read from subqueries."""

from __future__ import annotations

import pytest

from nbsession import (
    ArgumentError,
    InvalidRequestError,
    Session,
    aliased,
    func,
    inspect,
    select,
    union_all,
)
from tests.session.models import Loan, Member, Node
from tests.support import expect_statements


@pytest.fixture
def tree(session: Session) -> Node:
    """root, with a and b; a has c."""
    root = Node(name="root", children=[Node(name="a", children=[Node(name="c")]), Node(name="b")])
    session.add(root)
    session.commit()
    return root


@pytest.fixture
def members(session: Session) -> list[Member]:
    """Ada and Eve are of an age; Ada has two loans, Bob one."""
    members = [
        Member(name="Ada", age=36, loans=[Loan(note="saw"), Loan(note="drill")]),
        Member(name="Bob", age=20, loans=[Loan(note="saw")]),
        Member(name="Eve", age=36),
    ]
    session.add_all(members)
    session.commit()
    return members


def test_a_class_and_its_alias_in_one_statement(session: Session, members: list[Member]) -> None:
    other = aliased(Member)
    found = session.execute(select(Member, other).where(Member.age == other.age, Member.id < other.id)).all()
    assert [(one.name, two.name) for one, two in found] == [("Ada", "Eve")]
    assert found[0][1] is members[2]
    assert session.execute(select(other).where(other.name == "Bob")).scalar_one() is members[1]


def test_a_row_calls_an_alias_by_its_name_or_its_class(session: Session, members: list[Member]) -> None:
    twin = aliased(Member, name="twin")
    row = session.execute(
        select(Member, twin).where(Member.name == "Ada", twin.name == "Bob", Member.id != twin.id)
    ).one()
    assert row._fields == ("Member", "twin") and row.twin is members[1]
    assert list(session.execute(select(aliased(Member))).keys()) == ["Member"]


def test_an_alias_joins_along_its_own_relationships(session: Session, tree: Node) -> None:
    child, grandchild = aliased(Node), aliased(Node, name="grandchild")
    statement = (
        select(Node.name, child.name, grandchild.name)
        .join(Node.children.of_type(child))
        .join(child.children.of_type(grandchild))
    )
    assert [tuple(row) for row in session.execute(statement)] == [("root", "a", "c")]
    statement = select(child.name).join(Node, child.parent).where(Node.name == "root").order_by(child.id)
    assert session.scalars(statement).all() == ["a", "b"]
    statement = select(Node.name).join(child, Node.children).where(child.name == "c")
    assert session.scalars(statement).all() == ["a"]


def test_an_alias_with_a_condition_of_its_own(session: Session, tree: Node) -> None:
    parent = aliased(Node)
    statement = select(Node.name, parent.name).outerjoin(parent, Node.parent_id == parent.id).order_by(Node.id)
    assert [tuple(row) for row in session.execute(statement)][:2] == [("root", None), ("a", "root")]


def test_a_missing_alias_of_an_outer_join_is_none(session: Session, tree: Node) -> None:
    parent = aliased(Node)
    found = session.execute(
        select(Node, parent).outerjoin(Node.parent.of_type(parent)).where(Node.name == "root")
    ).one()
    assert found[0] is tree and found[1] is None


def test_an_entity_is_read_from_a_subquery(session: Session, members: list[Member]) -> None:
    """Its objects are those of the identity map."""
    old = aliased(Member, select(Member).where(Member.age > 30).subquery())
    assert session.scalars(select(old).order_by(old.name)).all() == [members[0], members[2]]
    found = session.execute(select(old.name, Loan.note).join(old.loans).order_by(Loan.id)).all()
    assert [tuple(row) for row in found] == [("Ada", "saw"), ("Ada", "drill")]


def test_an_entity_is_read_from_a_cte(session: Session, members: list[Member]) -> None:
    cte = select(Member).where(Member.age < 30).cte("young")
    young = aliased(Member, cte)
    with expect_statements(session, 1) as sent:
        assert [m.name for m in session.scalars(select(young).where(young.name.like("B%")))] == ["Bob"]
    assert sent[0].startswith("WITH young")


def test_an_entity_is_read_from_a_union(session: Session, members: list[Member]) -> None:
    both = union_all(select(Member).where(Member.name == "Eve"), select(Member).where(Member.age == 20))
    either = aliased(Member, both.subquery())
    assert [m.name for m in session.scalars(select(either).order_by(either.id))] == ["Bob", "Eve"]


def test_a_recursive_cte_of_an_entity(session: Session, tree: Node) -> None:
    base = select(Node.id, Node.name, Node.parent_id).where(Node.name == "a").cte("below", recursive=True)
    below = aliased(Node, base.union_all(select(Node.id, Node.name, Node.parent_id).where(Node.parent_id == base.c.id)))
    assert sorted(node.name for node in session.scalars(select(below))) == ["a", "c"]


def test_a_subquery_that_lacks_a_column_is_refused(session: Session) -> None:
    few = aliased(Member, select(Member.id, Member.name).subquery())
    with pytest.raises(InvalidRequestError, match=r"does not show column 'member\.age'"):
        few.age


def test_a_subquery_that_matches_by_name_only(session: Session, members: list[Member]) -> None:
    made = select(
        func.max(Member.id).label("id"), func.max(Member.name).label("name"), func.max(Member.age).label("age")
    )
    last = aliased(Member, made.subquery(), adapt_on_names=True)
    assert session.scalars(select(last)).one() is members[2]


def test_an_alias_of_something_in_from_is_a_plain_alias() -> None:
    table = Member.__table__
    assert aliased(table, name="m").name == "m"
    with pytest.raises(ArgumentError, match="adapt_on_names only applies"):
        aliased(table, adapt_on_names=True)
    with pytest.raises(ArgumentError, match="mapped class"):
        aliased(int)
    with pytest.raises(ArgumentError, match=r"subquery\(\)"):
        aliased(Member, select(Member))


def test_inspect_tells_of_an_alias() -> None:
    twin = aliased(Member, name="twin")
    told = inspect(twin)
    assert told.is_aliased_class and told.name == "twin" and told.mapper is inspect(Member) and told.entity is twin
    with pytest.raises(AttributeError):
        twin.nothing
