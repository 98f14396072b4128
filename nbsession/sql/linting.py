"""What a statement says that is hardly meant: tables in FROM that nothing joins. Knows clauses; sends and warns of nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import product
from typing import Any

from nbsession.sql.elements import BinaryExpression
from nbsession.sql.froms import froms_of
from nbsession.sql.selectable import Join
from nbsession.sql.visitors import iterate


def cartesian(verb: str, froms: Sequence[Any], criteria: Iterable[Any], named: Callable[[Any], str]) -> str | None:
    """A warning, if rows of one table are paired with every row of another.

    :param verb: ``SELECT``, ``UPDATE`` or ``DELETE``.
    :param froms: what stands in FROM: at least two things, else there is nothing to join.
    :param criteria: what stands in WHERE. Any comparison between two tables joins them.
    :param named: gives the name of a table or alias.
    """
    members = [[part for part in one.parts() if part.visit_name != "text"] for one in froms if hasattr(one, "parts")]
    members = [parts for parts in members if parts]
    if len(members) < 2:
        return None
    place = {id(part): number for number, parts in enumerate(members) for part in parts}
    joined: dict[int, set[int]] = {}
    for clause in (*criteria, *(one for each in froms for one in _conditions(each))):
        for part in iterate(clause, inside_subqueries=False):
            if isinstance(part, BinaryExpression) and part.operator.comparison:
                left, right = (
                    {place[id(one)] for each in froms_of(side) for one in each.parts() if id(one) in place}
                    for side in (part.left, part.right)
                )
                for one, other in product(left, right):
                    joined.setdefault(one, set()).add(other)
                    joined.setdefault(other, set()).add(one)
    waiting, reached = [0], {0}
    while waiting:
        further = joined.get(waiting.pop(), set()) - reached
        reached |= further
        waiting += further
    apart = [f'"{named(part)}"' for number, parts in enumerate(members) if number not in reached for part in parts]
    if not apart:
        return None
    return (
        f"{verb} statement has a cartesian product between FROM element(s) {', '.join(apart)} and FROM element "
        f'"{named(members[0][0])}". Every row of the one is paired with every row of the other: say in join() or where() '
        "which belong together."
    )


def _conditions(one: Any) -> Iterable[Any]:
    """What stands in ON."""
    if isinstance(one, Join):
        if one.onclause is not None:
            yield one.onclause
        yield from _conditions(one.left)
        yield from _conditions(one.right)
