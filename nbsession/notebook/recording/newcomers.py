"""Objects made by calling a mapped class, which no session knows yet. Holds them weakly.

They get their numbers here, in the order in which they are made, so that labels do not depend on when somebody looks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from nbsession.events import ConstructionBus, constructions, tokens
from nbsession.notebook.recording.labels import Labels, labels


class Newcomers:
    """Watches constructions while it is open.

    :ivar tells_all: does their engine tell of all that happens to objects in no session?
    """

    def __init__(
        self, numbering: Labels = labels, bus: ConstructionBus = constructions, *, tells_all: bool = True
    ) -> None:
        self.tells_all = tells_all
        self.on_made: list[Callable[[Any], None]] = []
        """called with each object made; must not keep it, and must not raise"""
        self._labels = numbering
        self._bus = bus
        self._made: dict[int, None] = {}
        self._purge_at = 10_000
        self._stop: Callable[[], None] | None = None

    def open(self) -> None:
        """Starts to watch; again: does nothing."""
        if self._stop is None:
            self._stop = self._bus.subscribe(self._saw)

    def close(self) -> None:
        """Stops to watch, and forgets."""
        if self._stop is not None:
            self._stop()
        self._stop = None
        self._made.clear()

    def alive(self) -> Iterator[tuple[int, Any]]:
        """Tokens and objects that are still alive, oldest first; the dead are forgotten."""
        dead = []
        for token in tuple(self._made):
            obj = tokens.object(token)
            if obj is None:
                dead.append(token)
            else:
                yield token, obj
        for token in dead:
            self._made.pop(token, None)

    def meet(self, obj: Any) -> None:
        """Takes in an object that was made before anybody watched."""
        token = tokens.of(obj)
        self._made[token] = None
        self._labels.number(token, type(obj).__name__)

    def _saw(self, obj: Any) -> None:
        self.meet(obj)
        if len(self._made) > self._purge_at:
            self._purge_at = max(10_000, 2 * sum(1 for _ in self.alive()))
        for made in self.on_made:
            made(obj)


newcomers = Newcomers()
"""the constructions of this process"""
