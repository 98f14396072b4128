"""The rows that every side works on, and what must come of them. Knows no database and no side."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

Row: TypeAlias = tuple[Any, ...]

LINES_PER_ORDER = 10
SLOTS_PER_SHELF = 100

TABLES: dict[str, tuple[str, ...]] = {
    "item": ("id", "name", "qty", "price", "note"),
    "stock": ("shelf", "slot", "name", "qty", "price"),
    "orders": ("id", "name"),
    "line": ("id", "order_id", "name", "qty", "price"),
}
"""table name to its columns, the key first"""

DDL = (
    "CREATE TABLE item (id INTEGER PRIMARY KEY, name VARCHAR NOT NULL, qty INTEGER NOT NULL, price DOUBLE NOT NULL,"
    " note VARCHAR)",
    "CREATE TABLE stock (shelf INTEGER NOT NULL, slot INTEGER NOT NULL, name VARCHAR NOT NULL, qty INTEGER NOT NULL,"
    " price DOUBLE NOT NULL, PRIMARY KEY (shelf, slot))",
    "CREATE TABLE orders (id INTEGER PRIMARY KEY, name VARCHAR NOT NULL)",
    "CREATE TABLE line (id INTEGER PRIMARY KEY, order_id INTEGER NOT NULL, name VARCHAR NOT NULL, qty INTEGER NOT NULL,"
    " price DOUBLE NOT NULL)",
)
"""the tables as the plain driver makes them; the mapped sides make theirs from their classes"""


class Outcome(NamedTuple):
    """What a work must leave behind.

    :ivar said: what the objects say, one tuple each.
    :ivar tables: table name to its rows in the order of the key.
    """

    said: list[Row]
    tables: dict[str, list[Row]]


def items(n: int) -> list[Row]:
    """Values of n items, without keys; one in ten has no note."""
    return [(f"item {i}", i % 97, i * 0.25, None if i % 10 == 0 else f"note {i % 13}") for i in range(1, n + 1)]


def stocks(n: int) -> list[Row]:
    """Rows of n stocks, with their keys of two columns."""
    return [(i // SLOTS_PER_SHELF, i % SLOTS_PER_SHELF, f"stock {i}", i % 89, i * 0.5) for i in range(n)]


def orders(n: int) -> list[tuple[str, list[Row]]]:
    """Orders with ten lines each, n lines in all: a name, and the values of the lines."""
    return [
        (f"order {i}", [(f"line {i}.{j}", j + 1, i * 0.5) for j in range(LINES_PER_ORDER)])
        for i in range(1, n // LINES_PER_ORDER + 1)
    ]


def keyed(values: list[Row]) -> list[Row]:
    """The rows with the keys that they get in an empty table."""
    return [(key, *row) for key, row in enumerate(values, 1)]


def expected(work: str, n: int) -> Outcome:
    """What a work must leave behind.

    :param work: its name, as in :data:`benchmarks.works.WORKS`.
    :param n: objects.
    """
    rows = keyed(items(n))
    keys: list[Row] = [row[:1] for row in rows]
    match work:
        case "insert":
            return Outcome(keys, {"item": rows})
        case "load" | "get hit":
            return Outcome(rows, {"item": rows})
        case "get select":
            return Outcome(rows[:: max(1, n // select_count(n))][: select_count(n)], {"item": rows})
        case "update":
            changed = [(key, name, qty + 1, price, note) for key, name, qty, price, note in rows]
            return Outcome([(row[2],) for row in changed], {"item": changed})
        case "commit":
            count = commit_count(n)
            return Outcome(keys[:count], {"item": rows[:count]})
        case "savepoint":
            return Outcome(keys[: n // 2], {"item": rows[: n // 2]})
        case "savepoint each":
            kept = keyed([values for number, values in enumerate(items(each_count(n))) if number % 2 == 0])
            return Outcome([row[:1] for row in kept], {"item": kept})
        case "delete":
            return Outcome([], {"item": []})
        case "rollback":
            return Outcome([], {"item": []})
        case "graph":
            return _graph(n)
        case "composite insert" | "composite load":
            return Outcome(stocks(n), {"stock": stocks(n)})
        case _:
            raise KeyError(work)


def select_count(n: int) -> int:
    """How many objects "get select" gets: each is a statement of its own."""
    return max(1, n // 20)


def commit_count(n: int) -> int:
    """How many objects "commit" commits, one by one."""
    return max(1, n // 20)


def each_count(n: int) -> int:
    """How many savepoints "savepoint each" sets."""
    return max(2, n // 50)


def select_keys(n: int) -> list[int]:
    """The keys that "get select" gets."""
    return [row[0] for row in expected("get select", n).said]


def _graph(n: int) -> Outcome:
    tables: dict[str, list[Row]] = {"orders": [], "line": []}
    for key, (name, lines) in enumerate(orders(n), 1):
        tables["orders"].append((key, name))
        for line in lines:
            tables["line"].append((len(tables["line"]) + 1, key, *line))
    return Outcome([row[:2] for row in tables["line"]], tables)
