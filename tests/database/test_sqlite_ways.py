"""SQLite: transactions are begun by us and by nobody else, so that a savepoint never is the transaction."""

from __future__ import annotations

import threading

import pytest

from nbsession import Session, create_engine, exc, select, text
from tests.session.models import Base, Member


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path.as_posix()}/test.db"


@pytest.fixture
def engine(url):
    engine = create_engine(url)
    Base.metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def sent(engine):
    """What really is sent, as SQLite itself tells it."""
    texts = []
    with engine.connect() as connection:
        connection._link.raw.set_trace_callback(texts.append)
    return texts


def members(engine):
    with engine.connect() as other:
        return [row[0] for row in other.fetch("SELECT name FROM member ORDER BY name")]


def test_a_savepoint_that_comes_first_is_set_within_a_transaction(engine, sent):
    """Without BEGIN, RELEASE of the outermost savepoint would be a COMMIT."""
    with engine.connect() as connection:
        with connection.begin_nested():
            connection.exec_driver_sql("INSERT INTO member (name) VALUES ('Ada')")
        assert sent[0] == "BEGIN" and sent[-1] == "RELEASE SAVEPOINT sp_1"
        assert connection._link.raw.in_transaction
        connection.rollback()
    assert members(engine) == []


def test_a_released_savepoint_of_a_session_can_still_be_rolled_back(engine):
    with Session(engine) as session:
        with session.begin_nested():
            session.add(Member(name="Ada"))
        assert session.scalars(select(Member.name)).all() == ["Ada"]
        session.rollback()
        assert session.scalars(select(Member.name)).all() == []
    assert members(engine) == []


@pytest.mark.parametrize("end", ["COMMIT", "ROLLBACK"])
def test_what_ends_the_transaction_behind_our_back_does_not_make_statements_commit_themselves(engine, end):
    with engine.connect() as connection:
        connection.exec_driver_sql("INSERT INTO member (name) VALUES ('Ada')")
        connection._link.raw.execute(end)
        insert = "INSERT INTO member (name) VALUES ('Bob')"
        for use in (
            lambda: connection.exec_driver_sql(insert),
            lambda: connection.fetch("SELECT 1"),
            connection.commit,
        ):
            with pytest.raises(exc.InternalError, match=r"the database ended it by itself.*Call rollback\(\)"):
                use()
        connection.rollback()
        connection.exec_driver_sql("INSERT INTO member (name) VALUES ('Cat')")
        connection.commit()
    assert members(engine) == (["Ada", "Cat"] if end == "COMMIT" else ["Cat"])


def test_who_begins_with_a_write_takes_the_lock_at_once(engine, sent):
    """A reader in between could otherwise make the COMMIT fail."""
    with Session(engine) as session:
        session.add(Member(name="Ada"))
        session.flush()
        assert sent[0] == "BEGIN IMMEDIATE"
        session.rollback()
        session.scalars(select(Member)).all()
        assert [text for text in sent if text.startswith("BEGIN")] == ["BEGIN IMMEDIATE", "BEGIN"]


def test_a_reader_blocks_nobody(engine):
    with engine.connect() as reader:
        assert reader.fetch("SELECT count(*) FROM member") == [(0,)]
        with Session(engine) as session:
            session.add(Member(name="Ada"))
            session.commit()
        assert reader.fetch("SELECT count(*) FROM member") == [(0,)]


def test_a_locked_file_is_waited_for(url, engine):
    patient = create_engine(f"{url}?timeout=20")
    with engine.connect() as writer, patient.connect() as waiting:
        writer.execute(text("INSERT INTO member (name) VALUES ('Ada')"))
        timer = threading.Timer(0.1, writer.commit)
        timer.start()
        waiting.execute(text("INSERT INTO member (name) VALUES ('Bob')"))
        waiting.commit()
        timer.join()
    patient.dispose()
    assert members(engine) == ["Ada", "Bob"]


def test_a_database_in_memory_can_be_shared_by_name():
    """Between engines of one process, by SQLite's own URI."""
    name = "sqlite:///file:nbsession-test?mode=memory&cache=shared&uri=true"
    one, two = create_engine(name), create_engine(name)
    with one.connect() as connection:
        connection.exec_driver_sql("CREATE TABLE t (a)")
        connection.exec_driver_sql("INSERT INTO t VALUES (1)")
        connection.commit()
        with two.connect() as other:
            assert other.fetch("SELECT a FROM t") == [(1,)]
    one.dispose()
    two.dispose()
