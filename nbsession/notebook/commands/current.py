"""Which session a verb means, when none is named. Knows the notebook's variables; knows no verbs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from weakref import ref

from nbsession.exc import InvalidRequestError
from nbsession.notebook.recording.cells import clock
from nbsession.notebook.recording.sources import is_watched


class NoOpenSession(InvalidRequestError):
    """No session is open in this notebook, or it is not clear which one is meant."""


class Current:
    """The session that ``%session open`` made last, and the engine made with it. Holds the session weakly.

    :ivar name: the variable that was bound to it.
    """

    def __init__(self) -> None:
        self.name = "session"
        self.engine: Any = None
        self._opened: ref[Any] | None = None

    @property
    def opened(self) -> Any:
        """The session, or None."""
        return self._opened() if self._opened is not None else None

    def set(self, session: Any, engine: Any, name: str) -> None:
        """A session was opened."""
        self._opened, self.engine, self.name = ref(session), engine, name

    def clear(self) -> None:
        """It was closed."""
        self._opened, self.engine, self.name = None, None, "session"


current = Current()


def is_session(value: Any) -> bool:
    """Is it a Session, or another engine's session that is watched?"""
    from nbsession.session.session import Session  # at the first look only: views of fixtures need no engine

    return isinstance(value, Session) or is_watched(value)


def sessions_in(namespace: Mapping[str, Any]) -> dict[str, Any]:
    """The sessions that variables hold, by variable."""
    return {name: value for name, value in tuple(namespace.items()) if not name.startswith("_") and is_session(value)}


def current_session(session: Any = None) -> Any:
    """The session that is meant: the one given, the one that the variable ``session`` (or the name given to ``open``)
    holds, the one opened last, or the only one in the notebook.

    :raises NoOpenSession: there is none, or there are several.
    """
    if session is not None:
        return session
    namespace = clock.namespace
    named = namespace.get(current.name)
    if named is not None and is_session(named):
        return named
    if current.opened is not None:
        return current.opened
    found = sessions_in(namespace)
    if len({id(each) for each in found.values()}) == 1:
        return next(iter(found.values()))
    if found:
        raise NoOpenSession(f"several sessions here ({', '.join(found)}): name one of them 'session'")
    raise NoOpenSession("no session is open: begin with %session open sqlite:// (or a file: sqlite:///shop.db)")
