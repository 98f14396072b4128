"""``with_polymorphic(Person, [Engineer])``: a class together with the columns of its subclasses, by one SELECT.

Knows how the tables are joined; the columns of subclasses are given to the objects in :mod:`nbsession.session.load.further`.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any, NamedTuple

from nbsession.exc import ArgumentError
from nbsession.mapping.aliased import AliasedClass, AliasView, alias_of
from nbsession.mapping.mapper import Mapper
from nbsession.sql.selectable import Join


class FurtherColumn(NamedTuple):
    """A column of subclasses that stands in the rows of their parent.

    :ivar key: the attribute.
    :ivar column: the column.
    :ivar mapper: the mapper of the class that adds it.
    """

    key: str
    column: Any
    mapper: Mapper


class PolymorphicView(AliasView):
    """What is known of a class with its subclasses' columns.

    :ivar further: the columns that subclasses add, in the order they are selected.
    """

    further: tuple[FurtherColumn, ...]

    def __init__(self, mapper: Mapper, subclasses: Iterable[Mapper], innerjoin: bool, aliased: bool) -> None:
        chosen = {one: None for sub in subclasses for one in sub.lineage if one.isa(mapper) and one is not mapper}
        self.subclasses = tuple(sorted(chosen, key=lambda one: len(one.lineage)))
        selectable = mapper.selectable
        for one in self.subclasses:
            if not one.single:
                selectable = Join(selectable, one.local_table, one.inherit_condition, isouter=not innerjoin)
        super().__init__(mapper, alias_of(selectable, None) if aliased else selectable, None, False)
        self.further = tuple(
            FurtherColumn(key, self.column_for(one.columns[key]), one)
            for one in self.subclasses
            for key in one.selected_keys
            if one.inherits is not None and key not in one.inherits.columns
        )

    @cached_property
    def selected_columns(self) -> tuple[Any, ...]:
        """The columns of the class, then those that subclasses add."""
        own = [self.column_for(column) for column in self.mapper.selected_columns]
        return (*own, *(one.column for one in self.further))


class PolymorphicEntity(AliasedClass):
    """A class with its subclasses' columns; each subclass is an attribute of its name: ``entity.Engineer.tool``."""

    def __init__(self, view: PolymorphicView) -> None:
        super().__init__(view)
        for one in view.subclasses:
            sub = AliasedClass(AliasView(one, view.selectable, None, False))
            self.__dict__[one.class_.__name__] = sub


def with_subclasses(mapper: Mapper) -> PolymorphicEntity:
    """The class with the subclasses' columns that its mapping says are brought along."""
    made: PolymorphicEntity | None = mapper.memo.get("along")
    if made is None:
        made = mapper.memo["along"] = PolymorphicEntity(PolymorphicView(mapper, mapper.along, False, False))
    return made


def with_polymorphic(
    base: Any, classes: Any = "*", aliased: bool = False, *, flat: bool = False, innerjoin: bool = False
) -> Any:
    """A class to select from together with its subclasses: their columns come with the same SELECT.

    :param base: a mapped class.
    :param classes: the subclasses; ``"*"``: all.
    :param aliased: under other names, so that the class can stand in the statement once more.
    :param flat: the same; tables are always aliased one by one.
    :param innerjoin: only rows of the subclasses.
    :raises ArgumentError: one of the classes is no subclass.

    >>> staff = with_polymorphic(Person, [Engineer, Manager])
    >>> select(staff).where(or_(staff.Engineer.tool == "saw", staff.Manager.budget > 10))
    """
    mapper: Mapper = base.__mapper__
    mapper.configure()
    chosen = list(mapper.self_and_descendants[1:]) if classes == "*" else [one.__mapper__ for one in classes]
    strangers = [one.class_.__name__ for one in chosen if not one.isa(mapper)]
    if strangers:
        raise ArgumentError(f"{', '.join(strangers)} does not inherit from {mapper.class_.__name__}.")
    return PolymorphicEntity(PolymorphicView(mapper, chosen, innerjoin, aliased or flat))
