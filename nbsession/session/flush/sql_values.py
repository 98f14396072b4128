"""Rows with SQL expressions among their values: ``counter.n = Counter.n + 1``. Each has a statement of its own.

What the database worked out is not known here: the attribute is dropped, and loads when it is touched.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

from nbsession.database.connection import Connection
from nbsession.sql.base import ClauseElement
from nbsession.sql.expression import insert, update

if TYPE_CHECKING:
    from nbsession.session.flush.row_shape import RowShape
    from nbsession.sql.schema import Column

_PLAIN: set[type] = {int, str, float, bool, bytes, type(None)}


def holds_sql(rows: Iterable[Iterable[Any]]) -> bool:
    """Is there an expression among the values? Looks at their types only: it is asked of every row that is written."""
    kinds = set(map(type, chain.from_iterable(rows)))
    return not kinds <= _PLAIN and any(map(_is_sql_type, kinds - _PLAIN))


def is_sql(value: Any) -> bool:
    """Is the value an expression?"""
    return _is_sql_type(type(value))


def _is_sql_type(kind: type) -> bool:
    return issubclass(kind, ClauseElement) or hasattr(kind, "__clause_element__")


class SqlRows:
    """Writes single rows of a shape by ordinary statements."""

    def __init__(self, shape: RowShape) -> None:
        self.shape = shape

    def insert(self, connection: Connection, obj: Any, keys: Iterable[str]) -> None:
        """Inserts an object's row and gives the object what its primary key became.

        :param keys: the attributes to write.
        """
        shape, values = self.shape, obj.__dict__
        given = {shape.fields[key]: values[key] for key in keys if key in values}
        statement = insert(shape.table).values(given).returning(*shape.primary_key)
        made = connection.execute(statement).one()
        _forget_expressions(values, keys)
        values.update(zip(shape.pk_keys, made, strict=True))

    def update(
        self, connection: Connection, obj: Any, keys: Iterable[str], match: Sequence[Column], found: Sequence[Any]
    ) -> int:
        """Updates an object's row.

        :param keys: the attributes to write.
        :param match: the columns that find the row.
        :param found: their values.
        :return: how many rows there were.
        """
        shape, values = self.shape, obj.__dict__
        statement = update(shape.table).values({shape.fields[key]: values.get(key) for key in keys})
        statement = statement.where(*(column == value for column, value in zip(match, found, strict=True)))
        matched = connection.execute(statement).rowcount
        _forget_expressions(values, keys)
        return int(matched)


def _forget_expressions(values: dict[str, Any], keys: Iterable[str]) -> None:
    for key in keys:
        if key in values and is_sql(values[key]):
            del values[key]
