"""``session.query(...)``: narrowing, joining, unions, results, and the older names."""

from __future__ import annotations

import pytest

from nbsession import (
    ArgumentError,
    InvalidRequestError,
    MultipleResultsFound,
    NoResultFound,
    Query,
    Session,
    aliased,
    bindparam,
    desc,
    func,
    select,
    text,
)
from tests.session.models import Loan, Member, Node, Shelf
from tests.support import expect_statements, statements_of


@pytest.fixture
def members(session: Session) -> list[Member]:
    """Ada (36) with two loans, Bob (20) with one, Eve (36) without."""
    members = [
        Member(name="Ada", age=36, loans=[Loan(note="saw"), Loan(note="drill")]),
        Member(name="Bob", age=20, loans=[Loan(note="saw")]),
        Member(name="Eve", age=36),
    ]
    session.add_all(members)
    session.commit()
    return members


def names(query: Query) -> list[str]:
    return [member.name for member in query]


# ── narrowing ────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_narrowing(session: Session, members: list[Member]) -> None:
    """Line 8.10: filter, filter_by, order_by, limit, offset, slice, distinct."""
    query = session.query(Member).order_by(Member.name)
    assert names(query) == ["Ada", "Bob", "Eve"]
    assert names(query.filter(Member.age > 30, Member.name != "Eve")) == ["Ada"]
    assert names(query.where(Member.age > 30).filter_by(name="Eve")) == ["Eve"]
    assert names(query.limit(2)) == ["Ada", "Bob"] and names(query.offset(1).limit(1)) == ["Bob"]
    assert names(query.slice(1, 3)) == ["Bob", "Eve"]
    assert names(session.query(Member).order_by(Member.age, desc("name"))) == ["Bob", "Eve", "Ada"]
    assert [tuple(r) for r in session.query(Member.age).distinct().order_by(Member.age)] == [(20,), (36,)]
    assert names(query.order_by(None).order_by(Member.id.desc())) == ["Eve", "Bob", "Ada"]


def test_positions_and_slices(session: Session, members: list[Member]) -> None:
    """Line 8.10: [i] and [a:b]."""
    query = session.query(Member).order_by(Member.id)
    with expect_statements(session, 1) as sent:
        assert query[1].name == "Bob"
    assert "LIMIT" in sent[0]
    assert (
        names(query[1:]) == ["Bob", "Eve"]
        and names(query[:2]) == ["Ada", "Bob"]
        and names(query[0:3:2]) == ["Ada", "Eve"]
    )
    with expect_statements(session, 0):
        assert query[2:2] == [] == query[3:1]
    with pytest.raises(IndexError):
        query[3]
    with pytest.raises(IndexError, match="negative indexes"):
        query[-1]
    with pytest.raises(IndexError, match="negative indexes"):
        query[-2:]


def test_groups(session: Session, members: list[Member]) -> None:
    """Line 8.10: group_by, having."""
    query = session.query(Member.age, func.count(Member.id)).group_by(Member.age)
    assert [tuple(row) for row in query.having(func.count(Member.id) > 1)] == [(36, 2)]


def test_params(session: Session, members: list[Member]) -> None:
    """Line 8.10: params."""
    query = session.query(Member).filter(Member.name == bindparam("who"))
    assert names(query.params(who="Bob")) == ["Bob"] and names(query.params({"who": "Eve"})) == ["Eve"]


def test_a_limited_query_is_narrowed_no_more(session: Session) -> None:
    with pytest.raises(InvalidRequestError, match="already has LIMIT or OFFSET applied"):
        session.query(Member).limit(1).filter(Member.id == 1)
    with pytest.raises(InvalidRequestError, match="already has LIMIT or OFFSET applied"):
        session.query(Member).offset(1).order_by(Member.id)


# ── results ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_one(session: Session, members: list[Member]) -> None:
    """Line 8.9: no row and several rows are errors of their own, and both are InvalidRequestErrors."""
    query = session.query(Member)
    assert query.filter_by(name="Bob").one() is members[1]
    assert query.filter_by(name="none").one_or_none() is None
    with pytest.raises(NoResultFound, match=r"No rows returned for one\(\)"):
        query.filter_by(name="none").one()
    with pytest.raises(MultipleResultsFound, match=r"Multiple rows returned for one\(\)"):
        query.one()
    with pytest.raises(MultipleResultsFound, match=r"Multiple rows returned for one_or_none\(\)"):
        query.one_or_none()
    assert issubclass(NoResultFound, InvalidRequestError) and issubclass(MultipleResultsFound, InvalidRequestError)


