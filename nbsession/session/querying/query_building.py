"""How a query is put together: joins, what is asked for, unions. Runs nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

from nbsession.exc import ArgumentError
from nbsession.mapping.aliased import AliasedClass, AliasView
from nbsession.mapping.aliased import aliased as alias_of
from nbsession.mapping.relating.related import mapper_of
from nbsession.mapping.relating.relationship_operators import RelationshipOperators
from nbsession.session.querying.query_base import LOCK_MODES, QueryBase, statement_of
from nbsession.sql.compound import CompoundSelect
from nbsession.sql.elements import Label, clause_of
from nbsession.sql.expression import select
from nbsession.sql.joins import attribute_of
from nbsession.sql.selectable import columns_of


class QueryBuilding(QueryBase):
    """What a query asks for; every method returns another query."""

    # ------------------------------------------------------------------------------------------ joining

    def join(
        self,
        target: Any,
        *more: Any,
        isouter: bool = False,
        full: bool = False,
        aliased: bool = False,
        from_joinpoint: bool = False,
    ) -> Self:
        """Joined to an entity, or along relationships.

        :param target: an entity, with the condition or relationship after it if need be; or a relationship, or its name,
            or a list of them to follow one after the other.
        :param aliased: join an alias of what the relationship leads to; ``filter_by`` means it until :meth:`reset_joinpoint`.
        :param from_joinpoint: names start from what was joined last, not from the first entity.
        :raises InvalidRequestError: no foreign key or relationship leads there.
        """
        path = _path(target, more)
        point = self._point if from_joinpoint and self._point is not None else self._root()
        statement = self._before_limit("join")
        for one, condition in path:
            if isinstance(one, str):
                one = attribute_of(point, one)
            if isinstance(one, RelationshipOperators):
                one = self._placed(one, aliased, point if from_joinpoint else None)
            if isinstance(condition, RelationshipOperators):
                condition = self._placed(condition)
            elif condition is not None:
                condition = self._adapted(clause_of(condition))
            statement = statement.join(one, condition, isouter=isouter, full=full)
            point = statement._joins[-1].target
        return self._with(statement, _point=point)

    def outerjoin(self, target: Any, *more: Any, full: bool = False, **options: Any) -> Self:
        """:meth:`join`, keeping rows without a partner."""
        return self.join(target, *more, isouter=True, full=full, **options)

    def _placed(self, relationship: Any, aliased: bool = False, point: Any = None) -> Any:
        """A relationship, of the alias that stands for its class here."""
        parent = relationship.parent_entity
        stand_in = self._standing.get(parent)
        if stand_in is None and isinstance(point, AliasedClass) and point.__mapper__.class_ is parent:
            stand_in = point
        if stand_in is not None:
            relationship = relationship.seen_from(stand_in)
        if aliased:
            relationship = relationship.of_type(alias_of(relationship.target_entity))
        return relationship

    def reset_joinpoint(self) -> Self:
        """``filter_by`` speaks of the first entity again."""
        return self._with(self._statement, _point=self._root())

    def select_from(self, *froms: Any) -> Self:
        """From these."""
        return self._with(self._narrowable("select_from").select_from(*froms))

    # ------------------------------------------------------------------------------------------ what is asked for

    def add_columns(self, *columns: Any) -> Self:
        """With more columns: results are rows."""
        return self._with(self._narrowable("add_columns").add_columns(*columns))

    def add_column(self, column: Any) -> Self:
        """With one more column."""
        return self.add_columns(column)

    def add_entity(self, entity: Any, alias: Any = None) -> Self:
        """With one more entity: results are rows.

        :param alias: something in FROM to read it from.
        """
        return self.add_columns(entity if alias is None else alias_of(entity, alias))

    def with_entities(self, *entities: Any) -> Self:
        """Asking for these instead, of the same rows."""
        statement = self._narrowable("with_entities")
        chosen = [self._standing.get(one, one) if isinstance(one, type) else one for one in entities]
        adapted = [one if getattr(one, "__mapper__", None) is not None else self._adapted_column(one) for one in chosen]
        root = self._root()
        if root is not None and not statement._from and not statement._joins:
            statement = statement.select_from(root)
        return self._with(statement.with_only_columns(*adapted))

    def _adapted_column(self, one: Any) -> Any:
        return one if self._within is None else self._adapted(clause_of(one))

    def options(self, *options: Any) -> Self:
        """With loader options."""
        return self._with(self._statement.options(*options))

    def execution_options(self, **options: Any) -> Self:
        """With options for its execution."""
        return self._with(self._statement.execution_options(**options))

    def get_execution_options(self) -> Any:
        """What :meth:`execution_options` set."""
        return self._statement.get_execution_options()

    def params(self, *given: Any, **values: Any) -> Self:
        """With values for named parameters."""
        return self._with(self._statement.params(*given, **values))

    def populate_existing(self) -> Self:
        """Objects that are here already take the rows' values; their unflushed changes are lost."""
        return self.execution_options(populate_existing=True)

    def autoflush(self, setting: bool) -> Self:
        """Whether it flushes first."""
        return self.execution_options(autoflush=setting)

    def enable_eagerloads(self, value: bool) -> Self:
        """Whether relationships that are loaded with their parents are."""
        return self.execution_options(enable_eagerloads=value)

    def yield_per(self, count: int) -> Self:
        """Rows become objects in portions of this size, as they are read, so that those read before can be forgotten."""
        return self.execution_options(yield_per=count)

    def with_for_update(self, **options: Any) -> Self:
        """Locks the rows where the database can; SQLite and DuckDB cannot."""
        return self._with(self._narrowable("with_for_update").with_for_update(**options))

    def with_lockmode(self, mode: str | None) -> Self:
        """:meth:`with_for_update` by its older name.

        :param mode: ``"read"``, ``"update"``, ``"update_nowait"``, or None for no lock.
        :raises ArgumentError: it is none of these.
        """
        if mode not in LOCK_MODES:
            raise ArgumentError(f"Unknown with_for_update argument: '{mode}'")
        return self if mode is None else self.with_for_update()

    def only_return_tuples(self, value: bool) -> Self:
        """Results are rows even where one entity is asked for."""
        return self._with(self._statement, _only_tuples=value)

    def tuples(self) -> Self:
        """Results are rows."""
        return self.only_return_tuples(True)

    def with_session(self, session: Any) -> Self:
        """The same, run by another session."""
        return self._with(self._statement, session=session)

    def with_transformation(self, function: Callable[[Any], Any]) -> Any:
        """What a function makes of the query."""
        return function(self)

    def from_statement(self, statement: Any) -> Self:
        """What is asked for, read from a statement of one's own: text, a union.

        :raises InvalidRequestError: the query is narrowed already.
        """
        self._require_plain("from_statement")
        return self._with(select(*self._selected()).from_statement(statement_of(statement)))

    # ------------------------------------------------------------------------------------------ unions

    def union(self, *queries: Any) -> Self:
        """The results of this and the others, each once."""
        return self._compound("UNION", queries)

    def union_all(self, *queries: Any) -> Self:
        """The results of this and the others."""
        return self._compound("UNION ALL", queries)

    def intersect(self, *queries: Any) -> Self:
        """The results that all have."""
        return self._compound("INTERSECT", queries)

    def except_(self, *queries: Any) -> Self:
        """The results that the others do not have."""
        return self._compound("EXCEPT", queries)

    def intersect_all(self, *queries: Any) -> Self:
        """The results that all have, as often as all have them; not on SQLite."""
        return self._compound("INTERSECT ALL", queries)

    def except_all(self, *queries: Any) -> Self:
        """The results that the others do not have as often; not on SQLite."""
        return self._compound("EXCEPT ALL", queries)

    def _compound(self, keyword: str, queries: tuple[Any, ...]) -> Self:
        """A query over the union; classes and columns that come later are read from it."""
        statements = [self._statement, *[statement_of(one) for one in queries]]
        within = CompoundSelect(keyword, tuple(statements)).subquery()
        standing: dict[Any, Any] = {}
        shown: list[Any] = []
        for raw in self._selected():
            if getattr(raw, "__mapper__", None) is not None:
                view = AliasView(mapper_of(raw), within, None, by_name=False)
                standing[raw] = AliasedClass(view)
                shown.append(standing[raw])
            else:
                (column,) = columns_of(raw)
                found = within.corresponding_column(column.element if isinstance(column, Label) else column)
                shown.append(found.label(getattr(raw, "key", None) or getattr(raw, "name", None) or found.name))
        return self._with(select(*shown).select_from(within), _within=within, _standing=standing, _point=None)


def _path(target: Any, more: tuple[Any, ...]) -> list[tuple[Any, Any]]:
    """The joins that the arguments of ``join()`` mean: pairs of target and condition."""
    if isinstance(target, (list, tuple)):
        return [one if isinstance(one, tuple) else (one, None) for one in (*target, *more)]
    steps = (str, RelationshipOperators)
    if isinstance(target, steps) and all(isinstance(one, steps) for one in more):
        return [(one, None) for one in (target, *more)]
    if len(more) > 1:
        raise ArgumentError("join() takes a target and its condition, or relationships one after the other.")
    return [(target, more[0] if more else None)]
