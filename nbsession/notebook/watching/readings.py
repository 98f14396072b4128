"""What ``sqlalchemy.inspect()`` tells of one object, in the form that cards are made from. Never loads."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import inspect
from sqlalchemy.orm import InstanceState, Mapper
from sqlalchemy.orm.base import NO_VALUE as UNLOADED

from nbsession.events import Subject, tokens
from nbsession.notebook.reporting.readings import NO_VALUE, Changes, Reading, others

STATES = ("transient", "pending", "persistent", "deleted", "detached")


class SQLAlchemyReading:
    """An object of SQLAlchemy's, as ``inspect(obj)`` describes it."""

    held_weakly = True

    def __init__(self, state: InstanceState[Any]) -> None:
        mapper: Mapper[Any] = state.mapper
        self._state = state
        self.state = state_word(state)
        self.identity: tuple[Any, ...] | None = state.identity
        self.columns: Iterable[str] = [each.key for each in mapper.column_attrs]
        self.relationships: Iterable[tuple[str, bool]] = [
            (each.key, bool(each.uselist)) for each in mapper.relationships
        ]
        self.expired_columns: Collection[str] = state.expired_attributes.intersection(self.columns)
        self.expired = self.identity is not None and set(self.columns) <= set(self.expired_columns)

    def value(self, name: str) -> Any:
        """The value that is loaded, or NO_VALUE."""
        value = self._state.attrs[name].loaded_value
        return NO_VALUE if value is UNLOADED else value

    def changes(self, name: str) -> Changes:
        """What changed since the row was known."""
        return self._state.attrs[name].history


def state_word(state: InstanceState[Any]) -> str:
    """The one state an object is in."""
    return next(word for word in STATES if getattr(state, word))


def is_mapped_class(cls: type) -> bool:
    """Is it a class that SQLAlchemy maps?"""
    return isinstance(vars(cls).get("__mapper__"), Mapper) or isinstance(inspect(cls, raiseerr=False), Mapper)


def reading_of(obj: Any) -> Reading | None:
    """What there is to know of an object; None if SQLAlchemy does not map it."""
    if isinstance(obj, type) or not is_mapped_class(type(obj)):
        return None
    return SQLAlchemyReading(inspect(obj))


def related(state: InstanceState[Any]) -> list[Any]:
    """The objects that an object names over relationships, as far as they are loaded."""
    found: list[Any] = []
    for relationship in state.mapper.relationships:
        value = state.attrs[relationship.key].loaded_value
        if value is not UNLOADED and value is not None:
            many = value.values() if hasattr(value, "values") else value
            found += list(many) if relationship.uselist else [value]
    return found


def subject_of(obj: Any) -> Subject:
    """An object as facts name it."""
    identity = inspect(obj).identity
    key = None if identity is None else ", ".join(map(_part, identity))
    return Subject(tokens.of(obj), type(obj).__name__, key)


def _part(value: Any) -> str:
    return value if isinstance(value, str) else repr(value)


def learn() -> None:
    """From now on cards are made of SQLAlchemy's objects, too."""
    if reading_of not in others:
        others.append(reading_of)
