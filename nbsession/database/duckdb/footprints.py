"""What a transaction leaves behind for the others: which rows it changed or took away, and which references. Runs nothing.

Read from the journal when the transaction commits, and only if another one is open. Where SQL was written by hand it is known by
tables only: None stands for "some rows, nobody knows which".
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from nbsession.database.rows import RowDelete, RowInsert, RowUpdate

if TYPE_CHECKING:
    from nbsession.database.duckdb.packing import Work
    from nbsession.database.duckdb.redo import Entry

Values: TypeAlias = set[tuple[Any, ...]] | None

_NAME = r'((?:"(?:[^"]|"")+"|\w+)(?:\s*\.\s*(?:"(?:[^"]|"")+"|\w+))*)'
_TARGET = re.compile(
    r"\b(insert\s+(?:or\s+\w+\s+)?into|update|delete\s+from|merge\s+into|truncate(?:\s+table)?|copy)\s+" + _NAME,
    re.IGNORECASE,
)
_REPLACES = re.compile(r"\bor\s+replace\b|\bon\s+conflict\b", re.IGNORECASE)


class Reference(NamedTuple):
    """A foreign key by names: table, columns, the table it refers to, its columns. Tables are in lower case."""

    child: str
    own: tuple[str, ...]
    parent: str
    referred: tuple[str, ...]


class Footprint:
    """Rows by their primary keys, values of foreign keys by what they refer to.

    :ivar changed: table to rows that were updated.
    :ivar gone: table to rows that were deleted, or whose key was changed.
    :ivar moved: table to rows whose update DuckDB does by deleting and inserting, because an index holds a column of it.
    :ivar refers: foreign key to values that were written into it.
    :ivar removed: foreign key to values it referred to that were taken away.
    :ivar added: foreign key to values it may refer to from now on.
    """

    def __init__(self) -> None:
        self.changed: dict[str, Values] = defaultdict(set)
        self.gone: dict[str, Values] = defaultdict(set)
        self.moved: dict[str, Values] = defaultdict(set)
        self.refers: dict[Reference, Values] = defaultdict(set)
        self.removed: dict[Reference, Values] = defaultdict(set)
        self.added: dict[Reference, Values] = defaultdict(set)


class Tracer:
    """Makes footprints of journals.

    :param references: the foreign keys of the database.
    :param indexed: table to the columns that an index holds.
    :param primary: a table's primary key, given its name.
    """

    def __init__(
        self, references: Iterable[Reference], indexed: dict[str, set[str]], primary: Callable[[str], Sequence[str]]
    ) -> None:
        self.by_child: dict[str, list[Reference]] = defaultdict(list)
        self.by_parent: dict[str, list[Reference]] = defaultdict(list)
        for reference in references:
            self.by_child[reference.child].append(reference)
            self.by_parent[reference.parent].append(reference)
        self.indexed = indexed
        self.primary = primary

    def footprint(self, entries: Iterable[Entry]) -> Footprint:
        """What the entries of a journal do to others."""
        made = Footprint()
        for entry in entries:
            if entry.work is None:
                self._text(made, entry.sql)
                continue
            work, table = entry.work, entry.work.write.table.name.lower()
            if isinstance(work.write, RowInsert):
                self._inserted(made, work, table)
            elif isinstance(work.write, RowUpdate):
                self._updated(made, work, table)
            elif isinstance(work.write, RowDelete):
                self._deleted(made, work, table)
        return made

    # ── writes of our own ────────────────────────────────────────────────────────────────────────────────────────────
    def _inserted(self, made: Footprint, work: Work, table: str) -> None:
        for reference in self.by_child[table]:
            if set(reference.own) & set(work.names):
                _add(made.refers, reference, _values(work, reference.own, 0))
        for reference in self.by_parent[table]:
            _add(made.added, reference, _values(work, reference.referred, 0))

    def _updated(self, made: Footprint, work: Work, table: str) -> None:
        rows, setting = _values(work, self.primary(table), work.setting), set(work.names[: work.setting])
        _add(made.changed, table, rows)
        if _lower(setting) & self.indexed.get(table, set()):
            _add(made.moved, table, rows)
        if setting & set(self.primary(table)):
            _add(made.gone, table, rows)
        for reference in self.by_child[table]:
            if setting & set(reference.own):
                _add(made.refers, reference, _values(work, reference.own, 0, work.setting))
        for reference in self.by_parent[table]:
            if setting & set(reference.referred):
                _add(made.removed, reference, _values(work, reference.referred, work.setting))
                _add(made.added, reference, _values(work, reference.referred, 0, work.setting))

    def _deleted(self, made: Footprint, work: Work, table: str) -> None:
        _add(made.gone, table, _values(work, self.primary(table), 0))
        for reference in self.by_parent[table]:
            _add(made.removed, reference, _values(work, reference.referred, 0))

    # ── SQL written by hand ──────────────────────────────────────────────────────────────────────────────────────────
    def _text(self, made: Footprint, sql: str) -> None:
        assigned = _assigned(sql)
        for first, table in _targets(sql):
            if first in ("insert", "copy"):
                self._text_inserts(made, table)
            if first in ("update", "merge") or (first == "insert" and _REPLACES.search(sql)):
                self._text_updates(made, table, assigned)
            if first in ("delete", "truncate", "merge"):
                made.gone[table] = None
                made.removed.update(dict.fromkeys(self.by_parent[table]))

    def _text_inserts(self, made: Footprint, table: str) -> None:
        made.refers.update(dict.fromkeys(self.by_child[table]))
        made.added.update(dict.fromkeys(self.by_parent[table]))

    def _text_updates(self, made: Footprint, table: str, assigned: set[str]) -> None:
        made.changed[table] = None
        if assigned & self.indexed.get(table, set()):
            made.moved[table] = None
        if assigned & _lower(self.primary(table)):
            made.gone[table] = None
        made.refers.update({one: None for one in self.by_child[table] if assigned & _lower(one.own)})
        for reference in self.by_parent[table]:
            if assigned & _lower(reference.referred):
                made.removed[reference] = made.added[reference] = None


def written_tables(sql: str) -> set[str] | None:
    """The tables that SQL written by hand may write to, in lower case; None if that cannot be told."""
    return {table for _, table in _targets(sql)} or None


def _targets(sql: str) -> Iterator[tuple[str, str]]:
    """Each writing verb of a text, with the table behind it."""
    for verb, name in _TARGET.findall(sql):
        yield verb.split()[0].lower(), name.rpartition(".")[2].strip().strip('"').replace('""', '"').lower()


def meet(one: Values, other: Values) -> Values:
    """What two have in common: nothing (an empty set), some rows, or None: nobody knows."""
    if one is None:
        return other
    return one if other is None else one & other


def _lower(names: Iterable[str]) -> set[str]:
    return {name.lower() for name in names}


def _assigned(sql: str) -> set[str]:
    """The words that stand where an UPDATE says what it sets; all words where that cannot be told."""
    begin = re.search(r"\bset\b", sql, re.IGNORECASE)
    ends = list(re.finditer(r"\bwhere\b|\breturning\b", sql, re.IGNORECASE))
    start = begin.end() if begin else 0
    stop = ends[-1].start() if begin and ends and ends[-1].start() > start else len(sql)
    return _lower(re.findall(r"\w+", sql[start:stop]))


def _values(work: Work, names: Sequence[str], start: int, stop: int | None = None) -> Values:
    """What the rows hold in some of the columns that were sent; None if they were not sent."""
    sent = list(work.names[start:stop])
    if not names or not set(names) <= set(sent):
        return None
    columns = [work.columns[start + sent.index(name)] for name in names]
    try:
        return {value for value in zip(*columns, strict=True) if None not in value}
    except TypeError:  # a value that cannot be in a set
        return None


def _add(found: dict[Any, Values], key: Any, values: Values) -> None:
    known = found[key]
    found[key] = None if known is None or values is None else known | values
