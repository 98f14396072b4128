"""Connections: how transactions begin and end, savepoints, handles. The same on both databases."""

from __future__ import annotations

import gc

import pytest

from nbsession import exc, text
from nbsession.database import RowInsert, create_engine
from nbsession.events import FactBus, StatementExecuted


def names(connection):
    return [row[0] for row in connection.fetch("SELECT name FROM tool ORDER BY name")]


def add(connection, shop, name):
    return connection.insert_rows(RowInsert(shop.tool, (shop.tool.c.name,), shop.tool.c.id), [(name,)])[0]


def test_first_statement_begins_and_close_rolls_back(engine, shop):
    connection = engine.connect()
    assert not connection.in_transaction()
    add(connection, shop, "saw")
    assert connection.in_transaction()
    connection.close()
    assert connection.closed
    with engine.connect() as other:
        assert names(other) == []


def test_commit_keeps_and_the_connection_goes_on(engine, shop):
    with engine.connect() as connection:
        add(connection, shop, "saw")
        connection.commit()
        assert not connection.in_transaction()
        add(connection, shop, "axe")
        connection.rollback()
        assert names(connection) == ["saw"]


def test_engine_begin_commits_or_rolls_back(engine, shop):
    with engine.begin() as connection:
        add(connection, shop, "saw")
    with pytest.raises(ZeroDivisionError), engine.begin() as connection:
        add(connection, shop, "axe")
        raise ZeroDivisionError
    with engine.connect() as connection:
        assert names(connection) == ["saw"]


@pytest.mark.parametrize("how", ["begin", "autobegin"])
def test_begin_while_begun_is_refused(connection, how):
    connection.begin() if how == "begin" else connection.exec_driver_sql("SELECT 1")
    with pytest.raises(exc.InvalidRequestError, match="a transaction is already begun on this Connection"):
        connection.begin()
    connection.rollback()
    connection.begin()


def test_commit_and_rollback_without_transaction_do_nothing(connection):
    connection.commit()
    connection.rollback()


def test_closed_connection_refuses_everything(engine, shop):
    connection = engine.connect()
    connection.close()
    connection.close()
    write = RowInsert(shop.tool, (shop.tool.c.name,), None)
    for use in (
        lambda: connection.exec_driver_sql("SELECT 1"),
        lambda: connection.fetch("SELECT 1"),
        lambda: connection.insert_rows(write, [("saw",)]),
        connection.begin,
        connection.begin_nested,
        connection.commit,
        connection.rollback,
    ):
        with pytest.raises(exc.ResourceClosedError, match="This Connection is closed"):
            use()


def test_ended_transaction_cannot_be_committed_and_has_nothing_to_roll_back(connection):
    for end in ("commit", "rollback", "close"):
        transaction = connection.begin()
        getattr(transaction, end)()
        assert not transaction.is_active
        with pytest.raises(exc.ResourceClosedError, match="This transaction is closed"):
            transaction.commit()
        transaction.rollback()
        transaction.close()


def test_transaction_as_context_manager(connection, shop):
    with connection.begin() as transaction:
        add(connection, shop, "saw")
    assert not transaction.is_active
    with pytest.raises(ZeroDivisionError), connection.begin():
        add(connection, shop, "axe")
        raise ZeroDivisionError
    assert names(connection) == ["saw"]


def test_statement_in_a_block_whose_transaction_ended_is_refused(connection):
    with connection.begin() as transaction:
        transaction.rollback()
        with pytest.raises(exc.InvalidRequestError, match="Can't operate on closed transaction inside context manager"):
            connection.exec_driver_sql("SELECT 1")
    connection.exec_driver_sql("SELECT 1")


def test_savepoint_rollback_undoes_only_what_came_after(connection, shop):
    add(connection, shop, "saw")
    nested = connection.begin_nested()
    add(connection, shop, "axe")
    assert connection.get_nested_transaction() is nested and connection.in_nested_transaction()
    nested.rollback()
    assert not nested.is_active and not connection.in_nested_transaction()
    add(connection, shop, "bit")
    assert names(connection) == ["bit", "saw"]
    connection.commit()
    assert names(connection) == ["bit", "saw"]


def test_savepoint_commit_releases_and_root_rollback_undoes_all(connection, shop):
    with connection.begin() as root:
        with connection.begin_nested():
            add(connection, shop, "saw")
        assert names(connection) == ["saw"]
        root.rollback()
    assert names(connection) == []


