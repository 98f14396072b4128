"""How the documentation is built: Sphinx with MyST, cells run by myst-nb. ``python dev.py docs`` does it."""

from __future__ import annotations

import os
import re
import sys
from importlib.metadata import version as version_of
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import prepare  # noqa: E402

prepare.write_pages()

project = "nbsession"
author = "the nbsession authors"
copyright = "the nbsession authors, MIT licence"
version = release = version_of("nbsession")
language = "en"

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx_copybutton"]
exclude_patterns = ["images", "_static", "generated/ipython"]
suppress_warnings = ["mystnb.unknown_mime_type"]

# ── pages ────────────────────────────────────────────────────────────────────────────────────────────────────────────
myst_enable_extensions = ["attrs_inline", "colon_fence", "deflist"]
myst_heading_anchors = 3

# ── cells: run in kernels of their own, in a folder of their own; what is stored in the tour is shown as it is ───────
nb_execution_mode = "auto"
nb_execution_excludepatterns = ["generated/*"]
nb_execution_in_temp = True
nb_execution_raise_on_error = True
nb_execution_timeout = 120
nb_merge_streams = True
nb_ipywidgets_js: dict[str, object] = {}  # nothing is fetched from elsewhere: the widget's HTML is shown in its place
nb_mime_priority_overrides = [
    ("html", "application/vnd.jupyter.widget-view+json", None),
    ("html", "text/html", 0),
    ("html", "text/plain", 90),
]
os.environ["IPYTHONDIR"] = str(HERE / "generated" / "ipython")  # nobody's profile
os.environ.pop("NBSESSION_DATABASE", None)

# ── the API from the docstrings ──────────────────────────────────────────────────────────────────────────────────────
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_default_options = {
    "inherited-members": "object,tuple,dict,list,set,Generic,Enum,StrEnum,AnyWidget,BaseException,str"
}
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88
toc_object_entries_show_parents = "hide"

# ── looks ────────────────────────────────────────────────────────────────────────────────────────────────────────────
html_theme = "furo"
html_title = "nbsession"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
pygments_style = "friendly"
pygments_dark_style = "github-dark"
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0072b2", "color-brand-content": "#0a5f94"},
    "dark_css_variables": {"color-brand-primary": "#7cc4ef", "color-brand-content": "#7cc4ef"},
}
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True


def tests_below(_app: object, page: str, source: list[str]) -> None:
    """In the semantics each line's tests go below what they prove: names only, as tests are no part of the site."""
    if page == "session-semantics":
        text = re.sub(r"\[(`[^`]+`)\]\(\.\./tests/[^)]*\)", r"\1", source[0])
        text = re.sub(r" \| tests \|$", " |", text, flags=re.M).replace("|---|---|---|---|", "|---|---|---|")
        source[0] = re.sub(r"^(\| \d.*) \| (`.*`) \|$", r"\1<br><small>\2</small> |", text, flags=re.M)


def setup(app: object) -> None:
    """Sphinx calls this."""
    app.connect("source-read", tests_below)  # type: ignore[attr-defined]
