"""Constraints and indexes: what a table promises about its rows.

Knows columns, and where a foreign key points (looked up when first asked). Knows no DDL text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbsession.exc import ArgumentError, InvalidRequestError, NoReferencedColumnError, NoReferencedTableError
from nbsession.sql.base import refuse_options
from nbsession.sql.elements import ColumnClause, UnaryExpression, clause_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nbsession.sql.columns import Column
    from nbsession.sql.schema import Table


class Constraint:
    """The root of the constraints: a name, and the columns it is about, in order.

    Columns are given as objects, or by name until the constraint meets its table.
    """

    def __init__(self, *columns: Any, name: str | None = None, info: Any = None, **options: Any) -> None:
        refuse_options(f"{type(self).__name__}()", options)
        self.name = name
        self.info: dict[Any, Any] = dict(info or {})
        self.table: Table | None = None
        self._given: tuple[Any, ...] = columns
        self.columns: tuple[Column, ...] = tuple(one for one in columns if isinstance(one, ColumnClause))  # type: ignore[misc]

    def _attach(self, table: Table) -> None:
        self.table = table
        self.columns = tuple(self._resolve(table, one) for one in self._given)
        table.constraints.add(self)

    def _resolve(self, table: Table, given: Any) -> Column:
        column = table.c.get(given) if isinstance(given, str) else given
        if column is None:
            raise ArgumentError(
                f"Can't create {type(self).__name__} on table '{table.name}': no column named '{given}'."
            )
        result: Column = column
        return result

    @property
    def c(self) -> tuple[Column, ...]:
        """The columns."""
        return self.columns

    def __iter__(self) -> Iterator[Column]:
        return iter(self.columns)

    def __len__(self) -> int:
        return len(self.columns)

    def __contains__(self, column: object) -> bool:
        return any(
            column is one or column == one.key for one in self.columns if isinstance(column, str) or column is one
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name or ''} ({', '.join(one.name for one in self.columns)})>"


class PrimaryKeyConstraint(Constraint):
    """The primary key; a table always has one, perhaps empty."""

    def _attach(self, table: Table) -> None:
        super()._attach(table)
        for column in self.columns:
            column.primary_key = True
            column.nullable = False
        table.primary_key = self

    def contains_column(self, column: object) -> bool:
        """Whether this very column is in it."""
        return any(column is one for one in self.columns)


class UniqueConstraint(Constraint):
    """No two rows agree in these columns."""


class CheckConstraint(Constraint):
    """A condition on each row, as SQL text or as an expression."""

    def __init__(self, sqltext: Any, name: str | None = None, info: Any = None, **options: Any) -> None:
        super().__init__(name=name, info=info, **options)
        self.sqltext: Any = sqltext if isinstance(sqltext, str) else clause_of(sqltext)


class ForeignKey:
    """A column refers to a column: ``Column("user_id", ForeignKey("users.id"))``.

    :param column: ``"table.column"``, or a Column.
    :param ondelete: ``"CASCADE"``, ``"SET NULL"``, ...
    :param deferrable: with ``initially="DEFERRED"``: checked at COMMIT, as all foreign keys here are, unless the engine was
        made with ``foreign_keys="native"``.
    :param use_alter: for tables that refer to each other; there is no need for it here.
    :param options: those of other databases; they say nothing here.
    :ivar parent: the column it is on.
    """

    def __init__(
        self,
        column: Any,
        *,
        ondelete: str | None = None,
        onupdate: str | None = None,
        name: str | None = None,
        constraint: ForeignKeyConstraint | None = None,
        deferrable: bool | None = None,
        initially: str | None = None,
        use_alter: bool = False,
        info: Any = None,
        **options: Any,
    ) -> None:
        refuse_options("ForeignKey()", options)
        _check_deferred(deferrable, initially)
        self.info: dict[Any, Any] = dict(info or {})
        self.use_alter = use_alter
        self._target: Any = column.__clause_element__() if hasattr(column, "__clause_element__") else column
        if not isinstance(self._target, str | ColumnClause):
            raise ArgumentError(f"ForeignKey expects 'table.column' or a Column, got {column!r}.")
        self.ondelete = ondelete
        self.onupdate = onupdate
        self.name = name
        self.parent: Column = None  # type: ignore[assignment]
        self.constraint = constraint

    @property
    def target_fullname(self) -> str:
        """Where it points, as ``table.column``."""
        if isinstance(self._target, str):
            return self._target
        return f"{self._target.table.key}.{self._target.name}" if self._target.table is not None else self._target.name

    @property
    def column(self) -> Column:
        """The column it points to.

        :raises NoReferencedTableError: while the metadata does not hold the table.
        :raises NoReferencedColumnError: if the table does not have the column.
        """
        if isinstance(self._target, str):
            self._target = self._find(self._target)
        column: Column = self._target
        return column

    def _find(self, spec: str) -> Column:
        table_key, _, name = spec.rpartition(".")
        metadata = getattr(getattr(self.parent, "table", None), "metadata", None)
        where = f"Foreign key associated with column '{getattr(self.parent, 'table', None)}.{self.parent.name}'"
        if metadata is None:
            raise InvalidRequestError(f"{where} cannot be resolved: its column is not on a table yet.")
        if not table_key:
            table_key, name = name, self.parent.name
        table = metadata.tables.get(table_key)
        if table is None:
            raise NoReferencedTableError(
                f"{where} could not find table '{table_key}' with which to generate a foreign key to target column "
                f"'{name}'. Define the table in the same MetaData."
            )
        column = table.c.get(name)
        if column is None:
            column = next((one for one in table.c if one.name == name), None)
        if column is None:
            raise NoReferencedColumnError(f"{where}: table '{table_key}' has no column named '{name}'.")
        result: Column = column
        return result

    def resolves(self) -> bool:
        """Whether the column it points to is known already."""
        try:
            return self.column is not None
        except InvalidRequestError:
            return False

    def references(self, table: Any) -> bool:
        """Whether it points to a column of this table."""
        return self.resolves() and self.column.table is table

    def _copy(self) -> ForeignKey:
        return ForeignKey(self._target, ondelete=self.ondelete, onupdate=self.onupdate, name=self.name)

    def __repr__(self) -> str:
        return f"ForeignKey({self.target_fullname!r})"


def _check_deferred(deferrable: bool | None, initially: str | None) -> None:
    if deferrable is False or (initially is not None and initially.upper() != "DEFERRED"):
        raise ArgumentError(
            "deferrable=False and initially='IMMEDIATE' are said for the whole engine here: "
            "create_engine(url, foreign_keys='native'). Leave them out."
        )


class ForeignKeyConstraint(Constraint):
    """Columns refer to columns; every :class:`ForeignKey` of a column ends up in one of these.

    :param columns: columns or names on this table.
    :param refcolumns: ``"table.column"`` or columns on the other, in the same order.
    """

    def __init__(
        self,
        columns: Sequence[Any],
        refcolumns: Sequence[Any],
        name: str | None = None,
        onupdate: str | None = None,
        ondelete: str | None = None,
        deferrable: bool | None = None,
        initially: str | None = None,
        use_alter: bool = False,
        info: Any = None,
        **options: Any,
    ) -> None:
        super().__init__(*columns, name=name, info=info, **options)
        _check_deferred(deferrable, initially)
        self.use_alter = use_alter
        if len(columns) != len(refcolumns):
            raise ArgumentError("ForeignKeyConstraint number of constrained columns must match the referenced columns.")
        self.onupdate = onupdate
        self.ondelete = ondelete
        self.elements: list[ForeignKey] = [
            ForeignKey(one, ondelete=ondelete, onupdate=onupdate, constraint=self) for one in refcolumns
        ]

    @classmethod
    def _of(cls, key: ForeignKey) -> ForeignKeyConstraint:
        """The constraint of one column's ForeignKey."""
        made = cls([], [], key.name, key.onupdate, key.ondelete)
        made._given, made.elements, key.constraint = (key.parent,), [key], made
        return made

    def _attach(self, table: Table) -> None:
        super()._attach(table)
        for column, key in zip(self.columns, self.elements, strict=True):
            key.parent = column
            column.foreign_keys.add(key)

    @property
    def referred_table(self) -> Table:
        """The table it points to."""
        table: Table = self.elements[0].column.table
        return table

    @property
    def column_keys(self) -> list[str]:
        """The keys of the columns on this table."""
        return [one.key for one in self.columns]


