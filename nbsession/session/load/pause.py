"""Keeps the garbage collector from walking over thousands of objects that are just being made."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

PAUSE_ABOVE = 5_000
"""objects from which a pause pays; set it to a huge number to opt out"""
_RUNNING = nullcontext()


def collector_paused(count: int) -> AbstractContextManager[None]:
    """Pauses the collector while ``count`` objects are handled, if that pays; on again whatever happens.

    Half of the time of loading 100,000 objects goes to the collector, which finds nothing.
    """
    return _RUNNING if count < PAUSE_ABOVE or not gc.isenabled() else _paused()


@contextmanager
def _paused() -> Iterator[None]:
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
