"""Around sessions: ``sessionmaker``, and functions that answer for an object, whatever session it is in."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from nbsession.database import Connection, Engine, Inspector
from nbsession.events import FactBus
from nbsession.exc import InvalidRequestError
from nbsession.mapping.attributes import describe
from nbsession.mapping.inspection import inspect_mapped
from nbsession.session.attaching import expire_names, object_session
from nbsession.session.core import close_all_sessions
from nbsession.session.session import Session
from nbsession.session.unit_of_work import UnitOfWork
from nbsession.states import ObjectState, Trigger
from nbsession.tracking.instance_state import forget_changes, no_session, state_of
from nbsession.tracking.unset import forget_unset

__all__ = [
    "close_all_sessions",
    "create_session",
    "expire_instance",
    "inspect",
    "make_transient",
    "make_transient_to_detached",
    "object_session",
    "sessionmaker",
]

outside = FactBus()
"""where it is told what becomes of objects that are in no session"""
_outside = UnitOfWork(no_session, outside)
"""moves them"""


def sessionmaker(bind: Any = None, *, class_: type[Session] = Session, **options: Any) -> Any:
    """A subclass of Session with options of its own.

    The class has ``configure(**options)``, for sessions made later, and ``begin()``, a block that commits.

    :param bind: an Engine or a Connection.
    :param class_: the class to subclass.
    :param options: as for :class:`Session`.

    >>> Session = sessionmaker(engine)
    >>> with Session.begin() as session: ...
    """
    configured = {"bind": bind, **options}

    class ConfiguredSession(class_):  # type: ignore[valid-type,misc]
        kw = configured

        def __init__(self, *args: Any, **local: Any) -> None:
            merged = {**configured, **local}
            if args:
                merged["bind"], *rest = args
                if rest:
                    raise TypeError("A session takes one positional argument at most: its bind.")
            if configured.get("info") and local.get("info"):
                merged["info"] = {**configured["info"], **local["info"]}
            super().__init__(**merged)

        @classmethod
        def configure(cls, **changed: Any) -> None:
            """Changes the options of sessions made later."""
            configured.update(changed)

    def begin() -> Any:
        return _session_block(ConfiguredSession)

    ConfiguredSession.begin = _ClassOrInstance(begin, class_.begin)
    ConfiguredSession.__name__ = ConfiguredSession.__qualname__ = class_.__name__
    return ConfiguredSession


def create_session(bind: Any = None, **options: Any) -> Session:
    """A session as 2007 made them: queries do not flush, and each flush commits itself, unless the options say otherwise.

    :param options: as for :class:`Session`.
    """
    return Session(bind, **{"autoflush": False, "transactional": False, **options})


class _ClassOrInstance:
    """``begin`` means one thing on the class made by sessionmaker, and another on its sessions."""

    def __init__(self, on_class: Any, on_instance: Any) -> None:
        self._on_class, self._on_instance = on_class, on_instance

    def __get__(self, instance: Any, owner: type) -> Any:
        return self._on_class if instance is None else self._on_instance.__get__(instance, owner)


@contextmanager
def _session_block(factory: Any) -> Generator[Session]:
    with factory() as session, session.begin():
        yield session


def inspect(subject: Any, raiseerr: bool = True) -> Any:
    """What there is to know about something; looking loads nothing.

    :param subject: a mapped class (gives its Mapper), a mapped object (its InstanceState), an Engine or a Connection (an
        Inspector of its tables).
    :param raiseerr: False: None instead of an error.
    :raises NoInspectionAvailable: it is none of these.

    >>> inspect(user).persistent
    True
    """
    if isinstance(subject, (Engine, Connection)):
        return Inspector(subject)
    return inspect_mapped(subject, raiseerr)


def make_transient(obj: Any) -> None:
    """Makes an object new again: it leaves its session and forgets its row. Values that are not loaded are None.

    :raises UnmappedInstanceError: its class is not mapped.
    """
    state = state_of(obj)
    if state.status is ObjectState.TRANSIENT:
        return
    session = object_session(obj)
    unit = session.unit_of_work if session is not None else _outside
    unit.move_each((obj,), Trigger.MAKE_TRANSIENT, "make_transient")


def make_transient_to_detached(obj: Any) -> None:
    """Takes a new object with a primary key for one that has a row: added to a session, it loads what it lacks.

    :raises InvalidRequestError: it is not new, or has no key.
    """
    state = state_of(obj)
    if state.status is not ObjectState.TRANSIENT:
        raise InvalidRequestError(f"Given object must be transient: {describe(obj)} is {state.status.value}.")
    ident = state.mapper.ident_of_values(obj.__dict__)
    if ident is None:
        raise InvalidRequestError(f"{describe(obj)} has no primary key: set {', '.join(state.mapper.pk_keys)} first.")
    forget_changes(obj)
    forget_unset(obj)
    state.mapper.give_ident(obj, ident)
    _outside.move_each((obj,), Trigger.MAKE_DETACHED, "make_transient_to_detached")


def expire_instance(obj: Any, attribute_names: Any = None) -> None:
    """Forgets the loaded values of one object, and of no other: the next touch loads them.

    :param attribute_names: only these; None or empty: all.
    :raises InvalidRequestError: it has no row.
    """
    state = state_of(obj)
    if state.status not in (ObjectState.PERSISTENT, ObjectState.DETACHED):
        raise InvalidRequestError(f"Instance '{describe(obj)}' is {state.status.value}: it has no row to load it from.")
    session = object_session(obj)
    unit = session.unit_of_work if session is not None else _outside
    if attribute_names:
        expire_names(unit, obj, list(attribute_names))
    else:
        unit.expire((obj,), "expire_instance")
