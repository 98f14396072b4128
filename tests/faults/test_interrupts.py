"""Ctrl-C: a running statement stops within a second, a flush counts as failed, and a transaction's end is not torn apart.

Each test runs a program in a child process, which sends itself a real SIGINT while a statement runs.
"""

from __future__ import annotations

import subprocess
import sys
import textwrap
from typing import Any

import pytest

SLOW = {
    # endless in practice; drivers notice a signal late or never in them
    "sqlite": "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 1e12) SELECT count(*) FROM r",
    "duckdb": "SELECT count(*) FROM range(1000000000) t(i) WHERE regexp_matches(repeat('a', 200) || i, '(a*)*b')",
}
BEFORE = """
import os, signal, sys, threading, time
import warnings

signal.signal(signal.SIGINT, signal.default_int_handler)  # who is started in the background inherits that it is ignored

from nbsession import (DeclarativeBase, InternalError, Mapped, Session, create_engine, event, inspect, mapped_column,
    select, text)

class Base(DeclarativeBase):
    pass

class Member(Base):
    __tablename__ = "member"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None]

engine = create_engine(sys.argv[1])
Base.metadata.create_all(engine)
session = Session(engine)
SLOW = sys.argv[2]

def interrupt(after=0.0):
    "SIGINT from another thread, once the main thread is in the driver"
    def send():
        while after is None and not busy():
            time.sleep(0.001)
        time.sleep(after or 0.05)
        sent.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)
    threading.Thread(target=send, daemon=True).start()

def busy():
    from nbsession.database.interrupts import _running
    return _running()[0] is not None

sent = []

def stopped(work, within=1.0):
    "Does Ctrl-C stop it, as KeyboardInterrupt, within a second?"
    interrupt(None)
    try:
        work()
    except KeyboardInterrupt:
        took = time.monotonic() - sent[-1]
        assert took < within, took
        return
    raise AssertionError("it was not stopped")
"""


def run(database: str, program: str, url: str | None = None) -> str:
    """Runs a program in a child process; returns what it printed."""
    code = BEFORE + textwrap.dedent(program)
    done: Any = subprocess.run(
        [sys.executable, "-c", code, url or f"{database}://", SLOW[database]],
        capture_output=True,
        text=True,
        timeout=60,
        start_new_session=True,
    )
    assert done.returncode == 0, done.stderr
    return str(done.stdout)


