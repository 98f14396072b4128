"""What ``inspect(engine)`` gives: the tables that the database has, as plain values. Knows readers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from nbsession.database.connection import Connection
from nbsession.database.tables import type_of_declared
from nbsession.exc import InvalidRequestError

if TYPE_CHECKING:
    from nbsession.database.engine import Engine
    from nbsession.database.reading import Reader, TableRead


class Inspector:
    """Looks at a database.

    :param bind: an engine, or a connection to look through.

    >>> Inspector(create_engine("sqlite://")).get_table_names()
    []
    """

    def __init__(self, bind: Engine | Connection) -> None:
        self.bind = bind

    def get_table_names(self) -> list[str]:
        """The names of the tables, sorted."""
        with self._reader() as reader:
            return _names(reader)

    def has_table(self, name: str) -> bool:
        """Is there a table of this name?"""
        return name in self.get_table_names()

    def get_columns(self, table: str) -> list[dict[str, Any]]:
        """The columns in order: name, type, nullable, default, primary_key."""
        found = self._table(table)
        return [
            {
                "name": column.name,
                "type": type_of_declared(column.declared),
                "nullable": column.nullable,
                "default": column.default,
                "primary_key": column.name in found.primary_key,
            }
            for column in found.columns
        ]

    def get_pk_constraint(self, table: str) -> dict[str, Any]:
        """The primary key: its columns."""
        return {"constrained_columns": self._table(table).primary_key, "name": None}

    def get_foreign_keys(self, table: str) -> list[dict[str, Any]]:
        """The foreign keys: their columns, and where they point."""
        return [
            {"name": None, "constrained_columns": own, "referred_table": parent, "referred_columns": referred}
            for own, parent, referred in self._table(table).foreign_keys
        ]

    def get_unique_constraints(self, table: str) -> list[dict[str, Any]]:
        """The unique constraints: their columns."""
        return [{"name": None, "column_names": columns} for columns in self._table(table).unique]

    @contextmanager
    def _reader(self) -> Iterator[Reader]:
        if isinstance(self.bind, Connection):
            yield self.bind.dialect.reader(self.bind)
        else:
            with self.bind.connect() as connection:
                yield connection.dialect.reader(connection)

    def _table(self, name: str) -> TableRead:
        with self._reader() as reader:
            names = _names(reader)
            if name not in names:
                raise InvalidRequestError(
                    f"No table named {name!r} in {self.bind!r}. It has: {', '.join(names) or 'none'}."
                )
            return reader.table(name)


def _names(reader: Reader) -> list[str]:
    return sorted({name for schema, name in reader.table_names() if schema is None})
