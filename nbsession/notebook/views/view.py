"""What every view returns: one picture as text and as HTML. Knows how notebooks ask for it, not what it shows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, repr=False)
class View:
    """A picture of a session at one moment. It holds text only, no object and no session.

    :ivar text: at most 80 columns, the same every time the same happened.
    :ivar html: static, without scripts or style sheets; every value in it is escaped.

    >>> print(View("nothing yet", "<p>nothing yet</p>"))
    nothing yet
    """

    text: str
    html: str

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return str(self.html)  # marimo sends a str to the page, but not a str's subclass

    def _repr_mimebundle_(
        self, include: Iterable[str] | None = None, exclude: Iterable[str] | None = None
    ) -> dict[str, str]:
        bundle = {"text/plain": self.text, "text/html": str(self.html)}
        wanted = set(bundle if include is None else include) - set(exclude or ())
        return {kind: data for kind, data in bundle.items() if kind in wanted}
