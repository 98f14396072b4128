"""The Toolshed: the data of a neighbourhood tool library, the same rows every time, as a SQLite or a DuckDB file.

Eight tables, about 600 rows: branch, member, tool, label, tool_label, loan, loan_line, notice. Written with the plain
drivers, so that the file owes nothing to the engine that is then shown on it.

>>> make_toolshed("sqlite:///toolshed.db")                # doctest: +SKIP
PosixPath('toolshed.db')
"""

from __future__ import annotations

from nbsession.teaching.toolshed.files import make_toolshed, restore_toolshed
from nbsession.teaching.toolshed.outside import committed_rows, fresh_toolshed, next_door
from nbsession.teaching.toolshed.rows import SEED, toolshed_rows
from nbsession.teaching.toolshed.schema import TABLES

__all__ = [
    "SEED",
    "TABLES",
    "committed_rows",
    "fresh_toolshed",
    "make_toolshed",
    "next_door",
    "restore_toolshed",
    "toolshed_rows",
]
