"""Tables, and the metadata that holds them.

Knows how tables depend on each other. Knows no database: ``create_all(bind)`` asks the bind to create the tables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from nbsession.exc import ArgumentError, InvalidRequestError
from nbsession.sql.base import ShapeWalk, next_uid, refuse_options
from nbsession.sql.columns import Column, Sequence
from nbsession.sql.constraints import (
    CheckConstraint,
    Constraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    PrimaryKeyConstraint,
    UniqueConstraint,
)
from nbsession.sql.selectable import ColumnCollection, FromClause

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from nbsession.sql.dml import Delete, Insert, Update

__all__ = [
    "CheckConstraint",
    "Column",
    "Constraint",
    "ForeignKey",
    "ForeignKeyConstraint",
    "Index",
    "MetaData",
    "PrimaryKeyConstraint",
    "Sequence",
    "Table",
    "UniqueConstraint",
    "sort_tables",
]


class MetaData:
    """A collection of tables that refer to each other.

    :ivar tables: the tables by name, in the order of their definition.
    """

    def __init__(self, *, schema: str | None = None, naming_convention: Any = None, info: Any = None) -> None:
        self.tables: dict[str, Table] = {}
        self.schema = schema
        self.naming_convention = naming_convention
        self.info: dict[Any, Any] = info if info is not None else {}
        self._sequences: dict[str, Sequence] = {}
        self._untyped: list[Column] = []

    def _take_types(self) -> None:
        """Columns that were given no type have that of the column they refer to, once its table is there."""
        waiting = -1
        while self._untyped and len(self._untyped) != waiting:
            waiting = len(self._untyped)
            self._untyped = [column for column in self._untyped if not column._take_type()]

    @property
    def sorted_tables(self) -> list[Table]:
        """The tables, each after those its foreign keys point to."""
        return sort_tables(self.tables.values())

    def __contains__(self, table: object) -> bool:
        return (table if isinstance(table, str) else getattr(table, "key", None)) in self.tables

    def remove(self, table: Table) -> None:
        """Forget a table; the database is not touched."""
        self.tables.pop(table.key, None)

    def clear(self) -> None:
        """Forget all tables."""
        self.tables.clear()

    def create_all(self, bind: Any, tables: Iterable[Table] | None = None, checkfirst: bool = True) -> None:
        """Create the tables in the database.

        :param bind: an engine or a connection.
        :param tables: only these; default all.
        :param checkfirst: leave out those that exist.
        """
        bind.create_tables(self, self._chosen(tables), checkfirst)

    def drop_all(self, bind: Any, tables: Iterable[Table] | None = None, checkfirst: bool = True) -> None:
        """Drop the tables, those that others refer to last."""
        bind.drop_tables(self, self._chosen(tables)[::-1], checkfirst)

    def reflect(
        self,
        bind: Any,
        schema: str | None = None,
        views: bool = False,
        only: Iterable[str] | Callable[[str, MetaData], bool] | None = None,
        extend_existing: bool = False,
        autoload_replace: bool = True,
        resolve_fks: bool = True,
        **options: Any,
    ) -> None:
        """Read the definitions of the tables that the database has, and of those they refer to.

        :param bind: an engine or a connection.
        :param schema: of another schema than the default one.
        :param views: views too; their tables can be read only (``table.is_view``).
        :param only: names, or a function (name, metadata) that says yes or no.
        :param extend_existing: read the columns of tables that are here already; else they stay as they are.
        :param autoload_replace: columns read take the place of those of the same name that are here.
        :param resolve_fks: read the tables that others refer to, even if ``only`` does not name them.
        :raises InvalidRequestError: a table asked for is not there.
        """
        refuse_options("reflect()", options)
        bind.reflect_tables(
            self,
            schema=schema if schema is not None else self.schema,
            views=views,
            only=only if only is None or callable(only) else list(only),
            extend_existing=extend_existing,
            autoload_replace=autoload_replace,
            resolve_fks=resolve_fks,
        )

    def _chosen(self, tables: Iterable[Table] | None) -> list[Table]:
        return self.sorted_tables if tables is None else sort_tables(tables)

    def __repr__(self) -> str:
        return f"<MetaData {', '.join(self.tables) or '(no tables)'}>"


class Table(FromClause):
    """A table: ``Table("users", metadata, Column("id", Integer, primary_key=True), ...)``.

    A second call with the same name and no columns gives the table that is there.

    :param items: columns, constraints, indexes.
    :param extend_existing: add the items to a table that is there.
    :param keep_existing: leave a table that is there as it is.
    :param autoload_with: an engine or connection to read the rest of the definition from: columns given here stay as they are.
    :param autoload_replace: with ``extend_existing``: columns read take the place of those of a table that is there.
    :param include_columns: read these columns only.
    :param resolve_fks: read the tables that it refers to, too.
    :param must_exist: an error if it is not there already.
    :param options: those of other databases (``mysql_...``); they say nothing here.
    :ivar is_view: was it read from a view? It is never created, dropped or written to.
    :raises InvalidRequestError: if the metadata holds another table of this name.
    :raises NoSuchTableError: there is nothing of this name to read from.
    """

    visit_name = "table"
    name: str
    primary_key: Any = None
    is_view = False
    is_the_same: ClassVar[Callable[[Table, tuple[Any, ...]], bool] | None] = None
    """Asked when a table is defined again: is it the one that is there? In a notebook a cell is run twice."""

    def __new__(cls, name: str = "", metadata: MetaData | None = None, *items: Any, **options: Any) -> Table:
        """The table that is there, or an empty one for ``__init__`` to fill."""
        if not isinstance(metadata, MetaData):
            raise ArgumentError(f"Table '{name}' needs a MetaData as second argument, got {metadata!r}.")
        schema = options.get("schema") or metadata.schema
        key = f"{schema}.{name}" if schema else name
        existing = metadata.tables.get(key)
        if existing is None:
            if options.get("must_exist"):
                raise InvalidRequestError(f"Table '{key}' not defined")
            return super().__new__(cls)
        again = items and not options.get("extend_existing") and not options.get("keep_existing")
        if again and not (cls.is_the_same is not None and cls.is_the_same(existing, items)):
            raise InvalidRequestError(
                f"Table '{key}' is already defined for this MetaData instance.  Specify 'extend_existing=True' to "
                "redefine options and columns on an existing Table object."
            )
        return existing

    def __init__(
        self,
        name: str,
        metadata: MetaData,
        *items: Any,
        schema: str | None = None,
        comment: str | None = None,
        info: dict[Any, Any] | None = None,
        prefixes: Iterable[str] = (),
        extend_existing: bool = False,
        keep_existing: bool = False,
        autoload_with: Any = None,
        autoload_replace: bool = True,
        include_columns: Iterable[str] | None = None,
        resolve_fks: bool = True,
        must_exist: bool = False,
        **options: Any,
    ) -> None:
        refuse_options("Table()", options)
        reading = {"include_columns": include_columns and set(include_columns), "resolve_fks": resolve_fks}
        if "metadata" in self.__dict__:
            if not keep_existing and (extend_existing or not items):
                if extend_existing and autoload_with is not None:
                    autoload_with.reflect_table(self, autoload_replace=autoload_replace, **reading)
                self._add(items)
            return
        self.name = name
        self.metadata = metadata
        self.schema = schema or metadata.schema
        self.key = f"{self.schema}.{name}" if self.schema else name
        self.comment = comment
        self.info = info if info is not None else {}
        self.prefixes = tuple(prefixes)
        self.uid = next_uid()
        self._collection = ColumnCollection()
        self.constraints: set[Constraint] = set()
        self.indexes: set[Index] = set()
        self.primary_key = PrimaryKeyConstraint()
        metadata.tables[self.key] = self
        try:
            self._add(items)
            if autoload_with is not None:
                autoload_with.reflect_table(self, **reading)
        except BaseException:
            metadata.remove(self)
            raise
        metadata._take_types()

    def _refill(self, columns: list[Column], rest: Iterable[Constraint | Index]) -> None:
        """Begin anew with these columns, in this order; constraints and indexes that are here already stay.

        :param columns: of this table already, or new ones.
        """
        own = set(map(id, self.c))
        self._collection = ColumnCollection([(column.key, column) for column in columns if id(column) in own])
        self.constraints, self.indexes, self.primary_key = set(), set(), PrimaryKeyConstraint()
        fresh = [column for column in columns if id(column) not in own]
        for one in rest:
            (self.indexes if isinstance(one, Index) else self.constraints).add(one)  # type: ignore[arg-type]
        self._add(fresh)
        self._collection = ColumnCollection([(column.key, column) for column in columns])

    def _add(self, items: Iterable[Any]) -> None:
        items = tuple(items)
        columns = [one for one in items if isinstance(one, Column)]
        for column in columns:
            column._attach(self)
        self.uid = next_uid()  # statements compiled for the old columns no longer fit
        explicit = next((one for one in items if isinstance(one, PrimaryKeyConstraint)), None)
        self.constraints.discard(self.primary_key)
        if explicit is None:
            name = self.primary_key.name
            explicit = PrimaryKeyConstraint(*[column for column in self.c if column.primary_key], name=name)
        explicit._attach(self)
        for column in columns:
            column._attach_constraints(self)
        for one in items:
            if isinstance(one, Constraint | Index):
                if one is not explicit:
                    one._attach(self)
            elif not isinstance(one, Column):
                raise ArgumentError(f"Table '{self.name}' cannot take {one!r}: columns, constraints and indexes fit.")

    def append_column(self, column: Column, replace_existing: bool = False) -> None:
        """Add a column."""
        self._add([column])

    def append_constraint(self, constraint: Constraint) -> None:
        """Add a constraint."""
        self._add([constraint])

    @property
    def fullname(self) -> str:
        """The name, with the schema if there is one."""
        return self.key

    @property
    def foreign_keys(self) -> set[ForeignKey]:
        """The foreign keys of all columns."""
        return {key for column in self.c for key in column.foreign_keys}

    @property
    def foreign_key_constraints(self) -> set[ForeignKeyConstraint]:
        """The foreign key constraints."""
        return {one for one in self.constraints if isinstance(one, ForeignKeyConstraint)}

    @property
    def autoincrement_column(self) -> Column | None:
        """The column that the database numbers, or None."""
        return next((column for column in self.primary_key if column.autoincrements), None)

    _autoincrement_column = autoincrement_column

    def _shape(self, walk: ShapeWalk) -> None:
        walk.key.append(self.uid)

    def insert(self) -> Insert:
        """``INSERT INTO`` this table."""
        from nbsession.sql.dml import Insert

        return Insert(self)

    def update(self) -> Update:
        """``UPDATE`` this table."""
        from nbsession.sql.dml import Update

        return Update(self)

    def delete(self) -> Delete:
        """``DELETE FROM`` this table."""
        from nbsession.sql.dml import Delete

        return Delete(self)

    def create(self, bind: Any, checkfirst: bool = False) -> None:
        """Create this table in the database."""
        bind.create_tables(self.metadata, [self], checkfirst)

    def drop(self, bind: Any, checkfirst: bool = False) -> None:
        """Drop this table in the database."""
        bind.drop_tables(self.metadata, [self], checkfirst)

    def __str__(self) -> str:
        return self.key

    def __repr__(self) -> str:
        return f"<Table {self.key} ({', '.join(column.name for column in self.c)})>"


def sort_tables(tables: Iterable[Table]) -> list[Table]:
    """Tables, each after those its foreign keys point to; else by name; a circle is broken somewhere."""
    given = list(tables)
    members = {id(table) for table in given}
    done: dict[int, Table] = {}
    visiting: set[int] = set()

    def visit(table: Table) -> None:
        if id(table) in done or id(table) in visiting:
            return
        visiting.add(id(table))
        targets = (key.column.table for column in table.c for key in column.foreign_keys)
        for target in sorted({id(one): one for one in targets}.values(), key=lambda one: one.key):
            if id(target) in members:
                visit(target)
        done[id(table)] = table

    for table in sorted(given, key=lambda one: one.key):
        visit(table)
    return list(done.values())
