"""The plain duckdb driver at its quickest: columns, not rows; by Arrow where pyarrow is installed, else by unnest."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.data import DDL, TABLES, Row
from benchmarks.raw import RawSide

TYPES = {"name": "VARCHAR", "note": "VARCHAR", "price": "DOUBLE"}
"""the columns that are no INTEGER"""


def optional(name: str) -> Any:
    """A module, or None if it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


class RawDuckdb(RawSide):
    """The works by duckdb."""

    def __init__(self) -> None:
        self._duckdb = importlib.import_module("duckdb")
        self._arrow = optional("pyarrow")
        self._numpy = optional("numpy")

    def open(self, folder: Path | None) -> None:
        self._path = None if folder is None else folder / "raw.duckdb"
        self._connection = self._duckdb.connect(":memory:" if self._path is None else str(self._path))
        for statement in DDL:
            self._connection.execute(statement)

    def close(self) -> None:
        self._connection.close()
        if self._path is not None:
            self._path.unlink()

    def execute(self, sql: str) -> None:
        self._connection.execute(sql)

    def insert(self, table: str, rows: list[Row]) -> None:
        self._with_columns(f"INSERT INTO {table} SELECT * FROM ", TABLES[table], list(zip(*rows, strict=True)), "")

    def insert_generating(self, table: str, rows: list[Row]) -> Sequence[int]:
        first = self._connection.execute(f"SELECT coalesce(max(id), 0) + 1 FROM {table}").fetchall()[0][0]
        keys = range(first, first + len(rows))
        columns = [list(keys), *zip(*rows, strict=True)]
        self._with_columns(f"INSERT INTO {table} SELECT * FROM ", TABLES[table], columns, "")
        return keys

    def insert_one(self, row: Row) -> Sequence[int]:
        key = int(self._connection.execute("SELECT coalesce(max(id), 0) + 1 FROM item").fetchall()[0][0])
        self._connection.execute("INSERT INTO item VALUES (?, ?, ?, ?, ?)", (key, *row))
        return (key,)

    def savepoint(self) -> None:
        """DuckDB has none."""

    def rollback_to(self, kept: list[tuple[str, list[Row]]]) -> None:
        self.execute("ROLLBACK")
        self.execute("BEGIN")
        for table, rows in kept:
            if rows:
                self.insert_generating(table, rows)

    def select(self, table: str) -> list[Row]:
        columns = TABLES[table]
        order = "shelf, slot" if table == "stock" else "id"
        found = self._connection.execute(f"SELECT {', '.join(columns)} FROM {table} ORDER BY {order}")
        if self._numpy is None:
            rows: list[Row] = found.fetchall()
            return rows
        return list(zip(*(values.tolist() for values in found.fetchnumpy().values()), strict=True))

    def select_one(self, table: str, key: int) -> Row:
        sql = f"SELECT {', '.join(TABLES[table])} FROM {table} WHERE id = ?"
        row: Row = self._connection.execute(sql, (key,)).fetchall()[0]
        return row

    def update(self, table: str, column: str, keys: list[Any], values: list[Any]) -> None:
        done = self._with_columns(
            f"UPDATE {table} SET {column} = new.{column} FROM ",
            ("id", column),
            [keys, values],
            f" WHERE {table}.id = new.id",
        )
        assert done == len(keys)

    def delete(self, table: str, keys: list[Any]) -> None:
        done = self._with_columns(f"DELETE FROM {table} USING ", ("id",), [keys], f" WHERE {table}.id = new.id")
        assert done == len(keys)

    def _with_columns(self, before: str, names: Sequence[str], columns: Sequence[Sequence[Any]], after: str) -> int:
        """Runs a statement on rows given as columns, which it sees as the table ``new``.

        :return: how many rows it touched.
        """
        if self._arrow is not None:
            types = [self._arrow_type(name) for name in names]
            arrays = [self._arrow.array(values, type=kind) for values, kind in zip(columns, types, strict=True)]
            self._connection.register("batch", self._arrow.table(arrays, names=list(names)))
            try:
                done = self._connection.execute(f"{before}batch AS new{after}")
                return int(done.fetchall()[0][0])
            finally:
                self._connection.unregister("batch")
        lists = ", ".join(f"unnest(?::{TYPES.get(name, 'INTEGER')}[]) AS {name}" for name in names)
        done = self._connection.execute(f"{before}(SELECT {lists}) AS new{after}", [list(values) for values in columns])
        return int(done.fetchall()[0][0])

    def _arrow_type(self, name: str) -> Any:
        kind = TYPES.get(name, "INTEGER")
        return {"INTEGER": self._arrow.int32, "VARCHAR": self._arrow.string, "DOUBLE": self._arrow.float64}[kind]()
