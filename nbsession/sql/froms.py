"""What stands in FROM in the end: from the columns, the joins and the criteria of a SELECT.

Knows how a join finds its left side. Correlation is decided by the rendering, which knows the statement around.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbsession.exc import InvalidRequestError, NoForeignKeysError
from nbsession.sql.combine import conjunction
from nbsession.sql.operators import AND
from nbsession.sql.selectable import FromClause, Join, columns_of, from_of, join_condition
from nbsession.sql.visitors import iterate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nbsession.sql.joins import JoinStep
    from nbsession.sql.select import Select


def froms_of(clause: Any) -> Iterator[Any]:
    """The tables that an expression reads directly; those inside its subqueries are theirs."""
    for part in iterate(clause, inside_subqueries=False):
        if part.visit_name == "column" and part.table is not None:
            yield getattr(part, "source", part.table)


def froms_of_columns(select: Select) -> list[Any]:
    """What the columns of a SELECT bring into FROM."""
    found: list[Any] = []
    for raw in select.raw_columns:
        if getattr(raw, "__mapper__", None) is not None or isinstance(raw, FromClause):
            found.append(from_of(raw))
        else:
            for column in columns_of(raw):
                found += froms_of(column)
    return _unique(found)


def final_froms(select: Select) -> list[Any]:
    """What stands in FROM, joins included, before correlation."""
    said = _unique([*map(from_of, select._from)])
    shown = froms_of_columns(select)
    for step in select._joins:
        said = _joined(said, shown, step)
    froms = [*said, *shown]
    for clause in select._where:
        froms += froms_of(clause)
    inside = {id(part) for one in froms if isinstance(one, Join) for part in one.parts()}
    inside |= {id(part) for one in froms for part in _nested_joins(one)}
    return _unique([one for one in froms if id(one) not in inside])


def entity_criteria(select: Select) -> tuple[Any, ...]:
    """The conditions that selected classes without a table of their own bring along; those of joins are in their ON."""
    found: dict[int, Any] = {}
    for raw in (*select.raw_columns, *select._from):
        mapper = getattr(raw, "__mapper__", None)
        if mapper is not None:
            criteria = [mapper.single_criterion]
        elif isinstance(raw, FromClause):
            continue
        else:
            parts = (part for column in columns_of(raw) for part in iterate(column, inside_subqueries=False))
            criteria = [getattr(part, "criterion", None) for part in parts]
        found.update((id(one), one) for one in criteria if one is not None)
    for step in select._joins:
        found.pop(id(step.criterion), None)
    return tuple(found.values())


def _nested_joins(one: Any) -> Iterator[Any]:
    """The joins within a join."""
    if isinstance(one, Join):
        for side in (one.left, one.right):
            if isinstance(side, Join):
                yield side
                yield from _nested_joins(side)


def _joined(said: list[Any], shown: list[Any], step: JoinStep) -> list[Any]:
    """What was said to be in FROM, with one of it (or of what the columns show) replaced by its join."""
    covered = {id(part) for part in step.right.parts()} | {id(step.right)}
    others = [one for one in said or shown if id(one) not in covered]
    near: Any = None
    if step.left is not None:
        near = from_of(step.left)
        nearby = {id(part) for part in _parts(near)}
        left = next((one for one in (*said, *shown) if nearby <= {id(part) for part in _parts(one)}), near)
    else:
        left = _left_side(others, step)
    condition = step.onclause
    if condition is None:
        try:
            condition = _condition([near] if near is not None else [*_parts(left)][::-1], step.right)
        except NoForeignKeysError as error:
            if getattr(step.target, "__mapper__", None) is None:
                raise
            raise InvalidRequestError(
                f"Don't know how to join to {step.target.__name__}. {error} Or say with select_from() what it is joined to."
            ) from error
    if any(part is step.right for part in _parts(left)):
        return _joined_again(said, left, step, condition)
    if step.criterion is not None:
        condition = conjunction(AND, (condition, step.criterion))
    joined = Join(left, step.right, condition, step.isouter, step.full)
    if any(one is left for one in said):
        return [joined if one is left else one for one in said]
    return [*said, joined]


def _joined_again(said: list[Any], left: Any, step: JoinStep, condition: Any) -> list[Any]:
    """The same join a second time changes nothing; a table joined to itself needs an alias."""
    if any(str(one.onclause) == str(condition) for one in (left, *_nested_joins(left)) if isinstance(one, Join)):
        return said
    name = getattr(step.target, "__name__", None) or step.right.name
    raise InvalidRequestError(
        f"Can't construct a join from {name} to {name}, they are the same entity: join an alias, aliased({name}), or along "
        "relationship.of_type(alias)."
    )


def _left_side(others: list[Any], step: JoinStep) -> Any:
    if len(others) == 1:
        return others[0]
    if not others:
        raise InvalidRequestError(
            f"Can't determine which FROM clause to join from: nothing stands left of '{step.right.name}'. "
            "Use select_from() or join_from() to say it."
        )
    if step.onclause is not None:
        read = {id(one) for one in froms_of(step.onclause)}
        fitting = [one for one in others if any(id(part) in read for part in _parts(one))]
    else:
        fitting = [one for one in others if any(_joinable(part, step.right) for part in _parts(one))]
        if len(fitting) > 1:
            raise InvalidRequestError(
                "Can't determine which FROM clause to join from, there are multiple FROMS which can join to "
                f"'{step.right.name}'. Use join_from() or give the condition."
            )
        if not fitting:
            raise NoForeignKeysError(
                f"Don't know how to join to '{step.right.name}'. Give the condition: join(target, onclause)."
            )
    return fitting[0] if fitting else others[0]


def _condition(lefts: list[Any], right: Any) -> Any:
    """The condition along a foreign key, with the nearest table that has one."""
    for left in lefts:
        if left is lefts[-1] or _joinable(left, right):
            return join_condition(left, right)
    return None


def _joinable(left: Any, right: Any) -> bool:
    try:
        join_condition(left, right)
    except NoForeignKeysError:
        return False
    except InvalidRequestError:
        return True
    return True


def _parts(one: Any) -> Iterator[Any]:
    if hasattr(one, "parts"):
        yield from one.parts()
    else:
        yield one


def _unique(items: list[Any]) -> list[Any]:
    return list({id(one): one for one in items}.values())
