"""Where a statement runs: engines, connections, transactions, results. Knows SQL and drivers, and no object.

Drivers are imported when a database is opened: importing this package imports neither duckdb nor sqlglot.
"""

from __future__ import annotations

from nbsession.database.connection import Connection
from nbsession.database.dialect import Dialect
from nbsession.database.engine import Engine, create_engine
from nbsession.database.reflection.inspector import Inspector
from nbsession.database.result import MappingResult, Result, ScalarResult
from nbsession.database.row import Row, RowMapping
from nbsession.database.rows import RowDelete, RowInsert, RowUpdate
from nbsession.database.transaction import NestedTransaction, RootTransaction, Transaction
from nbsession.database.url import URL, make_url

__all__ = [
    "URL",
    "Connection",
    "Dialect",
    "Engine",
    "Inspector",
    "MappingResult",
    "NestedTransaction",
    "Result",
    "RootTransaction",
    "Row",
    "RowDelete",
    "RowInsert",
    "RowMapping",
    "RowUpdate",
    "ScalarResult",
    "Transaction",
    "create_engine",
    "make_url",
]
