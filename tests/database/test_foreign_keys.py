"""foreign_keys="checked", "native" and "off": when a reference to nothing is noticed. The same on both databases."""

from __future__ import annotations

import pytest

from nbsession import exc
from nbsession.database import RowDelete, RowInsert, RowUpdate, create_engine
from nbsession.sql.schema import Column, ForeignKeyConstraint, MetaData, Table
from nbsession.sql.textual import text
from nbsession.sql.types import Integer


@pytest.fixture
def rows(connection, shop):
    connection.insert_rows(RowInsert(shop.tool, (shop.tool.c.id, shop.tool.c.name), None), [(1, "saw"), (2, "axe")])
    connection.insert_rows(RowInsert(shop.loan, (shop.loan.c.id, shop.loan.c.tool_id), None), [(1, 1), (2, None)])
    connection.commit()


def test_parent_may_come_after_the_child(connection, shop):
    connection.insert_rows(RowInsert(shop.loan, (shop.loan.c.tool_id,), shop.loan.c.id), [(1,), (2,)])
    connection.insert_rows(RowInsert(shop.tool, (shop.tool.c.name,), shop.tool.c.id), [("saw",), ("axe",)])
    connection.commit()


def test_orphan_is_found_at_commit_and_named(connection, shop):
    connection.insert_rows(RowInsert(shop.loan, (shop.loan.c.tool_id,), shop.loan.c.id), [(1,)])
    with pytest.raises(exc.IntegrityError, match=r"FOREIGN KEY constraint failed at COMMIT.*loan.*tool"):
        connection.commit()
    assert not connection.in_transaction()
    assert connection.fetch("SELECT * FROM loan") == []


def test_deleting_the_parent_is_found(connection, shop, rows):
    connection.delete_rows(RowDelete(shop.tool, (shop.tool.c.id,)), [(1,), (2,)])
    with pytest.raises(exc.IntegrityError, match="FOREIGN KEY"):
        connection.commit()


def test_child_then_parent_in_one_transaction(connection, shop, rows):
    connection.delete_rows(RowDelete(shop.loan, (shop.loan.c.id,)), [(1,)])
    connection.delete_rows(RowDelete(shop.tool, (shop.tool.c.id,)), [(1,)])
    connection.commit()


def test_repoint_then_delete(connection, shop, rows):
    connection.delete_rows(RowDelete(shop.tool, (shop.tool.c.id,)), [(1,)])
    connection.update_rows(RowUpdate(shop.loan, (shop.loan.c.tool_id,), (shop.loan.c.id,)), [(2, 1)])
    connection.commit()


def test_update_to_a_parent_that_is_not_there(connection, shop, rows):
    connection.update_rows(RowUpdate(shop.loan, (shop.loan.c.tool_id,), (shop.loan.c.id,)), [(99, 1), (2, 2)])
    with pytest.raises(exc.IntegrityError, match="FOREIGN KEY"):
        connection.commit()


def test_changing_the_parents_key_is_found(connection, shop, rows):
    connection.update_rows(RowUpdate(shop.tool, (shop.tool.c.id,), (shop.tool.c.id,)), [(5, 1)])
    with pytest.raises(exc.IntegrityError, match="FOREIGN KEY"):
        connection.commit()


def test_changing_both_keys(connection, shop, rows):
    connection.update_rows(RowUpdate(shop.tool, (shop.tool.c.id,), (shop.tool.c.id,)), [(5, 1)])
    connection.update_rows(RowUpdate(shop.loan, (shop.loan.c.tool_id,), (shop.loan.c.id,)), [(5, 1)])
    connection.commit()


def test_row_gone_again_before_commit_breaks_nothing(connection, shop):
    nested = connection.begin_nested()
    connection.insert_rows(RowInsert(shop.loan, (shop.loan.c.tool_id,), shop.loan.c.id), [(1,)])
    nested.rollback()
    connection.insert_rows(RowInsert(shop.loan, (shop.loan.c.id, shop.loan.c.tool_id), None), [(4, 7), (5, None)])
    connection.delete_rows(RowDelete(shop.loan, (shop.loan.c.id,)), [(4,)])
    connection.commit()


def test_what_other_sql_breaks_is_found_too(connection, shop, rows):
    connection.execute(text("DELETE FROM tool WHERE id = 1"))
    with pytest.raises(exc.IntegrityError, match="FOREIGN KEY"):
        connection.commit()
    connection.execute(shop.loan.update().values(tool_id=77))
    with pytest.raises(exc.IntegrityError, match="FOREIGN KEY"):
        connection.commit()
    connection.execute(shop.loan.insert(), [{"tool_id": 78}, {"tool_id": 1}])
    with pytest.raises(exc.IntegrityError, match="FOREIGN KEY"):
        connection.commit()


