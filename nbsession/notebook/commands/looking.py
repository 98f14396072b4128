"""Tab and Shift-Tab look at objects, and looking must not load: while they do, an unloaded attribute refuses.

Without this, completing ``member.loans.`` would run a SELECT, and its autoflush INSERT whatever is pending: by pressing
a key. Attributes touched by cells, and by the callbacks of a user's own widgets, load as always.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from nbsession.notebook.recording.recorder import recorded_sessions
from nbsession.notebook.recording.sources import NotLoaded, source_of

__all__ = ["NotLoaded", "guard", "looking_only", "unguard"]


@contextmanager
def looking_only() -> Iterator[None]:
    """In this thread and until the end of the block, no attribute of a listened-to session's objects is loaded."""
    with ExitStack() as stack:
        for session in recorded_sessions():
            stack.enter_context(source_of(session).looking_only())
        yield


_INSPECTIONS = ("object_inspect", "object_inspect_mime")


def guard(shell: Any) -> None:
    """From now on completion and inspection in this shell only look."""
    for owner, name in _places(shell):
        setattr(owner, name, _quiet(getattr(owner, name), name == "completions"))


def unguard(shell: Any) -> None:
    """Completion and inspection are the shell's own again."""
    for owner, name in _places(shell):
        vars(owner).pop(name, None)


def _places(shell: Any) -> list[tuple[Any, str]]:
    return [(shell.Completer, "completions"), (shell.Completer, "complete"), *((shell, name) for name in _INSPECTIONS)]


def _quiet(function: Callable[..., Any], generates: bool) -> Callable[..., Any]:
    def generate(*args: Any, **keywords: Any) -> Iterator[Any]:
        with looking_only():
            yield from function(*args, **keywords)

    def call(*args: Any, **keywords: Any) -> Any:
        with looking_only():
            return function(*args, **keywords)

    return generate if generates else call
