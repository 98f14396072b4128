"""The text of a SELECT by primary key, for some columns of a class: from those of its tables that are needed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nbsession.mapping.mapper import Mapper
from nbsession.sql.compile import compile_statement
from nbsession.sql.expression import bindparam, select
from nbsession.sql.selectable import Join


def select_by_key(mapper: Mapper, keys: Sequence[str], dialect: Any, ident: Any = ()) -> str:
    """``SELECT ... FROM ... WHERE key = ?``, joined where the columns lie in several tables.

    :param keys: attributes, in the order of the columns.
    :param ident: of a composite key, the values, if some of them are None: those are no parameters.
    """
    if isinstance(mapper.base_mapper.local_table, Join):
        columns = [mapper.columns[key] for key in keys]
        criteria = [c == bindparam(f"key_{i}", type_=c.type) for i, c in enumerate(mapper.primary_key)]
        return compile_statement(select(*columns).select_from(mapper.selectable).where(*criteria), dialect.name).sql
    quote = dialect.quote
    needed = {id(mapper.columns[key].table) for key in keys}
    first, *others = [table for table in mapper.tables if id(table) in needed]

    def named(table: Any, column: Any) -> str:
        return f"{quote(table.name)}.{quote(column.name)}"

    def of_key(table: Any) -> list[str]:
        columns = mapper.columns_of(table)
        return [named(table, columns[key]) for key in mapper.pk_keys]

    text = "SELECT " + ", ".join(named(c.table, c) for c in map(mapper.columns.__getitem__, keys))
    text += f" FROM {quote(first.name)}"
    for table in others:
        pairs = zip(of_key(first), of_key(table), strict=True)
        text += f" JOIN {quote(table.name)} ON " + " AND ".join(f"{one} = {other}" for one, other in pairs)
    nulls = [value is None for value in ident] or [False] * len(mapper.pk_keys)
    tests = zip(of_key(first), nulls, strict=True)
    return f"{text} WHERE " + " AND ".join(f"{column} IS NULL" if null else f"{column} = ?" for column, null in tests)


def of_class(mapper: Mapper, dialect: Any) -> tuple[str, tuple[Any, ...]]:
    """The condition that a row is of the class, to be added to a SELECT by key, and its parameters."""
    if mapper.single_criterion is None:
        return "", ()
    column = mapper.columns[str(mapper.polymorphic_on)]
    process = dialect.bind_processor(column.type)
    values = mapper.identities
    marks = ", ".join("?" for _ in values)
    text = f" AND {dialect.quote(column.table.name)}.{dialect.quote(column.name)} IN ({marks})"
    return text, tuple(v if process is None else process(v) for v in values)
