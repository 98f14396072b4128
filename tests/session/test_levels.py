"""Levels of a transaction: subtransactions, one level at a time, two phases, sessions that are not transactional."""

from __future__ import annotations

from typing import Any

import pytest

from nbsession import (
    Connection,
    Engine,
    InvalidRequestError,
    NotSupportedError,
    PendingRollbackError,
    ResourceClosedError,
    Session,
    SessionTransaction,
    event,
    inspect,
    text,
)
from tests.session.models import Member


def names(session: Session) -> list[str]:
    return [row[0] for row in session.connection().exec_driver_sql("SELECT name FROM member ORDER BY name").all()]


# ── subtransactions ──────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_subtransactions_commit_ends_nothing(session: Session) -> None:
    """Lines 4.3, 4.10, 4.17: it fires no hook, does not flush, and gives its parent back."""
    root = session.begin()
    inner = session.begin(subtransactions=True)
    fired: list[str] = []
    event.listen(session, "before_commit", lambda s: fired.append("before_commit"))
    event.listen(session, "after_commit", lambda s: fired.append("after_commit"))
    session.add(Member(name="Ada"))
    assert inner.parent is root and not inner.nested and session.get_transaction() is root
    assert inner.commit() is root
    assert session.new and not fired and session.transaction is root and root.is_active
    assert root.commit() is None
    assert fired == ["before_commit", "after_commit"]
    assert names(session) == ["Ada"]


def test_a_subtransactions_rollback_takes_the_real_level_with_it(session: Session) -> None:
    """Lines 4.12, 4.17."""
    session.begin()
    session.add(Member(name="outer"))
    session.flush()
    savepoint = session.begin_nested()
    session.add(Member(name="inner"))
    sub = session.begin(subtransactions=True)
    assert session.in_nested_transaction() and session.get_nested_transaction() is savepoint
    sub.rollback()
    assert session.get_nested_transaction() is None and session.in_transaction()
    assert names(session) == ["outer"]
    session.begin(subtransactions=True).rollback()
    assert not session.in_transaction() and names(session) == []


def test_a_subtransactions_connection_is_its_parents(session: Session) -> None:
    """Lines 4.5, 4.8."""
    root = session.begin()
    sub = session.begin(subtransactions=True)
    assert sub.connection(Member) is root.connection(Member) is session.connection()
    nested = session.begin_nested()
    assert nested.connection(None) is root.connection(None)


def test_a_flush_that_fails_in_a_subtransaction_fails_the_real_level(session: Session) -> None:
    """Lines 4.18, 9.5."""
    session.add(Member(id=1, name="Ada"))
    session.commit()
    session.expunge_all()
    root = session.begin()
    sub = session.begin(subtransactions=True)
    session.add(Member(id=1, name="again"))
    with pytest.raises(Exception, match=r"(?i)constraint"):
        session.flush()
    assert not session.is_active and not root.is_active and not sub.is_active
    with pytest.raises(PendingRollbackError, match="due to a previous exception during flush"):
        session.commit()
    session.rollback()
    assert session.is_active and not session.in_transaction() and names(session) == ["Ada"]


def test_one_level_at_a_time(session: Session) -> None:
    """Lines 6.4, 4.10."""
    session.begin()
    session.add(Member(name="outer"))
    session.begin_nested()
    session.add(Member(name="first"))
    session.rollback(to_root=False)
    assert session.in_transaction() and not session.in_nested_transaction() and names(session) == ["outer"]
    session.begin_nested()
    session.add(Member(name="second"))
    session.commit(to_root=False)
    assert session.in_transaction() and not session.in_nested_transaction() and names(session) == ["outer", "second"]
    session.rollback()
    assert names(session) == []


