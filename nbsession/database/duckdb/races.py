"""What DuckDB lets two transactions do to each other silently, noticed when the second of them commits.

An UPDATE of a row that another transaction deletes is lost; a reference can be written while what it refers to is taken away.
Knows the open transactions of one database and what those that ended meanwhile left behind. Only transactions of our own:
whoever writes by another handle is seen by nobody.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from nbsession.database.duckdb.footprints import Footprint, Reference, Tracer, Values, meet
from nbsession.database.duckdb.kept_keys import kept_foreign_keys
from nbsession.exc import IntegrityError, OperationalError

if TYPE_CHECKING:
    from nbsession.database.duckdb.link import DuckDBLink

AGAIN = "None of this transaction was committed: roll back, read again, and repeat it."


class Races:
    """The transactions of one database, and the footprints that those still open have not seen."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[object, int] = {}
        """who is open, and how many commits there were before"""
        self._left: list[tuple[int, Footprint]] = []

    def begin(self, owner: object, commits: int) -> None:
        """A transaction begins."""
        with self._lock:
            self._open[owner] = commits

    def end(self, owner: object) -> None:
        """A transaction ended, however."""
        with self._lock:
            self._open.pop(owner, None)
            oldest = min(self._open.values(), default=None)
            self._left = [] if oldest is None else [left for left in self._left if left[0] > oldest]

    def concern(self, owner: object) -> bool:
        """Is another transaction open, or was one committed since this one began?"""
        return len(self._open) > 1 or bool(self._since(owner))

    def check(self, link: DuckDBLink, mine: Footprint) -> None:
        """Looks whether what others committed meanwhile goes together with what this transaction did.

        :raises OperationalError: one changed a row that the other deleted.
        :raises IntegrityError: one refers to what the other took away.
        """
        for theirs in self._since(link):
            _check_rows(mine, theirs)
            if link.dialect.foreign_keys != "off":
                check = _References(link, mine, theirs)
                for reference in mine.refers.keys() & theirs.removed.keys():
                    check.removed_by_them(reference)
                for reference in mine.removed.keys() & theirs.refers.keys():
                    check.referred_to_by_them(reference)

    def committed(self, commits: int, footprint: Footprint) -> None:
        """A transaction was committed: those that are open have to look at what it did."""
        with self._lock:
            self._left.append((commits, footprint))

    def _since(self, owner: object) -> list[Footprint]:
        began = self._open.get(owner, 0)
        return [footprint for number, footprint in self._left if number > began]


def footprint_of(link: DuckDBLink) -> Footprint:
    """What the link's transaction did so far."""
    indexed: dict[str, set[str]] = {}
    primary: dict[str, Sequence[str]] = {}
    for table, kind, names in link.ask(
        "SELECT table_name, constraint_type, constraint_column_names FROM duckdb_constraints() "
        "WHERE constraint_type IN ('PRIMARY KEY', 'UNIQUE', 'FOREIGN KEY')"
    ):
        indexed.setdefault(table.lower(), set()).update(name.lower() for name in names)
        if kind == "PRIMARY KEY":
            primary[table.lower()] = names
    for table, expressions in link.ask("SELECT table_name, CAST(expressions AS VARCHAR) FROM duckdb_indexes()"):
        words = {word.strip(" []'\"").lower() for word in expressions.split(",")}
        indexed.setdefault(table.lower(), set()).update(words)
    assert link.journal is not None
    tracer = Tracer(_references(link), indexed, lambda table: primary.get(table, ()))
    return tracer.footprint(link.journal.entries)


def _references(link: DuckDBLink) -> set[Reference]:
    """The foreign keys that the metadata knows, and those kept in the database."""
    found = {
        Reference(child.lower(), tuple(own), parent.lower(), tuple(referred))
        for child, own, parent, referred in kept_foreign_keys(link.ask)
    }
    for constraint in link.touched.known_constraints():
        if constraint.table is not None:
            own = tuple(column.name for column in constraint.columns)
            referred = tuple(key.column.name for key in constraint.elements)
            found.add(Reference(constraint.table.name.lower(), own, constraint.referred_table.name.lower(), referred))
    return found


