"""Requirements that many exercises share. Each function gives one; what only one lesson needs is a function of its own there.

>>> from nbsession.teaching.requirements import committed, leaves
>>> requirements = (committed(1), leaves("member"))
"""

from __future__ import annotations

from nbsession.notebook.recording.recorder import recorder_of
from nbsession.notebook.reporting.comparing import compare
from nbsession.notebook.views.plain import counted
from nbsession.teaching.attempt import Attempt
from nbsession.teaching.lesson import Requirement, Wrong
from nbsession.teaching.toolshed.rows import Row


def committed(times: int) -> Requirement:
    """So many COMMITs, and nothing left that is not committed.

    :param times: how many; 0 for none at all.
    """

    def judge(attempt: Attempt) -> Wrong | None:
        if attempt.unsaved and times:
            return Wrong(f"Not all of it is committed: {attempt.unsaved}. If you stop now, that is lost.", "stack")
        if attempt.commits != times:
            return Wrong(f"{_sent(attempt.commits, 'COMMIT')}; it takes {times or 'none'}.", "timeline")
        return None

    return judge


def at_most(most: int, verb: str, table: str = "") -> Requirement:
    """No more than so many statements of a kind.

    :param verb: ``"SELECT"``, ``"INSERT"``, ``"UPDATE"``, ``"DELETE"``, or empty for all.
    :param table: only those that name this table.
    """

    def judge(attempt: Attempt) -> Wrong | None:
        sent = attempt.count(verb, table)
        if sent > most:
            return Wrong(f"{_sent(sent, verb, table)}; {f'at most {most}' if most else 'none'} may be.", "log")
        return None

    return judge


def exactly(number: int, verb: str, table: str = "") -> Requirement:
    """So many statements of a kind, no more and no fewer; see :func:`at_most`."""

    def judge(attempt: Attempt) -> Wrong | None:
        sent = attempt.count(verb, table)
        if sent != number:
            return Wrong(f"{_sent(sent, verb, table)}; it takes {number or 'none'}.", "log")
        return None

    return judge


def no_errors() -> Requirement:
    """No statement and no flush failed."""

    def judge(attempt: Attempt) -> Wrong | None:
        if attempt.failures:
            return Wrong(f"Something failed on the way: {attempt.failures[0]}", "timeline")
        return None

    return judge


def leaves(table: str, *, added: int | None = 0, gone: int | None = 0, changed: int | None = 0) -> Requirement:
    """What may differ from the fresh Toolshed in a table, once everything is over.

    :param added: how many rows are new; None for any number.
    :param gone: how many are not there any more.
    :param changed: how many have other values.
    """

    def judge(attempt: Attempt) -> Wrong | None:
        found = {
            "new": (attempt.added(table), added),
            "gone": (attempt.gone(table), gone),
            "changed": (attempt.changed(table), changed),
        }
        for word, (rows, wanted) in found.items():
            if wanted is not None and len(rows) != wanted:
                some = f": {_some(rows)}" if rows else ""
                says = (
                    f"In the file, {counted(len(rows), 'row')} of `{table}` {'is' if len(rows) == 1 else 'are'} {word}"
                )
                return Wrong(f"{says}{some}; it takes {wanted or 'none'}.", "outside")
        return None

    return judge


def only_here(table: str, *keys: int) -> Requirement:
    """The rows of a table that the session's transaction sees otherwise than everybody else: these, and no others.

    :param keys: their primary keys.
    """

    def judge(attempt: Attempt) -> Wrong | None:
        compared = compare(attempt.session, recorder_of(attempt.session).journal, [table])
        found = {row["key"] for each in compared["tables"] for row in each["rows"]}
        missing, surplus = {str(key) for key in keys} - found, found - {str(key) for key in keys}
        if missing:
            says = f"Row {min(missing)} of `{table}` is the same for you and next door; only you should see its change."
            return Wrong(f"{says} A flush sends it to your transaction, and a commit would show it to all.", "outside")
        if surplus:
            return Wrong(
                f"Row {min(surplus)} of `{table}` differs too: next door does not see it as you do.", "outside"
            )
        return None

    return judge


def _sent(number: int, verb: str, table: str = "") -> str:
    """``3 SELECTs of `loan` were sent``."""
    what = f"{verb or 'statement'}{'' if number == 1 else 's'}{f' of `{table}`' if table else ''}"
    return f"{number or 'No'} {what} {'was' if number == 1 else 'were'} sent"


def _some(rows: list[Row]) -> str:
    return ", ".join(str(row) for row in rows[:2]) + (", …" if len(rows) > 2 else "")
