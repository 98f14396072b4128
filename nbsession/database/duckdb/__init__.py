"""DuckDB: its dialect, its links, its savepoints by redo. The driver is imported when a database is opened."""

from __future__ import annotations

from nbsession.database.duckdb.dialect import DuckDBDialect
from nbsession.database.duckdb.source import DuckDBSource

__all__ = ["DuckDBDialect", "DuckDBSource"]
