"""The works done by hand: slots objects, and the quickest statements that a driver knows. Each driver has its file.

What is timed is what the mapped sides do too: the same rows and values, BEGIN and COMMIT, the count of rows checked, and
what the objects say afterwards read where they read it (before COMMIT, since theirs are loaded anew after it). The bookkeeping
is what a careful person would write, with nothing that is there for the benchmark's sake only.
"""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

from benchmarks import data
from benchmarks.data import Row
from benchmarks.measure import Stopwatch


class Item:
    __slots__ = ("id", "name", "note", "price", "qty")

    def __init__(self, id: int | None, name: str, qty: int, price: float, note: str | None) -> None:
        self.id = id
        self.name = name
        self.qty = qty
        self.price = price
        self.note = note


class Stock:
    __slots__ = ("name", "price", "qty", "shelf", "slot")

    def __init__(self, shelf: int, slot: int, name: str, qty: int, price: float) -> None:
        self.shelf = shelf
        self.slot = slot
        self.name = name
        self.qty = qty
        self.price = price


class Order:
    __slots__ = ("id", "lines", "name")

    def __init__(self, name: str, lines: list[Line]) -> None:
        self.id: int | None = None
        self.name = name
        self.lines = lines


class Line:
    __slots__ = ("id", "name", "order_id", "price", "qty")

    def __init__(self, name: str, qty: int, price: float) -> None:
        self.id: int | None = None
        self.order_id: int | None = None
        self.name = name
        self.qty = qty
        self.price = price


