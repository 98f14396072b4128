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

    def below(self, key: str) -> Wishes:
        """What is asked for about the objects of a relationship."""
        wish = self.relations.get(key)
        below = NO_WISHES if wish is None else wish.below
        if self.everywhere is None or below.everywhere is not None:
            return below
        inherited = Wishes()
        for name in ("relations", "columns", "groups", "other_relations", "other_columns"):
            setattr(inherited, name, getattr(below, name))
        inherited.everywhere = self.everywhere
        inherited.other_relations = below.other_relations or self.everywhere
        if wish is not None:
            wish.below = inherited
        return inherited

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
    """

    keys: tuple[str, ...] | None = None
    overwritten: dict[int, Any] | None = None
    wishes: Wishes = NO_WISHES


PLAIN = EntityLoad()
"""all columns; objects that are here keep what they have"""


def wishes_of(obj: Any) -> Wishes:
    """What options asked for when the object was loaded."""
    wishes: Wishes = getattr(obj, OPTIONS_KEY, NO_WISHES)
    return wishes


def give_wishes(objects: Iterable[Any], wishes: Wishes) -> None:
    """Notes on objects what options asked for when they were loaded."""
    for obj in objects:
        object.__setattr__(obj, OPTIONS_KEY, wishes)
