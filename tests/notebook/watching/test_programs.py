"""Programs of the reach of SQLAlchemy's tutorial, on SQLAlchemy itself, watched: every state right at every step."""

from __future__ import annotations

import io
import sys
import warnings
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("sqlalchemy")

from sqlalchemy.orm import Session

from nbsession.notebook.recording.cells import CellClock
from nbsession.notebook.recording.recorder import recorder_of
from tests.notebook.watching.stepping import STATES, Stepper, Witness, run_stepwise

SCRIPTS = Path(__file__).parents[2] / "compat" / "scripts"


@pytest.fixture
def scripts_importable() -> Iterator[None]:
    """The scripts import their library by its bare name."""
    sys.modules.pop("library", None)
    sys.path.insert(0, str(SCRIPTS))
    yield
    sys.path.remove(str(SCRIPTS))
    sys.modules.pop("library", None)


def watch_program(program: str, url: str, monkeypatch: pytest.MonkeyPatch) -> Stepper:
    """Runs a program on SQLAlchemy; each of its sessions is watched from its first statement on."""
    monkeypatch.setattr(sys, "argv", ["program", url])
    witness = Witness()
    stepper = Stepper(witness)
    names: dict[str, Any] = {"__name__": "program"}
    monkeypatch.setattr(CellClock, "namespace", property(lambda _: names))

    def step(line: int) -> None:
        for name, session in list(names.items()):
            if isinstance(session, Session):
                recorder_of(session, name)
                stepper.compare(session, f"line {line}")

    with witness.listening(), redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        names["step"] = step
        run_stepwise(program, names, step)
    return stepper


@pytest.mark.parametrize("name", sorted(path.stem for path in SCRIPTS.glob("s*.py")))
@pytest.mark.usefixtures("scripts_importable")
def test_board_members_log_and_stack_agree_with_sqlalchemy_after_every_statement(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = (SCRIPTS / f"{name}.py").read_text(encoding="utf-8")
    stepper = watch_program(program, f"sqlite:///{tmp_path / 'library.db'}", monkeypatch)
    assert stepper.steps >= 5 or "Session(" not in program
    if name == "s3_unit_of_work":
        assert stepper.seen >= {"transient", "pending", "persistent", "detached"}


def test_a_walk_through_the_five_states_agrees_with_sqlalchemy_after_every_statement(
    alchemy_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    walk = (Path(__file__).parent / "tutorial_walk.py").read_text(encoding="utf-8")
    stepper = watch_program(walk, alchemy_url, monkeypatch)
    assert stepper.seen == set(STATES)
    assert stepper.steps > 100
