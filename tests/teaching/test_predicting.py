"""A prediction is asked, locked and revealed, in that order; what was locked stays, and goes nowhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from nbsession.teaching import lessons
from nbsession.teaching.controls import Question
from nbsession.teaching.progress import Progress
from tests.teaching.classroom import Classroom, classroom


@pytest.fixture(scope="module")
def room_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Classroom]:
    with classroom(tmp_path_factory.mktemp("room")) as room:
        yield room


@pytest.fixture
def room(room_once: Classroom, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Classroom:
    """A classroom in which nothing has been predicted."""
    monkeypatch.setenv("NBSESSION_PROGRESS", str(tmp_path / "progress.json"))
    return room_once


def test_run_cell_waits_for_the_prediction(room: Classroom) -> None:
    shown = room.run("%%predict 1a\nran = True")
    assert "UsageError: %%predict: predict first" in shown and "%predict 1a a" in shown
    assert "ran" not in room.ip.user_ns
    assert "a) 65" in room.run("%predict 1a")
    assert "is locked" in room.run("%predict 1a b")
    shown = room.run("%%predict 1a\n40 + 2")
    assert shown.startswith("Out[") and "42" in shown
    assert "you said b)" in shown and "and so it is" in shown


def test_wrong_prediction_is_answered_with_its_own_words_and_the_rule(room: Classroom) -> None:
    asked = lessons.prediction("1a")
    room.run("%predict 1a a")
    shown = " ".join(room.run("%%predict 1a\npass").split())
    assert "✗ 1a: you said a)" in shown
    assert asked.choices["a"].reply in shown and asked.because in shown


def test_answer_stays_once_it_is_locked(room: Classroom) -> None:
    room.run("%predict 1a a")
    assert "was locked before, and stays" in room.run("%predict 1a b")
    assert Progress().predicted("1a") == {"answer": "a", "revealed": False}
    room.run("%%predict 1a\npass")
    assert Progress().predicted("1a") == {"answer": "a", "revealed": True}
    assert "> a)" in room.run("%predict 1a")


def test_one_may_go_on_without_a_prediction(room: Classroom) -> None:
    room.run("%predict 1a skip")
    shown = room.run("%%predict 1a\nskipped = 1")
    assert room["skipped"] == 1 and "the answer is b)" in shown


def test_nobody_is_waited_for_where_nobody_is(room: Classroom, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NBSESSION_UNATTENDED", "1")
    room.run("%%predict 1a\nwithout = 1")
    assert room["without"] == 1
    assert not Progress().path.exists()


def test_question_for_a_rule_is_answered_at_once(room: Classroom) -> None:
    assert "the answer follows" in room.run("%predict 1e")
    assert "✓ 1e: you said b)" in room.run("%predict 1e b")
    assert "✓ 1e: you said b)" in room.run("%predict 1e")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("", "'' names no prediction"),
        ("1", "'1' names no prediction"),
        ("1z", "There is no prediction '1z'. In this lesson: 1a, 1b"),
        ("99a", "There is no lesson 99."),
        ("1a z", "1a has no answer 'z': choose one of a, b, c"),
        ("1a b c", "write %predict 1a"),
    ],
)
def test_line_that_makes_no_sense_is_one_clear_line(room: Classroom, line: str, says: str) -> None:
    shown = room.run(f"%predict {line}")
    assert shown.startswith("UsageError: %predict: ") and says in shown and "\n" not in shown


def test_error_in_a_run_cell_shows_the_cells_own_line(room: Classroom) -> None:
    room.run("%predict 1a b")
    shown = room.run("%%predict 1a\nx = 1\nx / 0")
    assert "----> 2 x / 0" in shown and "ZeroDivisionError" in shown
    assert "magics.py" not in shown and "shell_cells.py" not in shown


# ── the same by clicking ─────────────────────────────────────────────────────────────────────────────────────────────
def test_question_is_locked_by_its_button(room: Classroom) -> None:
    question = Question(lessons.prediction("1a"))
    assert question.button.disabled
    question.choices.value = "c"
    assert not question.button.disabled
    question.button.click()
    assert question.choices.disabled and question.button.disabled
    assert "is locked" in question.said.value
    assert Progress().predicted("1a") == {"answer": "c", "revealed": False}


def test_question_asked_again_shows_what_is_locked(room: Classroom) -> None:
    room.run("%predict 1a c")
    question = Question(lessons.prediction("1a"))
    assert question.choices.value == "c" and question.choices.disabled
    room.run("%predict 1b skip")
    assert Question(lessons.prediction("1b")).choices.value is None


def test_click_beside_an_answer_locked_elsewhere_shows_the_one_that_stays(room: Classroom) -> None:
    question = Question(lessons.prediction("1a"))
    room.run("%predict 1a b")
    question.choices.value = "a"
    question.button.click()
    assert question.choices.value == "b" and "stays" in question.said.value


def test_question_brings_its_text_along(room: Classroom) -> None:
    shown = Question(lessons.prediction("1a"))._repr_mimebundle_()
    assert shown["text/plain"].startswith("? prediction 1a") and "<code" in shown["text/html"]
    assert "application/vnd.jupyter.widget-view+json" in shown


# ── progress ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_progress_is_carried_in_a_file(room: Classroom, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    room.run("%predict 1a c")
    assert "written" in room.run(f"%session progress --export {tmp_path / 'mine.json'}")
    monkeypatch.setenv("NBSESSION_PROGRESS", str(tmp_path / "elsewhere.json"))
    room.run("%predict 1b b")
    assert "2 of 5" in (shown := room.run(f"%session progress --import {tmp_path / 'mine.json'}"))
    assert "0 of 0" not in shown and "13. Stocktake" in shown, "the capstone asks for no prediction"
    assert set(json.loads((tmp_path / "elsewhere.json").read_text())["predictions"]) == {"1a", "1b"}


def test_file_of_somebody_else_is_not_taken_for_progress(room: Classroom, tmp_path: Path) -> None:
    (tmp_path / "notes.json").write_text('{"mine": 1}')
    shown = room.run(f"%session progress --import {tmp_path / 'notes.json'}")
    assert "UsageError" in shown and "is not the progress of this course" in shown
    Progress().path.write_text("half a fi")
    shown = room.run("%predict 1a b")
    assert "UsageError" in shown and "cannot be read as progress" in shown


def test_progress_that_cannot_be_written_is_kept_until_the_kernel_ends(tmp_path: Path) -> None:
    progress = Progress(tmp_path / "no" / "such" / "folder" / "progress.json")
    progress.lock("1a", "b")
    assert "cannot be written" in progress.trouble
    assert progress.predicted("1a") == {"answer": "b", "revealed": False}


def test_two_notebooks_write_to_one_file(tmp_path: Path) -> None:
    one, other = Progress(tmp_path / "p.json"), Progress(tmp_path / "p.json")
    one.lock("1a", "b")
    other.note("1a", tried=True, solved=True)
    one.note("1a", hints=2)
    assert other.predicted("1a") == {"answer": "b", "revealed": False}
    assert other.worked("1a") == {"tries": 1, "hints": 2, "solution": False, "solved": True}
