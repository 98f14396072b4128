"""What sanitisers leave of HTML: a list of what JupyterLab's keeps, and one that is stricter than any we know of."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import bleach  # type: ignore[import-untyped]

TAGS = {"b", "br", "code", "del", "details", "div", "i", "ins", "li", "ol", "span", "summary", "table", "tbody", "td"}
TAGS |= {"th", "tr", "ul"}
ATTRIBUTES = {"style", "title", "scope", "value", "open"}
PROPERTIES = {
    *("background-color", "border", "border-bottom", "border-collapse", "border-left", "border-radius", "color"),
    *("font-family", "font-size", "font-weight", "margin", "max-width", "outline", "overflow-wrap", "overflow-x"),
    *("padding", "padding-left", "table-layout", "text-align", "text-decoration", "vertical-align", "width"),
}


class Elements(HTMLParser):
    """Collects elements with their attributes, and the text.

    :ivar found: each element's name and attributes.
    :ivar text: what a reader sees.
    :ivar open: elements that were begun and not ended.
    """

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def outline(self) -> list[tuple[str, dict[str, str]]]:
        """The elements without their looks."""
        return [(tag, {name: value for name, value in its.items() if name != "style"}) for tag, its in self.found]


def strictly(html: str) -> str:
    """The HTML without any style, class, script, handler or address: tags of tables, lists and letters stay.

    nbconvert's sanitiser is this one (bleach) with lists of its own; GitHub's leaves no style either.
    """
    cleaned: str = bleach.clean(html, tags=TAGS, attributes={"*": ["title", "scope", "value", "open"]}, strip=False)
    return cleaned
