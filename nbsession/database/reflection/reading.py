"""Reading the definitions of tables. Knows what there is to know of a table; how a database is asked is its reader's business."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from nbsession.database.connection import Connection
    from nbsession.sql.types import TypeEngine

TableName = tuple[str | None, str]
"""schema (None: the default one) and name"""


class ColumnRead(NamedTuple):
    """A column.

    :ivar declared: its type in the database's words.
    :ivar default: its default in SQL, or None.
    :ivar computed: what the database computes it from, in SQL, or None.
    :ivar stored: is what is computed kept in the row?
    """

    name: str
    declared: str
    nullable: bool
    default: str | None = None
    computed: str | None = None
    stored: bool = False
    comment: str | None = None


class ForeignKeyRead(NamedTuple):
    """A foreign key.

    :ivar options: ``ondelete`` and ``onupdate`` where they say something.
    :ivar schema: where the other table lies; None: in the default schema.
    """

    columns: list[str]
    table: str
    referred: list[str]
    name: str | None = None
    options: Mapping[str, str] = {}
    schema: str | None = None


class UniqueRead(NamedTuple):
    """A unique constraint."""

    columns: list[str]
    name: str | None = None


class CheckRead(NamedTuple):
    """A CHECK, in SQL."""

    sqltext: str
    name: str | None = None


class IndexRead(NamedTuple):
    """An index.

    :ivar columns: names; None in the place of an expression.
    :ivar expressions: names and expressions in SQL.
    :ivar where: the condition of a partial index, in SQL.
    """

    name: str
    unique: bool
    columns: list[str | None]
    expressions: list[str]
    where: str | None = None


class TableRead(NamedTuple):
    """A table or view; names in SQL's order everywhere.

    :ivar numbered: does the database number a lone INTEGER primary key by itself?
    """

    columns: list[ColumnRead]
    primary_key: list[str]
    primary_key_name: str | None
    foreign_keys: list[ForeignKeyRead]
    unique: list[UniqueRead]
    checks: list[CheckRead]
    indexes: list[IndexRead]
    comment: str | None
    view: bool = False
    numbered: bool = True


class Reader:
    """Asks one connection.

    :param schema: a schema (an attached database, on SQLite); None: the default one.
    """

    default_schema = "main"

    def __init__(self, connection: Connection, schema: str | None = None) -> None:
        self.connection = connection
        self.schema = None if schema == self.default_schema else schema

    def table_names(self) -> set[TableName]:
        """All tables of all schemas, temporary ones too."""
        raise NotImplementedError

    def view_names(self) -> set[TableName]:
        """All views of all schemas, temporary ones too."""
        raise NotImplementedError

    def schema_names(self) -> list[str]:
        """The schemas, sorted."""
        raise NotImplementedError

    def sequences(self) -> dict[str, tuple[int, int]]:
        """Sequences of the schema: name to start and increment."""
        return {}

    def temporary(self) -> set[str]:
        """The names of temporary tables and views."""
        raise NotImplementedError

    def table(self, name: str) -> TableRead:
        """One table or view of the schema."""
        raise NotImplementedError

    def view_definition(self, name: str) -> str | None:
        """The CREATE VIEW of a view, or None."""
        raise NotImplementedError

    def type_of(self, declared: str) -> TypeEngine:
        """The type for a column declared in these words."""
        raise NotImplementedError

    def own(self, names: set[TableName]) -> list[str]:
        """Those of the schema, sorted."""
        return sorted({name for schema, name in names if schema == self.schema})

    def ask(self, sql: str, params: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """An internal SELECT."""
        link = self.connection._ready()
        try:
            rows = link.fetch(sql, params)
        except BaseException as error:
            self.connection.fail(error, sql, params)
        self.connection.tell(sql, params, len(rows))
        return rows
