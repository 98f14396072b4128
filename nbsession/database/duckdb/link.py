"""A link to DuckDB: its statements, its columnar bulk writes, its savepoints. Knows the driver's cursor."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from nbsession.database.duckdb.arrow import table_of
from nbsession.database.duckdb.catalog import Catalog, TableFacts, declared_as
from nbsession.database.duckdb.dialect import DuckDBDialect
from nbsession.database.duckdb.exact import exact
from nbsession.database.duckdb.fetching import fetch_all, fetch_zoned
from nbsession.database.duckdb.footprints import written_tables
from nbsession.database.duckdb.foreign_keys import TouchedKeys
from nbsession.database.duckdb.key_actions import KeyActions
from nbsession.database.duckdb.keys import draw_from_sequence
from nbsession.database.duckdb.packing import Work
from nbsession.database.duckdb.races import footprint_of
from nbsession.database.duckdb.redo import Entry, Journal, execute
from nbsession.database.duckdb.upserts import check_upsert, is_upsert
from nbsession.database.interrupts import unbroken
from nbsession.database.link import Link, Outcome, Rows, aborted
from nbsession.database.raw import check_control, first_word
from nbsession.database.rows import RowDelete, RowInsert, RowUpdate, Sets, columns_of
from nbsession.exc import ArgumentError, InternalError, InvalidRequestError, SavepointError
from nbsession.sql.schema import Sequence as SQLSequence

if TYPE_CHECKING:
    from nbsession.database.duckdb.source import Database
    from nbsession.sql.schema import Column

NOT_ACTIVE = "no transaction is active"
_WRITES = frozenset(["INSERT", "UPDATE", "DELETE", "MERGE_INTO", "CREATE", "CREATE_FUNC", "ALTER", "DROP", "COPY"])
_DDL = frozenset(["CREATE", "CREATE_FUNC", "ALTER", "DROP", "ATTACH", "DETACH", "COPY_DATABASE"])
_UNREPLAYABLE = frozenset(["ATTACH", "DETACH", "VACUUM", "EXPORT", "COPY_DATABASE", "EXECUTE", "PREPARE"])
_ANSWERS = frozenset(["SELECT", "EXPLAIN", "PRAGMA", "CALL", "RELATION", "EXECUTE"])
_COUNTS = frozenset(["INSERT", "UPDATE", "DELETE", "MERGE_INTO"])
_HIDDEN_WRITE = re.compile(r"\b(insert|update|delete|merge)\b", re.IGNORECASE)
_DRAWS = re.compile(r"\bnextval\b", re.IGNORECASE)
_RETURNING = re.compile(r"\breturning\b", re.IGNORECASE)


class DuckDBLink(Link):
    """One cursor of a DuckDB database."""

    dialect: DuckDBDialect

    def __init__(self, dialect: DuckDBDialect, raw: Any, database: Database) -> None:
        super().__init__(dialect, raw)
        self.database = database
        self.journal: Journal | None = None
        self.touched = TouchedKeys(dialect)
        self.actions = KeyActions(self)
        self.catalog = database.catalog

    # ── the transaction ──────────────────────────────────────────────────────────────────────────────────────────────
    def _send_begin(self, writing: bool) -> None:
        while True:
            journal = Journal(self.database, self.raw, self.dialect)
            self.database.races.begin(self, journal._commits)
            self._begin_raw()
            if self.database.commits == journal._commits and self.database.mark() == journal._mark:
                break
            self.raw.execute("ROLLBACK")  # somebody committed between the look and the BEGIN: again
        self.journal = journal
        self.database.keys.begin(self)

    def _begin_raw(self) -> None:
        self.raw.execute("BEGIN")
        # for this transaction only, and it is forgotten at its end (measured): a typing error must not cost the transaction
        self.raw.execute("SET current_transaction_invalidation_policy = 'SYNTACTIC_ERRORS_DO_NOT_INVALIDATE'")

    def _send_commit(self) -> BaseException | None:
        journal = self._certain()
        self.ask("SELECT 1")  # COMMIT of an aborted transaction succeeds and loses the rows; a SELECT in it fails
        if self.dialect.foreign_keys == "checked":
            self.touched.check(self.ask)
        database = self.database
        with unbroken, database.lock:
            writes = bool(journal.entries)
            footprint = footprint_of(self) if writes and database.races.concern(self) else None
            if footprint is not None:
                database.races.check(self, footprint)
            late = self._commit_through(lambda: self.raw.execute("COMMIT"))
            database.commits += writes
            if footprint is not None:
                database.races.committed(database.commits, footprint)
            self._over(committed=True)
        return late

    def _in_transaction(self) -> bool:
        try:
            self.raw.execute("BEGIN")
        except Exception:
            return True
        self.unclean = True
        with suppress(Exception):
            self.raw.execute("ROLLBACK")
            self.unclean = False
        return False

    def _send_rollback(self) -> None:
        try:
            self.raw.execute("ROLLBACK")
        except Exception as error:
            # a COMMIT that failed has rolled back already, and so has an engine that was disposed of meanwhile
            if NOT_ACTIVE not in str(error) and "already closed" not in str(error):
                raise
        finally:
            self._over(committed=False)

    def _over(self, committed: bool) -> None:
        self.journal = None
        self.touched.clear()
        self.database.keys.end(self, committed)
        self.database.races.end(self)
        if self.catalog is not self.database.catalog:
            self.catalog = self.database.catalog
            self.catalog.forget()

    def alive(self) -> bool:
        """After most errors DuckDB's transaction is aborted; the only way to know is to ask."""
        try:
            self.raw.execute("SELECT 1").fetchall()
        except Exception:
            return False
        return True

    def failed(self, error: BaseException) -> None:
        """As everywhere; and where a write may have been done though it raised, nobody can go on from it."""
        super().failed(error)
        if self.failure is None and self.journal is not None and self.journal.broken_off(error):
            self.doom(error)

    # ── savepoints ───────────────────────────────────────────────────────────────────────────────────────────────────
    def _begun(self) -> Journal:
        if self.attention:
            self.start(False)
        return self._certain()

    def _certain(self) -> Journal:
        """The journal, if it tells all that was done."""
        assert self.journal is not None
        if self.journal.in_doubt:
            self.doom(InternalError("a write was broken off, nobody knows when"))
        if self.failure is not None:
            raise aborted(self.failure)
        return self.journal

    def savepoint(self, name: str) -> None:
        """Notes the place in the journal."""
        self._begun().savepoint(name)

    def release(self, name: str) -> None:
        """Forgets the place."""
        self._begun().release(name)

    def rollback_to(self, name: str) -> None:
        """Rebuilds the transaction as it was at the savepoint, if anything happened since."""
        journal = self.journal
        if journal is None:
            raise SavepointError(f"no such savepoint: {name}. The transaction has not begun.")
        savepoint, cut = journal.cut(name)
        if not cut and self.failure is None and self.alive():
            return
        if self.catalog is not self.database.catalog:  # tables were changed, and some of that may be undone
            self.catalog.forget()
        try:
            journal.rebuild(savepoint.prints, self._begin_raw)
        except BaseException:
            with suppress(BaseException):
                self.rollback()
            raise
        self.failure = None
        self.attention = False

    # ── statements ───────────────────────────────────────────────────────────────────────────────────────────────────
    def cursor(self) -> Any:
        """The driver's cursor that statements run on."""
        return self.raw

    def ask(self, sql: str, params: Sequence[Any] = ()) -> Rows:
        """A SELECT of our own."""
        rows: Rows = self.raw.execute(sql, params).fetchall()
        self.tell(sql, params, len(rows))
        return rows

    def execute(self, sql: str, params: Any, writing: bool, trusted: bool = False) -> Outcome:
        """Runs one statement, or several in one text without parameters; what they write is journalled."""
        if self.attention:
            self.start(writing)
        statements = _classified(self.raw.extract_statements, sql)
        if len(statements) == 1:
            return self._one(sql, statements[0][1], params, trusted)
        if params:
            raise ArgumentError("parameters go with one statement; the text holds several. Execute them one by one.")
        outcome = Outcome(None, (), -1, None)
        for text, kind in statements:
            outcome = self._one(text, kind, (), trusted)
        return outcome

    def _one(self, sql: str, kind: str, params: Any, trusted: bool) -> Outcome:
        assert self.journal is not None
        if kind == "TRANSACTION":
            check_control(sql)
            raise InvalidRequestError(f"{first_word(sql)} as SQL is refused: use the methods of the connection.")
        if kind in _UNREPLAYABLE:
            self.journal.block(f"{first_word(sql)}")
        if kind in _DDL:
            self.changes_tables()
        if kind == "INSERT" and not trusted and is_upsert(sql):
            check_upsert(self.ask, self.dialect, lambda *table: self.catalog.table(self.ask, *table), sql, params)
        raw = self.raw
        writes = kind in _WRITES or _HIDDEN_WRITE.search(sql) is not None
        draws = not writes and (kind == "CALL" or _DRAWS.search(sql) is not None)
        if writes or draws:
            self.journal.begin()
        raw.execute(sql, params)
        rows: Rows = raw.fetchall()
        description = raw.description
        if writes:
            self.journal.write(Entry(sql, params if trusted else copy.deepcopy(params), rows, trusted))
            if not trusted:
                self.touched.written_by_hand(written_tables(sql))
        elif draws:
            # a sequence made in this transaction is made again by a replay, and has to be drawn from again
            self.journal.write(Entry(sql, copy.deepcopy(params), None, kind != "CALL"))
        if kind in _ANSWERS or (kind in _COUNTS and _RETURNING.search(sql) and description[0][0] != "Count"):
            return Outcome(rows, tuple([column[0] for column in description]), len(rows), None)
        return Outcome(None, (), rows[0][0] if rows and kind in _COUNTS else -1, None)

    def changes_tables(self) -> None:
        """Before DDL: what the catalog knows is this transaction's own from here on."""
        if self.catalog is self.database.catalog:
            self.catalog = Catalog()
        self.catalog.forget()

    def execute_many(self, sql: str, rows: Sequence[Any]) -> int:
        """Runs a statement for each set: DuckDB's own executemany does the same."""
        counts = [self.execute(sql, row, True).rowcount for row in rows]
        return -1 if min(counts) < 0 else sum(counts)

    def fetch(self, sql: str, params: Sequence[Any]) -> Rows:
        """Rows of a SELECT that writes nothing."""
        with self.turn:
            if self.attention:
                self.start(False)
            try:
                return fetch_all(self.raw.execute(sql, params))
            except Exception as error:
                return fetch_zoned(self.raw, sql, params, error)

    # ── bulk writes ──────────────────────────────────────────────────────────────────────────────────────────────────
    def insert_rows(self, write: RowInsert, rows: Sets) -> Sequence[Any] | None:
        """Draws keys and defaults that would change when replayed, then inserts: one row as it is, from two on by columns."""
        if self.attention:
            self.start(True)
        facts = self._facts(write.table)
        count = len(rows)
        names = [column.name for column in write.columns]
        columns = columns_of(rows)
        keys: Sequence[Any] | None = None
        if write.generated is not None:
            keys = self._draw(write.generated, facts, count)
            names.insert(0, write.generated.name)
            columns.insert(0, list(keys))
        given = {name.lower() for name in names}
        for name, fact in facts.items():
            if fact.volatile and name not in given:
                # a default like now() would not be the same when replayed: evaluate it here, send its value
                names.append(name)
                columns.append([row[0] for row in self.ask(_defaults(fact.default, fact.declared, count))])
        columns = exact(names, columns, facts)
        work = Work(write, tuple(names), columns, facts)
        if not names:
            self._write_each(self.dialect.insert_text(write), [()] * count)
        elif count == 1:
            self._write(self.dialect.insert_named_text(write, names), [column[0] for column in columns], work)
        else:
            self._write_columns(lambda types: self.dialect.insert_columns_text(write, names, types), work)
        self.touched.inserted(write.table, names, columns)
        return keys

    def update_rows(self, write: RowUpdate, rows: Sets) -> int:
        """UPDATE: from two rows on by columns."""
        if self.attention:
            self.start(True)
        if self.touched.referring(write.table):
            self.actions.updating(write, rows)
        self.touched.updated(write, rows)
        facts = self._facts(write.table)
        names = tuple([column.name for column in (*write.set_columns, *write.match_columns)])
        columns = exact(names, columns_of(rows), facts)
        if len(rows) == 1:
            row = [column[0] for column in columns]
            return self._write(self.dialect.update_text(write), row, Work(write, names, columns, facts))
        setting = len(write.set_columns)
        if _distinct(columns[setting:]) < len(rows):  # one row twice: in order, the last one stays
            text = self.dialect.update_text(write)
            return sum(
                self._write(text, row, Work(write, names, [[value] for value in row], facts))
                for row in zip(*columns, strict=True)
            )
        return self._write_columns(
            lambda types: self.dialect.update_columns_text(write, types), Work(write, names, columns, facts)
        )

    def delete_rows(self, write: RowDelete, rows: Sets) -> int:
        """DELETE: from two rows on by columns."""
        if self.attention:
            self.start(True)
        following = self.actions.referring_to(write, rows) if self.touched.referring(write.table) else ()
        self.touched.deleted(write, rows)
        count = self._delete_rows(write, rows)
        if following:
            self.actions.deleted(following)
        return count

    def _delete_rows(self, write: RowDelete, rows: Sets) -> int:
        facts = self._facts(write.table)
        names = tuple([column.name for column in write.match_columns])
        if len(rows) == 1:
            work = Work(write, names, [[value] for value in rows[0]], facts)
            return self._write(self.dialect.delete_text(write), rows[0], work)
        columns = columns_of(rows)
        if _distinct(columns) < len(
            rows
        ):  # a row that the join deletes twice is an internal error of DuckDB (measured)
            columns = columns_of(list(set(rows)))
        return self._write_columns(
            lambda types: self.dialect.delete_columns_text(write, types), Work(write, names, columns, facts)
        )

    def _write_columns(self, text: Callable[[Sequence[str]], str], work: Work) -> int:
        columns, table = work.columns, work.write.table
        declared = [declared_as(work.facts, name, table, self.dialect) for name in work.names]
        arrow = table_of(columns, declared)
        if arrow is None:
            return self._write(text(declared), columns, work)
        return self._write(text(()), (), work, arrow)

    def _write(self, sql: str, params: Sequence[Any], work: Work | None = None, arrow: Any = None) -> int:
        """One write of our own: only literals, so a replay does the same."""
        assert self.journal is not None
        self.journal.begin()
        rows = execute(self.raw, sql, params, arrow)
        values = 1 if work is None else len(work.columns) * len(work.columns[0])
        self.journal.write(Entry(sql, params, rows, True, arrow, work), values)
        return int(rows[0][0]) if rows else 0

    def _write_each(self, sql: str, rows: Sequence[Sequence[Any]]) -> int:
        return sum(self._write(sql, row) for row in rows)

    def _facts(self, table: Any) -> TableFacts:
        return self.catalog.table(self.ask, table.schema, table.name)

    def draw_keys(self, column: Column, count: int) -> Sequence[Any]:
        """The next keys of a table."""
        if self.attention:
            self.start(True)
        return self._draw(column, self._facts(column.table), count)

    def _draw(self, key: Column, facts: TableFacts, count: int) -> Sequence[Any]:
        owner = key.table
        table, column = self.dialect.table_name(owner), self.dialect.quote(key.name)
        fact = facts.get(key.name.lower())
        sequence = fact.sequence if fact is not None else None
        if sequence is None and isinstance(key.default, SQLSequence):
            sequence = key.default.name
        if sequence is not None:
            return draw_from_sequence(self.ask, sequence, table, column, count)
        seen = self.ask(f"SELECT max({column}) FROM {table}")[0][0]
        return self.database.keys.draw(self, (owner.schema, owner.name.lower()), seen, count)


def _distinct(columns: Sequence[Sequence[Any]]) -> int:
    """How many different rows there are."""
    return len(set(columns[0] if len(columns) == 1 else zip(*columns, strict=True)))


def _defaults(default: str | None, declared: str, count: int) -> str:
    # as text: some types cannot be fetched without further packages, and every type can be read back from its text
    return f"SELECT CAST(CAST(({default}) AS {declared}) AS VARCHAR) FROM range({count})"


_known: dict[str, tuple[tuple[str, str], ...]] = {}


def _classified(extract: Any, sql: str) -> tuple[tuple[str, str], ...]:
    """Each statement of a text with its kind; parsing takes 15 to 85 µs, so texts are remembered."""
    found = _known.get(sql)
    if found is None:
        found = tuple((statement.query, statement.type.name) for statement in extract(sql))
        if len(_known) >= 1000:
            _known.clear()
        _known[sql] = found
    return found
