"""The course as files: copied for learners or for a teacher, and put back as it came. Knows notebooks as JSON; runs nothing."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

from nbsession.exc import ArgumentError
from nbsession.teaching import lessons
from nbsession.teaching.lesson import Lesson
from nbsession.teaching.progress import Progress

FOLDER = "toolshed-course"
"""where the course is copied to if nobody says otherwise"""
TOUR = "00_tour.ipynb"
NUMBERED = re.compile(r"(\d\d)_\w+\.ipynb")

Notebook = dict[str, Any]


class Copied(NamedTuple):
    """What was copied, and what was there already and left as it is."""

    written: list[str]
    kept: list[str]


def notebooks() -> list[Path]:
    """The course's notebooks as they are shipped, in order: the tour, then the lessons.

    :raises ArgumentError: they were not shipped.
    """
    here = Path(__file__).parents[1]
    for folder in (here / "_notebooks", here.parent / "notebooks"):
        found = sorted(path for path in folder.glob("*.ipynb") if NUMBERED.fullmatch(path.name))
        if found:
            return found
    raise ArgumentError("The course's notebooks are not installed: install nbsession from its wheel, or clone it.")


def copy_course(folder: Path, *, teacher: bool = False) -> Copied:
    """Copies the notebooks into a folder, without outputs. What is there already is left as it is.

    :param folder: made if it is not there.
    :param teacher: with the notes for teachers, which learners' copies do not have.
    :raises ArgumentError: the folder cannot be made, or is a file.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ArgumentError(f"Cannot make the folder {folder}: {error.strerror}. Choose another.") from error
    copied = Copied([], [])
    for source in notebooks():
        target = folder / source.name
        if target.exists():
            copied.kept.append(source.name)
            continue
        _write(target, fresh(source, teacher=teacher))
        copied.written.append(source.name)
    return copied


def reset_lesson(number: int, folder: Path) -> Path:
    """Puts a lesson's notebook back as it came; what was there is kept beside it. Predictions stay, exercises begin anew.

    :param number: the lesson; 0 for the tour.
    :param folder: where the course was copied to.
    :return: where the notebook that was there is kept now.
    :raises ArgumentError: there is no such lesson, or its notebook is not in the folder.
    """
    by_number = {int(path.name[:2]): path for path in notebooks()}
    if number not in by_number:
        raise ArgumentError(f"There is no lesson {number}. Lessons: {', '.join(map(str, by_number))}.")
    source = by_number[number]
    target = folder / source.name
    if not target.exists():
        raise ArgumentError(f"{target} is not there: name the folder of the course, or copy it with nbsession course.")
    kept = _free(target)
    teacher = any("teacher" in cell.get("metadata", {}).get("tags", ()) for cell in _read(target)["cells"])
    target.replace(kept)
    _write(target, fresh(source, teacher=teacher))
    progress = Progress(folder / "progress.json")
    if number in lessons.numbers() and progress.path.exists():
        progress.forget([each.id for each in lessons.lesson(number).exercises])
    return kept


def fresh(source: Path, *, teacher: bool = False) -> Notebook:
    """A notebook as nobody has run it.

    :param teacher: with the notes for teachers.
    """
    notebook = _read(source)
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
    number = int(source.name[:2])
    if teacher and number in lessons.numbers():
        _add_notes(notebook, lessons.lesson(number))
    return notebook


def _add_notes(notebook: Notebook, lesson: Lesson) -> None:
    """A cell of notes after the title, and one to break something live at the end."""
    notes = lesson.notes
    lines = ["**For the teacher** (not in the learners' copy)", ""]
    lines += [f"- {minutes} min: {what}" for what, minutes in notes.timing]
    lines += ["", "**Expect** " + " · ".join(f"*{name}*: {text}" for name, text in notes.expect.items())]
    lines += ["", f"**Draw:** {notes.draw}", "", f"**Skip:** {notes.skip}"]
    solutions = [f"\n**One solution of {each.id}:**\n\n```python\n{each.solution}\n```" for each in lesson.exercises]
    after = [
        _cell("markdown", "teacher-solutions", "**For the teacher**\n" + "\n".join(solutions)),
        _cell("code", "teacher-break", f"# for the teacher: break it live\n{notes.break_live}"),
    ]
    notebook["cells"][1:1] = [_cell("markdown", "teacher-notes", "\n".join(lines))]
    notebook["cells"] += after


def _cell(kind: str, name: str, source: str) -> dict[str, Any]:
    cell: dict[str, Any] = {"cell_type": kind, "id": name, "metadata": {"tags": ["teacher"]}, "source": source}
    return cell if kind == "markdown" else {**cell, "outputs": [], "execution_count": None}


def _free(path: Path) -> Path:
    """A name beside a file's that is not taken."""
    number = 1
    while (beside := path.with_name(f"{path.stem}.before-reset-{number}{path.suffix}")).exists():
        number += 1
    return beside


def _read(path: Path) -> Notebook:
    try:
        notebook: Notebook = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ArgumentError(f"{path} cannot be read as a notebook: {error}. Move it away, then try again.") from error
    return notebook


def _write(path: Path, notebook: Notebook) -> None:
    path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
