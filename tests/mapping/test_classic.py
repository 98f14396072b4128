"""Mapping in the older style, and mappers that inherit without a declarative base."""

from __future__ import annotations

import subprocess
import sys
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
    exc,
    inspect,
    mapper,
    object_mapper,
    registry,
    relation,
    select,
)
from tests.support import expect_statements


class Plain:
    """What the classes of 2007 look like."""

    def __init__(self, **values: Any) -> None:
        for key, value in values.items():
            setattr(self, key, value)


@pytest.fixture
def metadata() -> Iterator[MetaData]:
    yield MetaData()


def people(metadata: MetaData) -> tuple[Table, Table]:
    return (
        Table(
            "person",
            metadata,
            Column("id", Integer, primary_key=True),
            Column("kind", String),
            Column("name", String),
            Column("boss_id", Integer, ForeignKey("person.id")),
        ),
        Table(
            "engineer",
            metadata,
            Column("id", Integer, ForeignKey("person.id"), primary_key=True),
            Column("tool", String),
        ),
    )


def test_mapper_maps_a_class(metadata: MetaData, engine: Engine) -> None:
    """mapper(cls, table, properties={...: relation(...)}), with a backref."""

    class User(Plain):
        pass

    class Address(Plain):
        pass

    users = Table("users", metadata, Column("id", Integer, primary_key=True), Column("name", String))
    addresses = Table(
        "addresses",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("user_id", Integer, ForeignKey("users.id")),
        Column("mail", String),
    )
    made = mapper(User, users, properties={"addresses": relation("Address", backref="user"), "called": users.c.name})
    mapper(Address, addresses)
    metadata.create_all(engine)
    with Session(engine) as session:
        session.add(User(called="Ada", addresses=[Address(mail="a@b")]))
        session.commit()
        session.expunge_all()
        address: Any = session.scalars(select(Address)).one()
        assert address.user.called == "Ada"
        assert object_mapper(address) is class_mapper(Address) is inspect(Address)
    assert made is class_mapper(User) and made.column_keys == ("id", "called")


def test_plain_classes_inherit(metadata: MetaData, engine: Engine) -> None:
    """Line 21.24: inherits= takes a mapper or a class; a class without a table lies in its parent's."""

    class Person(Plain):
        pass

    class Engineer(Person):
        pass

    class Guest(Person):
        pass

    person, engineer = people(metadata)
    base = mapper(Person, person, polymorphic_on=person.c.kind, polymorphic_identity="p")
    mapper(Engineer, engineer, inherits=base, polymorphic_identity="e")
    mapper(Guest, inherits=Person, polymorphic_identity="g")
    assert class_mapper(Engineer).base_mapper is base and class_mapper(Guest).single
    metadata.create_all(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO person (id, kind, name) VALUES (1, 'p', 'a'), (2, 'e', 'b'), (3, 'g', 'c')"
        )
        connection.exec_driver_sql("INSERT INTO engineer (id, tool) VALUES (2, 'saw')")
    with Session(engine) as session:
        found: list[Any] = list(session.scalars(select(Person).order_by(class_mapper(Person).columns["id"])))
        assert [type(one).__name__ for one in found] == ["Person", "Engineer", "Guest"]
        with expect_statements(session, 1):
            assert found[1].tool == "saw"
        found[1].name = "bee"
        assert list(session.dirty) == [found[1]]


def test_a_subclass_must_be_one(metadata: MetaData) -> None:
    """Line 21.24: in Python, too."""

    class Person:
        pass

    class Stone:
        pass

    person, engineer = people(metadata)
    mapper(Person, person)
    with pytest.raises(exc.ArgumentError, match="Class 'Stone' does not inherit from 'Person'"):
        mapper(Stone, engineer, inherits=Person)
    with pytest.raises(exc.ArgumentError, match="has no local_table"):
        registry().map_imperatively(Stone)


