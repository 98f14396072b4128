"""The expressions of SQL: columns, bound values, comparisons, labels.

Knows how operators combine expressions and what type the result has. Knows no rendering and no database.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbsession.exc import ArgumentError
from nbsession.sql import operators as ops
from nbsession.sql.base import ClauseElement, ShapeWalk, next_uid
from nbsession.sql.operators import ColumnOperators, Operator
from nbsession.sql.types import BOOLEAN, NULLTYPE, NullType, TypeArgument, TypeEngine, to_type, type_of_value

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbsession.sql.selectable import FromClause


class ColumnElement(ColumnOperators, ClauseElement):
    """An expression with a value: what can stand in a column list or a WHERE."""

    __slots__ = ("type",)
    type: TypeEngine
    if not TYPE_CHECKING:
        __hash__ = object.__hash__

    def __clause_element__(self) -> ColumnElement:
        return self

    def __bool__(self) -> bool:
        raise TypeError(
            "Boolean value of this clause is not defined: combine clauses with &, | and ~, or and_() and or_()."
        )

    def operate(
        self, operator: Operator, other: Any, *, reverse: bool = False, modifier: str | None = None
    ) -> ColumnElement:
        """The clause ``self operator other`` (``other operator self`` if ``reverse``)."""
        from nbsession.sql.combine import combine

        clause: ColumnElement = combine(self, operator, other, reverse, modifier)
        return clause

    def negate(self) -> ColumnElement:
        """``NOT self``."""
        return UnaryExpression(ops.NOT, self, BOOLEAN)

    def modify(self, operator: Operator) -> ColumnElement:
        """The expression with an operator that has one operand: ``-x``, ``x DESC``, ``DISTINCT x``."""
        return UnaryExpression(operator, self, self.type)

    def matches(
        self, before: str, other: Any, after: str, autoescape: bool, escape: str | None, operator: Operator = ops.LIKE
    ) -> ColumnElement:
        """``LIKE`` with wildcards around."""
        from nbsession.sql.combine import pattern

        if autoescape:
            escape = escape or "/"
        return self.operate(operator, pattern(before, other, after, autoescape, escape), modifier=escape)

    def labelled(self, name: str | None) -> Label:
        """``self AS name``."""
        return Label(name, self)

    def cast_to(self, type_: TypeArgument) -> ColumnElement:
        """``CAST(self AS type)``."""
        return Cast(self, type_)

    def self_group(self, against: Any = None) -> ColumnElement:
        """The expression itself: parentheses are set when it is rendered."""
        return self


class ColumnClause(ColumnElement):
    """A column known by name, of a table or of nothing (``column("x")``).

    :ivar base: for a column of a subquery, what it shows.
    """

    __slots__ = ("base", "is_literal", "key", "name", "table", "uid")
    visit_name = "column"
    table: Any

    def __init__(
        self, name: str, type_: TypeArgument | None = None, table: FromClause | None = None, is_literal: bool = False
    ) -> None:
        self.name = name
        self.key = name
        self.type = to_type(type_)
        self.table = table
        self.is_literal = is_literal
        self.base: ColumnElement | None = None
        self.uid = next_uid()

    def _shape(self, walk: ShapeWalk) -> None:
        key = walk.key
        if self.table is None:
            key += ("literal" if self.is_literal else "name", self.name, self.type.key)
        else:
            key.append("of")
            self.table._shape(walk)
            key.append(self.name)

    @property
    def primary_key(self) -> bool:
        """Whether it shows a column of a primary key."""
        return bool(getattr(self.base, "primary_key", False))

    @property
    def foreign_keys(self) -> Any:
        """The foreign keys of the column it shows."""
        return getattr(self.base, "foreign_keys", ())

    def __repr__(self) -> str:
        return f"<column {self}>"


class BindParameter(ColumnElement):
    """A value that travels beside the SQL text.

    :ivar key: its name, or None for a literal.
    """

    __slots__ = ("callable_", "expanding", "key", "required", "value")
    visit_name = "bind"

    def __init__(
        self,
        key: str | None,
        value: Any = None,
        type_: TypeArgument | None = None,
        *,
        required: bool = False,
        expanding: bool = False,
        callable_: Callable[[], Any] | None = None,
    ) -> None:
        self.key = key
        self.value = value
        self.required = required
        self.expanding = expanding
        self.callable_ = callable_
        self.type = type_of_value(value) if type_ is None else to_type(type_)

    def _shape(self, walk: ShapeWalk) -> None:
        walk.key += ("?", self.key, self.type.key)
        if self.expanding:
            walk.key.append(len(self.value) if self.key is None else -1)
        walk.binds.append(self)

    def __repr__(self) -> str:
        return f"<bind {self.key or ''} {self.value!r}>"


class Null(ColumnElement):
    """``NULL``, ``true`` or ``false``, as ``word`` says."""

    __slots__ = ("word",)
    visit_name = "constant"
    _plain = ("word",)

    def __init__(self, word: str = "null") -> None:
        self.word = word
        self.type = NULLTYPE if word == "null" else BOOLEAN

    def negate(self) -> ColumnElement:
        """The other truth value; NULL has none."""
        if self.word == "null":
            return super().negate()
        return FALSE if self.word == "true" else TRUE


NULL = Null()
TRUE = Null("true")
FALSE = Null("false")


class BinaryExpression(ColumnElement):
    """``left operator right``."""

    __slots__ = ("left", "modifier", "operator", "right")
    visit_name = "binary"
    _children = ("left", "right")
    _plain = ("operator", "modifier")

    def __init__(
        self,
        left: ColumnElement,
        operator: Operator,
        right: ColumnElement,
        type_: TypeEngine,
        modifier: str | None = None,
    ) -> None:
        self.left = left
        self.operator = operator
        self.right = right
        self.type = type_
        self.modifier = modifier

    def _shape(self, walk: ShapeWalk) -> None:
        walk.key += (self.operator.name, self.modifier)
        self.left._shape(walk)
        self.right._shape(walk)

    def __bool__(self) -> bool:
        """Identity, for ``==`` and ``!=`` between columns, so that columns can live in lists and dicts."""
        if self.operator is ops.EQ:
            return self.left is self.right
        if self.operator is ops.NE:
            return self.left is not self.right
        return super().__bool__()

    def negate(self) -> ColumnElement:
        """With the opposite operator where there is one."""
        opposite = ops.NEGATIONS.get(self.operator)
        if opposite is None:
            return super().negate()
        return BinaryExpression(self.left, opposite, self.right, BOOLEAN, self.modifier)


class UnaryExpression(ColumnElement):
    """``operator element`` or, for orderings, ``element operator``."""

    __slots__ = ("element", "operator")
    visit_name = "unary"
    _children = ("element",)
    _plain = ("operator",)

    def __init__(self, operator: Operator, element: ClauseElement, type_: TypeEngine = NULLTYPE) -> None:
        self.operator = operator
        self.element = element
        self.type = type_

    def negate(self) -> ColumnElement:
        """Without the NOT, if it is one."""
        if self.operator is ops.NOT and isinstance(self.element, ColumnElement):
            return self.element
        return super().negate()


class ClauseList(ColumnElement):
    """Clauses joined by one operator (AND, OR), or by commas where the operator is None."""

    __slots__ = ("clauses", "operator")
    visit_name = "list"
    _children = ("clauses",)
    _plain = ("operator",)

    def __init__(self, operator: Operator | None, clauses: tuple[Any, ...], type_: TypeEngine = BOOLEAN) -> None:
        self.operator = operator
        self.clauses = clauses
        self.type = type_


class Label(ColumnElement):
    """``element AS name``; without a name it gets one when it is rendered."""

    __slots__ = ("element", "name")
    visit_name = "label"
    _children = ("element",)
    _plain = ("name",)

    def __init__(self, name: str | None, element: Any, type_: TypeArgument | None = None) -> None:
        self.name = name
        self.element: ColumnElement = element.element if isinstance(element, Label) else element
        self.type = self.element.type if type_ is None else to_type(type_)

    @property
    def key(self) -> str | None:
        """The name."""
        return self.name


class Cast(ColumnElement):
    """``CAST(clause AS type)``."""

    __slots__ = ("clause",)
    visit_name = "cast"
    _children = ("clause",)

    def __init__(self, clause: Any, type_: TypeArgument) -> None:
        self.type = to_type(type_)
        self.clause = literal_or_clause(clause, self.type)

    def _shape(self, walk: ShapeWalk) -> None:
        walk.key += (self.visit_name, self.type.key)
        self.clause._shape(walk)


class TypeCoerce(Cast):
    """The same SQL with another type on the Python side."""

    __slots__ = ()
    visit_name = "type_coerce"


class Case(ColumnElement):
    """``CASE``: pairs of condition and result, with an optional value to compare and an ELSE."""

    __slots__ = ("else_", "value", "whens")
    visit_name = "case"
    _children = ("value", "whens", "else_")

    def __init__(self, value: ColumnElement | None, whens: tuple[ColumnElement, ...], else_: Any) -> None:
        self.value = value
        self.whens = whens  # condition, result, condition, result, ...
        self.else_: ColumnElement | None = else_
        results = [*whens[1::2], *([else_] if else_ is not None else [])]
        self.type = next((one.type for one in results if not isinstance(one.type, NullType)), NULLTYPE)


def literal_or_clause(value: Any, type_: TypeEngine | None = None) -> Any:
    """A clause as it is, an attribute as its column, None as NULL, anything else as a bound value."""
    if isinstance(value, ColumnElement):
        return value
    element = getattr(value, "__clause_element__", None)
    if element is not None and not isinstance(value, type):
        value = element()
    if isinstance(value, ColumnElement):
        return value
    if isinstance(value, ClauseElement):
        scalar = getattr(value, "scalar_subquery", None)
        return scalar() if scalar is not None else value
    if value is None:
        return NULL
    return BindParameter(None, value, type_ if type_ is not None and type_ is not NULLTYPE else None)


def clause_of(value: Any, role: str = "An SQL expression") -> Any:
    """A clause as it is, an attribute as its column.

    :raises ArgumentError: for anything else; strings must say what they are.
    """
    if isinstance(value, ClauseElement):
        return value
    element = getattr(value, "__clause_element__", None)
    if element is not None and not isinstance(value, type):
        return element()
    if value is True:
        return TRUE
    if value is False:
        return FALSE
    if value is None:
        return NULL
    if isinstance(value, str):
        raise ArgumentError(f"Textual SQL expression {value!r} should be explicitly declared as text({value!r})")
    raise ArgumentError(f"{role} is expected, got {value!r}.")
