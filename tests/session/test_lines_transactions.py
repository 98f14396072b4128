"""Factories, transactions and hooks, line by line: what docs/session-semantics.md lists and no other test shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from nbsession import Engine, FlushError, InvalidRequestError, Session, create_engine, event, inspect, sessionmaker
from nbsession.database.transaction import NestedTransaction, RootTransaction
from tests.session.models import Base, Loan, Member, Shelf, Tool
from tests.support import expect_statements, statements_of

Rows = Callable[[str], list[tuple[Any, ...]]]
HOOKS = ("before_commit", "after_commit", "after_rollback", "before_flush", "after_flush", "after_flush_postexec")


@pytest.fixture
def other(database_url: str) -> Iterator[Engine]:
    """A second database, with the same tables."""
    engine = create_engine(database_url)
    Base.metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def fired(session: Session) -> list[str]:
    names: list[str] = []
    for name in HOOKS:
        event.listen(session, name, lambda *_, name=name: names.append(name))
    return names


# ── sessionmaker ─────────────────────────────────────────────────────────────────────────────────────────────────────
def test_sessionmaker_makes_a_class_that_can_be_subclassed(tables: Engine) -> None:
    """Lines 2.1, 2.5: subclasses share the options of the class they are made from, also later ones."""
    factory = sessionmaker(tables, autoflush=False)
    assert issubclass(factory, Session) and factory is not Session

    class Ours(factory):  # type: ignore[misc,valid-type]
        pass

    with Ours() as session:
        assert isinstance(session, factory) and not session.autoflush and session.bind is tables
    factory.configure(expire_on_commit=False)
    Ours.configure(info={"a": 1})
    assert not Ours().expire_on_commit and factory().info == {"a": 1}


def test_two_sessionmakers_know_nothing_of_each_other(tables: Engine) -> None:
    """Line 2.5: configuring one leaves the other alone."""
    one, two = sessionmaker(tables), sessionmaker(tables)
    one.configure(autoflush=False)
    assert not one().autoflush and two().autoflush and Session(tables).autoflush


def test_configure_reaches_later_sessions_only(tables: Engine) -> None:
    """Line 2.4: sessions that exist keep their options."""
    factory = sessionmaker(tables)
    before = factory()
    factory.configure(autoflush=False)
    assert before.autoflush and not factory().autoflush


def test_the_class_given_gets_the_merged_options(tables: Engine) -> None:
    """Lines 2.6, 2.7: options that sessionmaker does not know go through to class_."""
    seen: list[dict[str, Any]] = []

    class Ours(Session):
        def __init__(self, *, colour: str, **options: Any) -> None:
            seen.append({"colour": colour, **options})
            super().__init__(**options)

    factory = sessionmaker(tables, class_=Ours, colour="blue", autoflush=False)
    assert isinstance(factory(colour="red"), Ours)
    assert seen == [{"colour": "red", "bind": tables, "autoflush": False}]


def test_a_binds_dictionary_serves_all_sessions_and_is_never_changed(tables: Engine, other: Engine) -> None:
    """Line 2.8: bind_mapper() of one session leaves the dictionary, and so the others, alone."""
    binds = {Shelf: other}
    factory = sessionmaker(tables, binds=binds)
    one, two = factory(), factory()
    one.bind_mapper(Member, other)
    assert binds == {Shelf: other}
    assert one.get_bind(Member) is other and two.get_bind(Member) is tables and two.get_bind(Shelf) is other


# ── beginning ────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_begin_gives_the_root_and_nothing_is_asked_of_the_database(tables: Engine) -> None:
    """Lines 4.7, 5.3, 5.11, 6.1: neither making a session nor begin() opens a connection; the first statement does."""
    opened: list[str] = []
    event.listen(tables, "begin", lambda connection: opened.append("begin"))
    with Session(tables) as session:
        assert not session.in_transaction()
        transaction = session.begin()
        assert session.get_transaction() is transaction and transaction.parent is None and session.in_transaction()
        session.add(Member(name="Ada"))
        assert opened == []
        session.flush()
        assert opened == ["begin"]


def test_the_first_use_begins(session: Session) -> None:
    """Line 5.3: there is no transaction before, and there is none after a commit."""
    for use in (session.connection, lambda: session.query(Member).all(), lambda: session.add(Member(name="Ada"))):
        assert not session.in_transaction()
        use()
        assert session.in_transaction()
        session.rollback()


def test_levels_know_their_parents(session: Session) -> None:
    """Lines 4.1, 4.3, 4.16: a savepoint in a savepoint in a transaction."""
    root = session.begin()
    outer = session.begin_nested()
    inner = session.begin_nested()
    assert (inner.parent, outer.parent, root.parent) == (outer, root, None)
    assert (inner.nested, outer.nested, root.nested) == (True, True, False)
    assert all(level.session is session and level.is_active for level in (root, outer, inner))
    inner.rollback()
    assert not inner.is_active and session.transaction is outer


def test_each_connection_of_a_transaction_is_ended_once(
    tables: Engine, other: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lines 4.1, 4.6: two engines, one connection each, one COMMIT each."""
    ended: list[Any] = []
    plain = RootTransaction.commit

    def commit(transaction: RootTransaction) -> None:
        ended.append(transaction.connection.engine)
        plain(transaction)

    monkeypatch.setattr(RootTransaction, "commit", commit)
    with Session(tables, binds={Shelf: other}) as session:
        here, there = session.connection(), session.connection({"mapper": Shelf})
        assert here is not there and (here.engine, there.engine) == (tables, other)
        assert session.connection() is here and session.connection({"mapper": Shelf}) is there
        session.commit()
        assert ended == [tables, other] and here.closed and there.closed


