"""Savepoints on DuckDB: what they restore, and when they are refused."""

from __future__ import annotations

import datetime as dt

import pytest

from nbsession import exc
from nbsession.database import RowInsert, RowUpdate, create_engine
from nbsession.database.duckdb.redo import Journal
from nbsession.sql.schema import Column, MetaData, Table
from nbsession.sql.textual import text
from nbsession.sql.types import DateTime, Integer, String


@pytest.fixture
def database_url():
    return "duckdb://"


@pytest.fixture
def write(shop):
    return RowInsert(shop.tool, (shop.tool.c.name,), shop.tool.c.id)


def names(connection):
    return [row[0] for row in connection.fetch("SELECT name FROM tool ORDER BY id")]


def test_key_drawn_in_a_savepoint_that_is_rolled_back_is_given_again(connection, write):
    connection.insert_rows(write, [("saw",)])
    nested = connection.begin_nested()
    assert list(connection.insert_rows(write, [("axe",), ("bit",)])) == [2, 3]
    nested.rollback()
    assert list(connection.insert_rows(write, [("file",)])) == [2]


def test_ddl_is_rolled_back_and_redone(connection, shop, write):
    connection.exec_driver_sql("CREATE TABLE before (a INTEGER)")
    nested = connection.begin_nested()
    connection.exec_driver_sql("CREATE TABLE inside (a INTEGER)")
    connection.exec_driver_sql("ALTER TABLE tool ADD COLUMN colour VARCHAR")
    nested.rollback()
    assert connection.exec_driver_sql("SELECT count(*) FROM before").scalar() == 0
    with pytest.raises(exc.ProgrammingError, match="inside"):
        connection.exec_driver_sql("SELECT * FROM inside")
    assert list(connection.insert_rows(write, [("saw",), ("axe",)])) == [1, 2]
    connection.commit()
    assert names(connection) == ["saw", "axe"]


def test_typing_error_does_not_cost_the_transaction(connection, write):
    connection.insert_rows(write, [("saw",)])
    for sql in ("selec", "SELECT * FROM nowhere", "SELECT zork FROM tool"):
        with pytest.raises(exc.ProgrammingError):
            connection.exec_driver_sql(sql)
        assert not connection.transaction_aborted
    connection.commit()
    assert names(connection) == ["saw"]


def test_after_an_error_only_rollback_helps(connection, write):
    connection.insert_rows(write, [("saw",)])
    with pytest.raises(exc.IntegrityError):
        connection.insert_rows(write, [("saw",)])
    assert connection.transaction_aborted
    for use in (
        lambda: connection.fetch("SELECT 1"),
        lambda: connection.insert_rows(write, [("axe",)]),
        lambda: connection.exec_driver_sql("SELECT 1"),
        connection.begin_nested,
    ):
        with pytest.raises(exc.InternalError, match="current transaction is aborted") as caught:
            use()
        assert "duplicate key" in str(caught.value) and "rollback()" in str(caught.value)
    connection.rollback()
    assert names(connection) == []


def test_commit_after_an_error_raises_instead_of_losing_rows_silently(connection, write):
    connection.insert_rows(write, [("saw",)])
    with pytest.raises(exc.IntegrityError):
        connection.insert_rows(write, [("saw",)])
    with pytest.raises(exc.InternalError, match="COMMIT refused"):
        connection.commit()
    assert not connection.in_transaction() and not connection.transaction_aborted
    assert names(connection) == []
    connection.insert_rows(write, [("axe",)])
    connection.commit()
    assert names(connection) == ["axe"]


def test_commit_probes_the_transaction_itself(connection, write):
    connection.insert_rows(write, [("saw",)])
    with pytest.raises(Exception, match="duplicate"):
        connection._link.raw.execute("INSERT INTO tool VALUES (1, 'x', 1)")  # behind the link's back
    with pytest.raises(exc.OperationalError, match="aborted"):
        connection.commit()
    assert not connection.in_transaction()


def test_release_after_an_error_is_refused_and_rollback_to_helps(connection, write):
    connection.insert_rows(write, [("saw",)])
    nested = connection.begin_nested()
    with pytest.raises(exc.IntegrityError):
        connection.insert_rows(write, [("saw",)])
    with pytest.raises(exc.InternalError, match="aborted"):
        nested.commit()
    nested.rollback()
    connection.insert_rows(write, [("axe",)])
    connection.commit()
    assert names(connection) == ["saw", "axe"]


