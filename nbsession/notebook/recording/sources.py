"""Where a session's facts come from, and what else is asked of it. The one place that knows of more engines than one.

A session of our own engine publishes facts by itself. A session of another engine is given a source that listens to it
and publishes the same facts; which one that is, is found here, and imported only then.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from threading import get_ident
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol
from weakref import WeakKeyDictionary, ref

from nbsession.events import Observer
from nbsession.exc import ArgumentError, InvalidRequestError
from nbsession.notebook.recording.newcomers import Newcomers, newcomers
from nbsession.notebook.recording.snapshots import SessionInfo

if TYPE_CHECKING:
    from nbsession.notebook.reporting.doors import Door

LOADERS = ("load_missing", "load_related")
"""the methods by which an attribute asks its session for what it lacks"""


class NotForThisEngine(InvalidRequestError):
    """What was asked for needs our own engine, and the session is another's."""


class NotLoaded(AttributeError):
    """An attribute that is not loaded was looked at, not used."""


class Level(NamedTuple):
    """A transaction or savepoint that began before anybody listened."""

    name: str | None
    state: str
    """``active``, ``failed`` or ``prepared``"""
    error: str | None


class Source(Protocol):
    """A session, as far as its recorder and the views are concerned."""

    @property
    def newcomers(self) -> Newcomers:
        """The objects of its engine that no session knows yet."""

    @property
    def cannot(self) -> Mapping[str, str]:
        """What is not to be had of it: the verb, and why."""

    def seq(self) -> int:
        """The number of the last fact. What was gathered is published first."""

    def subscribe(self, observer: Observer) -> Callable[[], None]:
        """Calls the observer with every fact from now on; returns what ends that."""

    def info(self, name: str) -> SessionInfo:
        """Which session it is.

        :param name: the variable that holds it.
        """

    def levels(self) -> list[Level]:
        """The transaction and its savepoints as they are now, outermost first."""

    def savepoints(self) -> list[tuple[str, Any]]:
        """Names and handles of the open savepoints, outermost first."""

    def doors(self) -> list[Door]:
        """Its databases, to be looked into from inside and from outside."""

    def looking_only(self) -> AbstractContextManager[None]:
        """In this thread and until the end of the block, no attribute of its objects is loaded.

        An attribute that would be raises :class:`NotLoaded`.
        """

    def close(self) -> None:
        """Leaves the session as if it had never been listened to."""


class OwnSource:
    """A session of our engine. Holds it weakly."""

    def __init__(self, session: Any) -> None:
        self._session = ref(session)
        self.newcomers = newcomers
        self.cannot: Mapping[str, str] = {}

    def seq(self) -> int:
        """The number of the last fact."""
        session = self._session()
        return 0 if session is None else session.bus.seq

    def subscribe(self, observer: Observer) -> Callable[[], None]:
        """Calls the observer with every fact from now on; returns what ends that."""
        stop: Callable[[], None] = self._here().subscribe(observer)
        return stop

    def info(self, name: str) -> SessionInfo:
        """Which session it is."""
        bind = getattr(self._here(), "bind", None)
        engine = getattr(bind, "engine", bind)
        dialect = getattr(getattr(engine, "dialect", None), "name", "no database")
        return info_of(name, dialect, getattr(getattr(engine, "url", None), "database", None))

    def levels(self) -> list[Level]:
        """The transaction and its savepoints as they are now, outermost first."""
        found = [
            Level(each.name, each.state.value, f"({type(each.error).__name__}) {each.error}".partition("\n")[0])
            for each in self._chain()
        ]
        return [each for each in found if each.state in ("active", "failed", "prepared")]

    def savepoints(self) -> list[tuple[str, Any]]:
        """Names and handles of the open savepoints, outermost first."""
        return [(each.name, each) for each in self._chain() if each.nested]

    def doors(self) -> list[Door]:
        """Its databases, to be looked into from inside and from outside."""
        from nbsession.notebook.reporting.doors import own_doors

        return own_doors(self._here())

    @contextmanager
    def looking_only(self) -> Iterator[None]:
        """In this thread and until the end of the block, no attribute of its objects is loaded."""
        session, mine = self._session(), get_ident()
        if session is None or any(name in vars(session) for name in LOADERS):
            yield
            return
        for name in LOADERS:
            vars(session)[name] = _refusing(getattr(session, name), mine)
        try:
            yield
        finally:
            for name in LOADERS:
                vars(session).pop(name, None)

    def close(self) -> None:
        """There is nothing to leave."""

    def _here(self) -> Any:
        session = self._session()
        if session is None:
            raise InvalidRequestError("The session is gone: nothing holds it any more.")
        return session

    def _chain(self) -> list[Any]:
        session = self._here()
        level, chain = session.get_nested_transaction() or session.get_transaction(), []
        while level is not None:
            chain.append(level)
            level = level.parent
        return chain[::-1]


