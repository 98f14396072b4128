"""What a mapping says of its attributes: columns, relationships, and which columns are loaded only when touched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from nbsession.exc import ArgumentError
from nbsession.mapping.relating.relationships import Relationship
from nbsession.sql.columns import Column, bare
from nbsession.sql.elements import BinaryExpression
from nbsession.sql.operators import EQ
from nbsession.sql.selectable import Join
from nbsession.sql.visitors import iterate


class Deferred:
    """What :func:`deferred` returns.

    :ivar column: the column, or what ``mapped_column()`` returned.
    :ivar group: the name of the group it is loaded with, or None.
    :ivar raises: is touching it an error, unless a query undefers it?
    """

    def __init__(self, column: Any, group: str | None, raises: bool) -> None:
        self.column = column
        self.group = group
        self.raises = raises


def deferred(column: Any, *, group: str | None = None, raiseload: bool = False) -> Any:
    """A column that is left out of SELECTs, and loaded when it is touched.

    :param column: a Column or ``mapped_column()``.
    :param group: columns of one group are loaded together, at the first touch of any of them.
    :param raiseload: touching it is an error; ``undefer()`` loads it with the object.

    >>> class Book(Base): ...
    ...     text: Mapped[str] = deferred(mapped_column())
    """
    return Deferred(column, group, raiseload)


class Properties(NamedTuple):
    """The attributes of a mapping, in order.

    :ivar columns: attribute to column; where several columns are one attribute, the first.
    :ivar relationships: attribute to relationship.
    :ivar deferred: attribute to group (or None) of the columns that are loaded only when touched.
    :ivar further: attribute to the other columns it stands for (mapped joins).
    :ivar raising: those of the deferred that may not be touched.
    """

    columns: dict[str, Column]
    relationships: dict[str, Relationship]
    deferred: dict[str, str | None]
    further: dict[str, list[Column]]
    raising: set[str]

    @classmethod
    def empty(cls) -> Properties:
        """With nothing in it yet."""
        return cls({}, {}, {}, {}, set())


def read_properties(cls: type, table: Any, given: Mapping[str, Any]) -> Properties:
    """The attributes of an imperative mapping: those that are named, then every other column under its own name.

    :param table: a Table or a Join, or None for a subclass without a table.
    :param given: attribute to relationship, column, list of columns, or ``deferred(column)``.
    :raises ArgumentError: it is none of them, or columns of one name in a join are not the same.
    """
    found = Properties.empty()
    for key, value in given.items():
        if isinstance(value, Relationship):
            found.relationships[key] = value
            continue
        if isinstance(value, Deferred):
            found.deferred[key] = value.group
            if value.raises:
                found.raising.add(key)
            value = value.column
        columns = [bare(one) for one in (value if isinstance(value, (list, tuple)) else [value])]
        if not columns or not all(isinstance(one, Column) for one in columns):
            raise ArgumentError(f"Property '{key}' of {cls.__name__} is neither a column nor a relationship: {value!r}")
        found.columns[key], rest = columns[0], columns[1:]
        if rest:
            found.further[key] = rest
    named = {id(one) for one in [*found.columns.values(), *(c for rest in found.further.values() for c in rest)]}
    named_first = dict(found.columns)
    found.columns.clear()
    for part in () if table is None else table.parts():
        for column in part.c:
            if id(column) not in named:
                _place(found, cls, table, column)
    found.columns.update(named_first)
    return found


def _place(found: Properties, cls: type, table: Any, column: Column) -> None:
    """A column under its own name; in a join, together with the one of that name it must be equal to."""
    other = found.columns.setdefault(column.key, column)
    if other is column:
        return
    if not _joined_by(table, other, column):
        raise ArgumentError(
            f"Implicitly combining column {other} with column {column} under attribute '{column.key}' of {cls.__name__}.  "
            "Please configure one or more attributes for these same-named columns explicitly: properties={...}."
        )
    found.further.setdefault(column.key, []).append(column)


def _joined_by(table: Any, one: Column, other: Column) -> bool:
    """Does the join say that both are equal?"""
    if not isinstance(table, Join):
        return False
    for part in iterate(table.onclause):
        if isinstance(part, BinaryExpression) and part.operator is EQ and {part.left, part.right} == {one, other}:
            return True
    return _joined_by(table.left, one, other) or _joined_by(table.right, one, other)
