"""``ON UPDATE`` and ``ON DELETE``: ``CASCADE`` and ``SET NULL``, where foreign keys are checked by us and not by DuckDB.

What refers to rows that a flush changes is changed along, by writes of our own. Knows tables and
rows; a text that somebody wrote by hand has no such effect, and COMMIT refuses what it leaves behind.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nbsession.database.rows import RowDelete, RowUpdate, Sets

if TYPE_CHECKING:
    from nbsession.database.duckdb.link import DuckDBLink
    from nbsession.sql.constraints import ForeignKeyConstraint
    from nbsession.sql.schema import Column


class KeyActions:
    """What happens to rows that refer to those that change; one for each link."""

    def __init__(self, link: DuckDBLink) -> None:
        self.link = link

    def updating(self, write: RowUpdate, rows: Sets) -> None:
        """Before rows are updated: who refers to a key that changes takes over the new one, or NULL."""
        setting = {column.name: place for place, column in enumerate(write.set_columns)}
        for constraint in self.link.touched.referring(write.table):
            action = _action(constraint.onupdate)
            referred = [key.column for key in constraint.elements]
            if action is None or all(column.name not in setting for column in referred):
                continue
            changes = []
            for row, olds in zip(rows, self._held(write, rows, referred, len(setting)), strict=True):
                for old in olds:
                    new = tuple(
                        row[setting[column.name]] if column.name in setting else value
                        for column, value in zip(referred, old, strict=True)
                    )
                    if new != old:
                        changes.append((*(new if action == "CASCADE" else (None,) * len(old)), *old))
            if changes:
                assert constraint.table is not None
                self.link.update_rows(RowUpdate(constraint.table, constraint.columns, constraint.columns), changes)

    def referring_to(self, write: RowDelete, rows: Sets) -> list[tuple[ForeignKeyConstraint, list[tuple[Any, ...]]]]:
        """Before rows are deleted: the foreign keys that must follow, with the values that go."""
        following = []
        for constraint in self.link.touched.referring(write.table):
            if _action(constraint.ondelete) is not None:
                held = self._held(write, rows, [key.column for key in constraint.elements], 0)
                following.append((constraint, list(dict.fromkeys(old for olds in held for old in olds))))
        return following

    def deleted(self, following: Sequence[tuple[ForeignKeyConstraint, list[tuple[Any, ...]]]]) -> None:
        """After rows were deleted: who refers to them goes too, or lets go. The rows of a circle are gone when it closes."""
        for constraint, olds in following:
            table, columns = constraint.table, constraint.columns
            assert table is not None
            if olds and _action(constraint.ondelete) == "CASCADE":
                self.link.delete_rows(RowDelete(table, columns), olds)
            elif olds:
                self.link.update_rows(RowUpdate(table, columns, columns), [(None,) * len(old) + old for old in olds])

    def _held(
        self, write: RowUpdate | RowDelete, rows: Sets, wanted: Sequence[Column], offset: int
    ) -> list[list[tuple[Any, ...]]]:
        """What the rows hold in the columns that are referred to: it is among what finds them, else it is asked for."""
        places = {column.name: offset + place for place, column in enumerate(write.match_columns)}
        if all(column.name in places for column in wanted):
            held = [[tuple([row[places[column.name]] for column in wanted])] for row in rows]
        else:
            dialect = self.link.dialect
            names = ", ".join(dialect.quote(column.name) for column in wanted)
            match = " AND ".join(f"{dialect.quote(column.name)} = ?" for column in write.match_columns)
            sql = f"SELECT {names} FROM {dialect.table_name(write.table)} WHERE {match}"
            held = [self.link.ask(sql, list(row[offset:])) for row in rows]
        return [[old for old in olds if None not in old] for olds in held]


def _action(said: str | None) -> str | None:
    """``CASCADE``, ``SET NULL``, or None for what is only checked."""
    action = (said or "").upper()
    return action if action in ("CASCADE", "SET NULL") else None
