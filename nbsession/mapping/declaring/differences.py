"""What differs between two declarations of a class: what can be taken over in place, and what cannot. Changes nothing."""

from __future__ import annotations

from types import CodeType
from typing import TYPE_CHECKING, Any, NamedTuple

from nbsession.mapping.declaring.mapper_arguments import MapperArguments
from nbsession.mapping.relating.relationships import Relationship
from nbsession.sql.columns import Column, FetchedValue
from nbsession.sql.constraints import Constraint, ForeignKeyConstraint, Index
from nbsession.sql.schema import Table
from nbsession.sql.types import NullType, TypeEngine

if TYPE_CHECKING:
    from nbsession.mapping.mapper import Mapper

DETAILS = (
    "nullable",
    "unique",
    "index",
    "default",
    "server_default",
    "onupdate",
    "server_onupdate",
    "autoincrement",
    "comment",
    "computed",
)
"""what may change about a column without its values changing"""


class Said(NamedTuple):
    """How a class was declared, as far as it tells the mapping.

    :ivar parent: the mapper it inherits from, or None.
    :ivar table_name: the name it gives its table; None if it has none of its own.
    :ivar given_table: the Table it names itself, or None.
    :ivar shared: attributes whose column may be in the table already.
    :ivar rules: what it says beside columns of its table: constraints, indexes, options.
    """

    parent: Mapper | None
    arguments: MapperArguments
    columns: dict[str, Column]
    relationships: dict[str, Relationship]
    deferred: dict[str, str | None]
    raising: set[str]
    shared: set[str]
    table_name: str | None
    given_table: Any
    rules: Any


class Differences(NamedTuple):
    """What a new declaration says that the one before did not.

    :ivar breaking: reasons, in words, why objects of the one cannot be objects of the other.
    :ivar added: attribute to new column.
    :ivar altered: attribute to column as it is now, where only details differ.
    :ivar relationships: attribute to relationship as it is now, for those that are new or differ; None: it is gone.
    :ivar relinked: does anything about relationships differ that were there already?
    :ivar rules: do constraints or indexes of the table differ?
    :ivar loading: are other columns loaded only when touched?
    """

    breaking: list[str]
    added: dict[str, Column]
    altered: dict[str, Column]
    relationships: dict[str, Relationship | None]
    relinked: bool = False
    rules: bool = False
    loading: bool = False

    @property
    def nothing(self) -> bool:
        """Is the mapping the same?"""
        return not (self.breaking or self.added or self.altered or self.relationships or self.rules or self.loading)


NONE = Differences([], {}, {}, {})


def differences(mapper: Mapper, now: Said) -> Differences:
    """Compares a mapper with a new declaration of its class.

    :param mapper: of the class that is there; ``mapper.said`` is how it was declared.
    :param now: how it is declared now.
    """
    before: Said = mapper.said
    breaking = [*_place(before, now), *_columns_lost(before, now)]
    added, altered = {}, {}
    for key, column in now.columns.items():
        known = before.columns.get(key)
        if known is None:
            added[key] = column
            if column.primary_key:
                breaking.append(f"{key}: a new column of the primary key")
        elif known is not column:
            breaking += _column(key, known, column)
            if not _alike(known, column):
                altered[key] = column
    relationships, relinked = _relationships(mapper, now)
    relinked = relinked or any(_keys(before.columns[key]) != _keys(column) for key, column in altered.items())
    rules, loading = sign(before.rules) != sign(now.rules), _late(before) != _late(now)
    return Differences(breaking, added, altered, relationships, relinked, rules, loading)


def _late(said: Said) -> Any:
    return said.deferred, said.raising


def same_table(table: Table, items: tuple[Any, ...]) -> bool:
    """Does a ``Table(...)`` with these columns and constraints say of a table what was said before?"""
    columns = [one for one in items if isinstance(one, Column)]
    rules = [one for one in items if isinstance(one, (Constraint, Index))]
    there = {sign(rule) for rule in (*table.constraints, *table.indexes)}
    return (
        [column.name for column in columns] == [column.name for column in table.c]
        and not any(
            _column(one.name, known, one) or not _alike(known, one) for known, one in zip(table.c, columns, strict=True)
        )
        and all(sign(rule) in there for rule in rules)
    )


