"""What is loaded along with an entity: made of its mapping and of the wishes of options. Pure: knows no session and no rows.

A plan says which columns are asked for, which relationships widen the statement by a join, and which are loaded after.
"""

from __future__ import annotations

from copy import copy
from typing import Any

from nbsession.mapping.aliased import aliased
from nbsession.mapping.mapper import Mapper
from nbsession.mapping.polymorphic_entity import FurtherColumn
from nbsession.mapping.relating.relationships import Relationship
from nbsession.session.load.load_context import NO_WISHES, EntityLoad, Wish, Wishes

EAGER = frozenset(("joined", "selectin", "subquery", "immediate", "noload", "contains"))
"""strategies by which something is done when the object is loaded"""
_BY_FLAG = {True: "select", False: "joined", None: "noload"}
NOTHING_SAID = Wish()


def declared_strategy(declared: Relationship) -> str:
    """How a relationship is loaded as its mapping says, by name."""
    said = declared.lazy
    strategy: str = _BY_FLAG[said] if said is None or isinstance(said, bool) else said
    return strategy


class JoinedPlan:
    """A relationship whose rows come with the statement's own.

    :ivar declared: the relationship.
    :ivar entity: the alias of the related class that stands in the statement.
    :ivar outer: are there rows without a related one?
    :ivar adds_join: does the plan join it? ``contains_eager`` finds it there.
    :ivar criteria: further conditions of the join, about the related class.
    :ivar plan: what is loaded along with the related objects.
    """

    __slots__ = ("adds_join", "criteria", "declared", "entity", "outer", "plan", "secondary")

    def __init__(self, declared: Relationship, entity: Any, plan: EntityPlan, adds_join: bool) -> None:
        self.declared = declared
        self.entity = entity
        self.plan = plan
        self.adds_join = adds_join
        self.outer = True
        self.criteria: tuple[Any, ...] = ()
        self.secondary: Any = None if declared.secondary is None else declared.secondary.alias()

    @property
    def multiplies(self) -> bool:
        """Can one row become several?"""
        return bool(self.declared.uselist) or any(one.multiplies for one in self.plan.joined)


class LaterPlan:
    """A relationship that is loaded when the objects are there.

    :ivar declared: the relationship.
    :ivar strategy: ``"selectin"``, ``"immediate"`` or ``"noload"``.
    :ivar wish: what options ask for about it.
    """

    __slots__ = ("declared", "strategy", "wish")

    def __init__(self, declared: Relationship, strategy: str, wish: Wish) -> None:
        self.declared = declared
        self.strategy = strategy
        self.wish = wish


class EntityPlan:
    """What is loaded along with an entity.

    :ivar mapper: the entity's mapper.
    :ivar wishes: what options ask for; it stays with the objects.
    :ivar above: the mappers on the way to it from the first entity that was asked for, that one first.
    :ivar within: how many of these are in the same statement.
    :ivar keys: the column attributes asked for; None for all.
    :ivar deferred: those not asked for.
    :ivar joined: relationships that widen the statement.
    :ivar later: relationships loaded after.
    :ivar further: columns of subclasses that come with the entity's own.
    """

    __slots__ = ("above", "deferred", "further", "joined", "keys", "later", "mapper", "wishes", "within")

    def __init__(self, mapper: Mapper, wishes: Wishes, above: tuple[Mapper, ...] = (), within: int = 0) -> None:
        self.mapper = mapper
        self.wishes = wishes
        self.above = above
        self.within = within
        self.deferred = wishes.deferred(mapper)
        keys = tuple([key for key in mapper.column_keys if key not in self.deferred])
        self.keys = None if keys == mapper.selected_keys else keys
        self.joined: tuple[JoinedPlan, ...] = ()
        self.later: tuple[LaterPlan, ...] = ()
        self.further: tuple[FurtherColumn, ...] = ()

    @property
    def plain(self) -> bool:
        """Is it the entity's columns and no more?"""
        return self.keys is None and not (self.joined or self.later or self.wishes or self.further)

    @property
    def multiplies(self) -> bool:
        """Can one row become several?"""
        return any(one.multiplies for one in self.joined)

    def how(self, overwritten: dict[int, Any] | None = None) -> EntityLoad:
        """How its rows are taken."""
        return EntityLoad(self.keys, overwritten, self.wishes, self.further)

    def seen_as(self, entity: Any) -> EntityPlan:
        """The plan for what a statement selects: a class with its subclasses' columns brings these along."""
        further = entity.__mapper__.further
        if not further or self.keys is not None:
            return self
        plan = copy(self)
        plan.further = further
        return plan

    def without_later(self) -> EntityPlan:
        """The same without what is loaded after."""
        plan = EntityPlan(self.mapper, self.wishes, self.above, self.within)
        plan.joined = self.joined
        return plan

    def strategy_of(self, declared: Relationship) -> str:
        """How one of its relationships is loaded, in the end."""
        return _strategy(declared, self)


