"""Relationships made of foreign keys, both ways, and of link tables. Knows mapped classes and tables; asks no database."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from nbsession.mapping.declaring.automap_names import RESERVED, in_order, with_columns
from nbsession.mapping.relating.joining import Direction
from nbsession.mapping.relating.relationships import Relationship, relationship
from nbsession.sql.expression import and_
from nbsession.sql.schema import ForeignKeyConstraint, Table

NameFor = Callable[[type[Any], type[Any], type[Any], ForeignKeyConstraint], str]


def generate_relationship(
    base: type[Any],
    direction: Direction,
    return_fn: Callable[..., Any],
    attrname: str,
    local_cls: type[Any],
    referred_cls: type[Any],
    **kw: Any,
) -> Any:
    """Makes a relationship of what was found out about it. A function of yours may change ``kw`` and call this one.

    :param direction: ONETOMANY, MANYTOONE or MANYTOMANY.
    :param return_fn: ``relationship``.
    :param attrname: the attribute it is to be.
    :return: the relationship; None for none.
    """
    return return_fn(referred_cls, **kw)


class Rules(NamedTuple):
    """What ``prepare()`` was told."""

    base: type[Any]
    collection_class: Any
    scalar_name: NameFor
    collection_name: NameFor
    generate: Callable[..., Any]


class Side(NamedTuple):
    """One attribute to be made."""

    owner: type[Any]
    name: str
    other: type[Any]
    direction: Direction
    options: dict[str, Any]


class Linking:
    """Gives classes their relationships.

    :param classes: the mapped classes by table.
    """

    def __init__(self, rules: Rules, classes: dict[Table, type[Any]]) -> None:
        self.rules = rules
        self.classes = classes
        self._own = {cls: set(cls.__mapper__.declared) for cls in classes.values()}
        """relationships that people declared themselves, or that an earlier prepare() made"""

    def follow(self, table: Table) -> None:
        """The relationships of a table's foreign keys."""
        local = self.classes[table]
        for constraint in in_order(table):
            there = self.classes.get(constraint.referred_table)
            if there is None or (local is not there and issubclass(local, there)):
                continue
            one = self._name(self.rules.scalar_name, local, there, constraint)
            many = self._name(self.rules.collection_name, there, local, constraint, but=one if there is local else None)
            far = [key.column for key in constraint.elements]
            keys = {"foreign_keys": list(constraint.columns)}
            to_one = Side(local, one, there, Direction.MANYTOONE, {**keys, "remote_side": far})
            options = {**keys, **_of_children(constraint), "collection_class": self.rules.collection_class}
            self._pair(to_one, Side(there, many, local, Direction.ONETOMANY, options))

    def through(self, table: Table, constraints: list[ForeignKeyConstraint]) -> None:
        """The relationships of a link table."""
        first, second = constraints
        here, there = self.classes.get(first.referred_table), self.classes.get(second.referred_table)
        if here is None or there is None:
            return
        joins = [and_(*[key.column == key.parent for key in one.elements]) for one in constraints]
        name = self._name(self.rules.collection_name, here, there, first)
        back = self._name(self.rules.collection_name, there, here, second, but=name if there is here else None)
        shared = {"secondary": table, "collection_class": self.rules.collection_class}
        options = {"primaryjoin": joins[0], "secondaryjoin": joins[1]}
        reverse = {"primaryjoin": joins[1], "secondaryjoin": joins[0]}
        self._pair(
            Side(here, name, there, Direction.MANYTOMANY, {**shared, **options}),
            Side(there, back, here, Direction.MANYTOMANY, {**shared, **reverse}),
        )

    def _name(
        self,
        rule: NameFor,
        owner: type[Any],
        other: type[Any],
        constraint: ForeignKeyConstraint,
        but: str | None = None,
    ) -> str:
        """The name by the rule; if it is taken by something else, a longer one.

        :param but: a name that is about to be taken.
        """
        name = wished = rule(self.rules.base, owner, other, constraint)
        if name in self._own[owner] and name != but:
            return name
        if self._taken(owner, name) or name == but:
            name = with_columns(wished, constraint)
        while self._taken(owner, name) or name == but:
            name += "_"
        return name

    def _taken(self, owner: type[Any], name: str) -> bool:
        return name in owner.__mapper__.attributes or name in owner.__mapper__.declared or name in RESERVED

    def _pair(self, one: Side, other: Side) -> None:
        """Makes both sides; one that people declared themselves is there already, and learns of the other."""
        made = [side for side in (one, other) if side.name not in self._own[side.owner]]
        for side in made:
            reverse = other if side is one else one
            declared = self.rules.generate(
                self.rules.base,
                side.direction,
                relationship,
                side.name,
                side.owner,
                side.other,
                back_populates=reverse.name,
                **side.options,
            )
            if declared is not None:
                setattr(side.owner, side.name, declared)
        for side in (one, other):
            reverse = other if side is one else one
            known: Relationship | None = side.owner.__mapper__.declared.get(side.name)
            if reverse.name not in reverse.owner.__mapper__.declared:
                if known is not None and side in made:
                    known.back_populates = None
            elif known is not None and known.back_populates is None and known.backref is None:
                known.back_populates = reverse.name


def _of_children(constraint: ForeignKeyConstraint) -> dict[str, Any]:
    """What happens to children: those that cannot be without a parent go with it."""
    action = (constraint.ondelete or "").lower()
    if not all(column.nullable for column in constraint.columns):
        return {"cascade": "all, delete-orphan", "passive_deletes": action == "cascade"}
    return {"passive_deletes": action == "set null"}


def link_of(table: Table) -> list[ForeignKeyConstraint] | None:
    """The two foreign keys of a link table, which has no other columns; None for another table."""
    constraints = in_order(table)
    if len(constraints) != 2:
        return None
    linked = {id(column) for constraint in constraints for column in constraint.columns}
    return constraints if linked == {id(column) for column in table.c} else None
