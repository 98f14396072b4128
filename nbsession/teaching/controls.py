"""Questions to click and hints to ask for, of ipywidgets' own controls. Each carries its text and HTML along.

A click may arrive on another thread than the cells': nothing here touches a session or a database.
"""

from __future__ import annotations

from typing import Any

from ipywidgets import HTML, Button, HBox, Layout, RadioButtons, VBox

from nbsession.notebook.views.view import View
from nbsession.teaching import exercising, lessons, pictures, predicting
from nbsession.teaching.lesson import Prediction
from nbsession.teaching.progress import progress

FIT = Layout(width="auto", margin="4px 12px", align_self="flex-start")


class WithText(VBox):  # type: ignore[misc]  # ipywidgets has no types
    """Controls, and what is shown of them where no widget runs: GitHub, nbconvert, a terminal.

    :param fallback: the text and HTML.
    """

    def __init__(self, fallback: View, children: list[Any]) -> None:
        self._fallback = fallback
        super().__init__(children, layout=Layout(overflow="hidden"))

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        data: dict[str, Any] = super()._repr_mimebundle_(**options)
        return {**data, "text/plain": self._fallback.text, "text/html": self._fallback.html}


class Question(WithText):
    """A prediction: choose, then lock.

    :param asked: the prediction.
    """

    def __init__(self, asked: Prediction) -> None:
        locked = predicting.answered(asked)
        self._asked = asked
        self.choices = RadioButtons(
            options=[(f"{letter})  {pictures.plain(choice.text)}", letter) for letter, choice in asked.choices.items()],
            value=locked or None,
            disabled=locked is not None,
            layout=FIT,
        )
        self.button = Button(
            description="Lock my answer", tooltip="It stays once it is locked", disabled=True, layout=FIT
        )
        self.said = HTML(predicting.ask(asked.id).html if locked is not None and not asked.evidence else "")
        self.choices.observe(self._chosen, "value")
        self.button.on_click(self._lock)
        super().__init__(
            predicting.ask(asked.id),
            [HTML(pictures.framed(pictures.heading(asked))), self.choices, self.button, self.said],
        )

    def _chosen(self, change: Any) -> None:
        self.button.disabled = change["new"] is None or self.choices.disabled

    def _lock(self, _button: Any) -> None:
        if self.choices.value is None:
            return
        self.choices.disabled = self.button.disabled = True
        self.said.value = predicting.lock(self._asked.id, self.choices.value).html
        self.choices.value = predicting.answered(self._asked) or self.choices.value


class Help(WithText):
    """A verdict, with buttons for the next hint and for a solution.

    :param name: the exercise's id.
    """

    def __init__(self, name: str, verdict: exercising.Verdict) -> None:
        self._name = name
        self._seen = progress.worked(name)["hints"]
        self.hint = Button(description=self._next(), layout=FIT)
        self.solution = Button(description="Solution", layout=FIT)
        self.said = HTML()
        self.hint.on_click(self._hint)
        self.solution.on_click(self._solution)
        buttons = [] if verdict.state == "solved" else [HBox([self.hint, self.solution])]
        super().__init__(verdict.view, [HTML(verdict.view.html), *buttons, self.said])

    def _next(self) -> str:
        every = len(lessons.exercise(self._name).hints)
        return f"Hint {self._seen + 1} of {every}" if self._seen < every else "All hints"

    def _hint(self, _button: Any) -> None:
        self.said.value = exercising.hint(self._name).html
        self._seen = progress.worked(self._name)["hints"]
        self.hint.description = self._next()

    def _solution(self, _button: Any) -> None:
        self.said.value = exercising.solution(self._name).html
