"""INSERT, UPDATE and DELETE.

Knows which column each value is for. Defaults of columns are filled in when the statement is compiled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from nbsession.exc import ArgumentError, CompileError
from nbsession.sql.base import ClauseElement, Executable, ShapeWalk
from nbsession.sql.columns import bare
from nbsession.sql.elements import BindParameter, clause_of, literal_or_clause
from nbsession.sql.joins import attribute_of
from nbsession.sql.selectable import columns_of, from_of

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping
    from typing import TypeVar

    D = TypeVar("D", bound="Dml")
    W = TypeVar("W", bound="Filtered")

Row = tuple[tuple[Any, Any], ...]
"""The values of one row: pairs of column and clause."""


class Dml(Executable):
    """What the three have in common.

    :ivar entity: what was given: a table or an entity.
    :ivar table: the table.
    :ivar raw_returning: what was given to ``returning()``.
    """

    kind: ClassVar[str] = "dml"
    raw_returning: tuple[Any, ...] = ()
    _prefixes: tuple[str, ...] = ()

    def __init__(self, table: Any) -> None:
        self.entity = table
        self.table: Any = from_of(table)
        if not hasattr(self.table, "metadata"):  # a class that lies in several tables: its own
            self.table = getattr(getattr(table, "__mapper__", None), "local_table", self.table)
        if not hasattr(self.table, "metadata"):
            raise ArgumentError(f"{type(self).__name__} needs a table, got {table!r}.")

    def returning(self: D, *columns: Any, sort_by_parameter_order: bool = False) -> D:
        """With the rows it wrote (or deleted) as result.

        :param sort_by_parameter_order: of an INSERT, in the order of the rows given; here they always are.
        """
        for one in columns:
            columns_of(one)
        return self._copy(raw_returning=self.raw_returning + columns)

    def prefix_with(self: D, *prefixes: str) -> D:
        """With words after the first one: ``insert(t).prefix_with("OR REPLACE")``."""
        return self._copy(_prefixes=self._prefixes + prefixes)

    def column_for(self, key: Any) -> Any:
        """The column that a key of ``values()`` means: a column, an attribute, or its name.

        :raises CompileError: for a name that the table does not have.
        """
        if not isinstance(key, str):
            column = clause_of(key)
        else:
            attribute = getattr(self.entity, key, None) if self.entity is not self.table else None
            if hasattr(attribute, "__clause_element__"):
                column = attribute.__clause_element__()  # type: ignore[union-attr]
            else:
                column = self.table.c.get(key)
                if column is None:
                    column = next((one for one in self.table.c if one.name == key), None)
        if column is None:
            raise CompileError(f"Unconsumed column names: {key} (table '{self.table.name}' has no such column)")
        return getattr(column, "original", column)

    def _pairs(self, values: Mapping[Any, Any]) -> Row:
        pairs = []
        for key, value in values.items():
            column = self.column_for(key)
            clause = BindParameter(None, None, column.type) if value is None else literal_or_clause(value, column.type)
            if isinstance(clause, BindParameter) and clause.key is not None and clause.type.affinity == "null":
                clause = clause._clone()
                clause.type = column.type
            pairs.append((column, self._bare(clause)))
        return tuple(pairs)

    def _bare(self, clause: Any) -> Any:
        """A clause about the columns themselves, where an entity is written: only its table is in the statement."""
        return clause if self.entity is self.table else bare(clause)

    def _parameter_shape(self, parameters: Mapping[str, Any] | None) -> Hashable:
        return (tuple(parameters or ()), super()._parameter_shape(parameters))

    def _shape_row(self, row: Row, walk: ShapeWalk) -> None:
        walk.key.append(len(row))
        for column, clause in row:
            walk.key.append(column.uid)
            clause._shape(walk)

    def _shape_head(self, walk: ShapeWalk) -> None:
        walk.key += (self.visit_name, self.table.uid, self._prefixes, len(self.raw_returning))
        before = len(walk.binds)
        for raw in self.raw_returning:
            for column in columns_of(raw):
                column._shape(walk)
            walk.key.append("returned")
        # DuckDB takes no parameters in RETURNING: literals there become part of the text, and so of the shape
        walk.key += [repr(bind.value) for bind in walk.binds[before:]]


class Insert(Dml):
    """INSERT; made by :func:`nbsession.insert`."""

    visit_name = "insert"
    kind = "insert"
    rows: tuple[Row, ...] = ()
    select: Any = None
    select_columns: tuple[Any, ...] = ()
    include_defaults: bool = True

    def values(self, *given: Any, **values: Any) -> Insert:
        """With these values: by name, as one dict or tuple, or as a list of them for several rows."""
        if given and isinstance(given[0], list):
            return self._copy(rows=self.rows + tuple(self._pairs(self._by_name(one)) for one in given[0]))
        merged: dict[Any, Any] = {}
        if len(given) == 1:
            merged.update(self._by_name(given[0]))
        elif given:
            merged.update(self._by_name(given))
        merged.update(values)
        row = self._pairs(merged)
        if len(self.rows) == 1:
            new = {id(column) for column, _ in row}
            row = (*[pair for pair in self.rows[0] if id(pair[0]) not in new], *row)
        return self._copy(rows=(row,))

    def _by_name(self, given: Any) -> Mapping[Any, Any]:
        if isinstance(given, tuple | list):
            return dict(zip(self.table.c.keys(), given, strict=False))
        if not hasattr(given, "keys"):
            raise ArgumentError(f"values() expects a dict, a tuple or a list of them, got {given!r}.")
        result: Mapping[Any, Any] = given
        return result

    def from_select(self, names: Any, select: Any, include_defaults: bool = True) -> Insert:
        """With the rows of a SELECT, for these columns."""
        columns = tuple(self.column_for(name) for name in names)
        return self._copy(select=select, select_columns=columns, include_defaults=include_defaults)

    def _shape(self, walk: ShapeWalk) -> None:
        self._shape_head(walk)
        walk.key.append(len(self.rows))
        for row in self.rows:
            self._shape_row(row, walk)
        if self.select is not None:
            walk.key += (self.include_defaults, len(self.select_columns), *[one.uid for one in self.select_columns])
            self.select._shape(walk)


class Filtered(Dml):
    """UPDATE and DELETE: with a WHERE."""

    _where: tuple[Any, ...] = ()

    def where(self: W, *criteria: Any) -> W:
        """The rows that meet all criteria."""
        return self._copy(_where=self._where + tuple(self._bare(clause_of(one)) for one in criteria))

    filter = where

    def filter_by(self: W, **values: Any) -> W:
        """``where`` with equality."""
        return self.where(*[attribute_of(self.entity, name) == value for name, value in values.items()])

    @property
    def whereclause(self) -> Any:
        """The criteria as one clause, or None."""
        from nbsession.sql.expression import and_

        return and_(*self._where) if self._where else None

    def _shape_where(self, walk: ShapeWalk) -> None:
        walk.key.append(len(self._where))
        for clause in self._where:
            clause._shape(walk)


class Update(Filtered):
    """UPDATE; made by :func:`nbsession.update`."""

    visit_name = "update"
    kind = "update"
    row: Row = ()

    def values(self, *given: Mapping[Any, Any], **values: Any) -> Update:
        """Set these columns, to values or expressions."""
        merged: dict[Any, Any] = {}
        for one in given:
            merged.update(one)
        merged.update(values)
        row = self._pairs(merged)
        new = {id(column) for column, _ in row}
        return self._copy(row=(*[pair for pair in self.row if id(pair[0]) not in new], *row))

    def ordered_values(self, *pairs: tuple[Any, Any]) -> Update:
        """Set these columns, in this order."""
        return self.values(dict(pairs))

    def _shape(self, walk: ShapeWalk) -> None:
        self._shape_head(walk)
        self._shape_row(self.row, walk)
        self._shape_where(walk)


class Delete(Filtered):
    """DELETE; made by :func:`nbsession.delete`."""

    visit_name = "delete"
    kind = "delete"

    def _shape(self, walk: ShapeWalk) -> None:
        self._shape_head(walk)
        self._shape_where(walk)


__all__ = ["ClauseElement", "Delete", "Dml", "Insert", "Update"]