def test_first(session: Session, members: list[Member]) -> None:
    """Line 8.9: first() asks for one row, and gives None for nothing."""
    with expect_statements(session, 1) as sent:
        assert session.query(Member).order_by(Member.id.desc()).first() is members[2]
    assert "LIMIT" in sent[0]
    assert session.query(Member).filter_by(name="none").first() is None
    assert session.query(Member).order_by(Member.id).limit(2).first() is members[0]


def test_scalar(session: Session, members: list[Member]) -> None:
    assert session.query(Member.name).filter(Member.id == 1).scalar() == "Ada"
    assert session.query(Member).filter(Member.id == 1).scalar() is members[0]
    assert session.query(Member.id).filter(Member.id < 0).scalar() is None
    with pytest.raises(MultipleResultsFound):
        session.query(Member.id).scalar()


def test_counting_and_aggregates(session: Session, members: list[Member]) -> None:
    """Line 8.10: count, min, max, sum, avg."""
    query = session.query(Member)
    assert (query.count(), query.filter(Member.age > 30).count(), query.limit(1).count()) == (3, 2, 1)
    assert (query.min(Member.age), query.max(Member.age), query.sum(Member.age)) == (20, 36, 92)
    assert query.filter(Member.age > 30).avg(Member.age) == 36
    assert query.order_by(Member.age).limit(1).max(Member.age) == 20, "of the limited rows only"
    assert query.filter(Member.id < 0).sum(Member.age) is None
    session.add(Member(name="Zoe", age=1))
    assert query.count() == 4 and query.min(Member.age) == 1, "flushed before"


def test_each_object_comes_once_however_many_rows(session: Session, members: list[Member]) -> None:
    query = session.query(Member).join(Loan).order_by(Member.id)
    assert names(query) == ["Ada", "Bob"]
    assert query.filter(Member.name == "Ada").one() is members[0]
    twice = session.query(Member, Member.age).join(Member.loans).filter(Member.name == "Ada")
    assert [tuple(row) for row in twice] == [(members[0], 36)]
    assert session.query(Member.name).join(Member.loans).filter(Member.name == "Ada").count() == 2


def test_rows(session: Session, members: list[Member]) -> None:
    """Lines 8.1, 8.10: several things make rows; add_entity, add_column, with_entities, values."""
    row = session.query(Member, Loan).join(Loan).order_by(Loan.id).first()
    assert row.Member is members[0] and row.Loan.note == "saw"
    query = session.query(Member).join(Member.loans).order_by(Loan.id)
    assert [(m.name, note) for m, note in query.add_column(Loan.note)] == [
        ("Ada", "saw"),
        ("Ada", "drill"),
        ("Bob", "saw"),
    ]
    assert query.add_columns(Loan.id, Loan.note).first()[1:] == (1, "saw")
    assert query.add_entity(Loan).first().Loan.id == 1
    assert [tuple(r) for r in query.with_entities(Loan.note)] == [("saw",), ("drill",), ("saw",)]
    assert [tuple(r) for r in query.values(Member.name, Loan.note)][2] == ("Bob", "saw")
    assert query.value(Loan.id) == 1 and query.filter(Loan.id < 0).value(Loan.id) is None
    assert session.query(Member).with_entities(func.count()).scalar() == 3
    assert [tuple(row) for row in session.query(Member).filter_by(name="Ada").tuples()] == [(members[0],)]
    labelled = session.query(Member.name.label("who")).order_by(Member.id).first()
    assert labelled.who == "Ada"


def test_what_is_asked_for_is_described(session: Session) -> None:
    query = session.query(Member, Loan.note)
    assert [one["name"] for one in query.column_descriptions] == ["Member", "note"]
    assert not query.is_single_entity and session.query(Member).is_single_entity
    twin = aliased(Member, name="twin")
    (told,) = session.query(twin).column_descriptions
    assert told["name"] == "twin" and told["aliased"] is True and told["entity"] is twin


# ── joins ────────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_joins(session: Session, members: list[Member]) -> None:
    """Line 8.10: join, outerjoin, select_from."""
    query = session.query(Member).order_by(Member.id)
    for joined in (
        query.join(Member.loans),
        query.join(Loan),
        query.join(Loan, Member.loans),
        query.join(Loan, Loan.member_id == Member.id),
        query.join("loans"),
    ):
        assert names(joined.filter(Loan.note == "drill")) == ["Ada"]
    assert names(query.outerjoin(Member.loans).filter(Loan.id == None)) == ["Eve"]  # noqa: E711
    assert session.query(func.count(Member.id)).select_from(Loan).join(Loan.member).scalar() == 3


