"""The two databases that a program of SQL goes through: SQLite's driver with its own savepoints, and a link to DuckDB."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from nbsession.database import RowDelete, RowInsert, RowUpdate, create_engine
from nbsession.database.duckdb.link import DuckDBLink
from nbsession.exc import SavepointError
from nbsession.sql.schema import Column, MetaData, Table
from nbsession.sql.types import Integer
from tests.database.duckdb.savepoints.statements import FRAME, MADE, START, TABLES, Control, Rows, Sql, Step

Answer = Any
Contents = dict[str, Any]


class Difference(AssertionError):
    """The two did not do the same."""


class Side:
    """One database going through a program. After an error the innermost savepoint is rolled back, or everything.

    That is PostgreSQL's rule, the only one that both can follow.
    """

    errors: tuple[type[Exception], ...]

    def __init__(self) -> None:
        self.names: list[str] = []

    def run(self, step: Step) -> Answer:
        """What the step answered; ``error`` if it was refused."""
        try:
            match step:
                case Sql():
                    answer = self.sql(step)
                    return answer if step.keeps else None
                case Rows(verb, rows):
                    return self.rows(verb, rows)
                case Control(verb, name):
                    return self.control(verb, name)
        except self.errors:
            if self.names:
                self.send(Control("rollback to", self.names[-1]))
            else:
                self.send(Control("rollback"))
            return "error"

    def control(self, verb: str, name: str) -> None:
        """Sends it, and notes which savepoints there are then. A name that is not set is an error of both."""
        self.send(Control(verb, name))
        if verb == "savepoint":
            self.names.append(name)
        elif verb in ("commit", "rollback"):
            self.names = []
        else:
            place = len(self.names) - 1 - self.names[::-1].index(name)
            del self.names[place + (verb == "rollback to") :]

    def sql(self, step: Sql) -> Answer:
        raise NotImplementedError

    def rows(self, verb: str, rows: Sequence[tuple[Any, ...]]) -> Answer:
        raise NotImplementedError

    def send(self, control: Control) -> None:
        raise NotImplementedError

    def contents(self) -> Contents:
        """Every table with its rows, and every view."""
        raise NotImplementedError

    def clear(self) -> None:
        """Makes it as new: opening a database takes longer than a program."""
        self.names = []
        self.send(Control("rollback"))
        self.execute_all([f"DROP {kind} IF EXISTS {name}" for name, kind in reversed(MADE.items())])
        self.execute_all([f"DELETE FROM {table}" for table in ("t", "w", "own")])
        self.execute_all(START.split(";")[:-1])
        self.send(Control("commit"))

    def execute_all(self, texts: Sequence[str]) -> None:
        raise NotImplementedError


class Lite(Side):
    """SQLite by its driver: nothing of nbsession is in between."""

    errors = (sqlite3.Error,)

    def __init__(self) -> None:
        super().__init__()
        self.raw = sqlite3.connect(":memory:", isolation_level=None)
        self.raw.executescript(TABLES)
        self.raw.execute("CREATE TABLE frame (a, b, c)")
        self.raw.execute("CREATE TABLE own (k INTEGER PRIMARY KEY, v INTEGER)")
        self.raw.executemany("INSERT INTO frame VALUES (?, ?, ?)", list(zip(*FRAME.values(), strict=True)))
        self.raw.execute("BEGIN")

    def sql(self, step: Sql) -> Answer:
        if not step.params and ";" in step.text:
            for text in ("", *step.text.split(";\n")):  # executescript() would commit first
                for one in text.split("; ") if "''" not in text else [*text.rpartition("; ")[::2]]:
                    self.raw.execute(one)
            return None
        cursor = self.raw.execute(step.text, step.params)
        return sorted(cursor.fetchall(), key=repr) if cursor.description else cursor.rowcount

    def rows(self, verb: str, rows: Sequence[tuple[Any, ...]]) -> Answer:
        if verb in ("insert", "own"):
            text = "INSERT INTO t (v, u) VALUES (?, ?)" if verb == "insert" else "INSERT INTO own (v) VALUES (?)"
            keys = [self.raw.execute(text, row).lastrowid for row in rows]
            return keys if verb == "insert" else len(keys)
        text = {
            "explicit": "INSERT INTO t VALUES (?, ?, ?)",
            "update": "UPDATE t SET v = ? WHERE id = ?",
            "clash": "UPDATE t SET u = ? WHERE id = ?",
            "delete": "DELETE FROM t WHERE id = ?",
        }[verb]
        counts = [self.raw.execute(text, row).rowcount for row in rows]
        return None if verb == "explicit" else sum(counts)

    def send(self, control: Control) -> None:
        text = f"{control.verb} {control.name}"
        self.raw.execute("ROLLBACK TO " + control.name if control.verb == "rollback to" else text)
        if control.verb in ("commit", "rollback"):
            self.raw.execute("BEGIN")

    def contents(self) -> Contents:
        found: Contents = {}
        for kind, name in self.raw.execute(
            "SELECT type, name FROM sqlite_master UNION ALL SELECT type, name FROM sqlite_temp_master"
        ).fetchall():
            if kind in ("table", "view") and name not in ("frame", "own"):
                found[name] = sorted(self.raw.execute(f"SELECT * FROM {name}").fetchall(), key=repr)
        found["own"] = sorted(self.raw.execute("SELECT v FROM own").fetchall())
        return found

    def execute_all(self, texts: Sequence[str]) -> None:
        for text in texts:
            self.raw.execute(text)

    def close(self) -> None:
        self.raw.close()


class Owner:
    """Who began the link's transaction."""

    def tell(self, sql: str, params: Sequence[Any] = (), rows: int | None = None) -> None:
        """Nobody listens."""


