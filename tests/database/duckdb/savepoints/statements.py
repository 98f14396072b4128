"""Programs of SQL: statements that mean the same on SQLite and DuckDB, and savepoints between them. Runs nothing."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

from hypothesis import strategies as st

FRAME = {"a": [31, 32], "b": [1, None], "c": ["in a frame", "é"]}
"""registered with DuckDB under the name ``frame``; a table of SQLite"""

TABLES = """
CREATE TABLE t (id INTEGER PRIMARY KEY, v INTEGER NOT NULL CHECK (v < 90), u INTEGER UNIQUE);
CREATE TABLE w (id INTEGER PRIMARY KEY, n INTEGER, name VARCHAR);
"""


START = """
INSERT INTO t VALUES (1, 10, 1), (2, 20, NULL), (3, 30, 3), (4, 40, NULL);
INSERT INTO w VALUES (1, 1, 'one'), (2, NULL, NULL);
"""

MADE = {"x": "TABLE", "y": "TABLE", "z": "VIEW"}
"""what programs create, by name"""


class Sql(NamedTuple):
    """One text for both, or one for each, with its parameters.

    :ivar keeps: must its count be compared? Not of DDL, of which the two say different things.
    """

    text: str
    params: tuple[Any, ...] = ()
    duck: str | None = None
    keeps: bool = True


class Rows(NamedTuple):
    """A write by rows, as a flush makes them: ``insert``, ``explicit``, ``update``, ``rename``, ``delete`` or ``own``."""

    verb: str
    rows: tuple[tuple[Any, ...], ...]


class Control(NamedTuple):
    """``savepoint``, ``release`` or ``rollback to`` with a name; ``commit`` or ``rollback`` without."""

    verb: str
    name: str = ""


Step: TypeAlias = Sql | Rows | Control

_id = st.integers(1, 9)
_v = st.integers(0, 95)
_u = st.none() | st.integers(0, 9)
_name = st.sampled_from(["a", "a", "b"])


def _sql(text: str, *params: Any, duck: str | None = None, keeps: bool = True) -> st.SearchStrategy[Step]:
    return st.tuples(*params).map(lambda values: Sql(text, values, duck, keeps))


def _rows(verb: str, *columns: Any) -> st.SearchStrategy[Step]:
    return st.lists(st.tuples(*columns), min_size=1, max_size=3).map(lambda rows: Rows(verb, tuple(rows)))


def _ddl(*texts: str) -> st.SearchStrategy[Step]:
    return st.sampled_from(texts).map(lambda text: Sql(text, keeps=False))


writes = st.one_of(
    _sql("INSERT INTO t VALUES (?, ?, ?)", _id, _v, _u),
    _sql("INSERT INTO t VALUES (?, ?, ?), (?, ?, ?) RETURNING id, v", _id, _v, _u, _id, _v, _u),
    _sql(
        "INSERT INTO t VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET v = excluded.v RETURNING id, v, u", _id, _v, _u
    ),
    _sql(
        "INSERT INTO t VALUES (?, ?, ?) ON CONFLICT DO NOTHING", _id, st.integers(0, 89), _u
    ),  # which check goes first?
    _sql("INSERT INTO w SELECT id + 10, v, 'from t' FROM t WHERE v < ?", _v),
    _sql(
        "WITH q AS (SELECT id, v FROM t WHERE id > ?) INSERT INTO w SELECT id + 20, v, 'by cte' FROM q",
        _id,
        keeps=False,
    ),
    _sql("UPDATE t SET v = (v + ?) % 90 WHERE id < ? RETURNING id, v", _v, _id),
    _sql("UPDATE w SET name = name || '!', n = ? WHERE id < ?", _v, st.integers(1, 35)),
    _sql("DELETE FROM t WHERE id = ? RETURNING *", _id),
    _sql("DELETE FROM w WHERE id > ?", st.integers(1, 35)),
    _sql(
        "DELETE FROM w WHERE id < ? RETURNING id",
        st.integers(1, 25),
        duck="WITH q AS (DELETE FROM w WHERE id < ? RETURNING id) SELECT id FROM q",
    ),
    _sql(
        "INSERT INTO w VALUES (?, ?, 'written by a select') RETURNING id, n",
        _id,
        _v,
        duck="WITH q AS (INSERT INTO w VALUES (?, ?, 'written by a select') RETURNING id, n) SELECT id, n FROM q",
    ),
    _sql("INSERT INTO w SELECT a, b, c FROM frame"),
    _sql("INSERT INTO w (id) VALUES (?)", _id),
)
several = st.builds(
    lambda a, b, c: Sql(
        f"INSERT INTO w VALUES ({a}, {b}, 'one of several; ''quoted'''); UPDATE t SET v = {b} % 90 WHERE id = {a};\n"
        f"-- a comment;\nDELETE FROM w WHERE id = {c}",
        keeps=False,
    ),
    _id,
    _v,
    _id,
)
rows = st.one_of(
    _rows("insert", _v, _u),
    _rows("insert", _v, _u),
    _rows("explicit", _id, _v, _u),
    _rows("update", _v, _id),
    _rows("update", _v, _id),
    st.builds(lambda *row: Rows("clash", (row,)), _u, _id),  # of several, SQLite refuses what clashes only in between
    _rows("delete", _id),
    _rows("own", _v),
)
ddl = _ddl(
    "CREATE TABLE x (a INTEGER)",
    "CREATE TABLE x AS SELECT id AS a FROM t",
    "INSERT INTO x (a) VALUES (1)",
    "ALTER TABLE x ADD COLUMN b INTEGER",
    "UPDATE x SET b = 5",
    "DROP TABLE x",
    "CREATE TEMP TABLE y (a INTEGER)",
    "INSERT INTO y VALUES (7), (8)",
    "DELETE FROM y WHERE a = 7",
    "DROP TABLE y",
    "CREATE VIEW z AS SELECT id, v FROM t WHERE v > 10",
    "DROP VIEW z",
)
wrong = st.sampled_from([Sql("selec"), Sql("INSERT INTO nowhere VALUES (1)"), Sql("INSERT INTO t VALUES (1, NULL, 2)")])
_savepoint = st.builds(Control, st.just("savepoint"), _name)
_control = st.one_of(
    _savepoint,
    st.builds(Control, st.just("rollback to"), _name),
    st.builds(Control, st.just("release"), _name),
    st.builds(Control, st.sampled_from(["commit", "rollback"]), st.just("")),
)
_endings = st.sampled_from(["rollback to", "rollback to", "rollback to", "release", ""])
_any = st.one_of(writes, rows, writes, rows, several, ddl, ddl, wrong, _control)
_flush = st.one_of(
    _rows("insert", st.integers(0, 89), st.none()),
    _rows("explicit", st.integers(5, 30), st.integers(0, 89), st.none()),
    _rows("update", st.integers(0, 89), st.integers(1, 6)),
    _rows("update", st.integers(0, 89), st.integers(1, 6)),
    st.builds(lambda *row: Rows("clash", (row,)), st.integers(0, 30), st.integers(1, 6)),
    _rows("delete", st.integers(4, 7)),
    _rows("own", _v),
    _sql("UPDATE t SET v = (v + ?) % 90", st.integers(1, 9)),
    _control,
)
"""what a unit of work writes: by rows, most of which are there; replayed in fewer statements"""


def _block(name: str, body: list[Any], ending: str) -> list[Any]:
    """A savepoint, what is done in it, and how it ends; "" leaves it open."""
    return [Control("savepoint", name), *body, *([Control(ending, name)] if ending else [])]


def blocks(work: st.SearchStrategy[Any], block: Any) -> st.SearchStrategy[list[Any]]:
    """Programs: work, and blocks in savepoints, some inside another, some after one that ended.

    :param work: a step.
    :param block: makes steps of a name, a body and an ending.
    """
    some = st.lists(work, min_size=2, max_size=5)
    inner = st.builds(block, _name, some, _endings)
    outer = st.builds(
        lambda *given: block(given[0], [*given[1], *given[2], *given[3]], given[4]), _name, some, inner, some, _endings
    )
    parts = st.lists(st.one_of(some, inner, outer), min_size=1, max_size=3)
    return st.builds(lambda first, rest: [*first, *(step for part in rest for step in part)], some, parts)


programs = st.one_of(blocks(_any, _block), blocks(_flush, _block))
