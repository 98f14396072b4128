"""What can stand in FROM: joins, aliases, subqueries and CTEs; and the columns they show.

Tables are in :mod:`nbsession.sql.schema`. Knows what an *entity* looks like (anything with ``__mapper__``), and
nothing else of mapping.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbsession.exc import ArgumentError, InvalidRequestError, NoForeignKeysError
from nbsession.sql.base import ClauseElement, ShapeWalk, next_uid
from nbsession.sql.elements import ColumnClause, ColumnElement, Label, clause_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from nbsession.sql.select import Select


class ColumnCollection:
    """Columns in order, found by key: ``c.name``, ``c["name"]``, ``c[0]``; iterates over the columns."""

    def __init__(self, pairs: Iterable[tuple[str, Any]] = ()) -> None:
        self._by_key: dict[str, Any] = {}
        self._all: tuple[Any, ...] = ()
        self._extend(pairs)

    def _extend(self, pairs: Iterable[tuple[str, Any]]) -> None:
        own = self.__dict__
        for key, column in pairs:
            self._by_key[key] = column
            if key not in _COLLECTION_NAMES:
                own[key] = column
        self._all = tuple(self._by_key.values())

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"No column {name!r}: there is {', '.join(self.__dict__.get('_by_key', ())) or 'none'}.")

    def __getitem__(self, key: Any) -> Any:
        return self._all[key] if isinstance(key, int | slice) else self._by_key[key]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    def __contains__(self, key: object) -> bool:
        return key in self._by_key if isinstance(key, str) else any(key is column for column in self._all)

    def contains_column(self, column: object) -> bool:
        """Whether this very column is in it."""
        return any(column is one for one in self._all)

    def keys(self) -> list[str]:
        """The keys in order."""
        return list(self._by_key)

    def values(self) -> list[Any]:
        """The columns in order."""
        return list(self._all)

    def items(self) -> list[tuple[str, Any]]:
        """Pairs of key and column in order."""
        return list(self._by_key.items())

    def get(self, key: str, default: Any = None) -> Any:
        """The column with this key, or the default."""
        return self._by_key.get(key, default)

    def __repr__(self) -> str:
        return f"<columns {', '.join(self._by_key)}>"


_COLLECTION_NAMES = frozenset([*dir(ColumnCollection), "_by_key", "_all"])


class FromClause(ClauseElement):
    """Anything that can stand in FROM and shows columns."""

    visit_name = "from"
    name: str | None = None
    _collection: ColumnCollection | None = None

    @property
    def c(self) -> ColumnCollection:
        """The columns it shows."""
        if self._collection is None:
            self._collection = ColumnCollection(self._make_columns())
        return self._collection

    columns = c
    exported_columns = c

    def _make_columns(self) -> Iterable[tuple[str, Any]]:
        return ()

    @property
    def primary_key(self) -> Any:
        """The columns of the primary key."""
        return tuple(column for column in self.c if column.primary_key)

    @property
    def foreign_keys(self) -> Any:
        """The foreign keys of all columns."""
        return {key for column in self.c for key in column.foreign_keys}

    def parts(self) -> Iterator[FromClause]:
        """The things it consists of: a join's sides, else itself."""
        yield self

    def corresponding_column(self, column: Any) -> Any:
        """The column here that shows ``column`` of something beneath, or None."""
        column = getattr(column, "original", column)
        for mine in self.c:
            shown = mine
            while shown is not None:
                if shown is column:
                    return mine
                shown = getattr(shown, "base", None)
        return None

    def is_derived_from(self, other: Any) -> bool:
        """Whether it is ```other```, or shows it."""
        return self is other

    def alias(self, name: str | None = None, flat: bool = False) -> Alias:
        """The same under another name."""
        return Alias(self, name)

    def join(self, right: Any, onclause: Any = None, isouter: bool = False, full: bool = False) -> Join:
        """``self JOIN right ON onclause``; without a condition, along the foreign key between them."""
        return Join(self, from_of(right), onclause, isouter, full)

    def outerjoin(self, right: Any, onclause: Any = None, full: bool = False) -> Join:
        """``self LEFT OUTER JOIN right``."""
        return Join(self, from_of(right), onclause, True, full)

    def select(self) -> Select:
        """``SELECT * FROM self``, with the columns spelled out."""
        from nbsession.sql.select import Select

        return Select(self)

    def as_in_operand(self) -> Any:
        """What stands right of IN: a select of it."""
        return self.select()


class Join(FromClause):
    """Two things in FROM, joined."""

    visit_name = "join"
    _children = ("left", "right", "onclause")
    _plain = ("isouter", "full")

    def __init__(
        self, left: FromClause, right: FromClause, onclause: Any = None, isouter: bool = False, full: bool = False
    ) -> None:
        self.left = left
        self.right = right
        self.onclause: Any = join_condition(left, right) if onclause is None else clause_of(onclause)
        self.isouter = isouter
        self.full = full

    def parts(self) -> Iterator[FromClause]:
        """The parts of both sides."""
        yield from self.left.parts()
        yield from self.right.parts()

    def _make_columns(self) -> Iterable[tuple[str, Any]]:
        for part in self.parts():
            for column in part.c:
                yield f"{part.name}_{column.key}", column

    def corresponding_column(self, column: Any) -> Any:
        """The column of one of the parts; aliases among them have no names to tell their columns apart by."""
        found = (part.corresponding_column(column) for part in self.parts())
        return next((one for one in found if one is not None), None)

    def is_derived_from(self, other: Any) -> bool:
        """Whether it is ``other``, or shows it."""
        return other is self or self.left.is_derived_from(other) or self.right.is_derived_from(other)


