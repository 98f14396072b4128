"""The documentation's pages: each is reached, each example is run, each public name is looked up somewhere.

Without Sphinx, so that it is quick; ``python dev.py docs`` builds the site, and runs the cells.
"""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

import nbsession

DOCS = Path(__file__).parents[2] / "docs"
WRITTEN = sorted(path for path in DOCS.rglob("*.md") if "generated" not in path.parts)
TALKING = [
    path for path in WRITTEN if "\n>>> " in path.read_text(encoding="utf-8") and path.name != "duckdb-savepoints.md"
]
"""with examples as in Python's own prompt; the page on savepoints has a test of its own"""
ids = {"ids": lambda path: path.relative_to(DOCS).as_posix()}


class OnOneLine(doctest.OutputChecker):
    """Long messages are folded on a page, or end in dots."""

    def check_output(self, want: str, got: str, flags: int) -> bool:
        """Compares without line ends."""
        return super().check_output(" ".join(want.split()) + "\n", " ".join(got.split()) + "\n", flags)


def fences(path: Path) -> list[tuple[str, str]]:
    """The blocks of code in a page: language, text."""
    return re.findall(r"^```(\S+)[^\n]*\n(.*?)^```", path.read_text(encoding="utf-8"), re.S | re.M)


def test_every_page_is_reached_from_the_first() -> None:
    listed = {
        (path.parent / line.strip()).resolve()
        for path in WRITTEN
        for language, text in fences(path)
        if language == "{toctree}"
        for line in text.splitlines()
        if line.strip() and not line.startswith(":")
    }
    pages = {path.with_suffix("").resolve() for path in WRITTEN} - {DOCS.resolve() / "index"}
    assert pages - listed == set()
    assert {path for path in listed - pages if path.parent.name != "generated"} == set()


def test_every_public_name_is_in_the_api() -> None:
    pages = "".join(path.read_text(encoding="utf-8") for path in (DOCS / "reference").glob("*.md"))
    shown = re.findall(r"^\.\. auto(?:class|function|data):: nbsession\.(\w+)$", pages, re.M)
    assert sorted(shown) == sorted(name for names in nbsession._HOMES.values() for name in names.split())


@pytest.mark.parametrize("path", WRITTEN, **ids)
def test_every_block_of_python_is_run(path: Path) -> None:
    for language, text in fences(path):
        assert language not in ("python", "py") or text.startswith(">>> "), text


@pytest.mark.parametrize("path", TALKING, **ids)
def test_examples_do_what_the_page_says(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    cells = "".join(text for language, text in fences(path) if language == "python")
    if "sqlalchemy" in cells:
        pytest.importorskip("sqlalchemy")
    test = doctest.DocTestParser().get_doctest(cells, {"__name__": "page"}, path.name, str(path), 0)
    runner = doctest.DocTestRunner(OnOneLine(), optionflags=doctest.ELLIPSIS)
    told: list[str] = []
    runner.run(test, out=told.append)
    assert test.examples and runner.failures == 0, "".join(told)
