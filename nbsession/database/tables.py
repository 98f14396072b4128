"""Creating, dropping and reading tables. Knows their order and which exist; the words come from ``sql/ddl.py``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from nbsession.database.observing import observed
from nbsession.exc import InvalidRequestError
from nbsession.sql import types
from nbsession.sql.schema import (
    Column,
    ForeignKeyConstraint,
    MetaData,
    PrimaryKeyConstraint,
    Sequence,
    Table,
    UniqueConstraint,
)

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
        if (table.schema, table.name.lower()) in existing:
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
        _ddl(connection, ddl.drop_table(table, if_exists=checkfirst))
    if connection.dialect.supports_sequences:
        for sequence in _sequences(metadata if only is None else None, chosen):
            _ddl(connection, ddl.drop_sequence(sequence, if_exists=checkfirst))


def reflect_tables(connection: Connection, metadata: MetaData, only: Iterable[str] | None) -> None:
    """Reads tables into metadata, and those that they refer to. Tables that the metadata has stay as they are.

    :raises InvalidRequestError: a table asked for does not exist.
    """
    reader = connection.dialect.reader(connection)
    names = {name for schema, name in reader.table_names() if schema is None}
    wanted = sorted(names) if only is None else list(only)
    missing = [name for name in wanted if name not in names]
    if missing:
        raise InvalidRequestError(
            f"Could not reflect: requested table(s) not available in {connection.engine.url}: ({', '.join(missing)}). "
            f"It has: {', '.join(sorted(names)) or 'no tables'}."
        )
    while wanted:
        name = wanted.pop()
        if name not in metadata.tables:
            table = _reflected(metadata, name, reader)
            for constraint in table.foreign_key_constraints:
                parent = constraint.elements[0].target_fullname.rpartition(".")[0]
                if parent in names:
                    wanted.append(parent)


def _reflected(metadata: MetaData, name: str, reader: Any) -> Table:
    found = reader.table(name)
    keys = set(found.primary_key)
    items: list[Any] = [
        Column(
            column.name,
            type_of_declared(column.declared),
            primary_key=column.name in keys,
            nullable=column.nullable and column.name not in keys,
            server_default=_text(column.default),
        )
        for column in found.columns
    ]
    if found.primary_key:
        items.append(PrimaryKeyConstraint(*found.primary_key))
    for columns, parent, referred in found.foreign_keys:
        items.append(ForeignKeyConstraint(columns, [f"{parent}.{one}" for one in referred]))
    items += [UniqueConstraint(*columns) for columns in found.unique]
    return Table(name, metadata, *items, comment=found.comment)


def _text(default: str | None) -> Any:
    if default is None:
        return None
    from nbsession.sql.textual import TextClause

    return TextClause(default.replace(":", "\\:"))


def type_of_declared(declared: str) -> types.TypeEngine:
    """The type for the words that a table was declared with: ``VARCHAR(30)``, ``DECIMAL(10,2)``."""
    word, _, rest = declared.upper().partition("(")
    digits = [int(part) for part in rest.rstrip(") ").split(",") if part.strip().isdigit()]
    word = word.strip()
    if word in ("VARCHAR", "CHAR", "NVARCHAR", "BPCHAR") and digits:
        return types.Uuid() if (word, digits) == ("CHAR", [32]) else types.String(digits[0])
    if word in ("DECIMAL", "NUMERIC"):
        return types.Numeric(digits[0] if digits else None, digits[1] if len(digits) > 1 else None)
    made = _DECLARED.get(word)
    if made is not None:
        return made() if made is not types.DateTime else types.DateTime(timezone=word.startswith("TIMESTAMP WITH TIME"))
    return types.NullType()


_DECLARED: dict[str, type[types.TypeEngine]] = {
    "INTEGER": types.Integer,
    "INT": types.Integer,
    "TINYINT": types.SmallInteger,
    "UTINYINT": types.SmallInteger,
    "SMALLINT": types.SmallInteger,
    "USMALLINT": types.Integer,
    "UINTEGER": types.BigInteger,
    "BIGINT": types.BigInteger,
    "UBIGINT": types.BigInteger,
    "HUGEINT": types.BigInteger,
    "FLOAT": types.Float,
    "REAL": types.Float,
    "DOUBLE": types.Double,
    "BOOLEAN": types.Boolean,
    "DATE": types.Date,
    "DATETIME": types.DateTime,
    "TIMESTAMP": types.DateTime,
    "TIMESTAMP WITH TIME ZONE": types.DateTime,
    "TIME": types.Time,
    "INTERVAL": types.Interval,
    "BLOB": types.LargeBinary,
    "JSON": types.JSON,
    "UUID": types.Uuid,
    "VARCHAR": types.String,
    "TEXT": types.Text,
    "ENUM": types.String,
}


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
