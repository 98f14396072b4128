"""One class, several mappings, told apart by a name (2007)."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from typing import Any

import pytest

from nbsession import (
    Column,
    Engine,
    ForeignKey,
    Integer,
    MetaData,
    Session,
    String,
    Table,
    class_mapper,
    create_engine,
    exc,
    inspect,
    mapper,
    object_mapper,
    relation,
)
from nbsession.mapping.entity_names import entity_of, name_entity
from tests.support import expect_statements


class Thing:
    id: int
    name: str

    def __init__(self, **values: Any) -> None:
        for key, value in values.items():
            setattr(self, key, value)


class Box(Thing):
    things: list[Thing]


@pytest.fixture(scope="session")  # not of the module: a class is mapped once, in whatever order tests run
def metadata() -> MetaData:
    """Thing is mapped to two tables, and the things of a Box lie in the second."""
    made = MetaData()
    here = Table("here", made, Column("id", Integer, primary_key=True), Column("name", String))
    boxes = Table("box", made, Column("id", Integer, primary_key=True))
    there = Table(
        "there",
        made,
        Column("id", Integer, primary_key=True),
        Column("name", String),
        Column("box_id", Integer, ForeignKey("box.id")),
    )
    mapper(Thing, here, entity_name="here")
    mapper(Thing, there, entity_name="there")
    mapper(Box, boxes, properties={"things": relation(Thing, entity_name="there", order_by=there.c.id)})
    return made


@pytest.fixture
def session(metadata: MetaData, engine: Engine) -> Iterator[Session]:
    metadata.create_all(engine)
    session = Session(engine)
    yield session
    session.close()


def saved(session: Session, entity_name: str, **values: Any) -> Any:
    thing = Thing(**values)
    name_entity(thing, entity_name)
    session.add(thing)
    return thing


def test_objects_go_to_the_table_of_their_name(session: Session) -> None:
    """Line 19.1: the same key in both, and two objects."""
    a, b = saved(session, "here", id=1, name="a"), saved(session, "there", id=1, name="b")
    session.commit()
    session.expunge_all()
    connection = session.connection()
    assert connection.exec_driver_sql("SELECT id, name FROM here").all() == [(1, "a")]
    assert connection.exec_driver_sql("SELECT id, name FROM there").all() == [(1, "b")]
    x, y = (session.get(Thing, 1, entity_name=name) for name in ("here", "there"))
    assert (x.name, y.name) == ("a", "b") and x is not y
    with expect_statements(session, 0):
        assert session.get(Thing, 1, entity_name="here") is x
    assert session.query(Thing, entity_name="there").one() is y
    assert session.query(Thing, entity_name="there").get(1) is y
    assert not {a, b} & {x, y}


def test_identity_keys_differ_in_the_third_element(session: Session) -> None:
    """Lines 16.1, 19.1: and the identity map finds objects by it."""
    a, b = saved(session, "here", id=1), saved(session, "there", id=1)
    session.flush()
    key = session.identity_key(Thing, 1, "there")
    assert (
        key == session.identity_key(Thing, 1, entity_name="there") == inspect(b).identity_key == (Thing, (1,), "there")
    )
    assert session.identity_map[key] is b and session.identity_map[Thing, (1,), "here"] is a
    assert a in session and b in session and len(session.identity_map) == 2


def test_a_name_that_has_no_mapping(session: Session) -> None:
    """Line 19.2: wherever it is given; and a class with named mappings only has none without."""
    for ask in (
        lambda: session.get(Thing, 1, entity_name="nowhere"),
        lambda: session.query(Thing, entity_name="nowhere"),
        lambda: session.identity_key(Thing, 1, "nowhere"),
        lambda: name_entity(Thing(), "nowhere"),
        lambda: session.get(Box, 1, entity_name="nowhere"),
    ):
        with pytest.raises(exc.InvalidRequestError, match="entity name 'nowhere' has no mapper associated with it"):
            ask()
    with pytest.raises(exc.InvalidRequestError, match="Class 'Thing' entity name 'None' has no mapper"):
        session.get(Thing, 1)


def test_an_object_keeps_its_mapping(session: Session) -> None:
    """Line 19.3: through changes, expiry, a merge, and a pickle."""
    thing = saved(session, "there", id=1, name="a")
    session.commit()
    thing.name = "b"
    session.flush()
    session.expire(thing)
    assert thing.name == "b" and object_mapper(thing) is class_mapper(Thing, "there")
    copy = pickle.loads(pickle.dumps(thing))
    assert object_mapper(copy).entity_name == "there"
    copy.name = "c"
    assert session.merge(copy) is thing and thing.name == "c"
    with pytest.raises(exc.InvalidRequestError, match="cannot become 'here': it is persistent"):
        name_entity(thing, "here")
    session.delete(thing)
    session.commit()
    assert session.query(Thing, entity_name="there").all() == []


def test_merge_looks_in_the_table_of_the_name(session: Session) -> None:
    """Line 15.3: rows of one key in both tables; the copy is the one that the given object's name says."""
    saved(session, "here", id=1, name="a"), saved(session, "there", id=1, name="b")
    session.commit()
    session.expunge_all()
    given = Thing(id=1, name="c")
    merged = session.merge(given, entity_name="there")
    assert inspect(merged).identity_key == (Thing, (1,), "there") and inspect(merged).persistent
    session.commit()
    connection = session.connection()
    assert connection.exec_driver_sql("SELECT name FROM here").all() == [("a",)]
    assert connection.exec_driver_sql("SELECT name FROM there").all() == [("c",)]


def test_a_relation_carries_the_name_of_its_target(session: Session) -> None:
    """Line 19.1: what is put into the collection is saved under it, and loaded by it."""
    session.add(Box(id=1, things=[Thing(id=1, name="a"), Thing(id=2, name="b")]))
    session.commit()
    session.expunge_all()
    box = session.get(Box, 1)
    assert [thing.name for thing in box.things] == ["a", "b"]
    assert {object_mapper(thing).entity_name for thing in box.things} == {"there"}


def test_statements_take_a_class_under_a_name(session: Session) -> None:
    """Line 19.1: its attributes are those of that mapping."""
    saved(session, "there", id=1, name="a")
    there = entity_of(Thing, "there")
    assert session.query(there).filter(there.name == "a").filter_by(id=1).count() == 1
    assert session.query(there.name).all() == [("a",)]


def test_each_mapping_may_have_its_own_engine(metadata: MetaData, database_url: str) -> None:
    """Line 19.1: bind_mapper takes the name."""
    engines = [create_engine(database_url) for _ in range(2)]
    for engine in engines:
        metadata.create_all(engine)
    session = Session()
    session.bind_mapper(Thing, engines[0], entity_name="here")
    session.bind_mapper(Thing, engines[1], entity_name="there")
    saved(session, "here", id=1, name="a"), saved(session, "there", id=1, name="b")
    session.commit()
    session.close()
    for engine, table, name in zip(engines, ("here", "there"), "ab", strict=True):
        with engine.connect() as connection:
            assert connection.exec_driver_sql(f"SELECT name FROM {table}").scalar() == name
        engine.dispose()
