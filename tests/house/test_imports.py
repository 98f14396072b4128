"""``import nbsession`` is light: what is heavy comes when it is first needed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
HEAVY = ("IPython", "ipywidgets", "anywidget", "traitlets", "duckdb", "sqlglot", "numpy", "pandas", "pyarrow")


def run(code: str) -> str:
    """What a fresh Python prints that runs this code in the project's root."""
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_import_pulls_in_nothing_heavy() -> None:
    assert run(f"import sys, nbsession; print([name for name in {HEAVY} if name in sys.modules])") == "[]"


def test_model_names_pull_in_nothing_heavy() -> None:
    names = "DeclarativeBase, Mapped, mapped_column, relationship, Session, create_engine, select"
    code = f"import sys; from nbsession import {names}; print([name for name in {HEAVY} if name in sys.modules])"
    assert run(code) == "[]"


def test_engine_works_where_no_notebook_package_is_installed() -> None:
    blocked = ("IPython", "ipykernel", "ipywidgets", "anywidget", "traitlets", "numpy", "pandas", "pyarrow", "duckdb")
    code = f"""
import sys
sys.modules.update(dict.fromkeys({blocked}))  # None there makes an import fail
from nbsession import DeclarativeBase, Mapped, Session, create_engine, mapped_column
class Base(DeclarativeBase): pass
class Tool(Base):
    __tablename__ = "tool"
    id: Mapped[int] = mapped_column(primary_key=True)
engine = create_engine("sqlite://")
Base.metadata.create_all(engine)
with Session(engine) as session:
    session.add(Tool()); session.commit()
    print(session.get(Tool, 1).id)
"""
    assert run(code) == "1"


@pytest.mark.parametrize("name", ["load_ipython_extension"])
def test_extension_entry_is_there(name: str) -> None:
    assert run(f"import nbsession; print(callable(nbsession.{name}))") == "True"


def test_dir_names_only_what_can_be_had() -> None:
    code = "import nbsession; print([n for n in dir(nbsession) if not hasattr(nbsession, n)])"
    assert run(code) == "[]"
