"""Foreign keys kept in the comments of tables, since DuckDB is not told of them. Knows their form as a line of JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from nbsession.database.reflection.reading import ForeignKeyRead

if TYPE_CHECKING:
    from nbsession.database.duckdb.catalog import Ask
    from nbsession.sql.constraints import ForeignKeyConstraint
    from nbsession.sql.schema import Table

MARK = "foreign keys: "
"""begins the comment's line that holds the foreign keys"""


def comment_of(table: Table, foreign_keys: bool) -> str | None:
    """A table's comment: the user's, and its foreign keys as a line of JSON."""
    lines = [table.comment] if table.comment else []
    if foreign_keys and table.foreign_key_constraints:
        keys = sorted((_told(constraint) for constraint in table.foreign_key_constraints), key=lambda told: told[:3])
        lines.append(MARK + json.dumps(keys))
    return "\n".join(lines) or None


def _told(constraint: ForeignKeyConstraint) -> list[Any]:
    """Columns, other table, its columns, and what else was said of it."""
    said = {"name": constraint.name, "ondelete": constraint.ondelete, "onupdate": constraint.onupdate}
    further = {key: value for key, value in said.items() if value}
    told = [
        [column.name for column in constraint.columns],
        constraint.referred_table.name,
        [key.column.name for key in constraint.elements],
    ]
    return [*told, further] if further else told


def kept_foreign_keys(ask: Ask) -> Iterator[tuple[str, list[str], str, list[str]]]:
    """The foreign keys kept in the comments of all tables: table, its columns, other table, its columns."""
    for table, comment in ask(
        "SELECT table_name, comment FROM duckdb_tables() WHERE database_name = current_database() "
        f"AND schema_name = current_schema() AND comment LIKE '%{MARK}%'"
    ):
        for key in parted(comment)[1]:
            yield table, key.columns, key.table, key.referred


def parted(comment: str | None) -> tuple[str | None, list[ForeignKeyRead]]:
    """The user's comment, and the foreign keys kept in it."""
    lines, keys = [], []
    for line in (comment or "").splitlines():
        if line.startswith(MARK):
            try:
                keys = [_read(told) for told in json.loads(line.removeprefix(MARK))]
                continue
            except (ValueError, TypeError, AttributeError):
                pass  # somebody's own words, that begin like ours
        lines.append(line)
    return "\n".join(lines) or None, keys


def _read(told: Any) -> ForeignKeyRead:
    own, parent, referred, *further = told
    said = dict(further[0]) if further else {}
    name = said.pop("name", None)
    return ForeignKeyRead(list(own), str(parent), list(referred), name, said)