def test_a_second_connection_to_an_engine_is_refused(tables: Engine) -> None:
    """Line 4.6: the transaction has a connection to that engine already."""
    with tables.connect() as connection, Session(tables, binds={Shelf: connection}) as session:
        session.connection()
        with pytest.raises(InvalidRequestError, match="already has a Connection associated for the given Connection's"):
            session.connection({"mapper": Shelf})


def test_a_connection_given_is_used_and_left_open(tables: Engine) -> None:
    """Lines 4.6, 4.13, 5.1, 7.11: bound to a Connection, the session works on it and never closes it."""
    with tables.connect() as connection:
        with Session(connection) as session:
            assert session.bind is connection and session.connection() is connection
            session.add(Member(name="kept"))
            session.commit()
            assert not connection.closed and not connection.in_transaction()
            session.add(Member(name="lost"))
            session.flush()
        assert not connection.closed and not connection.in_transaction()
        assert connection.exec_driver_sql("SELECT name FROM member").all() == [("kept",)]


def test_a_session_needs_no_bind(tables: Engine) -> None:
    """Line 5.1: None is a bind too, as long as nothing is sent."""
    with Session() as session:
        assert session.bind is None
        session.add(Member(name="Ada"))
        session.commit  # would ask for one
        assert len(session.new) == 1


# ── savepoints on several engines ────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("end", ["commit", "rollback"])
def test_an_engine_first_used_in_a_savepoint_is_enlisted_outside_too(tables: Engine, other: Engine, end: str) -> None:
    """Line 4.9: what the savepoint wrote there goes or stays with the savepoint, and with the transaction."""
    with Session(tables, binds={Shelf: other}) as session:
        session.connection()
        savepoint = session.begin_nested()
        session.add(Shelf(label="there"))
        session.flush()
        getattr(savepoint, end)()
        connection = session.connection({"mapper": Shelf})
        assert connection.in_transaction() and not connection.in_nested_transaction()
        count = connection.exec_driver_sql("SELECT count(*) FROM shelf").scalar()
        assert count == (1 if end == "commit" else 0)
        session.rollback()
    with other.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM shelf").scalar() == 0


def test_a_savepoint_is_set_and_released_on_every_engine(tables: Engine, other: Engine) -> None:
    """Lines 4.9, 22.16: engines known before the savepoint have one each."""
    with Session(tables, binds={Shelf: other}) as session:
        session.add_all([Member(name="kept"), Shelf(label="kept")])
        session.flush()
        savepoint = session.begin_nested()
        connections = session.connection(), session.connection({"mapper": Shelf})
        assert all(c.in_nested_transaction() for c in connections)
        session.add_all([Member(name="lost"), Shelf(label="lost")])
        session.flush()
        savepoint.rollback()
        assert not any(c.in_nested_transaction() for c in connections)
        session.commit()
        assert [m.name for m in session.query(Member)] == ["kept"]
        assert [s.label for s in session.query(Shelf)] == ["kept"]


