"""The lessons, one module each: ``lesson_06.py`` defines ``LESSON``. Found by their names; imported when first asked for."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from typing import TypeVar

from nbsession.exc import ArgumentError
from nbsession.teaching.lesson import Exercise, Lesson, Prediction

T = TypeVar("T", Prediction, Exercise)
NAME = re.compile(r"lesson_(\d\d)\.py")


def numbers() -> list[int]:
    """The numbers of the lessons that there are."""
    found = (NAME.fullmatch(path.name) for path in Path(__file__).parent.iterdir())
    return sorted(int(match[1]) for match in found if match)


def lesson(number: int) -> Lesson:
    """A lesson by its number.

    :raises ArgumentError: there is none.
    """
    if number not in numbers():
        raise ArgumentError(f"There is no lesson {number}. Lessons: {', '.join(map(str, numbers())) or 'none'}.")
    found: Lesson = import_module(f"{__name__}.lesson_{number:02}").LESSON
    return found


def lessons() -> list[Lesson]:
    """All lessons, in order."""
    return [lesson(number) for number in numbers()]


def prediction(name: str) -> Prediction:
    """A prediction by its id, as ``'1a'``.

    :raises ArgumentError: there is none.
    """
    return _find(name, "prediction", {each.id: each for each in _lesson_of(name, "prediction").predictions})


def exercise(name: str) -> Exercise:
    """An exercise by its id, as ``'1a'``.

    :raises ArgumentError: there is none.
    """
    return _find(name, "exercise", {each.id: each for each in _lesson_of(name, "exercise").exercises})


def _lesson_of(name: str, what: str) -> Lesson:
    match = re.fullmatch(r"(\d+)[a-z]", name)
    if match is None:
        raise ArgumentError(f"{name!r} names no {what}: write lesson and letter, as 1a.")
    return lesson(int(match[1]))


def _find(name: str, what: str, known: dict[str, T]) -> T:
    if name in known:
        return known[name]
    raise ArgumentError(f"There is no {what} {name!r}. In this lesson: {', '.join(known) or 'none'}.")
