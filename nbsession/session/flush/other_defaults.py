"""Defaults of columns that a row's class does not have: other classes have them, in the one table of their hierarchy.

A default belongs to the column of the table, as in SQLAlchemy: every INSERT gives it. No object holds the value.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nbsession.sql.defaults import default_value, is_sql_default
from nbsession.tracking.instance_state import state_of

if TYPE_CHECKING:
    from nbsession.session.flush.row_shape import RowShape
    from nbsession.sql.schema import Column


class DefaultsOfOthers:
    """What is added to the rows of a shape.

    :ivar by_database: does the database work one of the defaults out? Then each row has a statement of its own.
    """

    def __init__(self, shape: RowShape, dialect: Any) -> None:
        self._unowned = shape.unowned
        columns = list(dict.fromkeys(c for unowned in shape.unowned.values() for c in unowned))
        self._columns = columns
        self._process = {column: dialect.bind_processor(column.type) for column in columns}
        self.by_database = any(is_sql_default(column.default) for column in columns)

    def missing(self, columns: Sequence[Column]) -> tuple[Column, ...]:
        """The columns that an INSERT of these has to name, too."""
        return tuple(column for column in self._columns if column not in set(columns))

    def filled(
        self, columns: Sequence[Column], objects: Sequence[Any], rows: Sequence[tuple[Any, ...]]
    ) -> list[tuple[Any, ...]]:
        """The rows, with the defaults in their places.

        :param columns: the columns of the INSERT.
        """
        places = {column: place for place, column in enumerate(columns)}
        found = []
        for obj, row in zip(objects, rows, strict=True):
            values = [*row, *[None] * (len(columns) - len(row))]
            for column in self._unowned.get(state_of(obj).mapper, ()):
                value, process = default_value(column.default), self._process[column]
                values[places[column]] = value if process is None or value is None else process(value)
            found.append(tuple(values))
        return found
