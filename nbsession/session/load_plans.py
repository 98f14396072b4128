"""What is loaded along with an entity: made of its mapping and of the wishes of options. Pure: knows no session and no rows.

A plan says which columns are asked for, which relationships widen the statement by a join, and which are loaded after.
"""

from __future__ import annotations

from typing import Any

from nbsession.mapping.aliased import aliased
from nbsession.mapping.mapper import Mapper
from nbsession.mapping.relationships import Relationship
from nbsession.session.load_context import NO_WISHES, EntityLoad, Wish, Wishes

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
    :ivar above: the mappers on the way to it from the statement's entity, that one first.
    :ivar keys: the column attributes asked for; None for all.
    :ivar deferred: those not asked for.
    :ivar joined: relationships that widen the statement.
    :ivar later: relationships loaded after.
    """

    __slots__ = ("above", "deferred", "joined", "keys", "later", "mapper", "wishes")

    def __init__(self, mapper: Mapper, wishes: Wishes, above: tuple[Mapper, ...]) -> None:
        self.mapper = mapper
        self.wishes = wishes
        self.above = above
        self.keys, self.deferred = _columns(mapper, wishes)
        self.joined: tuple[JoinedPlan, ...] = ()
        self.later: tuple[LaterPlan, ...] = ()

    @property
    def plain(self) -> bool:
        """Is it the entity's columns and no more?"""
        return self.keys is None and not self.joined and not self.later and not self.wishes

    @property
    def multiplies(self) -> bool:
        """Can one row become several?"""
        return any(one.multiplies for one in self.joined)

    def how(self, overwritten: dict[int, Any] | None = None) -> EntityLoad:
        """How its rows are taken."""
        return EntityLoad(self.keys, overwritten, self.wishes)

    def strategy_of(self, declared: Relationship) -> str:
        """How one of its relationships is loaded, in the end."""
        return _strategy(declared, self.wishes, (*self.above, self.mapper))


def plan_of(
    mapper: Mapper, wishes: Wishes = NO_WISHES, above: tuple[Mapper, ...] = (), joins: bool = True
) -> EntityPlan:
    """The plan for an entity; made once for the same mapper, wishes and path.

    :param above: the mappers on the way to it: a relationship that leads back is not followed again, unless options say so.
    :param joins: False: what would be joined is loaded after.
    """
    kept = mapper.memo.setdefault("plans", {}) if wishes is NO_WISHES else wishes.plans
    plan: EntityPlan | None = kept.get((mapper, above, joins))
    if plan is None:
        plan = kept[mapper, above, joins] = _make(mapper, wishes, above, joins)
    return plan


def _make(mapper: Mapper, wishes: Wishes, above: tuple[Mapper, ...], joins: bool) -> EntityPlan:
    mapper.configure()
    plan = EntityPlan(mapper, wishes, above)
    path = (*above, mapper)
    joined: list[JoinedPlan] = []
    later: list[LaterPlan] = []
    for declared, own in _relationships(mapper):
        strategy = _strategy(declared, wishes, path)
        if strategy not in EAGER:
            continue
        wish = wishes.relations.get(declared.key, NOTHING_SAID)
        if strategy == "contains" or (strategy == "joined" and joins and own):
            joined.append(_joined(declared, wishes, wish, path, strategy))
        else:
            name = "selectin" if strategy in ("joined", "subquery") else strategy
            later.append(LaterPlan(declared, name, wish))
    plan.joined, plan.later = tuple(joined), tuple(later)
    return plan


def _relationships(mapper: Mapper) -> list[tuple[Relationship, bool]]:
    """Those of the mapper, and those that only subclasses have; with: is it the mapper's own?"""
    found = {declared.key: (declared, True) for declared in mapper.relationships}
    for child in mapper.self_and_descendants[1:]:
        for declared in child.relationships:
            found.setdefault(declared.key, (declared, False))
    return list(found.values())


def _joined(declared: Relationship, wishes: Wishes, wish: Wish, path: tuple[Mapper, ...], strategy: str) -> JoinedPlan:
    target = declared.mapper
    if strategy == "contains":
        entity = wish.entity if wish.entity is not None else target.class_
        return JoinedPlan(declared, entity, plan_of(target, wishes.below(declared.key), path), False)
    joined = JoinedPlan(declared, aliased(target.class_), plan_of(target, wishes.below(declared.key), path), True)
    joined.criteria = wish.criteria
    inner = wish.settings.get("innerjoin", declared.innerjoin)
    joined.outer = not inner
    return joined


def _strategy(declared: Relationship, wishes: Wishes, path: tuple[Mapper, ...]) -> str:
    """How a relationship is loaded: as options say, else as the mapping says, unless that leads in circles.

    :param path: the mappers from the statement's entity to the relationship's.
    """
    wish = wishes.relations.get(declared.key)
    if wish is not None and wish.strategy is not None:
        return wish.strategy
    strategy = wishes.other_relations or declared_strategy(declared)
    if strategy not in ("joined", "selectin", "subquery", "immediate") or not path:
        return strategy
    depth = declared.join_depth
    if depth:
        return strategy if len(path) <= depth else "select"
    target = declared.mapper.base_mapper
    return "select" if any(one.base_mapper is target for one in path) else strategy


def _columns(mapper: Mapper, wishes: Wishes) -> tuple[tuple[str, ...] | None, frozenset[str]]:
    """The column attributes to ask for, None for all; and those not to ask for."""
    if not (wishes.columns or wishes.other_columns or wishes.groups):
        return None, mapper.deferred_keys
    needed = {*mapper.pk_keys, mapper.polymorphic_on}
    deferred = frozenset(
        key for key in mapper.column_keys if key not in needed and column_wish(mapper, wishes, key) != "load"
    )
    keys = tuple(key for key in mapper.column_keys if key not in deferred)
    return None if keys == mapper.selected_keys else keys, deferred


def column_wish(mapper: Mapper, wishes: Wishes, key: str) -> str:
    """``"load"``, ``"defer"`` or ``"raise"`` for a column attribute."""
    said = wishes.columns.get(key)
    if said is None and wishes.groups and mapper.deferred.get(key) in wishes.groups:
        said = "load"
    if said is None:
        said = wishes.other_columns
    if said is not None:
        return said
    return "defer" if key in mapper.deferred_keys else "load"