def test_a_savepoint_that_one_engine_refuses_to_release_leaves_no_half(
    tables: Engine, other: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Line 22.16: where one cannot release its savepoint, nothing of it stays on either."""
    plain = NestedTransaction.commit

    def commit(transaction: NestedTransaction) -> None:
        if transaction.connection.engine is other:
            raise InvalidRequestError("the savepoint is lost")
        plain(transaction)

    with Session(tables, binds={Shelf: other}) as session:
        session.add_all([Member(name="before"), Shelf(label="before")])
        session.flush()
        savepoint = session.begin_nested()
        here, there = Member(name="inside"), Shelf(label="inside")
        session.add_all([here, there])
        monkeypatch.setattr(NestedTransaction, "commit", commit)
        with pytest.raises(InvalidRequestError, match="the savepoint is lost"):
            savepoint.commit()
        monkeypatch.undo()
        assert inspect(here).transient and inspect(there).transient
        session.rollback()
    for engine, table in ((tables, "member"), (other, "shelf")):
        with engine.connect() as connection:
            assert connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar() == 0


# ── ending ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_commit_flushes_as_long_as_hooks_make_work(session: Session, rows: Rows) -> None:
    """Line 6.8: an object made after a flush of the commit is committed too."""

    @event.listens_for(session, "after_flush_postexec")
    def another(session: Session, context: Any) -> None:
        if count[0] < 5:
            count[0] += 1
            session.add(Tool(name=str(count[0])))

    count = [0]
    session.add(Tool(name="0"))
    session.commit()
    assert rows("SELECT name FROM tool ORDER BY name") == [(str(n),) for n in range(6)] and not session.new


def test_commit_gives_up_after_a_hundred_flushes(session: Session) -> None:
    """Line 6.8: a hook that always makes work is told so."""
    flushes: list[int] = []

    @event.listens_for(session, "after_flush_postexec")
    def another(session: Session, context: Any) -> None:
        flushes.append(1)
        session.add(Tool(name="endless"))

    session.add(Tool(name="first"))
    with pytest.raises(FlushError, match=r"Over 100 subsequent flushes have occurred within session\.commit\(\)"):
        session.commit()
    assert len(flushes) == 100
    session.rollback()
    assert session.query(Tool).all() == []


def test_commit_in_the_middle_of_savepoints_writes_everything(session: Session, rows: Rows) -> None:
    """Lines 4.10, 6.4: session.commit() releases and commits every level, and each gets its hooks."""
    order: list[str] = []
    event.listen(session, "before_commit", lambda s: order.append(f"before {s.transaction.level}"))
    event.listen(session, "after_commit", lambda s: order.append(f"after {s.transaction.level}"))
    session.begin_nested()
    session.add(Member(name="Ada"))
    session.begin_nested()
    session.add(Member(name="Bob"))
    session.commit()
    assert order == ["before 2", "after 2", "before 1", "after 1", "before 0", "after 0"]
    assert rows("SELECT name FROM member ORDER BY name") == [("Ada",), ("Bob",)]


def test_close_ends_every_level(session: Session, rows: Rows) -> None:
    """Lines 6.11, 6.12: rows that were not committed are gone, and the connection is given back."""
    session.begin_nested()
    session.add(Member(name="Ada"))
    inner = session.begin_nested()
    connection = session.connection()
    session.close()
    assert not session.in_transaction() and not inner.is_active and connection.closed
    assert rows("SELECT count(*) FROM member") == [(0,)]


def test_reset_is_close(session: Session) -> None:
    """Line 6.15: reset() takes everything out and ends the transaction."""
    ada = Member(name="Ada")
    session.add(ada)
    session.flush()
    session.reset()
    assert inspect(ada).detached and not session.in_transaction() and session.query(Member).count() == 0


def test_is_active_tells_of_failure_only(session: Session) -> None:
    """Line 6.15: active without a transaction, active in one, inactive after a failure."""
    assert session.is_active and session.get_transaction() is None
    session.begin()
    assert session.is_active and not session.in_nested_transaction()
    session.add(Member())
    with pytest.raises(Exception, match="NOT NULL"):
        session.flush()
    assert not session.is_active and session.in_transaction()
    session.rollback()
    assert session.is_active


def test_sessionmaker_begin_commits_or_rolls_back_and_closes(tables: Engine) -> None:
    """Line 6.15: as a block, from the class."""
    factory = sessionmaker(tables)
    with factory.begin() as session:
        session.add(Member(name="Ada"))
    assert not session.in_transaction() and len(session.identity_map) == 0
    with pytest.raises(ZeroDivisionError), factory.begin() as session:
        session.add(Member(name="Bob"))
        raise ZeroDivisionError
    assert not session.in_transaction()
    with factory() as session:
        assert [m.name for m in session.query(Member)] == ["Ada"]


# ── hooks ────────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_before_commit_comes_before_the_flush_of_every_level(session: Session) -> None:
    """Line 3.1: of a savepoint and of the root, while what is pending still is."""
    seen: list[tuple[int, int]] = []
    event.listen(session, "before_commit", lambda s: seen.append((s.transaction.level, len(s.new))))
    savepoint = session.begin_nested()
    session.add(Member(name="Ada"))
    savepoint.commit()
    session.add(Member(name="Bob"))
    session.commit()
    assert seen == [(1, 1), (0, 1)]


def test_after_commit_comes_while_the_connection_is_still_held(session: Session) -> None:
    """Line 3.2: it is released, and the transaction replaced, afterwards."""
    seen: list[bool] = []
    connection = session.connection()
    event.listen(session, "after_commit", lambda s: seen.append(connection.closed or s.transaction is None))
    session.commit()
    assert seen == [False] and connection.closed and session.transaction is None


def test_only_before_flush_comes_where_nothing_is_left_to_do(session: Session, fired: list[str]) -> None:
    """Line 3.5: a flush of an object that has nothing to flush."""
    idle = Member(name="idle")
    session.add(idle)
    session.commit()
    fired.clear()
    session.add(Member(name="pending"))
    session.flush([idle])
    assert fired == ["before_flush"] and len(session.new) == 1


def test_hooks_of_a_flush_inside_a_transaction_come_in_order(session: Session, fired: list[str]) -> None:
    """Line 3.9: and none of a commit."""
    session.begin()
    session.add(Member(name="Ada"))
    session.flush()
    assert fired == ["before_flush", "after_flush", "after_flush_postexec"]


def test_before_flush_is_told_which_objects(session: Session) -> None:
    """Line 3.4: the argument of flush(), or None; and it is not called where nothing is to do."""
    seen: list[Any] = []
    event.listen(session, "before_flush", lambda s, context, objects: seen.append(objects))
    session.flush()
    ada, bob = Member(name="Ada"), Member(name="Bob")
    session.add_all([ada, bob])
    session.flush([ada])
    session.flush()
    assert seen == [[ada], None]


def test_after_flush_shows_the_history_that_was_flushed(session: Session) -> None:
    """Line 3.6: new, dirty, deleted and history as before the flush, though the SQL is sent."""
    ada = Member(name="Ada", loans=[Loan(note="a")])
    session.add(ada)
    session.commit()
    assert ada.name
    seen: list[Any] = []

    @event.listens_for(session, "after_flush")
    def look(session: Session, context: Any) -> None:
        seen.append(inspect(ada).attrs.name.history)
        seen.append(session.connection().exec_driver_sql("SELECT name FROM member").scalar())

    ada.name = "Bea"
    session.flush()
    assert seen == [(["Bea"], (), ["Ada"]), "Bea"]
    assert inspect(ada).attrs.name.history == ((), ["Bea"], ())


def test_after_rollback_needs_a_transaction(session: Session, fired: list[str]) -> None:
    """Line 3.3: rollback() without one, and close() with one, call nothing."""
    session.rollback()
    session.begin()
    session.connection()
    session.close()
    assert fired == []
    session.begin()
    session.rollback()
    assert fired == ["after_rollback"]


def test_begin_calls_no_hook(session: Session, fired: list[str]) -> None:
    """Line 3.14: nor does taking a savepoint of nothing."""
    session.begin()
    session.begin_nested()
    assert fired == []


# ── constructor ──────────────────────────────────────────────────────────────────────────────────────────────────────
def test_autoflush_needs_a_transaction_that_allows_it(session: Session) -> None:
    """Line 5.2: in a no_autoflush block a query sees only rows; afterwards it flushes again."""
    session.add(Member(name="Ada"))
    with session.no_autoflush as same:
        assert same is session and session.query(Member).count() == 0
    assert session.query(Member).count() == 1


def test_each_join_mode_begins_its_own_where_nothing_was_begun(tables: Engine) -> None:
    """Line 5.12: on a Connection without a transaction all four commit."""
    for number, mode in enumerate(("conditional_savepoint", "rollback_only", "control_fully", "create_savepoint"), 1):
        with tables.connect() as connection, Session(connection, join_transaction_mode=mode) as session:
            session.add(Tool(name=mode))
            session.commit()
            assert not connection.in_transaction()
        with Session(tables) as session:
            assert session.query(Tool).count() == number


def test_info_is_a_copy_for_notes(tables: Engine) -> None:
    """Line 5.12: info belongs to the session."""
    given = {"user": "Ada"}
    session = Session(tables, info=given)
    session.info["page"] = 3
    assert given == {"user": "Ada"} and session.info == {"user": "Ada", "page": 3} and Session(tables).info == {}


def test_a_strong_map_forgets_what_was_deleted(tables: Engine) -> None:
    """Line 5.6: a deleted object is not held by the map."""
    with Session(tables, weak_identity_map=False) as session, statements_of(session):
        ada = Member(name="Ada")
        session.add(ada)
        session.commit()
        session.delete(ada)
        session.commit()
        assert len(session.identity_map) == 0
        with expect_statements(session, 1):
            assert session.get(Member, 1) is None
