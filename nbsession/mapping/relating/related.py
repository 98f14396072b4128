"""A relationship as SQL: the conditions between two entities, or between an entity and an object.

Knows columns and objects' values; an object's value is asked for when the statement is executed.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from nbsession.exc import InvalidRequestError, SAWarning
from nbsession.mapping.attributes import describe
from nbsession.mapping.relating.join_marks import placed
from nbsession.sql.elements import BindParameter
from nbsession.sql.expression import and_
from nbsession.states import ObjectState
from nbsession.tracking.instance_state import NO_VALUE, ident_of, state_of

if TYPE_CHECKING:
    from nbsession.mapping.mapper import Mapper
    from nbsession.mapping.relating.relationships import Relationship

Side = Callable[[str], Any]
"""Attribute key to what stands for it: a column, or an object's value."""


def mapper_of(entity: Any) -> Mapper:
    """The mapper of a class or an alias."""
    view = entity.__mapper__
    mapper: Mapper = getattr(view, "mapper", view)
    return mapper


def columns_of_entity(entity: Any) -> Side:
    """The columns of a class or an alias."""
    columns: dict[str, Any] = entity.__mapper__.columns
    return columns.__getitem__


def values_of(obj: Any, mapper: Mapper) -> Side:
    """The values of an object, each asked for when the statement is executed: a flush may come before."""

    def value(key: str) -> Any:
        known = obj.__dict__.get(key, NO_VALUE)
        return BindParameter(key=None, type_=mapper.columns[key].type, callable_=lambda: current_value(obj, key, known))

    return value


def current_value(obj: Any, key: str, known: Any) -> Any:
    """An object's value at the time a statement is executed.

    :param known: what it was when the statement was written; used if the object was detached since.
    :raises InvalidRequestError: it has none.
    """
    state = state_of(obj)
    value = obj.__dict__.get(key, NO_VALUE)
    if value is NO_VALUE:
        ident = ident_of(obj)
        if ident is not None and key in state.mapper.pk_keys:
            value = state.mapper.key_values(ident)[key]
        elif state.status is ObjectState.PERSISTENT:
            value = getattr(obj, key)
        elif known is not NO_VALUE:
            value = known
        elif state.status in (ObjectState.TRANSIENT, ObjectState.PENDING):
            raise InvalidRequestError(
                f"Can't resolve value for column {key} on object {describe(obj)}; no value has been set for this column. "
                "Flush it first, or let autoflush do so."
            )
        else:
            raise InvalidRequestError(
                f"Can't resolve value for column {key} on object {describe(obj)}; the object is detached and the value was "
                "expired. Add it to the session again."
            )
    if value is None:
        warnings.warn(
            f"Got None for value of column {key}; this is unsupported for a relationship comparison and will not "
            f"currently produce an IS comparison: the query finds nothing. {describe(obj)} has no such value yet.",
            SAWarning,
            stacklevel=2,
        )
    return value


class Path:
    """A relationship between two sides.

    :ivar secondary: an alias of the table between, or None.
    """

    def __init__(self, declared: Relationship, here: Side, there: Side) -> None:
        self._joining = declared.joining
        self._here, self._there = here, there
        between = declared.secondary
        self.secondary = None if between is None else between.alias()

    def near(self) -> Any:
        """The condition between this side and the next table: the one between, or the other side."""
        return placed(self._joining.condition, self._near, self._far if self.secondary is None else self._between)

    def far(self) -> Any:
        """The condition between the table between and the other side."""
        return placed(self._joining.onward, self._far, self._between)

    def condition(self) -> Any:
        """All of it."""
        return self.near() if self.secondary is None else and_(self.near(), self.far())

    def _near(self, column: Any) -> Any:
        return self._here(self._joining.parent.key_of(column)) if self._joining.parent.maps(column) else column

    def _far(self, column: Any) -> Any:
        return self._there(self._joining.target.key_of(column)) if self._joining.target.maps(column) else column

    def _between(self, column: Any) -> Any:
        secondary: Any = self.secondary
        return secondary.corresponding_column(column)