def test_commit_of_another_connection_makes_rollback_to_impossible(engine, connection, shop, write):
    connection.insert_rows(write, [("saw",)])
    nested = connection.begin_nested()
    connection.insert_rows(write, [("axe",)])
    with engine.begin() as other:
        other.exec_driver_sql("CREATE TABLE other (a INTEGER)")
    with pytest.raises(exc.SerializationError, match=r"another connection committed.*begin again"):
        nested.rollback()
    assert not connection.in_transaction() and not nested.is_active
    assert names(connection) == []


def test_reading_by_others_does_not_disturb(engine, connection, write):
    connection.insert_rows(write, [("saw",)])
    nested = connection.begin_nested()
    connection.insert_rows(write, [("axe",)])
    for _ in range(3):
        with engine.connect() as other:
            assert names(other) == []
            other.commit()
    nested.rollback()
    assert names(connection) == ["saw"]


def test_foreign_handle_on_the_file_is_noticed(tmp_path, shop):
    import duckdb

    path = tmp_path / "x.duckdb"
    engine = create_engine(f"duckdb:///{path}")
    shop.metadata.create_all(engine)
    with engine.connect() as connection:
        connection.exec_driver_sql("INSERT INTO tool (id, name) VALUES (1, 'saw')")
        nested = connection.begin_nested()
        connection.exec_driver_sql("INSERT INTO tool (id, name) VALUES (2, 'axe')")
        handle = duckdb.connect(str(path))
        handle.execute("CREATE TABLE theirs (a INTEGER)")
        handle.close()
        with pytest.raises(exc.SerializationError):
            nested.rollback()
    engine.dispose()


def test_large_transaction_on_a_file_can_be_rebuilt(tmp_path, shop, write):
    engine = create_engine(f"duckdb:///{tmp_path / 'x.duckdb'}")
    shop.metadata.create_all(engine)
    with engine.connect() as connection:
        connection.insert_rows(write, [(f"n{i}",) for i in range(130_000)])
        nested = connection.begin_nested()
        connection.insert_rows(write, [("axe",)])
        nested.rollback()
        assert connection.exec_driver_sql("SELECT count(*) FROM tool").scalar() == 130_000
        connection.rollback()
    engine.dispose()


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO tool (id, price) SELECT 1, (random() * 1000000)::INTEGER",
        "UPDATE tool SET price = (random() * 1000000)::INTEGER",
        "INSERT INTO tool (id, name) VALUES (5, now()::VARCHAR)",
        "INSERT INTO tool (id, price) SELECT 9, nextval('s')",
        "INSERT INTO tool (id, price) VALUES (9, 9) RETURNING random()",
    ],
)
def test_raw_sql_that_is_not_deterministic_is_refused_not_repeated(connection, write, sql):
    connection.exec_driver_sql("CREATE SEQUENCE s")
    connection.insert_rows(write, [("saw",)] if "INTO" not in sql or "(5" in sql or "9," in sql else [])
    connection.commit()
    connection.exec_driver_sql(sql)
    nested = connection.begin_nested()
    connection.insert_rows(write, [("axe",)])
    with pytest.raises(exc.ReplayDivergence, match="begin again and repeat it"):
        nested.rollback()
    assert not connection.in_transaction()
    assert "axe" not in names(connection)


@pytest.mark.parametrize("sql", ["UPDATE tool SET price = 5 WHERE id = 1", "DELETE FROM tool WHERE id = 1"])
def test_a_row_that_another_transaction_takes_while_a_savepoint_is_rebuilt_is_no_divergence(
    engine, connection, write, monkeypatch, sql
):
    """Between the rollback of the whole and its repetition nobody holds the row."""
    connection.insert_rows(write, [("saw",)])
    connection.commit()
    connection.exec_driver_sql(sql)
    nested = connection.begin_nested()
    connection.insert_rows(write, [("axe",)])
    with engine.connect() as other:
        again = Journal._again

        def meanwhile(journal, begin):
            again(journal, begin)
            if not other.in_transaction():
                other.exec_driver_sql(sql)

        monkeypatch.setattr(Journal, "_again", meanwhile)
        with pytest.raises(exc.SerializationError, match="failed when it was repeated"):
            nested.rollback()
        assert not connection.in_transaction()
        other.rollback()
    assert names(connection) == ["saw"]


def test_raw_sql_that_is_deterministic_is_repeated(connection, write):
    connection.insert_rows(write, [("saw",), ("axe",)])
    connection.exec_driver_sql("UPDATE tool SET price = id * 2")
    connection.execute(text("INSERT INTO loan (id, tool_id) SELECT id, id FROM tool WHERE price > :p"), {"p": 2})
    nested = connection.begin_nested()
    connection.exec_driver_sql("DELETE FROM loan")
    nested.rollback()
    assert connection.fetch("SELECT * FROM loan") == [(2, 2)]
    assert connection.fetch("SELECT price FROM tool ORDER BY id") == [(2,), (4,)]


