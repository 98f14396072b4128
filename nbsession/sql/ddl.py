"""CREATE and DROP as text, written by us.

Knows tables, constraints, indexes and sequences. The words for types come from the dialect, as a function; what the
database can do comes as flags.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from nbsession.sql.columns import FetchedValue
from nbsession.sql.compile import readable
from nbsession.sql.constraints import CheckConstraint, ForeignKeyConstraint, UniqueConstraint
from nbsession.sql.expression import literal_column
from nbsession.sql.literals import literal_sql
from nbsession.sql.naming import quote_identifier

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbsession.sql.columns import Column, Sequence
    from nbsession.sql.constraints import Constraint, Index
    from nbsession.sql.schema import Table
    from nbsession.sql.types import TypeEngine

    TypeWords = Callable[[TypeEngine], str]

_PLAIN_DEFAULT = re.compile(r"\s*['\"(]|\w+$")
"""a default in text that stands by itself; another is put in brackets, as SQLite wants it"""


def quoted_table(table: Table) -> str:
    """The name of a table as SQL, with its schema."""
    own = quote_identifier(table.name)
    return f"{quote_identifier(table.schema)}.{own}" if table.schema else own


def create_table(
    table: Table,
    type_ddl: TypeWords,
    *,
    rendering: str = "sqlite",
    foreign_keys: bool = True,
    deferrable: bool = False,
    sequences: bool = False,
    if_not_exists: bool = False,
) -> str:
    """CREATE TABLE.

    :param type_ddl: the word for a type.
    :param rendering: how expressions in defaults and checks are written.
    :param foreign_keys: declare them.
    :param deferrable: declare them ``DEFERRABLE INITIALLY DEFERRED``.
    :param sequences: a column with a Sequence gets ``DEFAULT nextval(...)``.
    """
    lines = [column_ddl(column, type_ddl, rendering, sequences) for column in table.c]
    if len(table.primary_key):
        name = f"CONSTRAINT {quote_identifier(table.primary_key.name)} " if table.primary_key.name else ""
        lines.append(f"{name}PRIMARY KEY ({_names(table.primary_key)})")
    for constraint in sorted(table.constraints, key=_order):
        text = constraint_ddl(constraint, rendering, foreign_keys, deferrable)
        if text:
            lines.append(text)
    prefixes = "".join(prefix + " " for prefix in table.prefixes)
    exists = "IF NOT EXISTS " if if_not_exists else ""
    body = ",\n\t".join(lines)
    return f"CREATE {prefixes}TABLE {exists}{quoted_table(table)} (\n\t{body}\n)"


def column_ddl(column: Column, type_ddl: TypeWords, rendering: str = "sqlite", sequences: bool = False) -> str:
    """One column of CREATE TABLE."""
    text = f"{quote_identifier(column.name)} {type_ddl(column.type)}"
    if column.computed is not None:
        given = column.computed.sqltext
        written = given if isinstance(given, str) else readable(given, rendering, literal_binds=True, qualify=False)
        text += f" GENERATED ALWAYS AS ({written})" + (" STORED" if column.computed.persisted else "")
    default = server_default_ddl(column, rendering)
    if default is None and sequences and hasattr(column.default, "next_value"):
        default = f"nextval({literal_sql(column.default.name)})"
    if default is not None:
        text += f" DEFAULT {default}"
    if not column.nullable:
        text += " NOT NULL"
    return text


def server_default_ddl(column: Column, rendering: str = "sqlite") -> str | None:
    """What stands after DEFAULT, or None: a string is a literal, ``text()`` and expressions are SQL."""
    default = column.server_default
    if default is None or isinstance(default, FetchedValue):
        return None
    if isinstance(default, str):
        return literal_sql(default)
    written = default.text if default.visit_name == "text" else readable(default, rendering, True, False)
    bare = default.visit_name in ("constant", "bind") or (
        default.visit_name == "text" and _PLAIN_DEFAULT.match(written)
    )
    return written if bare else f"({written})"


def server_default_sql(column: Column, rendering: str = "sqlite") -> Any:
    """The same as an expression, to be written over a row; None if only the database knows it."""
    written = server_default_ddl(column, rendering)
    return None if written is None else literal_column(written)


def constraint_ddl(constraint: Constraint, rendering: str, foreign_keys: bool, deferrable: bool = False) -> str | None:
    """One constraint of CREATE TABLE; None for those that are not declared."""
    name = f"CONSTRAINT {quote_identifier(constraint.name)} " if constraint.name else ""
    if isinstance(constraint, UniqueConstraint):
        return f"{name}UNIQUE ({_names(constraint)})"
    if isinstance(constraint, CheckConstraint):
        given = constraint.sqltext
        text = given if isinstance(given, str) else readable(given, rendering, literal_binds=True, qualify=False)
        return f"{name}CHECK ({text})"
    if isinstance(constraint, ForeignKeyConstraint) and foreign_keys:
        targets = [key.column for key in constraint.elements]
        text = (
            f"{name}FOREIGN KEY({_names(constraint)}) REFERENCES {quoted_table(targets[0].table)} ({_names(targets)})"
        )
        if constraint.ondelete:
            text += f" ON DELETE {constraint.ondelete}"
        if constraint.onupdate:
            text += f" ON UPDATE {constraint.onupdate}"
        return text + (" DEFERRABLE INITIALLY DEFERRED" if deferrable else "")
    return None


def create_index(index: Index, *, rendering: str = "sqlite", if_not_exists: bool = False) -> str:
    """CREATE INDEX."""
    assert index.table is not None
    unique = "UNIQUE " if index.unique else ""
    exists = "IF NOT EXISTS " if if_not_exists else ""
    texts = [readable(one, rendering, literal_binds=True, qualify=False) for one in index.expressions]
    wrapped = [
        f"({text})" if one.visit_name in ("binary", "function") else text
        for one, text in zip(index.expressions, texts, strict=True)
    ]
    name = quote_identifier(str(index.name))
    given = index.where
    if given is not None and not isinstance(given, str):
        given = readable(given, rendering, literal_binds=True, qualify=False)
    where = "" if given is None else f" WHERE {given}"
    return f"CREATE {unique}INDEX {exists}{name} ON {quoted_table(index.table)} ({', '.join(wrapped)}){where}"


def drop_index(index: Index, *, if_exists: bool = False) -> str:
    """DROP INDEX."""
    return f"DROP INDEX {'IF EXISTS ' if if_exists else ''}{quote_identifier(str(index.name))}"


def drop_table(table: Table, *, if_exists: bool = False) -> str:
    """DROP TABLE."""
    return f"DROP TABLE {'IF EXISTS ' if if_exists else ''}{quoted_table(table)}"


def create_sequence(sequence: Sequence, *, if_not_exists: bool = False) -> str:
    """CREATE SEQUENCE."""
    exists = "IF NOT EXISTS " if if_not_exists else ""
    step = f" INCREMENT BY {sequence.increment}" if sequence.increment != 1 else ""
    return f"CREATE SEQUENCE {exists}{quote_identifier(sequence.name)} START WITH {sequence.start}{step}"


def drop_sequence(sequence: Sequence, *, if_exists: bool = False) -> str:
    """DROP SEQUENCE."""
    return f"DROP SEQUENCE {'IF EXISTS ' if if_exists else ''}{quote_identifier(sequence.name)}"


def sorted_indexes(table: Table) -> list[Index]:
    """The indexes of a table, by name."""
    return sorted(table.indexes, key=lambda one: str(one.name))


def _names(columns: Any) -> str:
    return ", ".join(quote_identifier(column.name) for column in columns)


def _order(constraint: Constraint) -> tuple[Any, ...]:
    """Unique, then check, then foreign keys; each by its columns, so that the text is stable."""
    kinds = (UniqueConstraint, CheckConstraint, ForeignKeyConstraint)
    kind = next((number for number, one in enumerate(kinds) if isinstance(constraint, one)), -1)
    return (
        kind,
        constraint.name or "",
        [column.name for column in constraint.columns],
        str(getattr(constraint, "sqltext", "")),
        [key.target_fullname for key in getattr(constraint, "elements", ())],
    )
