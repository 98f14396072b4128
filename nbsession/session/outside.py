"""What statements run on outside of any transaction, as sessions with ``transactional=False`` do: each is one for itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from nbsession.database.connection import Connection
from nbsession.database.result import Result
from nbsession.events import FactBus

T = TypeVar("T")


class OutsideTransaction:
    """An engine's or connection's doors, each opened for one statement that is committed at once.

    :param bind: an Engine: a connection of it is taken for each statement. A Connection: it is used, and what somebody else
        began on it is not ended.
    :param facts: where the statements are told.
    """

    def __init__(self, bind: Any, facts: FactBus) -> None:
        self._bind = bind
        self._facts = facts
        self.engine = bind.engine if isinstance(bind, Connection) else bind
        self.dialect = self.engine.dialect

    def execute(self, statement: Any, parameters: Any = None) -> Result:
        """Runs a statement; its result is complete."""
        return self._once(lambda connection: connection.execute(statement, parameters))

    def exec_driver_sql(self, statement: str, parameters: Any = None) -> Result:
        """Runs SQL text as the driver takes it."""
        return self._once(lambda connection: connection.exec_driver_sql(statement, parameters))

    def fetch(self, sql: str, params: Sequence[Any] = (), statement: Any = None, parameters: Any = None) -> Any:
        """Rows of a SELECT."""
        return self._once(lambda connection: connection.fetch(sql, params, statement, parameters))

    def _once(self, deed: Callable[[Connection], T]) -> T:
        if isinstance(self._bind, Connection):
            self._bind.facts = self._facts
            if self._bind.in_transaction():
                return deed(self._bind)
            with self._bind.begin():
                return deed(self._bind)
        with self._bind.connect() as connection:
            connection.facts = self._facts
            with connection.begin():
                return deed(connection)
