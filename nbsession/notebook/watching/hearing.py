"""Whoever is listened to must not suffer from it: a listener that raises is logged, and the session goes on."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

logger = logging.getLogger("nbsession.notebook")


def quietly(listener: Callable[..., None]) -> Callable[..., None]:
    """The listener, raising nothing.

    >>> quietly(lambda: None)()
    """

    @wraps(listener)
    def heard(*args: Any) -> None:
        try:
            listener(*args)
        except Exception:
            logger.exception("an event of a watched session could not be taken in")

    return heard