def test_filter_by_speaks_of_what_was_joined_last(session: Session, members: list[Member]) -> None:
    """Line 8.10: reset_joinpoint."""
    query = session.query(Member).join(Member.loans).filter_by(note="saw")
    assert names(query.order_by(Member.id)) == ["Ada", "Bob"]
    assert names(query.reset_joinpoint().filter_by(name="Bob")) == ["Bob"]


@pytest.mark.classic
def test_joins_by_name(session: Session) -> None:
    """Line 8.10: names start from the first entity, or from what was joined last; aliases tell a tree's levels apart."""
    session.add(Node(name="root", children=[Node(name="a", children=[Node(name="c")]), Node(name="b")]))
    session.commit()
    query = session.query(Node)
    found = query.join("children", aliased=True).filter_by(name="a").reset_joinpoint().filter_by(name="root").one()
    assert found.name == "root"
    deep = query.join("children", aliased=True).join("children", aliased=True, from_joinpoint=True)
    assert deep.filter_by(name="c").one() is found
    assert session.query(Member).join(["loans"]).all() == []


def test_a_join_without_a_way(session: Session) -> None:
    with pytest.raises(InvalidRequestError, match="Don't know how to join to Shelf"):
        session.query(Member).join(Shelf).all()
    with pytest.raises(ArgumentError, match="a target and its condition"):
        session.query(Member).join(Loan, Member.loans, Loan.id)


def test_a_class_is_not_joined_to_itself_without_an_alias(session: Session, members: list[Member]) -> None:
    with pytest.raises(InvalidRequestError, match="Can't construct a join from Node to Node, they are the same entity"):
        session.query(Node).join(Node.children).all()
    query = session.query(Member).join(Member.loans).join(Member.loans).order_by(Member.id)
    assert names(query) == ["Ada", "Bob"], "the same join twice is one"


def test_with_parent(session: Session, members: list[Member]) -> None:
    """Line 8.10: with_parent, along the relationship that is said, or the only one there is."""
    query = session.query(Loan).order_by(Loan.id)
    assert query.with_parent(members[0]).all() == members[0].loans
    assert query.with_parent(members[0], Member.loans).count() == 2
    assert query.with_parent(members[0], "loans").count() == 2
    with pytest.raises(
        InvalidRequestError, match="Could not locate a property which relates instances of class 'Shelf'"
    ):
        session.query(Shelf).with_parent(members[0])


# ── unions, statements, subqueries ───────────────────────────────────────────────────────────────────────────────────
def test_unions(session: Session, members: list[Member]) -> None:
    """What comes after a union reads from it."""
    ada, old = session.query(Member).filter_by(name="Ada"), session.query(Member).filter(Member.age > 30)
    assert names(ada.union(old).order_by(Member.name.desc())) == ["Eve", "Ada"]
    assert ada.union_all(old).count() == 3 and names(ada.union_all(old).order_by(Member.id)) == ["Ada", "Eve"]
    assert names(old.intersect(ada)) == ["Ada"] and names(old.except_(ada)) == ["Eve"]
    assert names(ada.union(old).filter(Member.name == "Eve")) == ["Eve"]
    assert names(ada.union(old).filter_by(name="Eve")) == ["Eve"]
    assert names(ada.union(old).join(Member.loans).filter(Loan.note == "drill")) == ["Ada"]
    assert names(ada.union(old).join(Loan, Loan.member_id == Member.id).distinct()) == ["Ada"]
    columns = session.query(Member.name, Member.age).filter_by(name="Ada")
    assert next(tuple(r) for r in columns.union(session.query(Loan.note, Loan.id)).order_by(Member.name)) == ("Ada", 36)
    assert columns.union(columns).one().name == "Ada"


def test_from_statement(session: Session, members: list[Member]) -> None:
    """Line 8.10: from_statement."""
    query = session.query(Member).from_statement(text("SELECT * FROM member WHERE age > :age ORDER BY name DESC"))
    assert names(query.params(age=30)) == ["Eve", "Ada"]
    assert query.params(age=30).first() is members[2]
    assert query.params(age=99).one_or_none() is None
    with pytest.raises(InvalidRequestError, match="existing full statement"):
        query.filter(Member.id == 1)
    with pytest.raises(ArgumentError, match=r"text\(\)"):
        session.query(Member).from_statement("SELECT 1")
    with pytest.raises(InvalidRequestError, match="existing criterion"):
        session.query(Member).order_by(Member.id).from_statement(text("SELECT 1"))


@pytest.mark.classic
def test_instances_of_a_result(session: Session, members: list[Member]) -> None:
    """Line 8.10: instances."""
    result = session.execute(text("SELECT name, id, age FROM member ORDER BY id DESC"))
    assert list(session.query(Member).instances(result)) == members[::-1]
    rows = session.query(Member, Member.name).instances(session.execute(select(Member.__table__).order_by(Member.id)))
    assert next(tuple(row) for row in rows) == (members[0], "Ada")


