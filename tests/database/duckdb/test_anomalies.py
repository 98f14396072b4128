"""What DuckDB does silently and nbsession does not let happen. Each is shown to happen where the protection is taken away."""

from __future__ import annotations

import pytest

from nbsession import (
    DeclarativeBase,
    ForeignKey,
    Mapped,
    Session,
    create_engine,
    delete,
    exc,
    mapped_column,
    relationship,
    text,
    update,
)
from nbsession.database.duckdb.foreign_keys import TouchedKeys
from nbsession.database.duckdb.link import DuckDBLink
from nbsession.database.duckdb.races import Races
from nbsession.database.duckdb.redo import Journal


class Base(DeclarativeBase):
    pass


class Tool(Base):
    __tablename__ = "tool"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None] = mapped_column(unique=True)
    price: Mapped[int | None]
    loans: Mapped[list[Loan]] = relationship(back_populates="tool")


class Loan(Base):
    __tablename__ = "loan"
    id: Mapped[int] = mapped_column(primary_key=True)
    tool_id: Mapped[int | None] = mapped_column(ForeignKey("tool.id"))
    tool: Mapped[Tool | None] = relationship(back_populates="loans")


@pytest.fixture(params=["memory", "file"])
def engine(request, tmp_path):
    engine = create_engine("duckdb://" if request.param == "memory" else f"duckdb:///{tmp_path / 'x.duckdb'}")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all([Tool(id=1, name="saw", price=1), Tool(id=2, name="axe", price=2), Loan(id=1, tool_id=2)])
        session.execute(text("CREATE TABLE stock (id INTEGER PRIMARY KEY, price INTEGER)"))
        session.commit()
    yield engine
    engine.dispose()


@pytest.fixture
def sessions(engine):
    """Two sessions that have both begun."""
    with Session(engine) as one, Session(engine) as two:
        for session in (one, two):
            session.execute(text("SELECT 1 FROM tool"))
        yield one, two


@pytest.fixture
def unprotected(monkeypatch):
    """Takes a protection away."""

    def take(what):
        match what:
            case "races":
                monkeypatch.setattr(Races, "check", lambda *args: None)
            case "aborted":
                monkeypatch.setattr(DuckDBLink, "failed", lambda *args: None)
                monkeypatch.setattr(Journal, "in_doubt", False)
                ask = DuckDBLink.ask
                monkeypatch.setattr(TouchedKeys, "check", lambda *args: None)
                monkeypatch.setattr(
                    DuckDBLink, "ask", lambda link, sql, *rest: [] if sql == "SELECT 1" else ask(link, sql, *rest)
                )
            case "upserts":
                monkeypatch.setattr("nbsession.database.duckdb.link.check_upsert", lambda *args: None)

    return take


def rows(engine, sql):
    with engine.connect() as connection:
        return connection.exec_driver_sql(sql).all()


def both_commit(first, second):
    first.commit()
    second.commit()


# ── an update against a concurrent delete ────────────────────────────────────────────────────────────────────────────
def change(session):
    session.get(Tool, 1).price = 100
    session.flush()


def change_by_statement(session):
    session.execute(update(Tool).where(Tool.id == 1).values(price=100))


def change_by_text(session):
    session.execute(text("UPDATE tool SET price = 100 WHERE id = 1"))


def remove(session):
    session.delete(session.get(Tool, 1))
    session.flush()


def remove_by_statement(session):
    session.execute(delete(Tool).where(Tool.id == 1))


def rename_key(session):
    session.get(Tool, 1).id = 10
    session.flush()


def rename(session):
    session.get(Tool, 1).name = "bow saw"
    session.flush()


LOSING = [
    (change, remove),
    (remove, change),
    (change, remove_by_statement),
    (change_by_statement, remove),
    (remove, change_by_text),
    (change, rename_key),
    (change, rename),  # DuckDB deletes and inserts the row, because an index holds the name
    (rename, change),
]


@pytest.mark.parametrize(("mine", "theirs"), LOSING)
def test_update_is_not_lost_to_a_concurrent_delete(engine, sessions, mine, theirs):
    one, two = sessions
    mine(one)
    theirs(two)
    two.commit()
    with pytest.raises(exc.OperationalError, match=r"Conflict at COMMIT: another transaction .* tool.*read again"):
        one.commit()
    one.rollback()
    assert not one.in_transaction()


@pytest.mark.parametrize(("mine", "theirs"), LOSING)
def test_unprotected_the_update_is_lost_without_a_word(engine, sessions, unprotected, mine, theirs):
    unprotected("races")
    one, two = sessions
    mine(one)
    theirs(two)
    both_commit(two, one)
    found = rows(engine, "SELECT name, price FROM tool WHERE id IN (1, 10)")
    assert ("bow saw", 100) not in found and (len(found) == 0 or 100 not in found[0] or "saw" in found[0])


