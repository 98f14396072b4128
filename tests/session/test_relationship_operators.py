"""Relationships in criteria: ==, !=, contains, any, has, with_parent."""

from __future__ import annotations

import pytest

from nbsession import ArgumentError, InvalidRequestError, SAWarning, Session, aliased, exists, or_, select, with_parent
from tests.session.models import City, Country, Loan, Member, Node


@pytest.fixture
def ada(session: Session) -> Member:
    """Ada has two loans, Bob one, Eve none; one loan is nobody's."""
    ada = Member(name="Ada", age=36, loans=[Loan(note="saw"), Loan(note="drill")])
    session.add_all([ada, Member(name="Bob", loans=[Loan(note="saw")]), Member(name="Eve"), Loan(note="lost")])
    session.commit()
    return ada


def notes(session: Session, *criteria: object) -> list[str | None]:
    return list(session.scalars(select(Loan.note).where(*criteria).order_by(Loan.id)))


def names(session: Session, *criteria: object) -> list[str]:
    return list(session.scalars(select(Member.name).where(*criteria).order_by(Member.id)))


def test_to_one_compared_with_an_object(session: Session, ada: Member) -> None:
    """Line 8.10: the relation operators."""
    assert notes(session, Loan.member == ada) == ["saw", "drill"]
    assert notes(session, Loan.member != ada) == ["saw", "lost"]
    assert notes(session, ~(Loan.member == ada)) == ["saw"]
    assert notes(session, or_(Loan.member == ada, Loan.note == "lost")) == ["saw", "drill", "lost"]


def test_to_one_compared_with_nothing(session: Session, ada: Member) -> None:
    """Line 8.10: == None, != None."""
    assert notes(session, Loan.member == None) == ["lost"]  # noqa: E711
    assert notes(session, Loan.member != None) == ["saw", "drill", "saw"]  # noqa: E711


def test_collection_compared_with_nothing(session: Session, ada: Member) -> None:
    assert names(session, Member.loans == None) == ["Eve"]  # noqa: E711
    assert names(session, Member.loans != None) == ["Ada", "Bob"]  # noqa: E711


def test_contains(session: Session, ada: Member) -> None:
    """Line 8.10: contains."""
    drill = ada.loans[1]
    assert names(session, Member.loans.contains(drill)) == ["Ada"]
    assert names(session, ~Member.loans.contains(drill)) == ["Bob", "Eve"]


def test_any_and_has(session: Session, ada: Member) -> None:
    """Line 8.10: any, has."""
    assert names(session, Member.loans.any()) == ["Ada", "Bob"]
    assert names(session, ~Member.loans.any()) == ["Eve"]
    assert names(session, Member.loans.any(Loan.note == "drill")) == ["Ada"]
    assert names(session, Member.loans.any(note="saw")) == ["Ada", "Bob"]
    assert names(session, Member.loans.any(Loan.id > 1, note="saw")) == ["Bob"]
    assert notes(session, Loan.member.has()) == ["saw", "drill", "saw"]
    assert notes(session, Loan.member.has(name="Ada")) == ["saw", "drill"]
    assert notes(session, Loan.member.has(Member.age > 30)) == ["saw", "drill"]
    assert notes(session, Loan.member.has(Member.loans.any(note="drill"))) == ["saw", "drill"]


def test_any_on_a_tree_speaks_of_the_far_side(session: Session) -> None:
    session.add(Node(name="root", children=[Node(name="a", children=[Node(name="c")]), Node(name="b")]))
    session.commit()
    found = session.scalars(select(Node.name).where(Node.children.any(Node.name == "c"))).all()
    assert found == ["a"]
    found = session.scalars(select(Node.name).where(Node.parent.has(name="root")).order_by(Node.id)).all()
    assert found == ["a", "b"]
    child = aliased(Node)
    found = session.scalars(select(Node.name).where(Node.children.of_type(child).any(child.name == "a"))).all()
    assert found == ["root"]
    one = session.scalars(select(Node).where(Node.name == "a")).one()
    assert session.scalars(select(Node.name).where(Node.parent == one)).all() == ["c"]
    assert session.scalars(select(Node.name).where(Node.children.contains(one))).all() == ["root"]


def test_operators_of_an_alias(session: Session, ada: Member) -> None:
    other = aliased(Member)
    found = session.scalars(select(other.name).where(other.loans.any(note="drill"))).all()
    assert found == ["Ada"]
    loan = aliased(Loan)
    found = session.scalars(select(loan.note).where(loan.member == ada).order_by(loan.id)).all()
    assert found == ["saw", "drill"]


