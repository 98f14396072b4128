"""The undo log, where one level hands over to the next: what a released savepoint did, the level above undoes."""

from __future__ import annotations

import pytest

from nbsession import Session, func, inspect
from tests.session.models import Country, Member


def test_a_key_changed_in_a_released_savepoint_is_changed_back(session: Session) -> None:
    """Lines 6.5, 6.9: by the rollback of the level above."""
    country = Country(code="a")
    session.add(country)
    session.commit()
    assert country.code == "a"
    with session.begin_nested():
        country.code = "b"
    assert inspect(country).identity == ("b",)
    session.rollback()
    assert inspect(country).identity == ("a",) and session.get(Country, "a") is country and country.code == "a"


def test_values_inserted_and_expired_in_a_released_savepoint_are_given_back(session: Session) -> None:
    """Line 22.7: the level above knows them too."""
    ada = Member(name="Ada", age=36)
    with session.begin_nested():
        session.add(ada)
        session.flush()
        session.expire(ada)
    session.rollback()
    assert inspect(ada).transient and (ada.name, ada.age) == ("Ada", 36)


def test_a_change_that_was_never_flushed_is_not_given_back(session: Session) -> None:
    """Line 22.7: expired, set, expired again: what counts is what was inserted."""
    ada = Member(name="Ada", age=36)
    session.add(ada)
    session.flush()
    session.expire(ada, ["age"])
    ada.age = 5
    session.expire(ada)
    session.rollback()
    assert (ada.name, ada.age) == ("Ada", 36)


@pytest.mark.parametrize("end", ["commit", "rollback"])
def test_a_deletion_in_a_released_savepoint(session: Session, end: str) -> None:
    """Lines 6.5, 14.8: detached by the commit of the level above, persistent again by its rollback."""
    ada = Member(name="Ada")
    session.add(ada)
    session.commit()
    with session.begin_nested():
        session.delete(ada)
    assert inspect(ada).deleted
    getattr(session, end)()
    assert inspect(ada).state.value == ("detached" if end == "commit" else "persistent")


def test_of_savepoints_within_each_other_the_first_change_says_what_was_inserted(session: Session) -> None:
    """Line 22.7"""
    ada = Member(name="Ada", age=36)
    session.add(ada)
    session.flush()
    for age in (37, 38):
        session.begin_nested()
        ada.age = age
        session.flush()
    session.rollback()
    assert inspect(ada).transient and (ada.name, ada.age) == ("Ada", 36)


def test_what_becomes_known_in_a_savepoint_after_a_change_is_given_back_too(session: Session) -> None:
    """Line 22.7"""
    ada = Member(name=func.upper("ada"), age=36)
    session.add(ada)
    session.flush()
    session.begin_nested()
    ada.age = 37
    session.flush()
    assert ada.name == "ADA"
    session.expire(ada)
    session.rollback()
    assert inspect(ada).transient and (ada.name, ada.age) == ("ADA", 36)


def test_what_the_database_was_to_make_of_an_inserted_object_leaves_nothing(session: Session) -> None:
    """Line 22.7: without a savepoint no change is remembered, as there is none to go back to."""
    ada = Member(name="Ada", age=36)
    session.add(ada)
    session.flush()
    ada.name = func.upper("x")
    session.flush()
    session.rollback()
    assert inspect(ada).transient and ada.age == 36 and "name" not in vars(ada)
