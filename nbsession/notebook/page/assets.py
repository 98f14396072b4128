"""Where the dashboard's files are, and the one module the page gets. Knows folders and files; knows no session.

anywidget hands a page *one* ES module as text, wherever it runs: JupyterLab, Notebook 7, JupyterLite without a server.
The dashboard is written as several small modules, so they are joined here, in the order of :data:`MODULES`. No bundler
and no generated file: a module may import only from modules named before it, in one line, and names at the top level
differ from file to file (browsers refuse a module that declares a name twice, so a clash cannot pass the tests).
"""

from __future__ import annotations

import re
from pathlib import Path

MODULES = (
    *("dom", "store", "past", "calls", "head", "board", "card", "plan", "sql"),
    *("timeline", "identity", "graph", "compare", "rail", "moves", "dock", "app", "dashboard"),
)
"""the files of ``widgets/``, each after those it imports from"""

_HERE = Path(__file__).resolve().parent.parent.parent
_IMPORT = re.compile(r'^import \{[^}]*\} from "\./(\w+)\.js";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?!default)", re.MULTILINE)


def asset_path(name: str) -> Path:
    """The path of a file of ``widgets/``: in an installed package ``nbsession/_static/``, in a checkout ``widgets/``.

    :param name: the file's name, as ``'dashboard.css'``.
    :raises FileNotFoundError: it is in neither place.

    >>> asset_path("dashboard.css").name
    'dashboard.css'
    """
    places = (_HERE / "_static", _HERE.parent / "widgets")
    for place in places:
        if (place / name).is_file():
            return place / name
    looked = " and ".join(str(place) for place in places)
    raise FileNotFoundError(f"The dashboard's file {name!r} is missing: looked in {looked}. Install nbsession again.")


def joined_module() -> str:
    """The dashboard as the text of one ES module.

    :raises FileNotFoundError: a file is missing.
    :raises ValueError: a module imports from one that does not stand before it.
    """
    parts: list[str] = []
    for position, name in enumerate(MODULES):
        text = asset_path(f"{name}.js").read_text(encoding="utf-8")
        for wanted in _IMPORT.findall(text):
            if wanted not in MODULES[:position]:
                raise ValueError(
                    f"widgets/{name}.js imports from {wanted}.js, which does not stand before it in MODULES."
                )
        parts.append(f"// ---- widgets/{name}.js\n{_EXPORT.sub('', _IMPORT.sub('', text))}")
    return "\n".join(parts)
