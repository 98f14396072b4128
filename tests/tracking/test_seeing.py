"""Looking at objects: what is seen, and that those which share a state share it still."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from nbsession import DeclarativeBase, Engine, Session, UnmappedInstanceError, inspect, mapped_column
from nbsession.notebook.reporting.readings import read, status_of
from nbsession.sql.types import Integer
from nbsession.tracking.alike_state import AlikeState
from nbsession.tracking.history import column_history
from nbsession.tracking.instance_state import state_of
from nbsession.tracking.seeing import old_values, seen
from tests.support import expect_statements


class Base(DeclarativeBase):
    pass


class Stamp(Base):
    __tablename__ = "stamp"
    id = mapped_column(Integer, primary_key=True)
    worth = mapped_column(Integer)


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        yield session


@pytest.fixture
def stamps(session: Session) -> list[Stamp]:
    """Changed alike, so that they share a state."""
    stamps = [Stamp(id=n, worth=n) for n in range(1, 6)]
    session.add_all(stamps)
    session.flush()
    for stamp in stamps:
        stamp.worth += 10
    assert isinstance(seen(stamps[0]), AlikeState)
    return stamps


def test_looking_at_an_object_leaves_the_state_that_it_shares(session: Session, stamps: list[Stamp]) -> None:
    shared, stamp = seen(stamps[0]), stamps[2]
    looked = inspect(stamp)
    assert stamp in session and looked.persistent and looked.modified and looked.identity == (3,)
    assert looked.attrs.worth.history == column_history(stamp, "worth") == ([13], (), [3])
    assert old_values(stamp) == {"worth": 3} and status_of(stamp) == "persistent"
    assert [(each.key, each.history.deleted) for each in looked.attrs if each.history.has_changes()] == [("worth", [3])]
    assert read(stamp).state == "persistent" and session.is_modified(stamp) and set(session.dirty) == set(stamps)
    assert all(seen(each) is shared for each in stamps)
    with expect_statements(session, 1):
        session.flush()


def test_of_an_object_that_did_not_change_no_old_value_is_seen(session: Session, stamps: list[Stamp]) -> None:
    session.flush()
    assert old_values(stamps[0]) == {} and seen(stamps[0]) is state_of(stamps[0])
    state_of(stamps[0])
    stamps[0].worth = 0
    assert old_values(stamps[0]) == {"worth": 11}


def test_who_has_no_state_yet_is_given_one_and_a_class_has_none() -> None:
    new = object.__new__(Stamp)
    assert seen(new) is state_of(new)
    for thing in (Stamp, object()):
        with pytest.raises(UnmappedInstanceError):
            seen(thing)
