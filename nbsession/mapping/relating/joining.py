"""How the rows of a relationship find each other, and the SQL conditions for it.

Knows tables and mappers; knows no object. Made by :mod:`nbsession.mapping.relating.join_finding`.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING, Any

from nbsession.mapping.relating.join_marks import placed
from nbsession.sql.elements import BinaryExpression, BindParameter
from nbsession.sql.expression import bindparam
from nbsession.sql.operators import EQ
from nbsession.sql.selectable import from_of
from nbsession.sql.visitors import replace

if TYPE_CHECKING:
    from nbsession.mapping.mapper import Mapper

Pairs = tuple[tuple[str, Any], ...]


class Direction(Enum):
    """Who holds the foreign key."""

    ONETOMANY = "one-to-many"
    """the related row does"""
    MANYTOONE = "many-to-one"
    """this object's row does"""
    MANYTOMANY = "many-to-many"
    """the rows of an association table do"""


class Joining:
    """How the rows of a relationship find each other.

    :ivar direction: who holds the foreign key.
    :ivar condition: between this row and the related one (or the association row), remote columns marked.
    :ivar secondary: the association table, or None.
    :ivar onward: for many-to-many, between the association row and the related one; the association's columns are marked.
    :ivar pairs: (key here, key there) of the columns that join; empty for many-to-many.
    :ivar secondary_pairs: (key here, column of the association table).
    :ivar target_pairs: (key there, column of the association table).
    :ivar simple: do the pairs say all of it?
    """

    def __init__(
        self,
        parent: Mapper,
        target: Mapper,
        direction: Direction,
        condition: Any,
        secondary: Any = None,
        onward: Any = None,
    ) -> None:
        self.parent = parent
        self.target = target
        self.direction = direction
        self.condition = condition
        self.secondary = secondary
        self.onward = onward
        self.pairs: tuple[tuple[str, str], ...] = ()
        self.secondary_pairs: Pairs = ()
        self.target_pairs: Pairs = ()
        self.simple = True

    def steps(self, here: Any = None, there: Any = None, secondary: Any = None) -> list[tuple[Any, Any]]:
        """What is joined to get from one class to the other, each with its condition.

        :param here: an alias to be joined from; by default the class.
        :param there: an alias to be joined to; by default the related class.
        :param secondary: an alias for the association table; by default the table.
        """
        near, far = _shown_by(here), _shown_by(there)
        entity = self.target.class_ if there is None else there
        if self.secondary is None:
            return [(entity, placed(self.condition, near, far))]
        between = _shown_by(secondary)
        return [
            (self.secondary if secondary is None else secondary, placed(self.condition, near, between)),
            (entity, placed(self.onward, far, between)),
        ]

    def lazy_criteria(self) -> tuple[list[Any], list[str]]:
        """The conditions that select what is related to one object.

        :return: the conditions, and the keys of the object's attributes whose values they need: the value of the n-th is
            the parameter ``key_n``.
        """
        keys: list[str] = []

        def parameter(column: Any) -> Any:
            if not self.parent.maps(column):
                return column
            key = self.parent.key_of(column)
            if key not in keys:
                keys.append(key)
            return bindparam(f"key_{keys.index(key)}", type_=column.type)

        criteria = [replace(placed(self.condition, parameter, _itself), _column_first)]
        if self.secondary is not None:
            criteria.append(placed(self.onward, _itself, _itself))
        return criteria, keys


def tables_of(mapper: Mapper) -> tuple[Any, ...]:
    """The tables of a mapper's rows, its own first."""
    return tuple(reversed(mapper.tables))


def _column_first(clause: Any) -> Any:
    """``column = ?`` rather than ``? = column``."""
    if isinstance(clause, BinaryExpression) and clause.operator is EQ and isinstance(clause.left, BindParameter):
        return clause.right == clause.left
    return None


def _itself(column: Any) -> Any:
    return column


def _shown_by(alias: Any) -> Callable[[Any], Any]:
    """What stands for a column where an alias stands for its table."""
    if alias is None:
        return _itself
    shown = from_of(alias)

    def adapted(column: Any) -> Any:
        found = shown.corresponding_column(column)
        return column if found is None else found

    return adapted
