"""When the dashboard is told: not too often, also while a cell runs, and a last time."""

from __future__ import annotations

import json
import threading
from time import monotonic, sleep
from typing import Any

import pytest

from nbsession import Session
from nbsession.notebook.recording import publisher
from nbsession.notebook.recording.publisher import Publisher
from nbsession.notebook.recording.recorder import recorder_of
from nbsession.notebook.recording.snapshots import merged
from tests.notebook.library import Member


class Told:
    def __init__(self) -> None:
        self.times = 0
        self.threads: set[str] = set()
        self.happened = threading.Event()

    def __call__(self) -> None:
        self.times += 1
        self.threads.add(threading.current_thread().name)
        self.happened.set()


def test_the_first_news_is_told_at_once() -> None:
    told = Told()
    publisher = Publisher(told)
    publisher.noticed()
    assert told.times == 1
    publisher.close()


def test_news_in_a_burst_is_told_once_more_soon_although_nothing_else_happens() -> None:
    told = Told()
    publisher = Publisher(told)
    publisher.noticed()
    told.happened.clear()
    for _ in range(1000):
        publisher.noticed()
    assert told.happened.wait(2), "nobody was told while the cell slept"
    sleep(0.1)
    assert told.times == 2
    assert told.threads == {threading.current_thread().name, "nbsession dashboard"}
    publisher.close()


def test_a_long_burst_is_told_about_every_interval() -> None:
    told = Told()
    publisher = Publisher(told, interval=0.02)
    began = monotonic()
    for _ in range(200):
        publisher.noticed()
        sleep(0.001)
    publisher.close()
    assert 2 <= told.times <= (monotonic() - began) / 0.02 + 3


def test_after_close_nothing_is_told() -> None:
    told = Told()
    publisher = Publisher(told)
    publisher.noticed()
    publisher.noticed()
    publisher.close()
    sleep(0.1)
    assert told.times == 1


def test_one_that_fails_to_send_goes_on() -> None:
    def fail() -> None:
        raise RuntimeError("no page")

    publisher = Publisher(fail)
    publisher.noticed()
    publisher.close()


def test_without_threads_the_next_news_after_the_interval_is_told(monkeypatch) -> None:
    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    told = Told()
    publisher = Publisher(told, interval=0.01)
    publisher.noticed()
    publisher.noticed()
    sleep(0.02)
    publisher.noticed()
    assert told.times == 2


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The publisher's time, with no threads: what is due is told by the next news."""

    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    clock = Clock()
    monkeypatch.setattr(publisher, "perf_counter", clock)
    monkeypatch.setattr(publisher, "thread_time", clock)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    return clock


def test_ten_thousand_events_in_a_second_are_twenty_messages(clock: Clock) -> None:
    told = Told()
    teller = Publisher(told)
    for _ in range(10_000):
        clock.now += 0.0001
        teller.noticed()
    assert 19 <= told.times <= 21


def test_where_telling_is_slow_it_is_told_less_often_but_every_second(clock: Clock) -> None:
    sent: list[float] = []
    cost = 0.01

    def slow() -> None:
        sent.append(clock.now)
        clock.now += cost

    teller = Publisher(slow)
    for _ in range(10_000):
        clock.now += 0.0001
        teller.noticed()
    assert 4 <= len(sent) <= 6, "a twentieth of the time"
    cost = 0.5
    sent.clear()
    for _ in range(100_000):
        clock.now += 0.0001
        teller.noticed()
    assert 9 <= len(sent) <= 11, "every second"


def test_a_storm_of_events_is_few_messages_and_the_last_tells_the_end(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Publisher.__init__, "__defaults__", (3_600.0,))  # the timer never comes
    monkeypatch.setattr(publisher, "LONGEST", 3_600.0)
    recorder = recorder_of(session)
    shown = dict(recorder.snapshot().as_json())
    messages: list[int] = []

    def page(patch: dict[str, Any]) -> None:
        messages.append(len(json.dumps(patch)))
        shown.update(merged(shown, patch))

    recorder.subscribe(page)
    members = [Member(name=f"m{number}") for number in range(300)]
    session.add_all(members)
    session.flush()
    for number in range(10_000):
        members[number % 300].name = f"again {number}"
    session.flush()
    members[0].name = "the end"
    recorder.snapshot()
    assert len(messages) <= 3 and sum(messages) < 1_000_000
    assert shown["as_of"]["event"] == session.bus.seq > 10_000
    told = {name: shown[name] for name in ("lanes", "cards", "log_total", "moves", "timeline", "transaction")}
    now = recorder.snapshot().as_json()
    assert told == {name: now[name] for name in told}
