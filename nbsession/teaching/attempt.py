"""What happened while somebody worked on an exercise: facts of the sessions, and the rows that are committed now.

Knows sessions and their facts; knows no exercise and no notebook. What requirements are written against.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, TypeVar

from nbsession import inspect
from nbsession.events import Fact, FlushEnded, FlushStarted, StatementExecuted, StatesMoved, TransactionMoved
from nbsession.exc import NoInspectionAvailable
from nbsession.teaching.toolshed import committed_rows, toolshed_rows
from nbsession.teaching.toolshed.outside import in_text
from nbsession.teaching.toolshed.rows import Row

STATES = ("transient", "pending", "persistent", "deleted", "detached")
ENDS = ("commit", "rollback")
F = TypeVar("F", bound=Fact)


class Attempt:
    """One attempt at an exercise. It listens from when it is made until :meth:`stop`.

    :param session: the notebook's session.
    :param names: the notebook's variables.

    :ivar facts: all that happened, in order.
    :ivar error: the class of what the learner's code raised, if it did.
    """

    def __init__(self, session: Any, names: Mapping[str, Any]) -> None:
        self.session = session
        self.names = names
        self.facts: list[Fact] = []
        self.error: type[BaseException] | None = None
        self._stops: list[Callable[[], None]] = []
        self._heard: list[Any] = []
        self._own: list[Fact] = []
        self.listen_to(session)
        self._stops.append(session.subscribe(self._own.append))

    def listen_to(self, session: Any) -> None:
        """Also notes what happens in another session."""
        if not any(each is session for each in self._heard):
            self._heard.append(session)
            self._stops.append(session.subscribe(self.facts.append))

    def stop(self) -> None:
        """Listens no more and lets the sessions go; what was noted stays."""
        for stop in self._stops:
            stop()
        self._stops.clear()
        self._heard.clear()
        self.session, self.names = None, {}

    @property
    def listening(self) -> bool:
        """Is it still the exercise that is worked on?"""
        return bool(self._stops)

    @property
    def url(self) -> str:
        """The database's URL."""
        return str(self.session.get_bind().url)

    # ── objects ──────────────────────────────────────────────────────────────────────────────────────────────────────
    def lives(self, cls: str = "") -> list[tuple[str, ...]]:
        """The states that each object went through, in order, one object after another.

        :param cls: only objects of this class.

        An object that was added, flushed and rolled back has ``("transient", "pending", "persistent", "transient")``.
        """
        lives: dict[int, list[str]] = {}
        for fact in self._of(StatesMoved):
            if cls in ("", fact.cls):
                for subject in fact.subjects:
                    lives.setdefault(subject.token, [fact.before]).append(fact.after)
        return [tuple(life) for life in lives.values()]

    def state(self, name: str) -> str:
        """The state in which the object is that a variable holds; empty if it holds none."""
        try:
            state: Any = inspect(self.names.get(name))
        except NoInspectionAvailable:
            return ""
        return next((each for each in STATES if getattr(state, each, False)), "")

    def moved(self, cls: str = "", *, to: str) -> int:
        """How many objects of a class moved into a state."""
        return sum(fact.count for fact in self._of(StatesMoved) if cls in ("", fact.cls) and fact.after == to)

    # ── statements ───────────────────────────────────────────────────────────────────────────────────────────────────
    def sent(self, verb: str = "", table: str = "") -> list[StatementExecuted]:
        """The statements that were sent, without those that the engine sends for itself.

        :param verb: only ``"SELECT"``, ``"INSERT"``, ``"UPDATE"`` or ``"DELETE"``.
        :param table: only those that name this table.
        """
        word = re.compile(rf"\b{re.escape(table)}\b")
        return [
            fact
            for fact in self._of(StatementExecuted)
            if not fact.internal and fact.sql.lstrip().upper().startswith(verb) and (not table or word.search(fact.sql))
        ]

    def count(self, verb: str = "", table: str = "") -> int:
        """How many statements were sent: see :meth:`sent`."""
        return len(self.sent(verb, table))

    @property
    def flushes(self) -> list[FlushStarted]:
        """The flushes that sent something."""
        return self._of(FlushStarted)

    @property
    def failures(self) -> list[str]:
        """The errors of flushes and statements, in order, each said once."""
        said = [fact.error for fact in self._of(StatementExecuted) if fact.error]
        flushes = [fact.error for fact in self._of(FlushEnded) if fact.error]
        return said + [error for error in flushes if not any(each.partition(": ")[2] in error for each in said)]

    # ── transactions ─────────────────────────────────────────────────────────────────────────────────────────────────
    @property
    def commits(self) -> int:
        """How many transactions were committed; savepoints do not count."""
        return self._ended("commit")

    @property
    def rollbacks(self) -> int:
        """How many transactions were rolled back; savepoints do not count."""
        return self._ended("rollback")

    def savepoints(self, trigger: str = "begin") -> int:
        """How many savepoints began, or ended by ``"commit"`` or ``"rollback"``."""
        return sum(1 for fact in self._of(TransactionMoved) if fact.level and fact.trigger == trigger)

    def transaction_of(self, happened: Callable[[Fact], bool]) -> tuple[int, int] | None:
        """The transaction of the notebook's session in which something happened: the numbers of its first and last event.

        :param happened: is this what happened? The first such fact counts.
        :return: None if nothing such happened.
        """
        began = found = None
        for fact in self._own:
            if isinstance(fact, TransactionMoved) and not fact.level and fact.trigger == "begin":
                began = fact.seq
            if found is None and happened(fact):
                found = began or fact.seq
            if found is not None and isinstance(fact, TransactionMoved) and not fact.level and fact.trigger in ENDS:
                return found, fact.seq
        return None if found is None else (found, self._own[-1].seq)

    @property
    def calls(self) -> list[str]:
        """The calls that did something, in order: ``["session.add", "session.flush", …]``."""
        causes: list[str] = []
        for fact in self.facts:
            if fact.cause not in ("", "autobegin", *causes[-1:]):
                causes.append(fact.cause)
        return causes

    @property
    def unsaved(self) -> str:
        """What would be lost if everything stopped now, in words; empty if nothing would."""
        for session in self._heard:
            waiting = len(session.new) + len(session.dirty) + len(session.deleted)
            if waiting:
                return f"{waiting} {'object waits' if waiting == 1 else 'objects wait'} for a flush"
            if session.in_transaction() and self.written_and_open:
                return "what was sent is not committed"
        return ""

    @property
    def written_and_open(self) -> bool:
        """Were rows written since the last COMMIT or ROLLBACK?"""
        for fact in reversed(self.facts):
            if isinstance(fact, TransactionMoved) and not fact.level and fact.trigger != "begin":
                return False
            if isinstance(fact, StatementExecuted) and not fact.internal and not _reads(fact.sql):
                return True
        return False

    # ── rows ─────────────────────────────────────────────────────────────────────────────────────────────────────────
    @cached_property
    def _committed(self) -> dict[str, list[Row]]:
        return committed_rows(self.url)

    def look_again(self) -> None:
        """Reads the rows anew at the next question."""
        self.__dict__.pop("_committed", None)

    def rows(self, table: str) -> list[Row]:
        """The rows of a table as everybody else sees them, in the order of their keys; days as text."""
        return self._committed[table]

    def added(self, table: str) -> list[Row]:
        """The rows whose keys the fresh Toolshed has not."""
        keys = {row[0] for row in toolshed_rows()[table]}
        return [row for row in self.rows(table) if row[0] not in keys]

    def gone(self, table: str) -> list[Row]:
        """The fresh Toolshed's rows whose keys are there no more."""
        keys = {row[0] for row in self.rows(table)}
        return [row for row in in_text(toolshed_rows()[table]) if row[0] not in keys]

    def changed(self, table: str) -> list[Row]:
        """The rows that are in the fresh Toolshed too, with other values; as they are now."""
        before = {row[0]: row for row in in_text(toolshed_rows()[table])}
        return [row for row in self.rows(table) if row[0] in before and before[row[0]] != row]

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────────
    def _of(self, kind: type[F]) -> list[F]:
        return [fact for fact in self.facts if isinstance(fact, kind)]

    def _ended(self, trigger: str) -> int:
        return sum(1 for fact in self._of(TransactionMoved) if not fact.level and fact.trigger == trigger)


def _reads(sql: str) -> bool:
    return sql.lstrip().upper().startswith(("SELECT", "WITH", "PRAGMA", "SAVEPOINT", "RELEASE"))
