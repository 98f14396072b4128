"""The names of a SELECT's columns, and which identifiers need quotes.

Names follow SQLAlchemy: a second ``id`` is ``id_1``, an unnamed function ``count_1``, anything else ``anon_1``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from nbsession.sql.elements import Cast, ColumnClause, Label, UnaryExpression
from nbsession.sql.functions import FunctionElement
from nbsession.sql.operators import NEG

if TYPE_CHECKING:
    from collections.abc import Sequence

_PLAIN = re.compile(r"[a-z_][a-z0-9_$]*")

RESERVED = frozenset(
    [
        "abort",
        "action",
        "add",
        "after",
        "all",
        "alter",
        "analyse",
        "analyze",
        "and",
        "anti",
        "any",
        "array",
        "as",
        "asc",
        "asof",
        "asymmetric",
        "at",
        "attach",
        "authorization",
        "autoincrement",
        "before",
        "begin",
        "between",
        "bigint",
        "binary",
        "both",
        "by",
        "cascade",
        "case",
        "cast",
        "char",
        "character",
        "check",
        "coalesce",
        "collate",
        "collation",
        "column",
        "columns",
        "commit",
        "concurrently",
        "conflict",
        "constraint",
        "create",
        "cross",
        "current",
        "current_date",
        "current_time",
        "current_timestamp",
        "current_user",
        "database",
        "default",
        "deferrable",
        "deferred",
        "delete",
        "desc",
        "describe",
        "detach",
        "distinct",
        "do",
        "drop",
        "each",
        "else",
        "end",
        "escape",
        "except",
        "exclusive",
        "exists",
        "explain",
        "extract",
        "fail",
        "false",
        "fetch",
        "filter",
        "for",
        "foreign",
        "freeze",
        "from",
        "full",
        "glob",
        "grant",
        "group",
        "having",
        "if",
        "ignore",
        "ilike",
        "immediate",
        "in",
        "index",
        "indexed",
        "initially",
        "inner",
        "insert",
        "instead",
        "int",
        "integer",
        "intersect",
        "interval",
        "into",
        "is",
        "isnull",
        "join",
        "key",
        "lambda",
        "lateral",
        "leading",
        "left",
        "like",
        "limit",
        "match",
        "natural",
        "no",
        "not",
        "nothing",
        "notnull",
        "null",
        "of",
        "off",
        "offset",
        "on",
        "only",
        "or",
        "order",
        "outer",
        "over",
        "overlaps",
        "parser",
        "pivot",
        "pivot_longer",
        "pivot_wider",
        "placing",
        "plan",
        "position",
        "positional",
        "pragma",
        "primary",
        "qualify",
        "query",
        "raise",
        "recursive",
        "references",
        "regexp",
        "reindex",
        "release",
        "rename",
        "replace",
        "restrict",
        "returning",
        "right",
        "rollback",
        "row",
        "savepoint",
        "select",
        "semi",
        "set",
        "show",
        "similar",
        "some",
        "summarize",
        "symmetric",
        "table",
        "tablesample",
        "temp",
        "temporary",
        "then",
        "to",
        "trailing",
        "transaction",
        "trigger",
        "true",
        "union",
        "unique",
        "unpack",
        "unpivot",
        "update",
        "using",
        "vacuum",
        "values",
        "variadic",
        "verbose",
        "view",
        "virtual",
        "when",
        "where",
        "window",
        "with",
        "without",
    ]
)
"""Words that SQLite or DuckDB would misread; one list for both, so that the text is the same."""


def quote_identifier(name: str) -> str:
    """The name as SQL: in double quotes if it is a reserved word, or not plain lower case."""
    if _PLAIN.fullmatch(name) and name not in RESERVED:
        return name
    return '"' + name.replace('"', '""') + '"'


def given_name(column: Any) -> str | None:
    """The name that an expression has by itself, or None."""
    if isinstance(column, Label | ColumnClause):
        return column.name
    if isinstance(column, Cast):
        return given_name(column.clause)
    if isinstance(column, UnaryExpression) and column.operator is NEG:
        return given_name(column.element)
    if column.visit_name == "text":
        name: str = column.text
        return name
    return None


def result_names(columns: Sequence[Any]) -> list[str]:
    """The names under which the columns of a SELECT are found in its rows."""
    used: dict[str, int] = {}
    names: list[str] = []
    taken = {name for name in map(given_name, columns) if name is not None}
    shown: dict[int, int] = {}
    for column in columns:
        name = given_name(column)
        again = shown[id(column)] = shown.get(id(column), -1) + 1
        if again and name is not None:
            names.append(f"{name}__{again}")
            continue
        if name is None:
            stem = column.name if isinstance(column, FunctionElement) else "anon"
        elif name not in used:
            used[name] = 0
            names.append(name)
            continue
        else:
            stem = name
        while True:
            used[stem] = used.get(stem, 0) + 1
            candidate = f"{stem}_{used[stem]}"
            if candidate not in taken:
                break
        taken.add(candidate)
        names.append(candidate)
    return names
