"""Exercises: begun on fresh rows, judged by rows and events, with hints and a solution. Knows no shell and no widget."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import replace
from typing import Any, NamedTuple

from nbsession.notebook import views
from nbsession.notebook.commands.current import sessions_in
from nbsession.notebook.commands.run_again import run_again
from nbsession.notebook.recording.recorder import recorder_of
from nbsession.notebook.views.view import View
from nbsession.teaching import lessons, pictures
from nbsession.teaching.attempt import Attempt
from nbsession.teaching.lesson import Exercise, Wrong
from nbsession.teaching.progress import progress
from nbsession.teaching.toolshed import restore_toolshed

SHOWN: Mapping[str, Callable[[Any, tuple[int, int]], View]] = {
    "board": lambda session, between: views.board(session),
    "timeline": lambda session, between: views.timeline(session, last=sys.maxsize, between=between),
    "log": lambda session, between: views.sql(session, between=between),
    "stack": lambda session, between: views.stack(session),
    "outside": lambda session, between: views.outside(session),
    "diff": lambda session, between: views.changes(session),
    "plan": lambda session, between: views.plan(session),
    "identity": lambda session, between: views.identity(session),
    "graph": lambda session, between: views.graph(session),
}
"""the views that show why, of what happened between two events"""


class Verdict(NamedTuple):
    """What is to be said of an exercise.

    :ivar state: ``not started``, ``wrong`` or ``solved``.
    :ivar says: why, in words.
    """

    state: str
    says: str
    view: View


class Begun(NamedTuple):
    """An attempt, and the event with which it began."""

    attempt: Attempt
    since: int


class Desk:
    """What a learner works on in this kernel: the attempts, the last of which is listening."""

    def __init__(self) -> None:
        self._attempts: dict[str, Begun] = {}
        self._verdicts: dict[str, Verdict] = {}

    def begin(self, name: str, session: Any, names: MutableMapping[str, Any]) -> Attempt:
        """Begins an attempt: an empty session, the rows of a fresh Toolshed.

        :param session: the notebook's session. What it has not committed is lost.
        :param names: the notebook's variables.
        :raises ArgumentError: no such exercise, or the session is not on a Toolshed.
        """
        exercise = lessons.exercise(name)
        for each in self._attempts.values():
            each.attempt.stop()
        for other in (session, *sessions_in(names).values()):
            other.close()
        run_again.begin_anew()
        restore_toolshed(str(session.get_bind().url))
        if exercise.prepare is not None:
            exercise.prepare(session, names)
        attempt = Attempt(session, names)
        for other in sessions_in(names).values():
            attempt.listen_to(other)
        recorder_of(session).snapshot()
        self._attempts[name] = Begun(attempt, recorder_of(session).journal.event)
        return attempt

    def judge(self, name: str) -> Verdict:
        """Judges what has been done for an exercise.

        :raises ArgumentError: no such exercise.
        """
        exercise = lessons.exercise(name)
        begun = self._attempts.get(name)
        if begun is None:
            return not_started(exercise)
        if begun.attempt.listening:
            self._verdicts[name] = verdict = judged(exercise, begun)
            progress.note(name, tried=True, solved=verdict.state == "solved")
        return self._verdicts.get(name) or not_started(exercise)

    def forget(self) -> None:
        """Ends every attempt."""
        for each in self._attempts.values():
            each.attempt.stop()
        self._attempts.clear()
        self._verdicts.clear()


desk = Desk()
"""of this kernel"""


def untouched(exercise: Exercise, cell: str) -> bool:
    """Does the cell hold what the notebook came with, or nothing? Comments and blanks do not count."""
    return _bones(cell) in (_bones(""), _bones(exercise.starter))


def judged(exercise: Exercise, begun: Begun) -> Verdict:
    """What the requirements say of an attempt; the first that does not hold is told, with its view."""
    attempt = begun.attempt
    attempt.look_again()
    recorder_of(attempt.session).snapshot()  # what happened is entered in the journal, which the views show
    wrong = _first_wrong(exercise, attempt)
    if attempt.error is not None:
        stopped = f"Your code stopped with {attempt.error.__name__}: the traceback says where."
        wrong = replace(wrong, says=f"{stopped} {wrong.says}") if wrong else Wrong(stopped, "board")
    if wrong is None:
        title = f"exercise {exercise.id}: solved"
        return Verdict("solved", exercise.praise, pictures.note("right", title, [exercise.praise, *_trouble()]))
    between = wrong.between or (begun.since + 1, sys.maxsize)
    below = SHOWN[wrong.shows](attempt.session, between) if wrong.shows else None
    lines = [
        wrong.says,
        f"Change the cell and run it again: it begins anew. Stuck? `%session hint {exercise.id}`",
    ]
    return Verdict("wrong", wrong.says, pictures.note("wrong", f"exercise {exercise.id}: not yet", lines, below=below))


def not_started(exercise: Exercise) -> Verdict:
    """Nothing has been done."""
    empty = _bones(exercise.starter) == _bones("")
    do = "Write your code under the first line" if empty else "Change the code"
    lines = [exercise.task, f"{do} and run the cell. Stuck? `%session hint {exercise.id}`"]
    return Verdict("not started", exercise.task, pictures.note("plain", f"exercise {exercise.id}: not started", lines))


def hint(name: str) -> View:
    """The next hint; after the last, all of them.

    :raises ArgumentError: no such exercise.
    """
    exercise = lessons.exercise(name)
    seen = progress.worked(name)["hints"]
    every = len(exercise.hints)
    if seen >= every:
        lines = [f"{n}. {text}" for n, text in enumerate(exercise.hints, 1)]
        return pictures.note("ask", f"all hints of {name}", [*lines, f"One way to do it: `%session solution {name}`"])
    progress.note(name, hints=seen + 1)
    return pictures.note("ask", f"hint {seen + 1} of {every} for {name}", [exercise.hints[seen]])


def solution(name: str) -> View:
    """One way to solve it.

    :raises ArgumentError: no such exercise.
    """
    exercise = lessons.exercise(name)
    progress.note(name, solution=True)
    lines = ["Others are as good: rows and events are judged, not the text."]
    return pictures.note("ask", f"one solution of {name}", lines, code=exercise.solution)


def _first_wrong(exercise: Exercise, attempt: Attempt) -> Wrong | None:
    for requirement in exercise.requirements:
        wrong = requirement(attempt)
        if wrong is not None:
            return wrong
    return None


def _bones(code: str) -> str:
    """The code without comments and layout, as far as it can be read."""
    try:
        return ast.dump(ast.parse(code))
    except SyntaxError:
        return re.sub(r"\s+", " ", re.sub(r"(?m)#.*$", "", code)).strip()


def _trouble() -> list[str]:
    return [progress.trouble] if progress.trouble else []