def test_a_handle_may_end_its_level_and_those_around_it(session: Session) -> None:
    """Lines 4.10, 4.12: commit(to_root=True) and rollback(to_root=True) of a handle."""
    session.begin()
    inner = session.begin_nested()
    session.add(Member(name="Ada"))
    assert inner.commit(to_root=True) is None
    assert not session.in_transaction() and names(session) == ["Ada"]
    session.rollback()
    session.add(Member(name="Bob"))
    session.begin_nested().rollback(to_root=True)
    assert not session.in_transaction() and names(session) == ["Ada"]


def test_begin_inside_a_transaction_is_refused(session: Session) -> None:
    """Line 4.17."""
    session.begin()
    with pytest.raises(InvalidRequestError, match="A transaction is already begun on this Session"):
        session.begin()
    assert session.begin(nested=True).nested


def test_create_transaction_is_begin(session: Session) -> None:
    """Line 6.1."""
    transaction = session.create_transaction()
    assert isinstance(transaction, SessionTransaction) and session.transaction is transaction
    session.rollback()


def test_a_transaction_without_autoflush(session: Session) -> None:
    """Lines 4.10, 4.16, 9.12: neither its queries nor its commit flush."""
    transaction = session.begin(autoflush=False)
    session.add(Member(name="Ada"))
    assert transaction.autoflush is False
    assert session.scalar(text("SELECT count(*) FROM member")) == 0
    transaction.commit()
    assert session.new and names(session) == []
    session.rollback()


# ── connections ──────────────────────────────────────────────────────────────────────────────────────────────────────
def test_an_engine_is_added_once(session: Session, tables: Engine) -> None:
    """Lines 4.4, 4.6."""
    transaction = session.begin()
    connection = transaction.add(tables)
    assert transaction.get_or_add(tables) is connection is session.connection()
    with pytest.raises(InvalidRequestError, match="already has a Connection associated for the given Engine"):
        transaction.add(tables)
    with pytest.raises(InvalidRequestError, match="already has a Connection associated for the given Engine"):
        session.begin_nested().add(tables)
    with tables.connect() as other:
        with pytest.raises(InvalidRequestError, match="given Connection's Engine"):
            transaction.add(other)
        with pytest.raises(InvalidRequestError, match="given Connection's Engine"):
            transaction.get_or_add(other)


def test_a_connection_that_was_added_is_not_closed(tables: Engine) -> None:
    """Lines 4.6, 4.13, 7.11."""
    with tables.connect() as connection:
        session = Session(tables)
        assert session.begin().get_or_add(connection) is connection
        session.close()
        assert not connection.closed and not connection.in_transaction()


# ── two phases ───────────────────────────────────────────────────────────────────────────────────────────────────────
class Preparing:
    """A transaction of a database that can prepare: an ordinary one that notes what is asked of it."""

    def __init__(self, connection: Connection, log: list[Any]) -> None:
        self.connection, self.log, self.real = connection, log, connection.begin()

    def prepare(self) -> None:
        self.log.append(("prepare", self.connection.engine))
        if ("refuse", self.connection.engine) in self.log:
            raise RuntimeError("cannot prepare")

    def commit(self) -> None:
        self.log.append(("commit", self.connection.engine))
        self.real.commit()

    def rollback(self) -> None:
        self.log.append(("rollback", self.connection.engine))
        self.real.rollback()

    def close(self) -> None:
        self.real.close()

    @property
    def is_active(self) -> bool:
        return self.real.is_active


@pytest.fixture
def preparing(monkeypatch: pytest.MonkeyPatch, tables: Engine) -> list[Any]:
    """What is asked of two-phase transactions, now that connections have them."""
    log: list[Any] = []
    monkeypatch.setattr(type(tables.dialect), "supports_two_phase", True)
    monkeypatch.setattr(Connection, "begin_twophase", lambda self, xid=None: Preparing(self, log))
    return log


