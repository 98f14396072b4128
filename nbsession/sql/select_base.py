"""What SELECT and UNION have in common: ORDER BY, LIMIT, OFFSET, and being put into another statement.

Knows no columns and no rendering.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from nbsession.exc import ArgumentError
from nbsession.sql.base import ClauseElement, Executable, ShapeWalk
from nbsession.sql.elements import BindParameter, clause_of
from nbsession.sql.selectable import CTE, ColumnCollection, Subquery
from nbsession.sql.types import INTEGER, NULLTYPE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nbsession.sql.compound import CompoundSelect
    from nbsession.sql.elements import Label
    from nbsession.sql.subqueries import Exists, ScalarSelect

    S = TypeVar("S", bound="Sliceable")


class SelectBase(Executable):
    """What SELECT, UNION and textual selects have in common: they can be put into another statement."""

    raw_columns: tuple[Any, ...] = ()

    def exported_pairs(self) -> Iterable[tuple[str, Any]]:
        """Name and column of each column."""
        raise NotImplementedError

    def exported_keys(self) -> list[str]:
        """The keys of the columns on ``subquery().c``."""
        return [name for name, _ in self.exported_pairs()]

    def get_final_froms(self) -> tuple[Any, ...]:
        """What stands in FROM."""
        raise NotImplementedError

    @property
    def selected_columns(self) -> ColumnCollection:
        """The columns, with entities expanded."""
        return ColumnCollection(self.exported_pairs())

    def subquery(self, name: str | None = None) -> Subquery:
        """As something to select from; its columns are on ``.c``."""
        return Subquery(self, name)

    def alias(self, name: str | None = None, flat: bool = False) -> Subquery:
        """The same as :meth:`subquery`."""
        return Subquery(self, name)

    def cte(self, name: str | None = None, recursive: bool = False) -> CTE:
        """As something to select from that stands in WITH."""
        return CTE(self, name, recursive)

    def scalar_subquery(self) -> ScalarSelect:
        """As a value: the one column of its one row."""
        from nbsession.sql.subqueries import ScalarSelect

        return ScalarSelect(self)

    def label(self, name: str | None) -> Label:
        """As a value with a name."""
        return self.scalar_subquery().label(name)

    def as_in_operand(self) -> ScalarSelect:
        """What stands right of IN."""
        from nbsession.sql.subqueries import ScalarSelect

        return ScalarSelect(self)

    def exists(self) -> Exists:
        """Whether it finds a row."""
        from nbsession.sql.subqueries import Exists

        return Exists(self)

    def union(self, *others: Any) -> CompoundSelect:
        """The rows of this and the others, each once."""
        return self._compound("UNION", others)

    def union_all(self, *others: Any) -> CompoundSelect:
        """The rows of this and the others."""
        return self._compound("UNION ALL", others)

    def intersect(self, *others: Any) -> CompoundSelect:
        """The rows that all have."""
        return self._compound("INTERSECT", others)

    def except_(self, *others: Any) -> CompoundSelect:
        """The rows that the others do not have."""
        return self._compound("EXCEPT", others)

    def intersect_all(self, *others: Any) -> CompoundSelect:
        """The rows that all have, as often as all have them. DuckDB has it, SQLite refuses it."""
        return self._compound("INTERSECT ALL", others)

    def except_all(self, *others: Any) -> CompoundSelect:
        """The rows that the others do not have as often. DuckDB has it, SQLite refuses it."""
        return self._compound("EXCEPT ALL", others)

    def _compound(self, keyword: str, others: tuple[Any, ...]) -> CompoundSelect:
        from nbsession.sql.compound import CompoundSelect

        return CompoundSelect(keyword, (self, *others))


class Sliceable(SelectBase):
    """ORDER BY, LIMIT and OFFSET, for SELECT and UNION alike."""

    _order: tuple[Any, ...] = ()
    _group: tuple[Any, ...] = ()
    _limit: Any = None
    _offset: Any = None
    _for_update: bool = False

    def order_by(self: S, *clauses: Any) -> S:
        """Sorted by these, after those given before; None alone takes the order away."""
        if clauses and clauses[0] is None:
            return self._copy(_order=())
        return self._copy(_order=self._order + tuple(map(order_element, clauses)))

    def group_by(self: S, *clauses: Any) -> S:
        """Grouped by these, beside those given before."""
        if clauses and clauses[0] is None:
            return self._copy(_group=())
        return self._copy(_group=self._group + tuple(map(order_element, clauses)))

    def limit(self: S, limit: Any) -> S:
        """At most so many rows; None for all."""
        return self._copy(_limit=_count(limit))

    def offset(self: S, offset: Any) -> S:
        """Without the first so many rows."""
        return self._copy(_offset=_count(offset))

    def fetch(self: S, count: Any) -> S:
        """The same as :meth:`limit`."""
        return self.limit(count)

    def slice(self: S, start: int | None, stop: int | None) -> S:
        """The rows from ``start`` up to before ``stop``, counted within what was chosen so far."""
        low = start or 0
        base = self._offset.value if self._offset is not None else 0
        copy = self if not low else self._copy(_offset=_count(base + low))
        return copy if stop is None else copy._copy(_limit=_count(max(stop - low, 0)))

    def with_for_update(
        self: S,
        *,
        nowait: bool = False,
        read: bool = False,
        of: Any = None,
        skip_locked: bool = False,
        key_share: bool = False,
    ) -> S:
        """Locks rows where the database can; SQLite and DuckDB cannot, and nothing is rendered, whatever the arguments say."""
        return self._copy(_for_update=True)

    def _shape_ends(self, walk: ShapeWalk) -> None:
        key = walk.key
        for clauses in (self._order, self._group):
            key.append(len(clauses))
            for clause in clauses:
                clause._shape(walk)
        for count in (self._limit, self._offset):
            if count is None:
                key.append(None)
            else:
                count._shape(walk)


class TextReference(ClauseElement):
    """A name given as a string to ``order_by`` or ``group_by``: a label or column of the statement."""

    __slots__ = ("name",)
    visit_name = "reference"
    _plain = ("name",)
    type = NULLTYPE

    def __init__(self, name: str) -> None:
        self.name = name


def order_element(given: Any) -> Any:
    """One clause of ORDER BY or GROUP BY; a string is a name to be looked up in the statement."""
    if isinstance(given, str):
        return TextReference(given)
    mapper = getattr(given, "__mapper__", None)
    if mapper is not None:
        raise ArgumentError(f"ORDER BY and GROUP BY expect columns, got the entity {given!r}.")
    return clause_of(given)


def _count(given: Any) -> Any:
    if given is None or isinstance(given, ClauseElement):
        return given
    if isinstance(given, bool) or not hasattr(given, "__index__"):
        raise ArgumentError(f"LIMIT and OFFSET expect an integer, got {given!r}.")
    return BindParameter(None, given.__index__(), INTEGER)
