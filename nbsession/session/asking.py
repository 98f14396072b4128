"""What a session is asked in statements and queries. How they are run is in the neighbouring files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nbsession.database.result import Result, ScalarResult
from nbsession.mapping.entity_names import entity_of
from nbsession.mapping.registry import configure_all
from nbsession.session.expiring import Expiring
from nbsession.session.querying.execution import execute_statement
from nbsession.session.querying.query import Query


class Asking(Expiring):
    """The statements and queries of a session."""

    _query_cls: Any = Query
    """the class of its queries: that of a session class, or of one session by ``Session(query_cls=...)``"""

    def execute(
        self,
        statement: Any,
        params: Any = None,
        *,
        execution_options: Mapping[str, Any] | None = None,
        bind_arguments: Mapping[str, Any] | None = None,
        **choice: Any,
    ) -> Result:
        """Runs a statement in the session's transaction; what it selects of mapped classes comes as objects.

        :param statement: ``select()``, ``insert()``, ``update()``, ``delete()`` or ``text()``; or SQL as a string.
        :param params: its named parameters: a mapping, or a list of mappings to run it once for each.
        :param execution_options: options of this execution, beside those of the statement.
        :param bind_arguments: what decides the engine: ``{"mapper": User}``, ``{"bind": engine}``.
        :param choice: the same as keywords: ``mapper=User``.
        """
        if choice:
            bind_arguments = {**(bind_arguments or {}), **choice}
        if execution_options:
            statement = with_options(statement, execution_options)
        session: Any = self  # a Session: nothing else derives from this class
        return execute_statement(session, statement, params, bind_arguments)

    def scalars(
        self,
        statement: Any,
        params: Any = None,
        *,
        execution_options: Mapping[str, Any] | None = None,
        bind_arguments: Mapping[str, Any] | None = None,
        **choice: Any,
    ) -> ScalarResult:
        """The first thing of each row."""
        return self.execute(
            statement, params, execution_options=execution_options, bind_arguments=bind_arguments, **choice
        ).scalars()

    def scalar(
        self,
        statement: Any,
        params: Any = None,
        *,
        execution_options: Mapping[str, Any] | None = None,
        bind_arguments: Mapping[str, Any] | None = None,
        **choice: Any,
    ) -> Any:
        """The first thing of the first row, or None."""
        return self.execute(
            statement, params, execution_options=execution_options, bind_arguments=bind_arguments, **choice
        ).scalar()

    def query(self, *entities: Any, entity_name: str | None = None) -> Any:
        """A query in the older style: ``session.query(User).filter_by(name="Ada").all()``.

        :param entity_name: of a class with several mappings, the name of the one that is meant.
        :return: a :class:`~nbsession.Query`, or what ``query_cls`` says.
        """
        for one in entities:
            if isinstance(one, type):
                configure_all(one)
        return self._query_cls(tuple([entity_of(one, entity_name) for one in entities]), self)


def with_options(statement: Any, options: Mapping[str, Any]) -> Any:
    """A statement with more execution options; SQL given as a string stays as it is."""
    return statement.execution_options(**options) if hasattr(statement, "execution_options") else statement
