"""The import is light: no database, no parser, no rendering before the first statement."""

from __future__ import annotations

import subprocess
import sys

import pytest


def loaded(code: str) -> set[str]:
    told = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"], capture_output=True, text=True, check=True
    )
    return set(told.stdout.split())


def test_import_loads_nothing_heavy():
    modules = loaded("import nbsession.sql")
    assert not modules & {
        "sqlglot",
        "duckdb",
        "sqlite3",
        "numpy",
        "pandas",
        "inspect",
        "asyncio",
        "dataclasses",
        "uuid",
    }
    assert "nbsession.sql.rendering" not in modules


def test_rendering_is_loaded_with_the_first_statement():
    code = (
        "from nbsession.sql import select, literal, compile_statement\ncompile_statement(select(literal(1)), 'sqlite')"
    )
    modules = loaded(code)
    assert "nbsession.sql.rendering" in modules
    assert "sqlglot" not in modules


def test_every_public_name_is_there():
    import nbsession.sql

    for name in nbsession.sql.__all__:
        assert getattr(nbsession.sql, name) is not None
    with pytest.raises(AttributeError):
        nbsession.sql.nothing
