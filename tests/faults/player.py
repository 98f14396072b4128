"""Plays a program while one driver call fails, goes on from where the session says it stands, and compares with a clean play.

The oracle: after an error everything is as at the beginning of the level that was rolled back (the innermost savepoint, or the
transaction), states and rows; or, where COMMIT had gone through, as after it. From there the program is repeated, and must end
as the clean play did.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from nbsession import DBAPIError, InvalidRequestError, inspect
from nbsession.states import TransactionState
from tests.faults.driver import SAID, Fault
from tests.faults.model import Crate
from tests.faults.programs import Objects, Step
from tests.faults.world import Rows, World

CLOSE = Step("close")
CONTROL = ("SAVEPOINT", "RELEASE", "ROLLBACK", "BEGIN", "COMMIT", "SET current_transaction", "PRAGMA")


@dataclass
class Point:
    """How things stood before a step."""

    index: int
    rows: Rows
    states: dict[str, str]
    objects: Objects


@dataclass
class Play:
    """What came of playing a program.

    :ivar commits: how things stood after each end of a transaction, by the number of the next step.
    :ivar error: what was raised, or None.
    :ivar outcome: where it was taken up: ``nothing raised``, ``step repeated``, ``savepoint``, ``transaction``,
        ``committed``, ``parted`` or ``closed``.
    :ivar depth: how many savepoints of the program were set when it was raised.
    """

    commits: dict[int, Point] = field(default_factory=dict)
    error: BaseException | None = None
    outcome: str = "nothing raised"
    depth: int = 0


class Player:
    """Plays one program in one world."""

    def __init__(self, world: World, steps: list[Step]) -> None:
        self.world = world
        self.steps = [*steps, CLOSE]
        self.clean = self.play(Fault())
        self.play(Fault())  # what is asked once, about the tables, is known now
        self.calls = list(world.gate.texts)

    def play(self, fault: Fault) -> Play:
        """Plays the program to its end; after an error it is taken up again from where the session stands."""
        self.world.clear()
        self.world.gate.arm(fault)
        self.session = self.world.session()
        self.objects: Objects = {}
        self.levels: list[tuple[Any, Point]] = []
        self.index = 0
        play = Play()
        self.last = play.commits[0] = self._point(self.world.committed())
        while self.index < len(self.steps):
            step = self.steps[self.index]
            try:
                self._do(step)
            except BaseException as error:
                if self.world.gate.failed is None or play.error is not None:
                    raise
                play.error, play.depth = error, len(self.levels)
                self._check_error(error)
                play.outcome = self._recover(step)
                self.world.gate.disarm()
                if play.outcome == "parted":
                    break
                continue
            self.index += 1
            if step.verb in ("commit", "rollback"):
                self.last = play.commits[self.index] = self._point(self.world.committed())
        self.world.gate.disarm()
        self.session.close()
        self.world.check_links()
        if fault.at and play.outcome != "parted":
            final = self.clean.commits[max(self.clean.commits)]
            assert self.world.committed() == final.rows, "the rows at the end"
            assert self.last.states == final.states, "the states at the end"
        return play

    def _do(self, step: Step) -> None:
        match step.verb:
            case "do":
                for work in step.works:
                    work(self.session, self.objects)
            case "begin_nested":
                self.session.flush()
                point = self._point(self.world.seen_by(self.session))
                self.levels.append((self.session.begin_nested(), point))
            case "release":
                self.levels[-1][0].commit()
                self.levels.pop()
            case "rollback to":
                handle, point = self.levels[-1]
                handle.rollback()
                self.session.connection()  # refused where the level above was lost, too
                self.levels.pop()
                self._check(point)
            case "commit":
                self.session.commit()
            case "rollback":
                self.session.rollback()
                self._check(self.last)
            case "close":
                self.session.close()

    # ── after an error ───────────────────────────────────────────────────────────────────────────────────────────────
    def _check_error(self, error: BaseException) -> None:
        said = [str(error), *getattr(error, "__notes__", ())]
        cause: BaseException | None = error
        while cause is not None:
            said.append(str(cause))
            cause = cause.__cause__ or cause.__context__
        assert isinstance(error, DBAPIError | InvalidRequestError | KeyboardInterrupt), f"{error!r} is no answer"
        assert any(SAID in one for one in said), f"{error!r} does not say why"

    def _recover(self, step: Step) -> str:
        """Rolls back as a user would, and checks what is left. Sets where to go on."""
        session = self.session
        if step.verb == "close":
            assert session.transaction is None and not list(session)
            self.index += 1
            return "closed"
        if step.verb in ("commit", "rollback"):
            return self._whole(step)
        if step.verb == "begin_nested" and session.is_active and self._alive():
            return "step repeated"
        handle, point = self.levels[-1] if self.levels else (None, self.last)
        tries = 0
        while handle is not None and handle.state is not TransactionState.CLOSED and tries < 3:
            tries += 1
            nested = session.get_nested_transaction()
            with suppress(DBAPIError, InvalidRequestError):
                if nested is not None:
                    nested.rollback()
        if handle is not None and session.transaction is not None and session.is_active:
            self.levels.pop()
            self.index, self.objects = point.index, dict(point.objects)
            self._check(point)
            return "savepoint"
        return self._whole(step)

    def _alive(self) -> bool:
        """Would the database go on?"""
        return all(not connection.transaction_aborted for connection in self.session.transaction.enlisted())  # type: ignore[union-attr]

    def _whole(self, step: Step) -> str:
        """Rolls the whole transaction back. A COMMIT may have gone through."""
        interrupted = self.world.gate.fault.how == "interrupted"
        for _ in range(3):
            with suppress(DBAPIError, InvalidRequestError):
                self.session.rollback()
        assert self.session.transaction is None
        self.levels.clear()
        self.world.gate.disarm()
        self.world.touch()
        rows = self.world.committed()
        after = self.clean.commits.get(self.index + 1)
        if step.verb == "commit" and after is not None and rows != self.last.rows:
            if rows == after.rows:
                assert interrupted, "rows of a COMMIT that was said to have failed"
                self._check(after, self.objects)
                self.index += 1
                self.last = Point(self.index, rows, self._states(self.objects), dict(self.objects))
                return "committed"
            stays = {t for t in rows if rows[t] == after.rows[t] != self.last.rows[t]}
            crates = "crate" in stays
            assert all((t == "crate") is crates for t in stays), "half a COMMIT"
            assert all(rows[t] == self.last.rows[t] for t in rows if (t == "crate") is not crates), "half a COMMIT"
            self._check_parted(after, crates)
            return "parted"
        self.index, self.objects = self.last.index, dict(self.last.objects)
        self._check(self.last)
        return "transaction"

    # ── how things stand ─────────────────────────────────────────────────────────────────────────────────────────────
    def _states(self, objects: Objects) -> dict[str, str]:
        return {name: _status(obj) for name, obj in objects.items()}

    def _point(self, rows: Rows) -> Point:
        return Point(self.index, rows, self._states(self.objects), dict(self.objects))

    def _check(self, point: Point, objects: Objects | None = None) -> None:
        """States and rows are those of a point; objects made after it are new again."""
        session = self.session
        rows = self.world.seen_by(session)
        assert rows == point.rows, f"rows before step {point.index}"
        states = {name: point.states.get(name, "transient") for name in objects or self.objects}
        assert self._states(objects or self.objects) == states, f"states before step {point.index}"
        assert not session.new and not session.dirty and not session.deleted
        for obj in (objects or self.objects).values():
            if _status(obj) == "persistent":
                self._check_values(obj, rows)

    def _check_values(self, obj: Any, rows: Rows) -> None:
        """What an object says of itself is what the rows say."""
        mapper = inspect(obj).mapper
        for table in mapper.tables:
            values = tuple(getattr(obj, mapper.key_of(column)) for column in table.columns)
            assert values in rows[table.name], f"{obj!r} holds {values}"

    def _check_parted(self, after: Point, crates: bool) -> None:
        """One engine has committed, the other has not: each object is as its rows are."""
        for name, obj in self.objects.items():
            committed = isinstance(obj, Crate) is crates
            assert _status(obj) == (after.states[name] if committed else self.last.states.get(name, "transient")), name


def _status(obj: Any) -> str:
    return str(inspect(obj).status.value) if hasattr(inspect(obj), "status") else _said(inspect(obj))


def _said(state: Any) -> str:
    return next(word for word in ("transient", "pending", "persistent", "deleted", "detached") if getattr(state, word))
