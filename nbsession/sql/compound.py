"""UNION, INTERSECT and EXCEPT of selects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from nbsession.exc import ArgumentError
from nbsession.sql.select_base import SelectBase, Sliceable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nbsession.sql.base import ShapeWalk


class CompoundSelect(Sliceable):
    """Several selects and the word between them. Its columns are those of the first."""

    visit_name = "compound"
    kind: ClassVar[str] = "select"

    def __init__(self, keyword: str, selects: tuple[Any, ...]) -> None:
        for one in selects:
            if not isinstance(one, SelectBase):
                raise ArgumentError(f"{keyword} expects SELECT statements, got {one!r}.")
        counts = {len(list(one.exported_pairs())) for one in selects}
        if len(counts) > 1:
            raise ArgumentError(f"All selectables passed to {keyword} must have identical numbers of columns: {counts}")
        self.keyword = keyword
        self.selects: tuple[SelectBase, ...] = selects
        self.raw_columns = selects[0].raw_columns

    def exported_pairs(self) -> Iterable[tuple[str, Any]]:
        """Name and column of each column of the first select."""
        return self.selects[0].exported_pairs()

    def get_final_froms(self) -> tuple[Any, ...]:
        """What stands in FROM of all selects."""
        return tuple(one for select in self.selects for one in select.get_final_froms())

    def _shape(self, walk: ShapeWalk) -> None:
        walk.key += (self.keyword, len(self.selects))
        for one in self.selects:
            one._shape(walk)
        self._shape_ends(walk)
