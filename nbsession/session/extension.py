"""``SessionExtension``: the hooks of 2007, as methods of one object."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from nbsession.session.hook_points import HookPoints

SIX = ("before_commit", "after_commit", "after_rollback", "before_flush", "after_flush", "after_flush_postexec")


class SessionExtension:
    """Takes part in what a session does: override the methods you need, and pass an object as ``Session(extension=...)``.

    One object may serve many sessions. :class:`~nbsession.event` does the same with functions, and knows more hooks.

    >>> class Stamp(SessionExtension):
    ...     def before_flush(self, session, flush_context, objects):
    ...         for obj in session.dirty: obj.changed = now()
    """

    def before_commit(self, session: Any) -> None:
        """A transaction or savepoint is about to be flushed and committed."""

    def after_commit(self, session: Any) -> None:
        """It was committed."""

    def after_rollback(self, session: Any) -> None:
        """It was rolled back."""

    def before_flush(self, session: Any, flush_context: Any, objects: Any) -> None:
        """Something is new, dirty or to be deleted, and will be sent.

        :param objects: the argument of flush(), or None.
        """

    def after_flush(self, session: Any, flush_context: Any) -> None:
        """It was sent; new, dirty and deleted still tell what it was."""

    def after_flush_postexec(self, session: Any, flush_context: Any) -> None:
        """The objects are in their new states."""


def hang(extension: Any, points: HookPoints) -> None:
    """Hangs the methods of an extension, or of several, on a session's hook points.

    :param extension: an object that has some of the six methods, or several of them.
    """
    several = extension if isinstance(extension, Iterable) else (extension,)
    for one in several:
        for name in SIX:
            method = getattr(one, name, None)
            if method is not None and getattr(type(one), name, None) is not getattr(SessionExtension, name):
                points.add(name, method)