def test_begin_nested_begins_the_transaction_first(connection):
    nested = connection.begin_nested(name="mine")
    assert connection.in_transaction()
    assert nested.name == "mine" and nested.savepoint == "sp_1"
    connection.rollback()
    assert not nested.is_active


def test_savepoints_of_one_name_are_told_apart(connection, shop):
    first = connection.begin_nested("a")
    add(connection, shop, "saw")
    second = connection.begin_nested("a")
    add(connection, shop, "axe")
    assert first.savepoint != second.savepoint
    second.rollback()
    assert names(connection) == ["saw"]
    first.rollback()
    assert names(connection) == []


@pytest.mark.parametrize("end", ["commit", "rollback"])
def test_outer_savepoint_ends_the_inner_ones(connection, shop, end):
    outer = connection.begin_nested()
    add(connection, shop, "saw")
    inner = connection.begin_nested()
    add(connection, shop, "axe")
    getattr(outer, end)()
    assert not inner.is_active and not outer.is_active
    assert connection.get_nested_transaction() is None
    with pytest.raises(exc.ResourceClosedError, match="This transaction is closed"):
        inner.commit()
    inner.rollback()
    assert names(connection) == (["axe", "saw"] if end == "commit" else [])


def test_error_in_a_savepoint_leaves_what_was_before(connection, shop):
    add(connection, shop, "saw")
    with pytest.raises(exc.IntegrityError), connection.begin_nested():
        add(connection, shop, "axe")
        add(connection, shop, "saw")
    assert not connection.transaction_aborted
    add(connection, shop, "bit")
    connection.commit()
    assert names(connection) == ["bit", "saw"]


def test_error_swallowed_inside_a_savepoint_block_is_undone_with_it(engine, shop):
    with engine.begin() as connection:
        add(connection, shop, "saw")
        try:
            with connection.begin_nested():
                with pytest.raises(exc.IntegrityError):
                    add(connection, shop, "saw")
                if connection.transaction_aborted:
                    raise ZeroDivisionError
        except ZeroDivisionError:
            pass
        add(connection, shop, "axe")
    with engine.connect() as connection:
        assert names(connection) == ["axe", "saw"]


def test_two_phase_is_not_supported(connection):
    assert not connection.dialect.supports_two_phase
    with pytest.raises(exc.NotSupportedError, match="two-phase"):
        connection.begin_twophase()
    with pytest.raises(exc.NotSupportedError, match="two-phase"):
        connection.begin().prepare()


@pytest.mark.parametrize("sql", ["BEGIN", "  commit", "-- hm\nROLLBACK", "savepoint x", "/* a */ RELEASE x", "end"])
def test_transaction_control_as_sql_is_refused(connection, sql):
    with pytest.raises(exc.InvalidRequestError, match="as SQL is refused"):
        connection.execute(text(sql))
    if not connection.dialect.native_savepoints:
        with pytest.raises(exc.InvalidRequestError, match="as SQL is refused"):
            connection.exec_driver_sql(sql)


def test_sqlite_takes_transaction_control_by_the_drivers_door_and_autocommits_nothing_after_it(shop):
    engine = create_engine("sqlite://")
    shop.metadata.create_all(engine)
    with engine.connect() as connection:
        add(connection, shop, "saw")
        connection.exec_driver_sql("ROLLBACK")
        add(connection, shop, "axe")
        assert names(connection) == ["axe"]
        connection.rollback()
        assert names(connection) == []
    engine.dispose()


def test_dropped_connection_gives_its_transaction_up(engine, shop):
    connection = engine.connect()
    add(connection, shop, "saw")
    del connection
    gc.collect()
    with engine.connect() as other:
        assert names(other) == []
        add(other, shop, "axe")


def test_second_transaction_on_sqlite_in_memory_is_one_clear_error(shop):
    engine = create_engine("sqlite://")
    shop.metadata.create_all(engine)
    one, two = engine.connect(), engine.connect()
    add(one, shop, "saw")
    with pytest.raises(exc.OperationalError, match="the database in memory is in use"):
        two.exec_driver_sql("SELECT 1")
    one.commit()
    assert names(two) == ["saw"]


def test_file_connections_are_isolated(file_database_url, shop):
    engine = create_engine(file_database_url)
    shop.metadata.create_all(engine)
    with engine.connect() as one, engine.connect() as two:
        add(one, shop, "saw")
        assert names(two) == []
        one.commit()
        two.rollback()
        assert names(two) == ["saw"]
    engine.dispose()