def test_every_connection_prepares_before_any_commits(tables: Engine, preparing: list[Any]) -> None:
    """Lines 20.1, 4.7, 4.10."""
    from nbsession import create_engine

    other = create_engine("sqlite://")
    session = Session(tables, twophase=True)
    session.add(Member(name="Ada"))
    session.begin_nested()
    session.connection(bind_arguments={"bind": other})
    session.commit()
    assert preparing == [("prepare", tables), ("prepare", other), ("commit", tables), ("commit", other)]
    assert names(session) == ["Ada"]
    session.close()
    other.dispose()


def test_a_refused_preparation_rolls_everything_back(tables: Engine, preparing: list[Any]) -> None:
    """Line 20.1."""
    from nbsession import create_engine

    other = create_engine("sqlite://")
    preparing.append(("refuse", other))
    session = Session(tables, twophase=True)
    ada = Member(name="Ada")
    session.add(ada)
    session.flush()
    session.connection(bind_arguments={"bind": other})
    with pytest.raises(RuntimeError, match="cannot prepare"):
        session.commit()
    assert preparing[1:] == [("prepare", tables), ("prepare", other), ("rollback", tables), ("rollback", other)]
    assert inspect(ada).transient
    session.rollback()
    assert names(session) == []
    session.close()
    other.dispose()


def test_a_prepared_session_takes_no_more_work(tables: Engine, preparing: list[Any]) -> None:
    """Lines 20.1, 4.15."""
    session = Session(tables, twophase=True)
    session.add(Member(name="Ada"))
    session.prepare()
    with pytest.raises(InvalidRequestError, match="This session is in 'prepared' state; no further SQL can be emitted"):
        session.connection()
    session.commit()
    assert preparing == [("prepare", tables), ("commit", tables)]
    session.close()


def test_preparing_releases_the_savepoints(tables: Engine, preparing: list[Any]) -> None:
    """Lines 20.1, 4.15."""
    session = Session(tables, twophase=True)
    session.begin_nested()
    session.prepare()
    assert not session.in_nested_transaction() and preparing == []
    session.rollback()
    session.close()


def test_preparing_wants_two_phases(session: Session) -> None:
    """Line 20.1."""
    with pytest.raises(InvalidRequestError, match="'twophase' mode not enabled"):
        session.prepare()


def test_beginning_two_phases_is_refused_where_the_database_has_none(tables: Engine) -> None:
    """Line 5.4."""
    session = Session(tables, twophase=True)
    with pytest.raises(NotSupportedError, match="two-phase commit is not supported"):
        session.begin()
    with pytest.raises(NotSupportedError, match="two-phase commit is not supported"):
        session.connection()
    session.close()


# ── not transactional ────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.fixture
def loose(file_engine: Engine) -> Any:
    """A session in which each flush commits itself."""
    session = Session(file_engine, transactional=False)
    yield session
    session.close()


def test_each_flush_commits_itself(loose: Session, file_engine: Engine) -> None:
    """Lines 5.3, 9.5, 3.8."""
    fired: list[str] = []
    for name in ("before_flush", "after_flush", "before_commit", "after_commit", "after_flush_postexec"):
        event.listen(loose, name, lambda *args, name=name: fired.append(name))
    ada = Member(name="Ada")
    loose.add(ada)
    assert not loose.in_transaction()
    loose.flush()
    assert fired == ["before_flush", "after_flush", "before_commit", "after_commit", "after_flush_postexec"]
    assert not loose.in_transaction() and inspect(ada).persistent and ada.__dict__["name"] == "Ada"
    with file_engine.connect() as connection:
        assert connection.execute(text("SELECT name FROM member")).scalars().all() == ["Ada"]
    loose.delete(ada)
    loose.flush()
    assert inspect(ada).detached


def test_queries_run_outside_a_transaction(loose: Session) -> None:
    """Lines 5.3, 7.1, 7.2."""
    ada = Member(name="Ada")
    loose.add(ada)
    assert loose.query(Member).one() is ada  # flushed by the query
    loose.expire(ada)
    assert ada.name == "Ada" and loose.get(Member, ada.id) is ada
    loose.execute(text("UPDATE member SET name = 'Bob'"))
    loose.refresh(ada)
    assert ada.name == "Bob" and not loose.in_transaction()
    with loose.connection() as connection:
        assert connection.execute(text("SELECT name FROM member")).scalar() == "Bob"


