"""What a relationship is: its target, the columns that join, who holds the foreign key, its cascades.

Knows mappers and columns; knows no object and no SQL text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import TYPE_CHECKING, Any

from nbsession.exc import ArgumentError, InvalidRequestError, NoForeignKeysError
from nbsession.mapping.cascade import DEFAULT, Cascade
from nbsession.sql.expression import and_

if TYPE_CHECKING:
    from nbsession.mapping.mapper import Mapper
    from nbsession.mapping.relationship_attributes import RelationshipAttribute


class Direction(Enum):
    """Who holds the foreign key."""

    ONETOMANY = "one-to-many"
    """the related row does"""
    MANYTOONE = "many-to-one"
    """this object's row does"""


class Relationship:
    """A relationship of a mapped class. Made by :func:`relationship`, resolved when its mapper is configured.

    :ivar key: the attribute's name.
    :ivar parent: the mapper of the class it is on.
    :ivar mapper: the mapper of the related class.
    :ivar direction: who holds the foreign key.
    :ivar pairs: (key here, key there) of the columns that join.
    :ivar reverse: the attribute on the other side, if there is one.
    """

    key: str
    parent: Mapper
    mapper: Mapper
    direction: Direction
    pairs: tuple[tuple[str, str], ...]

    def __init__(
        self,
        argument: Any,
        *,
        uselist: bool | None,
        back_populates: str | None,
        backref: str | tuple[str, dict[str, Any]] | None,
        cascade: Cascade,
        order_by: Any,
        foreign_keys: Any,
        remote_side: Any,
        passive_deletes: bool | str,
        collection_class: Any,
        viewonly: bool,
        single_parent: bool,
    ) -> None:
        self.argument = argument
        self.uselist: Any = uselist
        self.back_populates = back_populates
        self.backref = backref
        writing = {"save_update": False, "delete": False, "delete_orphan": False}
        self.cascade = cascade._replace(**writing) if viewonly else cascade
        self.order_by = order_by
        self.foreign_keys = foreign_keys
        self.remote_side = remote_side
        self.passive_deletes = passive_deletes
        self.collection_class = collection_class
        self.viewonly = viewonly
        self.single_parent = single_parent
        self.reverse: RelationshipAttribute | None = None
        self.to_one_by_key = False

    # ------------------------------------------------------------------------------------------ resolving

    def resolve(self, find_class: Callable[[str], type]) -> None:
        """Finds target, direction and joining columns.

        :param find_class: gives the mapped class of a name.
        :raises NoForeignKeysError: no foreign key joins the two tables.
        :raises ArgumentError: several do, or the options contradict each other.
        """
        target = self.argument
        if isinstance(target, str):
            target = find_class(target)
        elif not isinstance(target, type) and callable(target):
            target = target()
        mapper = getattr(target, "__mapper__", None)
        if mapper is None:
            raise ArgumentError(f"Relationship '{self}' leads to {target!r}, which is not mapped.")
        self.mapper = mapper
        self._find_join()
        if self.uselist is None:
            self.uselist = self.direction is Direction.ONETOMANY
        if self.uselist and self.direction is Direction.MANYTOONE:
            raise ArgumentError(
                f"Relationship '{self}' is a collection, yet the foreign key lies in '{self.parent.local_table.name}': "
                "it leads to one object. Annotate it without the list, or set remote_side."
            )
        if self.cascade.delete_orphan and self.direction is Direction.MANYTOONE and not self.single_parent:
            raise ArgumentError(
                f"For many-to-one relationship {self}, delete-orphan cascade is normally configured only on the 'one' side. "
                "Set single_parent=True if each related object has one parent only."
            )
        if self.passive_deletes == "all" and (self.cascade.delete or self.cascade.delete_orphan):
            raise ArgumentError(
                f"On {self}, can't set passive_deletes='all' in conjunction with 'delete' or 'delete-orphan' cascade"
            )
        here = [remote for _, remote in self.pairs]
        self.to_one_by_key = self.direction is Direction.MANYTOONE and sorted(here) == sorted(mapper.pk_keys)

    def _find_join(self) -> None:
        parent, target = self.parent, self.mapper
        out = [fk for fk in parent.local_table.foreign_keys if fk.column.table is target.local_table]
        into = [fk for fk in target.local_table.foreign_keys if fk.column.table is parent.local_table]
        if self.foreign_keys is not None:
            wanted = {id(c) for c in _columns(self.foreign_keys)}
            out = [fk for fk in out if id(fk.parent) in wanted]
            into = [fk for fk in into if id(fk.parent) in wanted]
        if parent.local_table is target.local_table:
            out, into = self._self_referential(out)
        if out and into:
            out, into = ([], into) if self.uselist else (out, [])
        found = out or into
        if not found:
            raise NoForeignKeysError(
                f"Could not determine join condition between parent/child tables on relationship {self}: no foreign key "
                f"joins '{parent.local_table.name}' and '{target.local_table.name}'. Declare one with ForeignKey(...)."
            )
        if len({fk.constraint if fk.constraint is not None else fk for fk in found}) > 1:
            raise ArgumentError(
                f"Could not determine join condition between parent/child tables on relationship {self}: several foreign "
                "keys join them. Say which with foreign_keys=[...]."
            )
        if out:
            self.direction = Direction.MANYTOONE
            self.pairs = tuple((parent.key_of(fk.parent), target.key_of(fk.column)) for fk in out)
        else:
            self.direction = Direction.ONETOMANY
            self.pairs = tuple((parent.key_of(fk.column), target.key_of(fk.parent)) for fk in into)

    def _self_referential(self, keys: list[Any]) -> tuple[list[Any], list[Any]]:
        """On one table both directions have the same foreign key: remote_side tells which one is meant."""
        remote = {id(c) for c in _columns(self.remote_side)} if self.remote_side is not None else set()
        to_one = any(id(fk.column) in remote for fk in keys)
        return (keys, []) if to_one else ([], keys)

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
        if other.direction is self.direction:
            raise ArgumentError(
                f"{self} and back-reference {other} are both of the same direction {self.direction.value}. "
                "Did you mean to set remote_side on the many-to-one side?"
            )
        self.reverse = attribute
        if other.reverse is None:
            other.reverse = self.parent.attributes[self.key]

    # ------------------------------------------------------------------------------------------- answering

    def join_condition(self) -> Any:
        """The SQL condition under which two rows are related."""
        here, there = self.parent.columns, self.mapper.columns
        return and_(*(here[a] == there[b] for a, b in self.pairs))

    def target_ident(self, values: Mapping[str, Any]) -> Any:
        """The primary key of the object a to-one refers to, by the foreign key's value; None if it is not known."""
        found = {remote: values.get(local) for local, remote in self.pairs}
        parts = [found[k] for k in self.mapper.pk_keys]
        if any(p is None for p in parts):
            return None
        return parts[0] if len(parts) == 1 else tuple(parts)

    def ordering(self) -> tuple[Any, ...]:
        """The expressions of order_by."""
        order = self.order_by() if callable(self.order_by) and not hasattr(self.order_by, "asc") else self.order_by
        if order in (None, False) if isinstance(order, (bool, type(None))) else False:
            return ()
        if isinstance(order, str):
            order = getattr(self.mapper.class_, order.rpartition(".")[2])
        return tuple(order) if isinstance(order, (list, tuple)) else (order,)

    def has_parent(self, member: Any, other_than: Any = None) -> bool:
        """Does the member refer to a parent of this relationship?"""
        found = None if self.reverse is None else member.__dict__.get(self.reverse.key)
        return found is not None and found is not other_than

    @property
    def class_(self) -> type:
        """The class it is on."""
        return self.parent.class_

    def __str__(self) -> str:
        return f"{self.parent.class_.__name__}.{self.key}"

    def __repr__(self) -> str:
        return f"<Relationship {self}>"


