"""The Toolshed: the same rows on both databases, on every run; and no file of somebody else's is lost."""

from __future__ import annotations

import hashlib
import itertools
import sqlite3
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from nbsession import MetaData, create_engine
from nbsession.exc import ArgumentError
from nbsession.teaching.toolshed import TABLES, make_toolshed, toolshed_rows

FILES = {"sqlite": "toolshed.db", "duckdb": "toolshed.duckdb"}


def connect(path: Path) -> Any:
    return duckdb.connect(str(path)) if path.suffix == ".duckdb" else sqlite3.connect(path, isolation_level=None)


def read(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """All rows by the plain driver, days as text."""
    connection = connect(path)
    try:
        found = {t.name: connection.execute(f"SELECT * FROM {t.name} ORDER BY 1, 2").fetchall() for t in TABLES}
    finally:
        connection.close()
    return {name: [as_text(row) for row in rows] for name, rows in found.items()}


def as_text(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(value.isoformat() if isinstance(value, date) else value for value in row)


@pytest.fixture(params=["sqlite", "duckdb"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Where a Toolshed is to be written, on each database."""
    return tmp_path / FILES[request.param]


def test_rows_are_the_same_on_every_python() -> None:
    digest = hashlib.sha256(repr(toolshed_rows()).encode()).hexdigest()
    assert digest == "cf8361df37709845a84879fcfa43f84cac8c9dc69a437a76287e1445ec4e3e6c"


def test_there_are_eight_tables_and_about_600_rows() -> None:
    rows = toolshed_rows()
    assert list(rows) == [table.name for table in TABLES]
    assert len(rows) == 8
    assert 550 <= sum(map(len, rows.values())) <= 650


def test_another_seed_gives_other_rows() -> None:
    assert toolshed_rows(1)["member"] != toolshed_rows(2)["member"]


@pytest.mark.parametrize("seed", range(12))
def test_rows_are_plausible(seed: int) -> None:
    rows = toolshed_rows(seed)
    joined = {member[0]: member[4] for member in rows["member"]}
    loans = {loan[0]: loan for loan in rows["loan"]}
    assert all(joined[loan[1]] <= loan[2] < loan[3] for loan in loans.values())
    out: dict[Any, list[tuple[Any, Any]]] = {}
    for line in rows["loan_line"]:
        out.setdefault(line[2], []).append((loans[line[1]][2], line[4] or date.max))
    for stays in out.values():
        stays.sort()
        assert all(back < next_out for (_, back), (next_out, _) in itertools.pairwise(stays))
    assert any(tool[3] for tool in rows["tool"])
    assert any(notice[1] is None for notice in rows["notice"])
    assert any(notice[1] for notice in rows["notice"])


def test_foreign_keys_and_unique_values_hold() -> None:
    rows = toolshed_rows()
    for table in TABLES:
        columns = list(table.columns)
        for column, other in table.references:
            keys = {row[0] for row in rows[other]}
            assert {row[columns.index(column)] for row in rows[table.name]} - {None} <= keys, (table.name, column)
    for name, at in (("member", 1), ("tool", 1), ("label", 1), ("branch", 1)):
        values = [row[at] for row in rows[name]]
        assert len(set(values)) == len(values)


def test_the_file_holds_the_rows(path: Path) -> None:
    assert make_toolshed(path) == path
    assert read(path) == {name: [as_text(row) for row in rows] for name, rows in toolshed_rows().items()}


def test_both_files_hold_the_same_rows(tmp_path: Path) -> None:
    one = make_toolshed(f"sqlite:///{tmp_path}/toolshed.db")
    two = make_toolshed(f"duckdb:///{tmp_path}/toolshed.duckdb")
    assert read(one) == read(two)


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO member SELECT 999, card_no, name, email, joined_on, branch_id FROM member WHERE id = 1",
        "INSERT INTO member SELECT 1, 'TS-9999', name, email, joined_on, branch_id FROM member WHERE id = 2",
        "UPDATE member SET name = NULL WHERE id = 1",
        "UPDATE tool SET tag = 'SLE-01' WHERE id = 1",
        "UPDATE loan_line SET qty = 0 WHERE id = 1",
        "UPDATE loan SET due_on = out_on WHERE id = 1",
        "UPDATE tool SET version = 0 WHERE id = 1",
        "INSERT INTO tool_label SELECT * FROM tool_label WHERE tool_id = 1",
    ],
)
def test_constraints_are_declared_on_both_databases(path: Path, statement: str) -> None:
    connection = connect(make_toolshed(path))
    with pytest.raises((sqlite3.IntegrityError, duckdb.ConstraintException)):
        connection.execute(statement)
    connection.close()


def test_foreign_keys_are_declared_on_sqlite_and_not_on_duckdb(tmp_path: Path) -> None:
    connection = connect(make_toolshed(tmp_path / "toolshed.db"))
    found = {
        (t.name, row[3], row[2]) for t in TABLES for row in connection.execute(f"PRAGMA foreign_key_list({t.name})")
    }
    assert found == {(t.name, *reference) for t in TABLES for reference in t.references}
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    connection.close()
    connection = connect(make_toolshed(tmp_path / "toolshed.duckdb"))
    assert (
        connection.execute("SELECT * FROM duckdb_constraints() WHERE constraint_type = 'FOREIGN KEY'").fetchall() == []
    )
    connection.close()


def test_the_engine_finds_the_foreign_keys_on_both_databases(path: Path) -> None:
    make_toolshed(path)
    engine = create_engine(f"{'duckdb' if path.suffix == '.duckdb' else 'sqlite'}:///{path}")
    metadata = MetaData()
    metadata.reflect(engine)
    found = {
        (table.name, key.parent.name, key.column.table.name)
        for table in metadata.sorted_tables
        for key in table.foreign_keys
    }
    assert found == {(table.name, *reference) for table in TABLES for reference in table.references}
    engine.dispose()


def test_a_toolshed_is_written_anew(path: Path) -> None:
    connection = connect(make_toolshed(path))
    connection.execute("DELETE FROM notice")
    connection.execute("UPDATE member SET name = 'Nobody'")
    connection.close()
    make_toolshed(path)
    assert read(path)["notice"][0][0] == 1
    assert read(path)["member"][0][2] != "Nobody"


def test_an_open_connection_sees_the_new_rows(path: Path) -> None:
    connection = connect(make_toolshed(path))
    connection.execute("DELETE FROM notice")
    make_toolshed(path)
    assert connection.execute("SELECT count(*) FROM notice").fetchone() == (len(toolshed_rows()["notice"]),)
    connection.close()


def test_an_empty_file_is_filled(path: Path) -> None:
    path.touch()
    make_toolshed(path)
    assert len(read(path)["branch"]) == 4


def test_a_database_with_a_table_more_is_left_as_it_is(path: Path) -> None:
    connection = connect(make_toolshed(path))
    connection.execute("CREATE TABLE my_thesis (page INTEGER)")
    connection.close()
    with pytest.raises(ArgumentError, match=r"other tables.*overwrite=True"):
        make_toolshed(path)
    connection = connect(path)
    assert connection.execute("SELECT count(*) FROM my_thesis").fetchone() == (0,)
    connection.close()
    make_toolshed(path, overwrite=True)
    connection = connect(path)
    with pytest.raises((sqlite3.OperationalError, duckdb.CatalogException)):
        connection.execute("SELECT * FROM my_thesis")
    connection.close()


def test_a_file_that_is_no_database_is_left_as_it_is(path: Path) -> None:
    path.write_text("minutes of the annual meeting\n" * 50)
    with pytest.raises(ArgumentError, match="not a database"):
        make_toolshed(path)
    assert path.read_text().startswith("minutes")
    make_toolshed(path, overwrite=True)
    assert len(read(path)["branch"]) == 4


def test_a_file_in_use_is_named_with_what_to_do(tmp_path: Path) -> None:
    path = make_toolshed(tmp_path / "toolshed.db")
    connection = connect(path)
    connection.execute("BEGIN IMMEDIATE")
    with pytest.raises(ArgumentError, match=r"toolshed.db: database is locked.*Close the session"):
        make_toolshed(path)
    connection.close()


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("mysql:///toolshed", "Unknown scheme 'mysql'"),
        ("sqlite://", "names no file"),
        ("duckdb:///:memory:", "names no file"),
        ("toolshed.txt", "Cannot tell which database"),
        ("sqlite:///no/such/folder/toolshed.db", "there is no folder"),
    ],
)
def test_a_wrong_url_is_one_clear_error(url: str, says: str) -> None:
    with pytest.raises(ArgumentError, match=says):
        make_toolshed(url)


def test_a_folder_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "toolshed.db").mkdir()
    with pytest.raises(ArgumentError, match="it is a folder"):
        make_toolshed(tmp_path / "toolshed.db", overwrite=True)


def test_a_missing_driver_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(ArgumentError, match="pip install duckdb"):
        make_toolshed(tmp_path / "toolshed.duckdb")


def test_the_command_writes_a_file_and_says_what_is_in_it(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "nbsession.teaching.toolshed"]
    done = subprocess.run([*command, f"sqlite:///{tmp_path}/t.db"], capture_output=True, text=True, check=True)
    assert "64 member" in done.stdout
    wrong = subprocess.run([*command, "mysql:///t"], capture_output=True, text=True, check=False)
    assert wrong.returncode == 2
    assert wrong.stderr.count("\n") == 1
