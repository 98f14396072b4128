"""Mapping in the older style: ``mapper(cls, table)``. Classes mapped to the tables of one MetaData know each other by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nbsession.mapping.mapper import Mapper
from nbsession.mapping.registry import configured_mapper, registries, registry
from nbsession.tracking.instance_state import state_of


def mapper(
    class_: type, local_table: Any = None, *, properties: Mapping[str, Any] | None = None, **arguments: Any
) -> Mapper:
    """Maps a plain class to a table, or to a join of tables (2007).

    :param local_table: a Table or Join; a subclass that lies in its parent's table has none.
    :param properties: relationships by attribute name; columns under another name; ``deferred(column)``; in a join, lists
        of columns that are one attribute.
    :param arguments: ``inherits`` (a class or mapper), and what ``__mapper_args__`` may say.
    :raises ArgumentError: the class is mapped already, or an argument makes no sense.

    >>> mapper(User, users, properties={"addresses": relation(Address, backref="user")})
    """
    parent = arguments.get("inherits")
    table = local_table
    if table is None and parent is not None:
        table = (parent if isinstance(parent, Mapper) else parent.__mapper__).local_table
    owner = _registry_of(table)
    return owner.map_imperatively(class_, local_table, properties=properties, **arguments)


def _registry_of(table: Any) -> registry:
    """The registry of the MetaData that a table is in."""
    first = next(iter(table.parts()))
    found: registry = vars(first.metadata).setdefault("_registry", None) or registry(metadata=first.metadata)
    vars(first.metadata)["_registry"] = found
    return found


def object_mapper(instance: Any) -> Mapper:
    """The mapper of an object.

    :raises UnmappedInstanceError: its class is not mapped.
    """
    return configured_mapper(state_of(instance).mapper)


def clear_mappers() -> None:
    """Unmaps every mapped class, declarative ones too: plain classes are plain again."""
    for one in list(registries):
        one.dispose()
