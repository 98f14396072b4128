"""Names for objects: ``Member#3`` with a key, ``Member+1`` without. Knows tokens and class names; holds no object."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from threading import Lock

from nbsession.events import tokens

KEY_SHOWN = 40
"""characters of a key that a label shows"""


class Labels:
    """Numbers the objects that have no key, per class, in the order in which they are first met.

    >>> labels = Labels()
    >>> labels.of(11, "Member"), labels.of(12, "Member"), labels.of(11, "Member"), labels.of(11, "Member", "3")
    ('Member+1', 'Member+2', 'Member+1', 'Member#3')
    """

    def __init__(self, alive: Callable[[int], object | None] = tokens.object) -> None:
        self._alive = alive
        self._numbers: dict[int, int] = {}
        self._counts: Counter[str] = Counter()
        self._purge_at = 20_000
        self._numbering = Lock()

    def of(self, token: int, cls: str, key: str | None = None) -> str:
        """The label of an object.

        :param token: its number for life.
        :param cls: its class's name.
        :param key: its primary key as text, if it has one.
        """
        if key is not None:
            key = key.replace(", ", ",")
            return f"{cls}#{key}" if len(key) <= KEY_SHOWN else f"{cls}#{key[:KEY_SHOWN]}…"
        return f"{cls}+{self.number(token, cls)}"

    def number(self, token: int, cls: str) -> int:
        """The number of an object without a key, new at the first call."""
        number = self._numbers.get(token)
        return self._next(token, cls) if number is None else number

    def known(self, token: int) -> bool:
        """Has the object been numbered?"""
        return token in self._numbers

    def clear(self) -> None:
        """Forgets every number: counting starts again."""
        self._numbers.clear()
        self._counts.clear()

    def _next(self, token: int, cls: str) -> int:
        with self._numbering:
            number = self._numbers.get(token)
            if number is None:
                number = self._numbers[token] = self._counts[cls] = self._counts[cls] + 1
                if len(self._numbers) > self._purge_at:
                    self._purge()
        return number

    def _purge(self) -> None:
        self._numbers = {token: number for token, number in self._numbers.items() if self._alive(token) is not None}
        self._purge_at = max(20_000, 2 * len(self._numbers))


labels = Labels()
"""one numbering for the whole notebook: an object has one label on every board"""
