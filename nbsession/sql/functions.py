"""SQL functions: ``func.count(users.c.id)``, and what aggregates and windows add to them.

Knows the result types of common functions; any other name is called as it is written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbsession.sql.elements import ColumnElement, clause_of, literal_or_clause
from nbsession.sql.types import FLOAT, INTEGER, NULLTYPE, STRING, Date, DateTime, NullType, Time, TypeEngine, to_type

if TYPE_CHECKING:
    from nbsession.sql.columns import Sequence

_TYPES: dict[str, TypeEngine] = {
    "count": INTEGER,
    "length": INTEGER,
    "char_length": INTEGER,
    "row_number": INTEGER,
    "rank": INTEGER,
    "dense_rank": INTEGER,
    "ntile": INTEGER,
    "percent_rank": FLOAT,
    "cume_dist": FLOAT,
    "lower": STRING,
    "upper": STRING,
    "trim": STRING,
    "ltrim": STRING,
    "rtrim": STRING,
    "replace": STRING,
    "substr": STRING,
    "substring": STRING,
    "concat": STRING,
    "group_concat": STRING,
    "string_agg": STRING,
    "aggregate_strings": STRING,
    "now": DateTime(),
    "current_timestamp": DateTime(),
    "localtimestamp": DateTime(),
    "current_date": Date(),
    "current_time": Time(),
}
_TYPE_OF_ARGUMENT = frozenset(
    [
        "sum",
        "min",
        "max",
        "coalesce",
        "abs",
        "ifnull",
        "nullif",
        "first_value",
        "last_value",
        "nth_value",
        "lag",
        "lead",
        "any_value",
    ]
)


class FunctionElement(ColumnElement):
    """A call of a function."""

    __slots__ = ("clauses", "name")
    visit_name = "function"
    _children = ("clauses",)
    _plain = ("name",)

    def __init__(self, name: str, *clauses: Any, type_: Any = None) -> None:
        self.name = name
        self.clauses: tuple[Any, ...] = tuple(_argument(one) for one in clauses)
        self.type = to_type(type_) if type_ is not None else self._guess()

    def _guess(self) -> TypeEngine:
        name = self.name.lower()
        if name in _TYPE_OF_ARGUMENT:
            return next((one.type for one in self.clauses if not isinstance(one.type, NullType)), NULLTYPE)
        return _TYPES.get(name, NULLTYPE)

    def over(
        self,
        partition_by: Any = None,
        order_by: Any = None,
        rows: tuple[int | None, int | None] | None = None,
        range_: tuple[int | None, int | None] | None = None,
    ) -> Over:
        """As a window function.

        :param rows: first and last row of the frame, counted from the current one; None is unbounded.
        :param range_: the same, by values.
        """
        return Over(self, partition_by, order_by, rows, range_)

    def filter(self, *criteria: Any) -> FunctionFilter:
        """As an aggregate over the rows that meet the criteria."""
        return FunctionFilter(self, *criteria)


def _argument(value: Any) -> Any:
    """An argument of a function: entities count as nothing else, everything but clauses is a bound value."""
    return literal_or_clause(value)


class Over(ColumnElement):
    """``function OVER (PARTITION BY ... ORDER BY ...)``."""

    __slots__ = ("element", "frame", "order_by", "partition_by")
    visit_name = "over"
    _children = ("element", "partition_by", "order_by")
    _plain = ("frame",)

    def __init__(self, element: Any, partition_by: Any, order_by: Any, rows: Any = None, range_: Any = None) -> None:
        self.element = element
        self.partition_by = _clauses(partition_by)
        self.order_by = _clauses(order_by)
        self.frame = ("ROWS", *rows) if rows is not None else ("RANGE", *range_) if range_ is not None else None
        self.type = element.type


class FunctionFilter(ColumnElement):
    """``aggregate FILTER (WHERE ...)``."""

    __slots__ = ("criteria", "element")
    visit_name = "filter"
    _children = ("element", "criteria")

    def __init__(self, element: FunctionElement, *criteria: Any) -> None:
        self.element = element
        self.criteria = tuple(clause_of(one) for one in criteria)
        self.type = element.type

    def over(self, partition_by: Any = None, order_by: Any = None, rows: Any = None, range_: Any = None) -> Over:
        """As a window function."""
        return Over(self, partition_by, order_by, rows, range_)


class NextValue(ColumnElement):
    """The next number of a sequence."""

    __slots__ = ("name",)
    visit_name = "next_value"
    _plain = ("name",)

    def __init__(self, sequence: Sequence) -> None:
        self.name = sequence.name
        self.type = INTEGER


def _clauses(given: Any) -> tuple[Any, ...]:
    if given is None:
        return ()
    return tuple(clause_of(one) for one in (given if isinstance(given, list | tuple) else (given,)))


class _Functions:
    """``func``: every attribute is a function of that name."""

    def __init__(self, package: str = "") -> None:
        self._package = package

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        full = self._package + name.removesuffix("_")

        def call(*arguments: Any, type_: Any = None) -> FunctionElement:
            return FunctionElement(full, *arguments, type_=type_)

        return call


func = _Functions()
