"""What is measured: the works, their names, and the goals set for them. Knows neither databases nor sides."""

from __future__ import annotations

from typing import NamedTuple


class Goal(NamedTuple):
    """What a work aims at.

    :ivar raw: at most so many times the plain driver's time; None where no goal is set.
    :ivar peer: at least so many times faster than SQLAlchemy.
    """

    raw: float | None
    peer: float | None


WORKS: dict[str, str] = {
    "insert": "make objects, add, flush, keys on the objects, commit",
    "load": "select all into a new session",
    "update": "change one attribute of each loaded object, flush, commit",
    "delete": "delete each loaded object, flush, commit",
    "get hit": "get() of each object that the session holds",
    "get select": "get() of one object in twenty, by a SELECT each",
    "graph": "orders with ten lines each: add, flush, keys and foreign keys on the objects, commit",
    "rollback": "make objects, add, flush, roll back",
    "commit": "one object in twenty, each added, flushed and committed by itself",
    "savepoint": "make objects, flush half, set a savepoint, flush the rest, roll back to the savepoint, commit",
    "savepoint each": "one object in fifty, each in a savepoint of its own, every other rolled back; commit",
    "composite insert": "as insert, with a key of two columns",
    "composite load": "as load, with a key of two columns",
}
"""name to what is done"""

_SQLITE = {
    "insert": Goal(2.5, 12),
    "load": Goal(1.6, 3),
    "update": Goal(3, 6.5),
    "delete": Goal(1.8, 10),
    "get hit": Goal(None, 12),
    "graph": Goal(2.5, 15),
    "rollback": Goal(3, 10),
}
_DUCKDB = {"insert": Goal(2.2, 9), "load": Goal(1.9, 7), "update": Goal(3, 150)}
_DUCKDB_ARROW = {**_DUCKDB, "insert": Goal(2.2, 25)}


def goal(database: str, arrow: bool, work: str) -> Goal:
    """The goal of a work. Goals are stated on memory databases; on files the disk dilutes what is written.

    :param database: ``'sqlite'`` or ``'duckdb'``.
    :param arrow: is pyarrow there?
    :param work: a name of :data:`WORKS`.
    """
    goals = _SQLITE if database == "sqlite" else _DUCKDB_ARROW if arrow else _DUCKDB
    return goals.get(work, Goal(None, None))
