"""Who is whose last parent, who is brought in by an assignment, and what an object that is new again was before a savepoint."""

from __future__ import annotations

import pytest

from nbsession import (  # fmt: skip
    Column,
    DeclarativeBase,
    ForeignKey,
    IntegrityError,
    InvalidRequestError,
    Mapped,
    Session,
    Table,
    inspect,
    mapped_column,
    relationship,
    select,
)
from tests.session.models import Loan, Member, Node, Shelf, Tool


class Base(DeclarativeBase):
    pass


naming = Table(
    "naming",
    Base.metadata,
    Column("plant_id", ForeignKey("plant.id"), primary_key=True),
    Column("word_id", ForeignKey("word.id"), primary_key=True),
)


class Plant(Base):
    __tablename__ = "plant"
    id: Mapped[int] = mapped_column(primary_key=True)
    words: Mapped[list[Word]] = relationship(secondary=naming, back_populates="plants")


class Word(Base):
    __tablename__ = "word"
    id: Mapped[int] = mapped_column(primary_key=True)
    plants: Mapped[list[Plant]] = relationship(secondary=naming, back_populates="words")


@pytest.fixture
def plants(session: Session) -> Session:
    """A session in which a plant is whose key a detached one has, too."""
    Base.metadata.create_all(session.get_bind())
    session.add(Plant(id=1))
    session.commit()
    return session


@pytest.fixture
def lent(session: Session) -> Loan:
    """A loan that its member has twice, and that another one took and gave up."""
    loan = Loan(id=1)
    ada = Member(id=1, name="Ada", loans=[loan])
    session.add(ada)
    session.commit()
    ada.loans.append(loan)
    bob = Member(id=2, name="Bob")
    bob.loans.append(loan)
    assert ada.loans == [loan]
    bob.loans.remove(loan)
    return loan


def test_who_was_given_up_by_its_last_parent_is_an_orphan_though_an_earlier_one_holds_it(
    session: Session, lent: Loan
) -> None:
    session.flush()
    assert inspect(lent).deleted


def test_who_was_given_up_by_its_last_parent_goes_though_an_earlier_one_goes_too(session: Session, lent: Loan) -> None:
    session.delete(session.get(Member, 1))
    session.add(lent)
    session.flush()
    assert inspect(lent).deleted


def test_who_was_given_up_by_half_lives_with_the_parent_that_took_it(session: Session) -> None:
    loan, bob = Loan(id=1), Member(id=2, name="Bob")
    ada = Member(id=1, name="Ada", loans=[loan])
    session.add_all([ada, bob])
    session.commit()
    ada.loans.append(loan)
    loan.member = bob
    assert ada.loans == [loan]
    session.flush()
    assert inspect(loan).persistent and loan.member_id == 2


def test_an_assignment_brings_in_who_stays_in_the_order_of_before(plants: Session) -> None:
    """What is refused stops those behind it."""
    taken, fresh = plants.get(Plant, 1), Plant()
    plants.expunge(taken)
    here = plants.get(Plant, 1)
    word = Word(plants=[taken, fresh])
    with pytest.raises(InvalidRequestError, match="Can't attach instance"):
        plants.add(word)
    with pytest.raises(InvalidRequestError, match="Can't attach instance"):
        word.plants = [fresh, taken]
    assert word in plants and here in plants and fresh not in plants


def test_an_assignment_that_is_refused_brings_nobody_in_who_was_there_before(plants: Session) -> None:
    taken, word, fresh = plants.get(Plant, 1), Word(), Plant()
    plants.expunge(taken)
    here = plants.get(Plant, 1)
    plants.add(word)
    fresh.words.append(word)  # which does not bring the plant in
    assert fresh in word.plants and fresh not in plants
    with pytest.raises(InvalidRequestError, match="Can't attach instance"):
        word.plants = [fresh, taken]
    assert here in plants and fresh not in plants


def test_of_many_whose_flush_failed_those_who_were_never_written_are_changed(session: Session) -> None:
    """Whatever becomes of one that is new for the second time."""
    again = Node(id=7)
    session.add(again)
    session.flush()
    session.rollback()
    above = Node(children=[again])
    session.add_all([Node(id=7, name="rival"), again])
    with pytest.raises(IntegrityError):
        session.flush()
    session.rollback()
    assert session.is_modified(above)


