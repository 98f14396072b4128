"""Declarative mapping: a class body that says both class and table.

Knows annotations, columns and relationships of a class body; makes a Table and hands both to the registry.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

from nbsession.events import safe_repr
from nbsession.exc import ArgumentError, InvalidRequestError
from nbsession.mapping.constructors import give_constructor, keyword_constructor, watch_constructions
from nbsession.mapping.declaring.annotations import Mapped, MappedType, annotations_of, in_source_order, read_annotation
from nbsession.mapping.declaring.differences import Said
from nbsession.mapping.declaring.mapped_columns import UNSET, MappedColumn, mapped_column
from nbsession.mapping.declaring.mapper_arguments import MapperArguments
from nbsession.mapping.declaring.properties import Deferred, Properties
from nbsession.mapping.declaring.redefining import redefinitions
from nbsession.mapping.instrumentation import instrumented_delattr, instrumented_setattr, restore_state, saved_state
from nbsession.mapping.mapper import Mapper
from nbsession.mapping.registry import registry
from nbsession.mapping.relating.relationships import Relationship
from nbsession.sql.schema import Column, MetaData, Table
from nbsession.states import ObjectState
from nbsession.tracking.instance_state import state_of

__all__ = ["DeclarativeBase", "Mapped", "MappedColumn", "mapped_column"]


class _DeclarativeType(type):
    """The class of declarative classes: a relationship assigned after the class body counts as if it stood in it.

    A class statement that is run again may give the class that is there: see :mod:`nbsession.mapping.declaring.redefining`.
    """

    def __new__(mcls, name: str, bases: tuple[type, ...], body: dict[str, Any], **options: Any) -> Any:
        make = partial(type.__new__, mcls, name, bases, body, **options)
        return redefinitions.define(make, bases, body)

    def __setattr__(cls, name: str, value: Any) -> None:
        mapper = vars(cls).get("__mapper__")
        if mapper is None or not isinstance(value, (Relationship, MappedColumn, Column)):
            super().__setattr__(name, value)
            return
        if not isinstance(value, Relationship):
            raise ArgumentError(
                f"Column '{name}' cannot be added to '{cls.__name__}' after its table was made: put it into the class body."
            )
        mapper.registry.add_later(mapper, name, value)


class DeclarativeBase(metaclass=_DeclarativeType):
    """Subclass it once for a base class with its own metadata and registry; subclass that for mapped classes.

    >>> class Base(DeclarativeBase): pass
    >>> class User(Base):
    ...     __tablename__ = "users"
    ...     id: Mapped[int] = mapped_column(primary_key=True)
    ...     name: Mapped[str | None]
    """

    __slots__ = ("__weakref__", "_nbs_ident", "_nbs_options", "_nbs_state", "_nbs_unset")

    metadata: MetaData
    registry: registry

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if redefinitions.drafting:
            return
        if DeclarativeBase in cls.__bases__:
            own = vars(cls).get("registry")
            if own is None:
                own = registry(metadata=vars(cls).get("metadata"))
            cls.registry, cls.metadata = own, own.metadata
            redefinitions.note(cls)
        elif vars(cls).get("__abstract__"):
            redefinitions.note(cls)
        else:
            map_declared(cls)

    __init__ = keyword_constructor
    __setattr__ = instrumented_setattr
    __delattr__ = instrumented_delattr

    def __repr__(self) -> str:
        """Columns as they are now; never loads."""
        mapper = getattr(type(self), "__mapper__", None)
        if mapper is None:
            return object.__repr__(self)
        state, values = state_of(self), self.__dict__
        known = state.status in (ObjectState.TRANSIENT, ObjectState.PENDING)
        shown = [
            f"{k}={safe_repr(values[k])}" if k in values else f"{k}=<not loaded>"
            for k in mapper.column_keys
            if k in values or not known
        ]
        return f"{type(self).__name__}({', '.join(shown)})"

    __getstate__ = saved_state
    __setstate__ = restore_state


class Declared(NamedTuple):
    """A declarative class that was read and not yet mapped.

    :ivar said: what it says.
    """

    cls: type[DeclarativeBase]
    said: Said
    body: ClassBody
    table: Table


def read_declared(cls: type[DeclarativeBase]) -> Declared:
    """Reads the body of a declarative class and those of its mixins, and makes the table.

    :raises InvalidRequestError: it says no table.
    :raises ArgumentError: an attribute or an argument cannot be understood.
    """
    said, body, bodies = read_said(cls)
    table = said.given_table
    if table is None:
        table = _make_table(cls, bodies, body, said.parent)
    return Declared(cls, said, body, table)


def read_said(cls: type[DeclarativeBase]) -> tuple[Said, ClassBody, list[type]]:
    """Reads the body of a declarative class and those of its mixins; makes no table.

    :return: what it says, its attributes, and the classes whose bodies they come from.
    """
    parent = next((vars(a)["__mapper__"] for a in cls.__mro__[1:] if "__mapper__" in vars(a)), None)
    bodies = [a for a in cls.__mro__ if a not in (object, DeclarativeBase)]
    if parent is not None:
        bodies = [a for a in bodies if a not in parent.class_.__mro__]
    arguments = MapperArguments.of(_column_of(_said(bodies, "__mapper_args__") or {}), cls)
    body = _read_body(cls, bodies)
    given = _said(bodies, "__table__")
    if given is not None:
        named = dict(body.columns)
        renamed = set(map(id, named.values()))
        body.columns.clear()
        body.columns.update({**{c.key: c for c in given.columns if id(c) not in renamed}, **named})
    name, rules = _said(bodies, "__tablename__"), _said(bodies, "__table_args__")
    late = body.properties
    said = Said(
        parent,
        arguments,
        body.columns,
        late.relationships,
        late.deferred,
        late.raising,
        body.shared,
        name,
        given,
        rules,
    )
    return said, body, bodies


def map_declared(cls: type[DeclarativeBase], declared: Declared | None = None) -> Mapper:
    """Maps a declarative class.

    :param declared: what was read of it; None: it is read now.
    """
    read = declared or read_declared(cls)
    mapper = cls.registry.add(cls, read.table, read.body.properties, read.said.parent, read.said.arguments)
    mapper.said = read.said
    give_constructor(cls, mapper, DeclarativeBase)
    watch_constructions(cls, mapper)
    return mapper


def _said(bodies: list[type], name: str) -> Any:
    """What the class or one of its mixins says; what a mapped parent says is the parent's."""
    return next((vars(body)[name] for body in bodies if name in vars(body)), None)


