"""Ctrl-C: stops the statement that is running, and waits while a transaction ends. Knows signals and links, no SQL.

A driver in the middle of a statement does not look at signals (SQLite), or not often (DuckDB). Python writes each signal to the
*wakeup fd* the moment it comes; a thread that waits there looks whether the main thread is inside a link, and interrupts that
link's statement. Nothing is done per statement; the thread starts with the process's first transaction.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from threading import get_ident
from time import monotonic
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbsession.database.link import Link

AGAIN = 0.05
"""seconds until a statement that still runs is interrupted again: the first time it may not have begun yet"""
MOMENT = 0.005
"""seconds for which the main thread must stand still before it is interrupted"""
AWHILE = 0.02
"""seconds for which the wakeup fd is taken for granted"""
_SAID = {"InterruptException": "", "RuntimeError": "Query interrupted", "OperationalError": "interrupted"}
"""how drivers say that a statement was interrupted: the error's class, and its text where the class alone does not tell"""

# the C functions behind signal's, which make enums of numbers at ten times the cost
_without_enums: Any = getattr(signal, "_signal", signal)
_set_handler: Callable[..., Any] = _without_enums.signal
_handler: Callable[..., Any] = _without_enums.getsignal
_SIGINT = int(signal.SIGINT)


class _Unbroken:
    """``with unbroken:`` what must be done whole. Ctrl-C waits until the block has ended; a second one does not."""

    __slots__ = ("_before", "_depth", "_noted", "main")

    def __init__(self) -> None:
        self.main: int | None = threading.main_thread().ident
        self._depth = 0
        self._noted = False
        self._before: Any = None

    def __enter__(self) -> None:
        if get_ident() != self.main:
            return
        if self._depth == 0:
            before = _handler(_SIGINT)
            if callable(before):
                self._noted, self._before = False, before
                _set_handler(_SIGINT, self._note)
        self._depth += 1

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if get_ident() != self.main:
            return
        self._depth -= 1
        if self._depth or self._before is None:
            return
        before, self._before = self._before, None
        _set_handler(_SIGINT, before)
        if self._noted and (kind is None or not issubclass(kind, KeyboardInterrupt)):
            before(signal.SIGINT, sys._getframe())

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self._noted:
            self._before(number, frame)
        self._noted = True


unbroken = _Unbroken()


class _Watcher:
    """The thread that interrupts, and the socket it waits at."""

    def __init__(self) -> None:
        import socket

        self.receiver, self.sender = socket.socketpair()
        self.sender.setblocking(False)
        self.others = -1
        """the wakeup fd of somebody else, who is told too"""
        self._next = 0.0
        threading.Thread(target=self._wait, name="nbsession-interrupts", daemon=True).start()

    def attend(self) -> None:
        """Sees to it that signals are told here. Others, asyncio among them, may have put their own fd in its place.

        Not for each of many transactions in a row: it costs as much as a statement. Somebody who puts up a fd between two
        of them, within AWHILE of the first, is therefore noticed with the third.
        """
        now = monotonic()
        if now < self._next:
            return
        self._next = now + AWHILE
        mine = self.sender.fileno()
        before = signal.set_wakeup_fd(mine, warn_on_full_buffer=False)
        if before != mine:
            self.others = before

    def _wait(self) -> None:
        while numbers := self.receiver.recv(64):
            self._tell_others(numbers)
            if signal.SIGINT in numbers:
                _interrupt()

    def _tell_others(self, numbers: bytes) -> None:
        if self.others == -1:
            return
        with suppress(OSError):
            if os.name == "nt":
                import socket

                other = socket.socket(fileno=self.others)
                try:
                    other.send(numbers)
                finally:
                    other.detach()
            else:
                os.write(self.others, numbers)


_watcher: _Watcher | None = None


def watch() -> None:
    """From now on Ctrl-C stops statements of the main thread. In any other thread nothing happens."""
    global _watcher
    if get_ident() != unbroken.main:
        return
    try:
        if _watcher is None:
            _watcher = _Watcher()
        _watcher.attend()
    except (OSError, ValueError, RuntimeError):  # no sockets, not the main interpreter, no more threads: then without
        return


def _interrupt() -> None:
    """Interrupts the statement that the main thread is in, until it is out of it.

    A statement that ends by itself at this very time must not be: the interruption would hit the one after it. So the
    main thread has to stand still inside the driver; where it goes on, Python tells it of the signal without help.
    """
    waiting = threading.Event()
    link, call, place = _running()
    waiting.wait(MOMENT)
    if _running()[2] != place:
        waiting.wait(AGAIN)
    while link is not None and _running()[1] is call:
        link.interrupt()
        waiting.wait(AGAIN)


def _running() -> tuple[Link | None, FrameType | None, tuple[FrameType | None, int]]:
    """The link that the main thread is in, its call, and the place where the thread is."""
    from nbsession.database.link import Link

    frame = sys._current_frames().get(unbroken.main or 0)
    place = frame, -1 if frame is None else frame.f_lasti
    while frame is not None:
        if str(frame.f_globals.get("__name__", "")).startswith("nbsession.database."):
            found = frame.f_locals.get("self")
            if isinstance(found, Link):
                return found, frame, place
        frame = frame.f_back
    return None, None, place


def is_interruption(error: BaseException, asked: bool) -> bool:
    """Does a driver say by it that its statement was interrupted?

    :param asked: it was asked to. DuckDB's driver stops at a signal by itself, too, and then says so in words of its own.
    """
    text = _SAID.get(type(error).__name__)
    return text is not None and (not text or str(error) == text) and (asked or type(error) is RuntimeError)


def _after_fork() -> None:
    """A child has the parent's socket, but none of its threads."""
    global _watcher
    unbroken.__init__()  # type: ignore[misc]
    if _watcher is not None:
        _watcher = None
        with suppress(ValueError):
            signal.set_wakeup_fd(-1)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
