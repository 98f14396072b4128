"""SELECT as a value: scalar subqueries and EXISTS.

Knows that both take tables from the statement around them (correlation); the rendering decides which.
"""

from __future__ import annotations

from typing import Any

from nbsession.sql.elements import ColumnElement
from nbsession.sql.select import Select
from nbsession.sql.types import BOOLEAN, NULLTYPE


class ScalarSelect(ColumnElement):
    """A SELECT as a value."""

    __slots__ = ("element",)
    visit_name = "scalar_select"
    _children = ("element",)

    def __init__(self, element: Any) -> None:
        self.element = element
        pairs = list(element.exported_pairs())
        self.type = pairs[0][1].type if pairs else NULLTYPE

    def where(self, *criteria: Any) -> ScalarSelect:
        """With more criteria."""
        return ScalarSelect(self.element.where(*criteria))

    def correlate(self, *froms: Any) -> ScalarSelect:
        """See :meth:`Select.correlate`."""
        return ScalarSelect(self.element.correlate(*froms))

    def correlate_except(self, *froms: Any) -> ScalarSelect:
        """See :meth:`Select.correlate_except`."""
        return ScalarSelect(self.element.correlate_except(*froms))

    def scalar_subquery(self) -> ScalarSelect:
        """Itself."""
        return self


class Exists(ColumnElement):
    """``EXISTS (SELECT ...)``."""

    __slots__ = ("element",)
    visit_name = "exists"
    _children = ("element",)

    def __init__(self, element: Any) -> None:
        self.element: Select = element.element if isinstance(element, ScalarSelect) else element
        self.type = BOOLEAN

    def where(self, *criteria: Any) -> Exists:
        """With more criteria."""
        return Exists(self.element.where(*criteria))

    def select_from(self, *froms: Any) -> Exists:
        """With these in FROM."""
        return Exists(self.element.select_from(*froms))

    def correlate(self, *froms: Any) -> Exists:
        """See :meth:`Select.correlate`."""
        return Exists(self.element.correlate(*froms))

    def correlate_except(self, *froms: Any) -> Exists:
        """See :meth:`Select.correlate_except`."""
        return Exists(self.element.correlate_except(*froms))

    def select(self) -> Select:
        """``SELECT EXISTS (...)``."""
        return Select(self)
