"""Runs a program statement by statement, and after each compares the watched board with what SQLAlchemy itself says.

What is compared against is heard and asked here by other ways than those of the house: every statement is taken from the
engine, every object from its class's events, every state from ``sqlalchemy.inspect``.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar
from weakref import WeakKeyDictionary, WeakSet

from sqlalchemy import event, inspect
from sqlalchemy.engine import Engine
from sqlalchemy.orm import NO_VALUE, Mapper, Session

from nbsession.events import tokens
from nbsession.notebook.recording.recorder import recorder_of
from nbsession.notebook.recording.snapshots import Card, Snapshot

STATES = ("transient", "pending", "persistent", "deleted", "detached")
Node = TypeVar("Node", bound=ast.AST)


class _Steps(ast.NodeTransformer):
    """Puts a call of ``step()`` after each statement that is not inside a function, and at the beginning of a ``with``."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.ClassDef:
        return node

    def generic_visit(self, node: Node) -> Node:
        super().generic_visit(node)
        for name in ("body", "orelse", "finalbody"):
            block = getattr(node, name, None)
            if isinstance(block, list) and block and isinstance(block[0], ast.stmt):
                stepped = [part for each in block for part in (each, _call(each.end_lineno or each.lineno))]
                setattr(node, name, [*([_call(node.lineno)] if isinstance(node, ast.With) else []), *stepped])
        return node


def _call(line: int) -> ast.stmt:
    [call] = ast.parse(f"step({line})").body
    return call


def run_stepwise(program: str, names: dict[str, Any], step: Callable[[int], None]) -> None:
    """Runs a program and calls ``step(line)`` after each of its statements."""
    tree = ast.parse(program)
    docstring = ast.get_docstring(tree) is not None
    stepped = ast.fix_missing_locations(_Steps().visit(tree))
    if docstring:
        del stepped.body[1]
    exec(compile(stepped, "<program>", "exec", dont_inherit=True), names)


class Witness:
    """What happens, by its own hearing: statements by session, and every mapped object that is alive."""

    def __init__(self) -> None:
        self.objects: WeakSet[Any] = WeakSet()
        self.statements = 0
        self.sent: WeakKeyDictionary[Any, list[str]] = WeakKeyDictionary()
        self._owners: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()

    @contextmanager
    def listening(self) -> Iterator[Witness]:
        ears = [
            (Mapper, "init", lambda obj, args, keywords: self.objects.add(obj)),
            (Mapper, "load", lambda obj, context: self.objects.add(obj)),
            (Session, "after_begin", self._began),
            (Engine, "before_cursor_execute", self._sent),
        ]
        for target, name, ear in ears:
            event.listen(target, name, ear)
        try:
            yield self
        finally:
            for target, name, ear in ears:
                event.remove(target, name, ear)

    def _began(self, session: Any, _transaction: Any, connection: Any) -> None:
        if connection not in self._owners:
            # a savepoint has been sent by now, of which the event could not yet be told: it is the session's
            self._owners[connection] = session

    def _sent(self, connection: Any, _cursor: Any, sql: str, *_: Any) -> None:
        self.statements += 1
        owner = self._owners.get(connection)
        if owner is not None:
            self.sent.setdefault(owner, []).append(sql)


class Stepper:
    """Compares, after each step, every session that is watched with what SQLAlchemy says.

    :ivar steps: how many comparisons of a session were made.
    """

    def __init__(self, witness: Witness) -> None:
        self.witness = witness
        self.steps = 0
        self.seen: set[str] = set()
        self._sent_before: WeakKeyDictionary[Any, int] = WeakKeyDictionary()

    def compare(self, session: Session, where: str) -> None:
        """One session, now."""
        begun, statements = session.in_transaction(), self.witness.statements
        if session not in self._sent_before:
            self._sent_before[session] = len(self.witness.sent.get(session, []))
        recorder = recorder_of(session)
        shown = recorder.snapshot()
        self.steps += 1
        self._objects(session, shown, where)
        for obj in self.witness.objects:
            if inspect(obj).session is session:
                self._attributes(obj, recorder.card(obj), where)
        wanted_log = self.witness.sent.get(session, [])[self._sent_before[session] :]
        assert self._log(recorder) == wanted_log, f"{where}: {self._log(recorder)} {wanted_log}"
        assert stack_shown(shown) == stack_of(session), where
        assert (session.in_transaction(), self.witness.statements) == (begun, statements), f"{where}: looking acted"

    def _objects(self, session: Session, shown: Snapshot, where: str) -> None:
        wanted: dict[str, set[int]] = {state: set() for state in STATES}
        for obj in self.witness.objects:
            state = inspect(obj)
            word = next(word for word in STATES if getattr(state, word))
            if state.session in (None, session):
                wanted[word].add(tokens.of(obj))
                moved = recorder_of(session).journal.last_move(tokens.of(obj))
                assert moved is None or state.session is None or moved["after"] == word, f"{where}: last move of {obj}"
        for lane in shown.lanes:
            here = f"{where}: {lane['state']}"
            assert lane["count"] == len(wanted[lane["state"]]), here
            assert set(lane["tokens"]) <= wanted[lane["state"]], here
            assert len(lane["tokens"]) == min(30, lane["count"]), here
            self.seen |= {lane["state"]} if lane["count"] else set()

    def _attributes(self, obj: Any, card: Card, where: str) -> None:
        state = inspect(obj)
        where = f"{where}: {card['label']}"
        assert ("to delete" in card["flags"]) == (obj in state.session.deleted), where
        for attribute in card["attributes"]:
            value, history = state.attrs[attribute["name"]].loaded_value, state.attrs[attribute["name"]].history
            if value is NO_VALUE:
                assert attribute["status"] != "loaded", where
                continue
            assert attribute["status"] == "loaded", where
            if attribute["kind"] == "column":
                assert attribute["current"] == repr(value), where
                assert attribute["changed"] == (bool(history.added) and not state.deleted), where
            elif attribute["kind"] == "many":
                assert attribute["tokens"] == [tokens.of(each) for each in value], where
            else:
                assert attribute["tokens"] == ([] if value is None else [tokens.of(value)]), where

    def _log(self, recorder: Any) -> list[str]:
        return [entry["sql"] for entry in recorder.journal.statements]


def stack_shown(shown: Snapshot) -> tuple[str, list[str]]:
    """The state and the kinds of the frames on the board."""
    return shown.transaction["state"], [frame["kind"] for frame in shown.transaction["frames"]]


def stack_of(session: Session) -> tuple[str, list[str]]:
    """The same, as SQLAlchemy says."""
    level = session.get_nested_transaction() or session.get_transaction()
    if level is None:
        return "idle", []
    state, kinds = "active" if level.is_active else "failed", []
    while level is not None:
        kinds.append("savepoint" if level.nested else "transaction")
        level = level.parent
    return state, kinds[::-1]
