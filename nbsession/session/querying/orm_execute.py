"""What a ``do_orm_execute`` hook is told: a statement before it is run, to be looked at, replaced, or run by the hook itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from nbsession.exc import InvalidRequestError
from nbsession.mapping.attributes import ColumnAttribute
from nbsession.mapping.inspection import inspect_mapped
from nbsession.mapping.mapper import Mapper
from nbsession.sql.compound import CompoundSelect
from nbsession.sql.from_statement import FromStatement

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


class Loading(NamedTuple):
    """Why a session executes a SELECT of its own.

    :ivar obj: the object that is loaded or whose relationship is; None: several objects' at once.
    :ivar relationship: the relationship; None: columns of the object.
    """

    obj: Any
    relationship: Any = None


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
        loading: Loading | None = None,
    ) -> None:
        self.session = session
        self.statement = statement
        self.parameters = parameters
        self.bind_arguments: dict[str, Any] = dict(bind_arguments or {})
        self._run = run
        self._hooks = list(hooks)
        self._loading = loading

    @property
    def is_select(self) -> bool:
        """Is it a SELECT?"""
        return bool(self.statement.is_select)

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
    def is_from_statement(self) -> bool:
        """Is it entities from SQL of one's own: ``select(User).from_statement(...)``?"""
        return isinstance(self.statement, FromStatement)

    @property
    def is_column_load(self) -> bool:
        """Does it bring columns of an object that is here: expired, deferred, or refreshed ones?"""
        return self._loading is not None and self._loading.relationship is None

    @property
    def is_relationship_load(self) -> bool:
        """Does it bring a relationship, touched or after the objects?"""
        return self._loading is not None and self._loading.relationship is not None

    @property
    def loader_strategy_path(self) -> tuple[Any, Any] | None:
        """(mapper, relationship) that is being loaded, or None."""
        declared = None if self._loading is None else self._loading.relationship
        return None if declared is None else (declared.parent, declared)

    @property
    def lazy_loaded_from(self) -> Any:
        """``inspect(object)`` of the object whose relationship was touched, or None.

        :raises InvalidRequestError: it is no SELECT.
        """
        if not self.is_select:
            raise InvalidRequestError(
                "This ORM execution is not against a SELECT statement so there are no load options: ask is_select first."
            )
        touched = self.is_relationship_load and self._loading is not None and self._loading.obj is not None
        return inspect_mapped(self._loading.obj) if touched and self._loading is not None else None

    @property
    def is_executemany(self) -> bool:
        """Are there several sets of parameters?"""
        return isinstance(self.parameters, (list, tuple))

    @property
    def all_mappers(self) -> list[Mapper]:
        """The mappers of the entities it selects, whole or by attributes, or changes; of a union, none."""
        return [] if isinstance(self.statement, CompoundSelect) else _mappers_of(self.statement)

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
        return any(map(_mappers_of, getattr(self.statement, "selects", (self.statement,))))

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


def _mappers_of(statement: Any) -> list[Mapper]:
    found: list[Any] = []
    for entity in (*getattr(statement, "raw_columns", ()), getattr(statement, "entity", None)):
        if isinstance(entity, ColumnAttribute):
            found.append(entity.mapper)
        else:
            view = entity if isinstance(entity, Mapper) else getattr(entity, "__mapper__", None)
            found.append(getattr(view, "mapper", view))  # of an alias, that of its class
    return list(dict.fromkeys(mapper for mapper in found if isinstance(mapper, Mapper)))
