"""SQL of a person's own, on the session's connection: what ``%%session sql`` runs. It flushes first and never commits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nbsession.notebook.commands.behind import note_behind
from nbsession.notebook.recording.recorder import recorder_of
from nbsession.notebook.recording.sources import require
from nbsession.notebook.reporting.card_builder import label_of, value_text
from nbsession.notebook.reporting.written import tables_written
from nbsession.notebook.views import markup as m
from nbsession.notebook.views.plain import clip, counted, listed, pad
from nbsession.notebook.views.view import View

ROWS_SHOWN = 30
COLUMN = 24
"""the widest a column of the text is"""


def run_sql(session: Any, sql: str, namespace: Mapping[str, Any]) -> View:
    """Runs statements, one after the other, and shows the rows of the last.

    :param session: a Session.
    :param sql: statements with semicolons between them; ``:name`` takes the value of a variable.
    :param namespace: the variables.
    :raises DBAPIError: the database refuses one.
    :raises StatementError: a ``:name`` has no variable.
    """
    from nbsession.sql.textual import text

    require(session, "%%session sql")
    session.flush()
    result = None
    wrote: set[str] = set()
    for statement in statements(sql, session.bind.dialect.name):
        clause = text(statement)
        names = [piece[0] for piece in clause.pieces if isinstance(piece, tuple)]
        values = {name: namespace[name] for name in names if name in namespace}
        result = session.execute(clause, values)
        wrote |= tables_written(statement, session.bind.dialect.name)
    if result is None:
        return _said("nothing to run: the cell holds no SQL")
    note = ""
    if wrote:
        stale = note_behind(session, wrote)
        labels = listed((label_of(obj, recorder_of(session).journal) for obj in stale), 5)
        note = "nothing is committed"
        if stale:
            shows, them = ("show", "they are") if len(stale) > 1 else ("shows", "it is")
            note += f"; {labels} {shows} the old values until {them} refreshed: row changed behind the session"
    if not result.returns_rows:
        rows = "" if result.rowcount < 0 else f"{counted(result.rowcount, 'row')}: "
        return _said(f"{rows}{note or 'done'}")
    names, rows = list(result.keys()), result.fetchmany(ROWS_SHOWN + 1)
    return View(_text(names, rows, note), _html(names, rows, note))


def statements(sql: str, dialect: str) -> list[str]:
    """The statements of a text, without the semicolons between them.

    >>> statements("SELECT ';'; SELECT 2 -- done;", "sqlite")
    ["SELECT ';'", 'SELECT 2 -- done;']
    """
    import sqlglot
    from sqlglot import TokenType
    from sqlglot.errors import SqlglotError

    try:
        tokens = sqlglot.tokenize(sql, read=dialect)
    except SqlglotError:
        return [sql]
    parts, start = [], 0
    for token in tokens:
        if token.token_type is TokenType.SEMICOLON:
            parts.append(sql[start : token.start])
            start = token.end + 1
    parts.append(sql[start:])
    return [part.strip() for part in parts if sqlglot.tokenize(part, read=dialect)]


def _said(words: str) -> View:
    return View(words, m.padded(words))


def _text(names: list[str], rows: list[Any], note: str) -> str:
    cells = [[value_text(value) for value in row] for row in rows[:ROWS_SHOWN]]
    wide = [min(COLUMN, max([len(name), *(len(row[place]) for row in cells)])) for place, name in enumerate(names)]
    lines = [clip("  ".join(pad(name, width) for name, width in zip(names, wide, strict=True)).rstrip())]
    lines += [
        clip("  ".join(pad(cell, width) for cell, width in zip(row, wide, strict=True)).rstrip()) for row in cells
    ]
    lines += [f"… more than {ROWS_SHOWN} rows"] if len(rows) > ROWS_SHOWN else [f"({counted(len(rows), 'row')})"]
    return "\n".join([*lines, *([note] if note else [])])


def _html(names: list[str], rows: list[Any], note: str) -> str:
    body = [m.element("tr", *(m.cell(value_text(value), style=m.MONO) for value in row)) for row in rows[:ROWS_SHOWN]]
    count = f"more than {ROWS_SHOWN} rows" if len(rows) > ROWS_SHOWN else counted(len(rows), "row")
    return m.element("div", m.table(m.heads(*names), *body), m.padded(m.dim(" · ".join(filter(None, [count, note])))))
