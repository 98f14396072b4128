"""When the dashboard is told: at most every 50 ms, also while a cell runs, and a last time soon after the last fact.

Knows time and threads; does not know what is told. A fact that comes too soon after the last patch arms a timer
thread, which sends it when it is due even if the cell then sleeps. Where there are no threads (in a browser), the end
of the cell sends it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Event, Thread
from time import perf_counter, sleep

try:
    from time import thread_time
except ImportError:  # in a browser there is one thread, and the process's time is its
    from time import process_time as thread_time

logger = logging.getLogger("nbsession.notebook")

INTERVAL = 0.05
"""seconds between two patches"""
SHARE = 20
"""after a patch, so many times its cost pass before the next: telling takes a twentieth of the time at most"""
LONGEST = 1.0
"""seconds between two patches at most, however much there is to tell"""


class Publisher:
    """Calls ``send`` when there is news, not too often.

    :param send: sends what is new. It is called on the thread that brings the news, or on the timer's.
    """

    def __init__(self, send: Callable[[], None], interval: float = INTERVAL) -> None:
        self._send = send
        self._interval = interval
        self._due = 0.0
        self._armed = False
        self._closed = False
        self._wake = Event()
        self._timer: Thread | None = None
        self._threads = True

    def noticed(self) -> None:
        """There is news."""
        if self._armed:
            return
        if perf_counter() >= self._due:
            self.send()
        else:
            self._arm()

    def noticed_later(self) -> None:
        """There is news that need not be sent if the next comes soon."""
        if not self._armed:
            self._due = max(self._due, perf_counter() + self._interval)
            self._arm()

    def send(self) -> None:
        """Sends now."""
        started = thread_time()
        try:
            self._send()
        except Exception:
            logger.exception("the dashboard could not be told")
        cost = thread_time() - started  # its own work, not what it waited for: a busy machine does not make it rare
        self._due = perf_counter() + min(max(self._interval, SHARE * cost), LONGEST)

    def close(self) -> None:
        """Sends nothing more; the timer thread ends."""
        self._closed = True
        self._wake.set()

    def _arm(self) -> None:
        self._armed = True
        if self._timer is None and self._threads:
            self._timer = Thread(target=self._run, name="nbsession dashboard", daemon=True)
            try:
                self._timer.start()
            except RuntimeError:  # no threads here
                self._timer, self._threads = None, False
        if self._threads:
            self._wake.set()
        else:
            self._armed = False

    def _run(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            while not self._closed and (wait := self._due - perf_counter()) > 0:
                sleep(wait)
            if self._closed:
                return
            self._armed = False
            self.send()
