"""What a flush asks of a database: to insert, update or delete many rows of one table, as values to look up its SQL by."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from nbsession.sql.schema import Column, Table


Sets: TypeAlias = Sequence[tuple[Any, ...]]
"""rows to be written"""


class Columns(Sequence[tuple[Any, ...]]):
    """Rows that were taken out of objects column by column, which is quicker, and how a columnar database wants them.

    :param columns: the values of each column.
    :param length: how many rows there are.

    >>> list(Columns([[1, 2], ["saw", "axe"]], 2))
    [(1, 'saw'), (2, 'axe')]
    """

    __slots__ = ("columns", "length")

    def __init__(self, columns: Sequence[list[Any]], length: int) -> None:
        self.columns = columns
        self.length = length

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return zip(*self.columns, strict=True) if self.columns else iter([()] * self.length)

    def __getitem__(self, place: Any) -> Any:
        if isinstance(place, slice):
            return list(self)[place]
        return tuple([values[place] for values in self.columns])


def columns_of(rows: Sets) -> list[list[Any]]:
    """Rows as columns, in a list that may be changed; the columns themselves may not."""
    if isinstance(rows, Columns):
        return list(rows.columns)
    return [list(values) for values in zip(*rows, strict=True)]


class _RowWrite:
    """Compares and hashes by what it writes, the hash being taken once: it is a key for texts built once."""

    __slots__ = ("_hash", "_key", "table")

    def __init__(self, table: Table, *parts: Any) -> None:
        self.table = table
        self._key = (table, *parts)
        self._hash = hash(self._key)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if type(other) is not type(self):
            return NotImplemented
        mine, others = self._key, other._key
        return len(mine) == len(others) and all(_same(a, b) for a, b in zip(mine, others, strict=True))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.table.name}>"


class RowInsert(_RowWrite):
    """INSERT of rows that all give the same columns.

    :param table: the table.
    :param columns: the columns given, in the order of each row's values.
    :param generated: the key column that the database fills, whose values are wanted back; None if there is none.
    """

    __slots__ = ("columns", "generated")

    def __init__(self, table: Table, columns: tuple[Column, ...], generated: Column | None = None) -> None:
        self.columns = tuple(columns)
        self.generated = generated
        super().__init__(table, self.columns, generated)


class RowUpdate(_RowWrite):
    """UPDATE of rows that all set the same columns.

    :param table: the table.
    :param set_columns: the columns set: the first values of each row.
    :param match_columns: the columns that find the row: the last values of each row.
    """

    __slots__ = ("match_columns", "set_columns")

    def __init__(self, table: Table, set_columns: tuple[Column, ...], match_columns: tuple[Column, ...]) -> None:
        self.set_columns = tuple(set_columns)
        self.match_columns = tuple(match_columns)
        super().__init__(table, self.set_columns, self.match_columns)


class RowDelete(_RowWrite):
    """DELETE of rows.

    :param table: the table.
    :param match_columns: the columns that find the row, in the order of each row's values.
    """

    __slots__ = ("match_columns",)

    def __init__(self, table: Table, match_columns: tuple[Column, ...]) -> None:
        self.match_columns = tuple(match_columns)
        super().__init__(table, self.match_columns)


def _same(a: Any, b: Any) -> bool:
    """Columns make SQL of ``==``: they are compared by identity."""
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(x is y for x, y in zip(a, b, strict=True))
    return a is b
