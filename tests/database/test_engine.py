"""create_engine: URLs, options, missing drivers, files that cannot be opened."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from nbsession import exc
from nbsession.database import create_engine, make_url


@pytest.mark.parametrize(
    ("text", "backend", "database"),
    [
        ("sqlite://", "sqlite", None),
        ("sqlite:///:memory:", "sqlite", None),
        ("sqlite:///a/b.db", "sqlite", "a/b.db"),
        ("sqlite:////abs/b.db?timeout=3", "sqlite", "/abs/b.db"),
        ("sqlite+pysqlite:///b.db", "sqlite", "b.db"),
        ("duckdb://", "duckdb", None),
        ("duckdb:///shop.duckdb", "duckdb", "shop.duckdb"),
    ],
)
def test_url_is_taken_apart_and_put_together(text, backend, database):
    url = make_url(text)
    assert (url.get_backend_name(), url.database) == (backend, database)
    assert make_url(str(url)) == url


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("shop.db", "sqlite:///shop.db"),
        ("postgresql://localhost/x", "nbsession runs on SQLite and DuckDB"),
        ("sqlite://shop.db", "sqlite:///relative.db"),
        ("", "Could not parse"),
        (5, "Expected a string"),
        ("sqlite+nope:///x.db", "sqlite+nope"),
    ],
)
def test_bad_url_is_one_error_that_shows_the_right_form(url, says):
    with pytest.raises(exc.ArgumentError, match=says.replace("+", r"\+")):
        create_engine(url)


def test_unknown_option_and_unknown_foreign_key_mode_are_refused():
    with pytest.raises(exc.ArgumentError, match="'zork'"):
        create_engine("sqlite://", zork=1)
    with pytest.raises(exc.ArgumentError, match="foreign_keys='sometimes'"):
        create_engine("sqlite://", foreign_keys="sometimes")


def test_options_of_sqlalchemys_pool_are_ignored():
    create_engine("sqlite://", future=True, pool_pre_ping=True, pool_size=3)


def test_importing_the_package_imports_no_driver():
    code = (
        "import sys, nbsession.database\n"
        "print([m for m in ('duckdb', 'sqlglot', 'numpy', 'pandas', 'pyarrow', 'IPython') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    assert done.stdout.strip() == "[]"


def test_creating_an_engine_opens_and_imports_nothing(tmp_path):
    code = (
        "import sys; from nbsession.database import create_engine\n"
        "create_engine('duckdb:///x.duckdb'); print('duckdb' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert done.stdout.strip() == "False"
    assert not (tmp_path / "x.duckdb").exists()


def test_missing_driver_is_named_with_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(exc.ArgumentError, match="pip install duckdb"):
        create_engine("duckdb://")


def test_driver_that_cannot_be_imported_is_named_at_the_first_connection(monkeypatch):
    import builtins

    real = builtins.__import__

    def blocked(name, *args, **kw):
        if name == "duckdb":
            raise ImportError("blocked")
        return real(name, *args, **kw)

    engine = create_engine("duckdb://")
    monkeypatch.setattr(builtins, "__import__", blocked)
    with pytest.raises(exc.ArgumentError, match="pip install duckdb"):
        engine.connect()


def test_file_that_is_no_database_is_one_line_that_names_it(file_database_url):
    path = make_url(file_database_url).database
    Path(path).write_text("this is a letter to my grandmother\n" * 200)
    with pytest.raises(exc.DatabaseError, match="not a") as caught:
        create_engine(file_database_url).connect()
    assert "\n" not in str(caught.value)
    assert os.path.basename(path) in str(caught.value)
    assert caught.value.orig is not None


def test_folder_that_does_not_exist_is_an_operational_error(database_url):
    with pytest.raises(exc.OperationalError) as caught:
        create_engine(f"{database_url}/no/such/folder/x.db").connect()
    assert "\n" not in str(caught.value)


def test_locked_sqlite_file_says_who_may_hold_it(tmp_path):
    url = f"sqlite:///{tmp_path / 'x.db'}?timeout=0.05"
    one, two = create_engine(url).connect(), create_engine(url).connect()
    one.exec_driver_sql("CREATE TABLE t (a)")
    with pytest.raises(exc.OperationalError, match=r"database is locked.*Another connection is writing"):
        two.exec_driver_sql("CREATE TABLE u (a)")
    one.commit()
    two.rollback()
    two.exec_driver_sql("CREATE TABLE u (a)")
    one.close()
    two.close()


def test_duckdb_file_held_by_another_process_names_its_pid_and_the_ways_out(tmp_path):
    path = tmp_path / "x.duckdb"
    code = f"import duckdb, sys; c = duckdb.connect({str(path)!r}); print('open', flush=True); sys.stdin.read()"
    other = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout.readline().strip() == "open"
        engine = create_engine(f"duckdb:///{path}")
        with pytest.raises(exc.OperationalError) as caught:
            engine.connect()
        message = str(caught.value)
        assert str(other.pid) in message
        assert "dispose()" in message and "access_mode=read_only" in message
        assert "\n" not in message
    finally:
        other.communicate("", timeout=20)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT 1").scalar() == 1
    engine.dispose()


def test_dispose_gives_up_duckdbs_lock(tmp_path):
    path = tmp_path / "x.duckdb"
    engine = create_engine(f"duckdb:///{path}")
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE t (a INTEGER)")
    engine.dispose()
    code = f"import duckdb; print(duckdb.connect({str(path)!r}).execute('select count(*) from t').fetchall())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[(0,)]"


def test_two_engines_on_one_file_share_the_database(file_database_url):
    one, two = create_engine(file_database_url), create_engine(file_database_url)
    with one.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE t (a INTEGER)")
        connection.exec_driver_sql("INSERT INTO t VALUES (7)")
    with two.connect() as connection:
        assert connection.exec_driver_sql("SELECT a FROM t").scalar() == 7
    one.dispose()
    with two.connect() as connection:
        assert connection.exec_driver_sql("SELECT a FROM t").scalar() == 7
    two.dispose()


def test_wal_only_for_files_we_create(tmp_path):
    import sqlite3

    ours, theirs = tmp_path / "ours.db", tmp_path / "theirs.db"
    made = sqlite3.connect(theirs)
    made.execute("CREATE TABLE t (a)")
    made.close()
    for path, mode in ((ours, "wal"), (theirs, "delete")):
        engine = create_engine(f"sqlite:///{path}")
        with engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == mode
        engine.dispose()


def test_read_only_urls(tmp_path):
    for url, option in (
        (f"sqlite:///{tmp_path / 'a.db'}", "?mode=ro"),
        (f"duckdb:///{tmp_path / 'a.duckdb'}", "?access_mode=read_only"),
    ):
        engine = create_engine(url)
        with engine.begin() as connection:
            connection.exec_driver_sql("CREATE TABLE t (a INTEGER)")
        engine.dispose()
        reader = create_engine(url + option)
        with reader.connect() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM t").scalar() == 0
            with pytest.raises(exc.DBAPIError):
                connection.exec_driver_sql("INSERT INTO t VALUES (1)")
        reader.dispose()


def test_echo_logs_statements_and_can_be_switched_off(database_url, caplog):
    import logging

    logger = logging.getLogger("nbsession.engine")
    engine = create_engine(database_url, echo=True)
    logger.addHandler(caplog.handler)
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql("SELECT 41 + ?", (1,))
        engine.echo = False
        with engine.begin() as connection:
            connection.exec_driver_sql("SELECT 'unseen'")
    finally:
        logger.removeHandler(caplog.handler)
    told = [record.getMessage() for record in caplog.records]
    assert told == ["BEGIN", "SELECT 41 + ?", "[parameters] (1,)", "COMMIT"]
    engine.dispose()
