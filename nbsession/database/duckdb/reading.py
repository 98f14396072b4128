"""Reading the definitions of DuckDB's tables, with the foreign keys that are kept in a table's comment."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from nbsession.database.reading import ColumnRead, Reader, TableName, TableRead

if TYPE_CHECKING:
    from nbsession.database.duckdb.catalog import Ask
    from nbsession.sql.schema import Table

MARK = "foreign keys: "
"""begins the comment's line that holds the foreign keys"""

HERE = "WHERE database_name = current_database() AND schema_name = current_schema()"


def comment_of(table: Table, foreign_keys: bool) -> str | None:
    """A table's comment: the user's, and its foreign keys as a line of JSON."""
    lines = [table.comment] if table.comment else []
    if foreign_keys and table.foreign_key_constraints:
        keys = sorted(
            (
                [column.name for column in constraint.columns],
                constraint.referred_table.name,
                [key.column.name for key in constraint.elements],
            )
            for constraint in table.foreign_key_constraints
        )
        lines.append(MARK + json.dumps(keys))
    return "\n".join(lines) or None


class DuckDBReader(Reader):
    """Asks DuckDB's catalogue functions."""

    def table_names(self) -> set[TableName]:
        """All tables."""
        rows = self.ask(
            "SELECT CASE WHEN schema_name = current_schema() THEN NULL ELSE schema_name END, table_name FROM duckdb_tables() "
            "WHERE database_name IN (current_database(), 'temp')"
        )
        return {(schema, name) for schema, name in rows}

    def table(self, name: str) -> TableRead:
        """One table."""
        columns = [
            ColumnRead(*row)
            for row in self.ask(
                "SELECT column_name, data_type, is_nullable, column_default FROM duckdb_columns() "
                f"{HERE} AND table_name = ? ORDER BY column_index",
                (name,),
            )
        ]
        primary: list[str] = []
        unique: list[list[str]] = []
        foreign: list[tuple[list[str], str, list[str]]] = []
        for kind, own, parent, referred in self.ask(
            "SELECT constraint_type, constraint_column_names, referenced_table, referenced_column_names FROM duckdb_constraints() "
            f"{HERE} AND table_name = ? ORDER BY constraint_index",
            (name,),
        ):
            if kind == "PRIMARY KEY":
                primary = list(own)
            elif kind == "UNIQUE":
                unique.append(list(own))
            elif kind == "FOREIGN KEY":
                foreign.append((list(own), parent, list(referred)))
        rows = self.ask(
            f"SELECT comment FROM duckdb_tables() {HERE} AND table_name = ?",
            (name,),
        )
        comment, kept = _parted(rows[0][0] if rows else None)
        return TableRead(columns, primary, foreign or kept, unique, comment)


def kept_foreign_keys(ask: Ask) -> Iterator[tuple[str, list[str], str, list[str]]]:
    """The foreign keys kept in the comments of all tables: table, its columns, other table, its columns."""
    for table, comment in ask(f"SELECT table_name, comment FROM duckdb_tables() {HERE} AND comment LIKE '%{MARK}%'"):
        for own, parent, referred in _parted(comment)[1]:
            yield table, own, parent, referred


def _parted(comment: str | None) -> tuple[str | None, list[tuple[list[str], str, list[str]]]]:
    """The user's comment, and the foreign keys kept in it."""
    lines, keys = [], []
    for line in (comment or "").splitlines():
        if line.startswith(MARK):
            try:
                found: Any = json.loads(line.removeprefix(MARK))
            except ValueError:
                lines.append(line)
                continue
            keys = [(list(own), str(parent), list(referred)) for own, parent, referred in found]
        else:
            lines.append(line)
    return "\n".join(lines) or None, keys
