"""What loader options ask for, as plain values: by entity, relationship and column. Knows no session and no SQL."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from nbsession.tracking.instance_state import OPTIONS_KEY


class Wish:
    """What options ask for about one relationship.

    :ivar strategy: how it is loaded; None as the mapping says.
    :ivar settings: what the option's keywords say: ``innerjoin``, ``recursion_depth``, ``raiseload``.
    :ivar entity: the alias or class that the statement joins already (``contains_eager``), or that ``of_type()`` said.
    :ivar criteria: further conditions on the related rows.
    :ivar below: what is asked for about the related objects.
    """

    __slots__ = ("below", "criteria", "entity", "settings", "strategy")

    def __init__(self) -> None:
        self.strategy: str | None = None
        self.settings: dict[str, Any] = {}
        self.entity: Any = None
        self.criteria: tuple[Any, ...] = ()
        self.below = Wishes()

    def again(self, depth: int) -> Wish:
        """The same about the next objects along a relationship that leads back to its class.

        :param depth: how many times more; -1 to the end, and after the last time, when they are touched.
        """
        wish = Wish()
        wish.strategy, wish.settings = "select", {}
        if depth:
            wish.strategy, wish.criteria, wish.below = self.strategy, self.criteria, self.below
            wish.settings = {**self.settings, "recursion_depth": depth - 1 if depth > 0 else depth}
        return wish


class Wishes:
    """What options ask for about one entity.

    :ivar relations: relationship to what is asked for.
    :ivar columns: column attribute to ``"defer"``, ``"raise"`` or ``"load"``.
    :ivar groups: groups of deferred columns that are to be loaded.
    :ivar other_relations: the strategy of relationships that are not named.
    :ivar other_columns: ``"defer"``, ``"raise"`` or ``"load"`` for columns that are not named.
    :ivar everywhere: the strategy of relationships of related objects, at any depth, that are not named.
    :ivar plans: what was made of it, by mapper and path.
    """

    __slots__ = ("columns", "everywhere", "groups", "other_columns", "other_relations", "plans", "relations")

    def __init__(self) -> None:
        self.relations: dict[str, Wish] = {}
        self.columns: dict[str, str] = {}
        self.groups: set[str] = set()
        self.other_relations: str | None = None
        self.other_columns: str | None = None
        self.everywhere: str | None = None
        self.plans: dict[Any, Any] = {}

    def about(self, key: str) -> Wish:
        """What is asked for about a relationship: made if nothing was."""
        wish = self.relations.get(key)
        if wish is None:
            wish = self.relations[key] = Wish()
        return wish

    def strategy_of(self, key: str, otherwise: str) -> str:
        """How a relationship is loaded.

        :param otherwise: as the mapping says.
        """
        wish = self.relations.get(key)
        if wish is not None and wish.strategy is not None:
            return wish.strategy
        return self.other_relations or otherwise

    def below(self, key: str, everywhere: bool = True) -> Wishes:
        """What is asked for about the objects of a relationship.

        :param everywhere: False: without what is asked for at any depth.
        """
        wish = self.relations.get(key)
        below = NO_WISHES if wish is None else wish.below
        depth = None if wish is None else wish.settings.get("recursion_depth")
        inherited = self.everywhere if everywhere and below.everywhere is None else None
        if depth is None and inherited is None:
            return below
        made = self.plans.get(("below", key, everywhere))
        if made is None:
            made = self.plans["below", key, everywhere] = Wishes()
            for name in ("columns", "groups", "other_relations", "other_columns", "everywhere"):
                setattr(made, name, getattr(below, name))
            made.relations = dict(below.relations)
            if inherited is not None:
                made.everywhere = inherited
                made.other_relations = below.other_relations or inherited
            if wish is not None and depth is not None:
                made.relations[key] = wish.again(depth)
        wishes: Wishes = made
        return wishes

    def column(self, mapper: Any, key: str) -> str:
        """``"load"``, ``"defer"`` or ``"raise"``: what becomes of a column attribute."""
        said = self.columns.get(key)
        if said is None and self.groups and mapper.deferred.get(key) in self.groups:
            said = "load"
        if said is None and self.other_columns is None and key in mapper.deferred:
            return "raise" if key in mapper.raising else "defer"
        return said or self.other_columns or "load"

    def deferred(self, mapper: Any) -> frozenset[str]:
        """The column attributes that are not loaded with an object."""
        if not (self.columns or self.other_columns or self.groups):
            deferred: frozenset[str] = mapper.deferred_keys
            return deferred
        needed = {*mapper.pk_keys, mapper.polymorphic_on}
        return frozenset(k for k in mapper.column_keys if k not in needed and self.column(mapper, k) != "load")

    def once_expired(self) -> Wishes:
        """What is left of it when an object was expired as a whole: what was said of relationships by name."""
        if not (self.columns or self.groups or self.other_columns or self.other_relations or self.everywhere):
            return self
        left = self.plans.get("once expired")
        if left is None:
            left = self.plans["once expired"] = Wishes()
            left.relations = dict(self.relations)
        wishes: Wishes = left
        return wishes

    def without(self, mapper: Any, names: Iterable[str] | None = None) -> Wishes:
        """The same without a word on some columns: they were expired, and come back as the mapping says.

        :param names: their attributes; None, after a refresh: of all that the mapping loads with the object, and on what
            is not named.
        """
        made = Wishes()
        made.relations = dict(self.relations)
        if names is None:
            made.columns = {key: self.column(mapper, key) for key in mapper.deferred}
            return made
        made.other_relations, made.everywhere, made.other_columns = (
            self.other_relations, self.everywhere, self.other_columns,
        )  # fmt: skip
        made.columns = {**self.columns, **{name: NO_WISHES.column(mapper, name) for name in names}}
        return made

    def __bool__(self) -> bool:
        return bool(
            self.relations
            or self.columns
            or self.groups
            or self.other_relations
            or self.other_columns
            or self.everywhere
        )


NO_WISHES = Wishes()
"""nothing is asked for: everything is loaded as the mapping says"""


class EntityLoad(NamedTuple):
    """How the rows of one entity are taken.

    :ivar keys: the column attributes that the rows hold, in their order; None for all.
    :ivar overwritten: objects that are here already take the rows' values in place of their own; those that did so in this
        execution, by ``id``. None: they keep what they have.
    :ivar wishes: what stays with the objects, for what they load later.
    :ivar further: columns of subclasses that follow the entity's own, as FurtherColumns.
    """

    keys: tuple[str, ...] | None = None
    overwritten: dict[int, Any] | None = None
    wishes: Wishes = NO_WISHES
    further: tuple[Any, ...] = ()


PLAIN = EntityLoad()
"""all columns; objects that are here keep what they have"""


def wishes_of(obj: Any) -> Wishes:
    """What options asked for when the object was loaded."""
    wishes: Wishes = getattr(obj, OPTIONS_KEY, NO_WISHES)
    return wishes


def wishes_of_expired(obj: Any) -> Wishes:
    """What options asked for, of an object that was expired as a whole: the rest is forgotten with it."""
    wishes = wishes_of(obj)
    if wishes is NO_WISHES:
        return wishes
    left = wishes.once_expired()
    if left is not wishes:
        give_wishes((obj,), left)
    return left


def give_wishes(objects: Iterable[Any], wishes: Wishes) -> None:
    """Notes on objects what options asked for when they were loaded."""
    for obj in objects:
        object.__setattr__(obj, OPTIONS_KEY, wishes)
