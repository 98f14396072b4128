"""Types that only some databases have: lists, and whatever else their own words say. Knows no database.

``ARRAY`` is SQLAlchemy's name; of the others there is one class, because values go to DuckDB and come back as they are.
"""

from __future__ import annotations

from typing import Any, ClassVar

from nbsession.sql.types import TypeArgument, TypeEngine, to_type


class ARRAY(TypeEngine):
    """A list of values of one type, where the database has such columns: DuckDB's ``INTEGER[]``.

    :param item_type: of the values.
    :param dimensions: how many levels of lists.
    """

    __slots__ = ("dimensions", "item_type")
    python_type = list
    affinity = "array"

    def __init__(self, item_type: TypeArgument, *, dimensions: int | None = None) -> None:
        self.item_type = to_type(item_type)
        self.dimensions = dimensions

    @property
    def key(self) -> tuple[Any, ...]:
        """The type as a hashable value."""
        return type(self), self.item_type.key, self.dimensions, self.declared

    def __repr__(self) -> str:
        return f"ARRAY({self.item_type!r})" + (f" of {self.dimensions} dimensions" if self.dimensions else "")


class NativeType(TypeEngine):
    """A type that its database's words say, and nothing else: ``STRUCT(a INTEGER)``, ``MAP(VARCHAR, INTEGER)``, ``BIT``.

    It is what :meth:`MetaData.reflect` makes of such a column. Values pass through as the driver gives and takes them.

    :param words: as in CREATE TABLE.
    :param database: whose words they are.

    >>> Column("place", NativeType("STRUCT(x DOUBLE, y DOUBLE)"))
    """

    __slots__ = ("words",)
    parameters: ClassVar[tuple[str, ...]] = ("words",)
    affinity = "native"

    def __init__(self, words: str, database: str = "duckdb") -> None:
        self.words = words
        self._declared = (database, words)

    def __repr__(self) -> str:
        return f"NativeType({self.words!r})"
