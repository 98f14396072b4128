"""A session's transaction and its savepoints. Knows connections and the undo log; knows no SQL and no object.

One :class:`SessionTransaction` a level: the root, then one for each savepoint. A level takes a connection when it is first
needed, and tells the unit of work what to settle or unwind when it ends.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from nbsession.database.connection import Connection
from nbsession.database.interrupts import unbroken
from nbsession.exc import (
    FlushError,
    InvalidRequestError,
    NbsessionWarning,
    ResourceClosedError,
)
from nbsession.session.level import Level
from nbsession.session.unwinding import note_undeleted, settle, unwind
from nbsession.states import TransactionState, TransactionTrigger

if TYPE_CHECKING:
    from nbsession.mapping.mapper import Mapper

FLUSHES_PER_COMMIT = 100
OF_LEVELS = ("after_transaction_create", "after_transaction_end", "after_soft_rollback")
"""the hooks that hear of each level, the one that a flush opens for itself among them"""


class SessionTransaction(Level):
    """The transaction of a session, or a savepoint in it.

    :ivar session: the session.
    :ivar parent: the level above, or None.
    :ivar nested: is it a savepoint?
    :ivar autoflush: do its queries and its commit flush?
    :ivar name: the savepoint's name, or None.
    :ivar for_flush: was it opened by a flush, to be ended by it?
    :ivar state: where it stands.
    :ivar error: why it failed, or None.

    >>> with session.begin_nested() as savepoint:
    ...     session.add(user)
    """

    # ---------------------------------------------------------------------------------------------- ending

    def prepare(self) -> None:
        """First phase of a two-phase commit: flushes, then asks every connection to prepare. If one refuses, all roll back.

        :raises NotSupportedError: the database has no two-phase commit.
        :raises InvalidRequestError: the session is not two-phase, or this is a savepoint.
        """
        if self.parent is not None or not self.session.twophase:
            raise InvalidRequestError("'twophase' mode not enabled, or not root transaction; can't prepare.")
        self.require_active()
        self._end_inner_levels("commit")
        self._flush_before_commit()
        try:
            for held in self._enlisted.values():
                if held.ends:
                    held.transaction.prepare()
        except BaseException as error:
            self.fail(error)
            raise
        self._move(TransactionTrigger.PREPARE)

    def commit(self, to_root: bool = False) -> Self | None:
        """Flushes, then commits this level, and any level still open inside it.

        :param to_root: and the levels around it.
        :return: the level that is current now, or None.
        :raises PendingRollbackError: it failed before.
        :raises ResourceClosedError: it ended before.
        """
        with self.session.bus.because("savepoint released" if self.nested else "session.commit"):
            self._commit()
        return self.parent.commit(to_root=True) if to_root and self.parent is not None else self.parent

    def _commit(self) -> None:
        if self.state is not TransactionState.PREPARED:
            self.require_active()
            self._end_inner_levels("commit")
            if self.is_subtransaction:
                self._move(TransactionTrigger.COMMIT)
                self._leave()
                return
            if self.session.twophase and self.parent is None:
                self.prepare()
            else:
                self._flush_before_commit()
        with unbroken:
            late = self._commit_connections()
            self._move(TransactionTrigger.COMMIT)
            if self.nested:
                self.frame.hand_over()
            try:
                self.session.hooks.fire("after_commit", self.session)
            finally:  # it is committed, whatever a hook says
                if not self.nested:
                    unit = self.session.unit_of_work
                    expires, own = self.session.expire_on_commit, self.for_flush
                    settle(unit, self.frame, self.session.bus.cause, expire=expires and not own, detach=expires or own)
                self._leave()
            if late is not None:
                raise late

    def _commit_connections(self) -> BaseException | None:
        """Commits one connection after the other. Returns an error that came after a commit that went through."""
        committed: list[Any] = []
        late: BaseException | None = None
        try:
            for held in self._enlisted.values():
                if held.ends:
                    try:
                        held.transaction.commit()
                    except BaseException as error:
                        if not held.transaction.committed:
                            raise
                        late = late or error
                    committed.append(held.connection.engine)
        except BaseException as error:
            if committed and not self.nested:
                names = ", ".join(str(engine.url) for engine in committed)
                error.add_note(f"Already committed, and staying so: {names}. Everything else was rolled back.")
            self.fail(error, [] if self.nested else committed)
            raise
        return late

    def _flush_before_commit(self) -> None:
        self.session.hooks.fire("before_commit", self.session)
        if not self.autoflush:
            return
        left = FLUSHES_PER_COMMIT
        while self.session.unit_of_work.has_work:
            if not left:
                raise FlushError(
                    "Over 100 subsequent flushes have occurred within session.commit() - is an after_flush() hook creating "
                    "new objects?"
                )
            self.session.flush()
            left -= 1

    def rollback(self, to_root: bool = False) -> Self | None:
        """Rolls back this level, and any level still open inside it. One that failed is only closed: it is rolled back.

        A subtransaction takes the level that it stands for with it.

        :param to_root: and the levels around it.
        :return: the level that is current now, or None.
        :raises ResourceClosedError: it ended before.
        """
        if self.state is TransactionState.CLOSED:
            raise ResourceClosedError("This transaction is closed")
        if self.is_subtransaction:
            return self.real.rollback(to_root)
        error: BaseException | None = None
        lost = False
        with unbroken, self.session.bus.because("rollback to savepoint" if self.nested else "session.rollback"):
            self._end_inner_levels("rollback")
            if self.state is not TransactionState.FAILED:
                error, lost = self._undo(self.session.bus.cause)
            elif self.session.unit_of_work.has_work:
                self._discard_later_work()
            self._move(TransactionTrigger.ROLLBACK, error)
            error = _first_of(error, self._leave, self._tell_soft_rollback)
            if lost and self.parent is not None and error is not None:
                self.parent.fail(error)
        if error is not None:
            raise error
        return self.parent.rollback(to_root=True) if to_root and self.parent is not None else self.parent

    def bracket(self) -> Self | None:
        """The subtransaction that a flush opens within this level, if a hook wants to hear of it."""
        if not any(map(self.session.hooks.listens, OF_LEVELS)):
            return None
        return type(self)(self.session, self, self.autoflush, for_flush=True)

    def fail(self, error: BaseException, committed: Sequence[Any] = (), bracket: Self | None = None) -> None:
        """A flush or commit failed: rolls back, and waits for rollback() in a state that refuses work.

        :param committed: engines whose rows stay, because they had committed before another one refused.
        :param bracket: the subtransaction of the flush that failed, which ends with it.
        """
        if self.is_subtransaction:
            mine = self.for_flush and self.state is TransactionState.ACTIVE  # a hook may have ended it
            self.real.fail(error, committed, self if mine else bracket)
            return
        if self.state not in (TransactionState.ACTIVE, TransactionState.PREPARED):
            return
        self.error = error
        with unbroken:
            second, lost = self._undo("failed flush", committed)
            self._move(TransactionTrigger.FAIL, error)  # before the hook, which asks session.is_active
            if bracket is not None:
                second = _first_of(second, bracket.give_way, bracket._tell_soft_rollback)
            else:
                second = _first_of(second, self._tell_soft_rollback)
            if second is not None:
                error.add_note(f"The rollback after it failed too: {second}")
            if (second is not None or lost) and self.parent is not None:
                self.parent.fail(second or error)

    def give_way(self) -> None:
        """A subtransaction ends because the level that it stands for was rolled back."""
        self._move(TransactionTrigger.ROLLBACK)
        self._leave()

    def _undo(self, cause: str, committed: Sequence[Any] = ()) -> tuple[BaseException | None, bool]:
        """Rolls back connections and objects; all of them even if one fails.

        :return: the first error; and, of a savepoint, whether a connection could not go back to it, so that the level above
            is not what it was either.
        """
        first: BaseException | None = None
        lost = False
        for held in self._enlisted.values():
            if not held.transaction.is_active:
                lost = lost or self.nested
                continue
            try:
                held.transaction.rollback()
            except BaseException as error:
                first, lost = first or error, self.nested
        self._rolled_back = True
        first = _first_of(first, partial(self.session.hooks.fire, "after_rollback", self.session))
        self._stays = self._written_to(committed) if committed else None
        unwind(self.session.unit_of_work, self.frame, cause, self._stays)
        return first, lost

    def _tell_soft_rollback(self) -> None:
        self.session.hooks.fire("after_soft_rollback", self.session, self)

    def _written_to(self, engines: Sequence[Any]) -> Callable[[Mapper], bool]:
        """Do rows of a mapper lie with one of these engines?"""

        def answer(mapper: Mapper) -> bool:
            bind = self.session.get_bind(mapper)
            return any((bind.engine if isinstance(bind, Connection) else bind) is engine for engine in engines)

        return answer

    def _discard_later_work(self) -> None:
        """Objects were added, changed or marked after the failure had been rolled back: that goes too."""
        warnings.warn(
            "Session's state has been changed on a non-active transaction - this state will be discarded.",
            NbsessionWarning,
            stacklevel=2,
        )
        unwind(self.session.unit_of_work, self.frame, self.session.bus.cause, self._stays)

    def close(self) -> None:
        """Ends this level without flush or hooks: what was not committed is rolled back with its connections."""
        if self.state is not TransactionState.CLOSED:
            inner = self.session.transaction
            while inner is not None and inner is not self and self in inner.levels():
                inner.close()
                inner = self.session.transaction
            if self.frame.deleted:
                note_undeleted(self.session.unit_of_work, self.frame)
            self._move(TransactionTrigger.CLOSE)
        if self.session.transaction is self:
            self._leave()

    def _end_inner_levels(self, how: str) -> None:
        level = self.session.transaction
        if level is None or level is self or self not in level.levels():
            return
        while level is not None and level is not self:
            if how == "commit":
                level.commit()
            elif level.state is TransactionState.FAILED:
                level.rollback()
            else:
                level.abandon(told=self.parent is None)
            level = self.session.transaction

    def abandon(self, told: bool) -> None:
        """An outer level is rolled back: this one goes with it; the database needs no word of it.

        :param told: hooks are told of each level, as when the session is rolled back; a savepoint's handle tells of its own.
        """
        session, error = self.session, None
        self._rolled_back = True
        if not self.is_subtransaction:
            if told:
                error = _first_of(None, partial(session.hooks.fire, "after_rollback", session))
            unwind(session.unit_of_work, self.frame, session.bus.cause)
        self._move(TransactionTrigger.ROLLBACK)
        error = _first_of(error, self._leave, *((self._tell_soft_rollback,) if told else ()))
        if error is not None:
            raise error

    def _leave(self) -> None:
        """Gives connections back, and makes the level above current."""
        enlisted, self._enlisted = self._enlisted, {}
        self.error = None  # its traceback holds this transaction, and by it the session: a circle
        session = self.session
        if not self.is_subtransaction:
            session.unit_of_work.frame = self.frame.parent
        session.transaction = self.parent
        endings: list[Callable[[], object]] = []
        for held in enlisted.values():
            if held.closes:
                endings.append(held.connection.close)
            elif not self.nested and held.ends and held.transaction.is_active:
                endings.append(held.transaction.close)
        if session.hooks.listens("after_transaction_end"):
            endings.append(partial(session.hooks.fire, "after_transaction_end", session, self))
        error = _first_of(None, *endings)
        if error is not None:
            raise error

    # --------------------------------------------------------------------------------------------- with ...

    def __enter__(self) -> Self:
        self._outer_block, self.session.block = self.session.block, self
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        self.session.block = self._outer_block
        if self.state is TransactionState.CLOSED:
            return
        if kind is None:
            try:
                self.commit()
            except BaseException:
                self._end_after_failure()
                raise
        else:
            self._end_after_failure()

    def _end_after_failure(self) -> None:
        if self.state is not TransactionState.CLOSED:
            self.rollback()

    def __repr__(self) -> str:
        kind = f"savepoint {self.name or ''}".strip() if self.nested else "transaction"
        if self.is_subtransaction:
            kind = "subtransaction"
        return f"<SessionTransaction {kind} {self.state.value}>"


def _first_of(error: BaseException | None, *deeds: Callable[[], object]) -> BaseException | None:
    """Does everything, whatever fails on the way. Returns the first error, which may have been there before."""
    for deed in deeds:
        try:
            deed()
        except BaseException as another:
            error = error or another
    return error
