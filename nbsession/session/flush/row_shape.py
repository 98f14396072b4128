"""What objects of one class, or of several of one hierarchy, write into one table. Knows mappers and columns, no object."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from nbsession.exc import InvalidRequestError
from nbsession.mapping.attributes import describe

if TYPE_CHECKING:
    from nbsession.mapping.mapper import Mapper
    from nbsession.sql.schema import Column, Table


class RowShape:
    """Attribute by attribute, what goes into a row.

    :ivar table: the table.
    :ivar mappers: the classes that write; without inheritance one.
    :ivar mapper: the only one of them, or the class from which they all have the table.
    :ivar fields: attribute key to column.
    :ivar own_keys: for each mapper, the keys that its objects have: a row of another class leaves the others NULL.
    :ivar pk_keys: attribute keys of the table's primary key, in its order.
    :ivar generated: the column whose values the database makes, or None.
    :ivar first: is it the table in which an object of the hierarchy gets its key? It is written first and deleted last.
    :ivar completes: once it is inserted, is the object's key known? Of a mapped join it is the last table.
    :ivar taken_keys: key attributes that a row before this one brings.
    :ivar version_key: the attribute that counts versions, if it lies here.
    :ivar counted: that attribute, unless the database counts.
    :ivar writers: by dialect, what writes such rows.
    """

    def __init__(self, mappers: Sequence[Mapper], table: Table, fields: dict[str, Column]) -> None:
        if table.is_view:
            raise InvalidRequestError(
                f"{mappers[0].class_.__name__} is mapped to the view {table.name!r}, which can be read only: its objects cannot be "
                "inserted, changed or deleted. Change the rows of the tables it shows, and expunge or expire these objects."
            ) from None
        self.mappers = tuple(mappers)
        first = self.mappers[0]
        self.mapper = first if len(self.mappers) == 1 else next(m for m in first.lineage if table in m.tables)
        self.table = table
        self.fields = fields
        self.keys = tuple(fields)
        self.own_keys = {mapper: frozenset(mapper.columns_of(table)) for mapper in self.mappers}
        self.first = table is self.mapper.tables[0]
        self.pk_keys = self.mapper.table_keys(table)
        self.in_order = self.pk_keys == self.mapper.pk_keys
        self.primary_key = tuple(table.primary_key)
        self.generated = self.mapper.generated_of(table)
        tables = self.mapper.tables
        self.completes = self.first if self.mapper.inherits is not None else table is tables[-1]
        before = tables[: tables.index(table)]
        self.taken_keys = tuple(
            key for key in self.mapper.pk_keys if any(key in self.mapper.columns_of(one) for one in before)
        )
        version = self.mappers[0].version_key
        self.version_key = version if version in fields else None
        counts = self.mappers[0].version_id_generator is not False
        self.counted: tuple[str, ...] = (self.version_key,) if self.version_key is not None and counts else ()
        self.writers: dict[str, Any] = {}

    @cached_property
    def names(self) -> dict[str, str]:
        """Attribute key to column name."""
        return {key: column.name for key, column in self.fields.items()}

    @cached_property
    def unowned(self) -> dict[Mapper, tuple[Column, ...]]:
        """Columns of the table that a class does not have, but other classes of one table do: those with a default."""
        defaulted = [column for column in self.table.c if column.default is not None]
        found = {}
        for mapper in self.mappers if defaulted else ():
            own = set(mapper.columns_of(self.table).values())
            found[mapper] = tuple(column for column in defaulted if column not in own)
        return {mapper: columns for mapper, columns in found.items() if columns}

    def key_parts(self, ident: Any) -> tuple[Any, ...]:
        """The primary key of a row of this table, by the key that its object carries."""
        parts: tuple[Any, ...] = self.mapper.identity_key(ident)[1]
        if self.in_order:
            return parts
        values = dict(zip(self.mapper.pk_keys, parts, strict=True))
        return tuple(values[key] for key in self.pk_keys)

    def lack_of_keys(self, objects: Iterable[Any]) -> str | None:
        """What is wrong where a key was not given; None if all were. Most databases refuse such a row themselves."""
        mapper = self.mapper
        for obj in objects:
            if mapper.ident_of_values(obj.__dict__) is None:
                missing = [k for k in mapper.pk_keys if obj.__dict__.get(k) is None]
                return (
                    f"Instance {describe(obj)} has a NULL identity key: {', '.join(missing)} is not set, and the database "
                    "does not generate it. Set it, or the relationship it comes from, before the flush."
                )
        return None

    def __repr__(self) -> str:
        return f"<RowShape {'/'.join(m.class_.__name__ for m in self.mappers)} in {self.table.name}>"


def shape_of(mappers: Sequence[Mapper], table: Table) -> RowShape | None:
    """The shape in which objects of these classes can be written together; None if they call different columns the same."""
    key = "rows", table, tuple(mappers)
    kept = mappers[0].memo
    try:
        return kept[key]  # type: ignore[no-any-return]
    except KeyError:
        pass
    fields: dict[str, Any] = {}
    fits = True
    for mapper in mappers:
        for name, column in mapper.columns_of(table).items():
            fits = fits and fields.setdefault(name, column) is column
    shape = RowShape(mappers, table, fields) if fits else None
    kept[key] = shape
    return shape


def shapes_of(mapper: Mapper) -> tuple[RowShape, ...]:
    """The rows that an object of a class has, base table first."""
    try:
        return mapper.memo["shapes"]  # type: ignore[no-any-return]
    except KeyError:
        shapes = tuple(shape for table in mapper.tables if (shape := shape_of((mapper,), table)) is not None)
        mapper.memo["shapes"] = shapes
        return shapes