def _columns(given: Any) -> list[Any]:
    """Columns of an option that takes one, several, attributes, not yet mapped ones, or a function that gives them."""
    if callable(given) and not hasattr(given, "__clause_element__"):
        given = given()
    many = given if isinstance(given, (list, tuple, set)) else [given]
    return [c.__clause_element__() if hasattr(c, "__clause_element__") else c for c in many]


def relationship(
    argument: Any = None,
    *,
    uselist: bool | None = None,
    back_populates: str | None = None,
    backref: str | tuple[str, dict[str, Any]] | None = None,
    cascade: str | bool | None = None,
    order_by: Any = None,
    foreign_keys: Any = None,
    remote_side: Any = None,
    passive_deletes: bool | str = False,
    collection_class: Any = None,
    viewonly: bool = False,
    single_parent: bool = False,
) -> Any:
    """Declares that objects of this class are related to those of another.

    :param argument: the related class, its name, or a function that returns it; may be left to the annotation.
    :param uselist: a collection (True) or one object (False); by default as annotated, else by the foreign key.
    :param back_populates: the attribute on the other side; both are kept in step.
    :param backref: as back_populates, and makes that attribute: a name, or ``backref(name, **options)``.
    :param cascade: what reaches the related objects: ``"save-update, merge"`` by default, ``"all, delete-orphan"``, ...
    :param order_by: a column or several, for the order in which a collection is loaded.
    :param foreign_keys: which columns hold the key, where several could.
    :param remote_side: on a self-referential table, the column on the far side.
    :param passive_deletes: True: on delete, only loaded members are handled; ``"all"``: none.
    :param collection_class: ``list``.
    :param viewonly: never written.
    :param single_parent: promises that a related object has one parent only.
    :raises ArgumentError: an option makes no sense.

    >>> class User(Base): ...
    ...     addresses: Mapped[list["Address"]] = relationship(back_populates="user")
    """
    return Relationship(
        argument,
        uselist=uselist,
        back_populates=back_populates,
        backref=backref,
        cascade=DEFAULT if cascade is None else Cascade.parse(cascade),
        order_by=order_by,
        foreign_keys=foreign_keys,
        remote_side=remote_side,
        passive_deletes=passive_deletes,
        collection_class=collection_class,
        viewonly=viewonly,
        single_parent=single_parent,
    )


relation = relationship


def backref(name: str, **options: Any) -> tuple[str, dict[str, Any]]:
    """The attribute that ``relationship(backref=...)`` makes on the other side, with its options."""
    return name, options
