"""What a learner predicted and solved, in one file beside the notebooks. It goes nowhere unless somebody carries it.

``progress.json`` lies in the folder where the kernel runs; NBSESSION_PROGRESS names another file. It holds no name and
no time. With NBSESSION_UNATTENDED set nobody is there to answer: run cells do not wait for a prediction, and nothing is
written.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypedDict

from nbsession.exc import ArgumentError

FORMAT = 1


class Predicted(TypedDict):
    """What is known of one prediction.

    :ivar answer: the letter; empty for one that was skipped.
    """

    answer: str
    revealed: bool


class Worked(TypedDict):
    """What is known of one exercise."""

    tries: int
    hints: int
    solution: bool
    """was the solution looked at before it was solved?"""
    solved: bool


def unattended() -> bool:
    """Is nobody there to answer? So it is when notebooks are tested or printed."""
    return bool(os.environ.get("NBSESSION_UNATTENDED"))


class Progress:
    """The progress of one learner. Each question reads the file anew, for several notebooks write to it.

    :param path: the file; without one it is found as the module says.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        self._path = path
        self._memory: dict[str, Any] = blank()
        self.trouble = ""
        """why nothing can be written to the file; empty if it can"""

    @property
    def path(self) -> Path:
        """The file."""
        return Path(self._path or os.environ.get("NBSESSION_PROGRESS") or "progress.json")

    # ── predictions ──────────────────────────────────────────────────────────────────────────────────────────────────
    def predicted(self, name: str) -> Predicted | None:
        """What was answered to a prediction; None if nothing was."""
        found: Predicted | None = self.data()["predictions"].get(name)
        return found

    def lock(self, name: str, answer: str) -> None:
        """Keeps an answer. One that is there already stays."""
        data = self.data()
        data["predictions"].setdefault(name, {"answer": answer, "revealed": False})
        self._write(data)

    def reveal(self, name: str) -> None:
        """The answer has been shown."""
        data = self.data()
        if name in data["predictions"]:
            data["predictions"][name]["revealed"] = True
            self._write(data)

    # ── exercises ────────────────────────────────────────────────────────────────────────────────────────────────────
    def worked(self, name: str) -> Worked:
        """What was done for an exercise."""
        found: Worked = {"tries": 0, "hints": 0, "solution": False, "solved": False}
        found.update(self.data()["exercises"].get(name, {}))
        return found

    def note(
        self, name: str, *, tried: bool = False, hints: int = 0, solution: bool = False, solved: bool = False
    ) -> None:
        """Keeps what happened to an exercise.

        :param tried: it was tried once more.
        :param hints: so many hints have been seen.
        :param solution: the solution was looked at.
        :param solved: it was solved.
        """
        data = self.data()
        worked = self.worked(name)
        worked["tries"] += tried
        worked["hints"] = max(worked["hints"], hints)
        worked["solution"] |= solution and not worked["solved"]
        worked["solved"] |= solved
        data["exercises"][name] = worked
        self._write(data)

    def forget(self, exercises: Iterable[str]) -> None:
        """Exercises are not started any more."""
        data = self.data()
        for name in exercises:
            data["exercises"].pop(name, None)
        self._write(data)

    # ── the file ─────────────────────────────────────────────────────────────────────────────────────────────────────
    def data(self) -> dict[str, Any]:
        """All that is known, as it stands in the file."""
        if unattended() or self.trouble:
            return self._memory
        return read(self.path) if self.path.exists() else blank()

    def export(self, target: str | os.PathLike[str]) -> Path:
        """Writes a copy, to hand in or to go on elsewhere.

        :raises OSError: it cannot be written.
        """
        _store(Path(target), self.data())
        return Path(target)

    def take_over(self, source: str | os.PathLike[str]) -> None:
        """Takes over what was exported; what it does not name stays.

        :raises ArgumentError: it is no file of progress.
        """
        data, other = self.data(), read(Path(source))
        for part in ("predictions", "exercises"):
            data[part].update(other[part])
        self._write(data)

    def _write(self, data: dict[str, Any]) -> None:
        self._memory = data
        if unattended() or self.trouble:
            return
        try:
            _store(self.path, data)
        except OSError as error:
            self.trouble = f"{self.path} cannot be written ({error.strerror}): progress is kept until the kernel ends"


def blank() -> dict[str, Any]:
    """Nothing done yet."""
    return {"course": "toolshed", "format": FORMAT, "predictions": {}, "exercises": {}}


def read(path: Path) -> dict[str, Any]:
    """What a file of progress says.

    :raises ArgumentError: it is none.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ArgumentError(f"{path} cannot be read as progress: {error}. Delete it, or name another file.") from None
    if not isinstance(data, dict) or data.get("course") != "toolshed" or data.get("format") != FORMAT:
        raise ArgumentError(f"{path} is not the progress of this course. Name another file, or delete it.")
    return {**blank(), **data}


def _store(path: Path, data: dict[str, Any]) -> None:
    """Writes all or nothing."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(json.dumps(data, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    beside.replace(path)


progress = Progress()
"""of the learner in this kernel"""
