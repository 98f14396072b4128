"""Every lesson: its solutions pass, its wrong answers fail with their words, its notebook asks before it shows."""

from __future__ import annotations

import ast
import builtins
import contextlib
import io
import re
from collections.abc import Iterator
from typing import Any

import pytest

from nbsession.teaching import lessons
from nbsession.teaching.exercising import not_started, untouched
from nbsession.teaching.lesson import Exercise, Lesson, Prediction
from nbsession.teaching.misconceptions import MISCONCEPTIONS
from tests.teaching.classroom import NOTEBOOKS, Classroom, cells, classroom, outputs

LESSONS = lessons.lessons()
PREDICTIONS = [prediction for lesson in LESSONS for prediction in lesson.predictions]
EXERCISES = [exercise for lesson in LESSONS for exercise in lesson.exercises]
COURSE = range(1, 14)
"""the lessons of the curriculum; the last is the capstone"""
CAPSTONE = lessons.lesson(COURSE[-1])

each_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: f"{lesson.number:02}")
each_prediction = pytest.mark.parametrize("prediction", PREDICTIONS, ids=lambda each: each.id)
each_exercise = pytest.mark.parametrize("exercise", EXERCISES, ids=lambda each: each.id)


def lesson_of(part: Prediction | Exercise) -> Lesson:
    return lessons.lesson(int(re.match(r"\d+", part.id)[0]))


def cell_of(lesson: Lesson, source: str) -> tuple[int, dict[str, Any]]:
    """The one cell that begins so, and its place."""
    found = [(n, cell) for n, cell in enumerate(cells(lesson)) if cell["source"].startswith(source)]
    assert len(found) == 1, f"{lesson.notebook}: {len(found)} cells begin with {source!r}"
    return found[0]


