"""binder/: repo2docker takes it for what it is, and an environment built from it, and from nothing else, runs the notebooks."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
BINDER = PROJECT / "binder"
NOT_IN_A_CLONE = (".*", "__pycache__", "test-results", "generated", "*.db", "*.duckdb")

# In a process of its own: repo2docker looks at the working folder, and its dependencies warn.
DETECT = """
from repo2docker.app import Repo2Docker
for kind in Repo2Docker().buildpacks:
    pack = kind("docker.io/library/buildpack-deps:jammy")
    pack.platform = "linux/amd64"
    if pack.detect():
        break
print(kind.__name__, pack.python_version)
print(*(line for _, line in pack.get_assemble_scripts()), sep=chr(10))
print(*pack.get_post_build_scripts())
dockerfile = pack.render(build_args={})
assert "binder/postBuild" in dockerfile
"""


@pytest.mark.long
def test_repo2docker_finds_python_requirements_and_post_build(tmp_path: Path) -> None:
    clone = cloned(tmp_path)
    done = subprocess.run([sys.executable, "-c", DETECT], cwd=clone, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    said = done.stdout
    wanted = (BINDER / "runtime.txt").read_text().strip().removeprefix("python-")
    assert said.startswith(f"PythonBuildPack {wanted}\n")
    assert '-r "binder/requirements.txt"' in said
    assert "binder/postBuild" in said


@pytest.mark.long
def test_the_notebooks_pass_in_an_environment_built_from_binder_alone(tmp_path: Path) -> None:
    clone = cloned(tmp_path)
    bin_folder = tmp_path / "env" / ("Scripts" if os.name == "nt" else "bin")
    python = str(bin_folder / "python")
    environment = {
        name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "NBSESSION_DATABASE")
    }
    environment |= {"PATH": f"{bin_folder}{os.pathsep}{environment['PATH']}", "IPYTHONDIR": str(tmp_path / "ipython")}
    environment |= {"JUPYTER_PREFER_ENV_PATH": "1", "JUPYTER_DATA_DIR": str(tmp_path / "data")}

    def run(*command: str) -> str:
        done = subprocess.run(command, cwd=clone, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-6000:]}\n{done.stderr[-3000:]}"
        return done.stdout

    uv = shutil.which("uv")
    add = [uv, "pip", "install", "--quiet", "--python", python] if uv else [python, "-m", "pip", "install", "--quiet"]
    run(
        *([uv, "venv", "--quiet", "--python", wanted_python()] if uv else [wanted_python(), "-m", "venv"]),
        str(tmp_path / "env"),
    )
    run(*add, "-r", "binder/requirements.txt")
    assert "dashboard.js" in run("bash", "binder/postBuild")
    run(*add, "nbval")  # what judges, not what is judged
    said = run(
        python,
        "-m",
        "pytest",
        "-q",
        "--nbval",
        "--nbval-current-env",
        "-p",
        "no:cacheprovider",
        "-W",
        "default",
        "notebooks",
    )
    assert " passed" in said and " failed" not in said


def cloned(folder: Path) -> Path:
    """The project as a clone has it: without what is built or kept here."""
    clone = folder / "clone"
    shutil.copytree(PROJECT, clone, ignore=shutil.ignore_patterns(*NOT_IN_A_CLONE))
    return clone


def wanted_python() -> str:
    """The Python that runtime.txt names if this machine has it, else the one that runs the tests."""
    version = (BINDER / "runtime.txt").read_text().strip().removeprefix("python-")
    kept = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    for python in (shutil.which(f"python{version}"), *kept):
        if python and not subprocess.run([python, "--version"], capture_output=True).returncode:
            return str(python)
    return sys.executable
