"""before_execute, after_execute and handle_error: what they are told, what they may change; measured on SQLAlchemy 2.1.9."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from nbsession import (
    Column,
    DeclarativeBase,
    Engine,
    Integer,
    IntegrityError,
    InvalidRequestError,
    Mapped,
    MetaData,
    OperationalError,
    ProgrammingError,
    Session,
    String,
    Table,
    delete,
    event,
    insert,
    mapped_column,
    select,
    text,
    update,
)
from tests.support import expect_statements

metadata = MetaData()
pet = Table("pet", metadata, Column("id", Integer, primary_key=True), Column("name", String))


class Base(DeclarativeBase):
    pass


class Ship(Base):
    __tablename__ = "ship"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None]


@pytest.fixture
def filled(engine: Engine) -> Engine:
    """The engine, with a table of two pets and one of no ships."""
    metadata.create_all(engine)
    Base.metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(insert(pet), [{"id": 1, "name": "Tom"}, {"id": 2, "name": "Kit"}])
    return engine


@pytest.fixture
def told(filled: Engine) -> Iterator[list[Any]]:
    """(kind of statement, several sets of parameters, one set) of each execution; then its row count."""
    log: list[Any] = []

    def before(conn: Any, clauseelement: Any, multiparams: Any, params: Any, execution_options: Any) -> None:
        log.append((clauseelement.kind, multiparams, params))

    def after(
        conn: Any, clauseelement: Any, multiparams: Any, params: Any, execution_options: Any, result: Any
    ) -> None:
        log.append(result.rowcount if clauseelement.is_dml else len(result.all()) if clauseelement.is_text else "read")

    event.listen(filled, "before_execute", before)
    event.listen(filled, "after_execute", after)
    yield log
    event.remove(filled, "before_execute", before)
    event.remove(filled, "after_execute", after)
    with filled.connect() as connection:
        log.clear()
        connection.execute(text("SELECT 1"))
    assert log == []


def taken(log: list[Any]) -> list[Any]:
    got = list(log)
    log.clear()
    return got


# ── executions ───────────────────────────────────────────────────────────────────────────────────────────────────────
def test_statements_of_a_connection_are_told(filled: Engine, told: list[Any]) -> None:
    """Line 3.15"""
    with filled.connect() as connection:
        connection.execute(text("SELECT 1"))
        assert taken(told) == [("text", (), {}), 1]
        connection.execute(update(pet).where(pet.c.id == 1).values(name="Tim"))
        assert taken(told) == [("update", (), {}), 1]
        one = {"id": 3, "name": "Ada"}
        connection.execute(insert(pet), one)
        assert taken(told) == [("insert", [], one), 1]
        sets = [{"id": 4, "name": "Bob"}, {"id": 5, "name": "Eve"}]
        connection.execute(insert(pet), sets)
        assert taken(told) == [("insert", sets, {}), 2]
        connection.exec_driver_sql("SELECT 1")
        assert taken(told) == []


def test_what_hooks_take_of_a_result_is_there_for_the_caller(filled: Engine) -> None:
    event.listen(filled, "after_execute", lambda *given: given[5].keys())
    with filled.connect() as connection:
        assert connection.execute(select(pet.c.name).order_by(pet.c.id)).scalars().all() == ["Tom", "Kit"]


def test_what_a_session_sends_is_told(filled: Engine, told: list[Any]) -> None:
    """Line 3.15: rows of a flush as statements that say the same; its SELECTs by key as text."""
    with Session(filled) as session:
        ship = Ship(id=1, name="Ark")
        session.add(ship)
        session.flush()
        assert taken(told) == [("insert", [], {"id": 1, "name": "Ark"}), 1]
        session.add_all([Ship(id=2), Ship(id=3)])
        session.flush()
        assert [entry[0] for entry in taken(told)[::2]] == ["insert"]
        ship.name = "Argo"
        session.flush()
        assert taken(told) == [("update", [], {"name": "Argo", "ship_id": 1}), 1]
        session.scalars(select(Ship)).all()
        assert taken(told) == [("select", (), {}), "read"]
        session.expire(ship)
        assert ship.name == "Argo"
        assert taken(told) == [("text", (), {}), 1]
        session.delete(ship)
        session.flush()
        assert taken(told) == [("delete", [], {"id": 1}), 1]


def test_before_execute_may_change_what_is_run(filled: Engine) -> None:
    """Line 3.15: with retval=True; else what it returns is nothing."""

    def only_kit(conn: Any, clauseelement: Any, multiparams: Any, params: Any, execution_options: Any) -> Any:
        if clauseelement.is_select:
            clauseelement = clauseelement.where(pet.c.id == 2)
        return clauseelement, multiparams, params

    everything = select(pet.c.name).order_by(pet.c.id)
    with filled.connect() as connection:
        event.listen(filled, "before_execute", only_kit)
        assert connection.scalars(everything).all() == ["Tom", "Kit"]
        event.remove(filled, "before_execute", only_kit)
        event.listen(filled, "before_execute", only_kit, retval=True)
        assert connection.scalars(everything).all() == ["Kit"]
    with Session(filled) as session, expect_statements(session, 1):
        assert session.scalars(everything).all() == ["Kit"]
    event.remove(filled, "before_execute", only_kit)


def test_execution_options_are_told(filled: Engine) -> None:
    seen: list[Any] = []
    event.listen(filled, "before_execute", lambda *given: seen.append(given[4]))
    with filled.connect() as connection:
        connection.execution_options(colour="red").execute(select(pet).execution_options(size=3))
    assert seen == [{"colour": "red", "size": 3}]


# ── errors ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_handle_error_is_told_of_an_error(filled: Engine) -> None:
    """Line 3.15: of the connection's and of the session's; ours is raised all the same."""
    seen: list[Any] = []
    event.listen(filled, "handle_error", seen.append)
    with filled.connect() as connection, pytest.raises((OperationalError, ProgrammingError)) as caught:
        connection.execute(text("SELECT nope"))
    (context,) = seen
    assert context.statement == "SELECT nope" and context.engine is filled and context.connection is not None
    assert context.sqlalchemy_exception is caught.value
    assert context.original_exception is caught.value.orig and not context.is_disconnect
    with Session(filled) as session:
        session.add(Ship(id=1))
        session.commit()
        session.expunge_all()
        session.add(Ship(id=1))
        with pytest.raises(IntegrityError):
            session.flush()
    assert isinstance(seen[1].sqlalchemy_exception, IntegrityError) and "ship" in seen[1].statement


class Mine(Exception):
    pass


@pytest.mark.parametrize("raising", [True, False], ids=["raised", "returned"])
def test_handle_error_may_put_another_in_its_place(filled: Engine, raising: bool) -> None:
    """Line 3.15"""

    @event.listens_for(filled, "handle_error", retval=True)
    def mine(context: Any) -> Any:
        if raising:
            raise Mine("in its place") from context.original_exception
        return Mine("in its place")

    with filled.connect() as connection, pytest.raises(Mine, match="in its place") as caught:
        connection.execute(text("SELECT nope"))
    assert type(caught.value.__cause__).__module__.lstrip("_").startswith(("sqlite3", "duckdb"))


# ── what is listened to ──────────────────────────────────────────────────────────────────────────────────────────────
def test_what_statements_say_they_are() -> None:
    said = {
        "select": select(pet),
        "insert": insert(pet),
        "update": update(pet),
        "delete": delete(pet),
        "text": text("SELECT 1"),
    }
    for kind, statement in said.items():
        assert [one for one in said if getattr(statement, f"is_{one}")] == [kind]
        assert statement.is_dml is (kind in ("insert", "update", "delete"))
    assert not select(Ship).from_statement(text("SELECT 1")).is_select


def test_a_hook_of_every_engine(filled: Engine) -> None:
    log: list[Any] = []

    def hook(*given: Any) -> None:
        log.append(given[1].kind)

    event.listen(Engine, "before_execute", hook)
    try:
        with filled.connect() as connection:
            connection.execute(select(pet))
    finally:
        event.remove(Engine, "before_execute", hook)
    assert log == ["select"]
    with pytest.raises(InvalidRequestError, match="No such event 'before_lunch'"):
        event.listen(filled, "before_lunch", hook)
