"""Tables of a database as ``Table`` objects: columns, keys, constraints and indexes. Knows readers and metadata, no SQL."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING, Any

from nbsession.exc import InvalidRequestError, NbsessionWarning, NoSuchTableError
from nbsession.sql.columns import Computed
from nbsession.sql.expression import literal_column
from nbsession.sql.schema import (
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    MetaData,
    PrimaryKeyConstraint,
    Sequence,
    Table,
    UniqueConstraint,
)
from nbsession.sql.textual import TextClause

if TYPE_CHECKING:
    from nbsession.database.connection import Connection
    from nbsession.database.reflection.reading import ColumnRead, ForeignKeyRead, Reader, TableRead

_DRAWS = re.compile(r"""\(*nextval\('((?:[^']|'')+)'\)\)*""", re.IGNORECASE)

Only = Iterable[str] | Callable[[str, MetaData], bool] | None


def reflect_tables(
    connection: Connection,
    metadata: MetaData,
    *,
    schema: str | None = None,
    views: bool = False,
    only: Only = None,
    extend_existing: bool = False,
    autoload_replace: bool = True,
    resolve_fks: bool = True,
) -> None:
    """Reads tables into metadata. What ``MetaData.reflect`` says.

    :raises InvalidRequestError: a table asked for does not exist.
    """
    reader = connection.dialect.reader(connection, schema)
    names = reader.own(reader.table_names())
    temporary = reader.temporary() if schema is None else set()
    available = [*names, *(reader.own(reader.view_names()) if views else ())]
    if only is None:
        wanted = [name for name in available if name not in temporary]
    elif callable(only):
        wanted = [name for name in available if only(name, metadata)]
    else:
        wanted = list(only)
        missing = [name for name in wanted if name not in available]
        if missing:
            where = f" schema {schema!r}" if schema else ""
            raise InvalidRequestError(
                f"Could not reflect: requested table(s) not available in {connection.engine!r}{where}: "
                f"({', '.join(missing)}). It has: {', '.join(available) or 'no tables'}."
            )
    reflecting = _Reflecting(reader, metadata, resolve_fks)
    for name in wanted:
        table = reflecting.existing(name)
        if table is None:
            reflecting.make(name)
        elif extend_existing and table not in reflecting.made:
            reflecting.fill(table, autoload_replace, True)
    reflecting.finish()


def reflect_table(
    connection: Connection,
    table: Table,
    include_columns: Collection[str] | None = None,
    exclude_columns: Collection[str] = (),
    resolve_fks: bool = True,
    autoload_replace: bool | None = None,
) -> None:
    """Reads one table of the database into a Table.

    :param autoload_replace: of a table that was there before: are its columns replaced? None: it is a new one.
    :raises NoSuchTableError: the database has none of this name.
    """
    reader = connection.dialect.reader(connection, table.schema)
    check_exists(connection, reader, table.name)
    reflecting = _Reflecting(reader, table.metadata, resolve_fks)
    reflecting.fill(table, bool(autoload_replace), autoload_replace is not None, include_columns, exclude_columns)
    reflecting.finish()


def check_exists(connection: Connection, reader: Reader, name: str) -> None:
    """Is there a table or view of this name?

    :raises NoSuchTableError: there is none.
    """
    tables = reader.own(reader.table_names())
    if name in tables or name in reader.temporary() or name in reader.own(reader.view_names()):
        return
    raise NoSuchTableError(
        f"{name}: no table named {name!r} in {connection.engine!r}. It has: {', '.join(tables) or 'none'}."
    )