class RawSide(ABC):
    """The works, in terms of what each driver does in its own way."""

    name = "raw"
    cannot: Collection[str] = ()

    @abstractmethod
    def open(self, folder: Path | None) -> None: ...

    @abstractmethod
    def close(self) -> None: ...

    @abstractmethod
    def execute(self, sql: str) -> None: ...

    @abstractmethod
    def insert(self, table: str, rows: list[Row]) -> None:
        """Inserts whole rows."""

    @abstractmethod
    def insert_generating(self, table: str, rows: list[Row]) -> Sequence[int]:
        """Inserts rows without their key; returns the keys, in the order of the rows."""

    @abstractmethod
    def insert_one(self, row: Row) -> Sequence[int]:
        """Inserts an item without its key; returns the key."""

    @abstractmethod
    def savepoint(self) -> None: ...

    @abstractmethod
    def rollback_to(self, kept: list[tuple[str, list[Row]]]) -> None:
        """Back to the savepoint.

        :param kept: what had been inserted before, for a driver that has to begin anew.
        """

    @abstractmethod
    def select(self, table: str) -> list[Row]:
        """All rows in the order of the key."""

    @abstractmethod
    def select_one(self, table: str, key: int) -> Row: ...

    @abstractmethod
    def update(self, table: str, column: str, keys: list[Any], values: list[Any]) -> None: ...

    @abstractmethod
    def delete(self, table: str, keys: list[Any]) -> None: ...

    def rows(self, table: str) -> list[Row]:
        return self.select(table)

    def do(self, work: str, n: int, watch: Stopwatch) -> list[Row]:
        does: Callable[[int, Stopwatch], list[Row]] = getattr(self, "do_" + work.replace(" ", "_"))
        return does(n, watch)

    def do_insert(self, n: int, watch: Stopwatch) -> list[Row]:
        rows = data.items(n)
        with watch:
            objects = [Item(None, *row) for row in rows]
            self.execute("BEGIN")
            keys = self.insert_generating("item", [(o.name, o.qty, o.price, o.note) for o in objects])
            for item, key in zip(objects, keys, strict=True):
                item.id = key
            self.execute("COMMIT")
            return [(item.id,) for item in objects]

    def do_rollback(self, n: int, watch: Stopwatch) -> list[Row]:
        rows = data.items(n)
        with watch:
            objects = [Item(None, *row) for row in rows]
            self.execute("BEGIN")
            keys = self.insert_generating("item", [(o.name, o.qty, o.price, o.note) for o in objects])
            for item, key in zip(objects, keys, strict=True):
                item.id = key
            self.execute("ROLLBACK")
            for item in objects:
                item.id = None
        return [(item.id,) for item in objects if item.id is not None]

    def do_commit(self, n: int, watch: Stopwatch) -> list[Row]:
        rows = data.items(data.commit_count(n))
        with watch:
            keys: list[Row] = []
            for row in rows:
                item = Item(None, *row)
                self.execute("BEGIN")
                (item.id,) = self.insert_one(row)
                self.execute("COMMIT")
                keys.append((item.id,))
        return keys

    def do_savepoint(self, n: int, watch: Stopwatch) -> list[Row]:
        rows = data.items(n)
        with watch:
            objects = [Item(None, *row) for row in rows]
            values = [(o.name, o.qty, o.price, o.note) for o in objects]
            self.execute("BEGIN")
            keys = self.insert_generating("item", values[: n // 2])
            self.savepoint()
            self.insert_generating("item", values[n // 2 :])
            self.rollback_to([("item", values[: n // 2])])
            for item, key in zip(objects, keys, strict=False):
                item.id = key
            self.execute("COMMIT")
        return [(item.id,) for item in objects if item.id is not None]

    def do_savepoint_each(self, n: int, watch: Stopwatch) -> list[Row]:
        rows = data.items(data.each_count(n))
        with watch:
            said: list[Row] = []
            kept: list[Row] = []
            self.execute("BEGIN")
            for number, row in enumerate(rows):
                self.savepoint()
                (key,) = self.insert_one(row)
                if number % 2:
                    self.rollback_to([("item", kept)])
                else:
                    kept.append(row)
                    said.append((key,))
            self.execute("COMMIT")
        return said

    def do_load(self, n: int, watch: Stopwatch) -> list[Row]:
        self._fill(n)
        with watch:
            objects = [Item(*row) for row in self.select("item")]
        return _said(objects)

    def do_update(self, n: int, watch: Stopwatch) -> list[Row]:
        objects = self._fill(n)
        with watch:
            for item in objects:
                item.qty += 1
            self.execute("BEGIN")
            self.update("item", "qty", [item.id for item in objects], [item.qty for item in objects])
            said = [(item.qty,) for item in objects]
            self.execute("COMMIT")
        return said

    def do_delete(self, n: int, watch: Stopwatch) -> list[Row]:
        objects = self._fill(n)
        with watch:
            self.execute("BEGIN")
            self.delete("item", [item.id for item in objects])
            self.execute("COMMIT")
        return []

    def do_get_hit(self, n: int, watch: Stopwatch) -> list[Row]:
        held = {item.id: item for item in self._fill(n)}
        with watch:
            found = [held[key] for key in range(1, n + 1)]
        return _said(found)

    def do_get_select(self, n: int, watch: Stopwatch) -> list[Row]:
        self._fill(n)
        keys = data.select_keys(n)
        with watch:
            found = [Item(*self.select_one("item", key)) for key in keys]
        return _said(found)

    def do_graph(self, n: int, watch: Stopwatch) -> list[Row]:
        rows = data.orders(n)
        with watch:
            orders = [Order(name, [Line(*line) for line in lines]) for name, lines in rows]
            self.execute("BEGIN")
            for order, key in zip(orders, self.insert_generating("orders", [(o.name,) for o in orders]), strict=True):
                order.id = key
                for line in order.lines:
                    line.order_id = key
            lines = list(itertools.chain.from_iterable(order.lines for order in orders))
            values = [(line.order_id, line.name, line.qty, line.price) for line in lines]
            for line, key in zip(lines, self.insert_generating("line", values), strict=True):
                line.id = key
            self.execute("COMMIT")
            return [(line.id, line.order_id) for line in lines]

    def do_composite_insert(self, n: int, watch: Stopwatch) -> list[Row]:
        rows = data.stocks(n)
        with watch:
            objects = [Stock(*row) for row in rows]
            self.execute("BEGIN")
            self.insert("stock", [(o.shelf, o.slot, o.name, o.qty, o.price) for o in objects])
            said = _said_stock(objects)
            self.execute("COMMIT")
        return said

    def do_composite_load(self, n: int, watch: Stopwatch) -> list[Row]:
        self.insert("stock", data.stocks(n))
        with watch:
            objects = [Stock(*row) for row in self.select("stock")]
        return _said_stock(objects)

    def _fill(self, n: int) -> list[Item]:
        rows = data.keyed(data.items(n))
        self.execute("BEGIN")
        self.insert("item", rows)
        self.execute("COMMIT")
        return [Item(*row) for row in rows]


def _said(objects: list[Item]) -> list[Row]:
    return [(o.id, o.name, o.qty, o.price, o.note) for o in objects]


def _said_stock(objects: list[Stock]) -> list[Row]:
    return [(o.shelf, o.slot, o.name, o.qty, o.price) for o in objects]