def _check_rows(mine: Footprint, theirs: Footprint) -> None:
    for one, other, what in (
        (mine.changed, theirs.gone, "deleted rows of {} that this one changed"),
        (mine.gone, theirs.changed, "changed rows of {} that this one deletes"),
        (mine.moved, theirs.changed, "changed rows of {} that this one changed"),
        (mine.changed, theirs.moved, "changed rows of {} that this one changed"),
    ):
        for table in one.keys() & other.keys():
            rows = meet(one[table], other[table])
            if rows is None or rows:
                where = f"{table} ({_shown(rows)})" if rows and None not in (one[table], other[table]) else table
                raise OperationalError(
                    f"Conflict at COMMIT: another transaction {what.format(where)}. {AGAIN}", "COMMIT"
                )


class _References:
    """Two footprints that meet in foreign keys: looks at the rows, mine and those committed."""

    def __init__(self, link: DuckDBLink, mine: Footprint, theirs: Footprint) -> None:
        self.link = link
        self.mine = mine
        self.theirs = theirs

    def removed_by_them(self, key: Reference) -> None:
        """What my rows refer to must still be there, or come with me."""
        wanted = meet(self.mine.refers[key], self.theirs.removed[key])
        lost = self._held(self.link.raw, key, wanted)
        lost -= self._there(self._committed(), key, lost)
        # what SQL by hand added is not known by its keys: in doubt it is refused
        self._refuse(key, lost - (self.mine.added.get(key) or set()), "took away")

    def referred_to_by_them(self, key: Reference) -> None:
        """What their rows refer to must not be taken away by me."""
        wanted = meet(self.mine.removed[key], self.theirs.refers[key])
        lost = self._held(self._committed(), key, wanted)
        lost -= self._there(self.link.raw, key, lost)
        self._refuse(key, lost - (self.theirs.added.get(key) or set()), "refers to")

    def _committed(self) -> Any:
        """The driver's connection on which only what was committed is seen."""
        return self.link.database.root

    def _held(self, raw: Any, key: Reference, wanted: Values) -> set[tuple[Any, ...]]:
        """The values that are in the foreign key, of those asked for."""
        return self._select(raw, key.child, key.own, wanted)

    def _there(self, raw: Any, key: Reference, values: set[tuple[Any, ...]]) -> set[tuple[Any, ...]]:
        """The values that are in the columns referred to."""
        return self._select(raw, key.parent, key.referred, values)

    def _select(self, raw: Any, table: str, names: Sequence[str], wanted: Values) -> set[tuple[Any, ...]]:
        if wanted is not None and not wanted:
            return set()
        columns = [self.link.dialect.quote(name) for name in names]
        where, params = [f"{column} IS NOT NULL" for column in columns], []
        if wanted is not None:
            params = [list(column) for column in zip(*wanted, strict=True)]
            where.append(f"({', '.join(columns)}) IN (SELECT {', '.join('unnest(?)' for _ in columns)})")
        text = f"SELECT DISTINCT {', '.join(columns)} FROM {self.link.dialect.quote(table)} WHERE {' AND '.join(where)}"
        try:
            return set(raw.execute(text, params).fetchall())
        except Exception as error:
            if type(error).__name__ == "CatalogException":  # the table is there for one of the two only
                return set()
            raise

    def _refuse(self, key: Reference, lost: set[tuple[Any, ...]], what: str) -> None:
        if lost:
            raise IntegrityError(
                f"FOREIGN KEY constraint failed at COMMIT: another transaction {what} rows of {key.parent} ({_shown(lost)}) that "
                f"{'rows of ' + key.child + ' refer to' if what == 'took away' else 'this one takes away'}. {AGAIN}"
            )


def _shown(rows: Iterable[tuple[Any, ...]]) -> str:
    ordered = sorted(rows, key=repr)
    shown = ", ".join(repr(row[0]) if len(row) == 1 else repr(row) for row in ordered[:3])
    return f"{shown}, …" if len(ordered) > 3 else shown
