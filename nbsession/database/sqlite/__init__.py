"""SQLite: its dialect, its links, its definitions read. The driver is the standard library's."""

from __future__ import annotations

from nbsession.database.sqlite.dialect import SQLiteDialect
from nbsession.database.sqlite.source import SQLiteSource

__all__ = ["SQLiteDialect", "SQLiteSource"]
