"""Names for what is mapped by itself: attributes and classes that Python can say. Knows tables and constraints, no mapper.

What a database calls ``first name``, ``class`` or ``2024`` is ``first_name``, ``class_`` and ``_2024`` here.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Container
from typing import Any

from nbsession.sql.schema import Column, ForeignKeyConstraint, Table

RESERVED = frozenset(["metadata", "registry", "self"])
"""names that mean something on every declarative class"""


def said_in_python(name: str, taken: Container[str] = ()) -> str:
    """A name as Python can say it, and that is free: ``first name`` is ``first_name``, ``class`` is ``class_``."""
    found = re.sub(r"\W", "_", name)
    if found.startswith(("__", "_nbs_")):
        found = found.lstrip("_")
    if not found or found[0].isdigit():
        found = f"_{found}"
    if keyword.iskeyword(found) or found in RESERVED:
        found += "_"
    while found in taken:
        found += "_"
    return found


def attribute_names(table: Table) -> dict[str, Column]:
    """Attribute to column. Columns whose names are names in Python have them; the others take what is left."""
    plain = {column.key: column for column in table.c if said_in_python(column.key) == column.key}
    others: dict[str, Column] = {}
    for column in table.c:
        if column.key not in plain:
            others[said_in_python(column.key, {*plain, *others})] = column
    by_column = {id(column): name for name, column in {**plain, **others}.items()}
    return {by_column[id(column)]: column for column in table.c}


def in_order(table: Table) -> list[ForeignKeyConstraint]:
    """The foreign keys of a table, by the places of their columns."""
    places = {id(column): place for place, column in enumerate(table.c)}
    return sorted(
        table.foreign_key_constraints,
        key=lambda one: ([places[id(column)] for column in one.columns], one.referred_table.key),
    )


def with_columns(name: str, constraint: ForeignKeyConstraint) -> str:
    """A longer name, for the second way between two tables: ``message_collection_by_editor_id``."""
    return said_in_python("_".join([name, "by", *[column.key for column in constraint.columns]]))


# ── SQLAlchemy's rules, which prepare() takes unless told others ─────────────────────────────────────────────────────
def classname_for_table(base: type[Any], tablename: str, table: Table) -> str:
    """The name of a table's class: the table's own."""
    return tablename


def name_for_scalar_relationship(
    base: type[Any], local_cls: type[Any], referred_cls: type[Any], constraint: ForeignKeyConstraint
) -> str:
    """The name of the attribute that leads to one object: the other class in small letters."""
    return referred_cls.__name__.lower()


def name_for_collection_relationship(
    base: type[Any], local_cls: type[Any], referred_cls: type[Any], constraint: ForeignKeyConstraint
) -> str:
    """The name of the attribute that holds many: the other class in small letters, and ``_collection``."""
    return referred_cls.__name__.lower() + "_collection"
