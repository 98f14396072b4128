"""Rows that SQL of a person's own changed behind the session: which loaded objects show old values. Asks the database.

Called after such SQL, on the same connection: a person who sends SQL does not mind one SELECT more.
"""

from __future__ import annotations

from typing import Any

from nbsession.events import tokens
from nbsession.notebook.recording.cells import clock
from nbsession.notebook.recording.recorder import recorder_of
from nbsession.notebook.reporting.stale import believed
from nbsession.tracking.instance_state import NO_VALUE, ident_of
from nbsession.tracking.seeing import seen

MOST = 500
"""objects of a class that are compared"""


def note_behind(session: Any, tables: set[str]) -> list[Any]:
    """Compares the loaded objects of some tables with their rows, and notes those that differ.

    :param session: a Session.
    :param tables: names of the tables that were written to.
    :return: the objects that show old values.
    """
    journal = recorder_of(session).journal
    by_mapper: dict[Any, list[Any]] = {}
    for obj in session.identity_map.values():
        mapper = seen(obj).mapper
        if any(table.name in tables for table in mapper.tables):
            by_mapper.setdefault(mapper, []).append(obj)
    found = []
    for mapper, objects in by_mapper.items():
        rows = _rows(session, mapper, [ident_of(obj) for obj in objects[:MOST]])
        for obj in objects[:MOST]:
            row = rows.get(ident_of(obj))
            differs = _differs(obj, mapper, row) if row is not None else None
            if row is None or differs:
                journal.behind[tokens.of(obj)] = clock.now, differs
                found.append(obj)
    return found


def _differs(obj: Any, mapper: Any, row: Any) -> dict[str, Any]:
    """The attributes that differ, with the row's values."""
    values = dict(zip(mapper.column_keys, row, strict=True))
    return {
        key: value for key, value in values.items() if (known := believed(obj, key)) is not NO_VALUE and known != value
    }


def _rows(session: Any, mapper: Any, idents: list[Any]) -> dict[Any, Any]:
    from nbsession.sql import select
    from nbsession.sql.expression import and_, or_

    keys = mapper.primary_key
    if len(keys) == 1:
        wanted = keys[0].in_(idents)
    else:
        wanted = or_(*(and_(*(c == v for c, v in zip(keys, ident, strict=True))) for ident in idents))
    statement = select(*mapper.columns.values()).select_from(mapper.selectable).where(wanted)
    places = [list(mapper.column_keys).index(key) for key in mapper.pk_keys]
    found = {}
    for row in session.connection().execute(statement):
        ident = tuple(row[place] for place in places)
        found[ident if len(places) > 1 else ident[0]] = tuple(row)
    return found