@pytest.fixture(params=["sqlite", "duckdb"])
def database(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_statement_of_a_connection_stops_and_the_connection_can_be_used(database: str) -> None:
    run(
        database,
        """
        with engine.connect() as connection:
            connection.exec_driver_sql("INSERT INTO member (id, name) VALUES (1, 'Ada')")
            for door in (connection.fetch, connection.exec_driver_sql, lambda sql: connection.execute(text(sql))):
                stopped(lambda: door(SLOW))
                connection.rollback()
            assert connection.fetch("SELECT count(*) FROM member") == [(0,)]
            connection.exec_driver_sql("INSERT INTO member (id, name) VALUES (1, 'Ada')")
            connection.commit()
        with engine.connect() as connection:
            assert connection.fetch("SELECT count(*) FROM member") == [(1,)]
        """,
    )


def test_a_query_in_a_savepoint_stops_and_costs_no_more_than_it_must(database: str) -> None:
    """After the rollback to the savepoint everything before it is still there."""
    run(
        database,
        """
        session.add(Member(id=1, name="Ada"))
        nested = session.begin_nested()
        session.add(Member(id=2, name="Bob"))
        session.flush()
        stopped(lambda: session.execute(text(SLOW)))
        nested.rollback()
        session.commit()
        assert session.scalars(select(Member.name)).all() == ["Ada"]
        """,
    )


def test_mid_flush_it_is_a_failed_flush(database: str) -> None:
    """States are those before, the rows too, and the same flush succeeds the second time."""
    run(
        database,
        """
        ada = Member(id=1, name="Ada")
        session.add(ada)
        session.commit()
        ada.name = "Ada L"
        bob = Member(name="Bob")
        session.add(bob)
        slow = [True]

        @event.listens_for(Member, "before_insert")
        def stop(mapper, connection, target):
            if slow.pop():
                connection.exec_driver_sql(SLOW)

        stopped(session.flush)
        assert not session.is_active
        session.rollback()
        assert inspect(bob).transient and inspect(ada).persistent and ada.name == "Ada"
        assert session.query(Member).count() == 1
        slow.append(False)
        session.add(bob)
        session.commit()
        assert session.query(Member).count() == 2
        """,
    )


def test_a_write_that_is_stopped_is_undone(database: str) -> None:
    run(
        database,
        """
        session.add(Member(id=1, name="Ada"))
        session.flush()
        stopped(lambda: session.execute(text(f"INSERT INTO member (id) SELECT 2 WHERE 0 < ({SLOW})")))
        try:
            session.commit()
        except InternalError:  # it cost the transaction: SQLite rolls back by itself, DuckDB's is aborted
            session.rollback()
        else:
            raise AssertionError("committed")
        assert session.query(Member).count() == 0
        session.add(Member(id=1, name="Ada"))
        session.commit()
        assert session.query(Member).count() == 1
        """,
    )


def test_a_commit_is_not_torn_apart(database: str, tmp_path: Any) -> None:
    """Ctrl-C at a COMMIT that goes through is told when states agree with the rows."""
    run(
        database,
        """
        ada = Member(name="Ada")
        session.add(ada)
        session.flush()
        link = session.connection()._link
        plain = link._send_commit

        def send():
            late = plain()
            os.kill(os.getpid(), signal.SIGINT)  # the rows are committed, nothing else is done yet
            return late

        link._send_commit = send
        try:
            session.commit()
        except KeyboardInterrupt:
            pass
        else:
            raise AssertionError("Ctrl-C was swallowed")
        del link._send_commit
        assert not session.in_transaction() and inspect(ada).persistent
        session.expunge_all()
        assert session.query(Member).count() == 1
        """,
        f"{database}:///{tmp_path.as_posix()}/file",
    )


def test_a_second_one_does_not_wait(database: str) -> None:
    run(
        database,
        """
        from nbsession.database.interrupts import unbroken

        done = []
        try:
            with unbroken:
                os.kill(os.getpid(), signal.SIGINT)
                done.append("first")
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(5)
                done.append("second")
        except KeyboardInterrupt:
            assert done == ["first"]
        else:
            raise AssertionError
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        """,
    )


def test_it_is_not_lost_with_a_handler_of_ones_own_and_other_threads_go_on(database: str) -> None:
    """Only the main thread's statement stops. Who has put up a wakeup fd, as asyncio does, hears of signals as before."""
    run(
        database,
        """
        import asyncio, socket

        heard, told = socket.socketpair()
        told.setblocking(False)
        signal.set_wakeup_fd(told.fileno())
        time.sleep(0.1)  # longer than the fd is taken for granted after the transactions before
        other, result = create_engine(sys.argv[1]), []

        def elsewhere():
            with other.connect() as connection:
                slow = SLOW.replace("1e12", "3e6").replace("1000000000", "4000")
                result.append(connection.fetch(slow)[0][0])

        thread = threading.Thread(target=elsewhere)
        thread.start()
        with engine.connect() as connection:
            stopped(lambda: connection.fetch(SLOW))
        thread.join()
        assert len(result) == 1
        assert heard.recv(10) == bytes([signal.SIGINT])

        async def main():
            with engine.connect() as connection:
                connection.fetch(SLOW)

        stopped(lambda: asyncio.run(main()))
        """,
    )


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="this system has no fork")
def test_a_forked_child_stops_its_own_statement(database: str) -> None:
    run(
        database,
        """
        with engine.connect() as connection:
            connection.fetch("SELECT 1")
        engine.dispose()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            child = os.fork()
        if child == 0:
            engine = create_engine(sys.argv[1])
            with engine.connect() as connection:
                stopped(lambda: connection.fetch(SLOW))
            os._exit(7)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        """,
    )