class Index:
    """An index: ``Index("ix_name", table.c.name, unique=True)``, or by column names within a Table.

    :param expressions: columns, names of columns, or expressions (``table.c.name.desc()``, ``func.lower(...)``).
    :param sqlite_where: which rows are in it, where not all are: SQL text or an expression. DuckDB has no such indexes.
    """

    def __init__(
        self,
        name: str | None,
        *expressions: Any,
        unique: bool = False,
        info: Any = None,
        sqlite_where: Any = None,
        **options: Any,
    ) -> None:
        refuse_options("Index()", options)
        self.where: Any = sqlite_where
        self.info: dict[Any, Any] = dict(info or {})
        self.name = name
        self.unique = unique
        self.expressions: tuple[Any, ...] = tuple(
            one if isinstance(one, str) else clause_of(one) for one in expressions
        )
        self.table: Table | None = None
        for one in self.expressions:
            column = one.element if isinstance(one, UnaryExpression) else one
            table = getattr(column, "table", None)
            if table is not None and hasattr(table, "indexes"):
                self._attach(table)
                break

    def _attach(self, table: Table) -> None:
        self.table = table
        self.expressions = tuple(table.c[one] if isinstance(one, str) else one for one in self.expressions)
        if self.name is None:
            names = "_".join(getattr(one, "name", "expr") for one in self.expressions)
            self.name = f"ix_{table.name}_{names}"
        table.indexes.add(self)

    @property
    def columns(self) -> tuple[Any, ...]:
        """What it indexes, in order."""
        return self.expressions

    def __repr__(self) -> str:
        return f"<Index {self.name}>"
