"""Widens a SELECT of entities by what is loaded along with them: fewer columns, more joins. Knows plans and clauses, no session.

A statement with LIMIT, OFFSET, DISTINCT or GROUP BY becomes a subquery before a collection is joined, so that it still
counts its own rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from nbsession.session.load.load_plans import EntityPlan, JoinedPlan
from nbsession.sql.elements import clause_of
from nbsession.sql.joins import JoinStep
from nbsession.sql.operators import ORDERINGS
from nbsession.sql.select import Select
from nbsession.sql.select_base import TextReference
from nbsession.sql.selectable import columns_of, from_of
from nbsession.sql.visitors import iterate, replace


class PartialView:
    """An entity's view with fewer columns; in everything else the entity's own."""

    def __init__(self, view: Any, keys: Sequence[str]) -> None:
        self._view = view
        self.selected_columns = tuple([view.columns[key] for key in keys])

    def __getattr__(self, name: str) -> Any:
        return getattr(self._view, name)


class PartialEntity:
    """What stands in a SELECT for an entity of which only some columns are asked for."""

    def __init__(self, entity: Any, plan: EntityPlan) -> None:
        self.__mapper__ = PartialView(entity.__mapper__, plan.keys or plan.mapper.selected_keys)
        self.__name__ = entity.__name__


class Slot(NamedTuple):
    """Where the columns of an entity lie in the rows.

    :ivar plan: what is loaded with it.
    :ivar start: how many columns come before.
    :ivar columns: how many it has.
    :ivar parent: the number of the slot whose objects it is related to; -1 for what the statement itself selects.
    :ivar joined: the relationship.
    """

    plan: EntityPlan
    start: int
    columns: int
    parent: int = -1
    joined: JoinedPlan | None = None


class Widened(NamedTuple):
    """A statement that asks for what plans say.

    :ivar statement: to be executed.
    :ivar raws: for each thing the statement was asked for: (first column, number of columns, slot or -1).
    :ivar slots: entities, those of the statement first, each after its parent.
    :ivar multiplies: can one row of the statement have become several?
    """

    statement: Any
    raws: list[tuple[int, int, int]]
    slots: list[Slot]
    multiplies: bool


def widen(statement: Select, plans: Sequence[EntityPlan | None]) -> Widened:
    """The statement with what the plans ask for.

    :param plans: for each thing it selects, the plan if it is an entity.
    """
    raws: list[Any] = []
    places: list[tuple[int, int, int]] = []
    slots: list[Slot] = []
    start = 0
    for raw, plan in zip(statement.raw_columns, plans, strict=True):
        if plan is None:
            count = len(columns_of(raw))
            raws.append(raw)
            places.append((start, count, -1))
        else:
            asked = raw if plan.keys is None else PartialEntity(raw, plan)
            count = len(asked.__mapper__.selected_columns)
            raws.append(asked)
            places.append((start, count, len(slots)))
            slots.append(Slot(plan, start, count))
        start += count
    entities = [raw for raw, plan in zip(statement.raw_columns, plans, strict=True) if plan is not None]
    multiplies = any(slot.plan.multiplies for slot in slots)
    if not any(slot.plan.joined for slot in slots):
        return Widened(statement._copy(raw_columns=tuple(raws)), places, slots, False)
    widening = _Widening(statement._copy(raw_columns=tuple(raws)), slots, entities, start)
    counts_rows = (
        statement._limit is not None or statement._offset is not None or statement._distinct or statement._group
    )
    widening.run(nest=bool(multiplies and counts_rows))
    return Widened(widening.statement, places, slots, multiplies)


class _Widening:
    """One widening at work.

    :ivar here: for each slot, what its columns are read from in the joins: an entity, or the subquery.
    """

    def __init__(self, statement: Any, slots: list[Slot], entities: list[Any], width: int) -> None:
        self.statement = statement
        self.slots = slots
        self.here = list(entities)
        self.width = width

    def run(self, nest: bool) -> None:
        """Adds what the statement joins itself, then the joins of its own."""
        self._add(given=True)
        if nest:
            self._nest()
        self._add(given=False)

    def _add(self, given: bool) -> None:
        for number in range(len(self.slots)):
            self._add_to(number, given)

    def _add_to(self, number: int, given: bool) -> None:
        for joined in self.slots[number].plan.joined:
            if joined.adds_join is given:
                continue
            entity: Any = joined.entity
            asked = entity if joined.plan.keys is None else PartialEntity(entity, joined.plan)
            count = len(asked.__mapper__.selected_columns)
            steps = () if given else self._steps(number, joined)
            order = () if given else self._order(joined)
            statement = self.statement
            self.statement = statement._copy(
                raw_columns=(*statement.raw_columns, asked),
                _joins=(*statement._joins, *steps),
                _order=(*statement._order, *order),
            )
            self.slots.append(Slot(joined.plan, self.width, count, number, joined))
            self.here.append(entity)
            self.width += count
            self._add_to(len(self.slots) - 1, given)

    def _steps(self, number: int, joined: JoinedPlan) -> list[JoinStep]:
        here, there = self.here[number], joined.entity
        above = self.slots[number].joined
        outer = joined.outer or (above is not None and above.adds_join and above.outer)
        steps = []
        left = here
        between = joined.secondary
        for target, condition in joined.declared.join_steps(here, there, between):
            if target is there:
                for more in joined.criteria:
                    condition = condition & there.__mapper__.adapt(more)
            steps.append(JoinStep(left, target, from_of(target), condition, outer, False))
            left = target
        return steps

    def _order(self, joined: JoinedPlan) -> list[Any]:
        if not joined.declared.uselist:
            return []
        adapt = joined.entity.__mapper__.adapt
        secondary, alias = joined.declared.secondary, joined.secondary

        def shown(part: Any) -> Any:
            return alias.corresponding_column(part) if part.visit_name == "column" and part.table is secondary else None

        ordering = [adapt(clause_of(clause)) for clause in joined.declared.ordering()]
        return ordering if secondary is None else [replace(clause, shown) for clause in ordering]

    # ------------------------------------------------------------------------------------------- nesting

    def _nest(self) -> None:
        """The statement becomes a subquery, from which the joins start."""
        inner, width = self.statement, self.width
        order, extra = [], []
        shown = {id(_original(column)) for raw in inner.raw_columns for column in columns_of(raw)}
        for clause in inner._order:
            base = _base_of(clause)
            if base.visit_name == "reference":
                order.append((clause, base, base.name))
            elif id(_original(base)) in shown:
                order.append((clause, base, base))
            else:
                label = base.label(None)
                extra.append(label)
                order.append((clause, base, len(extra) - 1 + width))
        joins_need = self._needed(shown)
        sub = inner._copy(raw_columns=(*inner.raw_columns, *extra, *joins_need), option_list=()).subquery()
        columns = sub.c._all
        outer = Select(*columns[:width])
        self.statement = outer._copy(
            execution_options_=inner.execution_options_,
            _values=inner._values,
            _order=tuple([_reorder(clause, base, where, sub) for clause, base, where in order]),
        )
        self.here = [sub for _ in self.here]

    def _needed(self, shown: set[int]) -> list[Any]:
        """Columns that the joins will ask the subquery for and that it does not show yet."""
        needed: dict[int, Any] = {}
        for number, slot in enumerate(self.slots):
            here = self.here[number]
            tables = {id(part) for part in from_of(here).parts()}
            for joined in slot.plan.joined:
                if joined.adds_join:
                    for _, condition in joined.declared.join_steps(here, joined.entity, joined.secondary):
                        for part in map(_original, iterate(condition)):
                            if part.visit_name == "column" and id(part.table) in tables and id(part) not in shown:
                                needed[id(part)] = part
        return list(needed.values())


def _original(column: Any) -> Any:
    """The column itself, where it is named as a class's."""
    return getattr(column, "original", column)


def _base_of(clause: Any) -> Any:
    """What is sorted by, without the direction."""
    while clause.visit_name == "unary" and clause.operator in ORDERINGS:
        clause = clause.element
    return clause


def _reorder(clause: Any, base: Any, where: Any, sub: Any) -> Any:
    """A clause of ORDER BY, read from the subquery."""
    if isinstance(where, str):
        found = sub.c.get(where)
        if found is None:
            return TextReference(where)
    elif isinstance(where, int):
        found = sub.c._all[where]
    else:
        found = sub.corresponding_column(where)
    return replace(clause, lambda part: found if part is base else None)
