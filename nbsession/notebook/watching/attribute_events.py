"""What SQLAlchemy tells of classes, whatever session is meant: objects made, attributes set, objects expired.

These listeners are on mappers and attributes, which all sessions share; each fact is handed to the session of its
object, if that is watched. They are there only while some session is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from sqlalchemy import event, inspect
from sqlalchemy.orm import Mapper, object_session
from sqlalchemy.orm.base import NO_VALUE

from nbsession.events import ConstructionBus, safe_repr
from nbsession.notebook.recording.labels import labels
from nbsession.notebook.recording.newcomers import Newcomers
from nbsession.notebook.watching.hearing import quietly
from nbsession.notebook.watching.readings import is_mapped_class, subject_of


class Ear(Protocol):
    """A watched session."""

    def changed(self, obj: Any, name: str, old: str | None, new: str) -> None:
        """An attribute of one of its objects was set."""

    def expired(self, obj: Any) -> None:
        """One of its objects was expired."""


_ears: WeakKeyDictionary[Any, Ear] = WeakKeyDictionary()
_heard: WeakKeyDictionary[type, list[tuple[str, str, Callable[..., None]]]] = WeakKeyDictionary()


def hear(session: Any, ear: Ear) -> None:
    """From now on an ear is told what concerns a session's objects."""
    if not _ears:
        _silence()  # what was heard for sessions that are gone
        event.listen(Mapper, "expire", _expired)
    _ears[session] = ear
    newcomers.open()


def hear_no_more(session: Any) -> None:
    """Ends it; the last to end it takes every listener away."""
    if _ears.pop(session, None) is not None and not _ears:
        _silence()


def _silence() -> None:
    """Takes every listener away."""
    newcomers.close()
    if event.contains(Mapper, "expire", _expired):
        event.remove(Mapper, "expire", _expired)
    for cls, listeners in list(_heard.items()):
        for key, name, listener in listeners:
            event.remove(getattr(cls, key), name, listener)
    _heard.clear()


def hear_class(cls: type) -> None:
    """Listens to the attributes of a class; again: does nothing."""
    if cls in _heard:
        return
    mapper: Mapper[Any] = inspect(cls)
    listeners: list[tuple[str, str, Callable[..., None]]] = []
    for each in (*mapper.column_attrs, *mapper.relationships):
        if not isinstance(each.class_attribute, property) and hasattr(each.class_attribute, "impl"):
            many = bool(getattr(each, "uselist", False))
            names = {"append": _appended(each.key), "remove": _removed(each.key)} if many else {"set": _set(each.key)}
            listeners += [(each.key, name, listener) for name, listener in names.items()]
    for key, name, listener in listeners:
        event.listen(getattr(cls, key), name, listener)
    _heard[cls] = listeners


def classes_heard() -> list[type]:
    """The classes whose objects were met so far."""
    return list(_heard)


def _set(key: str) -> Callable[..., None]:
    @quietly
    def heard(obj: Any, value: Any, old: Any, _initiator: Any) -> None:
        _tell(obj, key, None if old is NO_VALUE or not _is_value(old) else _said(old), _said(value))

    return heard


def _appended(key: str) -> Callable[..., None]:
    @quietly
    def heard(obj: Any, member: Any, _initiator: Any) -> None:
        _tell(obj, key, None, _said(member))

    return heard


def _removed(key: str) -> Callable[..., None]:
    @quietly
    def heard(obj: Any, member: Any, _initiator: Any) -> None:
        _tell(obj, key, _said(member), "None")

    return heard


def _tell(obj: Any, key: str, old: str | None, new: str) -> None:
    session = object_session(obj)
    ear = None if session is None else _ears.get(session)
    if ear is not None:
        ear.changed(obj, key, old, new)


@quietly
def _expired(obj: Any, _names: Any) -> None:
    session = None if obj is None else object_session(obj)  # a dead object is told of as None
    ear = None if session is None else _ears.get(session)
    if ear is not None:
        ear.expired(obj)


def _is_value(old: Any) -> bool:
    """Is it a value, not one of SQLAlchemy's symbols for none?"""
    return not type(old).__module__.startswith("sqlalchemy.")


def _said(value: Any) -> str:
    """A value in words. The ``__repr__`` of a mapped object might load: it is called by its label."""
    if not is_mapped_class(type(value)):
        return safe_repr(value)
    named = subject_of(value)
    return labels.of(named.token, named.cls, named.key)


# ── objects made ─────────────────────────────────────────────────────────────────────────────────────────────────────
_constructions = ConstructionBus()


@quietly
def _made(obj: Any, _args: Any, _keywords: Any) -> None:
    if _ears:
        hear_class(type(obj))
    _constructions.publish(obj)


def _attend(listening: bool) -> None:
    (event.listen if listening else event.remove)(Mapper, "init", _made)


_constructions.on_change.append(_attend)
newcomers = Newcomers(labels, _constructions, tells_all=False)
"""the constructions of SQLAlchemy's objects in this process"""
