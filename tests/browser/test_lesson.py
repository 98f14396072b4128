"""Lesson 1 in a real JupyterLab, worked through as a learner does: predicted by clicking, an exercise failed, hinted, solved."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from nbsession.teaching import lessons
from tests.browser.conftest import OpenNotebook
from tests.browser.lab import Lab, Notebook
from tests.teaching.classroom import NOTEBOOKS

LESSON = lessons.lesson(1)
WRITE = """([index, source]) => {
  window.jupyterapp.shell.currentWidget.content.widgets[index].model.sharedModel.setSource(source);
}"""


@pytest.fixture
def learner(notebook: OpenNotebook, lab: Lab, tmp_path: Path) -> tuple[Notebook, dict[str, int]]:
    """The lesson as a learner gets it, open; and where each cell is."""
    content = json.loads((NOTEBOOKS / LESSON.notebook).read_text(encoding="utf-8"))
    for cell in content["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
    copy = tmp_path / "lesson.ipynb"
    copy.write_text(json.dumps(content), encoding="utf-8")
    (lab.folder / "progress.json").unlink(missing_ok=True)
    return notebook("lesson.ipynb", copy_of=copy), {cell["id"]: n for n, cell in enumerate(content["cells"])}


def answer(question: Locator, letter: str) -> None:
    """Chooses and locks."""
    question.get_by_role("radio").nth("abcdef".index(letter)).check()
    question.get_by_role("button", name="Lock my answer").click()


def test_a_learner_predicts_fails_is_hinted_and_solves(learner: tuple[Notebook, dict[str, int]]) -> None:
    nb, at = learner
    for name in ("setup-data", "setup-class", "setup-open"):
        nb.run(at[name])

    assert "predict first" in nb.run(at["run-1a"])
    nb.run(at["predict-1a"])
    question = nb.output(at["predict-1a"])
    expect(question.get_by_role("button", name="Lock my answer")).to_be_disabled()
    answer(question, "a")
    expect(question).to_contain_text("is locked")
    expect(question.get_by_role("radio").first).to_be_disabled()
    shown = nb.run(at["run-1a"])
    assert "[(64,)]" in shown and "✗ 1a: you said a)" in shown

    for letter in "bcd":
        right = lessons.prediction(f"1{letter}").answer
        nb.run(at[f"predict-1{letter}"])
        answer(nb.output(at[f"predict-1{letter}"]), right)
        expect(nb.output(at[f"predict-1{letter}"])).to_contain_text("is locked")
        assert f"✓ 1{letter}: you said {right})" in nb.run(at[f"run-1{letter}"])
        if letter == "c":
            nb.run(at["commit"])

    nb.run(at["explain"])
    answer(nb.output(at["explain"]), "b")
    expect(nb.output(at["explain"])).to_contain_text("✓ 1e: you said b)")

    exercise = at["exercise-1a"]
    assert "not started" in nb.run(exercise)
    nb.page.evaluate(WRITE, [exercise, f"%%exercise 1a\n{LESSON.exercises[0].wrong[1].code}"])
    nb.run(exercise)
    expect(nb.output(exercise)).to_contain_text("Missing: deleted, detached")
    expect(nb.output(exercise)).to_contain_text("session.rollback")
    nb.output(exercise).get_by_role("button", name="Hint 1 of 3").click()
    expect(nb.output(exercise)).to_contain_text("hint 1 of 3 for 1a")
    nb.screenshot("lesson-1-hinted", of=nb.cells.nth(exercise))
    nb.page.evaluate(WRITE, [exercise, f"%%exercise 1a\n{LESSON.exercises[0].solution}"])
    nb.run(exercise)
    expect(nb.output(exercise)).to_contain_text("✓ exercise 1a: solved")

    progress = json.loads((nb.lab.folder / "progress.json").read_text(encoding="utf-8"))
    assert {name: each["answer"] for name, each in progress["predictions"].items()} == {
        "1a": "a",
        "1b": "c",
        "1c": "b",
        "1d": "b",
        "1e": "b",
    }
    assert progress["exercises"]["1a"] == {"tries": 2, "hints": 1, "solution": False, "solved": True}
    assert nb.errors == []
