"""What ``inspect(engine)`` gives: the tables that the database has, as plain values. Knows readers."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from nbsession.database.connection import Connection
from nbsession.database.reflection.reflecting import check_exists, reflect_table
from nbsession.exc import NoSuchTableError

if TYPE_CHECKING:
    from nbsession.database.dialect import Dialect
    from nbsession.database.engine import Engine
    from nbsession.database.reflection.reading import Reader, TableRead
    from nbsession.sql.schema import Table

Told = dict[str, Any]


class Inspector:
    """Looks at a database. Every question is asked anew: nothing is kept that could be out of date.

    Everywhere: ``schema`` is a schema of DuckDB's, or an attached database of SQLite's; None is the default one.

    :param bind: an engine, or a connection to look through.

    >>> inspect(create_engine("sqlite://")).get_table_names()
    []
    """

    default_schema_name = "main"

    def __init__(self, bind: Engine | Connection) -> None:
        self.bind = bind

    @property
    def engine(self) -> Engine:
        """The engine."""
        return self.bind.engine if isinstance(self.bind, Connection) else self.bind

    @property
    def dialect(self) -> Dialect:
        """How the database is spoken to."""
        return self.bind.dialect

    # ── what there is ────────────────────────────────────────────────────────────────────────────────────────────────
    def get_schema_names(self) -> list[str]:
        """The schemas, sorted."""
        with self._reader(None) as reader:
            return reader.schema_names()

    def get_table_names(self, schema: str | None = None) -> list[str]:
        """The names of the tables, sorted; temporary ones are apart."""
        with self._reader(schema) as reader:
            return _lasting(reader, reader.own(reader.table_names()))

    def get_view_names(self, schema: str | None = None) -> list[str]:
        """The names of the views, sorted; temporary ones are apart."""
        with self._reader(schema) as reader:
            return _lasting(reader, reader.own(reader.view_names()))

    def get_temp_table_names(self) -> list[str]:
        """The names of the temporary tables of this connection."""
        with self._reader(None) as reader:
            return sorted(reader.temporary() & {name for _, name in reader.table_names()})

    def get_temp_view_names(self) -> list[str]:
        """The names of the temporary views of this connection."""
        with self._reader(None) as reader:
            return sorted(reader.temporary() & {name for _, name in reader.view_names()})

    def get_sequence_names(self, schema: str | None = None) -> list[str]:
        """The names of the sequences, sorted. SQLite has none."""
        with self._reader(schema) as reader:
            return sorted(reader.sequences())

    def has_schema(self, schema_name: str) -> bool:
        """Is there a schema of this name?"""
        return schema_name in self.get_schema_names()

    def has_table(self, table_name: str, schema: str | None = None) -> bool:
        """Is there a table or view of this name, in small or capital letters?"""
        with self._reader(schema) as reader:
            names = [*reader.own(reader.table_names()), *reader.own(reader.view_names())]
            names += [] if schema else reader.temporary()
            return table_name.lower() in map(str.lower, names)

    def has_index(self, table_name: str, index_name: str, schema: str | None = None) -> bool:
        """Has the table an index of this name?"""
        return any(index["name"] == index_name for index in self.get_indexes(table_name, schema))

    def has_sequence(self, sequence_name: str, schema: str | None = None) -> bool:
        """Is there a sequence of this name?"""
        return sequence_name in self.get_sequence_names(schema)

    def get_sorted_table_and_fkc_names(self, schema: str | None = None) -> list[tuple[str | None, list[Any]]]:
        """The tables, each after those it refers to, with those of its foreign keys that refer to itself or back; at the
        end (None, []) for the rest, as in SQLAlchemy."""
        with self._reader(schema) as reader:
            parents = {
                name: {key.table for key in reader.table(name).foreign_keys}
                for name in _lasting(reader, reader.own(reader.table_names()))
            }
        done: list[str] = []
        rest = sorted(parents)
        while rest:
            free = [name for name in rest if not (parents[name] - {name}) & set(rest)] or rest[:1]
            done += free
            rest = [name for name in rest if name not in free]
        return [*[(name, [(name, None)] if name in parents[name] else []) for name in done], (None, [])]

    # ── a table ──────────────────────────────────────────────────────────────────────────────────────────────────────
    def get_columns(self, table_name: str, schema: str | None = None) -> list[Told]:
        """The columns in order: name, type, nullable, default, primary_key (the place in it, or 0); ``computed`` if so."""
        with self._reader(schema) as reader:
            found = _read(reader, table_name)
            return _columns(found, reader)

    def get_pk_constraint(self, table_name: str, schema: str | None = None) -> Told:
        """The primary key: its columns and its name."""
        found = self._table(table_name, schema)
        return {"constrained_columns": found.primary_key, "name": found.primary_key_name}

    def get_foreign_keys(self, table_name: str, schema: str | None = None) -> list[Told]:
        """The foreign keys: their columns, where they point, and what happens on UPDATE and DELETE (``options``)."""
        return [
            {
                "name": key.name,
                "constrained_columns": key.columns,
                "referred_schema": key.schema,
                "referred_table": key.table,
                "referred_columns": key.referred,
                "options": dict(key.options),
            }
            for key in self._table(table_name, schema).foreign_keys
        ]

    def get_indexes(self, table_name: str, schema: str | None = None) -> list[Told]:
        """The indexes but those of constraints: name, column_names, unique; ``expressions`` where columns are not all."""
        found = []
        for index in self._table(table_name, schema).indexes:
            told: Told = {
                "name": index.name,
                "column_names": index.columns,
                "unique": index.unique,
                "dialect_options": {},
            }
            if None in index.columns:
                told["expressions"] = index.expressions
            if index.where is not None:
                told["dialect_options"] = {"sqlite_where": index.where}
            found.append(told)
        return found

    def get_unique_constraints(self, table_name: str, schema: str | None = None) -> list[Told]:
        """The unique constraints: their columns and names."""
        return [{"name": one.name, "column_names": one.columns} for one in self._table(table_name, schema).unique]

    def get_check_constraints(self, table_name: str, schema: str | None = None) -> list[Told]:
        """The checks: their conditions in SQL, and names."""
        return [{"name": check.name, "sqltext": check.sqltext} for check in self._table(table_name, schema).checks]

    def get_table_comment(self, table_name: str, schema: str | None = None) -> Told:
        """The comment. SQLite keeps none."""
        return {"text": self._table(table_name, schema).comment}

    def get_view_definition(self, view_name: str, schema: str | None = None) -> str:
        """The CREATE VIEW of a view.

        :raises NoSuchTableError: there is none of this name.
        """
        with self._reader(schema) as reader:
            found = reader.view_definition(view_name)
        if found is None:
            raise NoSuchTableError(f"{view_name}: no view of this name in {self.engine!r}.")
        return found

    # ── all tables at once ───────────────────────────────────────────────────────────────────────────────────────────
    def get_multi_columns(self, schema: str | None = None, filter_names: Sequence[str] | None = None) -> dict[Any, Any]:
        """The columns of all tables, by (schema, name)."""
        return self._multi("get_columns", schema, filter_names)

    def get_multi_pk_constraint(
        self, schema: str | None = None, filter_names: Sequence[str] | None = None
    ) -> dict[Any, Any]:
        """The primary keys of all tables, by (schema, name)."""
        return self._multi("get_pk_constraint", schema, filter_names)

    def get_multi_foreign_keys(
        self, schema: str | None = None, filter_names: Sequence[str] | None = None
    ) -> dict[Any, Any]:
        """The foreign keys of all tables, by (schema, name)."""
        return self._multi("get_foreign_keys", schema, filter_names)

    def get_multi_indexes(self, schema: str | None = None, filter_names: Sequence[str] | None = None) -> dict[Any, Any]:
        """The indexes of all tables, by (schema, name)."""
        return self._multi("get_indexes", schema, filter_names)

    def _multi(self, method: str, schema: str | None, filter_names: Sequence[str] | None) -> dict[Any, Any]:
        names = self.get_table_names(schema)
        chosen = names if filter_names is None else [name for name in names if name in filter_names]
        return {(schema, name): getattr(self, method)(name, schema) for name in chosen}

    def reflect_table(
        self,
        table: Table,
        include_columns: Collection[str] | None,
        exclude_columns: Collection[str] = (),
        resolve_fks: bool = True,
    ) -> None:
        """Reads the columns and constraints of a table into a Table.

        :param include_columns: only these; None: all.
        :raises NoSuchTableError: the database has none of this name.
        """
        with self._connection() as connection:
            reflect_table(connection, table, include_columns, exclude_columns, resolve_fks)

    # ── how it asks ──────────────────────────────────────────────────────────────────────────────────────────────────
    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        if isinstance(self.bind, Connection):
            yield self.bind
        else:
            with self.bind.connect() as connection:
                yield connection

    @contextmanager
    def _reader(self, schema: str | None) -> Iterator[Reader]:
        with self._connection() as connection:
            yield connection.dialect.reader(connection, schema)

    def _table(self, name: str, schema: str | None) -> TableRead:
        with self._reader(schema) as reader:
            return _read(reader, name)


def _read(reader: Reader, name: str) -> TableRead:
    check_exists(reader.connection, reader, name)
    return reader.table(name)


def _lasting(reader: Reader, names: list[str]) -> list[str]:
    if reader.schema is not None:
        return names
    temporary = reader.temporary()
    return [name for name in names if name not in temporary]


def _columns(found: TableRead, reader: Reader) -> list[Told]:
    told = []
    for column in found.columns:
        one: Told = {
            "name": column.name,
            "type": reader.type_of(column.declared),
            "nullable": column.nullable,
            "default": column.default,
            "primary_key": found.primary_key.index(column.name) + 1 if column.name in found.primary_key else 0,
        }
        if column.computed is not None:
            one["computed"] = {"sqltext": column.computed, "persisted": column.stored}
        if column.comment is not None:
            one["comment"] = column.comment
        told.append(one)
    return told
