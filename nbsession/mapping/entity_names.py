"""Several mappings of one class, told apart by a name (2007's ``entity_name``): one class, two tables.

Each has identities of its own: the name is the third element of the identity key. The first mapping, or the one without a
name, is the class's own; the others are asked for by name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbsession.exc import InvalidRequestError
from nbsession.states import ObjectState
from nbsession.tracking.instance_state import state_of

if TYPE_CHECKING:
    from nbsession.mapping.mapper import Mapper

MAPPERS_KEY = "__mappers__"
"""the attribute under which a class with named mappings carries them: entity name to mapper"""


class NamedEntity:
    """A class under one of its mappings, as statements take it: ``select(entity)``. Its attributes are those mapped there."""

    def __init__(self, mapper: Mapper) -> None:
        self.__mapper__ = mapper
        self.__name__ = mapper.class_.__name__

    def __getattr__(self, key: str) -> Any:
        mapper = self.__dict__.get("__mapper__")
        if mapper is None or key.startswith("__"):
            raise AttributeError(key)
        mapper.configure()
        if key not in mapper.attributes:
            raise AttributeError(f"{mapper} maps no attribute {key!r}")
        return mapper.attributes[key]

    def __repr__(self) -> str:
        return f"<{self.__name__} as entity {self.__mapper__.entity_name!r}>"


def mapper_named(cls: type, entity_name: str | None) -> Mapper:
    """The mapper of a class under a name, configured.

    :raises InvalidRequestError: there is none.
    """
    primary = vars(cls).get("__mapper__")
    named = vars(cls).get(MAPPERS_KEY) or ({} if primary is None else {primary.entity_name: primary})
    if entity_name not in named:
        known = ", ".join(map(repr, named)) or "none"
        raise InvalidRequestError(
            f"Class '{cls.__name__}' entity name '{entity_name}' has no mapper associated with it. It is mapped under: {known}."
        )
    mapper: Mapper = named[entity_name]
    mapper.configure()
    return mapper


def entity_of(cls: Any, entity_name: str | None) -> Any:
    """What a statement selects for a class under a name: the class itself, unless it has a name.

    :raises InvalidRequestError: it is not mapped under that name.
    """
    return cls if entity_name is None else mapper_named(cls, entity_name).entity


def name_entity(obj: Any, entity_name: str | None) -> None:
    """Says of a new object under which of its class's mappings it is saved.

    :raises InvalidRequestError: its class is not mapped under that name, or the object is of another mapping already.
    """
    state = state_of(obj)
    mapper = mapper_named(type(obj), entity_name)
    if state.mapper is mapper:
        return
    if state.status is not ObjectState.TRANSIENT:
        raise InvalidRequestError(
            f"This {type(obj).__name__} object is mapped as entity {state.mapper.entity_name!r} and cannot become "
            f"{entity_name!r}: it is {state.status.value}."
        )
    mapper.give_state(obj, mapper.transient)
