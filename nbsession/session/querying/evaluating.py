"""Criteria and values of a statement worked out in Python, on an object's loaded values. Knows no database.

SQL's logic of three values is kept: None stands for unknown.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

from nbsession.mapping.mapper import Mapper
from nbsession.sql import operators as ops

Evaluator = Callable[[Any], Any]


class Unevaluable(Exception):
    """Something that only the database can work out."""


class Expired:
    """What an expression is worth that needs a value which is not loaded."""

    def __repr__(self) -> str:
        return "EXPIRED"


EXPIRED = Expired()

_PLAIN: dict[Any, Callable[[Any, Any], Any]] = {
    ops.EQ: operator.eq,
    ops.NE: operator.ne,
    ops.LT: operator.lt,
    ops.LE: operator.le,
    ops.GT: operator.gt,
    ops.GE: operator.ge,
    ops.ADD: operator.add,
    ops.SUB: operator.sub,
    ops.MUL: operator.mul,
    ops.TRUEDIV: operator.truediv,
    ops.CONCAT: operator.add,
}


def evaluator_of(clause: Any, mapper: Mapper, params: Mapping[str, Any]) -> Evaluator:
    """A function (object) -> value for a clause; the value may be None (unknown) or EXPIRED.

    :param params: values of named parameters.
    :raises Unevaluable: the clause holds what only the database can work out.
    """
    visit = _VISITS.get(clause.visit_name)
    if visit is None:
        raise Unevaluable(f"Cannot evaluate {type(clause).__name__}")
    return visit(clause, mapper, params)


def _column(column: Any, mapper: Mapper, params: Mapping[str, Any]) -> Evaluator:
    column = getattr(column, "original", column)
    if column.is_literal or not mapper.maps(column):
        raise Unevaluable(f"Cannot evaluate column: {column}")
    key = mapper.key_of(column)
    return lambda obj: obj.__dict__.get(key, EXPIRED)


def _bind(bind: Any, mapper: Mapper, params: Mapping[str, Any]) -> Evaluator:
    if bind.key is not None and bind.key in params:
        value = params[bind.key]
    elif bind.callable_ is not None:
        value = bind.callable_()
    else:
        value = bind.value
    return lambda obj: value


def _constant(constant: Any, mapper: Mapper, params: Mapping[str, Any]) -> Evaluator:
    value = {"null": None, "true": True, "false": False}[constant.word]
    return lambda obj: value


def _binary(binary: Any, mapper: Mapper, params: Mapping[str, Any]) -> Evaluator:
    symbol = binary.operator
    left, right = evaluator_of(binary.left, mapper, params), evaluator_of(binary.right, mapper, params)
    if symbol in (ops.IS, ops.IS_NOT):
        wanted = symbol is ops.IS
        return lambda obj: _known(left(obj), right(obj), lambda a, b: (a == b) is wanted)
    if symbol in (ops.IN, ops.NOT_IN):
        wanted = symbol is ops.IN
        return lambda obj: _known(left(obj), right(obj), lambda a, b: None if a is None else (a in b) is wanted)
    plain = _PLAIN.get(symbol)
    if plain is None:
        raise Unevaluable(f"Cannot evaluate {type(binary).__name__} with operator {symbol.name}")
    return lambda obj: _known(left(obj), right(obj), lambda a, b: None if a is None or b is None else plain(a, b))


def _known(left: Any, right: Any, combine: Callable[[Any, Any], Any]) -> Any:
    return EXPIRED if left is EXPIRED or right is EXPIRED else combine(left, right)


def _unary(unary: Any, mapper: Mapper, params: Mapping[str, Any]) -> Evaluator:
    inner = evaluator_of(unary.element, mapper, params)
    if unary.operator is ops.NOT:
        return lambda obj: value if (value := inner(obj)) is EXPIRED or value is None else not value
    if unary.operator is ops.NEG:
        return lambda obj: value if (value := inner(obj)) is EXPIRED or value is None else -value
    raise Unevaluable(f"Cannot evaluate {type(unary).__name__} with operator {unary.operator.name}")


def _list(clauses: Any, mapper: Mapper, params: Mapping[str, Any]) -> Evaluator:
    parts = [evaluator_of(one, mapper, params) for one in clauses.clauses]
    if clauses.operator is ops.AND:
        return lambda obj: _all_hold([part(obj) for part in parts])
    if clauses.operator is ops.OR:
        return lambda obj: _one_holds([part(obj) for part in parts])
    return lambda obj: EXPIRED if EXPIRED in (found := [part(obj) for part in parts]) else found


def _all_hold(found: list[Any]) -> Any:
    if any(one is not None and one is not EXPIRED and not one for one in found):
        return False
    return EXPIRED if EXPIRED in found else None if None in found else True


def _one_holds(found: list[Any]) -> Any:
    if any(one is not EXPIRED and one for one in found):
        return True
    return EXPIRED if EXPIRED in found else None if None in found else False


_VISITS: dict[str, Callable[[Any, Mapper, Mapping[str, Any]], Evaluator]] = {
    "column": _column,
    "bind": _bind,
    "constant": _constant,
    "binary": _binary,
    "unary": _unary,
    "list": _list,
}
