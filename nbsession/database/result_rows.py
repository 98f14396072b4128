"""The rows behind a result, and how far they were read: all at once, or made in portions. Knows no connection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nbsession.exc import ResourceClosedError


class Rows:
    """The rows of one result and how far they were read; shared by a Result and what scalars()/mappings() made of it."""

    __slots__ = ("closed", "portion", "position", "rows")

    def __init__(self, rows: list[tuple[Any, ...]] | None) -> None:
        self.portion: int | None = None
        self.rows: list[tuple[Any, ...]] = rows if rows is not None else []
        self.position = 0
        self.closed: str | None = (
            None if rows is not None else "This result object does not return rows. It has been closed automatically."
        )

    def take(self, count: int | None) -> list[tuple[Any, ...]]:
        """The next rows: at most ``count``, all if None."""
        if self.closed is not None:
            raise ResourceClosedError(self.closed)
        start = self.position
        if count is None:
            self.position = len(self.rows)
            return self.rows if start == 0 else self.rows[start:]
        self.position = min(start + count, len(self.rows))
        return self.rows[start : self.position]

    def singles(self, count: int | None) -> list[Any]:
        """The first values of the next rows."""
        return [row[0] for row in self.take(count)]

    def close(self) -> None:
        """Forgets them; reading on raises ResourceClosedError."""
        self.rows = []
        self.closed = self.closed or "This result object is closed."


class Singles(Rows):
    """Rows of one value each, of which tuples are made only if somebody wants tuples."""

    __slots__ = ()

    def __init__(self, values: list[Any]) -> None:
        super().__init__(values)

    def take(self, count: int | None) -> list[tuple[Any, ...]]:
        """The next rows."""
        return list(zip(self.singles(count), strict=True))

    def singles(self, count: int | None) -> list[Any]:
        """The next values."""
        return super().take(count)


class Portions(Rows):
    """Rows of which each portion is made when it is read, so that what was read before can be forgotten."""

    __slots__ = ("_at", "_make", "_raw")

    def __init__(
        self,
        raw: list[tuple[Any, ...]],
        size: int,
        make: Callable[[list[tuple[Any, ...]]], list[tuple[Any, ...]]],
    ) -> None:
        super().__init__([])
        self.portion = size
        self._raw, self._make, self._at = raw, make, 0

    def take(self, count: int | None) -> list[tuple[Any, ...]]:
        """The next rows."""
        if self.closed is not None:
            raise ResourceClosedError(self.closed)
        taken: list[tuple[Any, ...]] = []
        while count is None or len(taken) < count:
            if not self.rows:
                size = self.portion or 1
                portion = self._raw[self._at : self._at + size]
                if not portion:
                    break
                self._at += size
                self.rows = self._make(portion)
            wanted = len(self.rows) if count is None else count - len(taken)
            taken += self.rows[:wanted]
            del self.rows[:wanted]
        return taken

    def close(self) -> None:
        """Forgets them."""
        self._raw = []
        super().close()
