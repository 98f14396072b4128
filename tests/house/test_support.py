"""The assertions that other tests stand on fail when they should."""

from __future__ import annotations

import pytest

from nbsession.events import FactBus, StatementExecuted, StatesMoved, Subject
from tests.support import expect_moves, expect_statements


class Published(FactBus):
    """A bus that publishes what a session would."""

    __slots__ = ()

    def move(self, count: int = 1) -> None:
        subjects = (Subject(1, "Tool", None),)
        moved = {"before": "pending", "trigger": "insert", "after": "persistent"}
        self.publish(StatesMoved(cls="Tool", subjects=subjects, count=count, **moved))

    def send(self, internal: bool = False) -> None:
        self.publish(StatementExecuted(sql="SELECT 1", params=(), executions=1, rows=1, internal=internal))


def test_statements_are_counted_without_the_engines_own() -> None:
    bus = Published()
    with expect_statements(bus, 1) as sent:
        bus.send()
        bus.send(internal=True)
    assert sent == ["SELECT 1"]


def test_one_statement_too_many_fails_and_shows_it() -> None:
    bus = Published()
    with (
        pytest.raises(AssertionError, match="expected 0 statements, 1 were sent:\nSELECT 1"),
        expect_statements(bus, 0),
    ):
        bus.send()


def test_like_moves_in_a_row_are_counted_together() -> None:
    bus = Published()
    with expect_moves(bus, ["Tool pending → persistent by insert ×3"]):
        bus.move()
        bus.move(2)


def test_a_move_that_was_not_expected_fails() -> None:
    bus = Published()
    with pytest.raises(AssertionError), expect_moves(bus, []):
        bus.move()


def test_nobody_listens_afterwards() -> None:
    bus = Published()
    with expect_statements(bus, 0), expect_moves(bus, []):
        pass
    assert not bus.observers


def test_an_engines_statements_are_counted(engine: object) -> None:
    from nbsession import Engine, text

    assert isinstance(engine, Engine)
    with engine.connect() as connection, expect_statements(engine, 1) as sent:
        connection.execute(text("SELECT 1"))
    assert sent == ["SELECT 1"]
