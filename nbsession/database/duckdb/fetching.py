"""Rows out of DuckDB by the quickest way: large plain results column by column through numpy, where numpy is installed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from typing import Any

from nbsession.database.link import Rows

PORTION = 2000
"""rows fetched one way before it pays to think of another"""

_PLAIN = frozenset(
    [
        "BIGINT",
        "INTEGER",
        "SMALLINT",
        "TINYINT",
        "UBIGINT",
        "UINTEGER",
        "USMALLINT",
        "UTINYINT",
        "DOUBLE",
        "FLOAT",
        "BOOLEAN",
        "VARCHAR",
    ]
)
"""types whose numpy values turn into the same Python values as fetchall() gives"""


def fetch_all(raw: Any) -> Rows:
    """All rows of the statement just executed."""
    rows: Rows = raw.fetchmany(PORTION)
    if len(rows) < PORTION:
        return rows
    description = raw.description
    names = {column[0] for column in description}
    if len(names) == len(description) and all(str(column[1]) in _PLAIN for column in description) and _numpy():
        columns = [column.tolist() for column in raw.fetchnumpy().values()]
        rows.extend(zip(*columns, strict=True))
        return rows
    while portion := raw.fetchmany(PORTION):
        rows.extend(portion)
    return rows


def fetch_zoned(raw: Any, sql: str, params: Sequence[Any], error: Exception) -> Rows:
    """The rows of a SELECT that could not be fetched because DuckDB wants pytz for TIMESTAMPTZ: such moments in UTC.

    :raises Exception: the error, if it is another one, or the moments lie inside lists or structs.
    """
    if "'pytz'" not in str(error):
        raise error
    description = raw.execute(sql, params).description
    zoned = [n for n, column in enumerate(description) if str(column[1]) == "TIMESTAMP WITH TIME ZONE"]
    columns = [f"timezone('UTC', c{n})" if n in zoned else f"c{n}" for n in range(len(description))]
    names = ", ".join(f"c{n}" for n in range(len(description)))
    inner = sql.strip().rstrip(";")
    try:
        rows = raw.execute(f"SELECT {', '.join(columns)} FROM ({inner}) nbs({names})", params).fetchall()
    except Exception:
        raise error from None
    return [
        tuple([v.replace(tzinfo=UTC) if n in zoned and v is not None else v for n, v in enumerate(row)]) for row in rows
    ]


def _numpy() -> bool:
    try:
        import numpy  # noqa: F401
    except ImportError:
        return False
    return True
