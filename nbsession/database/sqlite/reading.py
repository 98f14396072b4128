"""Reading the definitions of SQLite's tables. Knows its pragmas and its catalogue."""

from __future__ import annotations

from typing import Any

from nbsession.database.reflection.declared_types import sqlite_type
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
from nbsession.database.sqlite.created_text import CreatedText
from nbsession.sql.naming import quote_identifier
from nbsession.sql.types import TypeEngine

_GENERATED = {2: False, 3: True}
"""of pragma_table_xinfo: computed when it is read, or stored"""


class SQLiteReader(Reader):
    """Asks SQLite's pragmas."""

    def table_names(self) -> set[TableName]:
        """All tables but SQLite's own."""
        return self._names("'table', 'virtual'")

    def view_names(self) -> set[TableName]:
        """All views."""
        return self._names("'view'")

    def _names(self, kinds: str) -> set[TableName]:
        rows = self.ask(f"SELECT schema, name FROM pragma_table_list WHERE type IN ({kinds})")
        return {(None if schema == "main" else schema, name) for schema, name in rows if not name.startswith("sqlite_")}

    def schema_names(self) -> list[str]:
        """The attached databases."""
        return sorted(name for (name,) in self.ask("SELECT name FROM pragma_database_list") if name != "temp")

    def temporary(self) -> set[str]:
        """What lies in the temporary schema."""
        return {name for (name,) in self.ask("SELECT name FROM pragma_table_list WHERE schema = 'temp'")}

    def type_of(self, declared: str) -> TypeEngine:
        """The type, by the word or by SQLite's rules of affinity."""
        return sqlite_type(declared)

    def view_definition(self, name: str) -> str | None:
        """From the catalogue."""
        return self._created("view", name)

    def table(self, name: str) -> TableRead:
        """One table."""
        sql = self._created("table", name)
        said = CreatedText(sql or "")
        columns, keys = [], []
        for _, column, declared, required, default, place, hidden in self._pragma("table_xinfo", name):
            if hidden == 1:  # of a virtual table: no column to be selected by *
                continue
            computed = said.computed.get(column.lower()) if hidden in _GENERATED else None
            columns.append(
                ColumnRead(column, declared or "", not required, default, computed, _GENERATED.get(hidden, False))
            )
            if place:
                keys.append((place, column))
        unique, indexes = self._indexes(name, said)
        key_names = [column for _, column in sorted(keys)]
        return TableRead(
            columns,
            key_names,
            said.primary_key_name,
            self._foreign_keys(name, said),
            unique,
            [CheckRead(*check) for check in said.checks],
            indexes,
            None,
            view=sql is None and self._created("view", name) is not None,
            numbered=said.rowids and all(one.declared.upper() == "INTEGER" for one in columns if one.name in key_names),
        )

    def _foreign_keys(self, table: str, said: CreatedText) -> list[ForeignKeyRead]:
        parts: dict[int, tuple[list[str], str, list[str], dict[str, str]]] = {}
        for number, _, parent, own, other, onupdate, ondelete, _ in self._pragma("foreign_key_list", table):
            actions = {"ondelete": ondelete, "onupdate": onupdate}
            options = {key: action for key, action in actions.items() if action != "NO ACTION"}
            found = parts.setdefault(number, ([], parent, [], options))
            found[0].append(own)
            found[2].append(other or self._key_column(parent, len(found[2]), own))
        # SQLite lists them from the last one declared to the first
        return [
            ForeignKeyRead(
                own, parent, referred, said.foreign_keys.get(tuple(c.lower() for c in own)), options, self.schema
            )
            for _, (own, parent, referred, options) in sorted(parts.items(), reverse=True)
        ]

    def _key_column(self, table: str, place: int, otherwise: str) -> str:
        """A column of the primary key of a table, which may not be there."""
        keys = sorted((row[5], row[1]) for row in self._pragma("table_info", table) if row[5])
        return str(keys[place][1]) if place < len(keys) else otherwise

    def _indexes(self, table: str, said: CreatedText) -> tuple[list[UniqueRead], list[IndexRead]]:
        unique, indexes = [], []
        for _, name, is_unique, origin, partial in self._pragma("index_list", table):
            if origin == "pk":
                continue
            names = [row[2] for row in self._pragma("index_info", name)]
            if origin == "u":
                own = [str(one) for one in names]
                unique.append(UniqueRead(own, said.unique.get(tuple(one.lower() for one in own))))
                continue
            expressions, where = _index_text(self._created("index", name) or "")
            indexes.append(
                IndexRead(
                    name,
                    bool(is_unique),
                    names,
                    [one or expression for one, expression in zip(names, expressions, strict=False)],
                    where if partial else None,
                )
            )
        return unique[::-1], sorted(indexes)

    def _pragma(self, pragma: str, name: str) -> list[tuple[Any, ...]]:
        columns = _COLUMNS[pragma]
        return self.ask(f"SELECT {columns} FROM pragma_{pragma}(?, ?)", (name, self.schema or self._home(name)))

    def _home(self, name: str) -> str:
        """A temporary table hides one of the same name."""
        if self._temporaries is None:
            self._temporaries = self.temporary()
        return "temp" if name in self._temporaries else "main"

    _temporaries: set[str] | None = None

    def _created(self, kind: str, name: str) -> str | None:
        home = self.schema or self._home(name)
        rows = self.ask(
            f"SELECT sql FROM {quote_identifier(home)}.sqlite_master WHERE type = ? AND name = ?", (kind, name)
        )
        return rows[0][0] if rows else None


def _index_text(sql: str) -> tuple[list[str], str | None]:
    """The expressions of a CREATE INDEX, and its condition."""
    opening = _outside(sql, "(")
    depth, start, parts, quoted = 0, opening + 1, [], ""
    for place in range(opening, len(sql)):
        sign = sql[place]
        if quoted:
            quoted = "" if sign == quoted else quoted
        elif sign in "'\"`":
            quoted = sign
        elif sign == "(":
            depth += 1
        elif sign == ")" or (sign == "," and depth == 1):
            if depth == 1:
                parts.append(sql[start:place].strip())
                start = place + 1
            depth -= sign == ")"
            if depth == 0:
                rest = sql[place + 1 :].strip()
                return parts, rest[5:].strip() if rest.upper().startswith("WHERE") else None
    return parts, None


def _outside(sql: str, wanted: str) -> int:
    """The place of a sign outside quotation marks."""
    quoted = ""
    for place, sign in enumerate(sql):
        if quoted:
            quoted = "" if sign == quoted else quoted
        elif sign in "'\"`[":
            quoted = "]" if sign == "[" else sign
        elif sign == wanted:
            return place
    return len(sql)


_COLUMNS = {
    "table_xinfo": 'cid, name, type, "notnull", dflt_value, pk, hidden',
    "table_info": 'cid, name, type, "notnull", dflt_value, pk',
    "foreign_key_list": 'id, seq, "table", "from", "to", on_update, on_delete, "match"',
    "index_list": 'seq, name, "unique", origin, partial',
    "index_info": "seqno, cid, name",
}
