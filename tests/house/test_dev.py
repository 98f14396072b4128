"""dev.py: what it says of its stages, and what it does where something is missing."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

import dev


@pytest.fixture
def stages(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, int]:
    """Three stages that return what the dict says, in place of the real ones."""
    codes = {"good": 0, "bad": 1, "empty": dev.NOTHING_COLLECTED}
    monkeypatch.setattr(dev, "RESULTS", tmp_path)
    monkeypatch.setattr(dev, "STAGES", {name: lambda stage, extra: codes[stage] for name in codes})
    return codes


def test_every_stage_runs_and_the_failed_are_listed(stages: dict[str, int], capsys: pytest.CaptureFixture[str]) -> None:
    assert dev.run_stages(["bad", "good", "empty"], []) == 1
    said = capsys.readouterr().out
    assert "FAILED stage bad: python dev.py test --only bad" in said
    assert "FAILED stage empty" in said
    assert "1 of 3 stages passed: good" in said


def test_last_line_counts_as_pytest_does(stages: dict[str, int], capsys: pytest.CaptureFixture[str]) -> None:
    dev.counts_of("good").write_text(
        '<testsuites><testsuite tests="9" failures="0" errors="0" skipped="2"/></testsuites>'
    )
    dev.STAGES["good"] = lambda stage, extra: keep(dev.counts_of(stage), 9, 2)
    assert dev.run_stages(["good"], []) == 0
    assert " 7 passed, 2 skipped in " in capsys.readouterr().out.splitlines()[-1]


def keep(path: Path, tests: int, skipped: int) -> int:
    path.write_text(
        f'<testsuites><testsuite tests="{tests}" failures="0" errors="0" skipped="{skipped}"/></testsuites>'
    )
    return 0


def test_nothing_collected_is_a_failure_unless_tests_were_chosen(stages: dict[str, int]) -> None:
    assert dev.run_stages(["empty"], []) == 1
    assert dev.run_stages(["empty"], ["-k", "savepoint"]) == 0


def test_lab_opens_copies_in_which_no_cell_was_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ran: list[list[str]] = []

    def run_all_but_jupyter(command: Sequence[str], **variables: str) -> int:
        ran.append(list(command))
        return 0 if "jupyterlab" in command else subprocess.run([sys.executable, *command[1:]]).returncode

    monkeypatch.setattr(dev, "COURSE", tmp_path / "course")
    monkeypatch.setattr(dev, "run", run_all_but_jupyter)
    assert dev.lab(["--no-browser"]) == 0
    assert f"--ServerApp.root_dir={tmp_path / 'course'}" in ran[-1] and "--no-browser" in ran[-1]
    copies = sorted((tmp_path / "course").glob("*.ipynb"))
    assert [copy.name for copy in copies] == sorted(path.name for path in (dev.ROOT / "notebooks").glob("*.ipynb"))
    assert all('"execution_count": null' in copy.read_text("utf-8") for copy in copies)
    assert not any('"output_type"' in copy.read_text("utf-8") for copy in copies)


def test_lab_that_cannot_copy_opens_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[Sequence[str]] = []

    def fail(command: Sequence[str], **variables: str) -> int:
        ran.append(command)
        return 2

    monkeypatch.setattr(dev, "run", fail)
    assert dev.lab([]) == 2 and len(ran) == 1


def test_arguments_after_dashes_are_pytests() -> None:
    assert dev.split_at_dashes(["test", "--only", "pytest", "--", "-k", "a"]) == (
        ["test", "--only", "pytest"],
        ["-k", "a"],
    )
    assert dev.split_at_dashes(["lab"]) == (["lab"], [])


def test_python_without_ensurepip_is_one_clear_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    script = tmp_path / "python"
    script.write_text("#!/bin/sh\necho ensurepip is not available\nexit 1\n")
    script.chmod(0o755)
    if sys.platform == "win32":
        pytest.skip("the stand-in is a shell script")
    monkeypatch.setattr(dev, "VENV", tmp_path / "venv")
    monkeypatch.setattr(dev, "new_enough_python", lambda: str(script))
    with pytest.raises(dev.Trouble, match=r"without venv or ensurepip.*python3-venv.*uv"):
        dev.make_venv()


def test_missing_browser_is_one_line_and_a_failure() -> None:
    command = [sys.executable, "-m", "tests.browser.chromium"]
    environment = {**dev.os.environ, "NBSESSION_CHROMIUM": sys.executable + "-is-no-browser"}
    done = subprocess.run(command, cwd=dev.ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert (
        done.stderr.startswith("browser tests cannot run: NBSESSION_CHROMIUM=") and len(done.stderr.splitlines()) == 1
    )
