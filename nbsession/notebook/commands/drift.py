"""What differs between mapped classes and the tables of a database. Asks the database for definitions; changes
nothing, unless it is told to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from nbsession.exc import NbsessionError
from nbsession.notebook.commands.answers import Answer, answer
from nbsession.notebook.reporting.in_sight import mappers_in_sight
from nbsession.notebook.views.plain import clip, listed

SAME = "classes and tables agree"


def drift(session: Any) -> Answer:
    """The differences, one line each, and what to do about them.

    :param session: a Session; its database's tables are looked at.
    """
    engine = getattr(session.bind, "engine", session.bind)
    if engine is None:
        return answer(["the session has no engine: there are no tables to compare with"])
    with _reading(session) as reader:
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


def lacking(session: Any, cls: type) -> list[str]:
    """The columns of a class that its table in the session's database lacks; of a table that is not there, none.

    :param session: a Session that knows the class's tables, or does not.
    """
    table = cls.__mapper__.local_table  # type: ignore[attr-defined]
    engine = getattr(session.bind, "engine", session.bind)
    if engine is None or not isinstance(getattr(table, "name", None), str):
        return []
    there: set[str] = set()
    with suppress(NbsessionError):  # a database that cannot be asked now
        there = _names_there(session, table)
    return [column.name for column in table.columns if column.name not in there] if there else []


@contextmanager
def _reading(session: Any) -> Iterator[Any]:
    """What reads definitions as the session sees them: inside its transaction, if one is open."""
    if session.in_transaction() and session.is_active:
        connection = session.connection()
        yield connection.dialect.reader(connection)
        return
    engine = getattr(session.bind, "engine", session.bind)
    with engine.connect() as connection:
        yield connection.dialect.reader(connection)


def _names_there(session: Any, table: Any) -> set[str]:
    """The columns of a table; none if it is not there."""
    with _reading(session) as reader:
        names = {(None if schema == "main" else schema, name) for schema, name in reader.table_names()}
        if (table.schema, table.name) not in names:
            return set()
        return {column.name for column in reader.table(table.name).columns}


def alter(session: Any) -> Answer:
    """Adds the columns that mapped classes have and their tables lack, inside the session's transaction.

    A column is added without NOT NULL and UNIQUE: rows that are there have no value for it.

    :param session: a Session; nothing is committed.
    """
    from nbsession.sql.ddl import server_default_ddl
    from nbsession.sql.naming import quote_identifier

    lines = []
    dialect = getattr(session.bind, "engine", session.bind).dialect
    for name, table in dict(_mapped(session)).items():
        missing = lacking(session, next(m.class_ for m in mappers_in_sight(session) if m.class_.__name__ == name))
        for column in table.columns:
            if column.name not in missing:
                continue
            default = server_default_ddl(column, dialect.name)
            session.connection().exec_driver_sql(
                f"ALTER TABLE {quote_identifier(table.name)} ADD COLUMN {quote_identifier(column.name)} "
                f"{dialect.type_ddl(column.type)}" + (f" DEFAULT {default}" if default is not None else "")
            )
            lines.append(f"{table.name}: column {column.name} added")
    return answer([*lines, "nothing is committed: %session commit keeps it"] if lines else ["no table lacks a column"])
