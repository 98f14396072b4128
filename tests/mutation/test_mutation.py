"""Nine of ten mutants of the engine's heart are noticed; and the tool that says so can be trusted."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.mutation.__main__ import equivalents
from tests.mutation.known import PROJECT, targets
from tests.mutation.mutants import different, mutants_of
from tests.mutation.trial import failed, functions_at, with_next

SAMPLE = '''"""A module."""
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os

TABLE = {A.x: A.y, A.z: A.x}


class Thing:
    """A class."""

    @property
    def size(self) -> int:
        """A docstring."""
        if self.a and not self.b:
            raise ValueError(f"no {self.a == 1}")
        self.c = 3
        return len([x for x in self.d if x > 0])
'''

TESTS = """
import warnings
import pytest

@pytest.mark.filterwarnings("ignore:told")
def test_that_ignores_a_warning():
    warnings.warn("told")

def test_that_warns():
    warnings.warn("told")
"""


@pytest.mark.long
def test_nine_of_ten_mutants_are_noticed() -> None:
    run = subprocess.run([sys.executable, "-m", "tests.mutation"], cwd=PROJECT, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr


def test_the_mutants_of_a_small_module(tmp_path: Path) -> None:
    path = tmp_path / "sample.py"
    path.write_text(SAMPLE, encoding="utf-8")
    mutants = mutants_of(path)
    assert [(m.line, m.function, different(m.before, m.after)) for m in mutants if not m.function] == [
        (7, "", "{A.x: A.y, A.z: A.x} → {A.z: A.x}"),
        (7, "", "{A.x: A.y, A.z: A.x} → {A.x: A.x, A.z: A.x}"),
        (7, "", "{A.x: A.y, A.z: A.x} → {A.x: A.y}"),
        (7, "", "{A.x: A.y, A.z: A.x} → {A.x: A.y, A.z: A.y}"),
    ]
    assert [(m.line, m.name) for m in mutants if m.function] == [
        (16, "Thing.size: self.a and (not self.b) → self.a or not self.b"),
        (16, "Thing.size: not self.b → self.b"),
        (17, "Thing.size: raise ValueError(f'no {self.a == 1}') → pass"),
        (18, "Thing.size: self.c = 3 → pass"),
        (18, "Thing.size: self.c = 3 → self.c = 4"),
        (19, "Thing.size: return len([x for x in self.d if x > 0]) → return None"),
        (19, "Thing.size: if x > 0 → no if"),
        (19, "Thing.size: x > 0 → x >= 0"),
        (19, "Thing.size: x > 0 → x > 1"),
    ]
    for mutant in mutants:
        compile(mutant.tree(), "sample", "exec")


def test_a_test_fails_in_a_trial_as_it_does_elsewhere(tmp_path: Path) -> None:
    """What is said of a test by its marks holds: a warning is an error unless it is ignored there."""
    path = tmp_path / "test_sample.py"
    path.write_text(TESTS, encoding="utf-8")
    fails: dict[str, bool] = {}

    class Loop:
        def pytest_runtestloop(self, session: pytest.Session) -> bool:
            fails.update((pair[0].name, failed(pair)) for pair in with_next(session.items))
            return True

    options = ["-q", "-s", "-W", "error", "-p", "no:cacheprovider", f"--rootdir={tmp_path}", f"--confcutdir={tmp_path}"]
    pytest.main([*options, "-c", os.devnull, str(path)], plugins=[Loop()])
    assert fails == {"test_that_ignores_a_warning": False, "test_that_warns": True}


def test_every_function_with_mutants_can_be_found() -> None:
    import importlib

    from tests.mutation.trial import module_of

    assert len(targets()) >= 5
    for path in targets():
        module = importlib.import_module(module_of(path))
        for function in {mutant.function for mutant in mutants_of(path)} - {""}:
            assert list(functions_at(module, function)), f"{path.name}: {function}"


def test_excused_mutants_exist() -> None:
    names = {(path.name, mutant.name) for path in targets() for mutant in mutants_of(path)}
    assert set(equivalents()) <= names