# ── exercises ────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.fixture(scope="module", params=["sqlite", "duckdb"])
def database(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def desk(
    request: pytest.FixtureRequest, database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Classroom]:
    """A classroom in which the first cells of a lesson's notebook have run."""
    with classroom(tmp_path_factory.mktemp("desk"), database) as room:
        room.set_up(request.param)
        yield room


def tries(wrong: bool) -> list[Any]:
    """Lesson, exercise and code: each solution, or each wrong answer."""
    found = []
    for lesson in LESSONS:
        for exercise in lesson.exercises:
            for n, answer in enumerate(exercise.wrong if wrong else [exercise.solution], 1):
                found.append(pytest.param(lesson, exercise, answer, id=f"{exercise.id}-{n}"))
    return found


@pytest.mark.parametrize(("desk", "exercise", "solution"), tries(wrong=False), indirect=["desk"])
def test_solution_passes(desk: Classroom, exercise: Exercise, solution: str) -> None:
    verdict = desk.attempt(exercise.id, solution)
    assert verdict.state == "solved", verdict.view


@pytest.mark.parametrize(("desk", "exercise", "answer"), tries(wrong=True), indirect=["desk"])
def test_wrong_answer_fails_and_is_told_why(desk: Classroom, exercise: Exercise, answer: Any) -> None:
    verdict = desk.attempt(exercise.id, answer.code)
    assert verdict.state == "wrong"
    assert answer.says in verdict.says
    assert len(verdict.view.text.splitlines()) > 4, "a verdict says why, and shows a view"


@each_exercise
def test_untouched_exercise_is_not_started(exercise: Exercise) -> None:
    _, cell = cell_of(lesson_of(exercise), f"%%exercise {exercise.id}\n")
    assert cell["source"].partition("\n")[2].strip("\n") == exercise.starter
    assert untouched(exercise, exercise.starter)
    assert outputs(cell) == not_started(exercise).view.text
    assert f"exercise {exercise.id}: not started" in outputs(cell)


@each_exercise
def test_exercise_has_what_a_learner_needs(exercise: Exercise) -> None:
    assert len(exercise.hints) == 3 and all(len(hint) > 30 for hint in exercise.hints)
    assert len(exercise.wrong) >= 2 and exercise.praise
    assert not untouched(exercise, exercise.solution)
    ast.parse(exercise.solution)


# ── predictions ──────────────────────────────────────────────────────────────────────────────────────────────────────
@each_prediction
def test_prediction_is_asked_before_it_is_shown(prediction: Prediction) -> None:
    lesson = lesson_of(prediction)
    asked, cell = cell_of(lesson, f"%predict {prediction.id}")
    assert cell["source"] == f"%predict {prediction.id}"
    if prediction.evidence:
        shown, cell = cell_of(lesson, f"%%predict {prediction.id}\n")
        assert asked < shown
        assert prediction.evidence in outputs(cell)


@each_prediction
def test_prediction_says_why_to_everybody(prediction: Prediction) -> None:
    assert prediction.answer in prediction.choices
    assert list(prediction.choices) == list("abcdef")[: len(prediction.choices)] and len(prediction.choices) >= 3
    assert prediction.because
    for letter, choice in prediction.choices.items():
        if letter != prediction.answer:
            assert choice.reply, f"{prediction.id} {letter} has no reply"
        else:
            assert choice.misconception is None


@each_prediction
def test_no_length_gives_the_answer_away(prediction: Prediction) -> None:
    """Of three or more choices the right one is not by far the longest."""
    others = [len(choice.text) for letter, choice in prediction.choices.items() if letter != prediction.answer]
    assert len(prediction.choices[prediction.answer].text) <= 2 * max(others)


def test_every_misconception_is_a_choice_of_its_lesson() -> None:
    offered = {
        (lesson_of(prediction).number, choice.misconception)
        for prediction in PREDICTIONS
        for choice in prediction.choices.values()
    }
    missing = {each.number: each for each in MISCONCEPTIONS.values() if (each.lesson, each.number) not in offered}
    written = set(lessons.numbers())
    assert not [each for each in missing.values() if each.lesson in written]
    assert {each.lesson for each in missing.values()} <= set(COURSE) - written


# ── the notebook ─────────────────────────────────────────────────────────────────────────────────────────────────────
def prose(lesson: Lesson) -> str:
    """What a notebook says, its cells with code left out."""
    return "\n".join(cell["source"] for cell in cells(lesson) if cell["cell_type"] == "markdown")


@each_lesson
def test_notebook_begins_with_its_title_its_question_and_its_time(lesson: Lesson) -> None:
    assert (NOTEBOOKS / lesson.notebook).name.startswith(f"{lesson.number:02}_")
    assert prose(lesson).startswith(f"# {lesson.number} · {lesson.title}\n")
    assert "**The question:**" in prose(lesson) and f"**About {lesson.minutes} minutes.**" in prose(lesson)


@each_lesson
def test_notebook_ends_with_the_way_to_the_next(lesson: Lesson) -> None:
    last = prose(lesson).rstrip().splitlines()[-1]
    if lesson == CAPSTONE:
        assert "](00_tour.ipynb)" in last
    else:
        after = lessons.lesson(lesson.number + 1)
        assert last.startswith(f"Next: [{after.number} · {after.title}]({after.notebook})")


@pytest.mark.parametrize("lesson", LESSONS[:-1], ids=lambda lesson: f"{lesson.number:02}")
def test_notebook_has_the_shape_of_a_lesson(lesson: Lesson) -> None:
    heads = re.findall(r"(?m)^## (.+)$", prose(lesson))
    wanted = ["Predict, then run", "Look", "Explain", "Modify", *(f"Exercise {each.id}" for each in lesson.exercises)]
    assert [head for head in heads if head in {*wanted, "Predict, then run"}] == wanted
    assert heads[-2:] == ["The same in SQLAlchemy 2", "Key points"]
    assert 4 <= len(lesson.predictions) <= 6 and len(lesson.exercises) == 2


def test_capstone_asks_for_one_piece_of_work_and_no_prediction() -> None:
    """A list of wishes, which view answers which question, the script, and what comes after the course."""
    heads = re.findall(r"(?m)^## (.+)$", prose(CAPSTONE))
    (work,) = CAPSTONE.exercises
    assert heads[:3] == ["The six wishes", "Look", f"Exercise {work.id}"]
    assert heads[3:] == ["The same in SQLAlchemy 2", "Key points", "What to do next"]
    assert not CAPSTONE.predictions and 35 <= len(work.starter.splitlines()) <= 40


@each_lesson
def test_cells_are_short_and_hold_no_helper_code(lesson: Lesson) -> None:
    for cell in cells(lesson):
        if cell["cell_type"] == "code" and cell["id"] != "sqlalchemy":
            script = lesson == CAPSTONE and cell["source"].startswith("%%exercise")
            assert len(cell["source"].splitlines()) <= (45 if script else 30), cell["id"]
            assert not re.search(r"(?m)^(async )?def ", cell["source"]), f"{cell['id']} defines a function"


@each_lesson
def test_no_line_of_code_is_cut_off_by_the_page(lesson: Lesson) -> None:
    """JupyterLab does not wrap code: so much is seen of a line on a screen of 1,150 pixels."""
    lines = [line for cell in cells(lesson) if cell["cell_type"] == "code" for line in cell["source"].splitlines()]
    assert [line for line in lines if len(line) > 120] == []


@each_lesson
def test_first_cell_chooses_the_database_in_one_line(lesson: Lesson) -> None:
    first = next(cell for cell in cells(lesson) if cell["cell_type"] == "code")
    line = 'DATABASE = os.environ.get("NBSESSION_DATABASE", "sqlite")  # or write "duckdb" here'
    assert first["id"].startswith("setup") and line in first["source"].splitlines()


@each_lesson
def test_notes_are_for_this_lesson(lesson: Lesson) -> None:
    assert sum(minutes for _, minutes in lesson.notes.timing) == lesson.minutes
    wishes = set("123456") if lesson == CAPSTONE else set()
    assert set(lesson.notes.expect) == {each.id for each in lesson.predictions} | wishes
    ast.parse(lesson.notes.break_live)


@each_lesson
def test_what_teachers_break_live_uses_names_that_are_there(lesson: Lesson) -> None:
    """At the end of the notebook, where the teacher's copy has it. It is not run: some of it never ends, to be interrupted."""
    known = set(dir(builtins)) | {"session", "engine"}
    for cell in cells(lesson):
        if cell["cell_type"] == "code" and cell["id"] != "sqlalchemy" and not cell["source"].startswith("%%exercise"):
            known |= bound(cell["source"])
    code = re.sub(r"(?m)^%.*$", "", lesson.notes.break_live)
    known |= bound(code)
    used = {node.id for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name)}
    assert used <= known


