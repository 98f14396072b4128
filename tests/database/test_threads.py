"""A connection is used by one thread at a time: readers wait for each other, a writer in between is refused."""

from __future__ import annotations

import sys
import threading

import pytest

from nbsession import Session, create_engine, exc, select, text
from nbsession.database import RowInsert
from tests.session.models import Base, Loan, Member


class Held:
    """A thread that is inside a link, until it is let go."""

    def __init__(self, link):
        self._inside, self._done = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._hold, args=(link,))

    def _hold(self, link):
        with link.turn:
            self._inside.set()
            self._done.wait(20)

    def __enter__(self):
        self._thread.start()
        assert self._inside.wait(20)
        return self

    def __exit__(self, *_):
        self.let_go()

    def let_go(self):
        self._done.set()
        self._thread.join()


def test_a_write_while_another_thread_is_inside_is_one_clear_error(connection, shop):
    connection.exec_driver_sql("INSERT INTO tool (id) VALUES (1)")
    write = RowInsert(shop.tool, (shop.tool.c.name,), None)
    with Held(connection._link):
        for use in (
            lambda: connection.exec_driver_sql("INSERT INTO tool (id) VALUES (2)"),
            lambda: connection.insert_rows(write, [("saw",)]),
            lambda: connection.execute(text("DELETE FROM tool")),
            connection.begin_nested,
        ):
            with pytest.raises(exc.InvalidRequestError, match=r"in use by another thread.*each thread its own"):
                use()
    assert connection.fetch("SELECT id FROM tool") == [(1,)]
    connection.commit()
    assert connection.fetch("SELECT id FROM tool") == [(1,)]


@pytest.mark.parametrize("use", ["fetch", "execute", "commit", "rollback"])
def test_reading_and_the_end_of_a_transaction_wait(connection, use):
    connection.fetch("SELECT 1")
    with Held(connection._link) as held:
        threading.Timer(0.1, held.let_go).start()
        match use:
            case "fetch":
                assert connection.fetch("SELECT 1") == [(1,)]
            case "execute":
                assert connection.execute(text("SELECT 1")).all() == [(1,)]
            case _:
                getattr(connection, use)()


def test_threads_one_after_the_other(engine, shop):
    """What one begins another may go on with."""
    connection = engine.connect()

    def elsewhere(work):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()

    elsewhere(lambda: connection.exec_driver_sql("INSERT INTO tool (id) VALUES (1)"))
    elsewhere(connection.begin_nested)
    connection.exec_driver_sql("INSERT INTO tool (id) VALUES (2)")
    elsewhere(connection.commit)
    assert connection.fetch("SELECT id FROM tool ORDER BY id") == [(1,), (2,)]
    connection.close()


@pytest.fixture
def read_by_turns():
    """Threads change places at driver calls only, where they let each other run."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(10)
    yield
    sys.setswitchinterval(before)


@pytest.mark.parametrize("where", ["in memory", "in a file"])
def test_a_session_that_is_only_read_from_may_be_shared(database_url, where, tmp_path, read_by_turns):
    """Line 23.8: transaction and connection are begun once, and everybody's rows are his own."""
    engine = create_engine(database_url if where == "in memory" else f"{database_url}/{tmp_path.as_posix()}/file")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all(Member(id=n, name=str(n), loans=[Loan(), Loan()]) for n in range(1, 21))
        session.commit()
    session = Session(engine)
    together, wrong, connections = threading.Barrier(4), [], set()

    def read(first):
        together.wait()
        try:
            for number in range(20):
                member = session.get(Member, (first + number * 7) % 20 + 1)
                assert member.name == str(member.id) and len(member.loans) == 2
                assert session.scalars(select(Member.name).where(Member.id == number + 1)).all() == [str(number + 1)]
                connections.add(session.connection())
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=read, args=(first,)) for first in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong and len(connections) == 1
    session.close()
    engine.dispose()
