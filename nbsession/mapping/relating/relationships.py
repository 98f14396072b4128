"""What a relationship is: its target, how rows are joined, its cascades, its other side.

Knows mappers and columns; knows no object. How rows join is found by :mod:`nbsession.mapping.relating.joining`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from nbsession.exc import ArgumentError, InvalidRequestError
from nbsession.mapping.entity_names import mapper_named
from nbsession.mapping.relating.cascade import DEFAULT, Cascade
from nbsession.mapping.relating.join_finding import Wanted, joining_of
from nbsession.mapping.relating.join_marks import swapped
from nbsession.mapping.relating.joining import Direction, Joining, Pairs
from nbsession.mapping.relating.relationship_options import columns_said, expression_said, ordering_said, table_said
from nbsession.tracking.history import members_of
from nbsession.tracking.instance_state import NO_VALUE

if TYPE_CHECKING:
    from nbsession.mapping.mapper import Mapper
    from nbsession.mapping.relating.relationship_attributes import RelationshipAttribute

__all__ = ["Direction", "Relationship", "backref", "relation", "relationship"]


class Relationship:
    """A relationship of a mapped class. Made by :func:`relationship`, resolved when its mapper is configured.

    :ivar key: the attribute's name.
    :ivar parent: the mapper of the class it is on.
    :ivar mapper: the mapper of the related class.
    :ivar joining: how the rows find each other.
    :ivar direction: who holds the foreign key.
    :ivar pairs: (key here, key there) of the columns that join; empty for many-to-many.
    :ivar secondary: the association table, or None.
    :ivar secondary_pairs: (key here, column of the association table).
    :ivar target_pairs: (key there, column of the association table).
    :ivar reverse: the attribute on the other side, if there is one that is kept in step.
    :ivar is_backref: was it made by the other side's ``backref``?
    """

    is_backref = False
    key: str
    parent: Mapper
    mapper: Mapper
    joining: Joining

    def __init__(self, argument: Any, options: Mapping[str, Any]) -> None:
        self.argument = argument
        self._options = options
        self.uselist: Any = options["uselist"]
        self.secondary: Any = options["secondary"]
        self.primaryjoin = options["primaryjoin"]
        self.secondaryjoin = options["secondaryjoin"]
        self.back_populates: str | None = options["back_populates"]
        self.backref: str | tuple[str, dict[str, Any]] | None = options["backref"]
        self.viewonly: bool = options["viewonly"]
        self.sync_backref: bool | None = options["sync_backref"]
        if self.viewonly and self.sync_backref:
            raise ArgumentError(
                "sync_backref and viewonly cannot both be True: what is only looked at is not kept in step."
            )
        given = options["cascade"]
        cascade = DEFAULT if given is None else Cascade.parse(given)
        writing = {"save_update": False, "delete": False, "delete_orphan": False}
        self.cascade = cascade._replace(**writing) if self.viewonly else cascade
        self.order_by = options["order_by"]
        self.entity_name: str | None = options["entity_name"]
        self.foreign_keys = options["foreign_keys"]
        self.remote_side = options["remote_side"]
        self.passive_deletes: bool | str = options["passive_deletes"]
        self.passive_updates: bool = options["passive_updates"]
        self.post_update: bool = options["post_update"]
        self.lazy: str | bool | None = options["lazy"]
        self.innerjoin: bool | str = options["innerjoin"]
        self.join_depth: int | None = options["join_depth"]
        self.enable_typechecks: bool = options["enable_typechecks"]
        self.cascade_backrefs: bool = options["cascade_backrefs"]
        self.collection_class = options["collection_class"]
        self.single_parent: bool = options["single_parent"]
        self.doc: str | None = options["doc"]
        self.info: dict[Any, Any] = options["info"] or {}
        self.reverse: RelationshipAttribute | None = None
        self.to_one_by_key = False
        self._said: tuple[Any, Any] | None = None

    # ------------------------------------------------------------------------------------------ resolving

    def resolve(self, find_class: Callable[[str], type]) -> None:
        """Finds target, direction and joining columns.

        :param find_class: gives the mapped class of a name.
        :raises NoForeignKeysError: no foreign key joins the two tables.
        :raises ArgumentError: several do, or the options contradict each other.
        """
        self._said = (self.uselist, self.collection_class)
        target = self.argument
        if isinstance(target, str):
            target = find_class(target)
        elif not isinstance(target, type) and callable(target):
            target = target()
        mapper = getattr(target, "__mapper__", None)
        if mapper is None:
            raise ArgumentError(f"Relationship '{self}' leads to {target!r}, which is not mapped.")
        self.mapper = mapper if self.entity_name is None else mapper_named(target, self.entity_name)
        self._find_join()
        if self.uselist is None:
            self.uselist = self.direction is not Direction.MANYTOONE
        self._check_options()
        there = [remote for _, remote in self.pairs]
        by_key = self.direction is Direction.MANYTOONE and sorted(there) == sorted(mapper.pk_keys)
        self.to_one_by_key = by_key and self.joining.simple

    def _find_join(self) -> None:
        self.secondary = table_said(self, self.secondary)
        if self.secondary is None and self.secondaryjoin is not None:
            raise ArgumentError(
                f"Property '{self}' specified with secondary join condition but no secondary argument: give the "
                "association table as secondary=."
            )
        wanted = Wanted(
            str(self),
            foreign_keys=None if self.foreign_keys is None else columns_said(self, self.foreign_keys),
            remote_side=None if self.remote_side is None else columns_said(self, self.remote_side),
            uselist=self.uselist,
            viewonly=self.viewonly,
        )
        primary, onward = expression_said(self, self.primaryjoin), expression_said(self, self.secondaryjoin)
        self.joining = joining_of(self.parent, self.mapper, self.secondary, primary, onward, wanted)

    def _check_options(self) -> None:
        if self.uselist and self.direction is Direction.MANYTOONE:
            raise ArgumentError(
                f"Relationship '{self}' is a collection, yet the foreign key lies in '{self.parent.local_table.name}': "
                "it leads to one object. Annotate it without the list, or set remote_side."
            )
        if self.cascade.delete_orphan and self.direction is not Direction.ONETOMANY and not self.single_parent:
            raise ArgumentError(
                f"For {self.direction.value} relationship {self}, delete-orphan cascade is normally configured only on the "
                "'one' side of a one-to-many relationship, and not on the 'many' side of a many-to-one or many-to-many "
                "relationship.  Set single_parent=True if each related object has one parent only."
            )
        if self.passive_deletes == "all" and (self.cascade.delete or self.cascade.delete_orphan):
            raise ArgumentError(
                f"On {self}, can't set passive_deletes='all' in conjunction with 'delete' or 'delete-orphan' cascade"
            )

    def pair_up(self) -> None:
        """Finds the attribute on the other side.

        :raises InvalidRequestError: back_populates names no relationship there.
        """
        if self.back_populates is None:
            return
        attribute = self.mapper.attributes.get(self.back_populates)
        other = getattr(attribute, "relationship", None)
        if other is None:
            raise InvalidRequestError(
                f"Mapper '{self.mapper.class_.__name__}' has no relationship '{self.back_populates}', which "
                f"{self} names as its back_populates."
            )
        if other.direction is self.direction and self.direction is not Direction.MANYTOMANY:
            raise ArgumentError(
                f"{self} and back-reference {other} are both of the same direction {self.direction.value}. "
                "Did you mean to set remote_side on the many-to-one side?"
            )
        if (self.viewonly and other.sync_backref) or (other.viewonly and self.sync_backref):
            raise InvalidRequestError(
                f"Relationship {self if self.sync_backref else other} cannot specify sync_backref=True since "
                f"{other if self.sync_backref else self} includes viewonly=True."
            )
        if self.viewonly or other.viewonly or False in (self.sync_backref, other.sync_backref):
            return  # what is only looked at is not kept in step
        self.reverse = attribute
        if other.reverse is None:
            other.reverse = self.parent.attributes[self.key]

    def make_backref(self) -> bool:
        """Makes the attribute that ``backref`` asks for on the other side. False: it asks for none, or it is there."""
        if self.backref is None or self.back_populates is not None:
            return False
        name, options = self.backref if isinstance(self.backref, tuple) else (self.backref, {})
        self.back_populates = name
        inherited: dict[str, Any] = {}
        if self.secondary is not None:
            inherited["secondary"] = self.secondary
            inherited["primaryjoin"] = self.joining.onward
            inherited["secondaryjoin"] = self.joining.condition
        elif not ("remote_side" in options or "foreign_keys" in options):
            near, far = self.parent.columns, self.mapper.columns
            inherited["primaryjoin"] = swapped(self.joining.condition)
            to_one = self.direction is Direction.MANYTOONE
            inherited["foreign_keys"] = [near[a] if to_one else far[b] for a, b in self.pairs]
        elif self.foreign_keys is not None:
            inherited["foreign_keys"] = self.foreign_keys
        options = {**inherited, "viewonly": self.viewonly, "post_update": self.post_update, **options}
        made = relationship(self.parent.class_, back_populates=self.key, **options)
        made.is_backref = True
        self.mapper.add_relationship(name, made)
        return True

    # --------------------------------------------------------------------------------------- declaring again

    def said(self) -> tuple[str | None, Any, Any, Mapping[str, Any]]:
        """How it was declared: the target's name, a collection or not, which, and the options."""
        argument = self.argument
        name = argument if isinstance(argument, str) else getattr(argument, "__name__", None)
        return name, *(self._said or (self.uselist, self.collection_class)), self._options

    def afresh(self) -> Relationship:
        """The same, not resolved yet. A class that is used no longer is meant by its name."""
        argument = self.argument
        retired = getattr(getattr(argument, "__mapper__", None), "retired", "")
        twin = Relationship(argument.__name__ if retired else argument, self._options)
        twin.uselist, twin.collection_class = self._said or (self.uselist, self.collection_class)
        return twin

    # ------------------------------------------------------------------------------------------- answering

    @property
    def direction(self) -> Direction:
        """Who holds the foreign key."""
        return self.joining.direction

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """(key here, key there) of the columns that join; empty for many-to-many."""
        return self.joining.pairs

    @property
    def secondary_pairs(self) -> Pairs:
        """(key here, column of the association table)."""
        return self.joining.secondary_pairs

    @property
    def target_pairs(self) -> Pairs:
        """(key there, column of the association table)."""
        return self.joining.target_pairs

    def join_steps(self, here: Any = None, there: Any = None, secondary: Any = None) -> list[tuple[Any, Any]]:
        """What is joined to get from this class to the related one, each with its condition.

        :param here: an alias to be joined from; by default the class.
        :param there: an alias to be joined to; by default the related class.
        :param secondary: an alias for the association table; by default the table.
        :return: ``[(entity, onclause)]``, or for many-to-many ``[(table, onclause), (entity, onclause)]``.
        """
        return self.joining.steps(here, there, secondary)

    def join_condition(self, here: Any = None, there: Any = None) -> Any:
        """The SQL condition under which two rows are related; for many-to-many, with the association table between.

        :param here: an alias on our side; by default the class.
        :param there: an alias on the other side; by default the related class.
        """
        first, *others = [condition for _, condition in self.join_steps(here, there)]
        for other in others:
            first = first & other
        return first

    def target_ident(self, values: Mapping[str, Any]) -> Any:
        """The primary key of the object a to-one refers to, by the foreign key's value; None if it is not known."""
        found = {remote: values.get(local) for local, remote in self.pairs}
        parts = [found[k] for k in self.mapper.pk_keys]
        if any(p is None for p in parts):
            return None
        return parts[0] if len(parts) == 1 else tuple(parts)

    def ordering(self) -> tuple[Any, ...]:
        """The expressions of order_by."""
        return ordering_said(self)

    def members(self, held: Any) -> list[Any]:
        """The related objects in what an object holds under this relationship: a collection, one object, or None.

        >>> for child in declared.members(parent.__dict__.get(declared.key)): ...
        """
        if self.uselist:
            return members_of(held)
        return [] if held is None or held is NO_VALUE else [held]

    def has_parent(self, member: Any, other_than: Any = None) -> bool:
        """Does the member refer to a parent of this relationship?"""
        found = None if self.reverse is None else member.__dict__.get(self.reverse.key)
        if self.reverse is not None and self.reverse.relationship.uselist:
            return found is not None and any(one is not other_than for one in members_of(found))
        return found is not None and found is not other_than

    @property
    def class_(self) -> type:
        """The class it is on."""
        return self.parent.class_

    def __str__(self) -> str:
        return f"{self.parent.class_.__name__}.{self.key}"

    def __repr__(self) -> str:
        return f"<Relationship {self}>"


