"""``scoped_session``: one session per thread, or per whatever a function tells, used as if it were a session itself."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from functools import wraps
from threading import local
from typing import Any, Protocol

from nbsession.exc import InvalidRequestError, NbsessionWarning
from nbsession.mapping.declaring.imperative import mapper
from nbsession.mapping.listening import class_hooks
from nbsession.session.session import Session


class Registry(Protocol):
    """Where the current session lies."""

    def __call__(self) -> Any:
        """The current one; made, if there is none."""

    def has(self) -> bool:
        """Is there one?"""

    def set(self, obj: Any) -> None:
        """Makes it the current one."""

    def clear(self) -> None:
        """Forgets it."""


class ThreadLocalRegistry:
    """One session per thread.

    :param createfunc: makes one.
    """

    def __init__(self, createfunc: Callable[[], Any]) -> None:
        self.createfunc = createfunc
        self._here = local()

    def __call__(self) -> Any:
        """This thread's session; made, if there is none."""
        if not self.has():
            self._here.value = self.createfunc()
        return self._here.value

    def has(self) -> bool:
        """Is there one in this thread?"""
        return hasattr(self._here, "value")

    def set(self, obj: Any) -> None:
        """Makes it this thread's."""
        self._here.value = obj

    def clear(self) -> None:
        """Forgets this thread's."""
        if self.has():
            del self._here.value


class ScopedRegistry:
    """One session per scope.

    :param createfunc: makes one.
    :param scopefunc: tells the scope: anything that can be a key.
    """

    def __init__(self, createfunc: Callable[[], Any], scopefunc: Callable[[], Any]) -> None:
        self.createfunc = createfunc
        self.scopefunc = scopefunc
        self._held: dict[Any, Any] = {}

    def __call__(self) -> Any:
        """This scope's session; made, if there is none."""
        scope = self.scopefunc()
        if scope not in self._held:
            self._held[scope] = self.createfunc()
        return self._held[scope]

    def has(self) -> bool:
        """Is there one in this scope?"""
        return self.scopefunc() in self._held

    def set(self, obj: Any) -> None:
        """Makes it this scope's."""
        self._held[self.scopefunc()] = obj

    def clear(self) -> None:
        """Forgets this scope's."""
        self._held.pop(self.scopefunc(), None)


class scoped_session:
    """The current session, whatever thread asks: every method and attribute of a session is its own too.

    :param session_factory: what ``sessionmaker()`` returned, or any function that makes a session.
    :param scopefunc: tells the scope; by default it is the thread.
    :ivar registry: where the current session lies; called, it returns it.

    >>> Session = scoped_session(sessionmaker(engine))
    >>> Session.add(user); Session.commit(); Session.remove()
    """

    def __init__(self, session_factory: Callable[..., Any], scopefunc: Callable[[], Any] | None = None) -> None:
        self.session_factory = session_factory
        self.registry: Registry = (
            ThreadLocalRegistry(session_factory) if scopefunc is None else ScopedRegistry(session_factory, scopefunc)
        )

    def __call__(self, **options: Any) -> Any:
        """The current session.

        :param options: for the session that is made now.
        :raises InvalidRequestError: options were given, and there is a session already.
        """
        if options:
            if self.registry.has():
                raise InvalidRequestError(
                    "Scoped session is already present; no new arguments may be specified. Call remove() first."
                )
            self.registry.set(self.session_factory(**options))
        return self.registry()

    def remove(self) -> None:
        """Closes the current session, if there is one, and forgets it."""
        if self.registry.has():
            self.registry().close()
        self.registry.clear()

    def configure(self, **options: Any) -> None:
        """Changes the options of sessions made later."""
        if self.registry.has():
            warnings.warn(
                "At least one scoped session is already present.  configure() can not affect sessions that have already been "
                "created.",
                NbsessionWarning,
                stacklevel=2,
            )
        self.session_factory.configure(**options)  # type: ignore[attr-defined]

    def query_property(self, query_cls: Any = None) -> Any:
        """A class attribute that is a query for its class, in the current session.

        :param query_cls: the class of the query, if not the session's.

        >>> class User(Base): ...
        ...     query = Session.query_property()
        """
        return _QueryProperty(self, query_cls)

    def mapper(self, cls: type, local_table: Any, **options: Any) -> Any:
        """Maps a plain class; its objects enter the current session when they are made, and it has a ``query`` (2007).

        :param options: as for ``mapper()``; and ``save_on_init=False`` for objects that do not enter by themselves.
        :return: the mapper.
        """
        save = options.pop("save_on_init", True)
        made = mapper(cls, local_table, **options)
        if "query" not in vars(cls):
            cls.query = self.query_property()  # type: ignore[attr-defined]
        if save:
            class_hooks.add(cls, "init", lambda target, args, kwargs: self.registry().add(target))
        return made

    def __contains__(self, obj: object) -> bool:
        return obj in self.registry()

    def __iter__(self) -> Iterator[Any]:
        return iter(self.registry())

    def __repr__(self) -> str:
        return f"<scoped_session of {self.session_factory!r}>"


class _QueryProperty:
    def __init__(self, scoped: scoped_session, query_cls: Any) -> None:
        self._scoped, self._query_cls = scoped, query_cls

    def __get__(self, obj: Any, owner: type) -> Any:
        session = self._scoped.registry()
        return self._query_cls((owner,), session) if self._query_cls is not None else session.query(owner)


def _method(name: str) -> Any:
    @wraps(getattr(Session, name))
    def method(self: scoped_session, *args: Any, **kwargs: Any) -> Any:
        return getattr(self.registry(), name)(*args, **kwargs)

    return method


def _attribute(name: str) -> Any:
    def get(self: scoped_session) -> Any:
        return getattr(self.registry(), name)

    def change(self: scoped_session, value: Any) -> None:
        setattr(self.registry(), name, value)

    return property(get, change, doc=f"The current session's ``{name}``.")


# fmt: off
_ATTRIBUTES = (
    "autobegin", "autoflush", "bind", "deleted", "dirty", "echo_uow", "expire_on_commit", "extension", "hash_key", "hooks",
    "identity_map", "info", "is_active", "new", "no_autoflush", "transaction", "transactional", "twophase", "unit_of_work",
    "weak_identity_map",
)
# fmt: on
_OF_THE_CLASS = ("close_all", "identity_key", "object_session")

for _name in dir(Session):
    _named = (*_OF_THE_CLASS, *_ATTRIBUTES, *vars(scoped_session))
    if not _name.startswith("_") and _name not in _named and callable(getattr(Session, _name)):
        setattr(scoped_session, _name, _method(_name))
for _name in _ATTRIBUTES:
    setattr(scoped_session, _name, _attribute(_name))
for _name in _OF_THE_CLASS:
    setattr(scoped_session, _name, staticmethod(getattr(Session, _name)))