class Duck(Side):
    """DuckDB by a link of ours."""

    def __init__(self, where: str = "duckdb://?threads=1") -> None:
        super().__init__()
        import duckdb
        import pandas

        self.errors = (duckdb.Error, SavepointError)
        self.engine = create_engine(where)
        self.owner = Owner()
        link = self.engine.connect()._link
        assert isinstance(link, DuckDBLink)
        self.link = link
        for text in TABLES.split(";")[:-1]:
            link.raw.execute(text)
        link.raw.execute("CREATE SEQUENCE s")
        link.raw.execute("CREATE TABLE own (k INTEGER DEFAULT nextval('s') PRIMARY KEY, v INTEGER)")
        link.raw.register(
            "frame", pandas.DataFrame({"a": FRAME["a"], "b": pandas.array(FRAME["b"], "Int64"), "c": FRAME["c"]})
        )
        metadata = MetaData()
        self.t = Table(
            "t", metadata, Column("id", Integer, primary_key=True), Column("v", Integer), Column("u", Integer)
        )
        self.own = Table("own", metadata, Column("k", Integer, primary_key=True), Column("v", Integer))
        link.begin(self.owner)

    def run(self, step: Step) -> Answer:
        try:
            return super().run(step)
        finally:
            assert self.link.failure is None

    def sql(self, step: Sql) -> Answer:
        return self._watched(lambda: self._sql(step))

    def _sql(self, step: Sql) -> Answer:
        outcome = self.link.execute(step.duck or step.text, step.params, True)
        return outcome.rowcount if outcome.rows is None else sorted(outcome.rows, key=repr)

    def rows(self, verb: str, rows: Sequence[tuple[Any, ...]]) -> Answer:
        return self._watched(lambda: self._rows(verb, list(rows)))

    def _rows(self, verb: str, rows: list[tuple[Any, ...]]) -> Answer:
        c, link = self.t.c, self.link
        match verb:
            case "insert":
                return list(link.insert_rows(RowInsert(self.t, (c.v, c.u), c.id), rows) or ())
            case "own":
                return len(link.insert_rows(RowInsert(self.own, (self.own.c.v,), self.own.c.k), rows) or ())
            case "explicit":
                link.insert_rows(RowInsert(self.t, (c.id, c.v, c.u)), rows)
                return None
            case "update":
                return link.update_rows(RowUpdate(self.t, (c.v,), (c.id,)), rows)
            case "clash":
                return link.update_rows(RowUpdate(self.t, (c.u,), (c.id,)), rows)
        return link.delete_rows(RowDelete(self.t, (c.id,)), rows)

    def _watched(self, deed: Any) -> Any:
        try:
            return deed()
        except self.errors as error:
            self.link.failed(error)
            raise

    def send(self, control: Control) -> None:
        link = self.link
        match control.verb:
            case "savepoint":
                link.savepoint(control.name)
            case "release":
                link.release(control.name)
            case "rollback to":
                link.rollback_to(control.name)
            case _:
                getattr(link, control.verb)()
                link.begin(self.owner)

    def contents(self) -> Contents:
        found: Contents = {}
        names = self.link.fetch(
            "SELECT table_name FROM duckdb_tables() UNION ALL SELECT view_name FROM duckdb_views() WHERE NOT internal",
            (),
        )
        for (name,) in names:
            if name not in ("frame", "own"):
                found[name] = sorted(self.link.fetch(f"SELECT * FROM {name}", ()), key=repr)
        found["own"] = sorted(self.link.fetch("SELECT v FROM own", ()))
        return found

    def execute_all(self, texts: Sequence[str]) -> None:
        for text in texts:
            self.link.execute(text, (), True)

    def close(self) -> None:
        self.link.rollback()
        self.link.close()
        self.engine.dispose()


def play(program: Sequence[Step], lite: Lite, duck: Duck, every_step: bool = False) -> None:
    """Runs a program on both.

    :param every_step: compare all tables after each step, not only where a savepoint or a transaction ends.
    :raises Difference: an answer or a table differs.
    """
    lite.clear()
    duck.clear()
    for number, step in enumerate(program):
        answers = lite.run(step), duck.run(step)
        if answers[0] != answers[1]:
            raise Difference(f"step {number}, {step}: SQLite answered {answers[0]}, DuckDB {answers[1]}")
        ends = isinstance(step, Control) and step.verb != "savepoint"
        if every_step or ends or answers[0] == "error" or number == len(program) - 1:
            contents = lite.contents(), duck.contents()
            if contents[0] != contents[1]:
                raise Difference(f"after step {number}, {step}: SQLite has {contents[0]}, DuckDB {contents[1]}")