class _Reflecting:
    """Makes and fills tables, and joins them by their foreign keys at the end, when all of them are there."""

    def __init__(self, reader: Reader, metadata: MetaData, resolve_fks: bool) -> None:
        self.reader = reader
        self.metadata = metadata
        self.resolve_fks = resolve_fks
        self._names = {name.lower(): name for name in reader.own(reader.table_names())}
        self._sequences: dict[str, tuple[int, int]] | None = None
        self._joins: list[tuple[Table, ForeignKeyRead]] = []
        self.made: set[Table] = set()
        """tables that are new"""

    def existing(self, name: str) -> Table | None:
        """The table, if the metadata has it."""
        schema = self.reader.schema
        return self.metadata.tables.get(f"{schema}.{name}" if schema else name)

    def make(self, name: str) -> Table:
        """A new table."""
        table = Table(name, self.metadata, schema=self.reader.schema)
        self.made.add(table)
        try:
            self.fill(table, False, False)
        except BaseException:
            self.metadata.remove(table)
            raise
        return table

    def fill(
        self,
        table: Table,
        replace: bool,
        extend: bool,
        include: Collection[str] | None = None,
        exclude: Collection[str] = (),
    ) -> None:
        """Columns and constraints into a table; what it has stays, unless it is to be replaced.

        :param extend: the table was there before: what is new comes after its columns.
        """
        found = self.reader.table(table.name)
        if found.view:
            found = found._replace(primary_key=self._key_of_view(table.name, found))
        kept = {} if replace else {column.name: column for column in table.c}
        read = [
            one.name for one in found.columns if (include is None or one.name in include) and one.name not in exclude
        ]
        columns = [
            kept[one.name] if one.name in kept else self._column(one, found)
            for one in found.columns
            if one.name in read
        ]
        columns += [column for column in table.c if column.name not in read]
        if extend:  # what is there keeps its place
            places = {column.name: place for place, column in enumerate(table.c)}
            columns.sort(key=lambda column: places.get(column.name, len(places)))
        known = [
            c for c in table.constraints if not isinstance(c, PrimaryKeyConstraint) and _all_in(c.columns, columns)
        ]
        indexes = [index for index in table.indexes if _all_in(index.columns, columns)]
        primary = [column for column in columns if column.name in found.primary_key or column.primary_key]
        primary.sort(key=lambda c: found.primary_key.index(c.name) if c.name in found.primary_key else -1)
        table._refill(columns, [*known, *indexes])
        table._add([PrimaryKeyConstraint(*primary, name=found.primary_key_name), *self._further(found, table)])
        table.comment = found.comment or table.comment
        table.is_view = found.view
        own = {frozenset(column.name for column in c.columns) for c in known if isinstance(c, ForeignKeyConstraint)}
        for key in found.foreign_keys:
            if set(key.columns) <= {column.name for column in columns} and frozenset(key.columns) not in own:
                self._joins.append((table, key))
                parent = self._names.get(key.table.lower())
                if self.resolve_fks and parent is not None and self.existing(parent) is None:
                    self.make(parent)

    def _key_of_view(self, name: str, found: TableRead) -> list[str]:
        from nbsession.database.reflection.view_keys import view_key

        def key_of(table: str) -> list[str]:
            own = self._names.get(table.lower())
            return [] if own is None else self.reader.table(own).primary_key

        definition = self.reader.view_definition(name) or ""
        return view_key(definition, self.reader.connection.dialect.name, [one.name for one in found.columns], key_of)

    def _column(self, read: ColumnRead, found: TableRead) -> Column:
        in_key = read.name in found.primary_key
        items: list[Any] = [self.reader.type_of(read.declared)]
        server_default = None
        if read.computed is not None:
            items.append(Computed(read.computed, persisted=read.stored))
        elif read.default is not None:
            sequence = self._sequence(read.default)
            if sequence is not None:
                items.append(sequence)
            else:
                server_default = TextClause(read.default.replace(":", "\\:"))
        return Column(
            read.name,
            *items,
            primary_key=in_key,
            nullable=read.nullable and not in_key,
            server_default=server_default,
            comment=read.comment,
            autoincrement="auto" if found.numbered or not in_key else False,
        )

    def _sequence(self, default: str) -> Sequence | None:
        """The sequence that a default draws from, if it does nothing else."""
        draws = _DRAWS.fullmatch(default)
        if draws is None:
            return None
        if self._sequences is None:
            self._sequences = self.reader.sequences()
        name = draws[1].replace("''", "'")
        if name not in self._sequences:
            return None
        start, step = self._sequences[name]
        return Sequence(name, start, step)

    def _further(self, found: TableRead, table: Table) -> list[Any]:
        """Constraints and indexes; those about columns that are left out are left out too."""
        by_name = {column.name: column for column in table.c}
        taken = {(type(c), tuple(column.name for column in c.columns)) for c in table.constraints}
        texts = {str(c.sqltext) for c in table.constraints if isinstance(c, CheckConstraint)}
        names = {index.name for index in table.indexes}
        items: list[Any] = []
        for unique in found.unique:
            if set(unique.columns) <= set(by_name) and (UniqueConstraint, tuple(unique.columns)) not in taken:
                items.append(UniqueConstraint(*[by_name[one] for one in unique.columns], name=unique.name))
        items += [
            CheckConstraint(check.sqltext, name=check.name) for check in found.checks if check.sqltext not in texts
        ]
        for read in found.indexes:
            plain = [one for one in read.columns if one is not None]
            if read.name in names or not set(plain) <= set(by_name):
                continue
            if len(plain) < len(read.columns) and not all(column.name in by_name for column in found.columns):
                continue  # whether the expression needs a column that was left out is not known
            parts = [
                by_name[one] if one is not None else literal_column(text)
                for one, text in zip(read.columns, read.expressions, strict=True)
            ]
            items.append(Index(read.name, *parts, unique=read.unique, sqlite_where=read.where))
        return items

    def finish(self) -> None:
        """Joins the tables by their foreign keys. One that leads nowhere is left out, with a warning."""
        for table, key in self._joins:
            by_name = {column.name: column for column in table.c}
            parent = self._names.get(key.table.lower(), key.table)
            target = self.existing(parent)
            referred: list[Any] = [f"{parent}.{name}" for name in key.referred]
            if target is not None:
                known = {column.name.lower(): column for column in target.c}
                referred = [known.get(name.lower()) for name in key.referred]
            if any(one is None for one in referred) or (target is None and self.resolve_fks):
                warnings.warn(
                    f"Foreign key of {table.name!r} ({', '.join(key.columns)}) to {key.table!r} "
                    f"({', '.join(key.referred)}) left out: the database has no such table or column.",
                    NbsessionWarning,
                    stacklevel=6,
                )
                continue
            made = ForeignKeyConstraint(
                [by_name[name] for name in key.columns],
                referred,
                name=key.name,
                onupdate=key.options.get("onupdate"),
                ondelete=key.options.get("ondelete"),
            )
            table._add([made])
        self.metadata._take_types()


def _all_in(columns: Iterable[Any], those: list[Column]) -> bool:
    return all(any(column is one for one in those) for column in columns)
