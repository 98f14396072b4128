"""Which tables a statement writes. Knows SQL text; parses each text once."""

from __future__ import annotations

from functools import lru_cache

ANY = "*"
"""stands for a table that cannot be told"""


@lru_cache(maxsize=2_000)
def tables_written(sql: str, dialect: str) -> frozenset[str]:
    """The tables that a statement writes to, a CTE's writes included; :data:`ANY` where the text cannot be understood.

    :param dialect: ``sqlite`` or ``duckdb``.

    >>> sorted(tables_written("WITH old AS (SELECT 1) DELETE FROM loan", "sqlite"))
    ['loan']
    >>> tables_written("SELECT 1", "sqlite")
    frozenset()
    """
    from sqlglot import exp, parse
    from sqlglot.errors import SqlglotError

    try:
        statements = parse(sql, read=dialect)
    except SqlglotError:
        return frozenset({ANY})
    found = set()
    for statement in statements:
        if statement is None:
            continue
        if isinstance(statement, exp.Command):
            found.add(ANY)
        writes = statement.find_all(exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Create, exp.Drop, exp.Alter)
        for write in writes:
            targets = write.args.get("tables") or [write.this]
            tables = [target.this if isinstance(target, exp.Schema) else target for target in targets]
            found |= {table.name if isinstance(table, exp.Table) else ANY for table in tables}
    return frozenset(found)
