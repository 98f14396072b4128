"""SELECT, UNION and what stands in FROM as SQL text.

Knows correlation: a subquery in an expression leaves out of its FROM what the statement around it has.
"""

from __future__ import annotations

from typing import Any

from nbsession.exc import CompileError, InvalidRequestError
from nbsession.sql import operators as ops
from nbsession.sql.base import ShapeWalk
from nbsession.sql.elements import ColumnClause, Label, UnaryExpression
from nbsession.sql.froms import entity_criteria, final_froms
from nbsession.sql.linting import cartesian
from nbsession.sql.naming import given_name, quote_identifier, result_names
from nbsession.sql.rendering import ExpressionRendering
from nbsession.sql.types import TypeEngine


class SelectRendering(ExpressionRendering):
    """Writes selects, and everything in FROM."""

    offset_needs_limit = False

    def __init__(self, walk: ShapeWalk, *args: Any, **options: Any) -> None:
        super().__init__(walk, *args, **options)
        self.around: list[list[Any]] = []
        self.columns: tuple[tuple[str, TypeEngine], ...] = ()
        self.recursive = False
        self.doubts: list[str] = []

    def _visit_select(self, select: Any, correlated: bool = False, topmost: bool = False) -> str:
        columns = select.inner_columns
        names = result_names(columns)
        if topmost and (not any(one.visit_name == "text" for one in columns) or _has_entity(select)):
            self.columns = tuple((name, one.type) for name, one in zip(names, columns, strict=True))
        froms = self._correlated(select, final_froms(select)) if correlated else final_froms(select)
        self.around.append([part for one in froms for part in _parts(one)])
        tables = [self.from_text(one) for one in froms]
        if len(froms) > 1:
            self.doubt("SELECT", froms, (*select._where, *entity_criteria(select)))
        listed = [self.column_text(one, name) for one, name in zip(columns, names, strict=True)]
        text = "SELECT " + "".join(prefix + " " for prefix in select._prefixes) + self._distinct(select)
        text += ", ".join(listed)
        if tables:
            text += " FROM " + ", ".join(tables)
        for word, criteria, groups in (
            ("WHERE", select._where + entity_criteria(select), ()),
            ("GROUP BY", (), select._group),
        ):
            if criteria:
                text += f" {word} {self.criteria(criteria)}"
            if groups:
                text += f" {word} {self._sorted(groups, columns, names, grouping=True)}"
        if select._having:
            text += f" HAVING {self.criteria(select._having)}"
        text += self._ends(select, columns, names)
        self.around.pop()
        return text

    def doubt(self, verb: str, froms: Any, criteria: Any) -> None:
        """Notes what is hardly meant, of several things in FROM."""
        said = cartesian(
            verb, froms, criteria, lambda one: one.key if one.visit_name == "table" else self.alias_name(one)
        )
        if said is not None:
            self.doubts.append(said)

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
        if len(froms) < 2:
            return froms  # with one alone nothing is taken from around: IN (SELECT id FROM t) means what it says
        left = [one for one in froms if not _among(one, outer)]
        if not left:
            raise InvalidRequestError(
                "Select statement returned no FROM clauses due to auto-correlation; "
                "specify correlate(<tables>) to control correlation manually."
            )
        return left

    # -- ORDER BY, GROUP BY, LIMIT

    def _ends(self, select: Any, columns: list[Any], names: list[str], plain: bool = False) -> str:
        text = ""
        if select._order:
            text += f" ORDER BY {self._sorted(select._order, columns, names, plain, bool(select._group))}"
        if select._limit is not None:
            text += f" LIMIT {self.process(select._limit)}"
        elif select._offset is not None and self.offset_needs_limit:
            text += " LIMIT -1"
        if select._offset is not None:
            text += f" OFFSET {self.process(select._offset)}"
        return text

    def _sorted(
        self, clauses: Any, columns: list[Any], names: list[str], plain: bool = False, grouping: bool = False
    ) -> str:
        return ", ".join(self._sort_key(one, columns, names, plain, grouping) for one in clauses)

    def _sort_key(self, clause: Any, columns: list[Any], names: list[str], plain: bool, grouping: bool) -> str:
        """One clause of ORDER BY or GROUP BY: a column of the statement by its name, anything else written out.

        :param plain: columns go by name too, as after a UNION.
        :param grouping: equal expressions with values in them are the same column: databases cannot see that.
        """
        if isinstance(clause, UnaryExpression) and clause.operator in ops.ORDERINGS:
            return f"{self._sort_key(clause.element, columns, names, plain, grouping)} {clause.operator.sql}"
        wanted = _fingerprint(clause) if grouping else None
        for number, (column, name) in enumerate(zip(columns, names, strict=True), 1):
            if clause.visit_name == "reference":
                if clause.name not in (name, given_name(column)):
                    continue
                if isinstance(column, ColumnClause) and not plain:
                    return self.process(column)
            elif not (
                (column is clause and (plain or isinstance(clause, Label)))
                or (
                    isinstance(column, Label)
                    and column.element is clause
                    and clause.visit_name not in ("column", "bind")
                )
                or (wanted is not None and wanted == _fingerprint(column))
            ):
                continue
            return self._reference(name, number, plain)
        if clause.visit_name == "reference":
            for table in self.around[-1] if self.around else ():
                if clause.name in table.c:
                    return self.process(table.c[clause.name])
        return self.process(clause)

    def _reference(self, name: str, number: int, plain: bool) -> str:
        """A column of the list by name; by number where a table has a column of that name."""
        tables = self.around[-1] if self.around and not plain else ()
        hidden = any(name == column.name for table in tables if hasattr(table, "c") for column in table.c)
        return str(number) if hidden else quote_identifier(name)

    # -- UNION

    def _visit_compound(self, compound: Any, correlated: bool = False, topmost: bool = False) -> str:
        pairs = list(compound.exported_pairs())
        if topmost:
            self.columns = tuple((name, one.type) for name, one in pairs)
        parts = []
        for one in compound.selects:
            text = self._visit_any_select(one, correlated)
            bare = one.visit_name == "select" and one._limit is None and one._offset is None and not one._order
            parts.append(text if bare else f"SELECT * FROM ({text})")
        text = f" {compound.keyword} ".join(parts)
        if compound._group:
            raise CompileError("GROUP BY cannot follow a UNION: select from its subquery() and group that.")
        return text + self._ends(compound, [one for _, one in pairs], [name for name, _ in pairs], plain=True)

    def _visit_any_select(self, statement: Any, correlated: bool) -> str:
        """A SELECT of any kind within another statement."""
        if statement.visit_name in ("select", "compound"):
            text: str = getattr(self, "_visit_" + statement.visit_name)(statement, correlated)
            return text
        return self.process(statement)

    def _visit_textual_select(self, statement: Any, topmost: bool = False) -> str:
        if topmost:
            self.columns = tuple((one.name, one.type) for one in statement.column_args)
        return self.process(statement.element)

    def _visit_from_statement(self, statement: Any) -> str:
        return self.statement_text(statement.element)

    def _visit_text(self, text: Any) -> str:
        written = ""
        for piece in text.pieces:
            written += piece if isinstance(piece, str) else self.process(text._binds[piece[0]])
        return written

    def _visit_scalar_select(self, scalar: Any) -> str:
        return f"({self._visit_any_select(scalar.element, True)})"

    def _visit_exists(self, exists: Any) -> str:
        return f"EXISTS ({self._visit_any_select(exists.element, True)})"

    # -- FROM

    def from_text(self, one: Any) -> str:
        """Something in FROM, as it is introduced there."""
        if one.visit_name == "text":
            return self.process(one)
        text: str = getattr(self, "_from_" + one.visit_name)(one)
        return text

    def _from_table(self, table: Any) -> str:
        self.tables[table.key] = None
        return self.qualified(table)

    def _from_alias(self, alias: Any) -> str:
        if alias.element.visit_name == "table":
            self.tables[alias.element.key] = None
        inner = self.from_text(alias.element) if alias.element.visit_name == "table" else self._inner(alias.element)
        return f"{inner} AS {quote_identifier(self.alias_name(alias))}"

    def _inner(self, element: Any) -> str:
        """What an alias of an alias, a CTE or a join shows."""
        if element.visit_name == "cte":
            return self._from_cte(element)
        if element.visit_name in ("alias", "subquery"):
            return self._inner(element.element) if element.visit_name == "alias" else self._subselect(element)
        return self.from_text(element)

    def _subselect(self, subquery: Any) -> str:
        around, self.around = self.around, []
        text = self._visit_any_select(subquery.element, False)
        self.around = around
        return f"({text})"

    def _from_subquery(self, subquery: Any) -> str:
        name = self.alias_name(subquery)
        return f"{self._subselect(subquery)} AS {quote_identifier(name)}"

    def _from_cte(self, cte: Any) -> str:
        name = self.alias_name(cte)
        if cte.restates is not None:
            self.aliases[id(cte.restates)] = name
        if name not in self.ctes:
            self.ctes[name] = ""
            around, self.around = self.around, []
            text = self._visit_any_select(cte.element, False)
            self.around = around
            names = ", ".join(quote_identifier(column.name) for column in cte.c)
            head = f"{quote_identifier(name)}({names})" if cte.recursive else quote_identifier(name)
            del self.ctes[name]  # those it reads were written meanwhile: they come first
            self.ctes[name] = f"{head} AS ({text})"
            self.recursive = self.recursive or cte.recursive
        return quote_identifier(name)

    def _from_join(self, join: Any) -> str:
        word = "FULL OUTER JOIN" if join.full else "LEFT OUTER JOIN" if join.isouter else "JOIN"
        left = self.from_text(join.left)
        right = self.from_text(join.right)
        if join.right.visit_name == "join":
            right = f"({right})"
        return f"{left} {word} {right} ON {self.process(join.onclause)}"

    def statement_text(self, statement: Any) -> str:
        """The whole statement."""
        name = statement.visit_name
        if hasattr(self, "_from_" + name) and not hasattr(self, "_visit_" + name):
            return self.from_text(statement)
        if name in ("select", "compound", "textual_select", "insert", "update", "delete"):
            return self.with_ctes(getattr(self, "_visit_" + name)(statement, topmost=True))
        return self.process(statement)

    def with_ctes(self, text: str) -> str:
        """The statement with its CTEs before it."""
        if not self.ctes:
            return text
        word = "WITH RECURSIVE " if self.recursive else "WITH "
        return word + ", ".join(self.ctes.values()) + " " + text


def _has_entity(select: Any) -> bool:
    """Beside an entity, text stands for one column."""
    return any(getattr(raw, "__mapper__", None) is not None for raw in select.raw_columns)


def _parts(one: Any) -> Any:
    return one.parts() if hasattr(one, "parts") else (one,)


def _among(one: Any, others: Any) -> bool:
    return any(one is other for other in others)


def _fingerprint(clause: Any) -> Any:
    """What makes two expressions equal, values included; None for those without values."""
    walk = ShapeWalk()
    (clause.element if isinstance(clause, Label) else clause)._shape(walk)
    return (walk.key, [repr(bind.value) for bind in walk.binds]) if walk.binds else None
