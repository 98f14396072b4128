"""Builds the documentation, then follows every link within it. A warning, or a link that leads nowhere, is an error.

``python docs/build.py FOLDER``. Addresses elsewhere are listed and not asked: a build must not depend on others' servers.
``python docs/build.py FOLDER --external`` asks each of them (Sphinx's linkcheck), for where there is a network.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

HERE = Path(__file__).parent


def main() -> int:
    """Builds, checks, and says what there is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("into", type=Path)
    parser.add_argument("--external", action="store_true", help="also ask the addresses elsewhere")
    options = parser.parse_args()
    into = options.into.absolute()
    sphinx = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-d", str(into / "doctrees")]
    if subprocess.run([*sphinx, "-b", "html", str(HERE), str(into / "html")]).returncode:
        return 1
    pages = {path: read(path) for path in sorted((into / "html").rglob("*.html"))}
    wrong = [problem for path in pages for problem in problems(path, pages)]
    for problem in wrong:
        print(problem, file=sys.stderr)
    elsewhere = {link for page in pages.values() for link in page.links if urlsplit(link).scheme in ("http", "https")}
    print(f"{len(pages)} pages, {len(elsewhere)} addresses elsewhere (not asked): {into / 'html' / 'index.html'}")
    if options.external and subprocess.run([*sphinx, "-b", "linkcheck", str(HERE), str(into / "links")]).returncode:
        return 1
    return 1 if wrong else 0


class Page(HTMLParser):
    """What a page refers to, and what can be referred to in it.

    :ivar links: addresses in it, of pages, pictures and styles.
    :ivar anchors: the ids in it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()

    def handle_starttag(self, _tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Notes a tag's addresses and its id."""
        for name, value in attributes:
            if name in ("href", "src") and value:
                self.links.append(value)
            elif name in ("id", "name") and value:
                self.anchors.add(value)


def read(path: Path) -> Page:
    """Reads a page."""
    page = Page()
    page.feed(path.read_text(encoding="utf-8"))
    return page


def problems(path: Path, pages: dict[Path, Page]) -> list[str]:
    """The links of a page that lead to no file, or to no place in it."""
    found = []
    for link in pages[path].links:
        parts = urlsplit(link)
        if parts.scheme or parts.netloc:
            continue
        target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
        target = target / "index.html" if target.is_dir() else target
        place = unquote(parts.fragment)
        if not target.exists():
            found.append(f"{path.name}: {link} leads to no file")
        elif place and target in pages and place not in pages[target].anchors:
            found.append(f"{path.name}: {link} leads to no place in {target.name}")
    return found


if __name__ == "__main__":
    sys.exit(main())