def test_in_other_statements(session: Session, members: list[Member]) -> None:
    old = session.query(Member.id).filter(Member.age > 30)
    assert names(session.query(Member).filter(Member.id.in_(old)).order_by(Member.id)) == ["Ada", "Eve"]
    counts = session.query(Loan.member_id, func.count().label("n")).group_by(Loan.member_id).subquery()
    query = (
        session.query(Member.name, counts.c.n).outerjoin(counts, counts.c.member_id == Member.id).order_by(Member.id)
    )
    assert [tuple(row) for row in query] == [("Ada", 2), ("Bob", 1), ("Eve", None)]
    newest = session.query(func.max(Loan.id)).filter(Loan.member_id == Member.id)
    assert next(tuple(r) for r in session.query(Member.name, newest.scalar_subquery()).order_by(Member.id)) == (
        "Ada",
        2,
    )
    assert (
        session.query(newest.correlate(Member).label("last")).select_from(Member).filter(Member.id == 2).scalar() == 3
    )
    has_loans = session.query(Loan).filter(Loan.member_id == Member.id).exists()
    assert names(session.query(Member).filter(~has_loans)) == ["Eve"]
    assert session.query(session.query(Member).filter_by(name="Ada").exists()).scalar() in (True, 1)
    cte = session.query(Member).filter(Member.age > 30).cte("old")
    assert names(session.query(aliased(Member, cte)).order_by("name")) == ["Ada", "Eve"]
    assert old.whereclause is not None and session.query(Member).whereclause is None


# ── by key ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_get(session: Session, members: list[Member]) -> None:
    """Line 8.10: get."""
    assert session.query(Member).get(1) is members[0] and session.query(Member).get(99) is None
    members[0].name = "changed"
    with session.no_autoflush:
        assert session.query(Member).populate_existing().get(1).name == "Ada"
    with pytest.raises(InvalidRequestError, match=r"get\(\) being called on a Query with existing criterion"):
        session.query(Member).filter_by(name="Ada").get(1)
    with pytest.raises(InvalidRequestError, match="single mapped class"):
        session.query(Member.id).get(1)


@pytest.mark.classic
def test_load_takes_the_row_for_the_object(session: Session, members: list[Member]) -> None:
    """Lines 8.6, 8.10, 23.5: always a SELECT, pending changes are lost, nothing is flushed; a missing row is an error."""
    members[0].name = "pending"
    with statements_of(session) as sent:
        assert session.query(Member).load(1).name == "Ada"
    assert len(sent) == 1 and sent[0].startswith("SELECT")
    with pytest.raises(InvalidRequestError, match="No instance found for identity 99"):
        session.query(Member).load(99)


# ── how it is run ────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_query_without_autoflush(session: Session, members: list[Member]) -> None:
    """Line 9.12: autoflush off for one query."""
    session.add(Member(name="Zoe"))
    assert session.query(Member).autoflush(False).count() == 3
    assert len(session.query(Member).autoflush(False).all()) == 3 and len(session.new) == 1
    assert session.query(Member).count() == 4


def test_locks_are_asked_for_and_cannot_be_had(session: Session, members: list[Member]) -> None:
    """Line 8.10: with_lockmode."""
    query = session.query(Member).filter_by(name="Ada")
    assert query.with_lockmode("update").one() is query.with_for_update().one() is query.with_lockmode(None).one()
    with pytest.raises(ArgumentError, match="Unknown with_for_update argument"):
        query.with_lockmode("always")


def test_a_session_may_have_its_own_query_class(session: Session, members: list[Member]) -> None:
    """Line 8.1: the query class is replaceable."""

    class Polite(Query):
        def please(self) -> list[object]:
            return self.all()

    class PoliteSession(Session):
        _query_cls = Polite

    assert isinstance(PoliteSession(session.bind).query(Member).filter_by(name="Ada"), Polite)


def test_a_query_of_no_session(session: Session, members: list[Member]) -> None:
    query = Query(Member).filter(Member.name == "Ada")
    with pytest.raises(InvalidRequestError, match="not bound to a Session"):
        query.all()
    assert query.with_session(session).one() is members[0]
    assert query.with_session(session).with_transformation(lambda q: q.count()) == 1
    assert "WHERE member.name" in str(query)


def test_options_travel_with_a_query(session: Session) -> None:
    query = session.query(Member).execution_options(a=1).yield_per(10)
    assert query.get_execution_options() == {"a": 1, "yield_per": 10}
    assert session.query(Member).enable_eagerloads(False).get_execution_options() == {"enable_eagerloads": False}
