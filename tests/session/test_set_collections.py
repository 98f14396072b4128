"""Collections that are sets: they look whether somebody is a member before they tell, as SQLAlchemy's do."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from nbsession import Column, DeclarativeBase, Engine, ForeignKey, Integer, Session, String, inspect, relationship, text


@pytest.fixture
def model(engine: Engine) -> SimpleNamespace:
    """Club 1-* Member, the members a set; a few rows."""

    class Base(DeclarativeBase):
        pass

    class Club(Base):
        __tablename__ = "clubs"
        id = Column(Integer, primary_key=True)
        name = Column(String)
        members: Any = relationship("Member", back_populates="club", collection_class=set)

    class Member(Base):
        __tablename__ = "members"
        id = Column(Integer, primary_key=True)
        name = Column(String)
        club_id = Column(ForeignKey("clubs.id"))
        club: Any = relationship("Club", back_populates="members")

    Base.metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO clubs VALUES (1, 'x'), (2, 'y')"))
        connection.execute(text("INSERT INTO members VALUES (1, 'x', 1), (2, 'y', 1), (3, 'x', 2)"))
    return SimpleNamespace(Club=Club, Member=Member)


@pytest.fixture
def session(engine: Engine, model: SimpleNamespace) -> Session:
    return Session(engine)


def test_who_is_a_member_and_added_again_comes_back_into_the_session(session: Session, model: SimpleNamespace) -> None:
    club, member = session.get(model.Club, 1), session.get(model.Member, 1)
    assert member in club.members
    session.expunge(member)
    club.members.add(member)
    assert inspect(member).persistent and club not in session.dirty


def test_a_reference_that_leads_to_another_set_changes_nothing_there(session: Session, model: SimpleNamespace) -> None:
    """Its club's members are loaded without it: there is nothing to be taken out."""
    member = session.get(model.Member, 1)
    assert member.club is not None
    session.expunge(member)
    club = session.get(model.Club, 1)
    assert {m.id for m in club.members} == {1, 2} and member not in club.members
    member.club = None
    assert club not in session.dirty and len(club.members) == 2


def test_a_set_that_a_flush_has_loaded_meanwhile_is_as_loaded(session: Session, model: SimpleNamespace) -> None:
    """The deletion loads the members and lets them go; the load that was under way finds none."""
    club, newcomer = session.get(model.Club, 2), model.Member()
    session.delete(club)
    newcomer.club = club
    club.members = set()
    assert not session.is_modified(club)
