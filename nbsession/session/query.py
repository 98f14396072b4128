"""``session.query(...)``: queries in the older style, a thin layer over ``select()``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from nbsession.exc import MultipleResultsFound, NoResultFound
from nbsession.sql.expression import select
from nbsession.sql.functions import func
from nbsession.sql.textual import text
from nbsession.tracking.identity import IdentitySet

if TYPE_CHECKING:
    from nbsession.session.session import Session


class Query:
    """A query; every method that narrows it returns another.

    :param entities: classes, attributes or expressions.
    :param session: the session that runs it.

    >>> session.query(User).filter(User.name == "Ada").order_by(User.id).all()
    """

    def __init__(self, entities: tuple[Any, ...], session: Session, statement: Any = None) -> None:
        self._entities = entities
        self.session = session
        self.statement = select(*entities) if statement is None else statement
        """the SELECT it stands for"""

    def _with(self, statement: Any) -> Query:
        return Query(self._entities, self.session, statement)

    def filter(self, *criteria: Any) -> Query:
        """Rows that meet all criteria."""
        return self._with(self.statement.where(*criteria))

    where = filter

    def filter_by(self, **values: Any) -> Query:
        """Rows whose attributes have these values."""
        return self._with(self.statement.filter_by(**values))

    def order_by(self, *criteria: Any) -> Query:
        """Sorted."""
        return self._with(self.statement.order_by(*criteria))

    def group_by(self, *criteria: Any) -> Query:
        """Grouped."""
        return self._with(self.statement.group_by(*criteria))

    def having(self, *criteria: Any) -> Query:
        """Groups that meet all criteria."""
        return self._with(self.statement.having(*criteria))

    def join(self, target: Any, onclause: Any = None, *, isouter: bool = False) -> Query:
        """Joined to an entity, or along a relationship."""
        return self._with(self.statement.join(target, onclause, isouter=isouter))

    def outerjoin(self, target: Any, onclause: Any = None) -> Query:
        """:meth:`join`, keeping rows without a partner."""
        return self.join(target, onclause, isouter=True)

    def select_from(self, *froms: Any) -> Query:
        """From these."""
        return self._with(self.statement.select_from(*froms))

    def distinct(self) -> Query:
        """Each row once."""
        return self._with(self.statement.distinct())

    def limit(self, count: int | None) -> Query:
        """At most so many rows."""
        return self._with(self.statement.limit(count))

    def offset(self, count: int | None) -> Query:
        """Without the first rows."""
        return self._with(self.statement.offset(count))

    def params(self, **values: Any) -> Query:
        """With values for named parameters."""
        return self._with(self.statement.params(**values))

    def all(self) -> list[Any]:
        """All results: objects, or rows if several things were asked for."""
        result = self.session.execute(self.statement)
        if len(self._entities) > 1 or not isinstance(self._entities[0], type):
            return list(result.all())
        return list(IdentitySet(result.scalars().all()))

    def __iter__(self) -> Iterator[Any]:
        return iter(self.all())

    def first(self) -> Any:
        """The first result, or None."""
        found = self.limit(1).all()
        return found[0] if found else None

    def one(self) -> Any:
        """The only result.

        :raises NoResultFound: there is none.
        :raises MultipleResultsFound: there are several.
        """
        found = self.one_or_none()
        if found is None:
            raise NoResultFound("No row was found when one was required: No rows returned for one()")
        return found

    def one_or_none(self) -> Any:
        """The only result, or None.

        :raises MultipleResultsFound: there are several.
        """
        found = self.limit(2).all() if self.statement._limit is None else self.all()
        if len(found) > 1:
            raise MultipleResultsFound(
                "Multiple rows were found when one or none was required: Multiple rows returned for one()"
            )
        return found[0] if found else None

    def scalar(self) -> Any:
        """The first thing of the only row, or None."""
        found = self.one_or_none()
        return found[0] if isinstance(found, tuple) else found

    def count(self) -> int:
        """How many rows it has."""
        return int(self.session.scalar(select(func.count()).select_from(self.statement.order_by(None).subquery())))

    def get(self, ident: Any) -> Any:
        """The object of a primary key, or None."""
        return self.session.get(self._entities[0], ident)

    def exists(self) -> Any:
        """As a condition: does it have rows?"""
        return self.statement.with_only_columns(text("1")).exists()

    def __str__(self) -> str:
        return str(self.statement)
