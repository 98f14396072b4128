"""Every line of the semantics has a test, and the page that says so is up to date."""

from __future__ import annotations

from tests.semantics.page import DECISIONS, PAGE, claims, misspelt, page, proofs, sections

# Lines that no test proves yet: a line leaves this list with its test, and the list is empty when the session is complete.
UNPROVEN: tuple[str, ...] = (
    "1.1",
    "1.2",
    "2.1",
    "2.5",
    "2.6",
    "2.7",
    "2.8",
    "3.1",
    "3.5",
    "3.8",
    "3.9",
    "3.13",
    "4.1",
    "4.2",
    "4.4",
    "4.5",
    "4.6",
    "4.7",
    "4.8",
    "4.9",
    "4.10",
    "4.11",
    "4.12",
    "4.13",
    "5.1",
    "5.3",
    "5.5",
    "5.9",
    "5.11",
    "6.1",
    "6.8",
    "6.13",
    "7.1",
    "7.6",
    "7.11",
    "7.12",
    "8.1",
    "8.5",
    "8.6",
    "8.7",
    "8.10",
    "9.4",
    "9.10",
    "10.12",
    "10.17",
    "11.1",
    "11.2",
    "11.3",
    "11.4",
    "11.5",
    "13.1",
    "13.3",
    "14.3",
    "15.3",
    "15.11",
    "17.1",
    "18.4",
    "18.5",
    "18.7",
    "18.9",
    "18.13",
    "19.1",
    "19.2",
    "19.3",
    "20.1",
    "20.2",
    "20.3",
    "20.4",
    "21.3",
    "21.8",
    "21.13",
    "21.14",
    "21.19",
    "21.20",
    "21.21",
    "21.23",
    "21.24",
    "21.25",
    "22.5",
    "22.11",
    "23.1",
    "23.3",
    "23.5",
    "23.7",
    "23.9",
    "23.11",
)


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
