"""Assertions on what a session or an engine did: how many statements it sent, which objects moved.

They listen to the same facts and hooks that any user may listen to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from nbsession.events import Fact, StatementExecuted, StatesMoved


@contextmanager
def statements_of(source: Any) -> Iterator[list[str]]:
    """Collects the SQL that a session or an engine sends, without what the engine asks for itself.

    :param source: a Session or an Engine.
    :return: a list that grows; a statement sent with many sets of parameters is in it once.
    """
    sent: list[str] = []
    if hasattr(source, "subscribe"):

        def note(fact: Fact) -> None:
            if isinstance(fact, StatementExecuted) and not fact.internal:
                sent.append(fact.sql)

        stop: Callable[[], None] = source.subscribe(note)
    else:

        def hook(conn: Any, cursor: Any, statement: str, *rest: Any) -> None:
            sent.append(statement)

        hooks = source._hooks.setdefault("before_cursor_execute", [])
        hooks.append(hook)

        def stop() -> None:
            hooks.remove(hook)

    try:
        yield sent
    finally:
        stop()


@contextmanager
def expect_statements(source: Any, count: int) -> Iterator[list[str]]:
    """Asserts how many statements are sent inside the block.

    >>> with expect_statements(session, 1):
    ...     session.flush()

    :param source: a Session or an Engine.
    :return: the statements, for closer looks.
    """
    with statements_of(source) as sent:
        yield sent
    assert len(sent) == count, f"expected {count} statements, {len(sent)} were sent:\n" + "\n".join(sent)


@contextmanager
def expect_moves(session: Any, moves: Sequence[str]) -> Iterator[list[str]]:
    """Asserts which objects change state inside the block, in order.

    >>> with expect_moves(session, ["Member pending → persistent by insert ×2"]):
    ...     session.flush()

    :param moves: ``class before → after by trigger``, and ``×n`` where several in a row are alike.
    :return: the moves as written above, complete when the block has ended.
    """
    seen: list[tuple[str, int]] = []
    written: list[str] = []

    def note(fact: Fact) -> None:
        if isinstance(fact, StatesMoved):
            move = f"{fact.cls} {fact.before} → {fact.after} by {fact.trigger}"
            before = seen.pop() if seen and seen[-1][0] == move else (move, 0)
            seen.append((move, before[1] + fact.count))

    stop = session.subscribe(note)
    try:
        yield written
    finally:
        stop()
        written.extend(move if count == 1 else f"{move} ×{count}" for move, count in seen)
    assert written == list(moves)