@pytest.mark.parametrize(
    "sql",
    [
        'DELETE FROM "tool" WHERE id = 1',
        "delete /* why */ from main.tool where id = 1",
        "WITH q AS (SELECT 1 AS id) UPDATE tool SET id = 7 WHERE id IN (SELECT id FROM q)",
        "INSERT INTO Loan (id, tool_id) VALUES (8, 9)",
    ],
)
def test_sql_by_hand_is_looked_at_whatever_its_form(connection, shop, rows, sql):
    connection.exec_driver_sql(sql)
    with pytest.raises(exc.IntegrityError, match="FOREIGN KEY"):
        connection.commit()


def test_sql_by_hand_has_only_its_own_tables_looked_at(shop):
    engine = create_engine("duckdb://")
    shop.metadata.create_all(engine)
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE TABLE other (id INTEGER)")
        connection.commit()
        asked = []
        ask = connection._link.ask
        connection._link.ask = lambda sql, *rest: asked.append(sql) or ask(sql, *rest)
        connection.exec_driver_sql("INSERT INTO other VALUES (1)")
        connection.commit()
        assert not any("NOT EXISTS" in sql for sql in asked)
        connection.exec_driver_sql("DELETE FROM tool")
        connection.commit()
        assert sum("NOT EXISTS" in sql for sql in asked) == 1
    engine.dispose()


def test_keys_of_two_columns_and_of_a_table_to_itself(database_url):
    metadata = MetaData()
    table = Table(
        "t",
        metadata,
        Column("a", Integer, primary_key=True),
        Column("b", Integer, primary_key=True),
        Column("up_a", Integer),
        Column("up_b", Integer),
        ForeignKeyConstraint(["up_a", "up_b"], ["t.a", "t.b"]),
    )
    engine = create_engine(database_url)
    metadata.create_all(engine)
    write = RowInsert(table, tuple(table.c), None)
    with engine.begin() as connection:
        connection.insert_rows(write, [(1, 2, 3, 4), (3, 4, 1, 2), (5, 6, None, 7)])
    with pytest.raises(exc.IntegrityError, match="FOREIGN KEY"), engine.begin() as connection:
        connection.delete_rows(RowDelete(table, (table.c.a, table.c.b)), [(1, 2)])
    engine.dispose()


def test_native_is_refused_by_the_statement(database_url, shop):
    engine = create_engine(database_url, foreign_keys="native")
    shop.metadata.create_all(engine)
    with engine.connect() as connection, pytest.raises(exc.IntegrityError, match=r"(?i)foreign key"):
        connection.insert_rows(RowInsert(shop.loan, (shop.loan.c.tool_id,), shop.loan.c.id), [(1,)])
    engine.dispose()


def test_off_checks_nothing(database_url, shop):
    engine = create_engine(database_url, foreign_keys="off")
    shop.metadata.create_all(engine)
    with engine.begin() as connection:
        connection.insert_rows(RowInsert(shop.loan, (shop.loan.c.tool_id,), shop.loan.c.id), [(1,)])
    engine.dispose()


def test_foreign_keys_survive_reopening(file_database_url, shop):
    shop.tool.comment = "what is lent"
    engine = create_engine(file_database_url)
    shop.metadata.create_all(engine)
    engine.dispose()
    again, metadata = create_engine(file_database_url), MetaData()
    metadata.reflect(again)
    assert [key.target_fullname for key in metadata.tables["loan"].foreign_keys] == ["tool.id"]
    assert metadata.tables["tool"].comment in (None, "what is lent")
    loan = metadata.tables["loan"]
    with pytest.raises(exc.IntegrityError), again.begin() as connection:
        connection.insert_rows(RowInsert(loan, (loan.c.tool_id,), loan.c.id), [(9,)])
    again.dispose()


def test_sql_alone_on_a_reopened_database_is_checked_too(file_database_url, shop):
    engine = create_engine(file_database_url)
    shop.metadata.create_all(engine)
    engine.dispose()
    again = create_engine(file_database_url)
    with pytest.raises(exc.IntegrityError, match="FOREIGN KEY"), again.begin() as connection:
        connection.exec_driver_sql("INSERT INTO loan (id, tool_id) VALUES (1, 5)")
    again.dispose()


def test_tables_dropped_after_writing_to_them(engine, shop):
    with engine.begin() as connection:
        connection.insert_rows(RowInsert(shop.loan, (shop.loan.c.id, shop.loan.c.tool_id), None), [(1, 5)])
        shop.metadata.drop_all(connection)
