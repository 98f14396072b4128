"""Where works are run, and by whom: a database, in memory or in a file, with pyarrow or without."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable, Collection
from pathlib import Path
from typing import NamedTuple

from benchmarks.mapped import MappedSide, sqlalchemy_api
from benchmarks.measure import Side


class Setting(NamedTuple):
    """Where works are run.

    :ivar database: ``'sqlite'`` or ``'duckdb'``.
    :ivar place: ``'memory'`` or ``'file'``.
    :ivar arrow: may pyarrow be used? Always False on SQLite.
    """

    database: str
    place: str
    arrow: bool = False

    @property
    def title(self) -> str:
        """As the table calls it."""
        arrow = "" if self.database == "sqlite" else ", with pyarrow" if self.arrow else ", without pyarrow"
        return f"{'SQLite' if self.database == 'sqlite' else 'DuckDB'}, {self.place}{arrow}"


SETTINGS = (
    Setting("sqlite", "memory"),
    Setting("sqlite", "file"),
    Setting("duckdb", "memory"),
    Setting("duckdb", "memory", arrow=True),
    Setting("duckdb", "file"),
    Setting("duckdb", "file", arrow=True),
)


def hide_arrow() -> None:
    """Makes ``import pyarrow`` fail in this process, as if it were not installed."""
    sys.modules["pyarrow"] = None  # type: ignore[assignment]


def installed(name: str) -> bool:
    """Is a package there?"""
    return importlib.util.find_spec(name) is not None


def sides(setting: Setting, without: Collection[str] = ()) -> tuple[list[Side], list[str]]:
    """The sides that can run in a setting.

    :param without: names of sides to leave out.
    :return: the sides, and a remark for each that cannot run.
    """
    found: list[Side] = []
    remarks: list[str] = []
    if "raw" not in without:
        found.append(_raw(setting.database))
    if "nbsession" not in without:
        found.append(nbsession_side("nbsession", setting.database))
    if "sqlalchemy" not in without:
        needed = ["sqlalchemy"] if setting.database == "sqlite" else ["sqlalchemy", "duckdb_engine"]
        missing = [name.replace("_", "-") for name in needed if not installed(name)]
        if missing:
            remarks.append(f"no comparison with SQLAlchemy: pip install {' '.join(missing)}")
        else:
            duckdb = setting.database == "duckdb"
            found.append(
                MappedSide("sqlalchemy", sqlalchemy_api(), _url(setting.database, ":memory:"), sequences=duckdb)
            )
    return found, remarks


def nbsession_side(package: str, database: str) -> MappedSide:
    """A side that runs nbsession, or a changed copy of it.

    :param package: the name it is imported by.
    :param database: ``'sqlite'`` or ``'duckdb'``.
    """
    return MappedSide(package, importlib.import_module(package), _url(database, ""))


def _raw(database: str) -> Side:
    if database == "sqlite":
        from benchmarks.raw_sqlite import RawSqlite

        return RawSqlite()
    from benchmarks.raw_duckdb import RawDuckdb

    return RawDuckdb()


def _url(database: str, memory: str) -> Callable[[Path | None], str]:
    def url(path: Path | None) -> str:
        return f"{database}:///{path}" if path else f"{database}:///{memory}" if memory else f"{database}://"

    return url
