"""Every line of the semantics has a test, and the page that says so is up to date."""

from __future__ import annotations

from tests.semantics.page import DECISIONS, PAGE, claims, misspelt, page, proofs, sections

# Lines that no test proves yet: a line leaves this list with its test, and the list is empty when the session is complete.
UNPROVEN: tuple[str, ...] = ()


def test_lines_are_numbered_from_one_without_a_gap() -> None:
    for position, (title, lines) in enumerate(sections().items(), 1):
        assert title.startswith(f"{position}. ")
        assert [line.number for line in lines] == [f"{position}.{n}" for n in range(1, len(lines) + 1)]
        assert all(line.decision in DECISIONS and line.text.endswith(".") for line in lines)


def test_a_docstring_names_lines_that_exist() -> None:
    known = {line.number for lines in sections().values() for line in lines}
    assert [claim for claim in claims() if not known.issuperset(claim.numbers)] == []


def test_a_docstring_names_lines_in_the_form_that_counts() -> None:
    assert misspelt() == []


def test_every_line_has_a_test() -> None:
    assert [number for number, tests in proofs().items() if not tests] == list(UNPROVEN)


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "stale: run python -m tests.semantics"
