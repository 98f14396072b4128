"""The page on savepoints: each of its examples does what the page says."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs" / "duckdb-savepoints.md"


class OnOneLine(doctest.OutputChecker):
    """Long messages are folded on the page."""

    def check_output(self, want, got, flags):
        return super().check_output(" ".join(want.split()) + "\n", " ".join(got.split()) + "\n", flags)


def test_examples_do_what_the_page_says():
    cells = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    test = doctest.DocTestParser().get_doctest("".join(cells), {}, PAGE.name, str(PAGE), 0)
    assert len(test.examples) > 40
    runner = doctest.DocTestRunner(OnOneLine(), optionflags=doctest.ELLIPSIS)
    told = []
    runner.run(test, out=told.append)
    test.globs.get("session") and test.globs["session"].close()
    assert runner.failures == 0, "".join(told)