@pytest.mark.parametrize(("mine", "theirs"), LOSING)
def test_one_transaction_after_the_other_is_no_conflict(engine, mine, theirs):
    for deed in (mine, theirs) if theirs is not change else (theirs, mine):
        with Session(engine) as session:
            if session.get(Tool, 1) is not None:
                deed(session)
            session.commit()


def test_other_rows_are_no_conflict(engine, sessions):
    one, two = sessions
    one.get(Tool, 1).price = 100
    two.delete(two.get(Loan, 1))
    two.delete(two.get(Tool, 2))
    one.flush()
    both_commit(two, one)
    assert rows(engine, "SELECT id, price FROM tool") == [(1, 100)]


def test_other_columns_of_a_row_are_no_conflict_where_no_index_holds_them(engine):
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE wide (id INTEGER PRIMARY KEY, a INTEGER, b INTEGER)")
        connection.exec_driver_sql("INSERT INTO wide VALUES (1, 0, 0)")
    with engine.connect() as one, engine.connect() as two:
        one.exec_driver_sql("UPDATE wide SET a = 1 WHERE id = 1")
        two.exec_driver_sql("UPDATE wide SET b = 2 WHERE id = 1")
        both_commit(one, two)
    assert rows(engine, "SELECT a, b FROM wide") == [(1, 2)]


def test_what_was_rolled_back_is_no_conflict(engine, sessions):
    one, two = sessions
    nested = one.begin_nested()
    change(one)
    nested.rollback()
    rename_tool = one.get(Tool, 2)
    rename_tool.price = 7
    remove(two)
    two.commit()
    one.commit()
    assert rows(engine, "SELECT id, price FROM tool") == [(2, 7)]


def test_reader_that_stays_open_costs_nobody_a_commit(engine):
    with engine.connect() as reader:
        reader.fetch("SELECT * FROM tool")
        for price in range(3):
            with Session(engine) as session:
                session.get(Tool, 1).price = price
                session.commit()
        assert reader.fetch("SELECT price FROM tool WHERE id = 1") == [(1,)]
        reader.commit()
    races = engine._source._database.races
    assert not races._left and not races._open


# ── two transactions and a foreign key ───────────────────────────────────────────────────────────────────────────────
def lend(session):
    session.add(Loan(id=9, tool=session.get(Tool, 1)))
    session.flush()


def lend_by_text(session):
    session.execute(text("INSERT INTO loan (id, tool_id) VALUES (9, 1)"))


def lend_another(session):
    session.get(Loan, 1).tool_id = 1
    session.flush()


def remove_by_text(session):
    session.execute(text("DELETE FROM tool WHERE id = 1"))


ORPHANING = [
    (lend, remove),
    (remove, lend),
    (lend_by_text, remove),
    (remove, lend_by_text),
    (lend, remove_by_text),
    (remove_by_text, lend),
    (remove_by_text, lend_by_text),
    (lend_by_text, remove_by_text),
    (lend_another, remove),
    (remove, lend_another),
]
ORPHANS = "SELECT tool_id FROM loan WHERE tool_id NOT IN (SELECT id FROM tool)"


@pytest.mark.parametrize(("mine", "theirs"), ORPHANING)
def test_two_transactions_leave_no_orphan(engine, sessions, mine, theirs):
    one, two = sessions
    mine(one)
    theirs(two)
    two.commit()
    with pytest.raises(exc.IntegrityError, match=r"FOREIGN KEY constraint failed at COMMIT: another transaction"):
        one.commit()
    assert rows(engine, ORPHANS) == []


@pytest.mark.parametrize(("mine", "theirs"), ORPHANING)
def test_unprotected_they_leave_one(engine, sessions, unprotected, mine, theirs):
    unprotected("races")
    one, two = sessions
    mine(one)
    theirs(two)
    both_commit(two, one)
    assert rows(engine, ORPHANS) == [(1,)]


def test_orphans_on_a_file_that_no_metadata_describes(tmp_path):
    url = f"duckdb:///{tmp_path / 'x.duckdb'}"
    engine = create_engine(url)
    Base.metadata.create_all(engine)
    engine.dispose()
    again = create_engine(url)
    with again.begin() as connection:
        connection.exec_driver_sql("INSERT INTO tool (id) VALUES (1)")
    with again.connect() as one, again.connect() as two:
        one.exec_driver_sql("INSERT INTO loan VALUES (1, 1)")
        two.exec_driver_sql("DELETE FROM tool")
        two.commit()
        with pytest.raises(exc.IntegrityError, match="FOREIGN KEY"):
            one.commit()
    again.dispose()


def test_parents_and_children_of_two_transactions_do_not_disturb(engine, sessions):
    one, two = sessions
    one.add(Tool(id=5, name="bit", loans=[Loan(id=5)]))
    two.add(Tool(id=6, name="file", loans=[Loan(id=6)]))
    two.get(Loan, 1).tool_id = 1
    two.flush()
    two.delete(two.get(Tool, 2))
    one.flush()
    both_commit(two, one)
    assert rows(engine, ORPHANS) == [] and len(rows(engine, "SELECT id FROM loan")) == 3


