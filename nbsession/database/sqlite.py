"""SQLite: its dialect and its links, on the standard library's sqlite3. All of SQLite's ways are known here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from nbsession.database import processors as convert
from nbsession.database.dialect import FULL, Dialect
from nbsession.database.link import Link, Outcome, Owner, Rows
from nbsession.database.reading import Reader
from nbsession.database.rows import RowDelete, RowInsert, RowUpdate
from nbsession.exc import CompileError, IntegrityError, InvalidRequestError, OperationalError
from nbsession.sql import types
from nbsession.sql.native_types import ARRAY, NativeType

if TYPE_CHECKING:
    from nbsession.database.connection import Connection
    from nbsession.sql.schema import Table

LOCKED = (
    "Another connection is writing to the file: commit or roll back there (a second notebook, an open Connection or "
    "Session here), or wait longer with create_engine('sqlite:///file.db?timeout=30')."
)


class SQLiteDialect(Dialect):
    """How SQLite is spoken to."""

    name = "sqlite"

    def create_table_text(self, table: Table) -> str:
        """CREATE TABLE; foreign keys are always declared, whether they are enforced is said when connecting."""
        from nbsession.sql import ddl

        numbered = table.autoincrement_column

        def words(type_: types.TypeEngine) -> str:
            # only a column declared INTEGER, in this very word, is numbered by SQLite; it holds 64 bits anyway
            return "INTEGER" if numbered is not None and type_ is numbered.type else self.type_ddl(type_)

        return ddl.create_table(table, words, rendering="sqlite")

    def reader(self, connection: Connection, schema: str | None = None) -> Reader:
        """What reads the definitions of tables."""
        from nbsession.database.sqlite_reading import SQLiteReader

        return SQLiteReader(connection, schema)

    def advice(self, error: BaseException) -> str:
        """What to do about a locked file, and one that is no database."""
        text = str(error)
        if "database is locked" in text or "database table is locked" in text:
            return LOCKED
        if "not a database" in text:
            return f"{self.url.database!r} exists and holds something else: check the path."
        if "unable to open database file" in text:
            return f"Check that the folder of {self.url.database!r} exists and may be written to."
        if "readonly database" in text:
            return (
                f"{self.url.database!r} was opened read-only (mode=ro in the URL), or the file or its folder may not be written "
                "to: open it without mode=ro, or change its permissions."
            )
        if "disk is full" in text:
            return f"{FULL} (PRAGMA max_page_count limits a file, too.)"
        return ""

    def _make_bind(self, type_: types.TypeEngine) -> convert.Processor | None:
        match type_:
            case types.Enum():
                return convert.enum_bind(type_)
            case types.Numeric() if not isinstance(type_, types.Float):
                return convert.number_to_float
            case types.Uuid():
                return convert.uuid_to_text
        return _BIND.get(type_.affinity)

    def _make_result(self, type_: types.TypeEngine) -> convert.Processor | None:
        match type_:
            case types.Enum():
                return convert.enum_result(type_)
            case types.Numeric():
                if type_.asdecimal:
                    return convert.decimal_result(type_.scale)
                return None if isinstance(type_, types.Float) else float
            case types.Uuid():
                return convert.uuid_result(type_.as_uuid)
            case types.DateTime() if type_.timezone:
                return convert.aware_utc
        return _RESULT.get(type_.affinity)

    def type_ddl(self, type_: types.TypeEngine) -> str:
        """The type's words in CREATE TABLE."""
        own = type_.words_on("sqlite")
        return words_for(type_) if own is None else own


def words_for(type_: types.TypeEngine) -> str:
    """The words for a type in CREATE TABLE. They also decide SQLite's affinity: INTERVAL holds INT, so whole numbers.

    :raises CompileError: SQLite has no columns of such values.
    """
    match type_:
        case types.BigInteger():
            return "BIGINT"
        case types.SmallInteger():
            return "SMALLINT"
        case types.Double():
            return "DOUBLE"
        case types.Float():
            return "FLOAT"
        case types.Numeric():
            digits = [str(n) for n in (type_.precision, type_.scale) if n is not None]
            return f"NUMERIC({', '.join(digits)})" if digits else "NUMERIC"
        case types.Uuid():
            return "CHAR(32)"
        case types.Text():
            return "TEXT"
        case types.String():
            return f"VARCHAR({type_.length})" if type_.length else "VARCHAR"
        case ARRAY() | NativeType():
            raise CompileError(f"SQLite can't render element of type {type_!r}: it has none such. JSON may do.")
    return _DDL.get(type_.affinity, "NUMERIC")


_BIND: dict[str, convert.Processor] = {
    "boolean": convert.boolean_bind,
    "date": convert.date_to_text,
    "datetime": convert.datetime_to_text,
    "time": convert.time_to_text,
    "interval": convert.interval_to_microseconds,
    "binary": convert.bytes_bind,
    "json": convert.json_bind,
}
_RESULT: dict[str, convert.Processor] = {
    "boolean": bool,
    "date": convert.date_from_text,
    "datetime": convert.datetime_from_text,
    "time": convert.time_from_text,
    "interval": convert.interval_from_microseconds,
    "json": convert.json_result,
}
_DDL = {
    "integer": "INTEGER",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "datetime": "DATETIME",
    "time": "TIME",
    "interval": "INTERVAL",
    "binary": "BLOB",
    "json": "JSON",
}


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

    def insert_rows(self, write: RowInsert, rows: Rows) -> Sequence[Any] | None:
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

    def _one_by_one(self, sql: str, rows: Rows) -> Iterable[int]:
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

    def update_rows(self, write: RowUpdate, rows: Rows) -> int:
        """UPDATE, one row each."""
        return self.execute_many(self.dialect.update_text(write), rows)

    def delete_rows(self, write: RowDelete, rows: Rows) -> int:
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
