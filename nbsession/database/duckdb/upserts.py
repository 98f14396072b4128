"""An upsert that names a row twice: DuckDB takes the first and drops the others without a word, so it is refused before it is sent.

Knows the form of INSERT as text: its rows are counted by a SELECT of what it inserts. PostgreSQL refuses the same, in these words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nbsession.exc import IntegrityError

if TYPE_CHECKING:
    from nbsession.database.duckdb.catalog import Ask, TableFacts
    from nbsession.database.duckdb.dialect import DuckDBDialect

_NAME = r'(?:"(?:[^"]|"")+"|\w+)'
_UPSERT = re.compile(r"\bon\s+conflict\b.*\bdo\s+update\b|\binsert\s+or\s+replace\b", re.IGNORECASE | re.DOTALL)
_INSERT = re.compile(
    rf"(?P<before>.*?)\binsert\s+(?P<replace>or\s+replace\s+)?into\s+(?P<table>{_NAME}(?:\.{_NAME})*)\s*"
    rf"(?:as\s+{_NAME}\s*)?(?P<columns>\([^()]*\)\s*)?(?=values\b|select\b|from\b|with\b|\()(?P<source>.*)",
    re.IGNORECASE | re.DOTALL,
)
_CONFLICT = re.compile(
    r"\bon\s+conflict\b\s*(?P<target>\([^()]*\))?(?:(?!\bon\s+conflict\b).)*?\bdo\s+update\b", re.IGNORECASE | re.DOTALL
)
_RETURNING = re.compile(r"\breturning\b", re.IGNORECASE)
_TEXTS = re.compile(r"'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/", re.DOTALL)


def is_upsert(sql: str) -> bool:
    """May the text be one? Cheap, and in doubt yes."""
    return _UPSERT.search(sql) is not None


def check_upsert(ask: Ask, dialect: DuckDBDialect, facts: Any, sql: str, params: Any) -> None:
    """Looks for rows that an upsert would write twice.

    :param facts: gives a table's columns, by schema and name.
    :raises IntegrityError: there are some.
    """
    plain = _TEXTS.sub(
        lambda found: " " * len(found.group()), sql
    )  # of the same length: places in one are places in the other
    parts = _INSERT.match(plain)
    if parts is None:
        return
    schema, table = _table(sql[slice(*parts.span("table"))])
    known: TableFacts = facts(schema, table)
    given = parts.group("columns")
    columns = _names(given) if given else list(known)
    conflict = next(reversed([*_CONFLICT.finditer(plain, parts.start("source"))]), None)
    end = conflict.start() if conflict else len(sql)
    if conflict is None and (returning := _RETURNING.search(plain, parts.start("source"))):
        end = returning.start()
    if conflict is None and not parts.group("replace"):
        return
    source = sql[parts.start("source") : end].rstrip().rstrip(";")
    before = sql[: parts.end("before")]
    values = list(params)[: plain.count("?", 0, end)] if isinstance(params, Sequence) else params
    target = conflict.group("target") if conflict else None
    for names in [_names(target)] if target else _keys(ask, schema, table):
        keys = [name for name in names if name in columns]
        if any(known[name].volatile for name in names if name in known and name not in columns):
            continue  # a default like nextval(): no two are alike
        casts = [f"CAST(nbs.{dialect.quote(name)} AS {known[name].declared})" for name in keys]
        given_names = ", ".join(dialect.quote(name) for name in columns)
        found = ask(
            f"{before} SELECT {', '.join([*casts, 'count(*)'])} FROM ({source}) nbs({given_names}) "
            "GROUP BY ALL HAVING count(*) > 1 LIMIT 1",  # NULLs too: DuckDB takes them for one row here
            values,
        )
        if found:
            row = ", ".join(f"{name}={value!r}" for name, value in zip(keys, found[0], strict=False)) or "their default"
            raise IntegrityError(
                f"ON CONFLICT DO UPDATE command cannot affect row a second time: {row} is among the rows of this statement "
                f"{found[0][-1]} times, and DuckDB would keep the first of them only. Send each row once, or one statement for "
                "each.",
                sql,
                params,
            )


def _table(name: str) -> tuple[str | None, str]:
    parts = re.findall(_NAME, name)
    schema, table = [None, *parts][-2:]
    return (None if schema is None else _plain(schema)), _plain(table)


def _plain(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


def _names(listed: str) -> list[str]:
    return [_plain(name).lower() for name in re.findall(_NAME, listed)]


def _keys(ask: Ask, schema: str | None, table: str) -> list[list[str]]:
    """The columns of the table's primary key and of each UNIQUE."""
    rows = ask(
        "SELECT constraint_column_names FROM duckdb_constraints() WHERE constraint_type IN ('PRIMARY KEY', 'UNIQUE') "
        "AND lower(table_name) = ? AND schema_name = coalesce(?, current_schema())",
        (table.lower(), schema),
    )
    return [[str(name).lower() for name in names] for (names,) in rows]
