"""Creating and dropping tables. Knows their order and which exist; the words come from ``sql/ddl.py``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from nbsession.database.observing import observed
from nbsession.sql.schema import MetaData, Sequence, Table

if TYPE_CHECKING:
    from nbsession.database.connection import Connection


def create_tables(connection: Connection, metadata: MetaData, only: Iterable[Table] | None, checkfirst: bool) -> None:
    """Creates sequences, tables and their indexes.

    :param only: these tables; None for all, each after those it refers to.
    :param checkfirst: leave out what exists.
    """
    from nbsession.sql import ddl

    dialect = connection.dialect
    chosen = list(metadata.sorted_tables if only is None else only)
    reader = dialect.reader(connection)
    # the names of both databases know no case
    existing = {(schema, name.lower()) for schema, name in reader.table_names()} if checkfirst else set()
    if dialect.supports_sequences:
        for sequence in _sequences(metadata if only is None else None, chosen):
            _ddl(connection, ddl.create_sequence(sequence, if_not_exists=checkfirst))
    for table in chosen:
        if table.is_view or (table.schema, table.name.lower()) in existing:
            continue
        _ddl(connection, dialect.create_table_text(table))
        for index in ddl.sorted_indexes(table):
            _ddl(connection, ddl.create_index(index, rendering=dialect.name))
        for text in dialect.after_create(table):
            _ddl(connection, text)


def drop_tables(connection: Connection, metadata: MetaData, only: Iterable[Table] | None, checkfirst: bool) -> None:
    """Drops tables, those that others refer to last, and the sequences of their columns."""
    from nbsession.sql import ddl

    chosen = list(reversed(metadata.sorted_tables)) if only is None else list(only)
    for table in chosen:
        if not table.is_view:
            _ddl(connection, ddl.drop_table(table, if_exists=checkfirst))
    if connection.dialect.supports_sequences:
        for sequence in _sequences(metadata if only is None else None, chosen):
            _ddl(connection, ddl.drop_sequence(sequence, if_exists=checkfirst))


def _sequences(metadata: MetaData | None, chosen: Iterable[Table]) -> list[Sequence]:
    found = dict(metadata._sequences) if metadata is not None else {}
    for table in chosen:
        for column in table.c:
            if isinstance(column.default, Sequence):
                found.setdefault(column.default.name, column.default)
    return [found[name] for name in sorted(found)]


def _ddl(connection: Connection, sql: str) -> None:
    link = connection._ready()
    try:
        if connection._watched:
            observed(connection, sql, ((),), lambda: link.execute(sql, (), True, True), lambda _: None)
        else:
            link.execute(sql, (), True, True)
    except BaseException as error:
        connection.fail(error, sql)
