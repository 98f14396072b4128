"""Connection.execute: statements of sql/ with their values and rows, on both databases."""

from __future__ import annotations

import pytest

from nbsession import exc
from nbsession.database import create_engine
from nbsession.sql.expression import bindparam, select
from nbsession.sql.functions import func
from nbsession.sql.schema import Column, MetaData, Table
from nbsession.sql.textual import text
from nbsession.sql.types import Boolean, DateTime, Integer, String


@pytest.fixture
def tools(connection, shop):
    connection.execute(
        shop.tool.insert(), [{"name": "saw", "price": 5}, {"name": "axe", "price": None}, {"name": "bit", "price": 1}]
    )
    return shop.tool


def test_select_gives_named_rows(connection, tools):
    row = connection.execute(select(tools.c.id, tools.c.name).where(tools.c.price > 1)).one()
    assert (row.id, row.name) == (1, "saw") and row == (1, "saw")


def test_one_insert_tells_its_key(connection, shop):
    result = connection.execute(shop.tool.insert().values(name="saw"))
    assert result.inserted_primary_key == (1,) and result.rowcount == 1 and result.lastrowid == 1
    assert connection.execute(shop.tool.insert().values(id=9, name="axe")).inserted_primary_key == (9,)
    assert connection.execute(shop.tool.insert(), {"name": "bit"}).inserted_primary_key == (10,)
    assert connection.execute(shop.tool.insert()).inserted_primary_key == (11,)
    with pytest.raises(exc.ResourceClosedError, match="does not return rows"):
        connection.execute(shop.tool.insert().values(name="file")).all()


def test_many_inserts_at_once_all_or_none(connection, shop):
    result = connection.execute(shop.tool.insert(), [{"name": f"n{i}"} for i in range(10)])
    assert result.rowcount == 10
    connection.commit()
    with pytest.raises(exc.IntegrityError):
        connection.execute(shop.tool.insert(), [{"name": "new"}, {"name": "n3"}])
    connection.rollback()
    assert connection.scalar(select(func.count()).select_from(shop.tool)) == 10


def test_insert_of_several_rows_in_one_statement(connection, shop):
    connection.execute(shop.tool.insert().values([{"name": "saw"}, {"name": "axe"}]))
    rows = connection.execute(
        shop.tool.insert().values([{"name": "bit"}, {"name": "file"}]).returning(shop.tool.c.id)
    ).all()
    assert sorted(rows) == [(3,), (4,)]


def test_insert_returning_many(connection, shop):
    rows = connection.execute(
        shop.tool.insert().returning(shop.tool.c.id, shop.tool.c.name), [{"name": "a"}, {"name": "b"}]
    ).all()
    assert rows == [(1, "a"), (2, "b")]


def test_insert_from_select(connection, tools, shop):
    statement = shop.loan.insert().from_select(
        ["tool_id"], select(tools.c.id).where(tools.c.price.is_not(None)).order_by(tools.c.id)
    )
    assert connection.execute(statement).rowcount == 2
    assert connection.execute(select(shop.loan.c.id, shop.loan.c.tool_id).order_by(shop.loan.c.id)).all() == [
        (1, 1),
        (2, 3),
    ]


def test_insert_with_an_expression(connection, tools):
    connection.execute(tools.insert().values(name=func.upper("drill"), price=3))
    assert connection.execute(select(tools.c.id, tools.c.name).where(tools.c.price == 3)).one() == (4, "DRILL")


def test_update_and_delete_tell_their_rows(connection, tools):
    assert (
        connection.execute(tools.update().where(tools.c.price.is_not(None)).values(price=tools.c.price * 2)).rowcount
        == 2
    )
    assert connection.execute(select(tools.c.price).order_by(tools.c.id)).scalars().all() == [10, None, 2]
    assert connection.execute(tools.delete().where(tools.c.name == "saw")).rowcount == 1
    assert connection.execute(tools.update().where(tools.c.id == 77).values(price=1)).rowcount == 0
    returned = connection.execute(tools.delete().where(tools.c.id > 1).returning(tools.c.name)).scalars().all()
    assert sorted(returned) == ["axe", "bit"]


