"""The words to write SQL with: ``select``, ``and_``, ``case``, ``cast`` and the rest.

Knows how each word's arguments are read; what is made is defined in the other modules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbsession.exc import ArgumentError
from nbsession.sql import operators as ops
from nbsession.sql.combine import conjunction, operand
from nbsession.sql.compound import CompoundSelect
from nbsession.sql.dml import Delete, Insert, Update
from nbsession.sql.elements import (
    FALSE,
    NULL,
    TRUE,
    BindParameter,
    Case,
    Cast,
    ClauseList,
    ColumnClause,
    ColumnElement,
    Label,
    TypeCoerce,
    clause_of,
    literal_or_clause,
)
from nbsession.sql.functions import Over
from nbsession.sql.select import Select
from nbsession.sql.select_base import SelectBase, order_element
from nbsession.sql.selectable import Alias, Join, from_of
from nbsession.sql.subqueries import Exists
from nbsession.sql.types import NULLTYPE

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbsession.sql.types import TypeArgument


def select(*columns: Any) -> Select:
    """SELECT these: entities, attributes, columns, tables, expressions."""
    return Select(*columns)


def insert(table: Any) -> Insert:
    """INSERT INTO a table; columns come from ``values()`` or from the parameters of the execution."""
    return Insert(table)


def update(table: Any) -> Update:
    """UPDATE a table."""
    return Update(table)


def delete(table: Any) -> Delete:
    """DELETE FROM a table."""
    return Delete(table)


def and_(*clauses: Any) -> Any:
    """All of these; without any, true."""
    return conjunction(ops.AND, tuple(map(clause_of, clauses))) if clauses else TRUE


def or_(*clauses: Any) -> Any:
    """At least one of these; without any, false."""
    return conjunction(ops.OR, tuple(map(clause_of, clauses))) if clauses else FALSE


def not_(clause: Any) -> Any:
    """The opposite."""
    return ~clause_of(clause)


def bindparam(
    key: str | None,
    value: Any = NULLTYPE,
    type_: TypeArgument | None = None,
    unique: bool = False,
    required: bool | None = None,
    expanding: bool = False,
    callable_: Callable[[], Any] | None = None,
) -> BindParameter:
    """A named parameter: ``where(users.c.name == bindparam("who"))``, executed with ``{"who": "ada"}``.

    :param value: used where the execution gives none.
    :param expanding: stands for a list, right of IN.
    """
    missing = value is NULLTYPE
    if required is None:
        required = missing and callable_ is None
    actual = None if missing else value
    kind = type_ if type_ is not None or not (missing or value is None) else NULLTYPE
    name = None if unique and not missing else key
    return BindParameter(name, actual, kind, required=required, expanding=expanding, callable_=callable_)


def literal(value: Any, type_: TypeArgument | None = None) -> Any:
    """A value as an expression, travelling beside the text."""
    if hasattr(value, "__clause_element__"):
        return value
    return BindParameter(None, value, type_)


def literal_column(text: str, type_: TypeArgument | None = None) -> ColumnClause:
    """Text as an expression, as it is written."""
    return ColumnClause(text, type_, is_literal=True)


def column(name: str, type_: TypeArgument | None = None) -> ColumnClause:
    """A column by name, of no table."""
    return ColumnClause(name, type_)


def null() -> ColumnElement:
    """``NULL``."""
    return NULL


def true() -> ColumnElement:
    """True, as the database writes it."""
    return TRUE


def false() -> ColumnElement:
    """False, as the database writes it."""
    return FALSE


def case(*whens: Any, value: Any = None, else_: Any = None) -> Case:
    """``CASE``: ``case((users.c.id < 5, "low"), else_="high")`` or ``case({1: "one"}, value=users.c.id)``."""
    if len(whens) == 1 and isinstance(whens[0], dict):
        whens = tuple(whens[0].items())
    if not whens:
        raise ArgumentError("case() needs at least one condition and result.")
    compared = None if value is None else clause_of(value)
    parts: list[Any] = []
    for pair in whens:
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise ArgumentError(f"case() expects pairs (condition, result), got {pair!r}.")
        condition, result = pair
        parts.append(clause_of(condition) if compared is None else operand(compared.type, condition))
        parts.append(literal_or_clause(result))
    return Case(compared, tuple(parts), None if else_ is None else literal_or_clause(else_))


def cast(expression: Any, type_: TypeArgument) -> Cast:
    """``CAST(expression AS type)``."""
    return Cast(expression, type_)


def type_coerce(expression: Any, type_: TypeArgument) -> TypeCoerce:
    """The same SQL, its values treated as of this type."""
    return TypeCoerce(expression, type_)


def label(name: str, element: Any) -> Label:
    """``element AS name``."""
    return Label(name, clause_of(element))


def tuple_(*clauses: Any) -> ClauseList:
    """``(a, b)``, to compare with a list of pairs by ``in_``."""
    return ClauseList(None, tuple(literal_or_clause(one) for one in clauses), NULLTYPE)


def desc(clause: Any) -> Any:
    """Descending; a string is a name of the statement."""
    return ops_on(clause, ops.DESC)


def asc(clause: Any) -> Any:
    """Ascending."""
    return ops_on(clause, ops.ASC)


def nulls_first(clause: Any) -> Any:
    """NULL sorts first."""
    return ops_on(clause, ops.NULLS_FIRST)


def nulls_last(clause: Any) -> Any:
    """NULL sorts last."""
    return ops_on(clause, ops.NULLS_LAST)


nullsfirst = nulls_first
nullslast = nulls_last


def ops_on(clause: Any, operator: ops.Operator) -> Any:
    """An ordering of an expression or of a name of the statement."""
    from nbsession.sql.elements import UnaryExpression

    element = order_element(clause)
    return UnaryExpression(operator, element, element.type)


def distinct(expression: Any) -> Any:
    """``DISTINCT expression``, inside an aggregate."""
    return clause_of(expression).distinct()


def between(expression: Any, low: Any, high: Any) -> Any:
    """``expression BETWEEN low AND high``."""
    return clause_of(expression).between(low, high)


def collate(expression: Any, collation: str) -> Any:
    """``expression COLLATE collation``."""
    return literal_or_clause(expression).collate(collation)


def over(element: Any, partition_by: Any = None, order_by: Any = None, rows: Any = None, range_: Any = None) -> Over:
    """A function as a window function."""
    return Over(element, partition_by, order_by, rows, range_)


def exists(*columns: Any) -> Exists:
    """``EXISTS``: of a select, or ``exists().where(...)``."""
    if len(columns) == 1 and (isinstance(columns[0], SelectBase) or hasattr(columns[0], "scalar_subquery")):
        return Exists(columns[0])
    return Exists(Select(*(columns or (literal_column("*"),))))


def union(*selects: Any) -> CompoundSelect:
    """The rows of all selects, each once."""
    return CompoundSelect("UNION", selects)


def union_all(*selects: Any) -> CompoundSelect:
    """The rows of all selects."""
    return CompoundSelect("UNION ALL", selects)


def intersect(*selects: Any) -> CompoundSelect:
    """The rows that all selects have."""
    return CompoundSelect("INTERSECT", selects)


def except_(*selects: Any) -> CompoundSelect:
    """The rows of the first select that the others do not have."""
    return CompoundSelect("EXCEPT", selects)


def intersect_all(*selects: Any) -> CompoundSelect:
    """The rows that all selects have, as often as all have them. DuckDB has it, SQLite refuses it."""
    return CompoundSelect("INTERSECT ALL", selects)


def except_all(*selects: Any) -> CompoundSelect:
    """The rows that the first select has more often than the others. DuckDB has it, SQLite refuses it."""
    return CompoundSelect("EXCEPT ALL", selects)


def alias(selectable: Any, name: str | None = None) -> Alias:
    """A table or subquery under another name."""
    made: Alias = from_of(selectable).alias(name)
    return made


def join(left: Any, right: Any, onclause: Any = None, isouter: bool = False, full: bool = False) -> Join:
    """``left JOIN right``, to select from."""
    return Join(from_of(left), from_of(right), onclause, isouter, full)


def outerjoin(left: Any, right: Any, onclause: Any = None, full: bool = False) -> Join:
    """``left LEFT OUTER JOIN right``, to select from."""
    return Join(from_of(left), from_of(right), onclause, True, full)