def relationship(
    argument: Any = None,
    secondary: Any = None,
    *,
    uselist: bool | None = None,
    collection_class: Any = None,
    primaryjoin: Any = None,
    secondaryjoin: Any = None,
    back_populates: str | None = None,
    order_by: Any = None,
    backref: str | tuple[str, dict[str, Any]] | None = None,
    cascade: str | bool | None = None,
    viewonly: bool = False,
    lazy: str | bool | None = "select",
    innerjoin: bool | str = False,
    join_depth: int | None = None,
    passive_deletes: bool | str = False,
    passive_updates: bool = True,
    enable_typechecks: bool = True,
    foreign_keys: Any = None,
    remote_side: Any = None,
    single_parent: bool = False,
    post_update: bool = False,
    cascade_backrefs: bool = False,
    entity_name: str | None = None,
    sync_backref: bool | None = None,
    overlaps: str | None = None,
    doc: str | None = None,
    info: dict[Any, Any] | None = None,
    **others: Any,
) -> Any:
    """Declares that objects of this class are related to those of another.

    :param argument: the related class, its name, or a function that returns it; may be left to the annotation.
    :param secondary: for many-to-many, the association table, its name, or a function that returns it.
    :param uselist: a collection (True) or one object (False); by default as annotated, else by the foreign key.
    :param collection_class: the class of a collection, or what makes one: ``list`` by default, ``set``, a dictionary's.
    :param primaryjoin: the condition between the rows, where no foreign key tells it, or a function that gives it. Columns
        may be marked with ``foreign()`` and ``remote()``. For many-to-many, between this row and the association row.
    :param secondaryjoin: for many-to-many, the condition between the association row and the related row.
    :param back_populates: the attribute on the other side; both are kept in step.
    :param order_by: a column or several, for the order in which a collection is loaded.
    :param backref: as back_populates, and makes that attribute: a name, or ``backref(name, **options)``.
    :param cascade: what reaches the related objects: ``"save-update, merge"`` by default, ``"all, delete-orphan"``, ...
    :param viewonly: never written.
    :param lazy: when it is loaded: ``"select"`` (or True) at the first touch; with the object, ``"joined"`` (or False) by the
        same SELECT, ``"selectin"`` (or ``"subquery"``) by one more for all objects, ``"immediate"`` by one for each;
        ``"raise"`` never, touching it is an error; ``"raise_on_sql"`` an error if it would need a SELECT; ``"noload"``
        (or None) never, it is empty.
    :param innerjoin: with ``lazy="joined"``: every object has one, an inner join will do.
    :param join_depth: how often a relationship that leads back to its class is followed by ``"joined"`` or ``"selectin"``.
    :param passive_deletes: True: on delete, only loaded members are handled; ``"all"``: none.
    :param passive_updates: does the database change foreign keys along with the key they refer to?
    :param enable_typechecks: are related objects checked for their class when flushed?
    :param foreign_keys: which columns hold the key, where several could.
    :param remote_side: on a self-referential table, the column on the far side.
    :param single_parent: promises that a related object has one parent only.
    :param post_update: writes the foreign key by an UPDATE of its own, for rows that need each other's keys.
    :param cascade_backrefs: does an object that is given a parent through this side's back reference enter its session?
    :param sync_backref: False: the other side does not change in memory when this one does.
    :param entity_name: of a related class with several mappings, the name of the one that is meant (2007).
    :param overlaps: silences a warning of SQLAlchemy's about relationships that write the same column. There is no such
        warning here; programs that say it run unchanged.
    :param doc: for people who read the program; ``info`` for the program itself.
    :param others: what SQLAlchemy has beside these is refused by name.
    :raises ArgumentError: an option makes no sense, or is not known here.

    >>> class User(Base): ...
    ...     addresses: Mapped[list["Address"]] = relationship(back_populates="user")
    """
    if others:
        raise ArgumentError(
            f"relationship() got {', '.join(map(repr, others))}, which nbsession does not have: leave it out."
        )
    options = dict(locals())
    del options["argument"], options["others"]
    return Relationship(argument, options)


relation = relationship


def backref(name: str, **options: Any) -> tuple[str, dict[str, Any]]:
    """The attribute that ``relationship(backref=...)`` makes on the other side, with its options."""
    return name, options
