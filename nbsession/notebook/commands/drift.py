"""What differs between mapped classes and the tables of a database. Asks the database for definitions; changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nbsession.notebook.commands.answers import Answer, answer
from nbsession.notebook.reporting.in_sight import mappers_in_sight
from nbsession.notebook.views.plain import clip, listed

SAME = "classes and tables agree"


def drift(session: Any) -> Answer:
    """The differences, one line each, and what to do about them.

    :param session: a Session; its engine's tables are looked at, on a connection of their own.
    """
    engine = getattr(session.bind, "engine", session.bind)
    if engine is None:
        return answer(["the session has no engine: there are no tables to compare with"])
    with engine.connect() as connection:
        reader = connection.dialect.reader(connection)
        there = {name for schema, name in reader.table_names() if schema in (None, "main")}
        lines: list[str] = []
        known: set[str] = set()
        for title, table in _mapped(session):
            if table.name in known:
                continue
            known.add(table.name)
            if table.name not in there:
                lines.append(f"{title}: table {table.name} is not there; Base.metadata.create_all(engine) makes it")
            else:
                read = reader.table(table.name)
                lines += _columns(title, table, {column.name: column.nullable for column in read.columns})
    lines += [f"{name}: in the database, not mapped" for name in sorted(there - known)]
    return answer([clip(line, 200) for line in lines] or [SAME])


def _mapped(session: Any) -> Iterator[tuple[str, Any]]:
    for mapper in mappers_in_sight(session):
        table = mapper.local_table
        if isinstance(getattr(table, "name", None), str):
            yield mapper.class_.__name__, table


def _columns(title: str, table: Any, there: dict[str, bool]) -> Iterator[str]:
    mapped = {column.name: column for column in table.columns}
    missing = [name for name in mapped if name not in there]
    extra = [name for name in there if name not in mapped]
    if missing:
        yield f"{title}: mapped, not in the table: {listed(missing, 6)}; queries of {title} will fail"
    if extra:
        required = [name for name in extra if not there[name]]
        note = f"; an INSERT will fail without {listed(required, 3)}" if required else ""
        yield f"{title}: in the table, not mapped: {listed(extra, 6)}{note}"
    for name, column in mapped.items():
        if name in there and not column.primary_key and bool(column.nullable) is not there[name]:
            here, not_here = ("class", "table") if column.nullable else ("table", "class")
            yield f"{title}.{name}: may be NULL in the {here}, not in the {not_here}"