def test_what_was_never_set_before_a_savepoint_is_not_given_back(session: Session) -> None:
    """Line 22.7: the second value that the savepoint wrote is not what the object was inserted with."""
    tool = Tool(id=1, name="saw")
    session.add_all([tool, Shelf(id=1), Shelf(id=2)])
    session.begin_nested()
    for shelf_id in (1, 2):
        tool.shelf_id = shelf_id
        session.flush()
    session.rollback()
    assert vars(tool).get("shelf_id") is None and tool.name == "saw"


@pytest.mark.parametrize("released", [False, True])
def test_of_two_values_that_a_savepoint_wrote_the_one_before_it_comes_back(session: Session, released: bool) -> None:
    """Line 22.7: also where the first was written in a savepoint within it."""
    tool = Tool(id=1, name="saw")
    session.add(tool)
    session.begin_nested()
    inner = session.begin_nested() if released else None
    tool.name = "axe"
    session.flush()
    if inner is not None:
        inner.commit()
    tool.name = "adze"
    session.flush()
    session.rollback()
    assert tool.name == "saw"


def test_what_was_known_before_a_savepoint_comes_back_though_it_was_expired(session: Session) -> None:
    """Line 22.7"""
    tool = Tool(id=1)
    session.add(tool)
    session.flush()
    tool.name = "saw"
    session.flush()
    session.expire(tool)
    session.begin_nested()
    tool.name = "axe"
    session.flush()
    session.rollback()
    assert tool.name == "saw"


def test_expiring_reaches_nobody_behind_a_new_object(session: Session) -> None:
    """It stays pending: over delete-orphan it would leave, and they would be expired."""
    top, other = Node(id=1, name="top"), Node(id=2, name="other")
    session.add_all([top, other])
    session.commit()
    assert (top.name, other.name) == ("top", "other")
    fresh = Node()
    top.children.append(fresh)
    other.parent = fresh
    session.expire(top)
    assert "name" in vars(other) and fresh in session.new and other.parent is fresh


@pytest.fixture
def twice(session: Session) -> Loan:
    """A loan that its member has had twice since the last flush, and gave up once."""
    loan = Loan(id=1)
    ada = Member(id=1, name="Ada", loans=[loan, loan])
    session.add(ada)
    session.flush()
    session.info["ada"] = ada
    ada.loans.remove(loan)
    return loan


def test_an_unchanged_child_that_was_given_up_by_half_goes_with_its_next_change(session: Session, twice: Loan) -> None:
    session.flush()
    assert inspect(twice).persistent
    twice.note = "late"
    session.flush()
    assert inspect(twice).deleted


def test_a_child_that_was_given_up_by_half_stays_if_a_parent_takes_it_again(session: Session, twice: Loan) -> None:
    session.info["ada"].loans.append(twice)
    twice.note = "late"
    session.flush()
    assert inspect(twice).persistent


def test_a_new_child_that_was_given_up_by_half_goes_with_its_next_change_whoever_holds_it(session: Session) -> None:
    loan = Loan(id=1)
    ada = Member(id=1, name="Ada", loans=[loan, loan])
    session.add(ada)
    loan.member = None
    session.add(loan)
    session.flush()
    ada.loans.append(Loan(id=2))
    loan.note = "late"
    session.flush()
    assert inspect(loan).deleted


@pytest.mark.parametrize("how", ["assigned", "behind"])
def test_a_pending_child_that_was_given_up_by_half_in_the_session_may_come_again(session: Session, how: str) -> None:
    loan = Loan(id=1)
    ada = Member(id=1, name="Ada", loans=[loan])
    session.add(ada)
    ada.loans.append(loan)
    ada.loans.remove(loan)
    assert loan not in session
    if how == "assigned":
        ada.loans = [loan]
    else:
        session.expunge(ada)
        session.add(ada)
    session.flush()
    assert inspect(loan).persistent


def test_a_child_that_was_given_up_and_refers_to_its_parent_again_comes_with_it(session: Session) -> None:
    loan = Loan(id=1)
    ada = Member(id=1, name="Ada", loans=[loan, loan])
    ada.loans.remove(loan)
    ada.loans.remove(loan)
    loan.member = ada
    session.add(ada)
    session.flush()
    assert inspect(loan).persistent


def test_children_in_a_tree_are_written_with_the_new_key_of_their_parent(session: Session) -> None:
    """Line 21.6: though the database is asked to follow by itself elsewhere."""
    top, leaf = Node(id=1), Node(id=2)
    session.add_all([top, leaf])
    leaf.parent = top
    session.commit()
    assert top.children == [leaf]
    top.id = 6
    session.flush()
    assert session.scalar(select(Node.parent_id).where(Node.id == 2)) == 6
