"""Reads the list of lines and the tests' docstrings, and writes the page that shows both.

A test says which lines it proves at the start of its docstring: ``Line 4.7: ...`` or ``Lines 13.6, 22.2.``; a class of
tests may say it for all of them. Knows the syntax of tests only, imports and runs none.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).parents[2]
LINES = Path(__file__).with_name("lines.toml")
PAGE = PROJECT / "docs" / "session-semantics.md"
CLAIM = re.compile(r"Lines? (\d+\.\d+(?:, \d+\.\d+)*)(?::\s+\S|\.(?:\s|$)|$)")
NEARLY = re.compile(r"\W*(?:semantics?|lines?)\W+\d+(?:\.\d+|\b)", re.IGNORECASE)
DECISIONS = {"as_is": "", "take": "TAKE", "dropped": "dropped"}

INTRODUCTION = """\
<!-- Written by `python -m tests.semantics` from tests/semantics/lines.toml and the tests' docstrings: do not edit. -->

# What a session does, line by line, and the tests that prove it

The session of 2007 and SQLAlchemy 2.1 agree on a line without a mark. Where they differ, or one of them is wrong, the line
says what nbsession does: **TAKE**. Every test named here runs on SQLite and on DuckDB unless it needs neither.

{count} lines, {proven} of them proven, by {tests} tests.
"""


@dataclass(frozen=True)
class Line:
    """One behaviour.

    :param number: as ``4.7``.
    :param decision: a key of DECISIONS.
    """

    number: str
    decision: str
    text: str


@dataclass(frozen=True)
class Claim:
    """A test, or a class of tests, that says which lines it proves.

    :param test: as ``tests/session/test_merge.py::test_name``.
    """

    test: str
    numbers: tuple[str, ...]


def sections() -> dict[str, list[Line]]:
    """The lines as written in lines.toml, by section title (``4. SessionTransaction``)."""
    read = tomllib.loads(LINES.read_text(encoding="utf-8"))
    found: dict[str, list[Line]] = {}
    for section, entries in read.items():
        title = f"{section}. {entries.pop('title')}"
        found[title] = []
        for number, entry in entries.items():
            ((decision, text),) = entry.items()
            found[title].append(Line(f"{section}.{number}", decision, text))
    return found


def tests() -> Iterator[tuple[str, str]]:
    """Every test and class of tests with its docstring."""
    for path in sorted((PROJECT / "tests").rglob("test_*.py")):
        module = path.relative_to(PROJECT).as_posix()
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
                yield f"{module}::{node.name}", ast.get_docstring(node) or ""
                for part in node.body:
                    if isinstance(part, ast.FunctionDef) and part.name.startswith("test"):
                        yield f"{module}::{node.name}::{part.name}", ast.get_docstring(part) or ""
            elif isinstance(node, ast.FunctionDef) and node.name.startswith("test"):
                yield f"{module}::{node.name}", ast.get_docstring(node) or ""


def claims() -> list[Claim]:
    """What the tests' docstrings say they prove."""
    return [
        Claim(test, tuple(match[1].split(", "))) for test, docstring in tests() if (match := CLAIM.match(docstring))
    ]


def misspelt() -> list[str]:
    """Tests whose docstring seems to name a line, but not in the form that counts."""
    return [test for test, docstring in tests() if NEARLY.match(docstring) and not CLAIM.match(docstring)]


def proofs() -> dict[str, list[str]]:
    """Each line's number, and the tests that prove it."""
    found: dict[str, list[str]] = {line.number: [] for lines in sections().values() for line in lines}
    for claim in claims():
        for number in claim.numbers:
            found.setdefault(number, []).append(claim.test)
    return found


def page() -> str:
    """The page as it should be."""
    by_line, lines = proofs(), [line for entries in sections().values() for line in entries]
    counts = {
        "count": len(lines),
        "proven": sum(bool(by_line[line.number]) for line in lines),
        "tests": len({test for line in lines for test in by_line[line.number]}),
    }
    parts = [INTRODUCTION.format(**counts)]
    for title, entries in sections().items():
        parts.append(f"## {title}\n")
        parts.append("| line | | behaviour | tests |\n|---|---|---|---|")
        parts.extend(row(line, by_line[line.number]) for line in entries)
        parts.append("")
    return "\n".join(parts)


def row(line: Line, proving: list[str]) -> str:
    """A line and its tests as a row of a Markdown table; each test is a link to its file."""
    links = [f"[`{test.removeprefix('tests/')}`](../{test.partition('::')[0]})" for test in proving]
    text = line.text.replace("|", "\\|")
    return f"| {line.number} | {DECISIONS[line.decision]} | {text} | {'<br>'.join(links) or '**none**'} |"
