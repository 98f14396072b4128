"""The rows of the Toolshed, drawn from one seed. Knows no database.

Lots are drawn with ``Random(seed).random()`` alone: the one method whose sequence Python promises to keep in every
version.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from random import Random
from typing import TypeAlias, TypeVar

from nbsession.teaching.toolshed import words

SEED = 2007
"""the seed of the course's rows"""

FIRST_DAY = date(2025, 1, 7)
LAST_DAY = date(2025, 6, 30)
MEMBERS = 64
LOANS = 74

Value: TypeAlias = int | str | date | None
Row: TypeAlias = tuple[Value, ...]
T = TypeVar("T")


class Lots:
    """Draws lots. The same seed draws the same lots on every Python."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed).random

    def below(self, n: int) -> int:
        """A whole number from 0 to n - 1."""
        return int(self._random() * n)

    def one(self, of: Sequence[T]) -> T:
        """One of them."""
        return of[self.below(len(of))]

    def chance(self, percent: int) -> bool:
        """True so many times in a hundred."""
        return self.below(100) < percent


def toolshed_rows(seed: int = SEED) -> dict[str, list[Row]]:
    """The rows of every table, by table name, in the order of their keys.

    :param seed: other seeds give other people and loans, in the same shape.

    >>> toolshed_rows()["branch"][0]
    (1, 'Mill Lane', 'Mill Lane 4')
    """
    lots = Lots(seed)
    branches: list[Row] = [(n, name, street) for n, (name, street) in enumerate(words.BRANCHES, 1)]
    members = _members(lots)
    tools, tool_labels = _tools(lots)
    loans, lines = _loans(lots, tools)
    return {
        "branch": branches,
        "member": members,
        "tool": tools,
        "label": [(n, name) for n, name in enumerate(words.LABELS, 1)],
        "tool_label": tool_labels,
        "loan": loans,
        "loan_line": lines,
        "notice": _notices(lots, loans, lines),
    }


def _members(lots: Lots) -> list[Row]:
    """Members in the order of joining, no name twice, a few without an e-mail address."""
    rows: list[Row] = []
    taken: set[str] = set()
    joined = FIRST_DAY - timedelta(days=3 * MEMBERS)
    while len(rows) < MEMBERS:
        first, last = lots.one(words.FIRST_NAMES), lots.one(words.LAST_NAMES)
        name = f"{first} {last}"
        if name in taken:
            continue
        taken.add(name)
        number = len(rows) + 1
        email = None if lots.chance(10) else f"{first}.{last}@example.org".lower()
        joined += timedelta(days=lots.below(4))
        rows.append((number, f"TS-{1000 + number}", name, email, joined, 1 + lots.below(len(words.BRANCHES))))
    return rows


def _tools(lots: Lots) -> tuple[list[Row], list[Row]]:
    """Tools, one to three of a kind, and kits whose parts refer to them; and which label is on which."""
    tools: list[Row] = []
    labelled: list[Row] = []

    def add(tag: str, name: str, kit: int | None, branch: int, labels: Sequence[str]) -> int:
        number = len(tools) + 1
        tools.append((number, tag, name, kit, branch, 1))
        labelled.extend((number, key) for key in sorted(words.LABELS.index(label) + 1 for label in labels))
        return number

    for prefix, name, labels in words.TOOLS:
        for copy in range(1, 3 + lots.chance(25) - lots.chance(30)):
            add(f"{prefix}-{copy:02}", name, None, 1 + lots.below(len(words.BRANCHES)), labels)
    for prefix, name, parts, labels in words.KITS:
        branch = 1 + lots.below(len(words.BRANCHES))
        kit = add(f"{prefix}-01", name, None, branch, labels)
        for n, part in enumerate(parts, 2):
            add(f"{prefix}-{n:02}", part, kit, branch, labels[:1])
    return tools, labelled


def _loans(lots: Lots, tools: list[Row]) -> tuple[list[Row], list[Row]]:
    """Loans and their lines, in the order of going out. No tool is out twice at once; a kit goes out with its parts."""
    loans: list[Row] = []
    lines: list[Row] = []
    single = [tool for tool in tools if tool[3] is None]
    parts = {tool[0]: [part for part in tools if part[3] == tool[0]] for tool in single}
    back: dict[Value, date] = {}
    step = (LAST_DAY - FIRST_DAY).days
    for number in range(1, LOANS + 1):
        out = FIRST_DAY + timedelta(days=step * (number - 1) // (LOANS - 1))
        due = out + timedelta(days=7 * (1 + lots.below(3)))
        loans.append((number, 1 + lots.below(MEMBERS), out, due))
        wanted = 1 + lots.below(2) + lots.chance(20)
        chosen: list[Row] = []
        while len(chosen) < wanted:
            tool = lots.one(single)
            if tool not in chosen and back.get(tool[0], FIRST_DAY) <= out:
                chosen.append(tool)
        for choice in chosen:
            returned = due + timedelta(days=lots.below(9) - 6)
            back[choice[0]] = returned + timedelta(days=1)
            for tool in (choice, *parts[choice[0]]):
                qty = 2 + lots.below(5) if tool[2] in words.IN_PIECES else 1
                lines.append((len(lines) + 1, number, tool[0], qty, returned if returned <= LAST_DAY else None))
    return loans, lines


def _notices(lots: Lots, loans: list[Row], lines: list[Row]) -> list[Row]:
    """Notices to everybody, and reminders to those who brought a tool back late."""
    sent: list[tuple[date, int | None, str]] = []
    for n, text in enumerate(words.NOTICES):
        sent.append((FIRST_DAY + timedelta(days=25 * n + lots.below(20)), None, text))
    for number, member, _, due in loans:
        assert isinstance(due, date) and isinstance(member, int)
        returned = [line[4] for line in lines if line[1] == number]
        late = any(isinstance(day, date) and day > due for day in returned)
        if late and lots.chance(70):
            text = f"Loan {number} was due on {due.isoformat()}. Please bring it back."
            sent.append((due + timedelta(days=1), member, text))
    sent.sort(key=lambda notice: (notice[0], notice[2]))
    return [(n, member, day, text) for n, (day, member, text) in enumerate(sent, 1)]
