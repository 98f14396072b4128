"""What a query is about and how it is narrowed: a layer over ``select()``. Runs nothing.

A query may read its classes from a union; criteria are then made to speak of the union's columns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from nbsession.exc import ArgumentError, InvalidRequestError
from nbsession.mapping.aliased import AliasedClass
from nbsession.mapping.relating.related import mapper_of
from nbsession.mapping.relating.relationship_operators import with_parent
from nbsession.sql.base import Executable
from nbsession.sql.elements import clause_of
from nbsession.sql.expression import select
from nbsession.sql.joins import attribute_of
from nbsession.sql.select import Select
from nbsession.sql.select_base import order_element
from nbsession.sql.selectable import Subquery
from nbsession.sql.visitors import replace

if TYPE_CHECKING:
    from nbsession.session.session import Session

LOCK_MODES = (None, "read", "update", "update_nowait")


class QueryBase:
    """What a query asks for; every method returns another query.

    :ivar session: the session that runs it.
    """

    def __init__(self, entities: Any, session: Session | None = None, statement: Any = None) -> None:
        given = tuple(entities) if isinstance(entities, (tuple, list)) else (entities,)
        self.session: Any = session
        self._statement: Any = select(*given) if statement is None else statement
        self._point: Any = None
        self._within: Subquery | None = None
        self._standing: dict[Any, Any] = {}
        self._only_tuples = False

    def _with(self, statement: Any, **changes: Any) -> Self:
        copy = object.__new__(type(self))
        copy.__dict__.update(self.__dict__)
        copy._statement = statement
        copy.__dict__.update(changes)
        return copy

    @property
    def statement(self) -> Any:
        """The statement it stands for."""
        return self._statement

    selectable = statement

    def __clause_element__(self) -> Any:
        return self._statement

    def _selected(self) -> tuple[Any, ...]:
        raw: tuple[Any, ...] = self._statement.raw_columns
        return raw

    def _root(self) -> Any:
        """The entity it is about first."""
        for raw in (*getattr(self._statement, "_from", ()), *self._selected()):
            if getattr(raw, "__mapper__", None) is not None:
                return raw
            if getattr(raw, "parent_entity", None) is not None:
                return raw.parent_entity
        return None

    def _narrowable(self, what: str) -> Any:
        if not isinstance(self._statement, Select):
            raise InvalidRequestError(
                f"Query.{what}() being called on a Query with an existing full statement - can't apply criterion: narrow the "
                "statement that from_statement() was given."
            )
        return self._statement

    def _before_limit(self, what: str) -> Any:
        statement = self._narrowable(what)
        if statement._limit is not None or statement._offset is not None:
            raise InvalidRequestError(
                f"Query.{what}() being called on a Query which already has LIMIT or OFFSET applied. Call {what}() before "
                "limit() or offset() are applied."
            )
        return statement

    def _require_plain(self, what: str) -> None:
        """Refuses a query that is narrowed already: what comes now is all of the statement."""
        statement = self._statement
        parts = ("_where", "_from", "_joins", "_group", "_having", "_order")
        narrowed = any(getattr(statement, part, None) for part in parts)
        if (
            narrowed
            or getattr(statement, "_limit", None) is not None
            or getattr(statement, "_offset", None) is not None
        ):
            raise InvalidRequestError(
                f"Query.{what}() being called on a Query with existing criterion. Start from session.query(Class) alone."
            )

    # -- a query over a union reads its classes from it

    def _adapted(self, clause: Any) -> Any:
        """A clause, reading from the union if the query does."""
        within = self._within
        if within is None:
            return clause
        return replace(clause, lambda part: within.corresponding_column(part) if part.visit_name == "column" else None)

    def _criteria(self, criteria: tuple[Any, ...]) -> list[Any]:
        return [self._adapted(clause_of(one)) for one in criteria]

    def _orders(self, clauses: tuple[Any, ...]) -> list[Any]:
        if clauses and (clauses[0] is None or clauses[0] is False):
            return [None]
        return [self._adapted(order_element(one)) for one in clauses]

    # ------------------------------------------------------------------------------------------ narrowing

    def filter(self, *criteria: Any) -> Self:
        """Rows that meet all criteria.

        :raises InvalidRequestError: the query has a LIMIT already.
        """
        return self._with(self._before_limit("filter").where(*self._criteria(criteria)))

    def where(self, *criteria: Any) -> Self:
        """The same as :meth:`filter`."""
        return self.filter(*criteria)

    def filter_by(self, **values: Any) -> Self:
        """Rows whose attributes have these values; attributes of what was joined last, or of the first entity."""
        entity = self._point if self._point is not None else self._root()
        if entity is None:
            return self._with(self._before_limit("filter_by").filter_by(**values))
        return self.filter(*[attribute_of(entity, name) == value for name, value in values.items()])

    def order_by(self, *criteria: Any) -> Self:
        """Sorted by these, after those given before; None alone takes the order away."""
        return self._with(self._before_limit("order_by").order_by(*self._orders(criteria)))

    def group_by(self, *criteria: Any) -> Self:
        """Grouped."""
        return self._with(self._before_limit("group_by").group_by(*self._orders(criteria)))

    def having(self, *criteria: Any) -> Self:
        """Groups that meet all criteria."""
        return self._with(self._before_limit("having").having(*self._criteria(criteria)))

    def distinct(self, *expressions: Any) -> Self:
        """Each row once; or, where the database can, one row for each value of the expressions."""
        return self._with(self._narrowable("distinct").distinct(*self._criteria(expressions)))

    def limit(self, count: Any) -> Self:
        """At most so many rows."""
        return self._with(self._narrowable("limit").limit(count))

    def offset(self, count: Any) -> Self:
        """Without the first rows."""
        return self._with(self._narrowable("offset").offset(count))

    def slice(self, start: int | None, stop: int | None) -> Self:
        """The rows from ``start`` up to before ``stop``."""
        return self._with(self._narrowable("slice").slice(start, stop))

    def correlate(self, *froms: Any) -> Self:
        """As a subquery, take these from the statement around it."""
        return self._with(self._narrowable("correlate").correlate(*froms))

    def prefix_with(self, *prefixes: str) -> Self:
        """With words after SELECT."""
        return self._with(self._narrowable("prefix_with").prefix_with(*prefixes))

    def with_parent(self, instance: Any, property: Any = None, from_entity: Any = None) -> Self:
        """Rows related to an object.

        :param property: the relationship of the object's class that leads here; found, if there is only one.
        :raises InvalidRequestError: there is none.
        """
        entity = from_entity if from_entity is not None else self._root()
        if property is None:
            mapper, wanted = type(instance).__mapper__, mapper_of(entity)
            found = [one for one in mapper.relationships if one.mapper is wanted]
            if not found:
                raise InvalidRequestError(
                    f"Could not locate a property which relates instances of class '{wanted.class_.__name__}' to instances of "
                    f"class '{type(instance).__name__}'"
                )
            property = mapper.attributes[found[0].key]
        elif isinstance(property, str):
            property = getattr(type(instance), property)
        return self.filter(with_parent(instance, property, entity if isinstance(entity, AliasedClass) else None))


def statement_of(given: Any) -> Any:
    """A statement as it is, a query's own.

    :raises ArgumentError: it is neither.
    """
    if isinstance(given, QueryBase):
        return given.statement
    if isinstance(given, Executable):
        return given
    raise ArgumentError(f"A query or a statement is expected, got {given!r}. Use text() for SQL given as a string.")
