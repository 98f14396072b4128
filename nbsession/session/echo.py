"""Tells a log what a unit of work does: what ``Session(echo_uow=True)`` switches on for one session."""

from __future__ import annotations

import logging
import sys

from nbsession.events import Fact, FlushEnded, FlushStarted, Marked, Observer, StatesMoved

logger = logging.getLogger("nbsession.unitofwork")


def echo(session: int) -> Observer:
    """An observer that logs: the steps of a flush at INFO, each move and mark of objects at DEBUG.

    :param session: the session's number.
    """
    if not logger.handlers and not logging.getLogger().handlers:
        handler = logging.StreamHandler(sys.stdout)
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        logger.propagate = False

    def tell(fact: Fact) -> None:
        if isinstance(fact, FlushStarted):
            logger.info("session %d: flush, %d steps", session, len(fact.steps))
            for number, step in enumerate(fact.steps, 1):
                logger.info("session %d:   %d. %s", session, number, step)
        elif isinstance(fact, FlushEnded):
            logger.info("session %d: flush %s", session, f"failed: {fact.error}" if fact.error else "done")
        elif isinstance(fact, StatesMoved):
            logger.debug(
                "session %d: %s ×%d: %s → %s (%s)", session, fact.cls, fact.count, fact.before, fact.after, fact.cause
            )
        elif isinstance(fact, Marked):
            logger.debug("session %d: %s ×%d: %s (%s)", session, fact.cls, fact.count, fact.mark, fact.cause)

    return tell
