"""Savepoints where the database has none: a journal of what was written, and its replay in a new transaction.

ROLLBACK TO is: forget the journal's end, ROLLBACK, BEGIN, write the rest again. It is exact or it is refused: nobody may have
committed meanwhile, each statement must answer as it did, and where a statement was not made by the engine (random(), now(),
defaults and macros can hide in it) the tables must be what they were at the savepoint.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from nbsession.database.duckdb.arrow import NAME as ARROW_NAME
from nbsession.database.duckdb.packing import Packs, Work
from nbsession.exc import ReplayDivergence, SavepointError, SerializationError

if TYPE_CHECKING:
    from nbsession.database.duckdb.dialect import DuckDBDialect
    from nbsession.database.duckdb.source import Database

ADVICE = "The whole transaction was rolled back: begin again and repeat it."
MANY_ROWS = 50_000
"""above so many written values the file itself may have grown before any COMMIT"""

Prints: TypeAlias = dict[tuple[str, str], tuple[Any, ...]]

NOT_DONE = frozenset(
    [
        "ParserException",
        "SyntaxException",
        "BinderException",
        "CatalogException",
        "InvalidInputException",
        "InvalidTypeException",
        "NotImplementedException",
        "TypeError",
        "ArgumentError",
        "InvalidRequestError",
        "SavepointError",
    ]
)
"""errors before a statement is executed"""


class Entry(NamedTuple):
    """One write: its SQL, its parameters by value, what it answered, whether it can only do the same.

    :ivar rows: None if it may answer otherwise: what a sequence gave is given once, whatever is rolled back.
    :ivar arrow: its Arrow table, if its rows come in one.
    :ivar work: what it does by its values, if it is a write of our own: several of them can be replayed as one.
    """

    sql: str
    params: Sequence[Any]
    rows: list[tuple[Any, ...]] | None
    trusted: bool
    arrow: Any = None
    work: Work | None = None


class Savepoint(NamedTuple):
    """A place in the journal.

    :ivar prints: the tables' fingerprints, if the journal holds anything that is not trusted.
    """

    name: str
    position: int
    prints: Prints | None


class Journal:
    """What one transaction wrote so far, and its savepoints.

    :param database: the database, for its lock and its count of commits.
    :param raw: the driver's connection.
    :param dialect: what writes SQL.
    """

    def __init__(self, database: Database, raw: Any, dialect: DuckDBDialect) -> None:
        self.database = database
        self.raw = raw
        self.dialect = dialect
        self.entries: list[Entry] = []
        self.savepoints: list[Savepoint] = []
        self.blocked: str | None = None
        """a statement that cannot be replayed at all"""
        self._unwritten = 0
        self._commits = database.commits
        self._mark = database.mark()
        self._values = 0
        self._packs: Packs | None = Packs()
        """None after the database refused one: in this transaction the journal is replayed as it is"""

    def begin(self) -> None:
        """A write begins: until it is noted, nobody knows whether it was done."""
        self._unwritten += 1

    def broken_off(self, error: BaseException) -> bool:
        """An error was raised: may it be that a write was done all the same?"""
        if type(error).__name__ in NOT_DONE:
            self._unwritten = 0
        return self.in_doubt

    @property
    def in_doubt(self) -> bool:
        """Was a write broken off that may have been done? Then savepoints cannot be built on what is noted."""
        return self._unwritten > 0

    def write(self, entry: Entry, values: int = 1) -> None:
        """Notes a write that was done, and how many values it wrote."""
        self._unwritten -= 1
        self.entries.append(entry)
        self._values += values

    def block(self, what: str) -> None:
        """Notes a statement that cannot be replayed; refused where a savepoint counts on it.

        :raises SavepointError: a savepoint is set.
        """
        if self.savepoints:
            raise SavepointError(
                f"{what} cannot be undone on DuckDB, and a savepoint is set. "
                "Run it outside of begin_nested(), in a transaction of its own."
            )
        self.blocked = what

    def savepoint(self, name: str) -> None:
        """Sets a savepoint here.

        :raises SavepointError: something was done that cannot be replayed.
        """
        if self.blocked is not None:
            raise SavepointError(
                f"a savepoint is not possible in this transaction: {self.blocked} cannot be replayed on DuckDB. Commit first, then "
                "begin_nested()."
            )
        suspicious = any(not entry.trusted for entry in self.entries)
        self.savepoints.append(Savepoint(name, len(self.entries), fingerprints(self.raw) if suspicious else None))

    def find(self, name: str) -> int:
        """The place of the innermost savepoint of this name.

        :raises SavepointError: there is none.
        """
        for place in range(len(self.savepoints) - 1, -1, -1):
            if self.savepoints[place].name == name:
                return place
        raise SavepointError(
            f"no such savepoint: {name}. It was released, rolled back, or never set in this transaction."
        )

    def release(self, name: str) -> None:
        """Forgets a savepoint and those inside it."""
        del self.savepoints[self.find(name) :]

    def cut(self, name: str) -> tuple[Savepoint, bool]:
        """Forgets what was done since a savepoint. Tells it, and whether there was anything."""
        place = self.find(name)
        found = self.savepoints[place]
        del self.savepoints[place + 1 :]
        cut = len(self.entries) > found.position
        if self._packs is not None and self._packs.upto > found.position:
            self._packs = Packs()
        del self.entries[found.position :]
        return found, cut

    def rebuild(self, prints: Prints | None, begin: Callable[[], None]) -> None:
        """Writes the journal again in a new transaction, on the state that the old one began with.

        :param prints: what the tables must be like then.
        :param begin: sends BEGIN.
        :raises SerializationError: another connection committed, or changed a row that the transaction had changed.
        :raises ReplayDivergence: a statement, or a table, came out differently.
        """
        self._unwritten = 0
        packs = self._packed()
        self._again(begin)
        if packs is None or not self._replay_packed(packs):
            if (
                packs is not None
            ):  # what went before is half a journal in another order: from the beginning, word for word
                self._packs = None
                self._again(begin)
            for entry in self.entries:
                self._replay(entry)
        if prints is not None:
            self._compare(prints)

    def _again(self, begin: Callable[[], None]) -> None:
        with self.database.lock:
            self.raw.execute("ROLLBACK")
            self._check_unchanged()
            begin()
            self._check_unchanged()

    def _packed(self) -> Packs | None:
        """The journal in fewer statements. What was packed for the last rebuild is gone on with, if it was not cut since."""
        if self._packs is not None:
            self._packs.add(self.entries[self._packs.upto :])
        return self._packs

    def _replay_packed(self, packs: Packs) -> bool:
        """Replays packs. False if one did not do what its parts did one by one."""
        for pack in packs.packs:
            try:
                rows = execute(self.raw, *pack.statement(self.dialect))
            except Exception as error:
                if type(error).__name__ == "InterruptException":
                    raise
                return False
            if len(pack.parts) > 1:
                if rows != [(pack.count,)]:
                    return False
            elif not _same(rows, pack.parts[0].rows):
                return False
        return True

    def _check_unchanged(self) -> None:
        mark = self.database.mark()
        same = mark == self._mark or (self._values > MANY_ROWS and mark is not None and mark[1] == self._mark[1])
        if self.database.commits != self._commits or not same:
            raise SerializationError(
                "rollback to a savepoint is not possible: another connection committed to the database since this "
                f"transaction began, and DuckDB's savepoints are rebuilt from that moment. {ADVICE}"
            )

    def _number(self, entry: Entry) -> int:
        return next(number for number, other in enumerate(self.entries, 1) if other is entry)

    def _replay(self, entry: Entry) -> None:
        try:
            rows = execute(self.raw, entry.sql, entry.params, entry.arrow)
        except Exception as error:
            refusal = f"{self._refusal(entry, 'failed')}: {error}. {ADVICE}"
            if type(error).__name__ == "TransactionException":
                raise SerializationError(refusal) from error  # somebody took the row between the rollback and now
            raise ReplayDivergence(refusal) from error
        if not _same(rows, entry.rows):
            raise ReplayDivergence(
                f"{self._refusal(entry, 'answered differently')}. Compute what is random or depends on the time in Python and "
                f"send it as a parameter. {ADVICE}"
            )

    def _refusal(self, entry: Entry, what: str) -> str:
        number = next(number for number, other in enumerate(self.entries, 1) if other is entry)
        return (
            f"rollback to a savepoint is not possible: statement {number} of the transaction {what} when it was repeated "
            f"({entry.sql})"
        )

    def _compare(self, prints: Prints) -> None:
        now = fingerprints(self.raw)
        differing = sorted({key[1] for key in now.keys() | prints.keys() if now.get(key) != prints.get(key)})
        if differing:
            raise ReplayDivergence(
                "rollback to a savepoint is not possible: repeated, the transaction's own SQL fills "
                f"{', '.join(differing)} differently (random(), now() or the like in the text, a default or a macro). "
                f"Compute such values in Python and send them as parameters. {ADVICE}"
            )


def _same(rows: list[tuple[Any, ...]], others: list[tuple[Any, ...]] | None) -> bool:
    return others is None or rows == others or repr(rows) == repr(others)  # the texts of NaN agree, the values never do


def execute(raw: Any, sql: str, params: Sequence[Any], arrow: Any = None) -> list[tuple[Any, ...]]:
    """Runs a write: its Arrow table, if it has one, is there while it runs."""
    if arrow is None:
        rows: list[tuple[Any, ...]] = raw.execute(sql, params).fetchall()
        return rows
    raw.register(ARROW_NAME, arrow)
    try:
        rows = raw.execute(sql, params).fetchall()
    except BaseException:
        with suppress(Exception):  # the transaction is aborted by now
            raw.unregister(ARROW_NAME)
        raise
    raw.unregister(ARROW_NAME)
    return rows


def fingerprints(raw: Any) -> Prints:
    """Each table's definition, count and hash. A million rows of five columns take 24 ms."""
    tables = raw.execute(
        "SELECT schema_name, table_name, sql FROM duckdb_tables() WHERE database_name IN (current_database(), 'temp')"
    ).fetchall()
    if not tables:
        return {}
    parts = []
    for number, (schema, table, _) in enumerate(tables):
        name = ".".join('"' + part.replace('"', '""') + '"' for part in (schema, table))
        parts.append(f"SELECT {number}, count(*), bit_xor(hash(nbs)), sum(hash(nbs)) FROM {name} nbs")
    rows = raw.execute(" UNION ALL ".join(parts)).fetchall()
    return {tables[number][:2]: (tables[number][2], *row) for number, *row in rows}
