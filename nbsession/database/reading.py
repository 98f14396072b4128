"""Reading the definitions of tables. Knows what there is to know of a table, and SQLite's way to ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from nbsession.database.connection import Connection

TableName = tuple[str | None, str]
"""schema (None: the default one) and name"""


class ColumnRead(NamedTuple):
    """A column: name, declared type, may it be NULL, default in SQL or None."""

    name: str
    declared: str
    nullable: bool
    default: str | None


class TableRead(NamedTuple):
    """A table. Foreign keys are (own columns, other table, its columns); names in SQL's order everywhere."""

    columns: list[ColumnRead]
    primary_key: list[str]
    foreign_keys: list[tuple[list[str], str, list[str]]]
    unique: list[list[str]]
    comment: str | None


class Reader:
    """Asks one connection."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def table_names(self) -> set[TableName]:
        """All tables."""
        raise NotImplementedError

    def table(self, name: str) -> TableRead:
        """One table of the default schema."""
        raise NotImplementedError

    def ask(self, sql: str, params: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """An internal SELECT."""
        link = self.connection._ready()
        try:
            rows = link.fetch(sql, params)
        except BaseException as error:
            self.connection.fail(error, sql, params)
        self.connection.tell(sql, params, len(rows))
        return rows


class SQLiteReader(Reader):
    """Asks SQLite's pragmas."""

    def table_names(self) -> set[TableName]:
        """All tables but SQLite's own."""
        return {
            (None if schema == "main" else schema, name)
            for schema, name in self.ask(
                "SELECT schema, name FROM pragma_table_list WHERE type IN ('table', 'virtual')"
            )
            if not name.startswith("sqlite_")
        }

    def table(self, name: str) -> TableRead:
        """One table."""
        columns, keys = [], []
        for _, column, declared, required, default, place in self.ask("SELECT * FROM pragma_table_info(?)", (name,)):
            columns.append(ColumnRead(column, declared or "", not required, default))
            if place:
                keys.append((place, column))
        foreign: dict[int, tuple[list[str], str, list[str]]] = {}
        for number, _, parent, own, other in self.ask(
            'SELECT id, seq, "table", "from", "to" FROM pragma_foreign_key_list(?) ORDER BY id, seq', (name,)
        ):
            found = foreign.setdefault(number, ([], parent, []))
            found[0].append(own)
            found[2].append(other or self._primary_key(parent)[len(found[2])])
        unique = []
        for (index,) in self.ask("SELECT name FROM pragma_index_list(?) WHERE origin = 'u' ORDER BY seq", (name,)):
            unique.append(
                [row[0] for row in self.ask("SELECT name FROM pragma_index_info(?) ORDER BY seqno", (index,))]
            )
        return TableRead(columns, [column for _, column in sorted(keys)], list(foreign.values()), unique, None)

    def _primary_key(self, table: str) -> list[str]:
        return [row[0] for row in self.ask("SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk", (table,))]
