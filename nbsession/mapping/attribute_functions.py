"""What can be done to an attribute of an object by its name: set without a trace, flagged as modified, its history.

Public as ``nbsession.attributes``, by the names SQLAlchemy has for them in ``sqlalchemy.orm.attributes``.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

from nbsession.exc import InvalidRequestError
from nbsession.mapping.attribute_events import AttributeEvent, tell
from nbsession.mapping.attributes import NEW, describe
from nbsession.mapping.collecting.collections import members_of
from nbsession.tracking.history import History
from nbsession.tracking.instance_state import NO_VALUE, OwnState, own_state, state_of, watched_state

__all__ = [
    "NO_VALUE",
    "PASSIVE_NO_INITIALIZE",
    "PASSIVE_OFF",
    "History",
    "del_attribute",
    "flag_dirty",
    "flag_modified",
    "get_attribute",
    "get_history",
    "init_collection",
    "instance_dict",
    "instance_state",
    "set_attribute",
    "set_committed_value",
]


class Passive(Enum):
    """May looking load?"""

    OFF = "load what is not loaded"
    NO_INITIALIZE = "load nothing"


PASSIVE_OFF = Passive.OFF
PASSIVE_NO_INITIALIZE = Passive.NO_INITIALIZE


def _attribute(obj: Any, key: str) -> Any:
    mapper = state_of(obj).mapper
    mapper.configure()
    attribute = mapper.attributes.get(key)
    if attribute is None:
        raise InvalidRequestError(
            f"'{type(obj).__name__}' has no mapped attribute '{key}'. It has: {', '.join(mapper.attributes)}."
        )
    return attribute


def get_history(obj: Any, key: str, passive: Passive = PASSIVE_OFF) -> History:
    """What changed on an attribute since the row was known.

    :param passive: by default an attribute that is not loaded is loaded first; ``PASSIVE_NO_INITIALIZE``: it is not.
    :raises InvalidRequestError: there is no such attribute.
    """
    attribute = _attribute(obj, key)
    if passive is PASSIVE_OFF and key not in obj.__dict__ and state_of(obj).status not in NEW:
        getattr(obj, key)
    history: History = attribute.history(obj)
    return history


def set_committed_value(obj: Any, key: str, value: Any) -> None:
    """Puts a value in place as if it had been loaded: no event, no history.

    :param value: for a collection, its members.
    :raises InvalidRequestError: there is no such attribute.
    """
    attribute = _attribute(obj, key)
    if hasattr(attribute, "fill"):
        attribute.fill(obj, members_of(value))
    else:
        obj.__dict__[key] = value
    state = state_of(obj)
    if isinstance(state, OwnState):
        state.forget(key)


def set_attribute(obj: Any, key: str, value: Any) -> None:
    """Sets an attribute by name: as ``obj.key = value``."""
    _attribute(obj, key).set(obj, value)


def get_attribute(obj: Any, key: str) -> Any:
    """The value of an attribute by name: as ``obj.key``."""
    return getattr(obj, _attribute(obj, key).key)


def del_attribute(obj: Any, key: str) -> None:
    """Deletes an attribute by name: as ``del obj.key``."""
    _attribute(obj, key).delete(obj)


class CollectionFiller:
    """Fills a collection without events: what :func:`init_collection` returns."""

    def __init__(self, obj: Any, attribute: Any) -> None:
        self._obj = obj
        self._attribute = attribute

    def append_without_event(self, member: Any) -> None:
        """Adds a member as if it had been loaded."""
        self._attribute.kind.add(self._obj.__dict__[self._attribute.key], member)


def init_collection(obj: Any, key: str) -> CollectionFiller:
    """Puts an empty collection in place, to be filled without events by ``append_without_event(member)``.

    :raises InvalidRequestError: there is no such attribute.
    """
    set_committed_value(obj, key, ())
    return CollectionFiller(obj, _attribute(obj, key))


def instance_dict(obj: Any) -> dict[str, Any]:
    """The values of an object: its ``__dict__``."""
    return obj.__dict__  # type: ignore[no-any-return]


def instance_state(obj: Any) -> Any:
    """What there is to know about an object: ``inspect(obj)``."""
    from nbsession.mapping.inspection import inspect_mapped

    return inspect_mapped(obj)


def flag_modified(obj: Any, key: str) -> None:
    """Marks an attribute as modified, though its value was changed in place: the next flush writes it.

    :raises InvalidRequestError: it is not loaded, or there is none of that name.
    """
    attribute = _attribute(obj, key)
    if key not in obj.__dict__:
        raise InvalidRequestError(
            f"Can't flag attribute '{key}' modified; it's not present in the object state: {describe(obj)} has no value for it "
            "now. Read it first, or set it."
        )
    state = state_of(obj)
    if state.status not in NEW:
        if key in state.mapper.columns:
            session = state.session_ref()
            quiet = key in state.mapper.quiet_keys and not (session is not None and session.bus.observers)
            (own_state if quiet else watched_state)(obj, state).old[key] = NO_VALUE
        else:
            own_state(obj, state).noting_more().related[key] = NO_VALUE
    if attribute.occasional:
        tell(attribute, "modified", obj, AttributeEvent(attribute, "modified"))


def flag_dirty(obj: Any) -> None:
    """Marks an object as changed without naming an attribute: it is in ``session.dirty`` until the next flush."""
    state = state_of(obj)
    if state.status not in NEW:
        own_state(obj, state)
