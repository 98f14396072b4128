"""SELECT, UNION and what stands in FROM as SQL text.

Knows correlation: a subquery in an expression leaves out of its FROM what the statement around it has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbsession.exc import CompileError, InvalidRequestError
from nbsession.sql import operators as ops
from nbsession.sql.elements import ColumnClause, Label, UnaryExpression
from nbsession.sql.froms import final_froms
from nbsession.sql.naming import given_name, quote_identifier, result_names
from nbsession.sql.rendering import ExpressionRendering
from nbsession.sql.types import TypeEngine

if TYPE_CHECKING:
    from nbsession.sql.base import ShapeWalk


class SelectRendering(ExpressionRendering):
    """Writes selects, and everything in FROM."""

    offset_needs_limit = False

    def __init__(self, walk: ShapeWalk, *args: Any, **options: Any) -> None:
        super().__init__(walk, *args, **options)
        self.around: list[list[Any]] = []
        self.columns: tuple[tuple[str, TypeEngine], ...] = ()
        self.recursive = False

    def visit_select(self, select: Any, correlated: bool = False, topmost: bool = False) -> str:
        columns = select.inner_columns
        names = result_names(columns)
        if topmost:
            self.columns = tuple((name, one.type) for name, one in zip(names, columns, strict=True))
        froms = self._correlated(select, final_froms(select)) if correlated else final_froms(select)
        self.around.append([part for one in froms for part in _parts(one)])
        tables = [self.from_text(one) for one in froms]
        listed = [self.column_text(one, name) for one, name in zip(columns, names, strict=True)]
        text = "SELECT " + "".join(prefix + " " for prefix in select._prefixes) + self._distinct(select)
        text += ", ".join(listed)
        if tables:
            text += " FROM " + ", ".join(tables)
        for word, criteria, groups in (("WHERE", select._where, ()), ("GROUP BY", (), select._group)):
            if criteria:
                text += f" {word} {self.criteria(criteria)}"
            if groups:
                text += f" {word} {self._sorted(groups, columns, names, labels_of_text_only=True)}"
        if select._having:
            text += f" HAVING {self.criteria(select._having)}"
        text += self._ends(select, columns, names)
        self.around.pop()
        return text

    def criteria(self, clauses: Any) -> str:
        """Several criteria, all of which hold."""
        if len(clauses) == 1:
            return self.process(clauses[0])
        return " AND ".join(self.operand(one, ops.AND) for one in clauses)

    def column_text(self, column: Any, name: str) -> str:
        """One column of the list, with AS where its name is not plain from the text."""
        text = self.process(column)
        if column.visit_name == "text" or (isinstance(column, ColumnClause) and column.is_literal):
            return text
        if isinstance(column, ColumnClause) and column.name == name:
            return text
        return f"{text} AS {quote_identifier(name)}"

    def _distinct(self, select: Any) -> str:
        if select._distinct is False:
            return ""
        if select._distinct is True:
            return "DISTINCT "
        return self.distinct_on(select._distinct)

    def distinct_on(self, expressions: Any) -> str:
        """DISTINCT of some expressions only."""
        return f"DISTINCT ON ({self.listed(expressions)}) "

    def _correlated(self, select: Any, froms: list[Any]) -> list[Any]:
        everywhere = [part for level in self.around for part in level]
        if select._correlate is not None:
            outer = [one for one in everywhere if _among(one, select._correlate)]
            return [one for one in froms if not _among(one, outer)]
        if select._correlate_except is not None:
            return [one for one in froms if _among(one, select._correlate_except) or not _among(one, everywhere)]
        outer = self.around[-1] if self.around else []
        left = [one for one in froms if not _among(one, outer)]
        if froms and not left:
            raise InvalidRequestError(
                "Select statement returned no FROM clauses due to auto-correlation; "
                "specify correlate(<tables>) to control correlation manually."
            )
        return left

    # -- ORDER BY, GROUP BY, LIMIT

    def _ends(self, select: Any, columns: list[Any], names: list[str], plain: bool = False) -> str:
        text = ""
        if select._order:
            text += f" ORDER BY {self._sorted(select._order, columns, names, plain)}"
        if select._limit is not None:
            text += f" LIMIT {self.process(select._limit)}"
        elif select._offset is not None and self.offset_needs_limit:
            text += " LIMIT -1"
        if select._offset is not None:
            text += f" OFFSET {self.process(select._offset)}"
        return text

    def _sorted(
        self, clauses: Any, columns: list[Any], names: list[str], plain: bool = False, labels_of_text_only: bool = False
    ) -> str:
        return ", ".join(self._sort_key(one, columns, names, plain) for one in clauses)

    def _sort_key(self, clause: Any, columns: list[Any], names: list[str], plain: bool) -> str:
        """One clause of ORDER BY: a label of the statement by its name, everything else written out."""
        if isinstance(clause, UnaryExpression) and clause.operator in ops.ORDERINGS:
            return f"{self._sort_key(clause.element, columns, names, plain)} {clause.operator.sql}"
        for column, name in zip(columns, names, strict=True):
            if clause.visit_name == "reference":
                if name == clause.name or given_name(column) == clause.name:
                    known = not isinstance(column, Label) and isinstance(column, ColumnClause) and not plain
                    return self.process(column) if known else quote_identifier(name)
            elif column is clause and (plain or isinstance(clause, Label)):
                return quote_identifier(name)
            elif isinstance(column, Label) and column.element is clause and clause.visit_name not in ("column", "bind"):
                return quote_identifier(name)
        if clause.visit_name == "reference":
            for table in self.around[-1] if self.around else ():
                if clause.name in table.c:
                    return self.process(table.c[clause.name])
        return self.process(clause)

    # -- UNION

    def visit_compound(self, compound: Any, correlated: bool = False, topmost: bool = False) -> str:
        pairs = list(compound.exported_pairs())
        if topmost:
            self.columns = tuple((name, one.type) for name, one in pairs)
        parts = []
        for one in compound.selects:
            text = self.visit_any_select(one, correlated)
            bare = one.visit_name == "select" and one._limit is None and one._offset is None and not one._order
            parts.append(text if bare else f"SELECT * FROM ({text})")
        text = f" {compound.keyword} ".join(parts)
        if compound._group:
            raise CompileError("GROUP BY cannot follow a UNION: select from its subquery() and group that.")
        return text + self._ends(compound, [one for _, one in pairs], [name for name, _ in pairs], plain=True)

    def visit_any_select(self, statement: Any, correlated: bool) -> str:
        """A SELECT of any kind within another statement."""
        if statement.visit_name in ("select", "compound"):
            text: str = getattr(self, "visit_" + statement.visit_name)(statement, correlated)
            return text
        return self.process(statement)

    def visit_textual_select(self, statement: Any, topmost: bool = False) -> str:
        if topmost:
            self.columns = tuple((one.name, one.type) for one in statement.column_args)
        return self.process(statement.element)

    def visit_text(self, text: Any) -> str:
        written = ""
        for piece in text.pieces:
            written += piece if isinstance(piece, str) else self.process(text._binds[piece[0]])
        return written

    def visit_scalar_select(self, scalar: Any) -> str:
        return f"({self.visit_any_select(scalar.element, True)})"

    def visit_exists(self, exists: Any) -> str:
        return f"EXISTS ({self.visit_any_select(exists.element, True)})"

    # -- FROM

    def from_text(self, one: Any) -> str:
        """Something in FROM, as it is introduced there."""
        if one.visit_name == "text":
            return self.process(one)
        text: str = getattr(self, "from_" + one.visit_name)(one)
        return text

    def from_table(self, table: Any) -> str:
        self.tables[table.key] = None
        return self.qualified(table)

    def from_alias(self, alias: Any) -> str:
        if alias.element.visit_name == "table":
            self.tables[alias.element.key] = None
        inner = self.from_text(alias.element) if alias.element.visit_name == "table" else self._inner(alias.element)
        return f"{inner} AS {quote_identifier(self.alias_name(alias))}"

    def _inner(self, element: Any) -> str:
        """What an alias of an alias, a CTE or a join shows."""
        if element.visit_name == "cte":
            return self.from_cte(element)
        if element.visit_name in ("alias", "subquery"):
            return self._inner(element.element) if element.visit_name == "alias" else self._subselect(element)
        return self.from_text(element)

    def _subselect(self, subquery: Any) -> str:
        around, self.around = self.around, []
        text = self.visit_any_select(subquery.element, False)
        self.around = around
        return f"({text})"

    def from_subquery(self, subquery: Any) -> str:
        name = self.alias_name(subquery)
        return f"{self._subselect(subquery)} AS {quote_identifier(name)}"

    def from_cte(self, cte: Any) -> str:
        name = self.alias_name(cte)
        if cte.restates is not None:
            self.aliases[id(cte.restates)] = name
        if name not in self.ctes:
            self.ctes[name] = ""
            around, self.around = self.around, []
            text = self.visit_any_select(cte.element, False)
            self.around = around
            names = ", ".join(quote_identifier(key) for key in cte.c.keys())
            head = f"{quote_identifier(name)}({names})" if cte.recursive else quote_identifier(name)
            del self.ctes[name]  # those it reads were written meanwhile: they come first
            self.ctes[name] = f"{head} AS ({text})"
            self.recursive = self.recursive or cte.recursive
        return quote_identifier(name)

    def from_join(self, join: Any) -> str:
        word = "FULL OUTER JOIN" if join.full else "LEFT OUTER JOIN" if join.isouter else "JOIN"
        right = self.from_text(join.right)
        if join.right.visit_name == "join":
            right = f"({right})"
        left = self.from_text(join.left)
        return f"{left} {word} {right} ON {self.process(join.onclause)}"

    def statement_text(self, statement: Any) -> str:
        """The whole statement."""
        name = statement.visit_name
        if hasattr(self, "from_" + name) and not hasattr(self, "visit_" + name):
            return self.from_text(statement)
        if name in ("select", "compound", "textual_select", "insert", "update", "delete"):
            return self.with_ctes(getattr(self, "visit_" + name)(statement, topmost=True))
        return self.process(statement)

    def with_ctes(self, text: str) -> str:
        """The statement with its CTEs before it."""
        if not self.ctes:
            return text
        word = "WITH RECURSIVE " if self.recursive else "WITH "
        return word + ", ".join(self.ctes.values()) + " " + text


def _parts(one: Any) -> Any:
    return one.parts() if hasattr(one, "parts") else (one,)


def _among(one: Any, others: Any) -> bool:
    return any(one is other for other in others)
