"""Which engine serves what, asked of a session."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from nbsession.database.connection import Connection
from nbsession.mapping.registry import class_mapper
from nbsession.session.core import SessionCore

if TYPE_CHECKING:
    from nbsession.session.flush.flush_plan import Step
    from nbsession.session.level import Level


class Binding(SessionCore):
    """A session's binds."""

    def get_bind(self, mapper: Any = None, *, clause: Any = None, bind: Any = None) -> Any:
        """The Engine or Connection that serves a class or statement.

        :raises UnboundExecutionError: there is none.
        """
        return bind if bind is not None else self.binds.find(mapper, clause)

    def bind_mapper(self, mapper: Any, bind: Any, entity_name: str | None = None) -> None:
        """Binds a class.

        :param entity_name: of a class with several mappings, the name of the one that is bound.
        """
        self.binds.set(mapper if entity_name is None else class_mapper(mapper, entity_name), bind)

    def bind_table(self, table: Any, bind: Any) -> None:
        """Binds a table."""
        self.binds.set(table, bind)

    def parts_of(self, step: Step) -> Iterator[tuple[Any, Step]]:
        """(engine or connection, part of a flush's step): one part, unless rows of a table lie in several databases."""
        yield self.get_bind(step.mapper if step.relationship is None else step.relationship.parent), step

    def on_enlisted(self, transaction: Level, connection: Connection) -> None:
        """A transaction took a connection."""
        self.hooks.fire("after_begin", self, transaction, connection)
