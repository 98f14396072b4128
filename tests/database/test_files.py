"""Database files in trouble: no room, no permission, gone. (Locked, missing folder, no database: test_engine.py.)"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from nbsession import Session, create_engine, exc, inspect, select
from tests.session.models import Base, Member


@pytest.fixture
def filled(file_database_url):
    """The URL of a database with one member, closed."""
    engine = create_engine(file_database_url)
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(Member(id=1, name="Ada"))
        session.commit()
    engine.dispose()
    return file_database_url


# ── no room ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_full_disk_costs_the_transaction_and_no_more_on_sqlite(tmp_path):
    engine = create_engine(f"sqlite:///{tmp_path.as_posix()}/test.db")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(Member(id=1, name="Ada"))
        session.commit()
        pages = session.connection().exec_driver_sql("PRAGMA page_count").scalar()
        session.connection().exec_driver_sql(f"PRAGMA max_page_count = {pages + 5}").all()
        many = [Member(id=n, name=str(n) * 500) for n in range(2, 200)]
        session.add_all(many)
        with pytest.raises(exc.OperationalError, match=r"disk is full.*make room"):
            session.commit()
        session.rollback()
        assert all(inspect(one).transient for one in many)
        assert session.scalars(select(Member.name)).all() == ["Ada"]
        session.add(Member(id=2, name="Bob"))
        session.commit()
        assert session.scalars(select(Member.name).order_by(Member.id)).all() == ["Ada", "Bob"]
    engine.dispose()


FULL_DISK = """
import resource, signal, sys
from nbsession import OperationalError, Session, create_engine, inspect, select
from tests.session.models import Base, Member

engine = create_engine(sys.argv[1])
Base.metadata.create_all(engine)
session = Session(engine)
session.add(Member(id=1, name="Ada"))
session.commit()
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 18, hard))
many = [Member(id=n, name=str(n) * 500) for n in range(2, 2000)]
session.add_all(many)
try:
    session.commit()
except OperationalError as error:
    assert "make room" in str(error), error
else:
    raise AssertionError("it all had room")
session.rollback()
assert all(inspect(one).transient for one in many)
assert session.scalars(select(Member.name)).all() == ["Ada"]
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
session.add(Member(id=2, name="Bob"))
session.commit()
session.close()
engine.dispose()
with Session(create_engine(sys.argv[1])) as session:
    assert session.scalars(select(Member.name).order_by(Member.id)).all() == ["Ada", "Bob"]
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot limit the size of a process's files")
def test_a_full_disk_costs_the_transaction_and_no_more_on_duckdb(tmp_path):
    """The COMMIT is what needs room."""
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, f"duckdb:///{tmp_path.as_posix()}/test.duckdb"],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr


# ── no permission ────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_write_to_a_file_opened_read_only_says_how_to_open_it(filled):
    option = "mode=ro" if filled.startswith("sqlite") else "access_mode=read_only"
    engine = create_engine(f"{filled}?{option}")
    with Session(engine) as session:
        bob = Member(id=2, name="Bob")
        session.add(bob)
        with pytest.raises(exc.DBAPIError, match=rf"read-?only.*{option}.*open it without"):
            session.commit()
        session.rollback()
        assert inspect(bob).transient and session.scalars(select(Member.name)).all() == ["Ada"]
    engine.dispose()


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="Windows has other permissions")
def test_a_file_that_may_not_be_written_to(filled):
    """In a child process, because root may write to everything."""
    program = """
import os, sys
from nbsession import DBAPIError, Session, create_engine, select
from tests.session.models import Base, Member

engine = create_engine(sys.argv[1].partition(":")[0] + "://")
Base.metadata.create_all(engine)
with Session(engine) as session:  # what it needs is imported while it can be
    session.add(Member(name="Ada"))
    session.commit()
    session.scalars(select(Member.name)).all()
if os.geteuid() == 0:
    os.seteuid(65534)
try:
    with Session(create_engine(sys.argv[1])) as session:
        assert session.scalars(select(Member.name)).all() == ["Ada"]
        session.add(Member(id=2, name="Bob"))
        session.commit()
except DBAPIError as error:
    assert "ermissions" in str(error), error
else:
    raise AssertionError("it was written to")
"""
    file = Path(create_engine(filled).url.database)
    with tempfile.TemporaryDirectory() as folder:  # pytest's own may be entered by nobody else
        copy = Path(shutil.copy(file, folder))
        copy.chmod(0o444)
        Path(folder).chmod(0o555)
        done = subprocess.run(
            [sys.executable, "-c", program, filled.replace(file.as_posix(), copy.as_posix())],
            capture_output=True,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        Path(folder).chmod(0o755)
    assert done.returncode == 0, done.stderr


# ── gone ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.skipif(os.name == "nt", reason="Windows does not let anybody delete an open file")
@pytest.mark.parametrize("fate", ["deleted or moved", "replaced"])
def test_a_commit_to_a_file_that_was_deleted_is_refused(filled, tmp_path, fate):
    """The driver would write on into what nobody can open any more."""
    engine = create_engine(filled)
    session = Session(engine)
    ada, bob = session.get(Member, 1), Member(id=2, name="Bob")
    session.add(bob)
    session.flush()
    file = Path(engine.url.database)
    kept = file.rename(tmp_path / "kept")
    if fate == "replaced":
        file.write_bytes(b"")
    with pytest.raises(exc.OperationalError, match=rf"{file.name}.* was {fate} while it was open.*dispose\(\)"):
        session.commit()
    session.rollback()
    assert inspect(bob).transient and inspect(ada).persistent
    assert session.scalars(select(Member.name)).all() == ["Ada"]
    session.rollback()
    kept.replace(file)
    session.add(bob)
    session.commit()
    session.close()
    engine.dispose()
    engine = create_engine(filled)
    with Session(engine) as session:
        assert session.scalars(select(Member.name).order_by(Member.id)).all() == ["Ada", "Bob"]
    engine.dispose()


# ── opened and closed ────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_database_in_memory_is_kept_until_it_is_disposed_of(database_url):
    engine = create_engine(database_url)
    Base.metadata.create_all(engine)
    for name in ("Ada", "Bob"):
        with Session(engine) as session:
            session.add(Member(name=name))
            session.commit()
    with Session(engine) as session:
        assert session.scalars(select(Member.name).order_by(Member.id)).all() == ["Ada", "Bob"]
    engine.dispose()
    assert not inspect(engine).has_table("member")
    engine.dispose()


def test_dispose_closes_every_connection(filled):
    """On SQLite those in use as soon as they are given back; DuckDB gives up its lock on the file at once."""
    engine = create_engine(filled)
    connections = [engine.connect() for _ in range(3)]
    raws = [connection._link.raw for connection in connections]
    for connection in connections:
        connection.fetch("SELECT 1")
    connections.pop().close()
    engine.dispose()
    for connection in connections:
        if engine.name == "sqlite":
            assert connection.fetch("SELECT 1") == [(1,)]
        connection.close()
    for raw in raws:
        with pytest.raises(Exception, match=r"[Cc]losed"):
            raw.execute("SELECT 1")
    with engine.connect() as connection:
        assert connection.fetch("SELECT name FROM member") == [("Ada",)]
    engine.dispose()
