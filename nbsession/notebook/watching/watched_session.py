"""A SQLAlchemy session as a source of our facts: what its recorder and the views ask of it. Holds it weakly.

It only listens and looks: nothing here flushes, loads, begins or connects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import get_ident
from types import MappingProxyType
from typing import Any
from weakref import ref

from sqlalchemy import event, inspect
from sqlalchemy.exc import UnboundExecutionError

from nbsession.events import AttributeChanged, Observer
from nbsession.exc import InvalidRequestError
from nbsession.notebook.recording.cells import clock
from nbsession.notebook.recording.snapshots import SessionInfo
from nbsession.notebook.recording.sources import Level, NotLoaded, info_of
from nbsession.notebook.reporting.doors import Door
from nbsession.notebook.watching import attribute_events
from nbsession.notebook.watching.doors import doors_of
from nbsession.notebook.watching.gathering import GatheringBus
from nbsession.notebook.watching.hearing import quietly
from nbsession.notebook.watching.object_events import ObjectEvents
from nbsession.notebook.watching.readings import is_mapped_class, learn, related, subject_of
from nbsession.notebook.watching.statement_events import StatementEvents
from nbsession.notebook.watching.transaction_events import TransactionEvents

CANNOT: Mapping[str, str] = MappingProxyType(
    {
        "plan": "SQLAlchemy plans a flush while it sends it, so there is nothing to look at before; "
        "%session diff shows what waits, %session log what was sent.",
        "why": "SQLAlchemy's flush cannot be asked beforehand; %session state shows what an object would have written.",
        "undo": "cells can be taken back on sessions of nbsession only; session.rollback() takes back all since BEGIN.",
        "checkpoint": "making each cell a unit needs savepoints that hold; session.begin_nested() sets one by hand.",
        "%%session fresh": "going back to before a cell needs savepoints that hold.",
        "graph EXPR": "a deed cannot be tried out on SQLAlchemy's cascades; %session graph without an object shows the "
        "relationships.",
        "schema": "SQLAlchemy compares classes with tables by Alembic (alembic check).",
        "%%session sql": "session.execute(text('...')) runs SQL on its connection.",
        "savepoint NAME": "SQLAlchemy names savepoints itself: %session savepoint, without a name.",
    }
)
"""what needs our own engine, and what to do instead"""


class WatchedSession:
    """What a SQLAlchemy session tells and shows.

    :param session: a ``sqlalchemy.orm.Session``; it is listened to from now on.
    """

    cannot = CANNOT
    newcomers = attribute_events.newcomers

    def __init__(self, session: Any) -> None:
        learn()
        self._session = ref(session)
        self._bus = GatheringBus()
        self._transactions = TransactionEvents(session, self._bus)
        self._objects = ObjectEvents(session, self._bus, lambda: self._transactions.flush_failed)
        self._statements = StatementEvents(session, self._bus, self._engines())
        event.listen(session, "after_transaction_end", self._transaction_ended)
        attribute_events.hear(session, self)
        self._meet(session)

    # ── as a source ──────────────────────────────────────────────────────────────────────────────────────────────────
    def seq(self) -> int:
        """The number of the last fact. What was gathered is published first."""
        self._objects.notice_marks()
        self._bus.settle()
        return self._bus.seq

    def subscribe(self, observer: Observer) -> Callable[[], None]:
        """Calls the observer with every fact from now on; returns what ends that."""
        return self._bus.subscribe(observer)

    def info(self, name: str) -> SessionInfo:
        """Which session it is."""
        engine = next(iter(self._engines()), None)
        if engine is None:
            return info_of(name, "no database", None)
        return info_of(name, engine.dialect.name, engine.url.database)

    def levels(self) -> list[Level]:
        """The transaction and its savepoints as they are now, outermost first."""
        return self._transactions.levels()

    def savepoints(self) -> list[tuple[str, Any]]:
        """Names and handles of the open savepoints, outermost first."""
        return self._transactions.savepoints()

    def doors(self) -> list[Door]:
        """Its databases, to be looked into from inside and from outside."""
        return doors_of(self._engines(), self._statements.connections)

    @contextmanager
    def looking_only(self) -> Iterator[None]:
        """In this thread and until the end of the block, no attribute of its objects is loaded."""
        session, mine = self._session(), get_ident()

        def refuse(_state: Any) -> None:
            if get_ident() == mine:
                raise NotLoaded("This attribute is not loaded, and looking does not load it.")

        if session is not None:
            event.listen(session, "do_orm_execute", refuse)
        try:
            yield
        finally:
            if session is not None:
                event.remove(session, "do_orm_execute", refuse)

    def close(self) -> None:
        """Leaves the session as if it had never been listened to."""
        session = self._session()
        if session is not None:
            event.remove(session, "after_transaction_end", self._transaction_ended)
            attribute_events.hear_no_more(session)
        self._transactions.close()
        self._objects.close()
        self._statements.close()

    # ── as an ear ────────────────────────────────────────────────────────────────────────────────────────────────────
    def changed(self, obj: Any, name: str, old: str | None, new: str) -> None:
        """An attribute of one of its objects was set; a flush sets keys, too, which is told of by its statements."""
        if old == new or self._transactions.flushing:
            return
        cause = f"{type(obj).__name__}.{name} = …"
        self._bus.publish(AttributeChanged(cause=cause, subject=subject_of(obj), name=name, old=old, new=new))

    def expired(self, obj: Any) -> None:
        """One of its objects was expired."""
        self._objects.expired(obj)

    @quietly
    def _transaction_ended(self, _session: Any, transaction: Any) -> None:
        if transaction.parent is None:
            self._statements.ended()

    # ── what is there ────────────────────────────────────────────────────────────────────────────────────────────────
    def _here(self) -> Any:
        session = self._session()
        if session is None:
            raise InvalidRequestError("The session is gone: nothing holds it any more.")
        return session

    def _engines(self) -> list[Any]:
        """The engines that the session uses, as far as can be told without connecting."""
        session = self._here()
        found: dict[Any, None] = {}
        for mapper in (None, *dict.fromkeys(inspect(type(obj)) for obj in session)):
            try:
                found[session.get_bind(mapper).engine] = None
            except UnboundExecutionError:
                continue
        return list(found)

    def _meet(self, session: Any) -> None:
        """Objects that variables hold are known from the start, and those that they name; the session lists only its own."""
        values = tuple(clock.namespace.values())
        waiting = [obj for value in values for obj in (value if type(value) in (list, tuple) else (value,))]
        waiting += session
        met: set[int] = set()
        while waiting:
            obj = waiting.pop(0)
            if isinstance(obj, type) or id(obj) in met or not is_mapped_class(type(obj)):
                continue
            met.add(id(obj))
            self.newcomers.meet(obj)
            attribute_events.hear_class(type(obj))
            state = inspect(obj)
            if state.deleted and state.session is session:
                self._objects.met_deleted(obj)
            waiting += related(state)
