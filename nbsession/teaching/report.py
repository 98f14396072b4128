"""What a class predicted and solved, as a table: one line a learner and item. Reads progress files; asks nobody."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from nbsession.exc import ArgumentError
from nbsession.teaching.lesson import Lesson
from nbsession.teaching.progress import read

COLUMNS = ("learner", "lesson", "kind", "item", "outcome", "answer", "misconception", "tries", "hints", "solution")


def progress_files(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The learners of a folder and the folders in it, with their progress.

    A learner is called as the file is, or as its folder if the file is called ``progress.json``. Other JSON files are
    passed over.

    :raises ArgumentError: there is no such folder, or no progress in it.
    """
    if not folder.is_dir():
        raise ArgumentError(f"There is no folder {folder}: name the one that holds the learners' progress files.")
    found = 0
    for path in sorted(folder.rglob("*.json")):
        try:
            data = read(path)
        except ArgumentError:
            continue
        found += 1
        yield (path.resolve().parent.name if path.stem == "progress" else path.stem), data
    if not found:
        raise ArgumentError(f"No progress in {folder}: learners write theirs with %session progress --export ada.json.")


def rows(learner: str, data: dict[str, Any], lessons: Iterable[Lesson]) -> Iterator[dict[str, Any]]:
    """A learner's lines: each prediction and each exercise of the course, done or not.

    :param data: progress, as it stands in the file.
    """
    for lesson in lessons:
        for asked in lesson.predictions:
            known = data["predictions"].get(asked.id)
            answer = known["answer"] if known else ""
            choice = asked.choices.get(answer)
            outcome = "not answered" if known is None else "skipped" if choice is None else ""
            outcome = outcome or ("right" if answer == asked.answer else "wrong")
            believed = choice.misconception if choice is not None else None
            yield _row(learner, lesson, "prediction", asked.id, outcome) | {
                "answer": answer,
                "misconception": "" if believed is None else believed,
            }
        for exercise in lesson.exercises:
            worked = data["exercises"].get(exercise.id, {})
            outcome = "solved" if worked.get("solved") else "tried" if worked.get("tries") else "not started"
            yield _row(learner, lesson, "exercise", exercise.id, outcome) | {
                "tries": worked.get("tries", 0),
                "hints": worked.get("hints", 0),
                "solution": "seen" if worked.get("solution") else "",
            }


def write_report(folder: Path, lessons: Iterable[Lesson], into: IO[str]) -> int:
    """Writes the report on a folder as CSV.

    :return: how many learners are in it.
    :raises ArgumentError: there is no progress in the folder.
    """
    learners = list(progress_files(folder))
    lessons = list(lessons)
    table = csv.DictWriter(into, COLUMNS, restval="", lineterminator="\n")
    table.writeheader()
    for learner, data in learners:
        table.writerows(rows(learner, data, lessons))
    return len(learners)


def _row(learner: str, lesson: Lesson, kind: str, item: str, outcome: str) -> dict[str, Any]:
    safe = f"'{learner}" if learner[:1] in "=+-@" else learner  # a file's name is not a spreadsheet's formula
    return {"learner": safe, "lesson": lesson.number, "kind": kind, "item": item, "outcome": outcome}
