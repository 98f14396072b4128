"""Another name for an entity: ``aliased(User)``. Knows how its columns and relationships are read through the alias."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from nbsession.exc import ArgumentError, InvalidRequestError
from nbsession.mapping.attributes import ColumnAttribute
from nbsession.sql.columns import EntityColumn
from nbsession.sql.selectable import FromClause, Join
from nbsession.sql.visitors import replace

if TYPE_CHECKING:
    from nbsession.mapping.mapper import Mapper


class AliasView:
    """What is known of an alias; ``inspect(alias)`` gives it, and statements read it where they read a mapper.

    :ivar mapper: the mapper of the aliased class.
    :ivar selectable: what stands in FROM.
    :ivar name: the alias's name, or None where the statement makes one up.
    :ivar entity: the alias itself.
    """

    is_aliased_class = True
    further: tuple[Any, ...] = ()

    def __init__(self, mapper: Mapper, selectable: Any, name: str | None, by_name: bool) -> None:
        self.mapper = mapper
        self.selectable = selectable
        self.name = name
        self.by_name = by_name
        self.entity: Any = None

    @property
    def class_(self) -> type:
        """The aliased class."""
        return self.mapper.class_

    @cached_property
    def columns(self) -> dict[str, Any]:
        """Attribute key to the column of the alias."""
        return {key: self.column_for(column) for key, column in self.mapper.columns.items()}

    @cached_property
    def selected_columns(self) -> tuple[Any, ...]:
        """The columns a SELECT of the alias asks for, in the order of the mapper's."""
        return tuple([self.column_for(column) for column in self.mapper.selected_columns])

    @cached_property
    def single_criterion(self) -> Any:
        """The condition of a class without a table of its own, about the alias."""
        criterion = self.mapper.single_criterion
        return None if criterion is None else self.adapt(criterion)

    def attribute_column(self, key: str) -> Any:
        """The column behind an attribute of the alias; it brings all that the alias reads into FROM, and its condition."""
        column = self.columns[key]
        if not isinstance(self.selectable, Join) and self.single_criterion is None:
            return column
        return EntityColumn(column, self.selectable, self.single_criterion)

    def column_for(self, column: Any) -> Any:
        """The column of the alias that shows a column of the class.

        :raises InvalidRequestError: what is aliased does not show it.
        """
        found = self._shown(column)
        if found is None:
            raise InvalidRequestError(
                f"The alias of {self.class_.__name__} does not show column '{column}': let the subquery select it, "
                "best all of the class: select(Class).subquery()."
            )
        return found

    def _shown(self, column: Any) -> Any:
        found = self.selectable.corresponding_column(column)
        if found is None and self.by_name:
            found = self.selectable.c.get(column.name)
        return found

    def adapt(self, clause: Any) -> Any:
        """A clause about the class, as one about the alias."""
        return replace(clause, lambda part: self._shown(part) if part.visit_name == "column" else None)

    def __repr__(self) -> str:
        return f"<alias of {self.class_.__name__}{f' as {self.name}' if self.name else ''}>"


class AliasedColumn(ColumnAttribute):
    """``alias.name``: a column attribute, read through the alias."""

    def __clause_element__(self) -> Any:
        return self.column

    def __init__(self, key: str, column: Any, entity: Any, mapper: Mapper) -> None:
        super().__init__(key, column, mapper)
        self._entity = entity

    @property
    def parent_entity(self) -> Any:
        """The alias."""
        return self._entity

    def __str__(self) -> str:
        return f"{self._entity.__name__}.{self.key}"

    def __repr__(self) -> str:
        return f"<AliasedColumn {self}>"


class AliasedClass:
    """An entity under another name; made by :func:`aliased`. Its attributes are those of the class, of the alias."""

    def __init__(self, view: AliasView) -> None:
        self.__mapper__ = view
        self.__name__ = view.name or view.class_.__name__
        view.entity = self

    def __getattr__(self, key: str) -> Any:
        if key.startswith("__"):
            raise AttributeError(key)
        view = self.__mapper__
        view.mapper.configure()
        attribute = view.mapper.attributes.get(key)
        made: Any
        if attribute is None:
            return getattr(view.class_, key)
        if isinstance(attribute, ColumnAttribute):
            made = AliasedColumn(key, view.attribute_column(key), self, view.mapper)
        else:
            made = attribute.seen_from(self)
        self.__dict__[key] = made
        return made

    def __repr__(self) -> str:
        return repr(self.__mapper__)


def aliased(
    element: Any, alias: Any = None, name: str | None = None, flat: bool = False, adapt_on_names: bool = False
) -> Any:
    """An entity under another name, to have it twice in one statement or to read it from a subquery.

    :param element: a mapped class; or a table or subquery, which gets a plain alias.
    :param alias: a subquery, CTE or alias that shows the columns of the class, to read it from.
    :param name: the name in SQL; one is made up by default.
    :param flat: joins are aliased table by table; it is always so here.
    :param adapt_on_names: columns of ``alias`` stand for those of the class by name, too.
    :raises ArgumentError: it is neither a class nor something in FROM.

    >>> boss = aliased(Employee)
    >>> select(Employee.name, boss.name).join(Employee.boss.of_type(boss))
    """
    if isinstance(element, FromClause):
        if adapt_on_names:
            raise ArgumentError("adapt_on_names only applies to ORM elements")
        return element.alias(name) if alias is None else alias
    mapper = getattr(element, "__mapper__", None)
    if mapper is None:
        raise ArgumentError(f"aliased() takes a mapped class or something in FROM, got {element!r}.")
    mapper = getattr(mapper, "mapper", mapper)
    if mapper.registry.waiting:  # others may have back references to it
        mapper.registry.configure()
    if alias is None:
        selectable = alias_of(mapper.selectable, name)
    elif isinstance(alias, FromClause):
        selectable, name = alias, name or alias.name
    else:
        raise ArgumentError(
            f"aliased() reads from a subquery, CTE or alias, got {alias!r}. Call .subquery() on it first."
        )
    return AliasedClass(AliasView(mapper, selectable, name, adapt_on_names))


def alias_of(selectable: Any, name: str | None) -> Any:
    """An alias of what a mapper selects from; of a join, the join of the aliases of its parts."""
    if not isinstance(selectable, Join):
        return selectable.alias(name)
    parts = {id(part): part.alias(f"{name}_{part.name}" if name else None) for part in selectable.parts()}
    return _joined(selectable, parts)


def _joined(selectable: Any, parts: dict[int, Any]) -> Any:
    if not isinstance(selectable, Join):
        return parts[id(selectable)]

    def shown(part: Any) -> Any:
        alias = parts.get(id(part.table)) if part.visit_name == "column" else None
        return None if alias is None else alias.corresponding_column(part)

    return Join(
        _joined(selectable.left, parts),
        _joined(selectable.right, parts),
        replace(selectable.onclause, shown),
        selectable.isouter,
        selectable.full,
    )