def test_a_join_is_mapped(metadata: MetaData, engine: Engine) -> None:
    """One class on two tables; columns that the join equates are one attribute if they are said to be."""

    class Engineer(Plain):
        pass

    person, engineer = people(metadata)
    made = mapper(Engineer, person.join(engineer))
    assert made.tables == (person, engineer) and made.pk_keys == ("id",)
    assert made.columns_of(engineer) == {"id": engineer.c.id, "tool": engineer.c.tool}
    metadata.create_all(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO person (id, name) VALUES (1, 'a'), (2, 'b')")
        connection.exec_driver_sql("INSERT INTO engineer (id, tool) VALUES (2, 'saw')")
    with Session(engine) as session:
        (one,) = session.scalars(select(Engineer)).all()
        assert (one.id, one.name, one.tool) == (2, "b", "saw")
        session.expire(one)
        with expect_statements(session, 1):
            assert one.tool == "saw"
        assert session.get(Engineer, 2) is one and session.get(Engineer, 1) is None


def test_columns_of_a_join_that_have_one_name_only(metadata: MetaData) -> None:
    """It must be said what they are; a list makes them one attribute."""

    class Both(Plain):
        pass

    left = Table("l", metadata, Column("id", Integer, primary_key=True), Column("note", String))
    right = Table("r", metadata, Column("id", Integer, ForeignKey("l.id"), primary_key=True), Column("note", String))
    with pytest.raises(exc.ArgumentError, match=r"Implicitly combining column l.note with column r.note .*'note'"):
        mapper(Both, left.join(right))
    made = mapper(Both, left.join(right), properties={"note": [left.c.note, right.c.note]})
    assert made.columns_of(left)["note"] is left.c.note and made.columns_of(right)["note"] is right.c.note


def test_disposing_makes_plain_classes_of_a_hierarchy_plain_again(metadata: MetaData) -> None:
    """Line 23.6: registry.dispose takes everything off."""

    class Person:
        pass

    class Engineer(Person):
        pass

    person, engineer = people(metadata)
    reg = registry(metadata=metadata)
    reg.map_imperatively(Person, person)
    reg.map_imperatively(Engineer, engineer, inherits=Person)
    Engineer().tool = "x"  # type: ignore[attr-defined]
    reg.dispose()
    assert "name" not in vars(Person) and "tool" not in vars(Engineer) and "__setattr__" not in vars(Person)
    with pytest.raises(exc.UnmappedClassError):
        class_mapper(Engineer)


def test_clear_mappers_unmaps_every_class() -> None:
    """As in SQLAlchemy, declarative classes too; in a process of its own, for that reason."""
    program = """
from nbsession import *
from nbsession import clear_mappers, mapper, MetaData, Table, Column, Integer, class_mapper, exc
class A: pass
mapper(A, Table("a", MetaData(), Column("id", Integer, primary_key=True)))
class B(DeclarativeBase): pass
class C(B):
    __tablename__ = "c"
    id: Mapped[int] = mapped_column(primary_key=True)
clear_mappers()
for cls in (A, C):
    try:
        class_mapper(cls)
    except exc.UnmappedClassError:
        print("unmapped")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["unmapped", "unmapped"]


def test_objects_of_a_mapped_join_are_written_to_both_tables(metadata: MetaData, engine: Engine) -> None:
    """Line 18.1: each table's key is made by the database; an attribute of both columns goes to both."""

    class Contact(Plain):
        pass

    users = Table("users", metadata, Column("id", Integer, primary_key=True), Column("name", String))
    mails = Table(
        "mails",
        metadata,
        Column("mail_id", Integer, primary_key=True),
        Column("user_id", Integer, ForeignKey("users.id")),
        Column("mail", String),
    )
    mapper(Contact, users.join(mails), properties={"id": [users.c.id, mails.c.user_id]})
    metadata.create_all(engine)
    with Session(engine) as session:
        ada, bob = Contact(name="Ada", mail="a"), Contact(name="Bob", mail="b", id=7)
        session.add_all([ada, bob])
        session.commit()
        read = session.connection().exec_driver_sql
        assert read("SELECT m.mail FROM users u JOIN mails m ON m.user_id = u.id ORDER BY u.name").all() == [
            ("a",),
            ("b",),
        ]
        assert inspect(bob).identity == (7, bob.mail_id)  # type: ignore[attr-defined]
        ada.name, ada.mail = "Eve", "e"  # type: ignore[attr-defined]
        with expect_statements(session, 3):
            session.flush()
        with expect_statements(session, 1):
            bob.mail = "c"  # type: ignore[attr-defined]
            session.flush()
        session.delete(ada)
        session.commit()
        read = session.connection().exec_driver_sql
        assert read("SELECT name FROM users").all() == [("Bob",)] and read("SELECT mail FROM mails").all() == [("c",)]


@pytest.mark.parametrize("hand_on", [object.__setattr__, None], ids=["object", "super"])
def test_a_class_keeps_its_own_setattr(metadata: MetaData, engine: Engine, hand_on: Any) -> None:
    """Line 21.14: what it hands on is noted as any change is; relationships and deletions, too."""
    seen: list[str] = []

    class Strict:
        def __setattr__(self, name: str, value: Any) -> None:
            seen.append(name)
            if name == "name" and value is not None:
                value = value.strip()
            if hand_on is None:
                super().__setattr__(name, value)
            else:
                hand_on(self, name, value)

    class Pet(Plain):
        pass

    own = Table("strict", metadata, Column("id", Integer, primary_key=True), Column("name", String))
    pets = Table(
        "pet", metadata, Column("id", Integer, primary_key=True), Column("of", Integer, ForeignKey("strict.id"))
    )
    mapper(Strict, own, properties={"pets": relation(Pet, backref="owner")})
    mapper(Pet, pets)
    metadata.create_all(engine)
    with Session(engine) as session:
        one: Any = Strict()
        one.pets = [Pet()]
        one.name = " Ada "
        one.other = 1
        session.add(one)
        session.commit()
        assert seen == ["pets", "name", "other"] and one.name == "Ada" and one.pets[0].owner is one
        assert one not in session.dirty
        one.name = "Eve"
        assert one in session.dirty and inspect(one).attrs.name.history.deleted == ["Ada"]
        session.commit()
        del one.name
        session.commit()
        assert one.name is None and one.other == 1 and one.id == 1
        one.pets = []
        session.commit()
        assert session.connection().exec_driver_sql('SELECT "of" FROM pet').all() == [(None,)]
