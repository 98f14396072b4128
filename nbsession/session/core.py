"""What a session is made of: its parts, what it holds, and who watches it. What it does is in the classes above this one."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from threading import RLock, get_ident
from typing import Any, ClassVar, Literal

from nbsession.database.connection import Connection
from nbsession.events import FactBus, Observer
from nbsession.exc import ArgumentError, InvalidRequestError
from nbsession.mapping.attribute_events import on_refit
from nbsession.session.binds import Binds
from nbsession.session.echo import echo
from nbsession.session.extension import hang
from nbsession.session.hook_points import HookPoints
from nbsession.session.transaction import SessionTransaction
from nbsession.session.unit_of_work import UnitOfWork
from nbsession.states import ObjectState
from nbsession.tracking.identity import IdentityMap, IdentitySet
from nbsession.tracking.seeing import seen

JOIN_MODES = ("conditional_savepoint", "rollback_only", "control_fully", "create_savepoint")

_numbers = itertools.count(1)
_sessions: weakref.WeakValueDictionary[int, SessionCore] = weakref.WeakValueDictionary()


class SessionCore:
    """The parts of a session; :class:`~nbsession.session.session.Session` tells what the arguments mean.

    :ivar bus: where it publishes facts.
    :ivar unit_of_work: its objects.
    :ivar hooks: the functions that take part in what it does.
    :ivar transaction: the innermost open transaction or savepoint, or None.
    :ivar block: the transaction whose ``with`` block is open, or None.
    :ivar flushing_thread: the thread in which a flush is under way, or None.
    :ivar beginning: held while a transaction begins or takes a connection: threads that read may share a session.
    :ivar hash_key: its number in this process.
    :ivar loading: (``id`` of an object, relationship) of what is being loaded now.
    """

    class_hooks: ClassVar[HookPoints] = HookPoints()

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.class_hooks = HookPoints()

    def __init__(
        self,
        bind: Any = None,
        *,
        autoflush: bool = True,
        expire_on_commit: bool = True,
        autobegin: bool = True,
        binds: Mapping[Any, Any] | None = None,
        twophase: bool = False,
        weak_identity_map: bool = True,
        join_transaction_mode: str = "conditional_savepoint",
        transactional: bool = True,
        close_resets_only: bool = True,
        info: Mapping[Any, Any] | None = None,
        extension: Any = None,
        echo_uow: bool = False,
        query_cls: Any = None,
        execution_options: Mapping[str, Any] | None = None,
        future: Literal[True] = True,
        autocommit: Literal[False] = False,
    ) -> None:
        if autocommit or future is not True:
            raise ArgumentError(
                "autocommit=True and future=False are no longer supported, as in SQLAlchemy 2.1. Where each flush is to commit "
                "itself, say transactional=False."
            )
        if join_transaction_mode not in JOIN_MODES:
            raise ArgumentError(
                f"join_transaction_mode must be one of {', '.join(JOIN_MODES)}, not {join_transaction_mode!r}."
            )
        self.binds = Binds(bind, binds)
        self.autoflush = autoflush
        self.autobegin = autobegin
        self.expire_on_commit = expire_on_commit
        self.transactional = transactional
        self.twophase = twophase
        self.close_resets_only = close_resets_only
        self.closed_for_good = False
        self.join_transaction_mode = join_transaction_mode
        self.info: dict[Any, Any] = dict(info or {})
        self.execution_options: dict[str, Any] = dict(execution_options or {})
        self.bus = FactBus()
        self.hooks = HookPoints(
            above=tuple(vars(c)["class_hooks"] for c in reversed(type(self).__mro__) if "class_hooks" in vars(c))
        )
        self.extension = extension
        if extension is not None:
            hang(extension, self.hooks)
        self.weak_identity_map = weak_identity_map
        self.unit_of_work = UnitOfWork(weakref.ref(self), self.bus, weak_identity_map, self.hooks)
        self.transaction: SessionTransaction | None = None
        self.block: SessionTransaction | None = None
        self.hash_key = next(_numbers)
        self.loading: set[tuple[int, str]] = set()
        self.flushing_thread: int | None = None
        self.beginning = RLock()
        _sessions[self.hash_key] = self
        if query_cls is not None:
            self._query_cls = query_cls
        self._stop_echo: Callable[[], None] | None = None
        self.echo_uow = echo_uow

    @property
    def echo_uow(self) -> bool:
        """Is what its unit of work does logged (logger ``nbsession.unitofwork``)? Can be set."""
        return self._stop_echo is not None

    @echo_uow.setter
    def echo_uow(self, on: bool) -> None:
        if on and self._stop_echo is None:
            self._stop_echo = self.subscribe(echo(self.hash_key))
        elif not on and self._stop_echo is not None:
            self._stop_echo()
            self._stop_echo = None

    # -------------------------------------------------------------------------------------- what it holds

    @property
    def bind(self) -> Any:
        """The Engine or Connection that serves what is not bound otherwise."""
        return self.binds.bind

    @bind.setter
    def bind(self, bind: Any) -> None:
        self.binds.bind = bind

    @property
    def new(self) -> IdentitySet:
        """Pending objects."""
        return IdentitySet(self.unit_of_work.new.values())

    @property
    def dirty(self) -> IdentitySet:
        """Persistent objects on which something was set; whether it is a net change, the flush finds out."""
        unit = self.unit_of_work
        return IdentitySet(obj for address, obj in unit.modified.items() if address not in unit.marked)

    @property
    def deleted(self) -> IdentitySet:
        """Objects that the next flush deletes."""
        return IdentitySet(self.unit_of_work.marked.values())

    @property
    def identity_map(self) -> IdentityMap:
        """Persistent objects by identity key."""
        return self.unit_of_work.identity_map

    def __contains__(self, obj: object) -> bool:
        state = seen(obj)
        if state.status is ObjectState.PENDING:
            return id(obj) in self.unit_of_work.new
        return state.status is ObjectState.PERSISTENT and self.identity_map.contains_object(obj)

    def __iter__(self) -> Iterator[Any]:
        return iter([*self.unit_of_work.new.values(), *self.identity_map.all()])

    def flush(self, objects: Iterable[Any] | None = None) -> None:
        """Sends what changed."""
        raise NotImplementedError

    def close(self) -> None:
        """Ends what is open."""
        raise NotImplementedError

    def refuse_other_threads(self) -> None:
        """While one thread flushes, another one must keep its hands off.

        :raises InvalidRequestError: this is another one.
        """
        if self.flushing_thread is not None and self.flushing_thread != get_ident():
            raise InvalidRequestError(
                "Session is already flushing, in another thread. A session is for one thread at a time: give each its own, as "
                "scoped_session() does."
            )

    # -------------------------------------------------------------------------------------------- watching

    def subscribe(self, observer: Observer) -> Callable[[], None]:
        """Calls ``observer(fact)`` for everything that happens from now on; see :mod:`nbsession.events`.

        :return: a function that ends it.
        """
        bus, unit = self.bus, self.unit_of_work  # and not the session: an observer may outlive it
        stop = bus.subscribe(observer)
        unit.observe(True)

        def unsubscribe() -> None:
            stop()
            if not bus.observers:
                unit.observe(False)

        return unsubscribe

    def __repr__(self) -> str:
        unit = self.unit_of_work
        where = (
            f" on {self.bind.engine.url if isinstance(self.bind, Connection) else self.bind.url}" if self.bind else ""
        )
        return (
            f"<Session{where}: {len(unit.new)} new, {len(self.dirty)} dirty, {len(unit.marked)} to delete, "
            f"{len(self.identity_map)} persistent>"
        )


def _attend() -> None:
    """Listeners of an attribute changed: in every session writes pass by the attribute again."""
    for session in list(_sessions.values()):
        session.unit_of_work.observe(bool(session.bus.observers))


on_refit.append(_attend)


def close_all_sessions() -> None:
    """Closes every session that is alive."""
    for session in list(_sessions.values()):
        session.close()
