"""SQLite's links, on the standard library's sqlite3: transactions, savepoints, rows in bulk. Knows no object."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from nbsession.database.link import Link, Outcome, Owner, Rows
from nbsession.database.rows import RowDelete, RowInsert, RowUpdate, Sets
from nbsession.database.sqlite.dialect import SQLiteDialect
from nbsession.exc import IntegrityError, InvalidRequestError, OperationalError


class SQLiteLink(Link):
    """One sqlite3 connection, in autocommit mode: BEGIN, COMMIT and SAVEPOINT are sent by us, and only by us."""

    dialect: SQLiteDialect

    def __init__(self, dialect: SQLiteDialect, raw: Any, shared: bool) -> None:
        super().__init__(dialect, raw)
        self.shared = shared
        self._checked: set[tuple[str, str]] = set()

    def begin(self, owner: Owner) -> None:
        """Begins with the next statement; the one connection of a database in memory has one transaction at a time."""
        if self.shared and self.owner is not None and self.owner is not owner:
            raise OperationalError(
                "the database in memory is in use: another Connection (or Session) of this engine has a transaction open, and "
                "'sqlite://' has one connection only. Commit, roll back or close the other first, or use a file: "
                "create_engine('sqlite:///file.db')."
            )
        super().begin(owner)

    def alive(self) -> bool:
        """Some errors (disk full, I/O) make SQLite roll back by itself; going on would then autocommit."""
        return bool(self.raw.in_transaction)

    def _send_begin(self, writing: bool) -> None:
        # who begins with a write takes the lock at once: a reader in between could otherwise make the COMMIT fail
        self.raw.execute("BEGIN IMMEDIATE" if writing else "BEGIN")
        if self.dialect.foreign_keys == "checked":
            self.raw.execute("PRAGMA defer_foreign_keys=ON")

    def _in_transaction(self) -> bool:
        return bool(self.raw.in_transaction)

    def _send_commit(self) -> BaseException | None:
        if not self.raw.in_transaction:
            self.start(True)  # which says what happened
        try:
            return self._commit_through(lambda: self.raw.execute("COMMIT"))
        except Exception as error:
            if "FOREIGN KEY" in str(error):
                raise IntegrityError(
                    f"FOREIGN KEY constraint failed at COMMIT: {self._orphan()}", "COMMIT", None, error
                ) from error
            raise

    def _orphan(self) -> str:
        for table, rowid, parent, _ in self.raw.execute("PRAGMA foreign_key_check").fetchmany(1):
            return f"row {rowid} of {table} refers to a row of {parent} that does not exist. Insert or keep that one, or set NULL."
        return "a row refers to another that does not exist."

    def _send_rollback(self) -> None:
        if self.raw.in_transaction:
            self.raw.execute("ROLLBACK")

    def control(self, sql: str) -> None:
        """Sends it as it is. Where it ended the transaction, the next statement begins another: nothing autocommits."""
        self.raw.execute(sql)
        self.pending = self.attention = not self.raw.in_transaction

    def _control(self, sql: str) -> None:
        if self.attention or (self._owner is not None and not self.raw.in_transaction):
            self.start(False)
        self.raw.execute(sql)

    def savepoint(self, name: str) -> None:
        """SAVEPOINT."""
        self._control(f"SAVEPOINT {name}")

    def rollback_to(self, name: str) -> None:
        """ROLLBACK TO SAVEPOINT. It helps after an error, too, unless SQLite has rolled everything back by itself."""
        if self.failure is None or not self.raw.in_transaction:
            self._control(f"ROLLBACK TO SAVEPOINT {name}")
            return
        self.raw.execute(f"ROLLBACK TO SAVEPOINT {name}")
        self.failure = None
        self.attention = False

    def release(self, name: str) -> None:
        """RELEASE SAVEPOINT."""
        self._control(f"RELEASE SAVEPOINT {name}")

    def cursor(self) -> Any:
        """A sqlite3 cursor."""
        return self.raw.cursor()

    def execute(self, sql: str, params: Sequence[Any], writing: bool, trusted: bool = False) -> Outcome:
        """Runs one statement."""
        if self.attention or (self._owner is not None and not self.raw.in_transaction):
            self.start(writing)
        cursor = self.raw.execute(sql, params)
        if cursor.description is None:
            return Outcome(None, (), cursor.rowcount, cursor.lastrowid)
        rows = cursor.fetchall()
        return Outcome(rows, tuple([column[0] for column in cursor.description]), cursor.rowcount, cursor.lastrowid)

    def execute_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> int:
        """executemany, undone as a whole if one of them fails."""
        if self.attention or (self._owner is not None and not self.raw.in_transaction):
            self.start(True)
        if len(rows) == 1:
            return int(self.raw.execute(sql, rows[0]).rowcount)
        with _Whole(self):
            return int(self.raw.executemany(sql, rows).rowcount)

    def fetch(self, sql: str, params: Sequence[Any]) -> Rows:
        """fetchall."""
        with self.turn:
            if self.attention or (self._owner is not None and not self.raw.in_transaction):
                self.start(False)
            rows: Rows = self.raw.execute(sql, params).fetchall()
            return rows

    def insert_rows(self, write: RowInsert, rows: Sets) -> Sequence[Any] | None:
        """Inserts; the keys of a bulk are the numbers from the first to the last one, and that is verified."""
        sql = self.dialect.insert_text(write)
        if write.generated is None:
            self.execute_many(sql, rows)
            return None
        if self.attention or (self._owner is not None and not self.raw.in_transaction):
            self.start(True)
        name = write.table.name, write.generated.name
        if name not in self._checked:
            self._check_generates(*name)
        raw = self.raw
        if len(rows) == 1:
            return [raw.execute(sql, rows[0]).lastrowid]
        with _Whole(self) as whole:
            changes = raw.total_changes
            first = raw.execute(sql, rows[0]).lastrowid
            raw.executemany(sql, islice(rows, 1, None))
            last = raw.execute("SELECT last_insert_rowid()").fetchone()[0]
            if last - first == len(rows) - 1 and raw.total_changes - changes == len(rows):
                return range(first, last + 1)
            # a trigger took or gave back numbers, or the highest one is used up: ask for each row's
            whole.undo()
            return list(self._one_by_one(sql, rows))

    def _one_by_one(self, sql: str, rows: Sets) -> Iterable[int]:
        for row in rows:
            cursor = self.raw.execute(sql, row)
            if cursor.rowcount == 0:
                raise IntegrityError(
                    "the row was not inserted: a trigger of the table ignored it (RAISE(IGNORE))", sql, row
                )
            yield cursor.lastrowid

    def _check_generates(self, table: str, column: str) -> None:
        """Only the one INTEGER PRIMARY KEY is the row's number; of any other column the number would be a wrong key."""
        sql = f"PRAGMA table_info({self.dialect.quote(table)})"
        keys = [(row[1], row[2]) for row in self.raw.execute(sql) if row[5]]
        self.tell(sql, (), len(keys))
        if keys and (len(keys) > 1 or keys[0][0] != column or keys[0][1].upper() != "INTEGER"):
            declared = ", ".join(f"{name} {type_}" for name, type_ in keys)
            raise InvalidRequestError(
                f"SQLite generates keys for a single INTEGER PRIMARY KEY only; table {table!r} has the key ({declared}). "
                f"Give {column!r} a value, or declare the column INTEGER PRIMARY KEY."
            )
        if keys:
            self._checked.add((table, column))

    def update_rows(self, write: RowUpdate, rows: Sets) -> int:
        """UPDATE, one row each."""
        return self.execute_many(self.dialect.update_text(write), rows)

    def delete_rows(self, write: RowDelete, rows: Sets) -> int:
        """DELETE, one row each."""
        return self.execute_many(self.dialect.delete_text(write), rows)


class _Whole:
    """All or nothing for several driver calls: a savepoint of our own around them."""

    __slots__ = ("link", "raw")

    def __init__(self, link: SQLiteLink) -> None:
        self.link = link
        self.raw = link.raw

    def __enter__(self) -> _Whole:
        self.raw.execute("SAVEPOINT nbsession_rows")
        return self

    def undo(self) -> None:
        """Undoes what was done so far."""
        self.raw.execute("ROLLBACK TO nbsession_rows")

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if error is None:
            try:
                self.raw.execute("RELEASE nbsession_rows")
            except BaseException as refused:
                self._give_up(refused)
                raise
        elif self.raw.in_transaction:
            self._give_up(error)

    def _give_up(self, error: BaseException) -> None:
        """Undoes it; where that fails, part of it may stay, and the whole transaction has to go."""
        try:
            self.undo()
            self.raw.execute("RELEASE nbsession_rows")
        except BaseException as second:
            self.link.doom(error)
            if not isinstance(second, Exception):
                raise
