"""What is shipped: wheel, sdist and editable install each hold the package and the dashboard's files.

Built with the hatchling at hand and installed by unpacking: neither pip nor an index is asked.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
FINDER = (
    "from nbsession.notebook.page.assets import asset_path as a; print(a('dashboard.js')); print(a('dashboard.css'))"
)


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project unpacked from its source archive."""
    folder = tmp_path_factory.mktemp("sdist")
    build(PROJECT, folder, "sdist")
    with tarfile.open(next(folder.glob("*.tar.gz"))) as archive:
        archive.extractall(folder, filter="data")
    return next(path for path in folder.iterdir() if path.is_dir())


def build(project: Path, into: Path, kind: str) -> None:
    """Builds with hatchling. kind: sdist, wheel or editable."""
    code = f"import hatchling.build as b; b.build_{kind}({str(into)!r})"
    done = subprocess.run([sys.executable, "-c", code], cwd=project, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def wheel_names(folder: Path) -> set[str]:
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as archive:
        return set(archive.namelist())


def install(project: Path, folder: Path, kind: str) -> Path:
    """Makes a virtual environment with the project in it.

    :return: its Python, which finds the dependencies where this Python finds them.
    """
    build(project, folder, kind)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
    places = {"base": str(folder / "venv"), "platbase": str(folder / "venv")}
    packages = Path(sysconfig.get_path("purelib", "venv", places))
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as archive:
        archive.extractall(packages)
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return Path(sysconfig.get_path("scripts", "venv", places)) / ("python.exe" if os.name == "nt" else "python")


def found_by(python: Path, elsewhere: Path) -> list[Path]:
    """Where an installed nbsession finds the dashboard's two files."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run([python, "-c", FINDER], cwd=elsewhere, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [Path(line) for line in done.stdout.splitlines()]


def package_files() -> set[str]:
    """What a wheel must hold of the package and of the widgets, under the names it has in a wheel."""
    code = {path.relative_to(PROJECT).as_posix() for path in (PROJECT / "nbsession").rglob("*.py")}
    static = {f"nbsession/_static/{path.name}" for path in (PROJECT / "widgets").glob("*.*")}
    course = {f"nbsession/_notebooks/{path.name}" for path in (PROJECT / "notebooks").glob("*.ipynb")}
    return code | {"nbsession/py.typed"} | static | course


def test_wheel_holds_package_and_widgets_and_nothing_else(tmp_path: Path) -> None:
    build(PROJECT, tmp_path, "wheel")
    names = {name for name in wheel_names(tmp_path) if ".dist-info/" not in name}
    assert package_files() <= names
    assert {name.split("/")[0] for name in names} == {"nbsession"}
    assert "nbsession/_notebooks/conftest.py" not in names


def test_wheel_of_the_sdist_is_the_wheel_of_the_checkout(sdist: Path, tmp_path: Path) -> None:
    for project, name in ((PROJECT, "checkout"), (sdist, "sdist")):
        (tmp_path / name).mkdir()
        build(project, tmp_path / name, "wheel")
    assert wheel_names(tmp_path / "sdist") == wheel_names(tmp_path / "checkout")


def test_sdist_holds_tests_notebooks_and_house(sdist: Path) -> None:
    for name in ("dev.py", "Makefile", "LICENSE", "tests/conftest.py", "notebooks", "binder/postBuild", "CHANGELOG.md"):
        assert (sdist / name).exists(), name


def test_installed_wheel_finds_the_dashboard(tmp_path: Path) -> None:
    found = found_by(install(PROJECT, tmp_path, "wheel"), tmp_path)
    assert [path.parent.as_posix().endswith("site-packages/nbsession/_static") for path in found] == [True, True]
    assert [path.name for path in found] == ["dashboard.js", "dashboard.css"]


def test_editable_install_finds_the_dashboard_as_people_write_it(tmp_path: Path) -> None:
    found = found_by(install(PROJECT, tmp_path, "editable"), tmp_path)
    assert found == [PROJECT / "widgets" / "dashboard.js", PROJECT / "widgets" / "dashboard.css"]
