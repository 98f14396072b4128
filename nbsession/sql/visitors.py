"""Walking over clauses, and copying them with parts replaced.

Knows clauses only by the parts they name (``_children``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_SUBQUERIES = frozenset(("scalar_select", "exists", "select", "compound", "subquery", "cte", "textual_select"))


def iterate(clause: Any, inside_subqueries: bool = True) -> Iterator[Any]:
    """The clause and every clause within it, from the outside in."""
    yield clause
    if clause.visit_name in _SUBQUERIES and not inside_subqueries:
        return
    for child in children(clause):
        yield from iterate(child, inside_subqueries)


def children(clause: Any) -> Iterator[Any]:
    """The clauses that a clause consists of."""
    for name in clause._children:
        part = getattr(clause, name)
        if type(part) is tuple:
            yield from part
        elif part is not None:
            yield part
    if clause.visit_name == "select":
        yield from clause._where
        yield from clause._having


def replace(clause: Any, replacement: Callable[[Any], Any]) -> Any:
    """A copy in which each part that ``replacement`` gives something for is that; unchanged parts are shared.

    ::

        replace(condition, lambda part: alias.corresponding_column(part) if part in table.c else None)
    """
    new = replacement(clause)
    if new is not None:
        return new
    changes: dict[str, Any] = {}
    names = ("_where", "_having") if clause.visit_name == "select" else clause._children
    for name in names:
        part = getattr(clause, name)
        if type(part) is tuple:
            copied: Any = tuple(replace(one, replacement) for one in part)
            same = all(one is other for one, other in zip(part, copied, strict=True))
        elif part is None:
            continue
        else:
            copied = replace(part, replacement)
            same = copied is part
        if not same:
            changes[name] = copied
    if not changes:
        return clause
    if hasattr(clause, "_copy"):
        return clause._copy(**changes)
    copy = clause._clone()
    for name, value in changes.items():
        setattr(copy, name, value)
    return copy
