"""When the dashboard is told: not too often, also while a cell runs, and a last time."""

from __future__ import annotations

import threading
from time import sleep

from nbsession.notebook.recording.publisher import Publisher


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
    for _ in range(200):
        publisher.noticed()
        sleep(0.001)
    publisher.close()
    assert 3 <= told.times <= 25


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
