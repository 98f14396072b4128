"""Drivers' errors as ours: class, words, what they keep."""

from __future__ import annotations

import sqlite3

import pytest

from nbsession import exc
from nbsession.database.errors import describe, wrapped


def test_constraint_error_keeps_statement_parameters_and_origin(connection):
    connection.exec_driver_sql("INSERT INTO tool (id, name) VALUES (?, ?)", (1, "saw"))
    with pytest.raises(exc.IntegrityError) as caught:
        connection.exec_driver_sql("INSERT INTO tool (id, name) VALUES (?, ?)", (1, "axe"))
    error = caught.value
    assert error.statement == "INSERT INTO tool (id, name) VALUES (?, ?)" and error.params == (1, "axe")
    assert error.orig is error.__cause__
    assert "[SQL: INSERT INTO tool" in str(error) and "[parameters: (1, 'axe')]" in str(error)


@pytest.mark.parametrize(
    ("sql", "cls"),
    [
        ("selec", exc.DatabaseError),
        ("SELECT * FROM nowhere", exc.DatabaseError),
        ("SELECT zork FROM tool", exc.DatabaseError),
        ("INSERT INTO tool (id) VALUES (1), (1)", exc.IntegrityError),
    ],
)
def test_bad_sql(connection, sql, cls):
    with pytest.raises(cls) as caught:
        connection.exec_driver_sql(sql)
    assert "\n" not in caught.value.args[0]


@pytest.mark.parametrize("parameters", [(), (1, 2, 3), (1,)])
def test_wrong_number_of_parameters(connection, parameters):
    with pytest.raises(exc.ProgrammingError):
        connection.exec_driver_sql("SELECT ?, ?", parameters)


@pytest.mark.parametrize("value", [object(), {1, 2}, 2**80, "\ud800"])
def test_values_that_cannot_be_sent(connection, value):
    with pytest.raises(exc.DBAPIError):
        connection.exec_driver_sql("INSERT INTO tool (id, price) VALUES (1, ?)", (value,))


def test_sqlite_transaction_survives_an_error_of_a_statement(shop):
    from nbsession.database import create_engine

    engine = create_engine("sqlite://")
    shop.metadata.create_all(engine)
    with engine.connect() as connection:
        connection.exec_driver_sql("INSERT INTO tool (id) VALUES (1)")
        with pytest.raises(exc.IntegrityError):
            connection.exec_driver_sql("INSERT INTO tool (id) VALUES (1)")
        assert not connection.transaction_aborted
        connection.commit()
        assert connection.fetch("SELECT id FROM tool") == [(1,)]


def test_sqlite_rolling_back_by_itself_is_noticed(shop):
    from nbsession.database import create_engine

    engine = create_engine("sqlite://")
    shop.metadata.create_all(engine)
    with engine.connect() as connection:
        connection.exec_driver_sql("INSERT INTO tool (id) VALUES (1)")
        with pytest.raises(exc.IntegrityError):
            connection.exec_driver_sql("INSERT OR ROLLBACK INTO tool (id) VALUES (1)")
        assert connection.transaction_aborted
        with pytest.raises(exc.InternalError, match="aborted"):
            connection.exec_driver_sql("INSERT INTO tool (id) VALUES (2)")
        with pytest.raises(exc.InternalError, match="COMMIT refused"):
            connection.commit()
        assert connection.fetch("SELECT id FROM tool") == []


def test_what_is_no_drivers_error_passes():
    for error in (KeyboardInterrupt(), ZeroDivisionError(), exc.FlushError("x")):
        assert wrapped(error) is error


def test_message_is_one_line_with_the_drivers_class():
    assert describe(sqlite3.IntegrityError("a\n  b")) == "(sqlite3.IntegrityError) a b"
    assert isinstance(wrapped(sqlite3.Error("x")), exc.DatabaseError)
    assert isinstance(wrapped(OverflowError("x")), exc.DataError)


def test_failed_commit_rolls_back_and_ends_the_transaction(engine, shop, monkeypatch):
    with engine.connect() as connection:
        connection.exec_driver_sql("INSERT INTO tool (id) VALUES (1)")
        link = connection._link
        monkeypatch.setattr(type(link), "_send_commit", lambda self: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            connection.commit()
        monkeypatch.undo()
        assert not connection.in_transaction()
        assert connection.fetch("SELECT * FROM tool") == []


def test_every_driver_call_of_a_transaction_may_fail(engine, shop):
    """Fault injection: whichever call fails, nothing is half done and the connection can be used again."""
    from nbsession.database import RowInsert

    write = RowInsert(shop.tool, (shop.tool.c.name,), shop.tool.c.id)

    class Failing:
        def __init__(self, raw, at):
            self._raw, self._left = raw, at

        def __getattr__(self, name):
            found = getattr(self._raw, name)
            if name not in ("execute", "executemany"):
                return found

            def call(*args):
                self._left -= 1
                if self._left == 0:
                    raise sqlite3.OperationalError("injected")
                return found(*args)

            return call

    for at in range(1, 40):
        with engine.connect() as connection:
            link = connection._link
            raw, link.raw = link.raw, Failing(link.raw, at)
            ended = False
            try:
                connection.insert_rows(write, [("a",), ("b",)])
                with connection.begin_nested():
                    connection.insert_rows(write, [("c",)])
                connection.commit()
                ended = True
            except exc.NbsessionError:
                link.raw._left = 0
                connection.rollback()
            link.raw = raw
            connection.rollback()
            there = [row[0] for row in connection.fetch("SELECT name FROM tool ORDER BY name")]
            assert there == (["a", "b", "c"] if ended else []), at
            if ended:
                break
            connection.rollback()
    else:
        raise AssertionError("never without a failure")
