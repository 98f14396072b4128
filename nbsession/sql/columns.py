"""A table's column, and the sequence that may number it.

Knows what a column was declared to be; a declarative class makes columns before their name, type and table are known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbsession.exc import ArgumentError
from nbsession.sql.base import ShapeWalk, next_uid, refuse_options
from nbsession.sql.constraints import (
    Constraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    UniqueConstraint,
)
from nbsession.sql.elements import ColumnClause, ColumnElement
from nbsession.sql.types import NULLTYPE, Integer, NullType, TypeEngine, to_type
from nbsession.sql.visitors import replace

if TYPE_CHECKING:
    from nbsession.sql.schema import MetaData, Table


class Sequence:
    """A named source of numbers.

    :param start: the first number.
    """

    def __init__(
        self, name: str, start: int = 1, increment: int = 1, *, metadata: MetaData | None = None, **options: Any
    ) -> None:
        refuse_options("Sequence()", options)
        self.name = name
        self.start = start
        self.increment = increment
        self.metadata = metadata
        if metadata is not None:
            metadata._sequences[name] = self

    def next_value(self) -> ColumnElement:
        """The expression that draws a number."""
        from nbsession.sql.functions import NextValue

        return NextValue(self)

    def __repr__(self) -> str:
        return f"Sequence({self.name!r})"


class FetchedValue:
    """Says that the database fills a column by itself, in a way that no CREATE TABLE of ours tells: a trigger, say.

    :param for_update: it does so at each UPDATE, too; for ``Column(..., FetchedValue(for_update=True))``.

    >>> changed: Mapped[datetime] = mapped_column(server_default=FetchedValue(), server_onupdate=FetchedValue())
    """

    def __init__(self, for_update: bool = False) -> None:
        self.for_update = for_update

    def __repr__(self) -> str:
        return f"FetchedValue(for_update={self.for_update})"


class Computed(FetchedValue):
    """Says that the database computes a column from the others of its row; nobody writes it.

    :param sqltext: the expression, in SQL.
    :param persisted: is the value kept in the row? None: as the database likes. DuckDB keeps none.

    >>> Column("area", Integer, Computed("width * height"))
    """

    def __init__(self, sqltext: Any, persisted: bool | None = None) -> None:
        super().__init__(for_update=True)
        self.sqltext: Any = sqltext
        self.persisted = persisted

    def __repr__(self) -> str:
        return f"Computed({str(self.sqltext)!r})"


class Column(ColumnClause):
    """A column of a table: ``Column("id", Integer, primary_key=True)``.

    :param args: name and type (each may be left out), ForeignKey, Sequence, constraints.
    :param default: a value, a callable without arguments (or with one, the context), or an SQL expression; used where
        an INSERT says nothing.
    :param insert_default: the same, by its other name.
    :param server_default: text or an expression, written into CREATE TABLE; or a :class:`FetchedValue`.
    :param onupdate: like ``default``, for UPDATE.
    :param server_onupdate: a :class:`FetchedValue`, if the database changes the value at each UPDATE.
    :param key: the name on ``table.c``, if it is to differ from the database's name.
    :param comment: written into the database, where it keeps comments.
    :param doc: for people who read the program; ``info`` for the program itself.
    :param options: those of other databases (``postgresql_...``); they say nothing here.
    :raises TypeError: an option is not known.
    """

    __slots__ = (
        "autoincrement",
        "comment",
        "computed",
        "constraints",
        "default",
        "doc",
        "foreign_keys",
        "index",
        "info",
        "nullable",
        "nullable_given",
        "onupdate",
        "primary_key",
        "server_default",
        "server_onupdate",
        "unique",
    )
    primary_key: bool
    foreign_keys: set[ForeignKey]
    table: Any

    def __init__(
        self,
        *args: Any,
        name: str | None = None,
        type_: Any = None,
        primary_key: bool = False,
        nullable: bool | None = None,
        default: Any = None,
        insert_default: Any = None,
        server_default: Any = None,
        onupdate: Any = None,
        server_onupdate: Any = None,
        unique: bool | None = None,
        index: bool | None = None,
        autoincrement: bool | str = "auto",
        key: str | None = None,
        comment: str | None = None,
        doc: str | None = None,
        info: dict[Any, Any] | None = None,
        **options: Any,
    ) -> None:
        refuse_options("Column()", options)
        rest = list(args)
        if rest and (isinstance(rest[0], str) or rest[0] is None):
            name = rest.pop(0) or name
        if rest and _is_type(rest[0]):
            type_ = rest.pop(0)
        self.uid = next_uid()
        self.name = name  # type: ignore[assignment]  # declarative fills it in
        self.key = key or name  # type: ignore[assignment]
        self.type: TypeEngine = to_type(type_)
        self.table = None
        self.base = None
        self.is_literal = False
        self.primary_key = primary_key
        self.nullable_given = nullable is not None
        self.nullable = not primary_key if nullable is None else nullable
        self.default = default if insert_default is None else insert_default
        self.server_default = server_default
        self.onupdate = onupdate
        self.server_onupdate = server_onupdate
        self.unique = unique
        self.index = index
        self.autoincrement = autoincrement
        self.comment = comment
        self.computed: Computed | None = None
        self.doc = doc
        self.info = info if info is not None else {}
        self.foreign_keys = set()
        self.constraints: list[Constraint] = []
        for one in rest:
            self._take(one)

    def _take(self, one: Any) -> None:
        if isinstance(one, ForeignKey):
            one.parent = self
            self.foreign_keys.add(one)
        elif isinstance(one, Sequence):
            self.default = one
        elif isinstance(one, FetchedValue):
            if isinstance(one, Computed):
                self.computed = self.server_default = self.server_onupdate = one
            elif one.for_update:
                self.server_onupdate = one
            else:
                self.server_default = one
        elif isinstance(one, Constraint):
            self.constraints.append(one)
        else:
            raise ArgumentError(
                f"Column '{self.name}' cannot take {one!r}: a type, ForeignKey, Sequence or constraint fits."
            )

    def _shape(self, walk: ShapeWalk) -> None:
        walk.key.append(self.uid)

    def _attach(self, table: Table) -> None:
        """Join a table: name and type are known by now."""
        if self.table is not None and self.table is not table:
            raise ArgumentError(f"Column object '{self.name}' already assigned to Table '{self.table.name}'")
        if not self.name:
            raise ArgumentError(
                f"Column must be constructed with a non-blank name or assign a non-blank .name (on '{table.name}')."
            )
        self.key = self.key or self.name
        self.table = table
        table.c._extend([(self.key, self)])

    def _attach_constraints(self, table: Table) -> None:
        for key in sorted(self.foreign_keys, key=lambda one: one.target_fullname):
            if key.constraint is None:
                ForeignKeyConstraint._of(key)._attach(table)
        if not self._take_type():
            table.metadata._untyped.append(self)
        for constraint in self.constraints:
            constraint._attach(table)
        if self.unique and not self.index:
            UniqueConstraint(self)._attach(table)
        if self.index:
            Index(None, self, unique=bool(self.unique))

    def _take_type(self) -> bool:
        """Without a type of its own, that of the column it refers to. False: not known yet."""
        for key in sorted(self.foreign_keys, key=lambda one: one.target_fullname):
            if isinstance(self.type, NullType) and key.resolves():
                self.type = key.column.type
        return not (self.foreign_keys and isinstance(self.type, NullType))

    def references(self, column: Any) -> bool:
        """Whether a foreign key of this column points to that one."""
        return any(key.resolves() and key.column is column for key in self.foreign_keys)

    def _copy(self) -> Column:
        """The same column for another table."""
        copy = self._clone()
        copy.uid = next_uid()
        copy.table = None
        copy.info = dict(self.info)
        copy.foreign_keys = set()
        for key in self.foreign_keys:
            if key.constraint is None or len(key.constraint.elements) == 1:
                copy._take(key._copy())
        return copy

    copy = _copy

    @property
    def type_known(self) -> bool:
        """Whether a type was given, or taken from the column it refers to."""
        return self.type is not NULLTYPE

    @property
    def autoincrements(self) -> bool:
        """Whether the database numbers it: the only column of the primary key, an Integer, not a foreign key."""
        if not self.primary_key or self.autoincrement is False or not isinstance(self.type, Integer):
            return False
        if self.autoincrement is True:
            return True
        alone = self.table is None or len(self.table.primary_key) == 1
        return alone and (self.autoincrement == "ignore_fk" or not self.foreign_keys) and self.server_default is None

    def __repr__(self) -> str:
        owner = f"{self.table.name}." if self.table is not None else ""
        return f"<Column {owner}{self.name} {self.type!r}>"


class EntityColumn(Column):
    """A column, as an attribute of a class that inherits: what it is selected from is more, or less, than its table.

    :ivar original: the column.
    :ivar source: what must stand in FROM: the join of the class's tables.
    :ivar criterion: which rows are the class's, where it has no table of its own; or None.
    """

    __slots__ = ("criterion", "original", "source")

    def __init__(self, original: Any, source: Any, criterion: Any) -> None:
        for base in Column.__mro__:
            for name in getattr(base, "__slots__", ()):
                if name != "__weakref__" and hasattr(original, name):
                    setattr(self, name, getattr(original, name))
        self.original = original
        self.base = original
        self.source = source
        self.criterion = criterion

    def _shape(self, walk: ShapeWalk) -> None:
        walk.key.append("of entity")
        self.source._shape(walk)
        self.original._shape(walk)
        if self.criterion is not None:
            self.criterion._shape(walk)


def bare(clause: Any) -> Any:
    """A clause about the columns themselves, whatever classes it names them by."""
    if not hasattr(clause, "visit_name"):
        return clause
    return replace(clause, lambda part: part.original if isinstance(part, EntityColumn) else None)


def _is_type(given: Any) -> bool:
    return isinstance(given, TypeEngine) or (isinstance(given, type) and issubclass(given, TypeEngine))
