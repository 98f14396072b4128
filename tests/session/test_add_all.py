"""``add_all()`` of many new objects of a class at once is what ``add()`` does one by one."""

from __future__ import annotations

from typing import Any

import pytest

from nbsession import Engine, InvalidRequestError, Session, event, inspect
from nbsession.exc import UnmappedInstanceError
from nbsession.states import ObjectState
from nbsession.tracking.instance_state import state_of
from tests.session.models import Loan, Member, Node


def test_new_objects_are_pending_in_the_order_of_the_list(tables: Engine) -> None:
    members = [Member(name=name) for name in "cab"]
    with Session(tables) as session:
        session.add_all([*members, members[1]])
        assert list(session.new) == members and session.in_transaction()
        assert all(inspect(member).pending for member in members)
        session.flush()
        assert [member.id for member in members] == [1, 2, 3]


def test_what_some_of_them_lead_to_comes_along(tables: Engine) -> None:
    members = [Member(name="Ada"), Member(name="Bob", loans=[Loan(note="first")]), Member(name="Cyd")]
    with Session(tables) as session:
        session.add_all(members)
        assert list(session.new) == [members[0], members[1], members[1].loans[0], members[2]]


@pytest.mark.parametrize("stranger", [object(), Member], ids=["no mapped class", "a class"])
def test_who_cannot_come_in_stops_it_and_who_came_before_is_in(tables: Engine, stranger: Any) -> None:
    ada, bob = Member(name="Ada"), Member(name="Bob")
    with Session(tables) as session:
        with pytest.raises(UnmappedInstanceError):
            session.add_all([ada, stranger, bob])
        assert list(session.new) == [ada]


def test_objects_of_two_classes_and_states_come_in_too(tables: Engine) -> None:
    with Session(tables) as session:
        old = Member(name="old")
        session.add(old)
        session.commit()
        session.expunge(old)
        objects = [Member(name="Ada"), Node(), old, Member(name="Bob")]
        session.add_all(objects)
        assert [state_of(obj).status for obj in objects] == [
            ObjectState.PENDING,
            ObjectState.PENDING,
            ObjectState.PERSISTENT,
            ObjectState.PENDING,
        ]


def test_hooks_hear_of_each_before_the_next(tables: Engine) -> None:
    told: list[tuple[str, str]] = []
    with Session(tables) as session:
        event.listen(session, "before_attach", lambda session, obj: told.append(("before", obj.name)))
        event.listen(session, "after_attach", lambda session, obj: told.append(("after", obj.name)))
        session.add_all([Member(name="a"), Member(name="b")])
    assert told == [("before", "a"), ("after", "a"), ("before", "b"), ("after", "b")]


def test_a_block_whose_transaction_ended_takes_none(tables: Engine) -> None:
    members = [Member(name="Ada"), Member(name="Bob")]
    with Session(tables) as session, session.begin() as transaction:
        transaction.rollback()
        with pytest.raises(InvalidRequestError, match="closed transaction"):
            session.add_all(members)
        assert not session.new and inspect(members[0]).transient
