"""What a statement gave back: rows, their scalars, their mappings. Buffered; knows no connection, so nothing stays open."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, Generic, Self, TypeVar

from nbsession.database.result_rows import Portions, Rows, Singles
from nbsession.database.row import Row, RowMapping, position_of, row_class
from nbsession.exc import InvalidRequestError, MultipleResultsFound, NoResultFound, ResourceClosedError

T = TypeVar("T")


class _Fetching(Generic[T]):
    """The ways to read that Result, ScalarResult and MappingResult share."""

    __slots__ = ("_made", "_repeats", "_seen", "_source", "_uniqueness")

    def __init__(self, source: Rows, made: Callable[[list[tuple[Any, ...]]], list[T]] | None) -> None:
        self._source = source
        self._made = made
        self._uniqueness: Callable[[T], Any] | None = None
        self._seen: set[Any] = set()
        self._repeats = False

    def _next(self, count: int | None) -> list[T]:
        made = self._made
        return self._source.singles(count) if made is None else made(self._source.take(count))

    def _fetch(self, count: int | None = None) -> list[T]:
        if self._repeats:
            raise _wants_unique()
        if self._uniqueness is None:
            return self._next(count)
        if count is None and self._uniqueness is id and not self._seen:  # all objects at once, each once
            return list({id(item): item for item in self._next(None)}.values())
        found: list[T] = []
        while count is None or len(found) < count:
            wanted = None if count is None else count - len(found)
            chunk = self._next(wanted)
            if not chunk:
                break
            for item in chunk:
                mark = self._uniqueness(item)
                if mark not in self._seen:
                    self._seen.add(mark)
                    found.append(item)
            if count is None:
                break
        return found

    def unique(self, strategy: Callable[[Any], Any] | None = None) -> Self:
        """Lets each row, or value, come once.

        :param strategy: what makes two of them the same; by default their equality, or for what cannot be hashed their identity.
        """
        self._uniqueness = strategy or _mark
        self._repeats = False
        return self

    @property
    def repeats(self) -> bool:
        """Must :meth:`unique` be called, because a row comes again for each member of a joined collection?"""
        return self._repeats

    def all(self) -> list[T]:
        """All that were not read yet, as a list."""
        return self._fetch()

    fetchall = all

    def fetchmany(self, size: int | None = None) -> list[T]:
        """The next ``size`` (1 by default), fewer at the end."""
        return self._fetch((self._source.portion or 1) if size is None else size)

    def yield_per(self, num: int) -> Self:
        """:meth:`partitions` and :meth:`fetchmany` give so many at a time."""
        self._source.portion = num
        return self

    def fetchone(self) -> T | None:
        """The next one, or None at the end."""
        found = self._fetch(1)
        return found[0] if found else None

    def partitions(self, size: int | None = None) -> Iterator[Sequence[T]]:
        """Lists of at most ``size``; by default what :meth:`yield_per` or the execution option of that name says, or 1,000."""
        while chunk := self._fetch(size or self._source.portion or 1000):
            yield chunk

    def __iter__(self) -> Iterator[T]:
        if self._repeats:
            raise _wants_unique()
        if isinstance(self._source, Portions):
            while chunk := self._fetch(1):
                yield chunk[0]
                del chunk
            return
        source, start = self._source, self._source.position
        for number, item in enumerate(self._next(None), start + 1):
            source.position = number  # who leaves the loop early can read on from here
            if self._uniqueness is not None:
                mark = self._uniqueness(item)
                if mark in self._seen:
                    continue
                self._seen.add(mark)
            yield item

    def __next__(self) -> T:
        found = self._fetch(1)
        if not found:
            raise StopIteration
        return found[0]

    def first(self) -> T | None:
        """The first one, or None; closes the result."""
        self._repeats = False
        found = self._fetch(1)
        self.close()
        return found[0] if found else None

    def one_or_none(self) -> T | None:
        """The only one, or None if there is none; closes the result.

        :raises MultipleResultsFound: there are several.
        """
        found = self._fetch(2)
        self.close()
        if len(found) > 1:
            raise MultipleResultsFound(
                "Multiple rows were found when exactly one was required. Narrow the query, or take first() or all()."
            )
        return found[0] if found else None

    def one(self) -> T:
        """The only one; closes the result.

        :raises NoResultFound: there is none.
        :raises MultipleResultsFound: there are several.
        """
        found = self._fetch(2)
        self.close()
        if len(found) > 1:
            raise MultipleResultsFound(
                "Multiple rows were found when exactly one was required. Narrow the query, or take first() or all()."
            )
        if not found:
            raise NoResultFound("No row was found when one was required. one_or_none() and first() give None instead.")
        return found[0]

    def close(self) -> None:
        """Forgets the rows; reading on raises ResourceClosedError."""
        self._source.close()

    @property
    def closed(self) -> bool:
        """Was it closed, by close() or by a method that reads one row?"""
        return self._source.closed is not None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class ScalarResult(_Fetching[Any]):
    """One value of each row."""

    __slots__ = ()

    @classmethod
    def of(cls, values: Iterable[Any]) -> ScalarResult:
        """A scalar result of values that are there already."""
        return Result([(value,) for value in values], ("value",)).scalars()


class MappingResult(_Fetching[RowMapping]):
    """The rows as mappings."""

    __slots__ = ("_keys",)
    _keys: tuple[str, ...]

    def keys(self) -> Sequence[str]:
        """The names of the columns."""
        return self._keys


class Result(_Fetching[Row]):
    """The rows of a statement.

    :param rows: plain tuples, or None for a statement that returns no rows.
    :param keys: the names of the columns.
    :param rowcount: rows touched by an INSERT, UPDATE or DELETE; -1 if nobody knows.
    :param inserted: the primary key of the one row that was inserted, where that is known.
    :param lastrowid: the key that the database generated, if it did.

    >>> result = Result([(1, "Ada"), (2, "Bob")], ("id", "name"))
    >>> [row.name for row in result]
    ['Ada', 'Bob']
    """

    __slots__ = ("_inserted", "_keys", "lastrowid", "rowcount")

    def __init__(
        self,
        rows: list[tuple[Any, ...]] | None,
        keys: Sequence[str] = (),
        rowcount: int = -1,
        *,
        inserted: tuple[Any, ...] | None = None,
        lastrowid: int | None = None,
    ) -> None:
        self._keys = tuple(keys)
        self.rowcount = rowcount
        self.lastrowid = lastrowid
        self._inserted = inserted
        super().__init__(Rows(rows), partial(_as_rows, self._keys))  # no method: a circle would keep the rows alive

    @classmethod
    def of_singles(cls, values: list[Any], key: str) -> Result:
        """A result whose rows have one value each.

        :param values: these; the list is the result's own from here on.
        """
        result = cls([], (key,))
        result._source = Singles(values)
        return result

    @classmethod
    def in_portions(
        cls,
        raw: list[tuple[Any, ...]],
        size: int,
        make: Callable[[list[tuple[Any, ...]]], list[tuple[Any, ...]]],
        keys: Sequence[str],
    ) -> Result:
        """A result whose rows are made of the database's in portions, as they are read.

        :param raw: the database's rows.
        :param size: how many of them a portion has.
        :param make: makes the rows of a portion.
        """
        result = cls([], keys)
        result._source = Portions(raw, size, make)
        return result

    def demand_unique(self) -> Result:
        """The result itself, which from now on wants :meth:`unique` to be called."""
        self._repeats = True
        return self

    @property
    def returns_rows(self) -> bool:
        """Does it have columns?"""
        return bool(self._keys)

    @property
    def inserted_primary_key(self) -> Row:
        """The primary key of the inserted row.

        :raises InvalidRequestError: it was no INSERT of one row.
        """
        if self._inserted is None:
            raise InvalidRequestError(
                "inserted_primary_key: the statement is not an INSERT of one row into a table with a primary key. "
                "For several rows use insert(...).returning(table.c.id)."
            )
        return row_class(tuple(f"key{n}" for n in range(len(self._inserted))))(self._inserted)

    def keys(self) -> Sequence[str]:
        """The names of the columns."""
        return self._keys

    def columns(self, *columns: Any) -> Result:
        """The same rows with these columns only, given by name, number or column object."""
        positions = [self._position(column) for column in columns]
        rows = [tuple([row[p] for p in positions]) for row in self._source.take(None)]
        chosen = Result(rows, [self._keys[p] for p in positions], self.rowcount)
        chosen._uniqueness = self._uniqueness
        return chosen

    def scalars(self, index: Any = 0) -> ScalarResult:
        """One value of each row: the first, or that of a column given by name, number or column object."""
        if self._source.closed is not None:
            raise ResourceClosedError(self._source.closed)
        position = self._position(index)
        single = position == 0 and isinstance(self._source, Singles)
        scalars = ScalarResult(self._source, None if single else lambda rows: [row[position] for row in rows])
        scalars._uniqueness = _mark if self._uniqueness is not None else None
        scalars._repeats = self._repeats
        return scalars

    def mappings(self) -> MappingResult:
        """The rows as mappings of names to values."""
        keys = self._keys
        mappings = MappingResult(self._source, lambda rows: [RowMapping(row) for row in _as_rows(keys, rows)])
        mappings._keys = self._keys
        mappings._repeats = self._repeats
        mappings._uniqueness = (lambda m: _mark(m._row)) if self._uniqueness is not None else None
        return mappings

    def tuples(self) -> Result:
        """The result itself: rows are tuples."""
        return self

    def scalar(self) -> Any:
        """The first value of the first row, or None; closes the result."""
        row = self.first()
        return row[0] if row is not None else None

    def scalar_one(self) -> Any:
        """The first value of the only row; closes the result.

        :raises NoResultFound: there is no row.
        :raises MultipleResultsFound: there are several.
        """
        return self.one()[0]

    def scalar_one_or_none(self) -> Any:
        """The first value of the only row, or None if there is no row; closes the result.

        :raises MultipleResultsFound: there are several rows.
        """
        row = self.one_or_none()
        return row[0] if row is not None else None

    def df(self) -> Any:
        """The rows not read yet as a pandas DataFrame; needs pandas."""
        try:
            import pandas
        except ImportError as error:
            raise InvalidRequestError("Result.df() needs pandas: pip install pandas.") from error
        return pandas.DataFrame.from_records(self._source.take(None), columns=list(self._keys))

    def arrow(self) -> Any:
        """The rows not read yet as an Arrow table; needs pyarrow."""
        try:
            import pyarrow
        except ImportError as error:
            raise InvalidRequestError("Result.arrow() needs pyarrow: pip install pyarrow.") from error
        rows = self._source.take(None)
        columns = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in self._keys]
        return pyarrow.table(columns, names=list(self._keys))

    def _position(self, column: Any) -> int:
        cls = row_class(self._keys)
        try:
            return position_of(column, cls._positions, self._keys)
        except KeyError as error:
            raise InvalidRequestError(str(error.args[0])) from None


def _as_rows(keys: tuple[str, ...], rows: list[tuple[Any, ...]]) -> list[Row]:
    return list(map(row_class(keys), rows))


def _wants_unique() -> InvalidRequestError:
    return InvalidRequestError(
        "The unique() method must be invoked on this Result, as it contains results that include joined eager loads against "
        "collections: a row comes once for each member. result.unique().all() gives each once; selectinload() needs no unique()."
    )


def _mark(item: Any) -> Any:
    """What stands for a value among those seen: itself, or what can be hashed of it."""
    try:
        hash(item)
    except TypeError:
        return tuple(map(_mark, item)) if isinstance(item, tuple) else id(item)
    return item