def test_commit_without_begin_is_refused(loose: Session) -> None:
    """Lines 5.3, 6.7, 6.3."""
    with pytest.raises(InvalidRequestError, match="No transaction is begun"):
        loose.commit()
    loose.rollback()
    loose.begin()
    loose.add(Member(name="Ada"))
    loose.commit()
    assert not loose.in_transaction()
    with pytest.raises(InvalidRequestError, match="No transaction is begun"):
        loose.commit()


def test_a_failing_flush_leaves_the_session_usable(loose: Session) -> None:
    """Lines 9.5, 3.12."""
    fired: list[str] = []
    event.listen(loose, "after_rollback", lambda s: fired.append("after_rollback"))
    loose.add(Member(id=1, name="Ada"))
    loose.flush()
    loose.expunge_all()
    loose.add(Member(id=1, name="again"))
    with pytest.raises(Exception, match=r"(?i)constraint"):
        loose.flush()
    assert fired == ["after_rollback"] and loose.is_active and not loose.in_transaction()
    loose.add(Member(name="Bob"))
    loose.flush()
    assert loose.scalar(text("SELECT count(*) FROM member")) == 2


def test_a_begun_transaction_is_one(loose: Session) -> None:
    """Lines 5.3, 9.5."""
    loose.begin()
    loose.add(Member(name="Ada"))
    loose.flush()
    loose.rollback()
    assert loose.scalar(text("SELECT count(*) FROM member")) == 0


# ── closing ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_close_ends_all_levels(session: Session) -> None:
    """Lines 6.11, 6.12."""
    session.begin()
    session.begin_nested()
    session.begin(subtransactions=True)
    ada = Member(name="Ada")
    session.add(ada)
    session.close()
    assert not session.in_transaction() and inspect(ada).transient and names(session) == []


def test_a_session_may_be_closed_for_good(tables: Engine) -> None:
    """Lines 6.11, 6.15: close_resets_only=False; reset() leaves it usable."""
    session = Session(tables, close_resets_only=False)
    session.connection()
    session.reset()
    assert names(session) == []
    session.close()
    with pytest.raises(InvalidRequestError, match="This Session has been permanently closed"):
        session.connection()


def test_a_session_may_close_its_connections_for_the_driver(file_engine: Engine) -> None:
    """Line 6.15: invalidate() is close(), and the driver's own connections are closed too, also one that was given."""
    session = Session(file_engine)
    ada, ben = Member(name="Ada"), Member(name="Ben")
    session.add(ada)
    session.commit()
    session.begin_nested()
    session.add(ben)
    session.flush()
    connection = session.connection()
    link: Any = connection._link
    session.invalidate()
    assert link.lost and connection.closed and not session.in_transaction()
    assert inspect(ada).detached and inspect(ben).detached
    assert names(session) == ["Ada"] and session.connection()._link is not link
    session.close()
    with file_engine.connect() as given:
        session = Session(given)
        session.add(Member(name="Cleo"))
        session.flush()
        session.invalidate()
        assert given.invalidated and not given.in_transaction()
        assert given.exec_driver_sql("SELECT name FROM member").scalars().all() == ["Ada"]
    for_good = Session(file_engine, close_resets_only=False)
    for_good.invalidate()
    with pytest.raises(InvalidRequestError, match="This Session has been permanently closed"):
        for_good.connection()


def test_an_ended_transaction_is_refused(session: Session) -> None:
    """Line 4.15."""
    transaction = session.begin()
    transaction.commit()
    for deed in (transaction.commit, transaction.rollback, lambda: transaction.connection(Member)):
        with pytest.raises(ResourceClosedError, match="This transaction is closed"):
            deed()
