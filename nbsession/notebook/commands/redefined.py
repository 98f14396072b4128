"""A class cell is run again: what becomes of its objects, said under the cell; and refused while it would lose something.

The classes themselves are changed by :mod:`nbsession.mapping.declaring.remapping`; here is who watches in a notebook.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from weakref import WeakKeyDictionary

from nbsession.exc import InvalidRequestError
from nbsession.mapping.declaring.differences import Differences
from nbsession.mapping.declaring.redefining import objects_of
from nbsession.notebook.commands.drift import lacking
from nbsession.notebook.commands.roll import unsaved
from nbsession.notebook.recording.cells import clock
from nbsession.notebook.recording.recorder import own_sessions
from nbsession.notebook.views.plain import clip, counted, listed
from nbsession.tracking.instance_state import state_of

PACKAGE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Redefined:
    """Watches class statements that are run again.

    :param tell: prints a line under the cell.
    """

    def __init__(self, tell: Callable[[str], object] = print) -> None:
        self._tell = tell
        self._places: WeakKeyDictionary[type, tuple[str, str]] = WeakKeyDictionary()

    def defined(self, cls: type) -> None:
        """A new class: where it was defined is remembered."""
        self._places[cls] = _place()

    def asked(self, cls: type, differences: Differences) -> None:
        """May a class change?

        :raises InvalidRequestError: something that is not saved would be lost.
        """
        if not differences.breaking and not (differences.relinked and differences.relationships):
            return
        registry = cls.__mapper__.registry  # type: ignore[attr-defined]
        for session in own_sessions():
            lost = unsaved(session)
            if lost and ("written" in lost or any(state_of(obj).mapper.registry is registry for obj in session)):
                what = listed(differences.breaking or ["its relationships are others"], 3)
                raise InvalidRequestError(
                    f"Class '{cls.__name__}' cannot become another one now ({what}): a session holds what is not saved "
                    f"({lost}). %session commit or %session rollback, then run this cell again; until then the class is "
                    "what it was."
                )

    def changed(self, cls: type, differences: Differences) -> None:
        """A class was changed in place."""
        self._twice(cls)
        mapper = vars(cls).get("__mapper__")
        if mapper is None:
            return
        count = sum(len(objects_of([one.class_])) for one in mapper.self_and_descendants)
        if count:
            self._tell(clip(f"{cls.__name__} defined again: its {counted(count, 'object')} went along, with state"))
        if differences.added:
            note = f", not loaded on {'it' if count == 1 else 'them'} yet" if count else ""
            self._tell(clip(f"{cls.__name__} has new columns: {listed(differences.added, 6)}{note}"))
        self._tell_drift(cls)

    def replaced(self, cls: type, former: list[type], differences: Differences) -> None:
        """A class took the place of another: the other's objects leave their sessions."""
        self._twice(cls, former[0])
        where = f" in {clock.now}" if clock.now else ""
        objects = objects_of(former)
        for obj in objects:
            session = state_of(obj).session_ref()
            if session is not None:
                session.expunge(obj)
        for one in former:
            mapper = one.__mapper__  # type: ignore[attr-defined]
            mapper.retired = f"class redefined{where}"
            for session in own_sessions():
                session.unit_of_work.forget_class(mapper)
        self._tell(clip(f"{cls.__name__} is another class now: {listed(differences.breaking, 3)}"))
        if objects:
            self._tell(clip(f"  {counted(len(objects), 'object')} of the class before: no session has them any more"))
        for one in former[1:]:
            home = self._places.get(one, ("", ""))[1]
            self._tell(clip(f"  {one.__name__} inherits from it: run its cell{f' ({home})' if home else ''} again"))
        self._tell_drift(cls)

    def _twice(self, cls: type, former: type | None = None) -> None:
        """One name, two cells: whichever was run last counts, which nobody can see."""
        before, now = self._places.get(former or cls), _place()
        self._places[cls] = now
        if before is not None and before[0] != now[0] and before[0] and now[0]:
            self._tell(
                f"! {cls.__name__} is defined in two places, {before[1]} and {now[1]}: the one run last counts. Keep one, or "
                "give one another name."
            )

    def _tell_drift(self, cls: type) -> None:
        for session in own_sessions():
            missing = lacking(session, cls)
            if missing:
                self._tell(
                    f"  its table lacks {listed(missing, 6)}, and queries of {cls.__name__} will fail: %session remap --alter adds "
                    f"{'it' if len(missing) == 1 else 'them'}"
                )


def _place() -> tuple[str, str]:
    """Which cell or file runs now: what stays the same when it runs again (empty if nobody knows), and its name."""
    frame = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(PACKAGE):
        frame = frame.f_back  # type: ignore[assignment]
    file = frame.f_code.co_filename if frame is not None else ""
    if os.path.isfile(file):
        return file, os.path.basename(file)
    return (clock.ident if clock.identified else ""), clock.now or "a cell"
