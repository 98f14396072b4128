"""What is asked for, read from a statement of one's own: ``select(User).from_statement(text("..."))``. Knows no rows."""

from __future__ import annotations

from typing import Any

from nbsession.exc import ArgumentError
from nbsession.sql.base import Executable, ShapeWalk


class FromStatement(Executable):
    """Entities and columns, and the statement whose rows hold them.

    :ivar raw_columns: what was given to ``select()``.
    :ivar element: the statement: a SELECT of any kind, text, or a changing one with RETURNING.
    """

    visit_name = "from_statement"
    kind = "select"
    is_select = False

    def __init__(self, raw_columns: tuple[Any, ...], element: Any) -> None:
        if not isinstance(element, Executable):
            raise ArgumentError(f"from_statement() takes a statement, such as select() or text(), got {element!r}.")
        self.raw_columns = raw_columns
        self.element = element

    def _shape(self, walk: ShapeWalk) -> None:
        self.element._shape(walk)