def test_composite_keys(session: Session) -> None:
    country = Country(code="DE", cities=[City(number=1, name="Ulm"), City(number=2, name="Bonn")])
    session.add(country)
    session.commit()
    assert len(session.scalars(select(City).where(City.country == country)).all()) == 2
    assert session.scalars(select(Country).where(Country.cities.contains(country.cities[1]))).one() is country


def test_a_key_that_is_not_there_yet_is_asked_for_at_execution(session: Session) -> None:
    """A pending object is flushed before the query, and has its key then."""
    zoe = Member(name="Zoe", loans=[Loan(note="new")])
    session.add(zoe)
    statement = select(Loan).where(Loan.member == zoe)
    assert session.scalars(statement).one() is zoe.loans[0]


def test_an_expired_object_is_loaded_for_its_value(session: Session, ada: Member) -> None:
    drill = ada.loans[1]
    session.expire_all()
    assert names(session, Member.loans.contains(drill)) == ["Ada"]
    session.expunge_all()
    assert notes(session, Loan.member == ada) == ["saw", "drill"], "its identity is known"


def test_a_detached_expired_object_has_no_value(session: Session, ada: Member) -> None:
    drill = ada.loans[1]
    known = Member.loans.contains(drill)
    session.expire(drill)
    session.expunge(drill)
    assert names(session, known) == ["Ada"], "what it was when the criterion was written"
    with pytest.raises(InvalidRequestError, match="the object is detached and the value was expired"):
        names(session, Member.loans.contains(drill))


def test_a_new_object_without_a_value(session: Session, ada: Member) -> None:
    with pytest.raises(InvalidRequestError, match="no value has been set for this column"):
        notes(session, Loan.member == Member(name="new"))
    with pytest.warns(SAWarning, match="Got None for value of column"):
        assert names(session, Member.loans.contains(Loan(member_id=None))) == []


def test_with_parent(session: Session, ada: Member) -> None:
    """Line 8.10: with_parent."""
    found = session.scalars(select(Loan).where(with_parent(ada, Member.loans)).order_by(Loan.id)).all()
    assert found == ada.loans
    owner = session.scalars(select(Member).where(with_parent(ada.loans[0], Loan.member))).one()
    assert owner is ada
    other = aliased(Loan)
    found = session.scalars(select(other.note).where(with_parent(ada, Member.loans, from_entity=other))).all()
    assert sorted(found) == ["drill", "saw"]
    found = session.scalars(select(other.note).where(with_parent(ada, Member.loans.of_type(other)))).all()
    assert sorted(found) == ["drill", "saw"]
    with pytest.raises(ArgumentError, match="takes a relationship"):
        with_parent(ada, Member.name)


def test_joins_with_more_criteria(session: Session, ada: Member) -> None:
    statement = select(Member.name, Loan.note).outerjoin(Member.loans.and_(Loan.note == "drill")).order_by(Member.id)
    assert [tuple(row) for row in session.execute(statement)] == [("Ada", "drill"), ("Bob", None), ("Eve", None)]


def test_join_forms(session: Session, ada: Member) -> None:
    wanted = ["Ada", "Ada", "Bob"]
    for statement in (
        select(Member.name).join(Member.loans),
        select(Member.name).join(Loan),
        select(Member.name).join(Loan, Member.loans),
        select(Member.name).join(Loan, Loan.member_id == Member.id),
        select(Member.name).join_from(Member, Loan),
        select(Member.name).select_from(Loan).join(Loan.member),
        select(Member.name).join_from(Loan, Member, Loan.member_id == Member.id),
    ):
        assert session.scalars(statement.order_by(Member.id)).all() == wanted


def test_an_exists_of_ones_own(session: Session, ada: Member) -> None:
    assert names(session, ~exists().where(Loan.member_id == Member.id)) == ["Eve"]


def test_what_makes_no_sense_is_refused(session: Session, ada: Member) -> None:
    with pytest.raises(InvalidRequestError, match=r"'any\(\)' not implemented for scalar attributes"):
        Loan.member.any()
    with pytest.raises(InvalidRequestError, match=r"'has\(\)' not implemented for collections"):
        Member.loans.has()
    with pytest.raises(InvalidRequestError, match="'contains' not implemented for scalar attributes"):
        Loan.member.contains(ada)
    with pytest.raises(InvalidRequestError, match="Can't compare a collection to an object or collection"):
        Member.loans == ada.loans[0]
    with pytest.raises(InvalidRequestError, match="Can't compare a collection to an object or collection"):
        Member.loans != ada.loans[0]
    with pytest.raises(NotImplementedError, match=r"in_\(\) not yet supported for relationships"):
        Loan.member.in_([ada])
    with pytest.raises(ArgumentError, match="Mapped instance expected for relationship comparison"):
        Loan.member == Member
    with pytest.raises(ArgumentError, match="Mapped instance expected"):
        Loan.member == "Ada"