def test_idle_transaction_never_reaches_the_database(engine, monkeypatch):
    with engine.connect() as connection:
        link = connection._link

        class Nothing:
            def __getattr__(self, name):
                raise AssertionError(name)

        raw, link.raw = link.raw, Nothing()
        connection.begin().commit()
        connection.begin().rollback()
        link.raw = raw


def test_hooks_fire_in_order_with_sqlalchemys_arguments(database_url):
    told = []
    engine = create_engine(database_url)
    for name in engine._hooks:
        engine._hooks[name].append(lambda *args, name=name: told.append((name, args[1:])))
    with engine.connect() as connection:
        connection.begin_nested().rollback()
        connection.begin_nested().commit()
        connection.commit()
        connection.exec_driver_sql("SELECT ?", (1,))
        connection.rollback()
    engine.connect().close()  # the driver's connection is used again: no second "connect"
    assert [name for name, _ in told] == [
        "connect", "begin", "savepoint", "rollback_savepoint", "savepoint", "release_savepoint", "commit",
        "begin", "before_cursor_execute", "after_cursor_execute", "rollback",
    ]  # fmt: skip
    assert told[2][1] == ("sp_1",) and told[3][1] == ("sp_1", None)
    cursor, sql, params, context, many = told[8][1]
    assert cursor is not None and sql == "SELECT ?" and params == (1,) and many is False
    assert context.engine is engine
    engine.dispose()


def test_bulk_write_fires_hooks_once_and_says_many(engine, shop):
    told = []
    engine._hooks["before_cursor_execute"].append(lambda *args: told.append(args))
    with engine.connect() as connection:
        rows = [(f"n{i}",) for i in range(5)]
        connection.insert_rows(RowInsert(shop.tool, (shop.tool.c.name,), shop.tool.c.id), rows)
    ((_, _, sql, params, _, many),) = told
    assert many is True and params == rows and sql == "INSERT INTO tool (name) VALUES (?)"


def test_facts_tell_statements_with_internal_ones_marked(connection, shop):
    bus, facts = FactBus(), []
    bus.cause = "session.flush"
    connection.facts = bus
    add(connection, shop, "unheard")
    stop = bus.subscribe(facts.append)
    connection.insert_rows(RowInsert(shop.tool, (shop.tool.c.name,), shop.tool.c.id), [("saw",), ("axe",)])
    with pytest.raises(exc.IntegrityError):
        add(connection, shop, "saw")
    connection.rollback()
    stop()
    seen = [fact for fact in facts if isinstance(fact, StatementExecuted) and not fact.internal]
    assert [(fact.executions, fact.rows, fact.cause) for fact in seen] == [
        (2, 2, "session.flush"),
        (1, None, "session.flush"),
    ]
    assert seen[0].params[-1] == "'saw'"
    assert seen[1].error is not None
    assert [fact.sql for fact in facts if fact.internal][-1] == "ROLLBACK"


def test_facts_are_not_built_without_observers(connection, shop, monkeypatch):
    from nbsession.database import observing

    monkeypatch.setattr(observing, "StatementExecuted", None)
    connection.facts = FactBus()
    add(connection, shop, "saw")
    connection.commit()


def test_an_invalidated_connection_is_closed_for_the_driver_and_opens_another(file_database_url, shop):
    engine = create_engine(file_database_url)
    shop.metadata.create_all(engine)
    connection = engine.connect()
    raw = connection._link.raw
    connection.invalidate()
    assert connection.invalidated and not connection.closed
    connection.invalidate()
    assert names(connection) == [] and not connection.invalidated and connection._link.raw is not raw
    add(connection, shop, "saw")
    savepoint = connection.begin_nested()
    root = connection.get_transaction()
    connection.invalidate(ValueError("no answer"))
    assert root.is_active and not root.is_valid and not savepoint.is_active and connection.in_transaction()
    for use in (lambda: names(connection), lambda: add(connection, shop, "axe"), connection.commit):
        with pytest.raises(exc.PendingRollbackError, match=r"Can't reconnect until invalid transaction .*no answer"):
            use()
    connection.rollback()
    assert names(connection) == []
    connection.close()
    with pytest.raises(exc.ResourceClosedError):
        connection.invalidate()
    lost = engine.connect()
    lost.invalidate()
    gone = lost._link
    lost.close()
    with engine.connect() as another:
        assert another._link is not gone and names(another) == []
    engine.dispose()
