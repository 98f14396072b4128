"""From a statement to its text, once per shape; and to its values, each time.

Knows no database beyond the name of its rendering. Whoever executes keeps the compiled statements, by
:func:`~nbsession.sql.base.shape_key`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from nbsession.exc import ArgumentError, InvalidRequestError, StatementError
from nbsession.sql.base import ClauseElement, Executable, ShapeWalk, shape_key
from nbsession.sql.defaults import DefaultContext, default_value
from nbsession.sql.rendering import MARK, Source
from nbsession.sql.renderings import RENDERINGS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbsession.sql.types import TypeEngine

_MARKED = re.compile(f"{MARK}(\\d+):([^{MARK}]*){MARK}")


class Compiled:
    """A statement as text for one database; serves every statement of its shape.

    :ivar sql: the text, with ``?`` for values.
    :ivar bind_types: the type of each value, in order.
    :ivar columns: name and type of each column of the result; empty where only the database knows (text).
    :ivar kind: ``"select"``, ``"insert"``, ``"update"``, ``"delete"`` or ``"text"``.
    :ivar tables: names of the tables read or written, as far as the statement says (text does not).
    :ivar table: the table that is written, or None; ``written`` are its columns, in order.
    :ivar doubts: warnings for whoever executes it: tables that nothing joins.
    """

    __slots__ = (
        "_made",
        "bind_types",
        "columns",
        "doubts",
        "kind",
        "simple",
        "sources",
        "sql",
        "table",
        "tables",
        "written",
    )

    def __init__(
        self,
        sql: str,
        sources: tuple[Source, ...],
        bind_types: tuple[TypeEngine, ...],
        columns: tuple[tuple[str, TypeEngine], ...],
        kind: str,
        tables: tuple[str, ...],
        table: Any = None,
        written: tuple[Any, ...] = (),
        doubts: tuple[str, ...] = (),
    ) -> None:
        self.sql = sql
        self.sources = sources
        self.bind_types = bind_types
        self.columns = columns
        self.kind = kind
        self.tables = tables
        self.table = table
        self.written = written
        self.doubts = doubts
        only_binds = all(source[0] == "bind" for source in sources)
        self.simple: tuple[int, ...] | None = tuple(source[1] for source in sources) if only_binds else None
        self._made = tuple(source[1].key for source in sources if source[0] == "default")

    @property
    def returns_rows(self) -> bool:
        """Whether the result has columns, as far as the statement says."""
        return self.kind == "select" or bool(self.columns)

    def bind(self, statement: Executable, params: Mapping[str, Any] | None = None) -> tuple[Any, ...]:
        """The values for ``sql``, in order, taken from this statement and the parameters of the execution.

        :raises StatementError: if a named parameter has no value.
        """
        binds = statement.walked().binds
        if self.simple is not None:
            return tuple(
                [bind.value if (bind := binds[i]).callable_ is None else bind.callable_() for i in self.simple]
            )
        given = {**statement._values, **(params or {})}
        if self._made:
            return self._bind_with_defaults(statement, binds, given)
        return tuple([self._value(source, binds, given) for source in self.sources])

    def _bind_with_defaults(self, statement: Any, binds: list[Any], given: Mapping[str, Any]) -> tuple[Any, ...]:
        """Where defaults are worked out: each once, and told the other values of its row."""
        rows = getattr(statement, "rows", None) or (getattr(statement, "row", ()),)
        times: dict[int, int] = {}
        values = []
        for source in self.sources:
            kind, column, name = source
            if kind != "default":
                values.append(self._value(source, binds, given))
                continue
            number = times[id(column)] = times.get(id(column), -1) + 1
            context = {**dict.fromkeys(self._made), **given}
            context.update(
                (one.key, clause.value)
                for one, clause in (rows[number] if number < len(rows) else ())
                if clause.visit_name == "bind" and one.key not in given
            )
            values.append(default_value(getattr(column, name), DefaultContext(context)))
        return tuple(values)

    def _value(self, source: Source, binds: list[Any], given: Mapping[str, Any]) -> Any:
        kind, what, where = source
        if kind == "param":
            if what in given:
                return given[what]
            bind = binds[where] if isinstance(where, int) else where
            if bind is None or bind.required:
                raise self._missing(what)
            return bind.value if bind.callable_ is None else bind.callable_()
        bind = binds[what] if isinstance(what, int) else what
        if kind == "item":
            values = bind.value if bind.key is None else given.get(bind.key, bind.value)
            if isinstance(where, tuple):
                return values[where[0]][where[1]]
            return values[where]
        return bind.value if bind.callable_ is None else bind.callable_()

    def _missing(self, name: str) -> StatementError:
        message = f"A value is required for bind parameter '{name}'"
        return StatementError(f"(InvalidRequestError) {message}", self.sql, {}, InvalidRequestError(message))

    def __str__(self) -> str:
        return self.sql

    def __repr__(self) -> str:
        return f"<Compiled {self.sql}>"


def compile_statement(statement: Executable, rendering: str, parameters: Mapping[str, Any] | None = None) -> Compiled:
    """The text of a statement for one database.

    :param rendering: ``"sqlite"`` or ``"duckdb"``.
    :param parameters: what it will be executed with (of several rows, the first): names decide the columns of an INSERT
        or UPDATE, and the length of a list the text of an expanding parameter. Give the same to ``shape_key``.
    :raises CompileError: if it cannot be written for this database.
    """
    if not isinstance(statement, Executable):
        raise ArgumentError(f"Not an executable object: {statement!r}. Use text() for SQL given as a string.")
    given = {**statement._values, **(parameters or {})}
    walk = statement.walked()
    writer = _rendering(rendering)(walk, given)
    text = writer.statement_text(statement)
    order: list[int] = []

    def number(match: re.Match[str]) -> str:
        order.append(int(match[1]))
        return "?"

    sql = _MARKED.sub(number, text)
    return Compiled(
        sql,
        tuple(writer.sources[i][0] for i in order),
        tuple(writer.sources[i][1] for i in order),
        writer.columns,
        statement.kind,
        tuple(writer.tables),
        getattr(statement, "table", None),
        writer.dml_columns,
        tuple(writer.doubts),
    )


def _rendering(name: str) -> Any:
    try:
        return RENDERINGS[name]
    except KeyError:
        raise ArgumentError(f"No rendering {name!r}: there is {', '.join(RENDERINGS)}.") from None


def readable(
    clause: ClauseElement, rendering: str = "readable", literal_binds: bool = False, qualify: bool = True
) -> str:
    """Any clause as text for reading: values appear as ``:name_1``, or written out with ``literal_binds``."""
    walk = ShapeWalk()
    clause._shape(walk)
    given = getattr(clause, "_values", None)
    writer = _rendering(rendering)(walk, given, literal_binds, qualify)
    text = writer.statement_text(clause)
    counts: dict[str, int] = {}

    def name(match: re.Match[str]) -> str:
        if rendering != "readable":
            return "?"
        source = writer.sources[int(match[1])][0]
        if source[0] in ("param", "default") and match[2]:
            return f":{match[2]}"
        stem = match[2] or "param"
        counts[stem] = counts.get(stem, 0) + 1
        return f":{stem}_{counts[stem]}"

    return _MARKED.sub(name, text)


__all__ = ["Compiled", "compile_statement", "readable", "shape_key"]
