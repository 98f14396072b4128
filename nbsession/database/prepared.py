"""A statement of ``sql/`` ready to be sent: compiled once per shape, values converted on the way in and out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nbsession.database.processors import Processor, takes_none
from nbsession.database.raw import check_control, may_write
from nbsession.exc import StatementError, warn
from nbsession.sql.base import Executable, shape_key
from nbsession.sql.defaults import is_sql_default
from nbsession.sql.types import NullType, type_of_value

if TYPE_CHECKING:
    from nbsession.database.connection import Connection
    from nbsession.database.dialect import Dialect
    from nbsession.sql.compile import Compiled
    from nbsession.sql.schema import Column

_ROWS_OF_PARAMETERS = re.compile(r" VALUES \(\?(?:, \?)*\)(?:, \(\?(?:, \?)*\))*(?: RETURNING|$)")
_SENDABLE = frozenset((int, str, float, bytes, bool, type(None), list, dict, tuple))


class Prepared:
    """A compiled statement with the processors of one dialect.

    :ivar keys: the names of the result's columns; empty if the database says them.
    :ivar writes: may it write?
    """

    __slots__ = ("binders", "compiled", "keys", "results", "sql", "writes")

    def __init__(self, compiled: Compiled, dialect: Dialect) -> None:
        self.compiled = compiled
        self.sql = compiled.sql
        if compiled.kind == "text":
            check_control(compiled.sql)
        self.writes = compiled.kind in ("insert", "update", "delete") or may_write(compiled.sql)
        self.binders = [
            _binder_by_value(dialect) if isinstance(type_, NullType) else dialect.bind_processor(type_)
            for type_ in compiled.bind_types
        ]
        for place, column in _set_by_parameters(compiled, dialect):
            exact = dialect.exact_processor(column)
            if exact is not None:
                self.binders[place] = exact
        self.keys = tuple([name for name, _ in compiled.columns])
        found = [(place, dialect.result_processor(type_)) for place, (_, type_) in enumerate(compiled.columns)]
        self.results = [(place, processor) for place, processor in found if processor is not None]

    def values(self, statement: Executable, parameters: Mapping[str, Any] | None) -> tuple[Any, ...]:
        """What is sent for the ``?`` of the text.

        :raises StatementError: a value is missing, or does not fit its type.
        """
        return self.sent(self.compiled.bind(statement, parameters))

    def sent(self, values: tuple[Any, ...]) -> tuple[Any, ...]:
        """Bound values as they are sent.

        :raises StatementError: a value does not fit its type.
        """
        try:
            return tuple([
                value if processor is None or (value is None and not takes_none(processor)) else processor(value)
                for value, processor in zip(values, self.binders, strict=True)
            ])  # fmt: skip
        except (TypeError, ValueError, LookupError, ArithmeticError) as error:
            raise StatementError(f"(builtins.{type(error).__name__}) {error}", self.sql, values, error) from error

    def rows(self, rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """Fetched rows with Python values."""
        if not self.results or not rows:
            return rows
        columns: list[Sequence[Any]] = list(zip(*rows, strict=True))
        for place, processor in self.results:
            columns[place] = [None if value is None else processor(value) for value in columns[place]]
        return list(zip(*columns, strict=True))


def prepare(connection: Connection, statement: Executable, parameters: Mapping[str, Any] | None) -> Prepared:
    """The compiled form of a statement: from the engine's cache, or made now."""
    cache = connection.engine._compiled
    key = shape_key(statement, parameters)
    prepared: Prepared | None = cache.get(key)
    if prepared is None:
        from nbsession.sql.compile import compile_statement

        prepared = Prepared(compile_statement(statement, connection.dialect.name, parameters), connection.dialect)
        if prepared.compiled.doubts and connection.engine.enable_from_linting:
            for doubt in prepared.compiled.doubts:
                warn(doubt)
        cache.put(key, prepared)
    return prepared


def is_plain(prepared: Prepared, statement: Any) -> bool:
    """Is it an INSERT of values only, no expressions and no words of the user's?"""
    if statement.select is not None or statement._prefixes:
        return False
    written = prepared.compiled.written
    given = {id(column) for row in statement.rows for column, _ in row}
    return (
        len(prepared.compiled.sources) == len(written) * max(1, len(statement.rows))
        and all(clause.visit_name == "bind" for row in statement.rows for _, clause in row)
        and not any(id(column) not in given and is_sql_default(column.default) for column in written)
    )


def _set_by_parameters(compiled: Compiled, dialect: Dialect) -> Iterator[tuple[int, Column]]:
    """The parameters that are values of a column, and not part of an expression: their places, with their columns."""
    sql, written = compiled.sql, compiled.written
    if compiled.kind == "insert" and written and _ROWS_OF_PARAMETERS.search(sql):
        for place in range(len(compiled.bind_types)):
            yield place, written[place % len(written)]
    elif compiled.kind == "update":
        start = sql.find(" SET ")
        for column in written:
            given = f" {dialect.quote(column.name)} = ?"
            place = sql.find(given, start)
            if place >= 0 and sql[place + len(given) : place + len(given) + 1] in (",", " ", ""):
                yield sql.count("?", 0, place), column


def _binder_by_value(dialect: Dialect) -> Processor:
    """For a parameter of unknown type: what its value says."""

    def bind(value: Any) -> Any:
        if type(value) in _SENDABLE:
            return value
        processor: Callable[[Any], Any] | None = dialect.bind_processor(type_of_value(value))
        return value if processor is None else processor(value)

    return bind
