"""A transaction's writes in fewer statements: what its replay sends. Knows writes by their rows, runs nothing.

N updates of one row become one, inserts into one table become one INSERT. A write may be moved before others only where the outcome
is the same whatever happens first: another table, or other rows, or other columns of them. What cannot be told by looking
stays where it is; and where the database refuses a pack, the journal is replayed as it was written.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Container, Iterable, Sequence
from decimal import Decimal
from types import NoneType
from typing import TYPE_CHECKING, Any, TypeAlias

from nbsession.database.duckdb.arrow import table_of
from nbsession.database.duckdb.catalog import declared_as
from nbsession.database.rows import RowDelete, RowInsert, RowUpdate

if TYPE_CHECKING:
    from nbsession.database.duckdb.catalog import TableFacts
    from nbsession.database.duckdb.dialect import DuckDBDialect
    from nbsession.database.duckdb.redo import Entry

Names: TypeAlias = tuple[str, ...]

_PLAIN_KEYS = frozenset([int, str, bytes, uuid.UUID, dt.date])
"""types whose values are equal in Python exactly where they are in the database"""
_SCALARS = frozenset([bool, int, float, Decimal, str, bytes, uuid.UUID, dt.date, dt.datetime, dt.time, dt.timedelta])
"""types of which a list stays what it is; dictionaries, say, would be forced into one common form"""
_LOOK_BACK = 4
"""how many packs of its table a write is tried on: a unit of work alternates between few kinds"""


class Work:
    """What a write of our own does, by its values.

    :ivar write: which table, and how.
    :ivar names: the columns that are sent: of an UPDATE those set, then those that find the row.
    :ivar columns: their values, column by column.
    :ivar facts: what the database said of the table then.
    """

    __slots__ = ("columns", "facts", "names", "write")

    def __init__(
        self, write: RowInsert | RowUpdate | RowDelete, names: Names, columns: Sequence[Any], facts: TableFacts
    ) -> None:
        self.write = write
        self.names = names
        self.columns = columns
        self.facts = facts

    @property
    def setting(self) -> int:
        """How many of the columns are set by an UPDATE."""
        return len(self.write.set_columns) if isinstance(self.write, RowUpdate) else 0

    @property
    def found_by(self) -> Names:
        """The columns that find the rows of an UPDATE or DELETE."""
        return self.names[self.setting :]

    def keys(self, names: Names) -> list[tuple[Any, ...]] | None:
        """What the rows hold in some columns; None if they were not sent, or values cannot be compared here."""
        first = self.setting
        found = []
        for name in names:
            try:
                values = self.columns[self.names.index(name, first)]
            except ValueError:
                return None
            if not {type(value) for value in values} <= _PLAIN_KEYS:
                return None
            found.append(values)
        return list(zip(*found, strict=True))


class Pack:
    """One statement of a replay: an entry as it is, or several in one.

    :ivar parts: the entries.
    :ivar count: how many rows it will write, if it does the same.
    """

    def __init__(self, entry: Entry) -> None:
        self.parts = [entry]
        self.work = entry.work
        self.count = int(entry.rows[0][0]) if entry.rows and entry.work else 0
        self._grown = False
        self._places: dict[tuple[Any, ...], int] | None = None
        self._counts: list[int] = []
        self._types: list[type | None] | None = None
        self._held: dict[Names, set[tuple[Any, ...]] | None] = {}

    def statement(self, dialect: DuckDBDialect) -> tuple[str, Sequence[Any], Any]:
        """Its SQL, its parameters, and its Arrow table or None."""
        work = self.work
        if work is None or not self._grown:
            entry = self.parts[0]
            return entry.sql, entry.params, entry.arrow
        write = work.write
        declared = [declared_as(work.facts, name, write.table, dialect) for name in work.names]
        arrow = table_of(work.columns, declared)
        types = () if arrow is not None else declared
        if isinstance(write, RowInsert):
            text = dialect.insert_columns_text(write, work.names, types)
        elif isinstance(write, RowUpdate):
            text = dialect.update_columns_text(write, types)
        else:
            text = dialect.delete_columns_text(write, types)
        return text, work.columns if arrow is None else (), arrow

    # ── taking in another write ──────────────────────────────────────────────────────────────────────────────────────
    def take(self, entry: Entry) -> bool:
        """Takes in a later write of the same kind, if it can."""
        mine, other = self.work, entry.work
        assert mine is not None and other is not None
        if entry.arrow is not None or self.parts[0].arrow is not None or mine.facts is not other.facts:
            return False
        if not self._alike(other):
            return False
        if isinstance(mine.write, RowInsert):
            taken = bool(mine.names) and isinstance(other.write, RowInsert) and mine.names == other.names
            if taken:
                self._take_rows(other)
        else:
            taken = other.write == mine.write and self._take_keyed(entry, other)
        if taken:
            self.parts.append(entry)
        return taken

    def _alike(self, other: Work) -> bool:
        """Are all values of a column of one scalar type, so that a list of them is what each of them is?"""
        mine = self.work
        assert mine is not None
        if mine.names != other.names:
            return False
        if self._types is None:
            self._types = [_type_of(column) for column in mine.columns]
        types: list[type | None] = []
        for own, column in zip(self._types, other.columns, strict=True):
            others = _type_of(column)
            if own is None or others is None or (own is not others and NoneType not in (own, others)):
                return False
            types.append(others if own is NoneType else own)
        self._types = types
        return True

    def _take_rows(self, other: Work) -> None:
        for column, values in zip(self._own().columns, other.columns, strict=True):
            column.extend(values)
        self.count += len(other.columns[0])
        for names in list(self._held):
            keys = other.keys(names)
            if keys is None:
                self._held[names] = None
            elif (held := self._held[names]) is not None:
                held.update(keys)

    def _take_keyed(self, entry: Entry, other: Work) -> bool:
        """An UPDATE or DELETE whose rows are found by the same columns: of an UPDATE of one row the later values stay."""
        places, keys, counts = self._keyed(), other.keys(other.found_by), _counts(entry)
        if places is None or keys is None or counts is None or set(other.names[: other.setting]) & set(other.found_by):
            return False
        work = self._own()
        for number, (key, count) in enumerate(zip(keys, counts, strict=True)):
            place = places.get(key)
            if place is None:
                places[key] = len(self._counts)
                self._counts.append(count)
                for column, values in zip(work.columns, other.columns, strict=True):
                    column.append(values[number])
            elif work.setting:
                self.count -= self._counts[place]
                self._counts[place] = count
                for column, values in zip(work.columns[: work.setting], other.columns, strict=False):
                    column[place] = values[number]
            self.count += count
        return True

    def _own(self) -> Work:
        """Its work, to be changed. The journal's values stay as they are: the pack grows columns of its own."""
        work = self.work
        assert work is not None
        if not self._grown:
            self._grown = True
            work = self.work = Work(work.write, work.names, [list(column) for column in work.columns], work.facts)
        return work

    def _keyed(self) -> dict[tuple[Any, ...], int] | None:
        """The places of its rows by what finds them; None if that is not known, or one comes twice."""
        if self._places is None:
            assert self.work is not None
            keys, counts = self.work.keys(self.work.found_by), _counts(self.parts[0])
            if keys is None or counts is None or len(set(keys)) < len(keys):
                return None
            self._places = {key: place for place, key in enumerate(keys)}
            self._counts = counts
        return self._places

    # ── may another write go first? ──────────────────────────────────────────────────────────────────────────────────
    def lets_pass(self, other: Work) -> bool:
        """Is the outcome the same if a later write to the table is done before this one?"""
        mine = self.work
        assert mine is not None
        inserts = isinstance(mine.write, RowInsert)
        if inserts and isinstance(other.write, RowInsert):
            return False  # the rows would be in another order
        names = other.found_by if inserts else mine.found_by
        mine_set, other_set = set(mine.names[: mine.setting]), set(other.names[: other.setting])
        if (mine_set | other_set) & set(names):
            return False
        if mine_set and other_set and mine.found_by == other.found_by and not mine_set & other_set:
            return True  # other columns, whatever the rows
        held, keys = self._holds(names), other.keys(names)
        return held is not None and keys is not None and not any(key in held for key in keys)

    def _holds(self, names: Names) -> Container[tuple[Any, ...]] | None:
        """The keys of its rows by some columns; None if unknown."""
        assert self.work is not None
        if not isinstance(self.work.write, RowInsert):
            return self._keyed()
        if names not in self._held:
            keys = self.work.keys(names)
            self._held[names] = None if keys is None else set(keys)
        return self._held[names]


