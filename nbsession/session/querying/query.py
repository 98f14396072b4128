"""``session.query(...)``: queries in the older style, and what they give. How they are put together is next door."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from nbsession.database.result import Result
from nbsession.exc import ArgumentError, InvalidRequestError, MultipleResultsFound, NoResultFound
from nbsession.mapping.entity_names import NamedEntity
from nbsession.mapping.relating.related import mapper_of
from nbsession.session.querying.from_statement import PerhapsReady, results_of
from nbsession.session.querying.query_building import QueryBuilding
from nbsession.sql.dml import Delete, Update
from nbsession.sql.expression import literal_column, select
from nbsession.sql.functions import func
from nbsession.sql.visitors import replace


class Query(QueryBuilding):
    """A query; every method that narrows it returns another.

    :param entities: classes, attributes or expressions.
    :param session: the session that runs it.

    >>> session.query(User).filter(User.name == "Ada").order_by(User.id).all()
    """

    # ------------------------------------------------------------------------------------------ results

    def _result(self) -> Any:
        """The results: objects where one entity is asked for, else rows; with entities, each once."""
        result = self._require_session().execute(self._statement)
        raw = self._selected()
        entities = [getattr(one, "__mapper__", None) is not None for one in raw]
        if len(raw) == 1 and getattr(raw[0], "single_entity", False) and not self._only_tuples:
            return result.scalars()
        if not any(entities):
            return result
        if self._statement.execution_options_.get("yield_per"):
            return result.scalars() if len(raw) == 1 and not self._only_tuples else result
        if len(raw) == 1 and not self._only_tuples:
            return result.scalars().unique(id)
        return result.unique(
            lambda row: tuple([id(v) if entity else v for v, entity in zip(row, entities, strict=True)])
        )

    def _require_session(self) -> Any:
        if self.session is None:
            raise InvalidRequestError("This Query is not bound to a Session: give it one with with_session(session).")
        return self.session

    def all(self) -> list[Any]:
        """All results: objects, or rows if several things were asked for."""
        return list(self._result().all())

    def __iter__(self) -> Iterator[Any]:
        return iter(self._result())

    def first(self) -> Any:
        """The first result, or None; asks for one row only."""
        query = self if not hasattr(self._statement, "limit") or self._statement._limit is not None else self.limit(1)
        return query._result().first()

    def one(self) -> Any:
        """The only result.

        :raises NoResultFound: there is none.
        :raises MultipleResultsFound: there are several.
        """
        found = self._result().fetchmany(2)
        if not found:
            raise NoResultFound("No row was found when one was required: No rows returned for one()")
        return _only(found, "Multiple rows were found when exactly one was required: Multiple rows returned for one()")

    def one_or_none(self) -> Any:
        """The only result, or None.

        :raises MultipleResultsFound: there are several.
        """
        found = self._result().fetchmany(2)
        message = "Multiple rows were found when one or none was required: Multiple rows returned for one_or_none()"
        return _only(found, message) if found else None

    def scalar(self) -> Any:
        """The first thing of the only row, or None.

        :raises MultipleResultsFound: there are several rows.
        """
        try:
            found = self.one()
        except NoResultFound:
            return None
        return found[0] if isinstance(found, tuple) else found

    def __getitem__(self, item: int | slice) -> Any:
        """The result at a position, or those of a slice; counted by the database.

        :raises IndexError: there is no such result, or the position is negative.
        """
        if isinstance(item, slice):
            low, high, step = item.start, item.stop, item.step
            if any(one is not None and one < 0 for one in (low, high)):
                raise IndexError("negative indexes are not accepted by SQL index / slice operators")
            if high is not None and high - (low or 0) <= 0:
                return []
            found = self.slice(low, high).all()
            return found if step is None else found[::step]
        if item < 0:
            raise IndexError("negative indexes are not accepted by SQL index / slice operators")
        return self[item : item + 1][0]

    def values(self, *columns: Any) -> Iterator[Any]:
        """Rows of these columns instead."""
        return iter(self.with_entities(*columns)._result())

    def value(self, column: Any) -> Any:
        """The first value of a column, or None."""
        row = next(self.values(column), None)
        return None if row is None else row[0]

    def instances(self, result: Any, context: Any = None) -> Iterator[Any]:
        """The objects of the rows of a result, such as ``session.execute(text(...))`` gives.

        :param context: not used by any version of this method; must be None.
        """
        if context is not None:
            raise ArgumentError("Query.instances() takes no context.")
        session = self._require_session()
        raw = self._selected()
        mappers = [mapper_of(one) if getattr(one, "__mapper__", None) is not None else None for one in raw]
        first = next((one for one in mappers if one is not None), None)
        connection = session.connection_for(session.get_bind(first))
        rows: Result = results_of(session, PerhapsReady(connection.dialect), raw, mappers, result, None)
        return iter(rows.scalars().all() if len(raw) == 1 and first is not None else rows.all())

    # ------------------------------------------------------------------------------------------ by key

    def get(self, ident: Any) -> Any:
        """The object of a primary key, or None. No SQL if it is here and not expired.

        :raises InvalidRequestError: the query is narrowed already.
        """
        session, entity = self._require_session(), self._only_entity("get")
        options = dict(self.get_execution_options())
        extra: dict[str, Any] = {}
        if options.get("populate_existing"):
            extra["populate_existing"] = True
        if self._statement.option_list:
            extra["options"] = list(self._statement.option_list)
        return session.get(entity, ident, **extra)

    def load(self, ident: Any) -> Any:
        """The object of a primary key, loaded anew: its unflushed changes are lost. Flushes nothing.

        :raises InvalidRequestError: there is no such row.
        """
        session, entity = self._require_session(), self._only_entity("load")
        with session.no_autoflush:
            found = session.get(entity, ident, populate_existing=True)
        if found is None:
            raise InvalidRequestError(f"No instance found for identity {ident!r} of {entity.__name__}.")
        return found

    def _only_entity(self, what: str) -> Any:
        raw = self._selected()
        if len(raw) != 1 or not isinstance(raw[0], (type, NamedEntity)):
            raise InvalidRequestError(f"{what}() can only be used against a single mapped class.")
        self._require_plain(what)
        return raw[0]

    # ------------------------------------------------------------------------------------------ aggregates

    def count(self) -> int:
        """How many rows it has, as the database counts them."""
        counted = select(func.count(literal_column("*"))).select_from(self._statement.subquery())
        return int(self._require_session().scalar(self._optioned(counted)) or 0)

    def min(self, column: Any) -> Any:
        """The least value of a column."""
        return self._aggregate(func.min, column)

    def max(self, column: Any) -> Any:
        """The greatest value of a column."""
        return self._aggregate(func.max, column)

    def sum(self, column: Any) -> Any:
        """The sum of a column."""
        return self._aggregate(func.sum, column)

    def avg(self, column: Any) -> Any:
        """The mean of a column."""
        return self._aggregate(func.avg, column)

    def _aggregate(self, function: Any, column: Any) -> Any:
        """A function over the query's rows; of a limited query, over those alone."""
        inner = self.with_entities(self._adapted_column(column).label("value")).statement.subquery()
        return self._require_session().scalar(self._optioned(select(function(inner.c.value))))

    def _optioned(self, statement: Any) -> Any:
        return statement.execution_options(**self.get_execution_options())

    # ------------------------------------------------------------------------------------------ in other statements

    def exists(self) -> Any:
        """As a condition: does it have rows?"""
        root = self._root()
        statement = self._narrowable("exists")
        if root is not None and not statement._from and not statement._joins:
            statement = statement.select_from(root)
        return statement.with_only_columns(literal_column("1")).exists()

    def subquery(self, name: str | None = None) -> Any:
        """As something to select from."""
        return self._statement.subquery(name)

    def cte(self, name: str | None = None, recursive: bool = False) -> Any:
        """As something to select from that stands in WITH."""
        return self._statement.cte(name, recursive)

    def scalar_subquery(self) -> Any:
        """As a value: the one column of its one row."""
        return self._statement.scalar_subquery()

    as_scalar = scalar_subquery

    def label(self, name: str | None) -> Any:
        """As a value with a name."""
        return self._statement.label(name)

    @property
    def whereclause(self) -> Any:
        """The criteria as one clause, or None."""
        return self._statement.whereclause

    @property
    def column_descriptions(self) -> list[dict[str, Any]]:
        """Per thing asked for: name, type, expr and entity."""
        described: list[dict[str, Any]] = select(*self._selected()).column_descriptions
        return described

    @property
    def is_single_entity(self) -> bool:
        """Does it give objects, not rows?"""
        raw = self._selected()
        return len(raw) == 1 and not self._only_tuples and getattr(raw[0], "__mapper__", None) is not None

    def __str__(self) -> str:
        return str(self._statement)

    # ------------------------------------------------------------------------------------------ changing rows

    def update(
        self, values: Any, synchronize_session: Any = "auto", update_args: Mapping[str, Any] | None = None
    ) -> int:
        """Changes all its rows by one UPDATE.

        :param values: attribute, column or name to value or expression; or pairs of them.
        :param synchronize_session: how objects that are here follow: ``"auto"``, ``"evaluate"``, ``"fetch"`` or False.
        :return: how many rows were matched.
        :raises InvalidRequestError: the query has a LIMIT, an order, a join or the like.
        """
        if update_args:
            raise ArgumentError(f"UPDATE takes no further arguments here, got {', '.join(update_args)}.")
        pairs: Iterable[Any] = values.items() if hasattr(values, "items") else values
        return self._change(Update(self._changed("update")).values(dict(pairs)), synchronize_session)

    def delete(self, synchronize_session: Any = "auto", delete_args: Mapping[str, Any] | None = None) -> int:
        """Deletes all its rows by one DELETE, without cascades.

        :param synchronize_session: how objects that are here follow: ``"auto"``, ``"evaluate"``, ``"fetch"`` or False.
        :return: how many rows were matched.
        :raises InvalidRequestError: the query has a LIMIT, an order, a join or the like.
        """
        if delete_args:
            raise ArgumentError(f"DELETE takes no further arguments here, got {', '.join(delete_args)}.")
        return self._change(Delete(self._changed("delete")), synchronize_session)

    def _changed(self, what: str) -> Any:
        statement = self._narrowable(what)
        refused = {
            "limit()": statement._limit is not None,
            "offset()": statement._offset is not None,
            "order_by()": bool(statement._order),
            "group_by()": bool(statement._group),
            "distinct()": statement._distinct is not False,
            "join(), outerjoin(), select_from(), or from_self()": bool(statement._joins or statement._from),
        }
        for method, said in refused.items():
            if said:
                raise InvalidRequestError(
                    f"Can't call Query.update() or Query.delete() when {method} has been called. "
                    "Put it into the criteria: filter(Class.id.in_(...))."
                )
        raw = self._selected()
        if len(raw) != 1 or getattr(raw[0], "__mapper__", None) is None:
            raise ArgumentError(
                f"subject table for an INSERT, UPDATE or DELETE expected, got {raw!r}: query one class, session.query(Class)."
            )
        return mapper_of(raw[0]).entity

    def _change(self, statement: Any, synchronize_session: Any) -> int:
        options = {**self.get_execution_options(), "synchronize_session": synchronize_session}
        criteria = [_unaliased(one, self._selected()[0].__mapper__) for one in self._statement._where]
        narrowed = statement.where(*criteria).params(self._statement._values)
        return int(self._require_session().execute(narrowed.execution_options(**options)).rowcount)


def _unaliased(clause: Any, view: Any) -> Any:
    """A criterion about an alias, as one about the table that is written."""
    if not getattr(view, "is_aliased_class", False):
        return clause
    columns = {id(shown): view.mapper.columns[key] for key, shown in view.columns.items()}
    return replace(clause, lambda part: columns.get(id(getattr(part, "original", part))))


def _only(found: list[Any], message: str) -> Any:
    if len(found) > 1:
        raise MultipleResultsFound(message)
    return found[0]
