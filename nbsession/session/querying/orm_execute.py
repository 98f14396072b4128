"""What a ``do_orm_execute`` hook is told: a statement before it is run, to be looked at, replaced, or run by the hook itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from nbsession.mapping.mapper import Mapper

if TYPE_CHECKING:
    from nbsession.database.result import Result
    from nbsession.session.session import Session


class BulkChange(NamedTuple):
    """What an ``after_bulk_update`` or ``after_bulk_delete`` hook is told.

    :ivar session: the session.
    :ivar statement: the UPDATE or DELETE.
    :ivar mapper: the mapper of the class whose rows it changed.
    :ivar result: its result: ``result.rowcount`` rows.
    """

    session: Any
    statement: Any
    mapper: Mapper
    result: Any


class ORMExecuteState:
    """One execution of a statement by a session. A hook may assign another ``statement``, or return a result of its own.

    :ivar session: the session.
    :ivar statement: what is run.
    :ivar parameters: its parameters, or None.
    :ivar bind_arguments: what decides the engine.
    """

    def __init__(
        self,
        session: Session,
        statement: Any,
        parameters: Any,
        bind_arguments: Mapping[str, Any] | None,
        run: Callable[[Any, Any, Any], Result] | None = None,
        hooks: Sequence[Callable[..., Any]] = (),
    ) -> None:
        self.session = session
        self.statement = statement
        self.parameters = parameters
        self.bind_arguments: dict[str, Any] = dict(bind_arguments or {})
        self._run = run
        self._hooks = list(hooks)

    @property
    def is_select(self) -> bool:
        """Is it a SELECT?"""
        return bool(self.statement.kind == "select")

    @property
    def is_insert(self) -> bool:
        """Is it an INSERT?"""
        return bool(self.statement.kind == "insert")

    @property
    def is_update(self) -> bool:
        """Is it an UPDATE?"""
        return bool(self.statement.kind == "update")

    @property
    def is_delete(self) -> bool:
        """Is it a DELETE?"""
        return bool(self.statement.kind == "delete")

    @property
    def is_executemany(self) -> bool:
        """Are there several sets of parameters?"""
        return isinstance(self.parameters, (list, tuple))

    @property
    def all_mappers(self) -> list[Mapper]:
        """The mappers of the entities it selects or changes."""
        entities = [*getattr(self.statement, "raw_columns", ()), getattr(self.statement, "entity", None)]
        found = [entity if isinstance(entity, Mapper) else getattr(entity, "__mapper__", None) for entity in entities]
        return list(dict.fromkeys(mapper for mapper in found if isinstance(mapper, Mapper)))

    @property
    def bind_mapper(self) -> Mapper | None:
        """The mapper that decides the engine: the one given, or the first."""
        given = self.bind_arguments.get("mapper")
        if isinstance(given, type):
            given = vars(given).get("__mapper__")
        return given if isinstance(given, Mapper) else next(iter(self.all_mappers), None)

    @property
    def is_orm_statement(self) -> bool:
        """Does it name mapped classes?"""
        return bool(self.all_mappers)

    @property
    def execution_options(self) -> Mapping[str, Any]:
        """The statement's execution options."""
        return dict(self.statement.get_execution_options())

    def update_execution_options(self, **options: Any) -> None:
        """Adds execution options to the statement."""
        self.statement = self.statement.execution_options(**options)

    def invoke_statement(
        self, statement: Any = None, params: Any = None, bind_arguments: Mapping[str, Any] | None = None
    ) -> Result:
        """Runs the statement, after the hooks that come behind this one.

        :param statement: another one to run in its place.
        :param params: other parameters.
        :param bind_arguments: added to those there are.
        """
        assert self._run is not None
        if statement is not None:
            self.statement = statement
        if params is not None:
            self.parameters = params
        self.bind_arguments.update(bind_arguments or {})
        while self._hooks:
            result: Result | None = self._hooks.pop(0)(self)
            if result is not None:
                return result
        return self._run(self.statement, self.parameters, self.bind_arguments)
