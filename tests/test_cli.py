"""``nbsession course | reset | report``: the course is copied, put back, and told of; nobody's work is lost."""

from __future__ import annotations

import csv
import html
import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from nbsession import cli
from nbsession.teaching import course, lessons
from nbsession.teaching.progress import Progress
from nbsession.teaching.report import COLUMNS

LESSON = lessons.lesson(1)


def cells(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return found


@pytest.fixture
def copied(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A learner's copy of the course."""
    assert cli.main(["course", str(tmp_path / "mine"), "--no-open"]) == 0
    capsys.readouterr()
    return tmp_path / "mine"


# ── course ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_learners_get_every_notebook_without_outputs_and_without_notes(copied: Path) -> None:
    names = {path.name for path in copied.iterdir()}
    assert names == {path.name for path in course.notebooks()}
    assert {course.TOUR, *(lesson.notebook for lesson in lessons.lessons())} <= names
    for path in copied.iterdir():
        for cell in cells(path):
            assert not cell.get("outputs") and cell.get("execution_count") is None
            assert "teacher" not in cell["metadata"].get("tags", ())


def test_no_copy_gives_an_answer_or_a_solution_away(copied: Path) -> None:
    for lesson in lessons.lessons():
        text = (copied / lesson.notebook).read_text(encoding="utf-8")
        assert not [asked.id for asked in lesson.predictions if asked.because in text]
        assert not [each.id for each in lesson.exercises if json.dumps(str(each.solution))[1:-1] in text]


def test_teachers_get_notes_solutions_and_something_to_break(tmp_path: Path) -> None:
    cli.main(["course", str(tmp_path), "--teacher", "--no-open"])
    every = cells(tmp_path / LESSON.notebook)
    marked = [cell for cell in every if "teacher" in cell["metadata"].get("tags", ())]
    assert [every.index(cell) for cell in marked] == [1, len(every) - 2, len(every) - 1]
    text = "\n".join(cell["source"] for cell in marked)
    assert LESSON.notes.draw in text and LESSON.exercises[0].solution in text and LESSON.notes.break_live in text


def test_work_that_is_there_is_left_as_it_is(copied: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (copied / LESSON.notebook).write_text("my work", encoding="utf-8")
    (copied / course.TOUR).unlink()
    assert cli.main(["course", str(copied), "--no-open"]) == 0
    assert (copied / LESSON.notebook).read_text(encoding="utf-8") == "my work"
    said = capsys.readouterr().out
    assert "1 notebook copied" in said and "there already, left as it was" in said


def test_lab_opens_on_the_tour_of_the_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[list[str]] = []

    def run(command: list[str]) -> subprocess.CompletedProcess[str]:
        ran.append(command)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "run", run)
    assert cli.main(["course", str(tmp_path / "mine")]) == 0
    assert ran[0][1:3] == ["-m", "jupyterlab"]
    assert f"--ServerApp.root_dir={(tmp_path / 'mine').resolve()}" in ran[0]
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert cli.main(["course", str(tmp_path / "mine")]) == 2
    assert len(ran) == 1


def test_folder_that_is_a_file_is_one_clear_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine").write_text("minutes")
    assert cli.main(["course", str(tmp_path / "mine"), "--no-open"]) == 2
    assert capsys.readouterr().err.startswith("nbsession: Cannot make the folder")


# ── reset ────────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_reset_puts_a_lesson_back_and_keeps_work_and_predictions(
    copied: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    came = (copied / LESSON.notebook).read_text(encoding="utf-8")
    (copied / LESSON.notebook).write_text(came.replace("# your code", "session.commit()"), encoding="utf-8")
    progress = Progress(copied / "progress.json")
    progress.lock("1a", "c")
    progress.note("1a", tried=True, hints=3)
    progress.note("2a", tried=True, solved=True)
    assert cli.main(["reset", "1", str(copied)]) == 0
    assert (copied / LESSON.notebook).read_text(encoding="utf-8") == came
    kept = copied / "01_the_new_member.before-reset-1.ipynb"
    assert "session.commit()" in kept.read_text(encoding="utf-8") and kept.name in capsys.readouterr().out
    assert progress.predicted("1a") == {"answer": "c", "revealed": False}
    assert progress.worked("1a")["tries"] == 0 and progress.worked("2a")["solved"]
    assert cli.main(["reset", "1", str(copied)]) == 0
    assert (copied / "01_the_new_member.before-reset-2.ipynb").exists()


def test_reset_gives_teachers_their_notes_back(tmp_path: Path) -> None:
    cli.main(["course", str(tmp_path), "--teacher", "--no-open"])
    came = (tmp_path / LESSON.notebook).read_text(encoding="utf-8")
    cli.main(["reset", "1", str(tmp_path)])
    assert (tmp_path / LESSON.notebook).read_text(encoding="utf-8") == came


@pytest.mark.parametrize(
    ("arguments", "says"),
    [(["reset", "99"], "There is no lesson 99"), (["reset", "1"], "is not there: name the folder")],
)
def test_reset_of_what_is_not_there_is_one_clear_line(
    arguments: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main([*arguments, str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert says in said and said.count("\n") == 1


# ── report ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_report_has_a_line_for_each_learner_and_item(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ada = Progress(tmp_path / "ada.json")
    ada.lock("1a", "a")
    ada.lock("1b", "c")
    ada.lock("1c", "")
    ada.note("1a", tried=True, hints=2)
    (tmp_path / "bo").mkdir()
    Progress(tmp_path / "bo" / "progress.json").note("1b", tried=True, solved=True)
    (tmp_path / "package.json").write_text("{}")
    assert cli.main(["report", str(tmp_path)]) == 0
    rows = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert tuple(rows[0]) == COLUMNS
    items = sum(len(lesson.predictions) + len(lesson.exercises) for lesson in lessons.lessons())
    assert len(rows) == 2 * items and {row["learner"] for row in rows} == {"ada", "bo"}
    by_item = {(row["learner"], row["kind"], row["item"]): row for row in rows}
    wrong = by_item["ada", "prediction", "1a"]
    assert (wrong["outcome"], wrong["answer"], wrong["misconception"]) == ("wrong", "a", "0")
    assert by_item["ada", "prediction", "1b"]["outcome"] == "right"
    assert by_item["ada", "prediction", "1c"]["outcome"] == "skipped"
    assert by_item["ada", "prediction", "1d"]["outcome"] == "not answered"
    tried = by_item["ada", "exercise", "1a"]
    assert (tried["outcome"], tried["tries"], tried["hints"]) == ("tried", "1", "2")
    assert by_item["bo", "exercise", "1b"]["outcome"] == "solved"
    assert by_item["bo", "exercise", "1a"]["outcome"] == "not started"


def test_report_into_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Progress(tmp_path / "=ada.json").lock("1a", "b")
    assert cli.main(["report", str(tmp_path), "-o", str(tmp_path / "class.csv")]) == 0
    assert "1 learner" in capsys.readouterr().out
    first = (tmp_path / "class.csv").read_text(encoding="utf-8").splitlines()[1]
    assert first.startswith("'=ada,1,prediction,1a,right,b"), "a file's name is no formula"


@pytest.mark.parametrize(("folder", "says"), [("nowhere", "There is no folder"), (".", "No progress in")])
def test_report_on_nothing_is_one_clear_line(
    folder: str, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["report", str(tmp_path / folder)]) == 2
    assert says in capsys.readouterr().err


# ── handouts ─────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.filterwarnings("default")
def test_handouts_ask_and_those_with_solutions_answer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["handouts", str(tmp_path)]) == 0
    assert cli.main(["handouts", str(tmp_path), "--solutions"]) == 0
    assert "pages" in capsys.readouterr().out
    asked = (tmp_path / "01_the_new_member.html").read_text(encoding="utf-8")
    answered = (tmp_path / "01_the_new_member-solutions.html").read_text(encoding="utf-8")
    for page in (asked, answered):
        assert "<title>1 · The new member: five states</title>" in page
        assert "prediction 1a" in page and "64: nothing has reached the database" in page
        assert not [word for word in ("<script", "http://", "https://", "src=") if word in page]
    told = [LESSON.notes.draw, "One solution of 1a", "1a: the answer is b)"]
    assert [words for words in told if html.escape(words, quote=False) in answered] == told
    assert not [words for words in told if html.escape(words, quote=False) in asked]


def test_handouts_without_nbconvert_say_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "nbconvert", None)
    assert cli.main(["handouts", str(tmp_path)]) == 2
    assert 'pip install "nbsession[lab]"' in capsys.readouterr().err


def test_command_runs_as_a_program() -> None:
    done = subprocess.run([sys.executable, "-m", "nbsession.cli", "--help"], capture_output=True, text=True, check=True)
    assert "course" in done.stdout and "report" in done.stdout
