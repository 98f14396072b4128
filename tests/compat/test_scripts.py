"""Programs written for SQLAlchemy, of the reach of its tutorial, run here with only their import lines changed.

The scripts in ``scripts/`` are SQLAlchemy programs. Each is run by SQLAlchemy, by us on SQLite, and by us on DuckDB; all three
must print the same.
"""

from __future__ import annotations

import io
import re
import runpy
import sys
import warnings
from contextlib import redirect_stdout
from functools import cache
from pathlib import Path

import pytest

pytest.importorskip("sqlalchemy")

SCRIPTS = Path(__file__).parent / "scripts"
NAMES = sorted(path.stem for path in SCRIPTS.glob("s*.py"))


def imports_changed(text: str) -> str:
    """A program with our name in its import lines."""
    return re.sub(r"^from sqlalchemy(?:\.orm\.exc|\.orm|\.exc)? import", "from nbsession import", text, flags=re.M)


def printed_by(folder: Path, name: str, url: str) -> str:
    """What a script of a folder prints."""
    out = io.StringIO()
    argv, path = sys.argv, list(sys.path)
    sys.modules.pop("library", None)
    sys.argv = [name, url]
    sys.path.insert(0, str(folder))
    try:
        with redirect_stdout(out):
            runpy.run_path(str(folder / f"{name}.py"), run_name="__main__")
    finally:
        sys.argv, sys.path[:] = argv, path
        sys.modules.pop("library", None)
    return out.getvalue()


@cache
def wanted(name: str) -> str:
    """What SQLAlchemy prints, on SQLite."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return printed_by(SCRIPTS, name, "sqlite://")


@pytest.fixture
def changed(tmp_path: Path) -> Path:
    """A folder with the scripts, their import lines changed."""
    for path in SCRIPTS.glob("*.py"):
        text = imports_changed(path.read_text(encoding="utf-8"))
        assert "sqlalchemy" not in text.split('"""', 2)[2]
        (tmp_path / path.name).write_text(text, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("name", NAMES)
def test_a_program_for_sqlalchemy_prints_the_same_here(name: str, changed: Path, database_url: str) -> None:
    assert printed_by(changed, name, database_url).splitlines() == wanted(name).splitlines()