def test_parent_that_is_there_again_is_no_orphans(engine, sessions):
    one, two = sessions
    remove_by_text(two)
    two.execute(text("INSERT INTO tool (id, name) VALUES (1, 'new')"))
    two.commit()
    lend_by_text(one)
    one.commit()
    assert rows(engine, ORPHANS) == []


# ── COMMIT after an error ────────────────────────────────────────────────────────────────────────────────────────────
def clash_and_commit(engine):
    with engine.connect() as connection:
        connection.exec_driver_sql("INSERT INTO tool (id, name) VALUES (7, 'bit')")
        with pytest.raises(exc.IntegrityError):
            connection.exec_driver_sql("INSERT INTO tool (id, name) VALUES (8, 'saw')")
        connection.commit()


def test_commit_after_an_error_is_refused(engine):
    with pytest.raises(exc.InternalError, match=r"COMMIT refused.*aborted"):
        clash_and_commit(engine)


def test_unprotected_it_succeeds_and_the_rows_are_gone(engine, unprotected):
    unprotected("aborted")
    clash_and_commit(engine)
    assert rows(engine, "SELECT * FROM tool WHERE id = 7") == []


# ── a row twice in one upsert ────────────────────────────────────────────────────────────────────────────────────────
ON_ID = " ON CONFLICT (id) DO UPDATE SET price = excluded.price"
UPSERTS = [
    ("INSERT INTO tool (id, price) VALUES (?, ?), (?, ?)" + ON_ID, (1, 10, 1, 20)),
    ("INSERT INTO tool VALUES (3, 'c', 10), (3, 'c', 20)" + ON_ID + " RETURNING id", ()),
    ("insert into tool (name, id, price) select 'saw', 1, n from range(10, 30, 10) r(n)" + ON_ID.lower(), ()),
    ("INSERT OR REPLACE INTO stock SELECT * FROM (VALUES (1, 10), (1, 20))", ()),
    ("WITH q AS (SELECT unnest([10, 20]) n) INSERT INTO stock SELECT 1, n FROM q" + ON_ID.replace("(id) ", ""), ()),
    ("INSERT INTO tool (id, price) VALUES ('1', 10), ('01', 20)" + ON_ID + " WHERE tool.price < 100", ()),
    ("INSERT INTO tool (id, price) VALUES (3, 10), (4, 20) ON CONFLICT (name) DO UPDATE SET price = 5", ()),
    (
        "INSERT INTO tool (id, name, price) VALUES (3, NULL, 10), (4, NULL, 20) ON CONFLICT (name) DO UPDATE SET price = 5",
        (),
    ),
]


@pytest.mark.parametrize(("sql", "params"), UPSERTS)
def test_row_twice_in_an_upsert_is_refused(engine, sql, params):
    with engine.connect() as connection:
        with pytest.raises(exc.IntegrityError, match="cannot affect row a second time"):
            connection.exec_driver_sql(sql, params)
        assert not connection.transaction_aborted  # nothing was sent
        assert connection.fetch("SELECT count(*) FROM tool") == [(2,)] and connection.fetch("FROM stock") == []


@pytest.mark.parametrize(("sql", "params"), UPSERTS)
def test_unprotected_the_first_stays_and_the_last_is_lost(engine, unprotected, sql, params):
    unprotected("upserts")
    with engine.connect() as connection:
        connection.exec_driver_sql(sql, params)
        prices = connection.fetch("SELECT price FROM tool UNION ALL SELECT price FROM stock")
        assert (10,) in prices and (20,) not in prices


@pytest.mark.parametrize(
    ("sql", "params", "count"),
    [
        ("INSERT INTO tool VALUES (1, 'saw', 5), (3, 'c', 6)" + ON_ID, (), 3),
        ("INSERT INTO tool (price) SELECT 5 FROM range(0)" + ON_ID, (), 2),
        ("INSERT INTO tool VALUES (?, 'c', 1), (?, 'd', 1) ON CONFLICT (id) DO NOTHING", (3, 4), 4),
        ("INSERT INTO tool SELECT id, 'on conflict do update', ? FROM tool WHERE id = 1" + ON_ID + " + ?", (4, 4), 2),
    ],
)
def test_upsert_of_different_rows_is_sent(engine, sql, params, count):
    with engine.connect() as connection:
        connection.exec_driver_sql(sql, params)
        assert connection.fetch("SELECT count(*) FROM tool") == [(count,)]


def test_upsert_in_several_sets_is_one_after_the_other(engine):
    with engine.connect() as connection:
        connection.exec_driver_sql(
            "INSERT INTO tool (id, price) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET price = excluded.price",
            [(1, 10), (1, 20)],
        )
        assert connection.fetch("SELECT price FROM tool WHERE id = 1") == [(20,)]
