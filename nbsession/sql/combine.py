"""What ``left operator right`` becomes: coercion of literals, NULL, lists, and the type of the result.

Knows the types of Python values beside the types of columns. Knows no rendering.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbsession.exc import ArgumentError
from nbsession.sql import operators as ops
from nbsession.sql.base import ClauseElement
from nbsession.sql.elements import (
    NULL,
    BinaryExpression,
    BindParameter,
    ClauseList,
    ColumnClause,
    ColumnElement,
    Null,
    clause_of,
    literal_or_clause,
)
from nbsession.sql.types import (
    BOOLEAN,
    FLOAT,
    INTEGER,
    NULLTYPE,
    NUMERIC,
    STRING,
    Float,
    Integer,
    Interval,
    NullType,
    Numeric,
    String,
    TypeEngine,
    type_of_value,
)

if TYPE_CHECKING:
    from nbsession.sql.operators import Operator

_NULL_TESTS = {ops.EQ: ops.IS, ops.NE: ops.IS_NOT}
_LIKES = frozenset((ops.LIKE, ops.NOT_LIKE, ops.ILIKE, ops.NOT_ILIKE))
_WILDCARD = ColumnClause("'%'", STRING, is_literal=True)
_INS = frozenset((ops.IN, ops.NOT_IN))


def literal_type(beside: TypeEngine, value: Any) -> TypeEngine:
    """The type for a literal compared with an expression: the expression's, where the value is of its kind."""
    if type(value) is beside.python_type:
        return beside
    own = type_of_value(value)
    if own is NULLTYPE or beside.affinity in ("json", "enum", own.affinity):
        return beside
    if beside.affinity == "numeric" and own.affinity in ("integer", "numeric"):
        return beside
    return own


def operand(beside: TypeEngine, value: Any) -> Any:
    """The other side of an operator as a clause."""
    if isinstance(value, ColumnElement):
        if isinstance(value, BindParameter) and value.type is NULLTYPE and beside is not NULLTYPE:
            typed = value._clone()
            typed.type = beside
            return typed
        return value
    if isinstance(value, ClauseElement) or hasattr(value, "__clause_element__"):
        return literal_or_clause(value)
    if value is None:
        return NULL
    return BindParameter(None, value, literal_type(beside, value))


def combine(left: ColumnElement, operator: Operator, other: Any, reverse: bool, modifier: str | None) -> Any:
    """The clause for ``left operator other``.

    :raises ArgumentError: for an operand that the operator cannot take.
    """
    if operator is ops.AND or operator is ops.OR:
        pair = (clause_of(other), left) if reverse else (left, clause_of(other))
        return conjunction(operator, pair)
    if operator in _INS:
        return BinaryExpression(left, operator, members(left, other), BOOLEAN)
    if operator is ops.BETWEEN:
        low, high = (operand(left.type, value) for value in other)
        return BinaryExpression(left, operator, ClauseList(ops.AND, (low, high)), BOOLEAN)
    if operator is ops.COLLATE:
        return BinaryExpression(left, operator, NULL, left.type, str(other))
    beside = STRING if operator in _LIKES and not isinstance(left.type, String) else left.type
    right = operand(beside, other)
    if isinstance(right, Null) and operator.comparison:
        operator = _NULL_TESTS.get(operator, operator) if right is NULL else operator
    if operator.comparison:
        if reverse:
            left, right = right, left
        return BinaryExpression(left, operator, right, BOOLEAN, modifier)
    if reverse:
        left, right = right, left
    if operator is ops.ADD and (isinstance(left.type, String) or isinstance(right.type, String)):
        operator = ops.CONCAT
    return BinaryExpression(left, operator, right, result_type(left.type, operator, right.type))


def result_type(left: TypeEngine, operator: Operator, right: TypeEngine) -> TypeEngine:
    """The type of an arithmetic expression."""
    if operator is ops.CONCAT:
        return STRING if not isinstance(left, String) else left
    if isinstance(left, NullType) or isinstance(right, NullType):
        return right if isinstance(left, NullType) else left
    if operator is ops.TRUEDIV and isinstance(left, Integer) and isinstance(right, Integer):
        return NUMERIC
    if isinstance(left, Integer) and isinstance(right, Integer):
        return INTEGER
    if isinstance(left, Float) or isinstance(right, Float):
        return FLOAT
    if isinstance(left, Numeric) or isinstance(right, Numeric):
        return NUMERIC
    if operator is ops.SUB and left.affinity == right.affinity in ("date", "datetime"):
        return Interval()
    return left


def members(left: ColumnElement, other: Any) -> Any:
    """The right side of IN: a subquery, or the values of a list."""
    if isinstance(other, BindParameter):
        typed = operand(left.type, other)._clone()
        typed.expanding = True
        return typed
    if not isinstance(other, ClauseElement) and hasattr(other, "__clause_element__"):
        other = other.__clause_element__()
    if isinstance(other, ClauseElement):
        return other if not hasattr(other, "as_in_operand") else other.as_in_operand()
    if isinstance(other, str) or not hasattr(other, "__iter__"):
        raise ArgumentError(f"IN expression list, SELECT construct, or bound parameter object expected, got {other!r}.")
    values = list(other)
    if any(isinstance(value, ClauseElement) or hasattr(value, "__clause_element__") for value in values):
        return ClauseList(None, tuple(operand(left.type, value) for value in values))
    first = next((value for value in values if value is not None), None)
    kind = left.type if first is None or isinstance(first, tuple) else literal_type(left.type, first)
    return BindParameter(None, values, kind, expanding=True)


def conjunction(operator: Operator, clauses: tuple[Any, ...]) -> Any:
    """Clauses joined by AND or OR, flattened."""
    flat: list[Any] = []
    for clause in clauses:
        if isinstance(clause, ClauseList) and clause.operator is operator:
            flat += clause.clauses
        else:
            flat.append(clause)
    return flat[0] if len(flat) == 1 else ClauseList(operator, tuple(flat))


def pattern(before: str, other: Any, after: str, autoescape: bool, escape: str | None) -> Any:
    """The operand of LIKE with wildcards around a value."""
    if autoescape:
        if not isinstance(other, str):
            raise TypeError("String value expected when autoescape=True")
        for special in (str(escape), "%", "_"):
            other = other.replace(special, f"{escape}{special}")
    clause = literal_or_clause(other, STRING)
    if before:
        clause = BinaryExpression(_WILDCARD, ops.CONCAT, clause, STRING)
    if after:
        clause = BinaryExpression(clause, ops.CONCAT, _WILDCARD, STRING)
    return clause
