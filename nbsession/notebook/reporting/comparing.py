"""What a session's connection sees, beside what everyone else sees. The one look that asks the database.

It asks on two connections: the session's own, if its transaction has one, and one of its own, which writes nothing and
ends at once. Neither question is heard by hooks or observers, and none begins a transaction. What a session has not
flushed yet is in neither answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Literal

from nbsession.events import tokens
from nbsession.notebook.recording.journal import Journal
from nbsession.notebook.recording.sources import source_of
from nbsession.notebook.reporting.card_builder import key_text, value_text
from nbsession.notebook.reporting.doors import Door, Known, Peek, Row
from nbsession.notebook.reporting.reports import Comparison, RowDifference, TableComparison
from nbsession.notebook.reporting.written import ANY, tables_written
from nbsession.sql.naming import quote_identifier

WHOLE = 20_000
"""a table of more rows is compared only where this session has objects"""
ROWS_SHOWN = 100
TABLES_SHOWN = 40
KEYS_ASKED = 400
"""keys in one question"""

By = Literal["session", "SQL", "others"]


def compare(session: Any, journal: Journal, tables: Sequence[str] = ()) -> Comparison:
    """Compares, on every engine of the session's transaction, the tables that are mapped or were written.

    :param tables: only these tables, if any is named.
    """
    doors = source_of(session).doors()
    if not doors:
        return {"possible": False, "why_not": "the session has no engine", "tables": []}
    compared: list[TableComparison] = []
    for door in doors:
        if door.closed:
            return {"possible": False, "why_not": door.closed, "tables": []}
        compared += _Comparer(session, journal, door).tables(tables)
    return {"possible": True, "why_not": "", "tables": compared[:TABLES_SHOWN]}


class _Comparer:
    """One database's tables."""

    def __init__(self, session: Any, journal: Journal, door: Door) -> None:
        self.session = session
        self.journal = journal
        self.door = door
        self.inside = door.inside
        self.by_session, self.by_sql = self._written()

    def _written(self) -> tuple[set[str], set[str]]:
        """Tables that flushes wrote since BEGIN, and tables that SQL of one's own wrote."""
        by_session: set[str] = set()
        by_sql: set[str] = set()
        flushes = {event["event"] for event in self.journal.chronicle.events if event["within"]}
        for entry in reversed(self.journal.statements):
            if entry["event"] < self.journal.frames.began or not self.journal.frames.open:
                break
            if not entry["internal"] and not entry["error"]:
                wrote = tables_written(entry["sql"], self.door.dialect)
                (by_session if entry["event"] in flushes else by_sql).update(wrote)
        return by_session, by_sql

    def tables(self, only: Sequence[str]) -> Iterator[TableComparison]:
        with self.door.outside() as outside:
            mapped = {name: known for known in self.door.mapped() for name in [known.name]}
            there = outside.table_names()
            written = (self.by_session | self.by_sql) - {ANY}
            wanted = list(only) or sorted(written | mapped.keys())
            if ANY in self.by_sql and not only:
                wanted = sorted({*wanted, *there})
            for name in wanted:
                known = mapped.get(name) or outside.table(name)
                compared = self._table(outside, name, known)
                if compared is not None:
                    yield compared

    def _table(self, outside: Peek, name: str, known: Known | None) -> TableComparison | None:
        here, here_error = self._count(self.inside if self.inside is not None else outside, name)
        there, _ = self._count(outside, name)
        if here is None and there is None and name not in self.by_session | self.by_sql:
            return None  # mapped, and its table not made
        compared: TableComparison = {
            "table": name,
            "here": -1 if here is None else here,
            "outside": -1 if there is None else there,
            "rows": [],
            "more": 0,
            "note": here_error if here is None and there is not None else "",
        }
        changed = name in self.by_session | self.by_sql or ANY in self.by_sql or here != there
        if self.inside is None or not changed or (here is None and there is not None):
            return compared
        if known is None:
            known = self.inside.table(name)
        if known is None or not known.key:
            return {**compared, "note": "no primary key: its rows cannot be told apart"}
        keys = None
        if max(here or 0, there or 0) > WHOLE:
            keys = self._keys(known)
            compared["note"] = "too many rows to compare them all: only those of this session's objects are"
        differing = list(self._differences(outside, known, keys, there is not None))
        return {**compared, "rows": differing[:ROWS_SHOWN], "more": max(0, len(differing) - ROWS_SHOWN)}

    def _count(self, connection: Peek, name: str) -> tuple[int | None, str]:
        try:
            return connection.rows(f"SELECT count(*) FROM {quote_identifier(name)}")[0][0], ""
        except Exception as error:
            return None, f"cannot be read: {str(error).splitlines()[0] if str(error) else type(error).__name__}"

    def _keys(self, known: Known) -> list[Row]:
        """Keys of this session's objects in the table, those deleted included."""
        objects = [*self.session.identity_map.values()]
        objects += [obj for token in tuple(self.journal.outside) if (obj := tokens.object(token)) is not None]
        return [key for obj in objects if (key := self.door.key_in(obj, known.name)) is not None]

    def _differences(self, outside: Peek, known: Known, keys: list[Row] | None, there: bool) -> Iterator[RowDifference]:
        own = {key_text(key) for key in self._keys(known)} if known.name in self.by_session else set()
        ours = dict(_rows(self.inside, known, keys)) if self.inside is not None else {}
        theirs = dict(_rows(outside, known, keys)) if there else {}
        for key in [*ours, *(key for key in theirs if key not in ours)]:
            mine, other = ours.get(key), theirs.get(key)
            if mine != other and repr(mine) != repr(other):  # the texts of NaN agree, the values never do
                text = key_text(key) or ""
                yield {
                    "key": text,
                    "label": f"{known.title}#{text.replace(', ', ',')}",
                    "here": _told(known, mine),
                    "outside": _told(known, other),
                    "by": self._by(known.name, text in own),
                }

    def _by(self, table: str, own: bool) -> By:
        """Who wrote a row: where both flushes and SQL wrote the table, rows of objects count as the session's."""
        by_sql = bool(self.by_sql & {table, ANY})
        if table in self.by_session and (own or not by_sql):
            return "session"
        return "SQL" if by_sql else "others"


def _rows(connection: Peek, known: Known, keys: list[Row] | None) -> Iterator[tuple[Row, Row]]:
    """Each row's key and values, in the order of the keys."""
    columns = ", ".join(map(quote_identifier, known.columns))
    order = ", ".join(map(quote_identifier, known.key))
    places = [known.columns.index(name) for name in known.key]
    for condition, params in _conditions(known, keys):
        for row in connection.rows(
            f"SELECT {columns} FROM {quote_identifier(known.name)}{condition} ORDER BY {order}", params
        ):
            yield tuple(row[place] for place in places), tuple(row)


def _conditions(known: Known, keys: list[Row] | None) -> Iterator[tuple[str, tuple[Any, ...]]]:
    if keys is None:
        yield "", ()
        return
    one = " AND ".join(f"{quote_identifier(name)} = ?" for name in known.key)
    source = iter(keys)
    while chunk := list(islice(source, KEYS_ASKED)):
        yield f" WHERE {' OR '.join(f'({one})' for _ in chunk)}", tuple(part for key in chunk for part in key)


def _told(known: Known, row: Row | None) -> dict[str, str] | None:
    return None if row is None else dict(zip(known.columns, map(value_text, row), strict=True))
