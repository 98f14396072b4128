"""Which columns tell the rows of a view apart, as far as its text says for certain. Knows SELECT, through sqlglot."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

_MIXES = ("joins", "group", "distinct", "laterals", "pivots", "having", "qualify", "limit", "with_")


def view_key(
    definition: str, dialect: str, columns: Sequence[str], primary_key: Callable[[str], Sequence[str]]
) -> list[str]:
    """The key of the one table that a view shows row by row, by the view's names; empty where that is not certain.

    :param definition: the CREATE VIEW.
    :param columns: of the view.
    :param primary_key: gives that of a table.
    """
    import sqlglot
    from sqlglot import exp

    try:
        created = sqlglot.parse_one(definition, read=dialect)
    except sqlglot.errors.SqlglotError:
        return []
    select = created.expression if isinstance(created, exp.Create) else None
    if not isinstance(select, exp.Select) or any(select.args.get(part) for part in _MIXES):
        return []
    source = select.args.get("from_") or select.args.get("from")
    table = source.this if source is not None else None
    if not isinstance(table, exp.Table) or table.args.get("joins") or not isinstance(table.this, exp.Identifier):
        return []
    shown = _shown(select.expressions, columns, exp)
    key = [shown.get(name.lower()) for name in primary_key(table.name)]
    return [name for name in key if name is not None] if None not in key else []


def _shown(expressions: Sequence[Any], columns: Sequence[str], exp: Any) -> dict[str, str]:
    """Column of the table, in small letters, to the view's name for it."""
    if any(one.is_star for one in expressions):
        if len(expressions) > 1:
            return {}
        return {name.lower(): name for name in columns}
    shown: dict[str, str] = {}
    for one, name in zip(expressions, columns, strict=False):
        inner = one.this if isinstance(one, exp.Alias) else one
        if isinstance(inner, exp.Column):
            shown.setdefault(inner.name.lower(), name)
    return shown