def test_defaults_like_now_are_evaluated_once(database_url):
    engine = create_engine(database_url)
    metadata = MetaData()
    table = Table(
        "t",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("v", String),
        Column("at", DateTime, server_default=text("now()")),
        Column("dice", Integer, server_default=text("(random() * 1000000)::INTEGER")),
        Column("kind", String, server_default="plain"),
    )
    metadata.create_all(engine)
    with engine.connect() as connection:
        connection.insert_rows(RowInsert(table, (table.c.v,), table.c.id), [("a",)])
        connection.insert_rows(RowInsert(table, (table.c.v,), table.c.id), [("b",), ("c",)])
        before = connection.fetch("SELECT * FROM t ORDER BY id")
        nested = connection.begin_nested()
        connection.insert_rows(RowInsert(table, (table.c.v,), table.c.id), [("d",)])
        nested.rollback()
        assert connection.fetch("SELECT * FROM t ORDER BY id") == before
        assert before[1][3] != before[2][3] and before[0][4] == "plain"
        assert isinstance(before[0][2], dt.datetime)
    engine.dispose()


def test_attach_blocks_savepoints_and_is_refused_inside_one(connection, tmp_path):
    attach = f"ATTACH '{tmp_path / 'other.duckdb'}' AS other"
    nested = connection.begin_nested()
    with pytest.raises(exc.SavepointError, match="ATTACH"):
        connection.exec_driver_sql(attach)
    nested.rollback()
    connection.commit()
    connection.exec_driver_sql(attach)
    with pytest.raises(exc.SavepointError, match="Commit first"):
        connection.begin_nested()
    connection.rollback()


def test_several_statements_in_one_text(connection):
    connection.exec_driver_sql("CREATE TABLE a (x INTEGER); INSERT INTO a VALUES (1); INSERT INTO a VALUES (2)")
    nested = connection.begin_nested()
    connection.exec_driver_sql("INSERT INTO a VALUES (3); DELETE FROM a WHERE x = 1")
    nested.rollback()
    assert connection.fetch("SELECT * FROM a ORDER BY x") == [(1,), (2,)]
    with pytest.raises(exc.InvalidRequestError, match="COMMIT as SQL is refused"):
        connection.exec_driver_sql("INSERT INTO a VALUES (4); COMMIT")
    with pytest.raises(exc.ArgumentError, match="several"):
        connection.exec_driver_sql("SELECT ?; SELECT ?", (1,))


def test_parameters_of_raw_sql_are_kept_by_value(connection):
    connection.exec_driver_sql("CREATE TABLE a (x INTEGER[])")
    given = [1, 2]
    connection.exec_driver_sql("INSERT INTO a VALUES (?)", (given,))
    nested = connection.begin_nested()
    given.append(3)
    connection.exec_driver_sql("DELETE FROM a")
    nested.rollback()
    assert connection.fetch("SELECT * FROM a") == [([1, 2],)]


def test_nan_in_a_journal_replays(connection):
    connection.exec_driver_sql("CREATE TABLE a (x DOUBLE)")
    assert connection.exec_driver_sql("INSERT INTO a VALUES (?) RETURNING x", (float("nan"),)).all() != []
    nested = connection.begin_nested()
    connection.exec_driver_sql("INSERT INTO a VALUES (1)")
    nested.rollback()
    assert connection.exec_driver_sql("SELECT count(*) FROM a").scalar() == 1


def test_conflict_with_another_transaction(engine, connection, shop, write):
    connection.insert_rows(write, [("saw",)])
    connection.commit()
    update = RowUpdate(shop.tool, (shop.tool.c.price,), (shop.tool.c.id,))
    with engine.connect() as other:
        other.update_rows(update, [(1, 1)])
        with pytest.raises(exc.OperationalError, match=r"Conflict.*roll back, read again"):
            connection.update_rows(update, [(2, 1)])
        other.commit()
    connection.rollback()


def test_clash_found_at_commit_is_an_integrity_error(engine, connection, shop):
    write = RowInsert(shop.tool, (shop.tool.c.id, shop.tool.c.name), None)
    connection.insert_rows(write, [(5, "saw")])
    with engine.connect() as other:
        other.insert_rows(write, [(5, "axe")])
        other.commit()
    with pytest.raises(exc.IntegrityError):
        connection.commit()
    assert names(connection) == ["axe"]
