"""How a session flushes: when, between which hooks, and what becomes of a failure. The SQL is elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from threading import get_ident
from typing import Any, Self

from nbsession.database.interrupts import unbroken
from nbsession.exc import IntegrityError, InvalidRequestError
from nbsession.mapping.listening import class_hooks
from nbsession.session.displacing import note_taken_keys
from nbsession.session.flush.executing import execute_plan, plainly, publish_end, settle_flush
from nbsession.session.flush.flush_plan import FlushPlan
from nbsession.session.flush.planning import build_plan
from nbsession.session.flush.preparation import prepare_flush
from nbsession.session.flush.telling import telling
from nbsession.session.flush.workload import with_children
from nbsession.session.transacting import Transacting
from nbsession.session.transaction import OF_LEVELS
from nbsession.session.unwinding import keys_changed, take_keys_back


class Flushing(Transacting):
    """A session's flushes."""

    def flush(self, objects: Iterable[Any] | None = None) -> None:
        """Sends what changed, in the order that foreign keys need. Nothing to send: nothing happens.

        :param objects: only these; if there are none, everything.
        :raises InvalidRequestError: called from within a flush.
        :raises DBAPIError: the database refused; the transaction is rolled back and waits for rollback().
        """
        if self.flushing_thread is not None:
            self.refuse_other_threads()
            raise InvalidRequestError("Session is already flushing")
        if not self.unit_of_work.has_work:
            return
        self.flushing_thread = get_ident()
        self.unit_of_work.licence.withdraw()
        try:
            with self.bus.because("session.flush"):
                self._flush(objects)
        finally:
            self.flushing_thread = None

    def _flush(self, objects: Iterable[Any] | None) -> None:
        session: Any = self
        unit = self.unit_of_work
        chosen = None if objects is None else list(objects)
        self.hooks.fire("before_flush", self, unit, chosen)
        only = with_children(unit, {id(obj) for obj in chosen}) if chosen else None
        modified = unit.modified
        touched = (
            [obj for address, obj in modified.items() if address in only]
            if only is not None
            else list(modified.values())
        )
        own = self.transaction is None and not self.transactional
        transaction = self._root(autoflush=False, cause="session.flush", for_flush=True) if own else self.ensure_begun()
        transaction.require_active()
        works = unit.has_work if only is None else not only.isdisjoint((*unit.new, *unit.modified, *unit.marked))
        bracket = transaction.bracket() if works and not own and not self.hooks.heard.isdisjoint(OF_LEVELS) else None
        known_keys, marked = keys_changed(unit), set(unit.marked)
        try:
            prepare_flush(session, only)
            plan = build_plan(unit, only, prepared=True)
            execute_plan(session, plan, transaction, telling if class_hooks.count else plainly)
            done = bool(plan or touched)
            if done:
                self.hooks.fire("after_flush", self, unit)
            with unbroken:
                settle_flush(session, plan, touched)
            if own:
                transaction.commit()
            elif done:
                self.hooks.fire("after_flush_postexec", self, unit)
            if bracket is not None:
                bracket.commit()
        except BaseException as error:
            if isinstance(error, IntegrityError):
                note_taken_keys(unit, error)
            take_keys_back(unit, known_keys)
            for orphan in [obj for address, obj in unit.marked.items() if address not in marked]:
                unit.unmark_deleted(orphan, "the flush failed")
            (bracket or transaction).fail(error)
            publish_end(session, error)
            if own and transaction is self.transaction:
                transaction.rollback()
            raise
        publish_end(session, None)
        if done and own:  # it is committed, whatever the hook says
            self.hooks.fire("after_flush_postexec", self, unit)

    @property
    def _flushes_itself(self) -> bool:
        """Is there something that the next read will flush?"""
        if not self.autoflush or self.flushing_thread is not None or not self.unit_of_work.has_work:
            return False
        return self.transaction is None or self.transaction.autoflush

    def autoflush_before(self, cause: str) -> None:
        """Flushes before something reads, if autoflush is on."""
        if not self._flushes_itself:
            return
        try:
            with self.bus.because(f"autoflush before {cause}", instead=True):
                self.flush()
        except Exception as error:
            error.add_note(
                "(raised as a result of Query-invoked autoflush; consider using a session.no_autoflush block if this flush is "
                "occurring prematurely)"
            )
            raise

    @property
    @contextmanager
    def no_autoflush(self) -> Iterator[Self]:
        """``with session.no_autoflush:`` queries do not flush inside."""
        before, self.autoflush = self.autoflush, False
        try:
            yield self
        finally:
            self.autoflush = before

    def flush_plan(self, objects: Iterable[Any] | None = None) -> FlushPlan:
        """What a flush would send, in order and why. Sends, loads and changes nothing.

        :raises CircularDependencyError: rows need each other's keys.
        """
        unit = self.unit_of_work
        chosen = {id(obj) for obj in objects or ()}
        plan = build_plan(unit, with_children(unit, chosen) if chosen else None)
        if plan.circle is not None:
            raise plan.circle
        return plan
