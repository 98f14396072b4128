"""The rules of the house that no linter knows."""

from __future__ import annotations

import ast
import os
import re
import stat
import tomllib
from pathlib import Path

import pytest
import yaml

PROJECT = Path(__file__).parents[2]
MODULES = sorted((PROJECT / "nbsession").rglob("*.py"))
LONGEST = 400


def lines(name: str) -> list[str]:
    return (PROJECT / name).read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PROJECT).as_posix())
def test_module_says_what_it_is_about(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))


def test_no_file_is_too_long_to_read() -> None:
    files = [*MODULES, PROJECT / "dev.py", *(PROJECT / "widgets").glob("*.js")]
    long = {
        path.name: count for path in files if (count := len(path.read_text(encoding="utf-8").splitlines())) > LONGEST
    }
    assert not long


def test_makefile_only_calls_dev_py() -> None:
    recipes = [line for line in lines("Makefile") if line.startswith("\t")]
    assert recipes == ["\t$(PYTHON) dev.py $@"]


def test_ci_only_runs_make_test() -> None:
    commands = [line for line in lines(".ci/run") if line and not line.startswith(("#", "set ", "cd "))]
    assert commands == ["make test"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no executable bit")
@pytest.mark.parametrize("name", [".ci/run", "binder/postBuild"])
def test_script_is_executable(name: str) -> None:
    assert (PROJECT / name).stat().st_mode & stat.S_IXUSR


def test_pre_commit_runs_stages_of_dev_py() -> None:
    from dev import STAGES

    config = yaml.safe_load((PROJECT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    hooks = [hook for repo in config["repos"] for hook in repo["hooks"]]
    assert hooks
    for hook in hooks:
        match = re.fullmatch(r"python dev\.py test --only (\w+)", hook["entry"])
        assert match is not None and match[1] in STAGES, hook["entry"]


def test_version_has_one_source_and_a_place_in_the_changelog() -> None:
    version = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    headings = [line for line in lines("CHANGELOG.md") if line.startswith("## ")]
    assert any(version in heading for heading in headings)
    assert not any(version in path.read_text(encoding="utf-8") for path in (PROJECT / "nbsession").glob("*.py"))


def test_core_dependencies_are_few_and_duckdb_is_left_out_in_the_page() -> None:
    wanted = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    assert {re.split(r"[<>=; ]", line)[0] for line in wanted} == {
        "ipython",
        "ipywidgets",
        "anywidget",
        "duckdb",
        "sqlglot",
    }
    assert any(line.startswith("duckdb") and "emscripten" in line for line in wanted)
