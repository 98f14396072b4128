"""axe-core in a page: which of its rules are broken, and where. The file comes with the package axe-playwright-python."""

from __future__ import annotations

from importlib.resources import files

from playwright.sync_api import Page

RUN = """async (context) => {
  const { violations } = await axe.run(context ?? document, { resultTypes: ["violations"] });
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(" | ")}`);
}"""


def violations(page: Page, context: str | None = ".nbs") -> list[str]:
    """What axe finds wrong.

    :param context: a selector, or None for the whole page.
    """
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8"))
    found: list[str] = page.evaluate(RUN, context)
    return found
