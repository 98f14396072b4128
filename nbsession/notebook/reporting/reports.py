"""What a person asks for by name and no snapshot holds, as plain data: a cascade tried out, a comparison with outside.

Like a snapshot: numbers, strings, booleans, lists and dictionaries only, ready for JSON. Values are representations.
"""

from __future__ import annotations

from typing import Literal, TypedDict


class CascadeTree(TypedDict):
    """What a deed would do to one object, and to those it reaches."""

    label: str
    token: int
    """0 where no object is: something is not loaded"""
    state: str
    """empty where no object is"""
    effect: str
    """what would happen to it, in words: ``DELETE``"""
    rule: str
    """``cascade``, ``nullify`` or empty at the root"""
    along: str
    """the relationship it is reached over: ``Member.loans``"""
    unloaded: bool
    """must something be loaded to say more?"""
    children: list[CascadeTree]


class CascadeReport(TypedDict):
    """A deed tried out."""

    deed: str
    """``delete``, ``add``, ``merge``, ``expunge`` or ``refresh``"""
    tree: CascadeTree
    complete: bool
    """does the tree say everything, with nothing left to load?"""


class RowDifference(TypedDict):
    """One row that is not the same here and outside."""

    key: str
    """the primary key as text"""
    label: str
    """the object of the row, or the class and key: ``Member#3``"""
    here: dict[str, str] | None
    """column to value as this session's connection sees it; None where it sees no such row"""
    outside: dict[str, str] | None
    """column to value as everyone else sees it; None where they see no such row"""
    by: Literal["session", "SQL", "others"]
    """who wrote it: a flush, SQL of one's own, or somebody else who committed meanwhile?"""


class TableComparison(TypedDict):
    """One table, here and outside."""

    table: str
    here: int
    """rows as this session's connection sees them"""
    outside: int
    """rows as everyone else sees them; -1 where the table is not there for them"""
    rows: list[RowDifference]
    more: int
    """differing rows that are not shown"""
    note: str
    """what could not be compared, and why"""


class Comparison(TypedDict):
    """What this session sees and what everyone else sees."""

    possible: bool
    why_not: str
    """why nothing can be seen from outside, if so"""
    tables: list[TableComparison]


class Waiting(TypedDict):
    """A change that no flush has sent yet."""

    label: str
    what: str
    """``INSERT``, ``UPDATE`` or ``DELETE``"""
    values: list[list[str]]
    """column, value before (or empty), value now"""


class Original(TypedDict):
    """The error that came first."""

    type: str
    message: str
    cell: str | None


class ErrorReport(TypedDict):
    """An error, and what to make of it."""

    type: str
    message: str
    cell: str | None
    plain: str
    """what happened, in a sentence"""
    rule: str
    """the rule behind it"""
    now: list[str]
    """what is true of the session now"""
    original: Original | None
    """the error that came first, if it was another cell's"""
    next: list[list[str]]
    """pairs of what to type and what it does"""
    elsewhere: list[list[str]]
    """pairs of another library and its word for it"""


class WhyReport(TypedDict):
    """Why a flush would, or would not, write an object."""

    label: str
    state: str
    """empty for something that is not mapped"""
    answer: str
    """the answer in a sentence"""
    because: list[str]
    """what it rests on"""
    next: list[list[str]]
    """pairs of what to type and what it does"""