def plan_of(
    mapper: Mapper,
    wishes: Wishes = NO_WISHES,
    above: tuple[Mapper, ...] = (),
    within: int = 0,
    joins: bool = True,
) -> EntityPlan:
    """The plan for an entity; made once for the same mapper, wishes and path.

    :param above: the mappers on the way to it: a relationship that leads back is not followed again, unless options say so.
    :param within: how many of these are in the same statement.
    :param joins: False: the statement cannot be widened; what would be joined is left to be touched.
    """
    kept = mapper.memo.setdefault("plans", {}) if wishes is NO_WISHES else wishes.plans
    plan: EntityPlan | None = kept.get((mapper, above, within, joins))
    if plan is None:
        mapper.configure()
        plan = kept[mapper, above, within, joins] = EntityPlan(mapper, wishes, above, within)
        _fill(plan, joins)
    return plan


def loads_plainly(mapper: Mapper) -> bool:
    """Is an object of a class, unless options say otherwise, its row's columns and no more? Asked before every SELECT."""
    plain: bool | None = mapper.memo.get("loads plainly")
    if plain is None:
        plain = mapper.memo["loads plainly"] = plan_of(mapper).plain and not mapper.along
    return plain


def _fill(plan: EntityPlan, joins: bool) -> None:
    mapper, wishes = plan.mapper, plan.wishes
    joined: list[JoinedPlan] = []
    later: list[LaterPlan] = []
    for declared, own in _relationships(mapper):
        if not own and declared.key not in wishes.relations:
            continue  # a subclass's, for which an option must ask
        strategy = _strategy(declared, plan)
        if strategy not in EAGER or (not joins and strategy in ("joined", "contains")):
            continue
        wish = wishes.relations.get(declared.key, NOTHING_SAID)
        if strategy == "contains" or (strategy == "joined" and own):
            joined.append(_joined(declared, plan, wish, strategy))
        else:
            name = "selectin" if strategy in ("joined", "subquery") else strategy
            later.append(LaterPlan(declared, name, wish))
    plan.joined, plan.later = tuple(joined), tuple(later)


def _relationships(mapper: Mapper) -> list[tuple[Relationship, bool]]:
    """Those of the mapper, and those that only subclasses have; with: is it the mapper's own?"""
    found = {declared.key: (declared, True) for declared in mapper.relationships}
    for child in mapper.self_and_descendants[1:]:
        for declared in child.relationships:
            found.setdefault(declared.key, (declared, False))
    return list(found.values())


def _joined(declared: Relationship, plan: EntityPlan, wish: Wish, strategy: str) -> JoinedPlan:
    target, below = declared.mapper, plan.wishes.below(declared.key)
    beneath = plan_of(target, below, (*plan.above, plan.mapper), plan.within + 1)
    if strategy == "contains":
        entity = wish.entity if wish.entity is not None else target.class_
        return JoinedPlan(declared, entity, beneath, False)
    joined = JoinedPlan(declared, aliased(target.class_), beneath, True)
    joined.criteria = wish.criteria
    joined.outer = not wish.settings.get("innerjoin", declared.innerjoin)
    return joined


def _strategy(declared: Relationship, plan: EntityPlan) -> str:
    """How a relationship is loaded: as options say, else as the mapping says, unless that leads in circles.

    A join looks for circles within its statement only.
    """
    wishes = plan.wishes
    wish = wishes.relations.get(declared.key)
    if wish is not None and wish.strategy is not None:
        return wish.strategy
    strategy = wishes.other_relations or declared_strategy(declared)
    if strategy not in ("joined", "selectin", "subquery", "immediate"):
        return strategy
    path = (*plan.above, plan.mapper)
    if strategy == "joined":
        path = path[len(plan.above) - plan.within :]
    if declared.join_depth:
        return strategy if len(path) <= declared.join_depth else "select"
    target = declared.mapper.base_mapper
    return "select" if any(one.base_mapper is target for one in path) else strategy
