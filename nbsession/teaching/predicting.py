"""Predictions: asked, locked, revealed, in that order. Knows progress and pictures; knows no widget and no shell."""

from __future__ import annotations

from nbsession.notebook.views.view import View
from nbsession.teaching import lessons, pictures
from nbsession.teaching.lesson import Prediction
from nbsession.teaching.progress import progress, unattended

SKIP = "skip"
"""instead of a letter: go on without a prediction"""


class NotPredicted(Exception):
    """A run cell was run before its prediction was locked. The message is one line."""


def answered(asked: Prediction) -> str | None:
    """The letter that is locked, empty for one that was skipped; None if nothing is locked."""
    known = progress.predicted(asked.id)
    return None if known is None else known["answer"]


def ask(name: str) -> View:
    """The question, with the answer that is locked, if one is.

    :param name: the prediction's id, as ``'1a'``.
    :raises ArgumentError: there is none.
    """
    asked = lessons.prediction(name)
    locked = answered(asked)
    shown = pictures.question(asked, locked)
    return shown if asked.evidence or locked is None else joined(shown, pictures.revealed(asked, locked))


def lock(name: str, answer: str) -> View:
    """Locks an answer, and says what to do next; of a question about a rule, what is right.

    :param answer: a letter, or ``skip``.
    :raises ArgumentError: there is no such prediction.
    :raises ValueError: there is no such answer.
    """
    asked = lessons.prediction(name)
    if answer != SKIP and answer not in asked.choices:
        raise ValueError(f"{name} has no answer {answer!r}: choose one of {', '.join(asked.choices)}")
    before = answered(asked)
    if before is None:
        progress.lock(name, "" if answer == SKIP else answer)
    kept = answered(asked) or ""
    if not asked.evidence:
        progress.reveal(name)
        return pictures.revealed(asked, kept)
    said = f"{kept}) {asked.choices[kept].text}" if kept else "no prediction"
    if before is not None and kept != answer:
        return pictures.note("plain", f"{name}: {said} was locked before, and stays")
    return pictures.note("ask", f"{name}: {said} is locked", ["Now run the next cell.", *trouble()])


def may_run(name: str) -> None:
    """Is the run cell of a prediction allowed to run?

    :raises NotPredicted: nothing is locked yet.
    """
    asked = lessons.prediction(name)
    if answered(asked) is None and not unattended():
        letters = ", ".join(asked.choices)
        raise NotPredicted(
            f"predict first: choose above and lock, or run %predict {name} {letters[0]} (one of {letters}); then run this "
            f"cell again. To go on without: %predict {name} {SKIP}"
        )


def reveal(name: str) -> View:
    """What was right and why, once the run cell has run."""
    asked = lessons.prediction(name)
    answer = answered(asked)
    progress.reveal(name)
    return pictures.revealed(asked, answer)


def joined(*views: View) -> View:
    """Views one under the other."""
    return View("\n".join(view.text for view in views), "".join(view.html for view in views))


def trouble() -> list[str]:
    """That progress cannot be kept, if so."""
    return [progress.trouble] if progress.trouble else []
