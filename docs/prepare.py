"""Pages made of what lies elsewhere in the project: the tour, the list of lessons, the drawing of the house.

They are written into ``docs/generated`` before each build, so that nothing is told twice.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

HERE = Path(__file__).parent
PROJECT = HERE.parent
INTO = HERE / "generated"
NOTEBOOKS = PROJECT / "notebooks"


def write_pages() -> None:
    """Writes them all anew."""
    shutil.rmtree(INTO, ignore_errors=True)
    INTO.mkdir()
    tour = json.loads((NOTEBOOKS / "00_tour.ipynb").read_text(encoding="utf-8"))
    (INTO / "tour.ipynb").write_text(json.dumps(without_widgets(tour)), encoding="utf-8")
    (INTO / "lessons.txt").write_text(lessons(), encoding="utf-8")
    (INTO / "architecture.md").write_text(architecture(), encoding="utf-8")


def without_widgets(notebook: dict) -> dict:  # type: ignore[type-arg]
    """A notebook without what only a kernel could show; the views stay, as HTML."""
    notebook["metadata"].pop("widgets", None)
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            output.get("data", {}).pop("application/vnd.jupyter.widget-view+json", None)
    return notebook


# ── the course ───────────────────────────────────────────────────────────────────────────────────────────────────────
def lessons() -> str:
    """The lessons that are in ``notebooks/``, each with the question it asks: the text of its first cell."""
    found = [lesson(path) for path in sorted(NOTEBOOKS.glob("*.ipynb")) if not path.name.startswith("00_")]
    return "\n\n".join(filter(None, found))


def lesson(path: Path) -> str:
    """A lesson's title, question and aims, and its notebook to take along; empty if it is none: somebody's own."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    first = "".join(cells[0]["source"]) if cells and cells[0]["cell_type"] == "markdown" else ""
    if not first.startswith("# "):
        return ""
    text = re.sub(r"\[([^\]]*)\]\((?!https?:)[^)]*\)", r"\1", first)  # to other notebooks: not here
    text = re.sub(r"^#+ ", "## ", text, flags=re.M)
    return f"{text.strip()}\n\n{{download}}`{path.name} <../notebooks/{path.name}>`"


# ── the house ────────────────────────────────────────────────────────────────────────────────────────────────────────
def architecture() -> str:
    """ARCHITECTURE.md, its two diagrams as tables: a page needs no script to draw them."""
    text = (PROJECT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    return re.sub(r"```mermaid\n(.*?)```\n", lambda match: table_of_moves(match[1]), text, flags=re.S)


def table_of_moves(diagram: str) -> str:
    """A state diagram as a table: one row for each state, what moves it, and where to."""
    moves: dict[str, list[str]] = {}
    for before, after, trigger in re.findall(r"^ +(\S+) --> (\w+): (.+)$", diagram, re.M):
        moves.setdefault(before, []).append(f"{trigger} → **{after}**")
    rows = [f"| **{before}** | {' · '.join(to)} |" for before, to in moves.items()]
    return "\n".join(["| from | by, to |", "|---|---|", *rows, ""])
