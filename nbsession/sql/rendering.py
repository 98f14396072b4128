"""Expressions as SQL text.

Knows how clauses are written, where parentheses go, and what the databases write differently (the class attributes
and the small methods that :mod:`nbsession.sql.renderings` overrides). A placeholder is a mark in the text until the
whole statement is written; only then is its position known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from nbsession.exc import CompileError
from nbsession.sql import operators as ops
from nbsession.sql.elements import BindParameter, ColumnClause, ColumnElement
from nbsession.sql.literals import literal_sql
from nbsession.sql.naming import quote_identifier
from nbsession.sql.types import NULLTYPE, Integer, TypeEngine

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbsession.sql.base import ClauseElement, ShapeWalk

MARK = "\x00"
"""Around the number of a placeholder, until positions are known."""

Source = tuple[str, Any, Any]
"""Where a value comes from: ("bind", index in the walk, None), ("item", index, place in its list),
("param", name, bind index or None), ("default", column, "default" or "onupdate"), ("fixed", bind, None)."""


class ExpressionRendering:
    """Writes expressions; one instance writes one statement.

    :param walk: the walk over the statement, whose binds the sources count.
    :param parameters: values of the execution: names for INSERT, lengths of lists.
    :param literal_binds: write values into the text.
    :param qualify: write the table before a column.
    """

    name: ClassVar[str] = "readable"
    words: ClassVar[Mapping[str, str]] = {"null": "NULL", "true": "true", "false": "false"}
    functions: ClassVar[Mapping[str, str]] = {}

    def __init__(
        self,
        walk: ShapeWalk,
        parameters: Mapping[str, Any] | None = None,
        literal_binds: bool = False,
        qualify: bool = True,
    ) -> None:
        self.walk_binds = walk.binds
        self.binds: dict[int, int] = {}
        for index, bind in enumerate(walk.binds):
            self.binds.setdefault(id(bind), index)
        self.parameters: Mapping[str, Any] = parameters or {}
        self.literal_binds = literal_binds
        self.qualify = qualify
        self.sources: list[tuple[Source, TypeEngine]] = []
        self.tables: dict[str, None] = {}
        self.aliases: dict[int, str] = {}
        self.ctes: dict[str, str] = {}
        self.keep: list[Any] = []
        self.hint: str | None = None

    def process(self, clause: Any) -> str:
        """The text of a clause."""
        visit = getattr(self, "_visit_" + clause.visit_name, None)
        if visit is None:
            raise CompileError(f"{type(clause).__name__} cannot be rendered here.")
        text: str = visit(clause)
        return text

    def listed(self, clauses: Any, separator: str = ", ") -> str:
        """Several clauses."""
        return separator.join(map(self.process, clauses))

    def operand(self, clause: Any, parent: ops.Operator, right: bool = False) -> str:
        """A clause beside an operator, in parentheses where it binds less tightly."""
        text = self.process(clause)
        inner = operator_of(clause)
        if inner is None:
            return text
        loose = inner.precedence < parent.precedence
        same = inner.precedence == parent.precedence
        if inner is ops.CONCAT or parent is ops.CONCAT:
            loose = loose or (inner is not parent and not parent.comparison and parent.precedence > 4)
        if same:
            loose = parent.comparison or (right and not (inner is parent and parent.associative))
        return f"({text})" if loose else text

    # -- names and values

    def _visit_column(self, column: ColumnClause) -> str:
        if column.is_literal:
            return column.name
        name = quote_identifier(column.name)
        if column.table is None or not self.qualify:
            return name
        return f"{self.table_name(column.table)}.{name}"

    def table_name(self, table: Any) -> str:
        """How columns refer to something in FROM."""
        if table.visit_name == "table":
            return self.qualified(table)
        return quote_identifier(self.alias_name(table))

    def qualified(self, table: Any) -> str:
        """The name of a table, with its schema."""
        own = quote_identifier(table.name)
        return f"{quote_identifier(table.schema)}.{own}" if table.schema else own

    def alias_name(self, alias: Any) -> str:
        """The name of an alias or subquery: its own, or one made up once per statement."""
        name = self.aliases.get(id(alias))
        if name is None:
            name = alias.name
            if name is None:
                table = alias.element
                stem = table.name if table.visit_name == "table" else "anon"
                taken = {*self.aliases.values(), *self.tables}
                name = next(f"{stem}_{n}" for n in range(1, 100_000) if f"{stem}_{n}" not in taken)
            self.aliases[id(alias)] = name
            self.keep.append(alias)
        return name

    def _visit_reference(self, reference: Any) -> str:
        raise CompileError(
            f"Can't resolve label reference for ORDER BY / GROUP BY / DISTINCT etc. Textual SQL expression "
            f"'{reference.name}' should be explicitly declared as text('{reference.name}')"
        )

    def _visit_bind(self, bind: BindParameter) -> str:
        index = self.binds.get(id(bind))
        if bind.expanding:
            return self.in_list(bind, index)
        if self.literal_binds and not (bind.key is not None and bind.required):
            return literal_sql(bind.value, self.name)
        if bind.key is not None:
            source: Source = ("param", bind.key, index if index is not None else bind)
        elif index is None:
            source = ("fixed", bind, None)
        else:
            source = ("bind", index, None)
        return self.placeholder(source, bind.type, bind.key or self.hint)

    def placeholder(self, source: Source, type_: TypeEngine, name: str | None = None) -> str:
        """A mark for a value."""
        self.sources.append((source, type_))
        return f"{MARK}{len(self.sources) - 1}:{name or ''}{MARK}"

    def in_list(self, bind: BindParameter, index: int | None) -> str:
        """The values right of IN, as many as there are."""
        values = bind.value
        if bind.key is not None:
            values = self.parameters.get(bind.key, values)
        values = list(values or ())
        if not values:
            return "(SELECT NULL WHERE 1 = 0)"
        texts = []
        for place, value in enumerate(values):
            if isinstance(value, tuple | list):
                parts = [self._item(bind, index, (place, inner), one) for inner, one in enumerate(value)]
                texts.append(f"({', '.join(parts)})")
            else:
                texts.append(self._item(bind, index, place, value))
        if isinstance(values[0], tuple | list):
            return f"(VALUES {', '.join(texts)})"
        return f"({', '.join(texts)})"

    def _item(self, bind: BindParameter, index: int | None, place: Any, value: Any) -> str:
        if self.literal_binds:
            return literal_sql(value, self.name)
        type_ = bind.type if not isinstance(place, tuple) else NULLTYPE
        where = index if index is not None else bind
        return self.placeholder(("item", where, place), type_, bind.key or self.hint)

    def _visit_constant(self, constant: Any) -> str:
        return self.words[constant.word]

    # -- operators

    def _visit_binary(self, binary: Any) -> str:
        operator = binary.operator
        special = getattr(self, "_binary_" + operator.name, None) if operator.name.isidentifier() else None
        if special is not None:
            text: str = special(binary)
            return text
        return self.plain_binary(binary, operator.sql)

    def plain_binary(self, binary: Any, symbol: str) -> str:
        """``left symbol right``."""
        operator = binary.operator
        left = self.operand(binary.left, operator)
        self.hint = getattr(binary.left, "name", None)
        right = self.operand(binary.right, operator, right=True)
        self.hint = None
        return f"{left} {symbol} {right}"

    def _binary_in(self, binary: Any) -> str:
        self.hint = getattr(binary.left, "name", None)
        right = self.process(binary.right)
        self.hint = None
        if not right.startswith("("):
            right = f"({right})"
        return f"{self.operand(binary.left, binary.operator)} {binary.operator.sql} {right}"

    def _binary_not_in(self, binary: Any) -> str:
        return f"({self._binary_in(binary)})"

    def _like(self, binary: Any) -> str:
        text = self.plain_binary(binary, binary.operator.sql)
        return text + self._escape(binary)

    _binary_like = _like
    _binary_not_like = _like

    def _escape(self, binary: Any) -> str:
        return f" ESCAPE '{binary.modifier}'" if binary.modifier else ""

    def _ilike(self, binary: Any) -> str:
        word = "LIKE" if binary.operator is ops.ILIKE else "NOT LIKE"
        left, right = self.process(binary.left), self.process(binary.right)
        return f"lower({left}) {word} lower({right}){self._escape(binary)}"

    _binary_ilike = _ilike
    _binary_not_ilike = _ilike

    def _between(self, binary: Any) -> str:
        low, high = (self.operand(one, ops.BETWEEN) for one in binary.right.clauses)
        return f"{self.operand(binary.left, ops.BETWEEN)} {binary.operator.sql} {low} AND {high}"

    _binary_between = _between
    _binary_not_between = _between

    def _binary_collate(self, binary: Any) -> str:
        return f"{self.operand(binary.left, ops.COLLATE)} COLLATE {quote_identifier(binary.modifier)}"

    def _visit_unary(self, unary: Any) -> str:
        operator = unary.operator
        if operator in ops.ORDERINGS:
            return f"{self.process(unary.element)} {operator.sql}"
        inner = self.operand(unary.element, operator)
        if operator is ops.NEG:
            return f"-({inner})" if inner.startswith("-") else f"-{inner}"
        return f"{operator.sql} {inner}"

    def _visit_list(self, clauses: Any) -> str:
        if clauses.operator is None:
            return f"({self.listed(clauses.clauses)})"
        return f" {clauses.operator.sql} ".join(self.operand(one, clauses.operator) for one in clauses.clauses)

    def _visit_label(self, label: Any) -> str:
        return self.process(label.element)

    def _visit_cast(self, cast: Any) -> str:
        return f"CAST({self.process(cast.clause)} AS {self.type_name(cast.type)})"

    def _visit_type_coerce(self, coerce: Any) -> str:
        return self.process(coerce.clause)

    def type_name(self, type_: TypeEngine) -> str:
        """The word for a type in CAST."""
        return type(type_).__name__.upper()

    def _visit_case(self, case: Any) -> str:
        text = "CASE"
        if case.value is not None:
            text += f" {self.process(case.value)}"
        for condition, result in zip(case.whens[::2], case.whens[1::2], strict=True):
            text += f" WHEN {self.process(condition)} THEN {self.process(result)}"
        if case.else_ is not None:
            text += f" ELSE {self.process(case.else_)}"
        return text + " END"

    # -- functions

    def _visit_function(self, function: Any) -> str:
        name: str = function.name
        lower = name.lower()
        special = getattr(self, "_function_" + lower, None) if lower.isidentifier() else None
        if special is not None:
            text: str = special(function)
            return text
        if not function.clauses and lower in ("current_date", "current_time"):
            return lower.upper()
        if lower == "count" and not function.clauses:
            return f"{name}(*)"
        return f"{self.functions.get(lower, name)}({self.listed(function.clauses)})"

    def _function_concat(self, function: Any) -> str:
        return "(" + " || ".join(self.operand(one, ops.CONCAT) for one in function.clauses) + ")"

    def _function_now(self, function: Any) -> str:
        return "CURRENT_TIMESTAMP"

    _function_current_timestamp = _function_now
    _function_localtimestamp = _function_now

    def _visit_over(self, over: Any) -> str:
        parts = []
        if over.partition_by:
            parts.append(f"PARTITION BY {self.listed(over.partition_by)}")
        if over.order_by:
            parts.append(f"ORDER BY {self.listed(over.order_by)}")
        if over.frame:
            unit, first, last = over.frame
            parts.append(f"{unit} BETWEEN {_bound(first, 'PRECEDING')} AND {_bound(last, 'FOLLOWING')}")
        return f"{self.process(over.element)} OVER ({' '.join(parts)})"

    def _visit_filter(self, filtered: Any) -> str:
        criteria = " AND ".join(self.operand(one, ops.AND) for one in filtered.criteria)
        return f"{self.process(filtered.element)} FILTER (WHERE {criteria})"

    def _visit_next_value(self, value: Any) -> str:
        return f"nextval('{value.name}')"


def _bound(offset: int | None, unbounded: str) -> str:
    if offset is None:
        return f"UNBOUNDED {unbounded}"
    if offset == 0:
        return "CURRENT ROW"
    return f"{abs(offset)} {'PRECEDING' if offset < 0 else 'FOLLOWING'}"


def operator_of(clause: ClauseElement) -> ops.Operator | None:
    """The operator an expression is held together by, or None for one that needs no parentheses."""
    name = clause.visit_name
    if name == "label":
        return operator_of(clause.element)  # type: ignore[attr-defined]
    if name == "type_coerce":
        return operator_of(clause.clause)  # type: ignore[attr-defined]
    if name == "text":
        return ops.OR
    if name in ("binary", "unary", "list"):
        operator: ops.Operator | None = clause.operator  # type: ignore[attr-defined]
        return operator
    return None


def is_integer(clause: ColumnElement) -> bool:
    """Whether an expression is a whole number."""
    return isinstance(clause.type, Integer)
