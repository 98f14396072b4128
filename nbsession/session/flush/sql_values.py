"""Rows with SQL expressions among their values: ``counter.n = Counter.n + 1``. Each has a statement of its own.

What the database worked out is not known here: the attribute is dropped, and loads when it is touched. Only what a column's
default made comes back with an INSERT, unless the mapping has ``eager_defaults=False``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

from nbsession.database.connection import Connection
from nbsession.database.processors import takes_none
from nbsession.mapping.codegen import parameter_extractor
from nbsession.sql.base import ClauseElement
from nbsession.sql.expression import insert, update
from nbsession.tracking.instance_state import state_of
from nbsession.tracking.unset import forget_unset

if TYPE_CHECKING:
    from nbsession.session.flush.row_shape import RowShape
    from nbsession.sql.schema import Column

_PLAIN: set[type] = {int, str, float, bool, bytes, type(None)}


def extractor(keys: Sequence[str], processors: Mapping[str, Any]) -> Callable[..., Any]:
    """The function that takes the values of rows out of objects, as the driver wants them.

    :param processors: attribute to what makes its values sendable, or None.
    """
    chosen = [processors[key] for key in keys]
    none_too = [place for place, processor in enumerate(chosen) if takes_none(processor)]
    return parameter_extractor(keys, chosen, none_too).function


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

    def insert(self, connection: Connection, obj: Any, keys: Iterable[str], defaulted: Iterable[str] = ()) -> None:
        """Inserts an object's row and gives the object what its primary key became, and the defaults of the database.

        :param keys: the attributes to write.
        :param defaulted: attributes for which the database has a default: they come back where it was used.
        """
        shape, values = self.shape, obj.__dict__
        given = {shape.fields[key]: values[key] for key in keys if key in values}
        wanted = list(shape.pk_keys)
        mapper = state_of(obj).mapper
        if mapper.eager_defaults:
            own = shape.own_keys[mapper]
            made_there = [k for k in defaulted if k in own and (k not in keys or is_sql(values.get(k)))]
            wanted += [key for key in made_there if key not in wanted]
        statement = insert(shape.table).values(given).returning(*(shape.fields[key] for key in wanted))
        made = connection.execute(statement).one()
        _forget_expressions(obj, keys)
        values.update(zip(wanted, made, strict=True))

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
        _forget_expressions(obj, keys)
        return int(matched)


def _forget_expressions(obj: Any, keys: Iterable[str]) -> None:
    values = obj.__dict__
    worked_out = [key for key in keys if key in values and is_sql(values[key])]
    for key in worked_out:
        del values[key]
    forget_unset(obj, worked_out)
