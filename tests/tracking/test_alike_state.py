"""States that objects share on which the same was set: nobody sees a difference, whatever comes next."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from nbsession import DeclarativeBase, Engine, InvalidRequestError, Session, inspect, mapped_column, select
from nbsession.events import AttributeChanged
from nbsession.sql.types import Integer, String
from nbsession.tracking.alike_state import AlikeState, WatchedAlike
from nbsession.tracking.history import column_history
from nbsession.tracking.instance_state import OwnState, WatchedState, state_of
from tests.support import expect_statements


class Base(DeclarativeBase):
    pass


class Coin(Base):
    __tablename__ = "coin"
    id = mapped_column(Integer, primary_key=True)
    worth = mapped_column(Integer)
    face = mapped_column(String)
    mint = mapped_column(Integer, default=0)
    year = mapped_column(Integer, default=0)
    metal = mapped_column(Integer, default=0)


@pytest.fixture(params=["alone", "observed"])
def session(engine: Engine, request: pytest.FixtureRequest) -> Iterator[Session]:
    """With coins in the database; somebody listens to it, or nobody."""
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all([Coin(worth=n, face=f"face {n}") for n in range(1, 5)])
        session.commit()
        if request.param == "observed":
            session.subscribe(lambda fact: None)
        yield session


@pytest.fixture
def coins(session: Session) -> list[Coin]:
    return list(session.scalars(select(Coin).order_by(Coin.id)))


def raw(obj: Any) -> Any:
    return obj._nbs_state  # state_of() would change it


def worths(session: Session) -> list[int]:
    return [row[0] for row in session.connection().exec_driver_sql("SELECT worth FROM coin ORDER BY id")]


def test_objects_on_which_the_same_is_set_share_a_state_until_somebody_asks(coins: list[Coin]) -> None:
    common = state_of(coins[0])
    for coin in coins:
        coin.worth += 10
    shared = raw(coins[0])
    assert isinstance(shared, AlikeState) and all(raw(coin) is shared for coin in coins)
    own = state_of(coins[1])
    assert isinstance(own, OwnState) and own.common is common and own.old == {"worth": 2}
    assert raw(coins[0]) is shared and shared.old_of(coins[0]) == {"worth": 1}
    assert id(coins[1]) not in shared.before


def test_a_second_column_and_a_value_set_twice_are_noted_with_what_was_first(coins: list[Coin]) -> None:
    for coin in coins:
        coin.worth += 10
        coin.face = "new"
        coin.worth += 10
    shared = raw(coins[0])
    assert isinstance(shared, AlikeState) and shared.changed_keys == ("worth", "face")
    assert column_history(coins[2], "worth") == ([23], (), [3])
    assert column_history(coins[2], "face") == (["new"], (), ["face 3"])
    assert state_of(coins[2]).old == {"worth": 3, "face": "face 3"}


def test_a_flush_writes_what_changed_and_leaves_nothing_behind(session: Session, coins: list[Coin]) -> None:
    common = state_of(coins[0])
    for coin in reversed(coins):
        coin.worth += 10
    shared = raw(coins[0])
    coins[3].face = "other"
    with expect_statements(session, 2):
        session.flush()
    assert worths(session) == [11, 12, 13, 14]
    assert all(raw(coin) is common for coin in coins) and not shared.before and not shared.after["face"].before
    assert not session.dirty


def test_a_value_that_is_set_back_is_not_written(session: Session, coins: list[Coin]) -> None:
    for coin in coins[:2]:
        coin.worth += 10
    coins[1].worth = 2
    assert not session.is_modified(coins[1]) and session.is_modified(coins[0])
    with expect_statements(session, 1):
        session.flush()
    assert not session.dirty and worths(session) == [11, 2, 3, 4]


def test_part_of_them_can_be_flushed_expired_and_expunged(session: Session, coins: list[Coin]) -> None:
    for coin in coins:
        coin.worth += 10
    shared = raw(coins[0])
    session.flush(coins[:1])
    session.expire(coins[1])
    session.expunge(coins[2])
    assert set(shared.before) == {id(coins[3])} and list(session.dirty) == [coins[3]]
    assert inspect(coins[2]).detached and inspect(coins[2]).modified
    assert column_history(coins[2], "worth") == ([13], (), [3])
    assert coins[1].worth == 2
    session.commit()
    assert worths(session) == [11, 2, 3, 14]


def test_a_rollback_takes_all_back(session: Session, coins: list[Coin]) -> None:
    for coin in coins:
        coin.worth += 10
    session.rollback()
    assert not session.dirty and [coin.worth for coin in coins] == [1, 2, 3, 4]
    for coin in coins:
        coin.worth += 20
    session.commit()
    assert worths(session) == [21, 22, 23, 24]


def test_who_listens_from_the_middle_of_a_loop_hears_of_the_rest(session: Session, coins: list[Coin]) -> None:
    facts: list[Any] = []
    for number, coin in enumerate(coins):
        if number == 2:
            session.subscribe(facts.append)
        coin.worth += 10
    coins[0].worth += 1
    assert [(fact.old, fact.new) for fact in facts if hasattr(fact, "name")] == [("3", "13"), ("4", "14"), ("11", "12")]
    session.flush()
    assert worths(session) == [12, 12, 13, 14]


def test_who_listens_hears_of_every_write_also_after_somebody_asked(session: Session, coins: list[Coin]) -> None:
    facts: list[Any] = []
    stop = session.subscribe(facts.append)
    for coin in coins[:2]:
        coin.worth += 10
        coin.worth += 10
        coin.face = "new"
    assert isinstance(raw(coins[0]), WatchedAlike) and raw(coins[0]) is raw(coins[1])
    coins[0].worth = 0
    assert state_of(coins[1]).old == {"worth": 2, "face": "face 2"}
    coins[1].worth = 0
    heard = [(fact.name, fact.old, fact.new) for fact in facts if isinstance(fact, AttributeChanged)]
    assert heard == [
        *[("worth", "1", "11"), ("worth", "11", "21"), ("face", "'face 1'", "'new'")],
        *[("worth", "2", "12"), ("worth", "12", "22"), ("face", "'face 2'", "'new'")],
        *[("worth", "21", "0"), ("worth", "22", "0")],
    ]
    stop()
    coins[0].worth, coins[2].worth = 5, 6
    assert sum(isinstance(fact, AttributeChanged) for fact in facts) == 8
    session.commit()
    assert worths(session) == [5, 0, 6, 4] and coins[0].face == coins[1].face == "new"


def test_more_columns_than_a_state_follows_are_written_all_the_same(session: Session, coins: list[Coin]) -> None:
    for coin in coins:
        for name in ("worth", "face", "mint", "year", "metal"):
            setattr(coin, name, 7)
    assert type(raw(coins[0])) in (OwnState, WatchedState) and len(raw(coins[0]).changed_keys) == 5
    session.commit()
    rows = session.connection().exec_driver_sql("SELECT worth, face, mint, year, metal FROM coin").all()
    assert rows == [(7, "7", 7, 7, 7)] * 4


def test_a_changed_object_is_held_and_the_transaction_begins_again_with_the_next_change(
    session: Session, coins: list[Coin]
) -> None:
    for coin in coins:
        coin.worth += 10
    session.commit()
    assert [coin.worth for coin in coins] == [11, 12, 13, 14]
    session.commit()
    assert session.get(Coin, 1) is coins[0] and coins[0].worth == 11 and coins[1].worth == 12
    session.expire_on_commit = False
    session.commit()
    assert not session.in_transaction()
    coins[0].worth += 1
    assert session.in_transaction()
    coins[1].worth += 1
    del coin
    coins.clear()
    session.commit()
    assert worths(session) == [12, 13, 13, 14]


def test_after_the_end_of_a_block_s_transaction_every_change_is_refused(session: Session, coins: list[Coin]) -> None:
    session.rollback()
    with session.begin() as transaction:
        assert [coin.worth for coin in coins] == [1, 2, 3, 4]
        coins[0].worth += 10
        coins[1].worth += 10
        transaction.rollback()
        coins[0].__dict__["worth"] = coins[1].__dict__["worth"] = 0
        for coin in coins[:2]:
            with pytest.raises(InvalidRequestError, match="closed transaction inside context manager"):
                coin.worth += 10


def test_while_one_thread_flushes_another_one_is_refused(session: Session, coins: list[Coin]) -> None:
    from nbsession import event

    errors: list[Any] = []

    def change() -> None:
        try:
            coins[2].worth += 10
        except InvalidRequestError as error:
            errors.append(error)

    def elsewhere(*_: Any) -> None:
        thread = threading.Thread(target=change)
        thread.start()
        thread.join()

    event.listen(session, "before_flush", elsewhere)
    coins[0].worth += 10
    coins[1].worth += 10
    session.flush()
    assert len(errors) == 1 and "another thread" in str(errors[0])
