"""The plain sqlite3 driver at its quickest: executemany inside one transaction, keys recovered in bulk."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.data import DDL, TABLES, Row
from benchmarks.raw import RawSide


class RawSqlite(RawSide):
    """The works by sqlite3."""

    def open(self, folder: Path | None) -> None:
        self._connection = sqlite3.connect(":memory:" if folder is None else folder / "raw.db", isolation_level=None)
        for statement in DDL:
            self._connection.execute(statement)

    def close(self) -> None:
        path = self._connection.execute("PRAGMA database_list").fetchone()[2]
        self._connection.close()
        if path:
            Path(path).unlink()

    def execute(self, sql: str) -> None:
        self._connection.execute(sql)

    def insert(self, table: str, rows: list[Row]) -> None:
        self._connection.executemany(f"INSERT INTO {table} VALUES ({_marks(len(rows[0]))})", rows)

    def insert_generating(self, table: str, rows: list[Row]) -> Sequence[int]:
        columns = TABLES[table][1:]
        sql = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({_marks(len(columns))})"
        first = self._connection.execute(sql, rows[0]).lastrowid
        self._connection.executemany(sql, rows[1:])
        last = self._connection.execute("SELECT last_insert_rowid()").fetchone()[0]
        assert first is not None
        assert last - first == len(rows) - 1
        return range(first, last + 1)

    def insert_one(self, row: Row) -> Sequence[int]:
        key = self._connection.execute("INSERT INTO item (name, qty, price, note) VALUES (?, ?, ?, ?)", row).lastrowid
        assert key is not None
        return (key,)

    def savepoint(self) -> None:
        self.execute("SAVEPOINT here")

    def rollback_to(self, kept: list[tuple[str, list[Row]]]) -> None:
        self.execute("ROLLBACK TO here")

    def select(self, table: str) -> list[Row]:
        columns = TABLES[table]
        order = "shelf, slot" if table == "stock" else "id"
        return self._connection.execute(f"SELECT {', '.join(columns)} FROM {table} ORDER BY {order}").fetchall()

    def select_one(self, table: str, key: int) -> Row:
        sql = f"SELECT {', '.join(TABLES[table])} FROM {table} WHERE id = ?"
        row: Row = self._connection.execute(sql, (key,)).fetchone()
        return row

    def update(self, table: str, column: str, keys: list[Any], values: list[Any]) -> None:
        pairs = zip(values, keys, strict=True)
        done = self._connection.executemany(f"UPDATE {table} SET {column} = ? WHERE id = ?", pairs).rowcount
        assert done == len(keys)

    def delete(self, table: str, keys: list[Any]) -> None:
        done = self._connection.executemany(f"DELETE FROM {table} WHERE id = ?", [(key,) for key in keys]).rowcount
        assert done == len(keys)


def _marks(n: int) -> str:
    return ", ".join("?" * n)
