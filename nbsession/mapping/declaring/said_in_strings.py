"""Expressions that options of a relationship give as strings: ``"and_(User.id == Address.user_id, Address.kind == 'x')"``.

Only what such an expression needs is evaluated: names of classes, tables and SQL functions, attributes, comparisons,
calls, literals. Knows no relationship.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import Any

from nbsession.exc import ArgumentError, InvalidRequestError

_COMPARE: dict[type, Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_BINARY: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Mod: operator.mod,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
}
_UNARY: dict[type, Callable[[Any], Any]] = {ast.Invert: operator.invert, ast.USub: operator.neg}
_FUNCTIONS = "and_ or_ not_ func cast case literal literal_column null true false desc asc select bindparam text tuple_"


def evaluated(text: str, find: Callable[[str], Any], whose: str) -> Any:
    """What an expression means.

    :param text: the expression.
    :param find: gives the class or table of a name, or None.
    :param whose: the relationship, for messages.
    :raises InvalidRequestError: it says a name that nothing has.
    :raises ArgumentError: it does what such an expression has no need to do.
    """
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except SyntaxError as error:
        raise ArgumentError(f"Cannot read the expression {text!r} of relationship {whose}: {error.msg}.") from error
    return _Evaluation(text, find, whose).value(tree.body)


class _Evaluation:
    def __init__(self, text: str, find: Callable[[str], Any], whose: str) -> None:
        self.text, self.find, self.whose = text, find, whose

    def value(self, node: ast.AST) -> Any:
        method = getattr(self, "_" + type(node).__name__.lower(), None)
        if method is None:
            raise self._refused(f"{type(node).__name__} is not understood there")
        return method(node)

    def _refused(self, why: str) -> ArgumentError:
        return ArgumentError(
            f"Cannot evaluate the expression {self.text!r} of relationship {self.whose}: {why}. Give a function instead: "
            f"lambda: {self.text}"
        )

    def _constant(self, node: ast.Constant) -> Any:
        return node.value

    def _name(self, node: ast.Name) -> Any:
        found = self.find(node.id)
        if found is not None:
            return found
        if node.id in ("foreign", "remote"):
            from nbsession.mapping.relating import join_marks

            return getattr(join_marks, node.id)
        if node.id in _FUNCTIONS.split():
            import nbsession.sql as sql

            return getattr(sql, node.id)
        raise InvalidRequestError(
            f"When initializing relationship {self.whose}, expression {self.text!r} failed to locate a name ({node.id!r}). If this "
            "is a class name, consider adding this relationship() to the class after both dependent classes have been defined."
        )

    def _attribute(self, node: ast.Attribute) -> Any:
        if node.attr.startswith("_"):
            raise self._refused(f"'{node.attr}' is private")
        owner = self.value(node.value)
        try:
            return getattr(owner, node.attr)
        except AttributeError:
            raise InvalidRequestError(
                f"When initializing relationship {self.whose}, expression {self.text!r} failed to locate a name: "
                f"{getattr(owner, '__name__', owner)!r} has no '{node.attr}'."
            ) from None

    def _call(self, node: ast.Call) -> Any:
        named = {word.arg: self.value(word.value) for word in node.keywords if word.arg is not None}
        return self.value(node.func)(*map(self.value, node.args), **named)

    def _compare(self, node: ast.Compare) -> Any:
        if len(node.ops) != 1 or type(node.ops[0]) not in _COMPARE:
            raise self._refused("only single comparisons are understood")
        return _COMPARE[type(node.ops[0])](self.value(node.left), self.value(node.comparators[0]))

    def _binop(self, node: ast.BinOp) -> Any:
        if type(node.op) not in _BINARY:
            raise self._refused(f"{type(node.op).__name__} is not understood there")
        return _BINARY[type(node.op)](self.value(node.left), self.value(node.right))

    def _unaryop(self, node: ast.UnaryOp) -> Any:
        if type(node.op) not in _UNARY:
            raise self._refused(f"{type(node.op).__name__} is not understood there; write not_(...)")
        return _UNARY[type(node.op)](self.value(node.operand))

    def _tuple(self, node: ast.Tuple) -> Any:
        return [self.value(one) for one in node.elts]

    def _list(self, node: ast.List) -> Any:
        return [self.value(one) for one in node.elts]

    def _subscript(self, node: ast.Subscript) -> Any:
        return self.value(node.value)[self.value(node.slice)]