def _refusing(load: Callable[[Any, str], Any], thread: int) -> Callable[[Any, str], Any]:
    def refuse(obj: Any, key: str) -> Any:
        if get_ident() != thread:
            return load(obj, key)
        raise NotLoaded(f"'{key}' of this {type(obj).__name__} is not loaded, and looking does not load it.")

    return refuse


def info_of(name: str, dialect: str, database: str | None) -> SessionInfo:
    """Which session it is, in the form of a snapshot."""
    file = str(database or ":memory:").replace("\\", "/").rsplit("/", 1)[-1]
    return {"name": name, "dialect": dialect, "database": file, "open": True}


# ── which source ─────────────────────────────────────────────────────────────────────────────────────────────────────
_sources: WeakKeyDictionary[Any, Source] = WeakKeyDictionary()


def source_of(session: Any) -> Source:
    """The source of a session's facts; of another engine's session, one that listens from now on."""
    source = _sources.get(session)
    if source is None:
        source = _sources[session] = _new(session)
    return source


def _new(session: Any) -> Source:
    if not is_sqlalchemy(session):
        return OwnSource(session)
    from nbsession.notebook.watching.watched_session import WatchedSession

    return WatchedSession(session)


def leave(session: Any) -> None:
    """Forgets a session's source; the next look begins anew."""
    source = _sources.pop(session, None)
    if source is not None:
        source.close()


def session_in(value: Any) -> Any:
    """The session that a person means by a value: itself, or the one that a ``scoped_session`` has in this thread.

    :raises ArgumentError: there is none in it.
    """
    from nbsession.session.session import Session

    if isinstance(value, Session) or is_sqlalchemy(value):
        return value
    kind = type(value).__name__
    if kind == "scoped_session":
        return value()
    if kind == "AsyncSession":
        return value.sync_session
    hint = {"sessionmaker": "; call it first: s = Session()", "Engine": "; make one first: s = Session(engine)"}
    raise ArgumentError(f"A Session is needed here, of nbsession or of SQLAlchemy 2, not a {kind}{hint.get(kind, '')}")


def is_watched(value: Any) -> bool:
    """Is it a session of another engine that is listened to?"""
    return is_sqlalchemy(value) and value in _sources


def is_sqlalchemy(value: Any) -> bool:
    """Is it a Session of SQLAlchemy? Imports nothing: where SQLAlchemy is not imported there is none."""
    orm = sys.modules.get("sqlalchemy.orm")
    return orm is not None and isinstance(value, orm.Session)


def is_sqlalchemy_error(error: BaseException | None) -> bool:
    """Is it an error of SQLAlchemy's? Imports nothing."""
    exc = sys.modules.get("sqlalchemy.exc")
    return exc is not None and isinstance(error, exc.SQLAlchemyError)


def require(session: Any, verb: str) -> None:
    """Does nothing if a verb is to be had of a session.

    :raises NotForThisEngine: it is not; the message says why, and what to do instead.
    """
    why = source_of(session).cannot.get(verb)
    if why:
        raise NotForThisEngine(f"{verb} is not for a watched SQLAlchemy session: {why}")