# ── the same in SQLAlchemy 2 ─────────────────────────────────────────────────────────────────────────────────────────
@each_lesson
def test_cell_in_sqlalchemy_runs_and_agrees(lesson: Lesson) -> None:
    """The cell runs with SQLAlchemy; with its import lines changed it runs with nbsession and prints the same."""
    (cell,) = [cell for cell in cells(lesson) if cell["id"] == "sqlalchemy"]
    source = cell["source"]
    assert "import sqlalchemy as sa\nfrom sqlalchemy import orm\n" in source
    theirs = printed_by(source)
    ours = printed_by(
        source.replace("import sqlalchemy as sa\nfrom sqlalchemy import orm\n", "import nbsession as sa\norm = sa\n")
    )
    assert theirs and ours == theirs == outputs(cell)


@each_lesson
def test_cell_in_sqlalchemy_rebinds_no_name_of_the_notebook(lesson: Lesson) -> None:
    before: set[str] = set()
    for cell in cells(lesson):
        if cell["id"] == "sqlalchemy":
            assert not bound(cell["source"]) & (before | {"session", "engine"})
        elif cell["cell_type"] == "code":
            before |= bound(cell["source"])


def printed_by(source: str) -> str:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(source, "sqlalchemy cell", "exec", dont_inherit=True), {"__name__": "sqlalchemy_cell"})
    return printed.getvalue()


def bound(source: str) -> set[str]:
    """The names that a cell binds at its top level."""
    tree = ast.parse(re.sub(r"(?m)^\s*[%!].*$", "", source))
    names: set[str] = set()
    for node in tree.body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            names.add(node.name)
            continue
        names |= {each.id for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)}
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
    return names


def test_every_notebook_but_the_tour_has_its_lesson() -> None:
    known = {lesson.notebook for lesson in LESSONS}
    assert {path.name for path in NOTEBOOKS.glob("[0-9][0-9]_*.ipynb")} - {"00_tour.ipynb"} == known
