"""Reading the definitions of DuckDB's tables. Knows its catalogue functions; foreign keys it may find in a table's comment."""

from __future__ import annotations

import re
from typing import Any

from nbsession.database.duckdb.kept_keys import parted
from nbsession.database.reflection.declared_types import duckdb_type
from nbsession.database.reflection.reading import (
    CheckRead,
    ColumnRead,
    ForeignKeyRead,
    IndexRead,
    Reader,
    TableName,
    TableRead,
    UniqueRead,
)
from nbsession.sql.types import TypeEngine

_HERE = "database_name IN (current_database(), 'temp') AND schema_name = coalesce(?, current_schema())"
_CAST = re.compile(r"CAST\((.*) AS [^()]+(?:\([\d, ]+\))?\)", re.DOTALL)


class DuckDBReader(Reader):
    """Asks DuckDB's catalogue functions."""

    def table_names(self) -> set[TableName]:
        """All tables."""
        return self._names("table_name", "duckdb_tables()")

    def view_names(self) -> set[TableName]:
        """All views but DuckDB's own."""
        return self._names("view_name", "duckdb_views() WHERE NOT internal")

    def _names(self, column: str, source: str) -> set[TableName]:
        rows = self.ask(
            "SELECT CASE WHEN schema_name = current_schema() THEN NULL ELSE schema_name END, name "
            f"FROM (SELECT *, {column} AS name FROM {source}) WHERE database_name IN (current_database(), 'temp')"
        )
        return {(schema, name) for schema, name in rows}

    def schema_names(self) -> list[str]:
        """The schemas of the database, DuckDB's own left out."""
        rows = self.ask(
            "SELECT schema_name FROM duckdb_schemas() WHERE database_name = current_database() AND NOT internal"
        )
        return sorted({self.default_schema, *(name for (name,) in rows)})

    def sequences(self) -> dict[str, tuple[int, int]]:
        """Asks duckdb_sequences()."""
        rows = self.ask(
            f"SELECT sequence_name, start_value, increment_by FROM duckdb_sequences() WHERE {_HERE}", (self.schema,)
        )
        return {name: (start, step) for name, start, step in rows}

    def temporary(self) -> set[str]:
        """Temporary tables and views."""
        rows = self.ask(
            "SELECT table_name FROM duckdb_tables() WHERE temporary UNION ALL SELECT view_name FROM duckdb_views() WHERE temporary"
        )
        return {name for (name,) in rows}

    def type_of(self, declared: str) -> TypeEngine:
        """The type, with the very words where only they say it."""
        return duckdb_type(declared)

    def view_definition(self, name: str) -> str | None:
        """As duckdb_views() has it."""
        rows = self.ask(f"SELECT sql FROM duckdb_views() WHERE {_HERE} AND view_name = ?", (self.schema, name))
        return rows[0][0] if rows else None

    def table(self, name: str) -> TableRead:
        """One table or view."""
        where = self.schema, name
        columns = self._columns(where)
        primary: list[str] = []
        unique: list[UniqueRead] = []
        checks: list[CheckRead] = []
        foreign: list[ForeignKeyRead] = []
        for kind, own, parent, referred, expression, text in self.ask(
            "SELECT constraint_type, constraint_column_names, referenced_table, referenced_column_names, expression, "
            f"constraint_text FROM duckdb_constraints() WHERE {_HERE} AND table_name = ? ORDER BY constraint_index",
            where,
        ):
            # the names that DuckDB gives to constraints are made up by it: those that people gave are lost
            match kind:
                case "PRIMARY KEY":
                    primary = list(own)
                case "UNIQUE":
                    unique.append(UniqueRead(list(own)))
                case "CHECK":
                    checks.append(CheckRead(expression or text))
                case "FOREIGN KEY":
                    foreign.append(ForeignKeyRead(list(own), parent, list(referred), schema=self.schema))
        comments = self.ask(f"SELECT comment FROM duckdb_tables() WHERE {_HERE} AND table_name = ?", where)
        views = (
            () if comments else self.ask(f"SELECT comment FROM duckdb_views() WHERE {_HERE} AND view_name = ?", where)
        )
        comment, kept = parted((comments or views or [(None,)])[0][0])
        return TableRead(
            columns,
            primary,
            None,
            foreign or [one._replace(schema=self.schema) for one in kept],
            unique,
            checks,
            self._indexes(where),
            comment,
            view=bool(views),
        )

    def _columns(self, where: tuple[Any, ...]) -> list[ColumnRead]:
        rows = self.ask(
            "SELECT column_name, data_type, is_nullable, column_default, comment FROM duckdb_columns() "
            f"WHERE {_HERE} AND table_name = ? ORDER BY column_index",
            where,
        )
        computed = computed_columns(self.ask, *where) if any(_may_compute(row[3]) for row in rows) else frozenset()
        return [
            ColumnRead(name, declared, nullable, None, _uncast(default), False, comment)
            if name in computed
            else ColumnRead(name, declared, nullable, default, comment=comment)
            for name, declared, nullable, default, comment in rows
        ]

    def _indexes(self, where: tuple[Any, ...]) -> list[IndexRead]:
        found = []
        for name, is_unique, listed in self.ask(
            f"SELECT index_name, is_unique, CAST(expressions AS VARCHAR[]) FROM duckdb_indexes() WHERE {_HERE} AND table_name = ? "
            "ORDER BY index_name",
            where,
        ):
            parts = [_unquoted(part) for part in listed]
            found.append(IndexRead(name, is_unique, [None if "(" in one else one for one in parts], parts))
        return found


def computed_columns(ask: Any, schema: str | None, table: str) -> frozenset[str]:
    """The names of the columns that the database computes."""
    rows = ask(
        "SELECT column_name FROM information_schema.columns WHERE is_generated = 'ALWAYS' AND lower(table_name) = lower(?) "
        "AND table_schema = coalesce(?, current_schema())",
        (table, schema),
    )
    return frozenset(name for (name,) in rows)


def _may_compute(default: str | None) -> bool:
    return default is not None and default.upper().startswith("CAST(")


def _uncast(default: str) -> str:
    """What DuckDB shows of a computed column is a cast of what was written."""
    found = _CAST.fullmatch(default)
    text = found[1] if found else default
    return text[1:-1] if _wrapped(text) else text


def _wrapped(text: str) -> bool:
    """Is all of it in one pair of brackets?"""
    depth, quoted = 0, False
    for place, sign in enumerate(text):
        quoted ^= sign == "'"
        depth += 0 if quoted else (sign == "(") - (sign == ")")
        if depth == 0 and place < len(text) - 1:
            return False
    return text.startswith("(")


def _unquoted(part: str) -> str:
    """A column's name, or an expression, of duckdb_indexes()."""
    part = part.strip()
    if part.startswith("'") and part.endswith("'"):
        part = part[1:-1].replace("''", "'")
    if part.startswith('"') and part.endswith('"'):
        return part[1:-1].replace('""', '"')
    return part[1:-1] if part.startswith("(") and part.endswith(")") else part
