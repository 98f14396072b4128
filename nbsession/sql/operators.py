"""The operators of SQL, and the mixin that puts them on columns.

Knows symbols, precedence and negations, and which method means which operator. Knows nothing of how a clause is
kept: each method asks ``__clause_element__()`` for the column and hands the work to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbsession.sql.elements import ColumnElement, Label
    from nbsession.sql.types import TypeArgument

    Clause = ColumnElement


class Operator:
    """One operator: its name, its SQL, and how tightly it binds (a higher precedence binds tighter)."""

    __slots__ = ("associative", "comparison", "name", "precedence", "sql")

    def __init__(
        self, name: str, sql: str, precedence: int, *, comparison: bool = False, associative: bool = False
    ) -> None:
        self.name = name
        self.sql = sql
        self.precedence = precedence
        self.comparison = comparison
        self.associative = associative

    def __repr__(self) -> str:
        return f"<operator {self.name}>"


OR = Operator("or", "OR", 1, associative=True)
AND = Operator("and", "AND", 2, associative=True)
NOT = Operator("not", "NOT", 3)
EQ = Operator("eq", "=", 5, comparison=True)
NE = Operator("ne", "!=", 5, comparison=True)
LT = Operator("lt", "<", 5, comparison=True)
LE = Operator("le", "<=", 5, comparison=True)
GT = Operator("gt", ">", 5, comparison=True)
GE = Operator("ge", ">=", 5, comparison=True)
IS = Operator("is", "IS", 5, comparison=True)
IS_NOT = Operator("is_not", "IS NOT", 5, comparison=True)
DISTINCT_FROM = Operator("is_distinct_from", "IS DISTINCT FROM", 5, comparison=True)
NOT_DISTINCT_FROM = Operator("is_not_distinct_from", "IS NOT DISTINCT FROM", 5, comparison=True)
IN = Operator("in", "IN", 5, comparison=True)
NOT_IN = Operator("not_in", "NOT IN", 5, comparison=True)
LIKE = Operator("like", "LIKE", 5, comparison=True)
NOT_LIKE = Operator("not_like", "NOT LIKE", 5, comparison=True)
ILIKE = Operator("ilike", "ILIKE", 5, comparison=True)
NOT_ILIKE = Operator("not_ilike", "NOT ILIKE", 5, comparison=True)
BETWEEN = Operator("between", "BETWEEN", 5, comparison=True)
NOT_BETWEEN = Operator("not_between", "NOT BETWEEN", 5, comparison=True)
CONCAT = Operator("concat", "||", 6, associative=True)
ADD = Operator("add", "+", 7, associative=True)
SUB = Operator("sub", "-", 7)
MUL = Operator("mul", "*", 8, associative=True)
TRUEDIV = Operator("truediv", "/", 8)
FLOORDIV = Operator("floordiv", "//", 8)
MOD = Operator("mod", "%", 8)
NEG = Operator("neg", "-", 9)
COLLATE = Operator("collate", "COLLATE", 10)
DESC = Operator("desc", "DESC", 0)
ASC = Operator("asc", "ASC", 0)
NULLS_FIRST = Operator("nulls_first", "NULLS FIRST", 0)
NULLS_LAST = Operator("nulls_last", "NULLS LAST", 0)
DISTINCT = Operator("distinct", "DISTINCT", 9)
EXISTS = Operator("exists", "EXISTS", 10)

NEGATIONS: dict[Operator, Operator] = {}
for _one, _other in (
    (EQ, NE),
    (LT, GE),
    (GT, LE),
    (IS, IS_NOT),
    (IN, NOT_IN),
    (LIKE, NOT_LIKE),
    (ILIKE, NOT_ILIKE),
    (BETWEEN, NOT_BETWEEN),
    (DISTINCT_FROM, NOT_DISTINCT_FROM),
):
    NEGATIONS[_one] = _other
    NEGATIONS[_other] = _one

ORDERINGS = frozenset((DESC, ASC, NULLS_FIRST, NULLS_LAST))


class ColumnOperators:
    """The operators of a column. A class gains them all by having ``__clause_element__()``.

    ``==`` and ``!=`` build clauses; identity and hash stay those of the object::

        >>> str(users.c.name == "ada")
        'users.name = :name_1'
    """

    __slots__ = ()

    if not TYPE_CHECKING:
        __hash__ = object.__hash__

    def __clause_element__(self) -> ColumnElement:
        raise NotImplementedError

    def operate(self, operator: Operator, other: Any, *, reverse: bool = False, modifier: str | None = None) -> Clause:
        """The clause ``self operator other``; overridden where an attribute means more than its column."""
        return self.__clause_element__().operate(operator, other, reverse=reverse, modifier=modifier)

    def __eq__(self, other: Any) -> Clause:  # type: ignore[override]
        return self.operate(EQ, other)

    def __ne__(self, other: Any) -> Clause:  # type: ignore[override]
        return self.operate(NE, other)

    def __lt__(self, other: Any) -> Clause:
        return self.operate(LT, other)

    def __le__(self, other: Any) -> Clause:
        return self.operate(LE, other)

    def __gt__(self, other: Any) -> Clause:
        return self.operate(GT, other)

    def __ge__(self, other: Any) -> Clause:
        return self.operate(GE, other)

    def __add__(self, other: Any) -> Clause:
        return self.operate(ADD, other)

    def __radd__(self, other: Any) -> Clause:
        return self.operate(ADD, other, reverse=True)

    def __sub__(self, other: Any) -> Clause:
        return self.operate(SUB, other)

    def __rsub__(self, other: Any) -> Clause:
        return self.operate(SUB, other, reverse=True)

    def __mul__(self, other: Any) -> Clause:
        return self.operate(MUL, other)

    def __rmul__(self, other: Any) -> Clause:
        return self.operate(MUL, other, reverse=True)

    def __truediv__(self, other: Any) -> Clause:
        return self.operate(TRUEDIV, other)

    def __rtruediv__(self, other: Any) -> Clause:
        return self.operate(TRUEDIV, other, reverse=True)

    def __floordiv__(self, other: Any) -> Clause:
        return self.operate(FLOORDIV, other)

    def __rfloordiv__(self, other: Any) -> Clause:
        return self.operate(FLOORDIV, other, reverse=True)

    def __mod__(self, other: Any) -> Clause:
        return self.operate(MOD, other)

    def __rmod__(self, other: Any) -> Clause:
        return self.operate(MOD, other, reverse=True)

    def __and__(self, other: Any) -> Clause:
        return self.operate(AND, other)

    def __rand__(self, other: Any) -> Clause:
        return self.operate(AND, other, reverse=True)

    def __or__(self, other: Any) -> Clause:
        return self.operate(OR, other)

    def __ror__(self, other: Any) -> Clause:
        return self.operate(OR, other, reverse=True)

    def __invert__(self) -> Clause:
        return self.__clause_element__().negate()

    def __neg__(self) -> Clause:
        return self.__clause_element__().modify(NEG)

    def __contains__(self, item: Any) -> bool:
        raise NotImplementedError("The 'in' of Python cannot build SQL: use column.in_([...]) or column.contains(...).")

    def in_(self, other: Any) -> Clause:
        """``IN``: a list of values, a select, or ``bindparam(..., expanding=True)``. An empty list matches nothing."""
        return self.operate(IN, other)

    def not_in(self, other: Any) -> Clause:
        """``NOT IN``. An empty list matches everything."""
        return self.operate(NOT_IN, other)

    def like(self, other: Any, escape: str | None = None) -> Clause:
        """``LIKE``; whether case matters is the database's habit (SQLite: no, DuckDB: yes)."""
        return self.operate(LIKE, other, modifier=escape)

    def not_like(self, other: Any, escape: str | None = None) -> Clause:
        """``NOT LIKE``."""
        return self.operate(NOT_LIKE, other, modifier=escape)

    def ilike(self, other: Any, escape: str | None = None) -> Clause:
        """``LIKE`` without regard to case, on every database."""
        return self.operate(ILIKE, other, modifier=escape)

    def not_ilike(self, other: Any, escape: str | None = None) -> Clause:
        """``NOT LIKE`` without regard to case."""
        return self.operate(NOT_ILIKE, other, modifier=escape)

    notin_ = not_in
    notlike = not_like
    notilike = not_ilike

    def is_(self, other: Any) -> Clause:
        """``IS``: for None, True and False."""
        return self.operate(IS, other)

    def is_not(self, other: Any) -> Clause:
        """``IS NOT``."""
        return self.operate(IS_NOT, other)

    isnot = is_not

    def is_distinct_from(self, other: Any) -> Clause:
        """``!=`` that treats NULL as a value."""
        return self.operate(DISTINCT_FROM, other)

    def is_not_distinct_from(self, other: Any) -> Clause:
        """``=`` that treats NULL as a value."""
        return self.operate(NOT_DISTINCT_FROM, other)

    def between(self, low: Any, high: Any) -> Clause:
        """``BETWEEN low AND high``, both included."""
        return self.operate(BETWEEN, (low, high))

    def startswith(self, other: Any, *, autoescape: bool = False, escape: str | None = None) -> Clause:
        """``LIKE other || '%'``. With ``autoescape``, ``%`` and ``_`` in a string stand for themselves."""
        return self.__clause_element__().matches("", other, "%", autoescape, escape)

    def endswith(self, other: Any, *, autoescape: bool = False, escape: str | None = None) -> Clause:
        """``LIKE '%' || other``."""
        return self.__clause_element__().matches("%", other, "", autoescape, escape)

    def contains(self, other: Any, *, autoescape: bool = False, escape: str | None = None) -> Clause:
        """``LIKE '%' || other || '%'``."""
        return self.__clause_element__().matches("%", other, "%", autoescape, escape)

    def istartswith(self, other: Any, *, autoescape: bool = False, escape: str | None = None) -> Clause:
        """:meth:`startswith` without regard to case."""
        return self.__clause_element__().matches("", other, "%", autoescape, escape, ILIKE)

    def iendswith(self, other: Any, *, autoescape: bool = False, escape: str | None = None) -> Clause:
        """:meth:`endswith` without regard to case."""
        return self.__clause_element__().matches("%", other, "", autoescape, escape, ILIKE)

    def icontains(self, other: Any, *, autoescape: bool = False, escape: str | None = None) -> Clause:
        """:meth:`contains` without regard to case."""
        return self.__clause_element__().matches("%", other, "%", autoescape, escape, ILIKE)

    def concat(self, other: Any) -> Clause:
        """``||``."""
        return self.operate(CONCAT, other)

    def op(self, symbol: str, precedence: int = 4, is_comparison: bool = False) -> Any:
        """Any operator by its symbol: ``column.op("&")(1)``."""
        operator = Operator(symbol, symbol, precedence, comparison=is_comparison)
        return lambda other: self.operate(operator, other)

    def collate(self, collation: str) -> Clause:
        """``COLLATE``."""
        return self.operate(COLLATE, collation)

    def asc(self) -> Clause:
        """Ascending, in ``ORDER BY``."""
        return self.__clause_element__().modify(ASC)

    def desc(self) -> Clause:
        """Descending, in ``ORDER BY``."""
        return self.__clause_element__().modify(DESC)

    def nulls_first(self) -> Clause:
        """NULL sorts first."""
        return self.__clause_element__().modify(NULLS_FIRST)

    def nulls_last(self) -> Clause:
        """NULL sorts last."""
        return self.__clause_element__().modify(NULLS_LAST)

    nullsfirst = nulls_first
    nullslast = nulls_last

    def distinct(self) -> Clause:
        """``DISTINCT column``, inside an aggregate."""
        return self.__clause_element__().modify(DISTINCT)

    def label(self, name: str | None) -> Label:
        """``column AS name``."""
        return self.__clause_element__().labelled(name)

    def cast(self, type_: TypeArgument) -> Clause:
        """``CAST(column AS type)``."""
        return self.__clause_element__().cast_to(type_)