class Packs:
    """A journal's beginning, packed; grows with the journal.

    :ivar upto: how many entries it holds.
    """

    def __init__(self) -> None:
        self.upto = 0
        self.packs: list[Pack] = []
        self._open: dict[int, list[Pack]] = {}
        """the packs of each table that may still grow"""

    def add(self, entries: Iterable[Entry]) -> None:
        """Packs further entries."""
        for entry in entries:
            self.upto += 1
            if entry.work is None:
                self._open.clear()  # nobody knows what it reads and writes: nothing passes it
                self.packs.append(Pack(entry))
            else:
                self._add(entry, self._open.setdefault(entry.work.write.table.uid, []))

    def _add(self, entry: Entry, table: list[Pack]) -> None:
        assert entry.work is not None
        for pack in reversed(table[-_LOOK_BACK:]):
            if pack.take(entry):
                return
            if not pack.lets_pass(entry.work):
                break
        pack = Pack(entry)
        table.append(pack)
        self.packs.append(pack)


def _type_of(values: Sequence[Any]) -> type | None:
    """The one scalar type of the values; NoneType if there are none, None if there is more than one type."""
    types = {type(value) for value in values} - {NoneType}
    if len(types) > 1 or not types <= _SCALARS:
        return None
    return types.pop() if types else NoneType


def _counts(entry: Entry) -> list[int] | None:
    """How many rows each of its keys found; None if that cannot be told."""
    assert entry.work is not None and entry.rows is not None
    written, keys = int(entry.rows[0][0]), len(entry.work.columns[0])
    if keys == 1:
        return [written]
    return [1] * keys if written == keys else None
