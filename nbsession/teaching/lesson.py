"""What a lesson consists of beside its notebook: predictions, exercises, notes for whoever teaches it. Plain data only.

One module a lesson, ``lessons/lesson_06.py``, which defines ``LESSON``. The prose and the cells are in the notebook;
what the notebook must not give away (answers, hints, solutions) is here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from textwrap import dedent
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from nbsession.teaching.attempt import Attempt

VIEWS = ("board", "timeline", "log", "stack", "outside", "diff", "plan", "identity", "graph")
"""the views that can show why a result is wrong"""


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the answers to choose from.

    :ivar text: the answer; `backticks` make code of words, here and in all other texts of a lesson.
    :ivar reply: what is said to whoever chose it, in a sentence or two; of the right answer: nothing more to say.
    :ivar misconception: the number, in :mod:`nbsession.teaching.misconceptions`, of what one believes who chooses this.
    """

    text: str
    reply: str = ""
    misconception: int | None = None


@dataclass(frozen=True, slots=True)
class Prediction:
    """A question that is answered before the cell with the answer can run.

    :ivar id: lesson and letter: ``1a``.
    :ivar choices: letter to choice.
    :ivar answer: the letter of the right one.
    :ivar because: the rule behind it, said to everybody.
    :ivar evidence: what the output of the cell ``%%predict 1a`` shows that settles it; empty if there is no such cell: the
        question asks for a rule, and is answered as soon as somebody chose.
    """

    id: str
    question: str
    choices: Mapping[str, Choice]
    answer: str
    because: str
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Wrong:
    """Why an attempt is not right yet.

    :ivar says: what is not so, and where to look; in a sentence or two.
    :ivar shows: the view that shows why: one of :data:`VIEWS`, or empty.
    :ivar between: of a timeline or a log, the numbers of the events from where to where it is shown; None for all of the
        attempt.
    """

    says: str
    shows: str = ""
    between: tuple[int, int] | None = None


Requirement: TypeAlias = "Callable[[Attempt], Wrong | None]"
"""Judges rows and events of an attempt, never its source."""


class Code(str):
    """Python as it stands in a cell; the indentation that all lines share is taken away."""

    __slots__ = ()

    def __new__(cls, text: str) -> Code:
        """Of a text in triple quotation marks."""
        return super().__new__(cls, dedent(text).strip("\n"))


@dataclass(frozen=True, slots=True)
class WrongAnswer:
    """An answer that learners give, and that must not pass.

    :ivar code: what stands in the cell.
    :ivar says: words that the verdict must contain.
    """

    code: Code
    says: str


@dataclass(frozen=True, slots=True)
class Exercise:
    """A task whose result is judged by rows and events.

    :ivar id: lesson and letter: ``1a``.
    :ivar task: what to reach, in a sentence.
    :ivar requirements: what must hold, in the order in which it is said.
    :ivar hints: three, each saying more.
    :ivar solution: code that passes.
    :ivar wrong: answers that must fail, each with its own words.
    :ivar praise: what the one who solved it has seen.
    :ivar starter: what stands in the notebook's cell, under its first line.
    :ivar prepare: called with the session and the notebook's variables, on fresh rows, before the learner's code and before
        anything is noted; it may put further variables there.
    """

    id: str
    task: str
    requirements: tuple[Requirement, ...]
    hints: tuple[str, str, str]
    solution: Code
    wrong: tuple[WrongAnswer, ...]
    praise: str
    starter: Code = field(default_factory=lambda: Code("# your code"))
    prepare: Callable[[Any, MutableMapping[str, Any]], None] | None = None


@dataclass(frozen=True, slots=True)
class Notes:
    """What a teacher wants to know. Not in the learners' notebooks.

    :ivar timing: what to do and for how many minutes, in order; their sum is the lesson's.
    :ivar expect: for each prediction, the wrong answer that is given most, and what to say then; in the capstone, for each
        wish.
    :ivar draw: what to draw on the board.
    :ivar skip: what to leave out when time is short.
    :ivar break_live: something to break before everybody's eyes: code for a cell at the end.
    """

    timing: tuple[tuple[str, int], ...]
    expect: Mapping[str, str]
    draw: str
    skip: str
    break_live: Code


@dataclass(frozen=True, slots=True)
class Lesson:
    """One lesson.

    :ivar notebook: the notebook's file name.
    :ivar minutes: how long a learner takes.
    """

    number: int
    title: str
    notebook: str
    minutes: int
    predictions: tuple[Prediction, ...]
    exercises: tuple[Exercise, ...]
    notes: Notes