def _make_table(cls: type[DeclarativeBase], bodies: list[type], body: ClassBody, parent: Mapper | None) -> Table:
    """The table of a class; one without a name for it adds its columns to its parent's table."""
    name = _said(bodies, "__tablename__")
    if name is not None:
        positional, options = _table_args(_said(bodies, "__table_args__") or ())
        return Table(name, cls.metadata, *body.columns.values(), *positional, **options)
    if parent is None:
        raise InvalidRequestError(
            f"Class {cls.__name__} does not have a __table__ or __tablename__ specified and does not inherit from an "
            "existing table-mapped class."
        )
    table: Table = parent.local_table
    for key, column in body.columns.items():
        if column.primary_key:
            raise ArgumentError(
                f"Can't place primary key columns on an inherited class with no table: '{cls.__name__}.{key}'. Give the "
                "class a __tablename__."
            )
        present = table.c.get(column.key)
        if present is None:
            table.append_column(column)
        elif key in parent.columns:
            raise ArgumentError(
                f"Column '{column.name}' on class {cls.__name__} conflicts with existing column '{present}'. It is "
                f"inherited from {parent.class_.__name__}: leave it out."
            )
        elif key in body.shared:
            body.columns[key] = present
        else:
            raise ArgumentError(
                f"Column '{column.name}' on class {cls.__name__} conflicts with existing column '{present}'. If both mean "
                "the same column, say mapped_column(use_existing_column=True); else give it another name."
            )
    return table


def _column_of(arguments: Any) -> dict[str, Any]:
    """Mapper arguments with columns for what ``mapped_column()`` returned."""
    return {k: v.column if isinstance(v, MappedColumn) else v for k, v in arguments.items()}


def _table_args(given: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    if isinstance(given, dict):
        return (), given
    if given and isinstance(given[-1], dict):
        return tuple(given[:-1]), given[-1]
    return tuple(given), {}


class ClassBody(NamedTuple):
    """What a class body and those of its mixins declare, in the order it is written.

    :ivar properties: columns and relationships by attribute.
    :ivar shared: attributes whose column may be in the table already.
    """

    properties: Properties
    shared: set[str]

    @property
    def columns(self) -> dict[str, Column]:
        """Attribute to column."""
        return self.properties.columns


def _read_body(cls: type[DeclarativeBase], bodies: list[type]) -> ClassBody:
    """Reads a class body and those of its mixins."""
    found = ClassBody(Properties.empty(), set())
    order: dict[str, int] = {}
    columns, relationships, deferred = found.columns, found.properties.relationships, found.properties.deferred
    for ancestor in reversed(bodies):
        copied = ancestor is not cls
        body = vars(ancestor)
        annotations = annotations_of(ancestor)
        for key in in_source_order(list(body), list(annotations)):
            value = body.get(key, UNSET)
            says = read_annotation(annotations[key], ancestor, key) if key in annotations else None
            if (value is UNSET and says is None) or key.startswith("__"):
                continue
            if isinstance(value, Deferred):
                deferred[key] = value.group
                if value.raises:
                    found.properties.raising.add(key)
                value = value.column
            if isinstance(value, Relationship):
                _aim(value, says, cls)
                relationships[key] = value
            elif isinstance(value, MappedColumn):
                declared = value.copied() if copied else value
                columns[key] = declared.finish(key, says, cls)
                if value.shares:
                    found.shared.add(key)
                if value.deferred is not False:
                    deferred[key] = value.deferred
                if value.raises:
                    found.properties.raising.add(key)
                if value.sort_order:
                    order[key] = value.sort_order
            elif isinstance(value, Column):
                value.name = value.name or key
                columns[key] = value
            elif says is not None and value is UNSET:
                columns[key] = MappedColumn((), {}, UNSET).finish(key, says, cls)
    if order:
        ordered = sorted(columns, key=lambda key: order.get(key, 0))
        found.properties.columns.update({key: columns.pop(key) for key in ordered})
    return found


def _aim(declared: Relationship, says: MappedType | None, cls: type[DeclarativeBase]) -> None:
    """Takes target and form of a relationship from its annotation.

    A name in an annotation may still mean the class of an earlier run of the cell: the registry's own is meant.
    """
    if says is None:
        return
    target, collection = (says.inner, says.collection) if says.member is None else (says.member, says.inner)
    if declared.argument is None:
        mapper = getattr(target, "__mapper__", None)
        foreign = mapper is not None and mapper.registry is not cls.registry
        declared.argument = target.__name__ if foreign else target
    if declared.uselist is None and declared.argument is not None:
        declared.uselist = collection is not None
    if collection is not None and declared.collection_class is None:
        if getattr(collection, "__abstractmethods__", None):
            raise ArgumentError(
                f"Collection annotation type {collection} on '{cls.__name__}' cannot be instantiated; "
                "please provide an explicit 'collection_class' parameter (e.g. list, set, etc.) to the relationship() function "
                "to accompany this annotation"
            )
        declared.collection_class = collection
