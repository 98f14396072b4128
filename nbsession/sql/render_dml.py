"""INSERT, UPDATE and DELETE as SQL text.

Knows which columns a statement writes: those given, those named by the execution's parameters, and those with a
default on the Python side.
"""

from __future__ import annotations

from typing import Any

from nbsession.exc import CompileError
from nbsession.sql.columns import Sequence
from nbsession.sql.elements import ColumnElement
from nbsession.sql.froms import froms_of
from nbsession.sql.naming import quote_identifier, result_names
from nbsession.sql.render_select import SelectRendering
from nbsession.sql.selectable import columns_of


class DmlRendering(SelectRendering):
    """Writes the statements that change rows."""

    supports_sequences = False
    delete_using = False
    binds_in_returning = True
    dml_columns: tuple[Any, ...] = ()

    def _visit_insert(self, insert: Any, topmost: bool = False) -> str:
        table = insert.table
        self.tables[table.key] = None
        head = f"INSERT {''.join(prefix + ' ' for prefix in insert._prefixes)}INTO {self.qualified(table)}"
        if insert.select is not None:
            return f"{head} {self._insert_select(insert)}{self._returning(insert)}"
        rows = [self._row(insert, row, number) for number, row in enumerate(insert.rows or ((),))]
        columns = list(rows[0])
        self.dml_columns = tuple(columns)
        if not columns:
            return f"{head} DEFAULT VALUES{self._returning(insert)}"
        if any(row.keys() != rows[0].keys() for row in rows):
            raise CompileError(f"All rows of a multi-row INSERT into '{table.name}' must name the same columns.")
        names = ", ".join(quote_identifier(column.name) for column in columns)
        texts = ", ".join(f"({', '.join(row[column] for column in columns)})" for row in rows)
        return f"{head} ({names}) VALUES {texts}{self._returning(insert)}"

    def _row(self, insert: Any, row: Any, number: int) -> dict[Any, str]:
        """The text per column of one row of VALUES, in the order of the table."""
        given = {id(column): clause for column, clause in row}
        named = self._named(insert) if number == 0 else {}
        found: dict[Any, str] = {}
        for column in insert.table.c:
            if id(column) in named:
                found[column] = self.placeholder(("param", named[id(column)], None), column.type, column.key)
            elif id(column) in given:
                found[column] = self._value(given[id(column)], column)
            elif column.default is not None:
                text = self.default_text(column, column.default, "default")
                if text is not None:
                    found[column] = text
        return found

    def _value(self, clause: Any, column: Any) -> str:
        if clause.visit_name == "bind" and clause.key is None and not self.literal_binds:
            index = self.binds[id(clause)]
            return self.placeholder(("bind", index, None), clause.type, column.key)
        return self.process(clause)

    def _named(self, statement: Any) -> dict[int, str]:
        """Columns that the parameters of the execution name, by identity."""
        taken = {bind.key for bind in self.walk_binds if bind.key is not None}
        return {id(statement.column_for(key)): key for key in self.parameters if key not in taken}

    def default_text(self, column: Any, default: Any, kind: str) -> str | None:
        """What stands for a column nobody gave a value for: a default of the Python side, an expression, or nothing."""
        if isinstance(default, Sequence):
            return self.process(default.next_value()) if self.supports_sequences else None
        if isinstance(default, ColumnElement) or getattr(default, "visit_name", None) in ("text", "select"):
            return f"({self.process(default)})" if default.visit_name == "select" else self.process(default)
        return self.placeholder(("default", column, kind), column.type, column.key)

    def _insert_select(self, insert: Any) -> str:
        columns = list(insert.select_columns)
        self.dml_columns = tuple(columns)
        select = insert.select
        if insert.include_defaults:
            have = {id(column) for column in columns}
            extra = [
                (column, text)
                for column in insert.table.c
                if id(column) not in have and column.default is not None
                if (text := self.default_text(column, column.default, "default")) is not None
            ]
            if extra:
                names = ", ".join(quote_identifier(column.name) for column in [*columns, *(one for one, _ in extra)])
                inner = self._visit_any_select(select, False)
                return self.with_ctes(f"({names}) SELECT *, {', '.join(text for _, text in extra)} FROM ({inner})")
        names = ", ".join(quote_identifier(column.name) for column in columns)
        return f"({names}) {self.with_ctes(self._visit_any_select(select, False))}"

    def _visit_update(self, update: Any, topmost: bool = False) -> str:
        table = update.table
        self.tables[table.key] = None
        self.around.append([table])
        assigned: dict[Any, str] = {}
        named = self._named(update)
        given = {id(column): clause for column, clause in update.row}
        for column in (*[one for one, _ in update.row], *table.c):
            if column in assigned:
                continue
            if id(column) in named:
                assigned[column] = self.placeholder(("param", named[id(column)], None), column.type, column.key)
            elif id(column) in given:
                clause = given[id(column)]
                assigned[column] = self._value(clause, column)
            elif column.onupdate is not None:
                text = self.default_text(column, column.onupdate, "onupdate")
                if text is not None:
                    assigned[column] = text
        if not assigned:
            raise CompileError(f"UPDATE of '{table.name}' sets nothing: give values().")
        self.dml_columns = tuple(assigned)
        others = self._others(update, [clause for _, clause in update.row])
        sets = ", ".join(f"{quote_identifier(column.name)} = {text}" for column, text in assigned.items())
        text = f"UPDATE {''.join(prefix + ' ' for prefix in update._prefixes)}{self.qualified(table)} SET {sets}"
        if others:
            text += " FROM " + ", ".join(map(self.from_text, others))
            self.doubt("UPDATE", [table, *others], update._where)
        text += self._where(update) + self._returning(update)
        self.around.pop()
        return text

    def _visit_delete(self, delete: Any, topmost: bool = False) -> str:
        table = delete.table
        self.tables[table.key] = None
        self.around.append([table])
        text = f"DELETE FROM {self.qualified(table)}"
        others = self._others(delete, ())
        if others:
            if not self.delete_using:
                raise CompileError(
                    f"DELETE from '{table.name}' cannot read other tables here: use a subquery (in_, exists)."
                )
            text += " USING " + ", ".join(map(self.from_text, others))
            self.doubt("DELETE", [table, *others], delete._where)
        text += self._where(delete) + self._returning(delete)
        self.around.pop()
        return text

    def _others(self, statement: Any, clauses: Any) -> list[Any]:
        """Tables that the criteria or values read beside the one that is written."""
        found = {id(one): one for clause in (*statement._where, *clauses) for one in froms_of(clause)}
        found.pop(id(statement.table), None)
        self.around[-1].extend(found.values())
        return list(found.values())

    def _where(self, statement: Any) -> str:
        return f" WHERE {self.criteria(statement._where)}" if statement._where else ""

    def _returning(self, statement: Any) -> str:
        if not statement.raw_returning:
            return ""
        columns = [column for raw in statement.raw_returning for column in columns_of(raw)]
        names = result_names(columns)
        self.columns = tuple((name, one.type) for name, one in zip(names, columns, strict=True))
        qualify, self.qualify = self.qualify, False
        literal, self.literal_binds = self.literal_binds, self.literal_binds or not self.binds_in_returning
        text = ", ".join(self.column_text(one, name) for one, name in zip(columns, names, strict=True))
        self.qualify, self.literal_binds = qualify, literal
        return f" RETURNING {text}"