class Alias(FromClause):
    """Something in FROM under another name; without a name it gets one when it is rendered."""

    visit_name = "alias"
    _children = ("element",)

    def __init__(self, element: Any, name: str | None = None) -> None:
        self.element = element
        self.name = name
        self.uid = next_uid()

    def _shape(self, walk: ShapeWalk) -> None:
        walk.key.append(self.visit_name)
        if not walk.seen_before(self):
            walk.key.append(self.name)
            self.element._shape(walk)

    @property
    def original(self) -> Any:
        """What is aliased."""
        return self.element

    def _make_columns(self) -> Iterable[tuple[str, Any]]:
        for key, column in self.element.c.items():
            yield key, proxy(self, column.name, key, column)

    def is_derived_from(self, other: Any) -> bool:
        """Whether it is ``other``, or shows it."""
        return other is self or self.element.is_derived_from(other)


class Subquery(Alias):
    """A SELECT in FROM."""

    visit_name = "subquery"

    def _make_columns(self) -> Iterable[tuple[str, Any]]:
        for key, (name, column) in zip(self.element.exported_keys(), self.element.exported_pairs(), strict=True):
            yield key, proxy(self, name, key, column)

    def is_derived_from(self, other: Any) -> bool:
        """Whether it is ``other``, or shows it."""
        return other is self or any(one.is_derived_from(other) for one in self.element.get_final_froms())


class CTE(Subquery):
    """A SELECT in WITH. :meth:`union` and :meth:`union_all` make it recursive."""

    visit_name = "cte"

    def __init__(self, element: Any, name: str | None = None, recursive: bool = False, restates: CTE | None = None):
        super().__init__(element, name)
        self.recursive = recursive
        self.restates = restates

    def _shape(self, walk: ShapeWalk) -> None:
        walk.key.append(self.visit_name)
        if not walk.seen_before(self):
            if self.restates is not None:
                walk.seen[id(self.restates)] = walk.seen[id(self)]
            walk.key += (self.name, self.recursive)
            self.element._shape(walk)

    def union(self, *others: Any) -> CTE:
        """The CTE with ``UNION other``; ```other``` may select from this CTE."""
        return CTE(self.element.union(*others), self.name, self.recursive, self)

    def union_all(self, *others: Any) -> CTE:
        """The CTE with ``UNION ALL other``; ```other``` may select from this CTE."""
        return CTE(self.element.union_all(*others), self.name, self.recursive, self)


def proxy(table: FromClause, name: str, key: str, shown: Any) -> ColumnClause:
    """A column of ``table`` that shows a column of something beneath it."""
    column = ColumnClause(name, shown.type, table)
    column.key = key
    column.base = shown.element if isinstance(shown, Label) else shown
    return column


def from_of(target: Any) -> Any:
    """What stands in FROM for a table, an alias or an entity.

    :raises ArgumentError: for anything else.
    """
    if isinstance(target, FromClause):
        return target
    mapper = getattr(target, "__mapper__", None)
    if mapper is not None:
        return mapper.selectable
    selectable = getattr(target, "selectable", None)
    if isinstance(selectable, FromClause):
        return selectable
    if isinstance(target, ClauseElement) and hasattr(target, "subquery"):
        raise ArgumentError("A SELECT cannot stand in FROM by itself: call .subquery() or .cte() on it first.")
    if isinstance(target, ClauseElement) and target.visit_name == "text":
        return target
    raise ArgumentError(
        f"FROM expression, such as a Table or alias() object, or a mapped class expected, got {target!r}."
    )


def columns_of(raw: Any) -> tuple[Any, ...]:
    """The columns that one argument of ``select()`` stands for."""
    if isinstance(raw, FromClause):
        return raw.c._all
    mapper = getattr(raw, "__mapper__", None)
    if mapper is not None:
        columns: tuple[Any, ...] = mapper.selected_columns
        return columns
    if isinstance(raw, ColumnElement):
        return (raw,)
    if hasattr(raw, "__column_elements__"):
        many: tuple[Any, ...] = raw.__column_elements__()
        return many
    if isinstance(raw, ClauseElement) and hasattr(raw, "scalar_subquery"):
        return (raw.scalar_subquery(),)
    if isinstance(raw, str) or not (isinstance(raw, ClauseElement) or hasattr(raw, "__clause_element__")):
        raise ArgumentError(f"Column expression, FROM clause, or other columns clause element expected, got {raw!r}.")
    return (clause_of(raw),)


def join_condition(left: FromClause, right: FromClause) -> Any:
    """The condition along the one foreign key between two things in FROM.

    :raises NoForeignKeysError: if there is none.
    :raises InvalidRequestError: if there are several.
    """
    from nbsession.sql.combine import conjunction
    from nbsession.sql.operators import AND

    found: dict[Any, list[Any]] = {}
    for child, parent in ((left, right), (right, left)):
        for column in child.c:
            for key in column.foreign_keys:
                target = parent.corresponding_column(key.column) if key.resolves() else None
                if target is not None and target is not column:
                    pair = target == column if child is right else column == target
                    found.setdefault(key.constraint or key, []).append(pair)
        if left is right:
            break
    if not found:
        raise NoForeignKeysError(
            f"Can't find any foreign key relationships between '{left.name}' and '{right.name}'. "
            "Give the condition: join(target, onclause)."
        )
    if len(found) > 1:
        raise InvalidRequestError(
            f"Can't determine join between '{left.name}' and '{right.name}'; tables have more than one foreign key "
            "constraint relationship between them. Please specify the 'onclause' of this join explicitly."
        )
    (pairs,) = found.values()
    return conjunction(AND, tuple(pairs))
