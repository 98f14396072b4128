"""What stands for a column in the body of a declarative class, until name, type and nullability are known."""

from __future__ import annotations

from typing import Any, Literal

from nbsession.exc import ArgumentError
from nbsession.mapping.declaring.annotations import MappedType
from nbsession.sql.schema import Column
from nbsession.sql.types import type_for

UNSET: Any = object()


class MappedColumn:
    """What :func:`mapped_column` returns: a column that learns its name, type and nullability from its attribute.

    :ivar shares: may the table have it already, from a sister class?
    :ivar deferred: the group it is loaded with when touched, None for alone; False: it is loaded with the object.
    :ivar raises: if it is deferred: is touching it an error?
    :ivar sort_order: its place in the table: columns with higher numbers come later.
    """

    def __init__(
        self,
        args: tuple[Any, ...],
        options: dict[str, Any],
        nullable: Any,
        shares: bool = False,
        deferred: str | Literal[False] | None = False,
        raises: bool = False,
        sort_order: int = 0,
    ) -> None:
        self.options = options
        self.nullable = nullable
        self.shares = shares
        self.deferred = deferred
        self.raises = raises
        self.sort_order = sort_order
        self.column: Column = Column(*args, **options)
        self.typed = any(_is_type(a) for a in args) or "type_" in options

    def __clause_element__(self) -> Column:
        return self.column

    def finish(self, key: str, says: MappedType | None, owner: type) -> Column:
        """The column, completed by what the annotation says."""
        column = self.column
        column.name = column.name or key
        column.key = column.key or key
        if not self.typed and says is not None and says.inner is not None:
            type_ = type_for(says.inner) if isinstance(says.inner, type) else None
            if type_ is not None:
                column.type = type_
            elif not column.foreign_keys:
                raise ArgumentError(
                    f"Could not locate a column type for '{owner.__name__}.{key}': {says.inner!r} is not a type known here. "
                    "Give the type to mapped_column(...), or make it a relationship()."
                )
        if self.nullable is not UNSET:
            column.nullable = bool(self.nullable)
        elif column.primary_key:
            column.nullable = False
        elif says is not None:
            column.nullable = says.optional
        return column

    def copied(self) -> MappedColumn:
        """A mixin's column, for one of the classes that mix it in."""
        twin = MappedColumn((), {}, self.nullable, self.shares, self.deferred, self.raises, self.sort_order)
        twin.column, twin.typed = self.column._copy(), self.typed
        return twin


def _is_type(value: Any) -> bool:
    cls = value if isinstance(value, type) else type(value)
    return hasattr(cls, "python_type")


def mapped_column(
    *args: Any,
    nullable: Any = UNSET,
    use_existing_column: bool = False,
    deferred: bool = False,
    deferred_group: str | None = None,
    deferred_raiseload: bool = False,
    sort_order: int = 0,
    **options: Any,
) -> Any:
    """A column of a declarative class.

    :param args: as for ``Column``: optionally a name, a type, then ``ForeignKey(...)`` and the like.
    :param nullable: may it be NULL? By default what the annotation says: ``Mapped[int | None]`` may.
    :param use_existing_column: in a class without a table of its own: if a sister class added the column, share it.
    :param deferred: left out of SELECTs, and loaded when it is touched.
    :param deferred_group: as ``deferred``; columns of one group are loaded together.
    :param deferred_raiseload: as ``deferred``, but touching it is an error; ``undefer()`` loads it with the object.
    :param sort_order: where the column stands in the table: those with higher numbers come later, mixins' too.
    :param options: as for ``Column``: ``primary_key``, ``default``, ``unique``, ...

    >>> class User(Base): ...
    ...     id: Mapped[int] = mapped_column(primary_key=True)
    """
    group: Any = deferred_group if deferred or deferred_raiseload or deferred_group is not None else False
    return MappedColumn(args, options, nullable, use_existing_column, group, deferred_raiseload, sort_order)
