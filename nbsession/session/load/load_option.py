"""Loader options: how a statement says which relationships and columns of its entities are loaded, and when.

Knows attributes and paths of them; what is made of it is in :mod:`nbsession.session.load.load_plans`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, Self

from nbsession.exc import ArgumentError, InvalidRequestError
from nbsession.mapping.attributes import ColumnAttribute
from nbsession.session.load.load_context import Wishes

WILDCARD = "*"


class Step(NamedTuple):
    """One relationship of a path.

    :ivar key: its name.
    :ivar target: the class it leads to.
    """

    key: str
    target: Any


class Said(NamedTuple):
    """One thing an option says.

    :ivar path: the relationships from the entity to where it applies.
    :ivar about: what it is about: ``"relation"``, ``"column"`` or ``"group"``.
    :ivar key: the attribute or group; ``"*"`` for all that are not named.
    :ivar what: the strategy, or ``"defer"``, ``"raise"``, ``"load"``; None leaves it as it is.
    :ivar settings: keywords of the option, as pairs.
    :ivar entity: the alias of ``contains_eager``, or what ``of_type()`` said.
    :ivar criteria: what ``and_()`` said.
    """

    path: tuple[Step, ...]
    about: str
    key: str
    what: str | None
    settings: tuple[tuple[str, Any], ...] = ()
    entity: Any = None
    criteria: tuple[Any, ...] = ()


class Load:
    """Options for one entity of a statement; each method adds one, and leads on along the relationship it names.

    :param entity: a class or an alias; None: every entity of the statement, for ``"*"``.

    >>> select(User).options(Load(User).selectinload(User.addresses).load_only(Address.email))
    """

    __slots__ = ("path", "root", "said")

    def __init__(self, entity: Any = None) -> None:
        if entity is not None and getattr(entity, "__mapper__", None) is None:
            raise ArgumentError(f"Load() takes a mapped class or an alias of one, got {entity!r}.")
        self.root: Any = entity
        self.path: tuple[Step, ...] = ()
        self.said: tuple[Said, ...] = ()

    def _also(self, said: Iterable[Said], path: tuple[Step, ...] | None = None, root: Any = None) -> Self:
        copy = type(self)(self.root if self.root is not None else root)
        copy.path = self.path if path is None else path
        copy.said = (*self.said, *said)
        return copy

    # ------------------------------------------------------------------------------------------ relationships

    def _relation(self, attr: Any, what: str | None, entity: Any = None, **settings: Any) -> Self:
        given = tuple(sorted((k, v) for k, v in settings.items() if v is not None))
        if attr == WILDCARD if isinstance(attr, str) else False:
            return self._also([Said(self.path, "relation", WILDCARD, what, given)])
        declared = _relationship_of(attr, what)
        self._check_link(attr, what)
        target = entity if entity is not None else getattr(attr, "of_entity", None)
        said = Said(self.path, "relation", attr.key, what, given, target, tuple(getattr(attr, "extra_criteria", ())))
        leads_to = declared.mapper.class_ if getattr(attr, "of_entity", None) is None else _class_of(attr.of_entity)
        return self._also([said], (*self.path, Step(attr.key, leads_to)), attr.parent_entity)

    def _check_link(self, attr: Any, what: Any) -> None:
        """The attribute must belong to what the path leads to.

        :raises ArgumentError: it does not.
        """
        if self.path:
            reached, came = self.path[-1].target, f'relationship "{self.path[-1].key}"'
        elif self.root is not None:
            reached, came = _class_of(self.root), f'"{getattr(self.root, "__name__", self.root)}"'
        else:
            return
        owner = _class_of(attr.parent_entity)
        if not (issubclass(owner, reached) or issubclass(reached, owner)):
            raise ArgumentError(
                f'ORM mapped entity or attribute "{owner.__name__}.{attr.key}" does not link from {came}. Give an attribute of '
                f"{reached.__name__}."
            )

    def joinedload(self, attr: Any, innerjoin: Any = None) -> Self:
        """Loaded by the same SELECT, with a join.

        :param innerjoin: every object has one: an inner join will do.
        """
        return self._relation(attr, "joined", innerjoin=innerjoin)

    def selectinload(self, attr: Any, recursion_depth: int | None = None) -> Self:
        """Loaded for all objects together, by a second SELECT.

        :param recursion_depth: how many times more along a relationship that leads back to its class; -1 to the end.
        """
        return self._relation(attr, "selectin", recursion_depth=recursion_depth)

    def subqueryload(self, attr: Any) -> Self:
        """As :meth:`selectinload`."""
        return self._relation(attr, "subquery")

    def immediateload(self, attr: Any, recursion_depth: int | None = None) -> Self:
        """Loaded at once, by a SELECT for each object.

        :param recursion_depth: as for :meth:`selectinload`.
        """
        return self._relation(attr, "immediate", recursion_depth=recursion_depth)

    def lazyload(self, attr: Any) -> Self:
        """Loaded when it is touched."""
        return self._relation(attr, "select")

    def raiseload(self, attr: Any, sql_only: bool = False) -> Self:
        """Not loaded: touching it is an error.

        :param sql_only: only if it would need a SELECT.
        """
        return self._relation(attr, "raise_on_sql" if sql_only else "raise")

    def noload(self, attr: Any) -> Self:
        """Not loaded: None, or empty."""
        return self._relation(attr, "noload")

    def defaultload(self, attr: Any) -> Self:
        """Loaded as the mapping says; leads on to options about the related objects."""
        return self._relation(attr, None)

    def contains_eager(self, attr: Any, alias: Any = None) -> Self:
        """Taken from the statement, which joins the related rows already.

        :param alias: the alias it joins, if it is not the class itself.
        """
        return self._relation(attr, "contains", alias)

    def options(self, *options: Load) -> Self:
        """Several options about what the path leads to: ``selectinload(A.b).options(load_only(B.x), joinedload(B.c))``."""
        made = self
        for option in options:
            if option.root is not None and option.said:
                owner, reached = _class_of(option.root), self.path[-1].target if self.path else _class_of(self.root)
                if not (issubclass(owner, reached) or issubclass(reached, owner)):
                    raise ArgumentError(
                        f'ORM mapped entity or attribute "{owner.__name__}" does not link from "{reached.__name__}".'
                    )
            made = made._also([said._replace(path=(*self.path, *said.path)) for said in option.said])
        return made

    # ----------------------------------------------------------------------------------------------- columns

    def _columns(self, attrs: Iterable[Any], what: str) -> Self:
        said, root = [], None
        for attr in attrs:
            if isinstance(attr, str) and attr == WILDCARD:
                said.append(Said(self.path, "column", WILDCARD, what))
                continue
            if not isinstance(attr, ColumnAttribute):
                raise _no_column(attr)
            self._check_link(attr, what)
            root = attr.parent_entity
            said.append(Said(self.path, "column", attr.key, what))
        return self._also(said, None, root)

    def load_only(self, *attrs: Any, raiseload: bool = False) -> Self:
        """Only these columns (and the primary key) are loaded; the others when they are touched.

        :param raiseload: touching the others is an error.
        """
        rest = Said(self.path, "column", WILDCARD, "raise" if raiseload else "defer")
        return self._columns(attrs, "load")._also([rest])

    def defer(self, key: Any, raiseload: bool = False) -> Self:
        """A column is loaded when it is touched.

        :param raiseload: touching it is an error.
        """
        return self._columns([key], "raise" if raiseload else "defer")

    def undefer(self, key: Any) -> Self:
        """A deferred column is loaded at once."""
        return self._columns([key], "load")

    def undefer_group(self, name: str) -> Self:
        """A group of deferred columns is loaded at once."""
        return self._also([Said(self.path, "group", name, "load")])

    # --------------------------------------------------------------------------------------------- answering

    @property
    def token(self) -> Any:
        """Equal for options that say the same; None if that cannot be told."""
        if any(said.criteria or said.entity is not None for said in self.said):
            return None
        said = tuple((tuple(s.key for s in d.path), d.about, d.key, d.what, d.settings) for d in self.said)
        return self.root is None, said

    def tell(self, wishes: Wishes) -> None:
        """Writes what the options say to the tree of wishes of an entity."""
        for said in self.said:
            at = wishes
            for step in said.path:
                at = at.about(step.key).below
            if said.about == "group":
                at.groups.add(said.key)
            elif said.about == "column" and said.key == WILDCARD:
                at.other_columns = said.what
            elif said.about == "column":
                at.columns[said.key] = said.what or "load"
            elif said.key == WILDCARD:
                at.other_relations = said.what
                if self.root is None and not said.path:
                    at.everywhere = said.what
            else:
                wish = at.about(said.key)
                if said.what is not None:
                    if wish.strategy not in (None, said.what):
                        raise InvalidRequestError(
                            f"Loader strategy replacement {_name(said.what)}({said.key}) is in conflict with existing strategy "
                            f"{_name(str(wish.strategy))}({said.key}): say one of them only."
                        )
                    wish.strategy, wish.settings = said.what, dict(said.settings)
                wish.entity = said.entity if said.entity is not None else wish.entity
                wish.criteria = said.criteria or wish.criteria

    def __repr__(self) -> str:
        of = "" if self.root is None else getattr(self.root, "__name__", "")
        said = ", ".join(".".join([*(s.key for s in d.path), f"{d.key}: {d.what or 'default'}"]) for d in self.said)
        return f"<Load {of} {said}>"


def _name(strategy: str) -> str:
    """The option of a strategy."""
    return _OPTIONS.get(strategy, f"{strategy}load")


_OPTIONS = {"select": "lazyload", "contains": "contains_eager", "raise_on_sql": "raiseload"}


def _class_of(entity: Any) -> Any:
    view = entity.__mapper__
    return view.class_


def _relationship_of(attr: Any, what: Any) -> Any:
    """The relationship of an attribute.

    :raises ArgumentError: it is none.
    """
    if isinstance(attr, str):
        raise ArgumentError(
            f"Strings are not accepted for attribute names in loader options; please use class-bound attributes directly. "
            f"Got {attr!r}."
        )
    mapper = getattr(attr, "mapper", None)
    if mapper is not None and not mapper.configured:
        mapper.configure()
    declared = getattr(attr, "relationship", None)
    if declared is None:
        raise ArgumentError(
            f"{attr} is no relationship: {what or 'defaultload'} takes an attribute such as User.addresses. For columns there "
            "are defer(), undefer() and load_only()."
        )
    declared.parent.configure()
    return declared


def _no_column(attr: Any) -> ArgumentError:
    if isinstance(attr, str):
        return ArgumentError(
            "Strings are not accepted for attribute names in loader options; please use class-bound attributes directly. "
            f"Got {attr!r}."
        )
    return ArgumentError(
        f'Can\'t apply "deferred column loader" strategy to {attr!r}: it is no column attribute. For relationships there are '
        "lazyload(), raiseload() and noload()."
    )