def _place(before: Said, now: Said) -> list[str]:
    """Where its rows lie, and how they are told apart."""
    found = []
    if before.parent is not now.parent:
        found.append("it inherits from another class")
    if before.table_name != now.table_name or before.given_table is not now.given_table:
        found.append(f"another table: {before.table_name} → {now.table_name}")
    for name, was, is_ in zip(before.arguments._fields, before.arguments, now.arguments, strict=True):
        if sign(was) != sign(is_):
            found.append(f"another {name}")
    return found


def _columns_lost(before: Said, now: Said) -> list[str]:
    return [f"{key}: the column is gone" for key in before.columns if key not in now.columns]


def _column(key: str, was: Column, is_: Column) -> list[str]:
    """What about a column makes its old values mean nothing."""
    found = []
    if was.name != is_.name:
        found.append(f"{key}: another column, {was.name} → {is_.name}")
    if was.primary_key != is_.primary_key:
        found.append(f"{key}: {'now' if is_.primary_key else 'no longer'} part of the primary key")
    if not isinstance(is_.type, NullType) and type(was.type) is not type(is_.type):
        found.append(f"{key}: another type, {_type(was)} → {_type(is_)}")
    return found


def _type(column: Column) -> str:
    return type(column.type).__name__


def _alike(was: Column, is_: Column) -> bool:
    types = isinstance(is_.type, NullType) or sign(was.type) == sign(is_.type)
    details = all(sign(getattr(was, name)) == sign(getattr(is_, name)) for name in DETAILS)
    return types and details and _keys(was) == _keys(is_)


def _keys(column: Column) -> list[Any]:
    """What a column refers to."""
    return sorted(
        (key.target_fullname, key.ondelete or "", key.onupdate or "", key.name or "") for key in column.foreign_keys
    )


def _relationships(mapper: Mapper, now: Said) -> tuple[dict[str, Relationship | None], bool]:
    before = {key: one for key, one in mapper.declared.items() if one.parent is mapper and not one.is_backref}
    found: dict[str, Relationship | None] = {key: None for key in before if key not in now.relationships}
    relinked = bool(found)
    for key, declared in now.relationships.items():
        known = before.get(key)
        if known is None:
            found[key] = declared
        elif sign(known.said()) != sign(declared.said()):
            found[key] = declared
            relinked = True
    return found, relinked


def sign(value: Any) -> Any:
    """A value as something that is equal for equal source text: of functions the code, of classes and tables the name."""
    if isinstance(value, type):
        return value.__qualname__
    if isinstance(value, (str, bytes, int, float, type(None))):
        return value
    if isinstance(value, Column):
        return ("column", value.name)
    if isinstance(value, Table):
        return ("table", value.key)
    if isinstance(value, (TypeEngine, FetchedValue)):
        return type(value).__qualname__, repr(value)
    if isinstance(value, (Constraint, Index)):
        return _rule(value)
    if isinstance(value, dict):
        return tuple((sign(key), sign(one)) for key, one in value.items())
    if isinstance(value, (list, tuple)):
        return tuple(map(sign, value))
    if isinstance(value, CodeType):
        return value.co_code, value.co_names, tuple(map(sign, value.co_consts))
    column = getattr(value, "column", None)
    if isinstance(column, Column):  # a mapped attribute, or what mapped_column() returned
        return ("column", column.name)
    code = getattr(value, "__code__", None)
    if code is not None:
        return sign(code)
    if hasattr(value, "visit_name"):
        return str(value)
    text = repr(value)
    return type(value).__qualname__ if " at 0x" in text else (type(value).__qualname__, text)


def _rule(rule: Constraint | Index) -> Any:
    given = rule.expressions if isinstance(rule, Index) else rule._given
    said = [
        type(rule).__name__,
        *(one if isinstance(one, str) else getattr(one, "name", None) or str(one) for one in given),
    ]
    if isinstance(rule, ForeignKeyConstraint):
        said += [key.target_fullname for key in rule.elements] + [rule.ondelete, rule.onupdate]
    explicit = None if isinstance(rule, Index) and (rule.name or "").startswith("ix_") else rule.name
    return (*said, str(getattr(rule, "sqltext", "")), explicit, bool(getattr(rule, "unique", False)))
