"""Lessons on paper: one HTML page each, with or without what learners are to find out. Needs nbconvert, which comes with Jupyter.

A page holds its style and no script, so that it prints, and opens without a network.
"""

from __future__ import annotations

import json
import re
from html import escape
from pathlib import Path
from typing import Any

from nbsession.exc import ArgumentError
from nbsession.teaching.course import Notebook, fresh, notebooks

STYLE = """
body { font: 15px/1.5 "DejaVu Sans", Verdana, sans-serif; color: #1c2430; background: #fff }
body { max-width: 960px; margin: 2em auto; padding: 0 1em }
h1, h2 { line-height: 1.2; break-after: avoid }
pre, code { font-family: "DejaVu Sans Mono", Consolas, monospace; font-size: 13px }
.jp-InputArea pre, .highlight pre { background: #f7f8fa; border: 1px solid #dfe3e8; padding: 6px 10px; white-space: pre-wrap }
.jp-OutputArea pre { padding-left: 10px; white-space: pre-wrap }
.jp-Cell, .cell { break-inside: avoid; margin: 10px 0 }
.jp-InputPrompt, .jp-OutputPrompt, .prompt, .anchor-link { display: none }
table { border-collapse: collapse } td, th { text-align: left; padding: 2px 8px }
@media print { body { margin: 0; max-width: none } }
"""


def write_handouts(folder: Path, *, solutions: bool = False) -> list[Path]:
    """Writes a page for each lesson.

    :param folder: made if it is not there.
    :param solutions: with outputs, answers, solutions and the notes for teachers; without, only what is asked is shown.
    :return: the pages.
    :raises ArgumentError: nbconvert is missing, or the folder cannot be made.
    """
    try:
        from nbconvert import HTMLExporter
    except ImportError as error:
        raise ArgumentError('Handouts are made by nbconvert: pip install "nbsession[lab]".') from error
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ArgumentError(f"Cannot make the folder {folder}: {error.strerror}. Choose another.") from error
    exporter = HTMLExporter(template_name="basic")  # type: ignore[no-untyped-call]
    written = []
    for source in notebooks():
        page = folder / f"{source.stem}{'-solutions' if solutions else ''}.html"
        page.write_text(_page(exporter, _answered(source) if solutions else _asked(source)), encoding="utf-8")
        written.append(page)
    return written


def _asked(source: Path) -> Notebook:
    """The notebook with the outputs of those cells only that ask."""
    notebook = fresh(source)
    for cell, stored in zip(notebook["cells"], _stored(source), strict=True):
        if "".join(cell["source"]).startswith("%predict"):
            cell["outputs"] = stored["outputs"]
    return notebook


def _answered(source: Path) -> Notebook:
    """The notebook with all its outputs, and the notes for teachers."""
    notebook = fresh(source, teacher=True)
    stored = {cell["id"]: cell for cell in _stored(source)}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code" and cell["id"] in stored:
            cell["outputs"] = stored[cell["id"]]["outputs"]
    return notebook


def _stored(source: Path) -> list[dict[str, Any]]:
    cells: list[dict[str, Any]] = json.loads(source.read_text(encoding="utf-8"))["cells"]
    return cells


def _page(exporter: Any, notebook: Notebook) -> str:
    import nbformat

    node = nbformat.reads(json.dumps(notebook), as_version=4)  # type: ignore[no-untyped-call]
    body, _ = exporter.from_notebook_node(node)
    title = re.search(r"(?m)^# (.+)$", "".join(notebook["cells"][0]["source"]))
    head = f"<title>{escape(title[1] if title else 'Toolshed')}</title><style>{STYLE}</style>"
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">{head}</head>\n<body>\n{body}\n</body></html>\n'
    )
