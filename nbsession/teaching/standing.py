"""What a learner has done so far, lesson by lesson. Knows progress as plain data, and the lessons."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from nbsession.notebook.views import markup as m
from nbsession.notebook.views.plain import pad
from nbsession.notebook.views.view import View
from nbsession.teaching.lesson import Lesson


class Line(NamedTuple):
    """One lesson of one learner."""

    lesson: Lesson
    predicted: int
    right: int
    solved: int


def lines(data: dict[str, Any], lessons: Iterable[Lesson]) -> list[Line]:
    """How far somebody is in each lesson.

    :param data: progress, as it stands in the file.
    """
    found = []
    for lesson in lessons:
        answers = {each.id: data["predictions"].get(each.id, {}).get("answer") for each in lesson.predictions}
        right = sum(answers[each.id] == each.answer for each in lesson.predictions)
        solved = sum(bool(data["exercises"].get(each.id, {}).get("solved")) for each in lesson.exercises)
        found.append(Line(lesson, sum(1 for answer in answers.values() if answer), right, solved))
    return found


def standing(data: dict[str, Any], lessons: Iterable[Lesson]) -> View:
    """How far somebody is, as a table."""
    heads = ("lesson", "predicted", "right", "solved")
    rows = [
        (
            f"{line.lesson.number}. {line.lesson.title}",
            f"{line.predicted} of {len(line.lesson.predictions)}" if line.lesson.predictions else "–",
            str(line.right) if line.lesson.predictions else "–",
            f"{line.solved} of {len(line.lesson.exercises)}",
        )
        for line in lines(data, lessons)
    ]
    text = [f"{pad(name, 46)} {made:<10} {right:<6} {solved}" for name, made, right, solved in (heads, *rows)]
    table = m.table(m.heads(*heads), *(m.element("tr", *(m.cell(value) for value in row)) for row in rows))
    return View("\n".join(line.rstrip() for line in text), table)
