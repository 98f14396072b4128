"""Generated keys, drawn before the INSERT and sent with it: the same keys that SQLite would give, never given twice.

Sequences are not transactional, so a replayed ``nextval`` would give other keys; a literal does not change. Knows which keys
the open transactions of one database hold; reads tables through a callable.
"""

from __future__ import annotations

import threading
from typing import Any, TypeAlias

from nbsession.database.duckdb.catalog import Ask

Name: TypeAlias = tuple[str | None, str]
"""a table: schema and name"""


class KeyRegistry:
    """The highest keys that transactions of one database have drawn.

    A key is 1 + the highest the transaction sees, or that another open one holds. What a transaction drew itself does not
    count: a key drawn in a savepoint that was rolled back is given again. What was committed while others were open counts until
    they end, because they do not see it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[object, dict[Name, int]] = {}
        self._committed: dict[Name, int] = {}

    def begin(self, owner: object) -> None:
        """A transaction begins."""
        with self._lock:
            self._open[owner] = {}

    def end(self, owner: object, committed: bool) -> None:
        """A transaction ends: its keys are rows now, or free again."""
        with self._lock:
            drawn = self._open.pop(owner, {})
            if not self._open:
                self._committed.clear()
            elif committed:
                for table, highest in drawn.items():
                    self._committed[table] = max(highest, self._committed.get(table, highest))

    def draw(self, owner: object, table: Name, seen: int | None, count: int) -> range:
        """The next keys.

        :param owner: the transaction.
        :param seen: the highest key that it sees in the table, or None if the table is empty.
        :param count: how many.
        """
        with self._lock:
            others = [drawn[table] for other, drawn in self._open.items() if other is not owner and table in drawn]
            if table in self._committed:
                others.append(self._committed[table])
            highest = max([*others, *(() if seen is None else (seen,))], default=0)
            mine = self._open.setdefault(owner, {})
            mine[table] = max(highest + count, mine.get(table, highest + count))
            return range(highest + 1, highest + count + 1)


def draw_from_sequence(ask: Ask, sequence: str, table: str, column: str, count: int) -> list[Any]:
    """Keys from a sequence of the table's own, past those that rows with explicit keys have taken.

    :param table: the table's name in SQL.
    :param column: the key's name in SQL.
    """
    keys: list[Any] = []
    while len(keys) < count:
        drawn = [row[0] for row in ask(f"SELECT nextval('{sequence}') FROM range({count - len(keys)})")]
        taken = {
            row[0]
            for row in ask(
                f"SELECT {column} FROM {table} WHERE {column} IN (SELECT unnest(?::HUGEINT[])) AND {column} IS NOT NULL",
                (drawn,),
            )
        }
        keys += [key for key in drawn if key not in taken]
    return keys
