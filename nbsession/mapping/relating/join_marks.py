"""Marks on the columns of a join condition: which side they stand on, which of them refer. Knows columns only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from nbsession.exc import ArgumentError
from nbsession.sql.columns import bare
from nbsession.sql.elements import BinaryExpression, ClauseList, ColumnElement, clause_of
from nbsession.sql.operators import AND, EQ
from nbsession.sql.visitors import iterate, replace


class MarkedColumn(ColumnElement):
    """A column within a ``primaryjoin`` or ``secondaryjoin``, with what is said of it.

    :ivar element: the column.
    :ivar foreign: does it refer to the column it is compared with?
    :ivar remote: does it belong to the related row?
    """

    __slots__ = ("element", "foreign", "remote")
    visit_name = "marked_column"
    _children = ("element",)
    _plain = ("foreign", "remote")

    def __init__(self, element: Any, *, foreign: bool = False, remote: bool = False) -> None:
        marked = element if isinstance(element, MarkedColumn) else None
        self.element: Any = bare(element) if marked is None else marked.element
        self.type = self.element.type
        self.foreign: bool = foreign or (marked is not None and marked.foreign)
        self.remote: bool = remote or (marked is not None and marked.remote)


def foreign(column: Any) -> Any:
    """Says in a ``primaryjoin`` which column refers to the other one, where no ForeignKey does.

    >>> relationship("Host", primaryjoin=lambda: foreign(Entry.address) == Host.address)
    """
    return MarkedColumn(_column(column), foreign=True)


def remote(column: Any) -> Any:
    """Says in a ``primaryjoin`` which column belongs to the related row, where one table is on both sides.

    >>> relationship("Node", primaryjoin=lambda: Node.parent_id == remote(Node.id))
    """
    return MarkedColumn(_column(column), remote=True)


def _column(given: Any) -> Any:
    clause = clause_of(given, "A column")
    if not isinstance(clause, ColumnElement):
        raise ArgumentError(f"foreign() and remote() mark a column, not {given!r}.")
    return clause


def marks_in(condition: Any) -> tuple[set[int], set[int]]:
    """``id`` of the columns marked foreign, and of those marked remote."""
    marked = [part for part in iterate(condition) if isinstance(part, MarkedColumn)]
    return {id(m.element) for m in marked if m.foreign}, {id(m.element) for m in marked if m.remote}


def with_marks(condition: Any, decide: Callable[[Any, MarkedColumn | None], bool]) -> Any:
    """The condition in which exactly the remote columns are marked.

    :param decide: whether a column is remote, by the column and the mark on it, if there is one.
    """

    def replacement(part: Any) -> Any:
        mark = part if isinstance(part, MarkedColumn) else None
        column = part if mark is None else mark.element
        if column.visit_name != "column":
            return None
        return MarkedColumn(column, remote=True) if decide(column, mark) else column

    return replace(condition, replacement)


def placed(condition: Any, here: Callable[[Any], Any], there: Callable[[Any], Any]) -> Any:
    """The condition with its unmarked columns replaced by ``here(column)``, and its remote ones by ``there(column)``."""

    def replacement(part: Any) -> Any:
        if isinstance(part, MarkedColumn):
            return there(part.element)
        return here(part) if part.visit_name == "column" else None

    return replace(condition, replacement)


def swapped(condition: Any) -> Any:
    """The condition as the other side sees it: what was remote is near, and the other way round."""
    return placed(condition, lambda column: MarkedColumn(column, remote=True), lambda column: column)


def conditions_of(condition: Any) -> Iterator[Any]:
    """The conditions that all must hold."""
    if isinstance(condition, ClauseList) and condition.operator is AND:
        for one in condition.clauses:
            yield from conditions_of(one)
    else:
        yield condition


def equated(condition: Any) -> Iterator[tuple[Any, Any]]:
    """(near column, remote column) for each comparison ``near = remote``."""
    for one in conditions_of(condition):
        if isinstance(one, BinaryExpression) and one.operator is EQ:
            for near, far in ((one.left, one.right), (one.right, one.left)):
                if isinstance(far, MarkedColumn) and near.visit_name == "column":
                    yield near, far.element
