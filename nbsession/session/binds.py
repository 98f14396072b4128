"""Which engine or connection serves a class, a table or a statement. Pure look-up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from nbsession.exc import ArgumentError, UnboundExecutionError
from nbsession.mapping.aliased import AliasedClass
from nbsession.mapping.mapper import Mapper
from nbsession.mapping.registry import class_mapper
from nbsession.sql.base import ClauseElement
from nbsession.sql.schema import Table
from nbsession.sql.selectable import FromClause, from_of
from nbsession.sql.visitors import children


class Binds:
    """The binds of one session.

    :param bind: for everything that is not bound otherwise.
    :param binds: class, mapper, table or join to engine or connection.
    :raises ArgumentError: a key of ``binds`` is neither.
    """

    def __init__(self, bind: Any, binds: Mapping[Any, Any] | None) -> None:
        self.bind = bind
        self._by_class: dict[type, Any] = {}
        self._by_table: dict[Any, Any] = {}
        for key, target in (binds or {}).items():
            self.set(key, target)

    def set(self, key: Any, target: Any) -> None:
        """Binds a class (mapped, or the base of mapped ones), a mapper, or a table, join or subquery."""
        if isinstance(key, FromClause):
            self._by_table[key] = target
        elif isinstance(key, Mapper):
            if key.entity_name is None:
                self._by_class[key.class_] = target
            self._bind_tables(key, target)
        elif isinstance(key, type):
            self._by_class[key] = target
            if isinstance(vars(key).get("__mapper__"), Mapper):
                self._bind_tables(vars(key)["__mapper__"], target)
        else:
            raise ArgumentError(f"Not an acceptable bind target: {key!r}. Give a class, a mapper, a table or a join.")

    def _bind_tables(self, mapper: Mapper, target: Any) -> None:
        for one in mapper.self_and_descendants:
            self._by_table.update((table, target) for table in one.tables)

    def all(self) -> list[Any]:
        """Every engine and connection named here."""
        named = [*self._by_class.values(), *self._by_table.values()]
        return named if self.bind is None else [self.bind, *named]

    def find(self, mapper: Any = None, clause: Any = None) -> Any:
        """The engine or connection for a class or a statement.

        :param mapper: a mapper or mapped class.
        :param clause: a statement; its tables are looked up.
        :raises UnboundExecutionError: there is none.
        """
        if type(mapper) is Mapper and self.bind is not None and not self._by_class and not self._by_table:
            return self.bind  # mostly: this is asked before every statement
        if isinstance(mapper, type):
            mapper = class_mapper(mapper)
        elif isinstance(mapper, AliasedClass):
            mapper = class_mapper(mapper.__mapper__.class_)
        if mapper is not None and (self._by_class or self._by_table):
            for cls in mapper.class_.__mro__:
                if cls in self._by_class:
                    return self._by_class[cls]
            for table in reversed(mapper.tables):
                if table in self._by_table:
                    return self._by_table[table]
        if clause is not None and (self._by_class or self._by_table):
            found = self._bind_of(tables_of(clause))
            if found is None:
                found = self._bind_of(tables_within(clause))
            if found is not None:
                return found
        if self.bind is not None:
            return self.bind
        asked = [f"mapper {mapper}"] if mapper is not None else []
        if clause is not None:
            asked.append("SQL expression")
        if not asked:
            raise UnboundExecutionError(
                "This session is not bound to a single Engine or Connection, and no context was provided to locate a binding. "
                "Give it one: Session(engine)."
            )
        raise UnboundExecutionError(
            f"Could not locate a bind configured on {', '.join(asked)} or this Session. Give it one: Session(engine), or "
            "binds={...}."
        )

    def _bind_of(self, tables: Iterable[Any]) -> Any:
        """Where the first of the tables that is bound is bound to: itself, else by a class; None if none is."""
        known = list(tables)
        for table in known:
            if table in self._by_table:
                return self._by_table[table]
        for table in known:
            for cls, target in self._by_class.items():
                if _maps(cls, table):
                    return target
        return None


def _maps(cls: type, table: Any) -> bool:
    """Is a table that of a class, or of a class derived from it?"""
    mapper = vars(cls).get("__mapper__")
    below: list[type] = type.__subclasses__(cls)
    return (isinstance(mapper, Mapper) and table in mapper.tables) or any(_maps(one, table) for one in below)


def tables_of(clause: Any) -> Iterable[Any]:
    """The tables a statement names, subqueries included, in its order."""
    if isinstance(clause, Table):
        yield clause
        return
    if isinstance(clause, FromClause):
        yield clause
        for part in clause.parts():
            yield part
            yield from tables_of(getattr(part, "element", None))
        return
    table = getattr(clause, "table", None)
    if table is not None:
        yield table
    finals = getattr(clause, "get_final_froms", None)
    if finals is not None:
        for source in finals():
            yield from tables_of(source)
    for one in getattr(clause, "selects", ()):
        yield from tables_of(one)


def tables_within(clause: Any) -> Iterable[Any]:
    """The tables a statement names anywhere, as in an expression among its columns or in its conditions."""
    waiting = [clause]
    while waiting:
        part = waiting.pop(0)
        mapper = getattr(part, "__mapper__", None)
        if mapper is not None:
            yield from getattr(mapper, "mapper", mapper).tables
            continue
        if isinstance(part, FromClause):
            yield from tables_of(part)
            continue
        if isinstance(part, ClauseElement):
            if getattr(part, "table", None) is not None:
                yield part.table  # type: ignore[attr-defined]  # a column's, or that of an INSERT
            waiting += _parts(part)
        elif hasattr(part, "__clause_element__"):
            waiting.append(part.__clause_element__())


def _parts(part: Any) -> list[Any]:
    found = list(children(part))
    if part.visit_name == "select":
        found += part.raw_columns
        found += (from_of(one) for one in part._from)
        found += (clause for step in part._joins for clause in (from_of(step.target), step.onclause))
    elif part.visit_name in ("insert", "update", "delete"):
        found += getattr(part, "_where", ())
        found += (clause for row in (*getattr(part, "rows", ()), getattr(part, "row", ())) for _, clause in row)
        found.append(getattr(part, "select", None))
    found += (*getattr(part, "selects", ()), *getattr(part, "_order", ()), *getattr(part, "_group", ()))
    return [one for one in found if one is not None]
