"""Lessons in a real JupyterLab, worked through as a learner does: predicted by clicking, exercises failed, hinted, solved."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import expect

from nbsession.teaching import lessons
from nbsession.teaching.lesson import Exercise, Prediction
from tests.browser.conftest import OpenNotebook
from tests.browser.lab import Lab, Notebook
from tests.teaching.classroom import cells

WRITE = """([index, source]) => {
  window.jupyterapp.shell.currentWidget.content.widgets[index].model.sharedModel.setSource(source);
}"""


def predict(nb: Notebook, cell: int, asked: Prediction, letter: str) -> None:
    """Runs the cell that asks, chooses, and locks; asked for a rule, the answer follows at once."""
    nb.run(cell)
    question = nb.output(cell)
    lock = question.get_by_role("button", name="Lock my answer")
    expect(lock).to_be_disabled()
    question.get_by_role("radio").nth("abcdef".index(letter)).check()
    lock.click()
    expect(question).to_contain_text("is locked" if asked.evidence else f"✓ {asked.id}: you said {letter})")
    expect(question.get_by_role("radio").first).to_be_disabled()


def work_on(nb: Notebook, cell: int, exercise: Exercise) -> None:
    """Leaves an exercise untouched, does it wrong, asks for a hint, does it right."""
    shown = nb.output(cell)
    assert "not started" in nb.run(cell)
    wrong = exercise.wrong[0]
    nb.page.evaluate(WRITE, [cell, f"%%exercise {exercise.id}\n{wrong.code}"])
    nb.run(cell)
    expect(shown).to_contain_text(f"✗ exercise {exercise.id}: not yet")
    expect(shown).to_contain_text(wrong.says.replace("`", ""))
    shown.get_by_role("button", name="Hint 1 of 3").click()
    expect(shown).to_contain_text(f"hint 1 of 3 for {exercise.id}")
    nb.screenshot(f"exercise-{exercise.id}-hinted", of=nb.cells.nth(cell))
    nb.page.evaluate(WRITE, [cell, f"%%exercise {exercise.id}\n{exercise.solution}"])
    nb.run(cell)
    expect(shown).to_contain_text(f"✓ exercise {exercise.id}: solved")


@pytest.mark.parametrize(("number", "database"), [(1, "sqlite"), (3, "duckdb")])
def test_a_learner_predicts_fails_is_hinted_and_solves(
    number: int, database: str, notebook: OpenNotebook, lab: Lab, tmp_path: Path
) -> None:
    lesson = lessons.lesson(number)
    every = cells(lesson)
    for cell in every:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
            cell["source"] = cell["source"].replace(
                '"NBSESSION_DATABASE", "sqlite"', f'"NBSESSION_DATABASE", "{database}"'
            )
    copy = tmp_path / "lesson.ipynb"
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    copy.write_text(
        json.dumps({"cells": every, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}), encoding="utf-8"
    )
    (lab.folder / "progress.json").unlink(missing_ok=True)
    nb = notebook(f"lesson-{number}.ipynb", copy_of=copy)

    first = lesson.predictions[0]
    believed = next(letter for letter, choice in first.choices.items() if choice.misconception is not None)
    said = {asked.id: asked.answer for asked in lesson.predictions} | {first.id: believed}
    predictions = {asked.id: asked for asked in lesson.predictions}
    exercises = {exercise.id: exercise for exercise in lesson.exercises}
    for index, cell in enumerate(every):
        command, _, name = cell["source"].partition("\n")[0].partition(" ")
        if cell["cell_type"] != "code":
            continue
        if command == "%predict":
            if name == first.id:
                assert "predict first" in nb.run(index + 1)
            predict(nb, index, predictions[name], said[name])
        elif command == "%%exercise":
            work_on(nb, index, exercises[name])
        else:
            shown = nb.run(index)
            assert "Traceback" not in shown, f"{cell['id']}: {shown}"
            if command == "%%predict":
                assert f"{'✗' if name == first.id else '✓'} {name}: you said {said[name]})" in shown

    progress = json.loads((lab.folder / "progress.json").read_text(encoding="utf-8"))
    assert {name: each["answer"] for name, each in progress["predictions"].items()} == said
    assert progress["exercises"] == {
        name: {"tries": 2, "hints": 1, "solution": False, "solved": True} for name in exercises
    }
    assert nb.errors == []