def test_update_for_each_set_of_parameters(connection, tools):
    statement = tools.update().where(tools.c.id == bindparam("key")).values(price=bindparam("to"))
    assert connection.execute(statement, [{"key": 1, "to": 7}, {"key": 2, "to": 8}]).rowcount == 2
    assert connection.execute(select(tools.c.price).order_by(tools.c.id)).scalars().all() == [7, 8, 1]


def test_text_with_parameters_and_known_columns(connection, tools):
    assert connection.execute(text("SELECT name FROM tool WHERE price = :p"), {"p": 5}).scalar_one() == "saw"
    assert connection.execute(text("SELECT id FROM tool WHERE name LIKE :n"), {"n": "%x%"}).mappings().all() == [
        {"id": 2}
    ]
    assert connection.execute(text("UPDATE tool SET price = 0 WHERE id < :i"), {"i": 3}).rowcount == 2
    with pytest.raises(exc.StatementError, match="A value is required for bind parameter 'p'"):
        connection.execute(text("SELECT :p"))


def test_defaults_of_columns(database_url):
    metadata, ticks = MetaData(), iter(range(100))
    table = Table(
        "t",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("kind", String, default="plain"),
        Column("tick", Integer, default=lambda: next(ticks), onupdate=-1),
        Column("on", Boolean, server_default=text("true")),
    )
    engine = create_engine(database_url)
    metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(table.insert(), [{"kind": "a"}, {"kind": "b"}])
        connection.execute(table.insert())
        assert connection.execute(select(*table.c).order_by(table.c.id)).all() == [
            (1, "a", 0, True), (2, "b", 1, True), (3, "plain", 2, True),
        ]  # fmt: skip
        connection.execute(table.update().where(table.c.id == 1).values(kind="c"))
        assert connection.scalar(select(table.c.tick).where(table.c.id == 1)) == -1
    engine.dispose()


def test_strings_are_not_executable(connection):
    with pytest.raises(exc.ArgumentError, match=r"Not an executable object: 'SELECT 1'. Use text\('SELECT 1'\)"):
        connection.execute("SELECT 1")
    with pytest.raises(exc.ArgumentError, match="Not an executable object"):
        connection.execute(42)
    with pytest.raises(exc.ArgumentError, match="exec_driver_sql"):
        connection.exec_driver_sql(text("SELECT 1"))


def test_expressions_can_be_executed(connection):
    assert connection.scalar(func.coalesce(None, 7)) == 7


def test_bad_parameters(connection, shop):
    with pytest.raises(exc.ArgumentError, match="mapping"):
        connection.execute(text("SELECT :a"), 5)
    with pytest.raises(exc.ArgumentError, match="mapping"):
        connection.execute(text("SELECT :a"), [(1,), (2,)])


def test_statements_of_one_shape_are_compiled_once(engine, tools, monkeypatch):
    from nbsession.sql import compile as compiling

    connection = None
    made = []
    real = compiling.compile_statement
    monkeypatch.setattr(compiling, "compile_statement", lambda *args: made.append(args) or real(*args))
    del connection
    with_values = [select(tools.c.name).where(tools.c.id == number) for number in (1, 2, 3)]
    engine._compiled._kept.clear()
    from nbsession.database.prepared import prepare

    class Asking:
        def __init__(self):
            self.engine, self.dialect = engine, engine.dialect

    for statement in with_values:
        prepare(Asking(), statement, None)
    assert len(made) == 1


def test_compiled_cache_forgets_what_was_not_used_for_longest():
    from nbsession.database.engine import CompiledCache

    cache = CompiledCache(2)
    cache.put("a", 1)
    cache.put("b", 2)
    assert cache.get("a") == 1
    cache.put("c", 3)
    assert (cache.get("a"), cache.get("b"), cache.get("c"), len(cache)) == (1, None, 3, 2)


def test_value_that_does_not_fit_its_type_is_a_statement_error(connection, shop):
    table = Table(
        "x", MetaData(), Column("id", Integer, primary_key=True), Column("at", DateTime), Column("on", Boolean)
    )
    for values in ({"on": 5}, {"on": "yes"}):
        with pytest.raises(exc.StatementError) as caught:
            connection.execute(table.insert().values(**values))
        assert caught.value.statement is not None and isinstance(caught.value.orig, TypeError | ValueError)
