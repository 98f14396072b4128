"""The eight tables of the Toolshed and their CREATE TABLE texts. Knows no rows and no driver.

Primary keys, UNIQUE, NOT NULL and CHECK are declared on both databases. Foreign keys are declared on SQLite; on DuckDB,
whose own refuse legal changes inside a transaction, they are kept in the tables' comments, where the engine finds them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from nbsession.database.duckdb.kept_keys import MARK


@dataclass(frozen=True)
class TableText:
    """One table.

    :ivar name: its name.
    :ivar columns: column name to type and constraints, in SQL that both databases read.
    :ivar constraints: table constraints that both databases read.
    :ivar references: column name to the table whose id it holds.
    """

    name: str
    columns: dict[str, str]
    constraints: tuple[str, ...] = ()
    references: tuple[tuple[str, str], ...] = ()

    def create(self, *, foreign_keys: bool) -> Iterator[str]:
        """The CREATE TABLE statement, and what belongs to it.

        :param foreign_keys: declare the foreign keys; else keep them in a comment.
        """
        lines = [f"{column} {definition}" for column, definition in self.columns.items()]
        lines += self.constraints
        if foreign_keys:
            lines += [f"FOREIGN KEY ({column}) REFERENCES {table} (id)" for column, table in self.references]
        yield f"CREATE TABLE {self.name} (\n    " + ",\n    ".join(lines) + "\n)"
        if self.references and not foreign_keys:
            keys = sorted([[column], table, ["id"]] for column, table in self.references)
            yield f"COMMENT ON TABLE {self.name} IS '{MARK}{json.dumps(keys)}'"

    def insert(self, rows: int = 1) -> str:
        """The INSERT statement, with a question mark for each column.

        :param rows: how many rows it takes at once.
        """
        row = f"({', '.join('?' * len(self.columns))})"
        return f"INSERT INTO {self.name} VALUES {', '.join([row] * rows)}"


TABLES: tuple[TableText, ...] = (
    TableText(
        "branch",
        {
            "id": "INTEGER PRIMARY KEY",
            "name": "VARCHAR(40) NOT NULL UNIQUE",
            "street": "VARCHAR(60) NOT NULL",
        },
    ),
    TableText(
        "member",
        {
            "id": "INTEGER PRIMARY KEY",
            "card_no": "VARCHAR(10) NOT NULL UNIQUE",
            "name": "VARCHAR(60) NOT NULL",
            "email": "VARCHAR(80)",
            "joined_on": "DATE NOT NULL",
            "branch_id": "INTEGER NOT NULL",
        },
        references=(("branch_id", "branch"),),
    ),
    TableText(
        "tool",
        {
            "id": "INTEGER PRIMARY KEY",
            "tag": "VARCHAR(10) NOT NULL UNIQUE",
            "name": "VARCHAR(60) NOT NULL",
            "kit_id": "INTEGER",
            "branch_id": "INTEGER NOT NULL",
            "version": "INTEGER NOT NULL",
        },
        constraints=("CHECK (version > 0)", "CHECK (kit_id <> id)"),
        references=(("kit_id", "tool"), ("branch_id", "branch")),
    ),
    TableText("label", {"id": "INTEGER PRIMARY KEY", "name": "VARCHAR(30) NOT NULL UNIQUE"}),
    TableText(
        "tool_label",
        {"tool_id": "INTEGER NOT NULL", "label_id": "INTEGER NOT NULL"},
        constraints=("PRIMARY KEY (tool_id, label_id)",),
        references=(("tool_id", "tool"), ("label_id", "label")),
    ),
    TableText(
        "loan",
        {
            "id": "INTEGER PRIMARY KEY",
            "member_id": "INTEGER NOT NULL",
            "out_on": "DATE NOT NULL",
            "due_on": "DATE NOT NULL",
        },
        constraints=("CHECK (due_on > out_on)",),
        references=(("member_id", "member"),),
    ),
    TableText(
        "loan_line",
        {
            "id": "INTEGER PRIMARY KEY",
            "loan_id": "INTEGER NOT NULL",
            "tool_id": "INTEGER NOT NULL",
            "qty": "INTEGER NOT NULL",
            "returned_on": "DATE",
        },
        constraints=("UNIQUE (loan_id, tool_id)", "CHECK (qty > 0)"),
        references=(("loan_id", "loan"), ("tool_id", "tool")),
    ),
    TableText(
        "notice",
        {
            "id": "INTEGER PRIMARY KEY",
            "member_id": "INTEGER",
            "sent_on": "DATE NOT NULL",
            "text": "VARCHAR(300) NOT NULL",
        },
        references=(("member_id", "member"),),
    ),
)
"""The tables, each after those it refers to."""


def names() -> frozenset[str]:
    """The names of the tables."""
    return frozenset(table.name for table in TABLES)
