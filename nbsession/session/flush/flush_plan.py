"""What a flush would send, in which order, and why: a value that can be looked at. Touches no database, changes no object.

Executing it is :mod:`nbsession.session.flush.executing`; what must be loaded first is :mod:`nbsession.session.flush.preparation`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from nbsession.session.flush.reasons import explain
from nbsession.session.flush.steps import DefaultOf as DefaultOf
from nbsession.session.flush.steps import KeyOf as KeyOf
from nbsession.session.flush.steps import Link as Link
from nbsession.session.flush.steps import Step as Step


class FlushPlan:
    """What a flush sends.

    :ivar steps: the steps in order.
    :ivar skipped: (object, why) of objects that were touched and are not written.
    :ivar notes: what the plan does not know without loading.
    :ivar outside: links of members that are in no session: they learn their key, and no row is written.
    :ivar followed: foreign keys that the database changes itself (``ON UPDATE CASCADE``), to be known in memory.
    """

    def __init__(
        self,
        steps: Iterable[Step],
        skipped: Iterable[tuple[Any, str]],
        notes: Iterable[str],
        followed: Iterable[Link] = (),
        outside: Iterable[Link] = (),
    ) -> None:
        self.steps = tuple(steps)
        self.skipped = tuple(skipped)
        self.notes = tuple(notes)
        self.followed = tuple(followed)
        self.outside = tuple(outside)
        for number, step in enumerate(self.steps, 1):
            step.number = number
        explain(self.steps)

    def __bool__(self) -> bool:
        return bool(self.steps)

    def __str__(self) -> str:
        lines = [
            f"{s.number}. {s}"
            + (f"  (after {', '.join(map(str, s.after))}: {'; '.join(s.reasons)})" if s.after else "")
            for s in self.steps
        ]
        return "\n".join(lines) or "nothing to flush"
