"""``%predict``, ``%%predict``, ``%%exercise``, and what the course adds to ``%session``. Knows IPython; decides nothing."""

from __future__ import annotations

from typing import Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, cell_magic, line_cell_magic, magics_class, no_var_expand
from IPython.display import display

from nbsession.exc import ArgumentError
from nbsession.notebook.commands.arguments import BadUsage, Call, Option, Verb, add_verbs, drop_verbs
from nbsession.notebook.commands.current import NoOpenSession, current_session
from nbsession.notebook.commands.shell_cells import execute
from nbsession.notebook.recording.cells import clock
from nbsession.notebook.views.view import View
from nbsession.teaching import exercising, lessons, pictures, predicting
from nbsession.teaching.exercising import Verdict, desk
from nbsession.teaching.progress import progress
from nbsession.teaching.standing import standing

TROUBLES = (ArgumentError, ValueError, NoOpenSession, predicting.NotPredicted)


@magics_class
class CourseMagics(Magics):
    """The magics that lessons are written with."""

    shell: Any

    @no_var_expand
    @line_cell_magic
    def predict(self, line: str, cell: str | None = None) -> None:
        """Asks before it shows.

        %predict 1a      asks; choose and lock
        %predict 1a c    locks the answer c, in plain text; skip instead of a letter: go on without
        %%predict 1a     runs the cell once an answer is locked, then says what is right, and why
        """
        __tracebackhide__ = True
        try:
            name, *answer = line.split() or [""]
            if cell is None:
                if len(answer) > 1:
                    raise ValueError("write %predict 1a to be asked, %predict 1a c to answer")
                _show(predicting.lock(name, *answer) if answer else _question(name))
                return
            predicting.may_run(name)
        except TROUBLES as error:
            raise UsageError(f"{'%' if cell is None else '%%'}predict: {error}") from None
        execute(self.shell, cell)
        _show(predicting.reveal(name))

    @no_var_expand
    @cell_magic
    def exercise(self, line: str, cell: str) -> None:
        """Runs the cell as an attempt at an exercise, on fresh rows and with an empty session, and judges what it did.

        %%exercise 1a
        %session check 1a       judges again, after other cells
        %session hint 1a        the next of three hints
        %session solution 1a    one way to do it
        """
        __tracebackhide__ = True
        name = line.strip()
        try:
            exercise = lessons.exercise(name)
            if exercising.untouched(exercise, self.shell.transform_cell(cell)):
                _show(_verdict(name, exercising.not_started(exercise)))
                return
            attempt = desk.begin(name, current_session(), self.shell.user_ns)
        except TROUBLES as error:
            raise UsageError(f"%%exercise: {error}") from None
        try:
            execute(self.shell, cell)
        except BaseException as error:
            attempt.error = type(error)
            raise
        finally:
            _show(_verdict(name, desk.judge(name)))


def _question(name: str) -> Any:
    asked = lessons.prediction(name)
    if not clock.has_widgets:
        return predicting.ask(name)
    from nbsession.teaching.controls import Question

    return Question(asked)


def _verdict(name: str, verdict: Verdict) -> Any:
    if not clock.has_widgets:
        return verdict.view
    from nbsession.teaching.controls import Help

    return Help(name, verdict)


def _show(shown: Any) -> None:
    display(shown)  # type: ignore[no-untyped-call]


# ── %session check, hint, solution, progress ─────────────────────────────────────────────────────────────────────────
def _check(call: Call) -> Any:
    return _known(lambda: _verdict(call.argument, desk.judge(call.argument)))


def _hint(call: Call) -> Any:
    return _known(lambda: exercising.hint(call.argument))


def _solution(call: Call) -> Any:
    return _known(lambda: exercising.solution(call.argument))


def _progress(call: Call) -> Any:
    def act() -> View:
        if "import" in call.options:
            progress.take_over(str(call.options["import"]))
        if "export" in call.options:
            path = progress.export(str(call.options["export"]))
            return pictures.note("plain", f"written: {path}")
        return standing(progress.data(), lessons.lessons())

    return _known(act)


def _known(act: Any) -> Any:
    try:
        return act()
    except (ArgumentError, OSError) as error:
        raise BadUsage(str(error)) from None


VERBS = (
    Verb("check", "Judges what was done for an exercise of the course.", "TASK", run=_check),
    Verb("hint", "Gives the next of the three hints for an exercise.", "TASK", run=_hint),
    Verb("solution", "Shows one way to solve an exercise.", "TASK", run=_solution),
    Verb(
        "progress",
        "Shows what you predicted and solved in the course. It lies in progress.json, and goes nowhere.",
        options=(
            Option("--export", "FILE", "write a copy, to hand in or to go on elsewhere"),
            Option("--import", "FILE", "take over such a copy"),
        ),
        run=_progress,
    ),
)
_loaded: list[Any] = []


def load(shell: Any) -> None:
    """Brings the course's magics; again: does nothing."""
    if any(each is shell for each in _loaded):
        return
    add_verbs(*VERBS)
    shell.register_magics(CourseMagics(shell))
    _loaded.append(shell)


def unload(shell: Any) -> None:
    """Takes them away; attempts end."""
    if not any(each is shell for each in _loaded):
        return
    _loaded.remove(shell)
    drop_verbs(*VERBS)
    desk.forget()
    for kind, name in (("line", "predict"), ("cell", "predict"), ("cell", "exercise")):
        shell.magics_manager.magics[kind].pop(name, None)
    magics = shell.magics_manager.registry.pop("CourseMagics", None)
    if magics in shell.configurables:
        shell.configurables.remove(magics)
