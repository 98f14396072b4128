"""Ways to get the redo wrong, one small change of its source each, and a process in which one of them is in force.

``python -m tests.database.duckdb.savepoints.mutants NAME`` exits with 3 if the tests notice, with 0 if they do not.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import sys
from types import ModuleType
from typing import NamedTuple

DUCKDB = "nbsession.database.duckdb."


class Mutant(NamedTuple):
    """A change.

    :ivar module: the module's name in the package of DuckDB.
    :ivar before: text that is there once.
    :ivar after: what it becomes.
    :ivar by: what must notice: programs of SQL (``sql``) or of a session (``session``), or other ``tests``.
    """

    module: str
    before: str
    after: str
    by: str = "sql"


MUTANTS = {
    "the journal is not cut": Mutant("redo", "del self.entries[found.position :]", "pass"),
    "one statement too many is cut": Mutant(
        "redo", "del self.entries[found.position :]", "del self.entries[max(0, found.position - 1) :]"
    ),
    "the savepoint goes with the rollback to it": Mutant(
        "redo", "del self.savepoints[place + 1 :]", "del self.savepoints[place:]"
    ),
    "inner savepoints survive a rollback": Mutant("redo", "del self.savepoints[place + 1 :]", "pass"),
    "of one name the outermost is found": Mutant(
        "redo", "range(len(self.savepoints) - 1, -1, -1)", "range(len(self.savepoints))"
    ),
    "inner savepoints survive a release": Mutant(
        "redo", "del self.savepoints[self.find(name) :]", "del self.savepoints[self.find(name)]"
    ),
    "release forgets writes": Mutant(
        "redo", "del self.savepoints[self.find(name) :]", "self.cut(name); del self.savepoints[self.find(name) :]"
    ),
    "nothing is replayed": Mutant("redo", "for pack in packs.packs:", "for pack in packs.packs[:0]:"),
    "the last write is not replayed": Mutant("redo", "for pack in packs.packs:", "for pack in packs.packs[:-1]:"),
    "packs outlive the cut": Mutant("redo", "self._packs.upto > found.position", "False"),
    "half a replay is not undone before the next": Mutant(
        "redo", "                self._again(begin)\n            for entry", "            for entry", "tests"
    ),
    "what a CTE writes is not noted": Mutant(
        "link", "writes = kind in _WRITES or _HIDDEN_WRITE.search(sql) is not None", "writes = kind in _WRITES"
    ),
    "DDL is not noted": Mutant(
        "link", '"MERGE_INTO", "CREATE", "CREATE_FUNC", "ALTER", "DROP", "COPY"', '"MERGE_INTO"'
    ),
    "of several statements one is not noted": Mutant(
        "link",
        "            outcome = self._one(text, kind, (), trusted)\n",
        "            outcome = self._one(text, kind, (), trusted)\n            del self.journal.entries[1:-1]\n",
    ),
    "an error without a write is not undone": Mutant(
        "link", "if not cut and self.failure is None and self.alive():", "if not cut:"
    ),
    "after a rollback to it the transaction stays aborted": Mutant(
        "link", "            raise\n        self.failure = None\n", "            raise\n"
    ),
    "of two updates the first stays": Mutant("packing", "column[place] = values[number]", "pass"),
    "anything passes anything": Mutant(
        "packing",
        "        names = other.found_by if inserts",
        "        return True\n        names = other.found_by if inserts",
        "tests",
    ),
    "raw SQL is passed": Mutant("packing", "self._open.clear()", "pass", "tests"),
    "a pack forgets a row": Mutant("packing", "column.extend(values)", "column.extend(values[1:])", "tests"),
    "keys of a rolled back savepoint stay taken": Mutant(
        "keys", "if other is not owner and table in drawn", "if table in drawn"
    ),
    "a commit of another is not noticed": Mutant(
        "redo", "if self.database.commits != self._commits or not same:", "if not same:", "tests"
    ),
    "another handle's commit is not noticed": Mutant(
        "redo",
        "if self.database.commits != self._commits or not same:",
        "if self.database.commits != self._commits:",
        "tests",
    ),
    "what diverges is not noticed": Mutant("redo", "        if differing:", "        if False:", "tests"),
    "other answers are not noticed": Mutant("redo", "    return others is None or", "    return True or", "tests"),
    "what cannot be replayed is not refused": Mutant(
        "redo", "        if self.blocked is not None:", "        if False:", "tests"
    ),
    "parameters are not kept by value": Mutant(
        "link", "params if trusted else copy.deepcopy(params)", "params", "tests"
    ),
}
TESTS = ["tests/database/duckdb/test_redo.py", "tests/database/duckdb/test_packing.py"]
UNCHANGED = Mutant("redo", "class Journal:", "class Journal:")
QUICK = ("the journal is not cut", "of two updates the first stays")
"""tried by ``make test``; all of them by ``make test-long``"""


class Mutated(importlib.machinery.SourceFileLoader):
    """Loads one module with the change made."""

    def __init__(self, mutant: Mutant) -> None:
        self.mutant = mutant
        self.module = DUCKDB + mutant.module
        found = importlib.util.find_spec(DUCKDB.rstrip("."))
        assert found is not None and found.submodule_search_locations
        super().__init__(self.module, f"{found.submodule_search_locations[0]}/{mutant.module}.py")

    def find_spec(
        self, fullname: str, path: object = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Knows one module."""
        return importlib.util.spec_from_loader(fullname, self) if fullname == self.module else None

    def get_code(self, fullname: str):
        """The changed source, compiled."""
        source = self.get_data(self.path).decode()
        assert source.count(self.mutant.before) == 1, (
            f"{self.mutant.before!r} is {source.count(self.mutant.before)} times there"
        )
        return compile(source.replace(self.mutant.before, self.mutant.after), self.path, "exec")


def noticed(mutant: Mutant) -> bool:
    """Do the tests go red with the change in force? This process is of no use for anything else afterwards."""
    for name in [name for name in sys.modules if name.startswith("nbsession")]:
        del sys.modules[name]
    sys.meta_path.insert(0, Mutated(mutant))
    if mutant.by == "tests":
        import pytest

        return pytest.main(["-x", "-q", "-p", "no:cacheprovider", *TESTS]) == 1
    from tests.database.duckdb.savepoints import differential

    try:
        {"sql": differential.run_sql, "session": differential.run_sessions}[mutant.by](300, shrink=False)
    except Exception as error:
        print(f"{type(error).__name__}: {error}")
        return True
    return False


if __name__ == "__main__":
    sys.exit(3 if noticed(MUTANTS.get(sys.argv[1], UNCHANGED)) else 0)
