"""One ``join()`` of a SELECT, and the attributes of what was joined.

Knows the protocol of relationships (``__join_target__``). Knows no rendering.
"""

from __future__ import annotations

from typing import Any

from nbsession.exc import InvalidRequestError
from nbsession.sql.base import ShapeWalk
from nbsession.sql.elements import clause_of
from nbsession.sql.selectable import FromClause, from_of


def attribute_of(subject: Any, name: str) -> Any:
    """The attribute or column of this name.

    :raises InvalidRequestError: if there is none.
    """
    if isinstance(subject, FromClause):
        if name in subject.c:
            return subject.c[name]
    elif hasattr(subject, name):
        return getattr(subject, name)
    called = getattr(subject, "__name__", None) or getattr(subject, "name", None)
    raise InvalidRequestError(f'Entity namespace for "{called}" has no property "{name}"')


class JoinStep:
    """One ``join()``: what is joined, and how.

    :ivar target: as it was given, an entity or something in FROM.
    :ivar right: what stands in FROM.
    """

    __slots__ = ("full", "isouter", "left", "onclause", "right", "target")

    def __init__(self, left: Any, target: Any, right: Any, onclause: Any, isouter: bool, full: bool) -> None:
        self.left = left
        self.target = target
        self.right = right
        self.onclause = onclause
        self.isouter = isouter
        self.full = full

    @classmethod
    def of(cls, left: Any, target: Any, onclause: Any, isouter: bool, full: bool) -> JoinStep:
        """From the arguments of ``join()``; a relationship tells its target and condition itself.

        ``__join_target__()`` gives ``(entity, onclause)``, or ``(entity, onclause, from_clause)`` where more than the
        entity's own table is joined (many to many).
        """
        if hasattr(target, "__join_target__"):
            entity, condition, *rest = target.__join_target__()
            if onclause is not None:
                condition = clause_of(onclause) if not hasattr(onclause, "__join_target__") else condition
            if left is None:
                left = getattr(target, "parent_entity", None)
            return cls(left, entity, rest[0] if rest else from_of(entity), condition, isouter, full)
        if hasattr(onclause, "__join_target__"):
            if left is None:
                left = getattr(onclause, "parent_entity", None)
            toward = onclause.of_type(target) if hasattr(onclause, "of_type") else onclause
            _, condition, *rest = toward.__join_target__()
            return cls(left, target, rest[0] if rest else from_of(target), condition, isouter, full)
        return cls(left, target, from_of(target), None if onclause is None else clause_of(onclause), isouter, full)

    @property
    def criterion(self) -> Any:
        """Which of the joined rows are the target's, if that is a class without a table of its own; or None."""
        mapper = getattr(self.target, "__mapper__", None)
        return None if mapper is None else mapper.single_criterion

    def _shape(self, walk: ShapeWalk) -> None:
        walk.key += ("join", self.isouter, self.full)
        self.right._shape(walk)
        if self.criterion is not None:
            self.criterion._shape(walk)
        for part in (None if self.left is None else from_of(self.left), self.onclause):
            if part is None:
                walk.key.append(None)
            else:
                part._shape(walk)
