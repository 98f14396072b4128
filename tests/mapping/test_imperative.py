"""Plain classes, mapped from outside: their constructors, their attributes, and what is left when they are released."""

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
    Session,
    String,
    Table,
    class_mapper,
    exc,
    inspect,
    object_session,
    registry,
    relationship,
    select,
    validates,
)
from nbsession.states import ObjectState
from nbsession.tracking.instance_state import STATE_KEY
from tests.support import expect_statements


class Author:
    """Has a constructor of its own, and a validator."""

    born = 0

    def __init__(self, name: str, *, shout: bool = False) -> None:
        self.name = name.upper() if shout else name
        self.nickname = name[:2]

    @validates("name")
    def check(self, key: str, value: str) -> str:
        if value == "":
            raise ValueError("an author needs a name")
        return value


class Book:
    """Has none."""


class Old:
    """Leaves states to __getstate__, equality to its content, and has no hash."""

    def __init__(self, n: int) -> None:
        self.n = n

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Old) and other.n == self.n


@pytest.fixture
def library(engine: Engine) -> Iterator[registry]:
    reg = registry()
    author = Table("author", reg.metadata, Column("id", Integer, primary_key=True), Column("full_name", String))
    book = Table(
        "book",
        reg.metadata,
        Column("id", Integer, primary_key=True),
        Column("author_id", Integer, ForeignKey("author.id")),
        Column("title", String),
    )
    old = Table("old", reg.metadata, Column("id", Integer, primary_key=True), Column("n", Integer))
    reg.map_imperatively(
        Author, author, properties={"name": author.c.full_name, "books": relationship(Book, backref="author")}
    )
    reg.map_imperatively(Book, book)
    reg.map_imperatively(Old, old)
    reg.metadata.create_all(engine)
    reg.configure()
    yield reg
    reg.dispose()


@pytest.fixture
def session(engine: Engine, library: registry) -> Iterator[Session]:
    session = Session(engine)
    yield session
    session.close()


def make_book(**values: Any) -> Any:
    book = Book()
    for key, value in values.items():
        setattr(book, key, value)
    return book


def test_a_class_keeps_its_own_constructor(session: Session) -> None:
    ada = Author("Ada", shout=True)
    assert (ada.name, ada.nickname) == ("ADA", "Ad")
    session.add(ada)
    session.commit()
    assert session.connection().exec_driver_sql("SELECT full_name FROM author").scalar() == "ADA"


def test_a_class_without_one_takes_keywords(session: Session) -> None:
    book = Book(title="Notes")  # type: ignore[call-arg]
    session.add(book)
    session.commit()
    assert book.title == "Notes"
    with pytest.raises(TypeError, match="'titel' is an invalid keyword argument for Book"):
        Book(titel="x")  # type: ignore[call-arg]


def test_the_whole_life_of_a_plain_object(session: Session) -> None:
    ada, book = Author("Ada"), make_book(title="Notes")
    ada.books.append(book)
    assert book.author is ada and inspect(ada).transient
    session.add(ada)
    assert inspect(book).pending
    session.flush()
    assert (inspect(ada).persistent, book.author_id) == (True, ada.id)
    book.title = "Sketch"
    with expect_statements(session, 1):
        session.flush()
    session.delete(book)
    session.flush()
    assert inspect(book).deleted
    session.rollback()
    assert inspect(ada).transient and inspect(book).transient


def test_loading_does_not_call_the_constructor(session: Session) -> None:
    """Line 21.17: loading does not call the constructor."""
    session.add(Author("Ada"))
    session.commit()
    session.expunge_all()
    ada = session.scalars(select(Author)).one()
    assert ada.name == "Ada" and not hasattr(ada, "nickname")


def test_expiring_leaves_what_is_not_mapped(session: Session) -> None:
    ada = Author("Ada")
    session.add(ada)
    session.commit()
    assert ada.nickname == "Ad" and "name" not in vars(ada)
    assert ada.name == "Ada"


def test_a_validator_guards_every_way_in(session: Session) -> None:
    with pytest.raises(ValueError, match="needs a name"):
        Author("")
    ada = Author("Ada")
    session.add(ada)
    for _ in range(2):
        with pytest.raises(ValueError, match="needs a name"):
            ada.name = ""
        session.commit()
    assert ada.name == "Ada" and ada not in session.dirty


def test_validators_of_inherited_methods_and_several_names() -> None:
    class Checks:
        @validates("a", "b")
        def positive(self, key: str, value: int) -> int:
            assert value > 0, key
            return value

    class Pair(Checks):
        pass

    reg = registry()
    table = Table(
        "pair", reg.metadata, Column("a", Integer, primary_key=True), Column("b", Integer), Column("c", Integer)
    )
    reg.map_imperatively(Pair, table)
    pair: Any = Pair()
    pair.a, pair.c = 1, -1
    with pytest.raises(AssertionError, match="b"):
        pair.b = -1
    reg.dispose()


def test_objects_that_are_equal_and_have_no_hash_are_two(session: Session) -> None:
    """Line 17.9: objects that are equal and have no hash are two."""
    one, two = Old(1), Old(1)
    session.add_all([one, two])
    assert one in session and two in session and len(session.new) == 2
    session.flush()
    assert one.id != two.id
    two.n = 2
    assert two in session.dirty and one not in session.dirty
    session.delete(one)
    session.flush()
    assert session.connection().exec_driver_sql("SELECT n FROM old").all() == [(2,)]


def test_a_plain_object_made_before_anything_touched_it_is_transient(library: registry) -> None:
    book = Book()
    assert STATE_KEY not in vars(book)
    assert inspect(book).state is ObjectState.TRANSIENT


def test_an_object_made_past_the_constructor_is_transient(session: Session) -> None:
    ada = object.__new__(Author)
    assert inspect(ada).transient and ada.name is None and ada.books == []
    session.add(ada)
    session.flush()
    assert inspect(ada).persistent


def test_pickling_a_plain_object_takes_it_out_of_its_session(session: Session) -> None:
    """Line 21.18: a pickle keeps the values and drops the session."""
    ada = Author("Ada")
    session.add(ada)
    session.commit()
    ada.name
    twin = pickle.loads(pickle.dumps(ada))
    assert twin.name == "Ada" and object_session(twin) is None and inspect(twin).detached
    session.expunge(ada)
    session.add(twin)
    assert twin in session


def test_mapping_twice_is_refused(library: registry) -> None:
    with pytest.raises(exc.ArgumentError, match="'Author' already has been instrumented"):
        library.map_imperatively(Author, library.metadata.tables["author"])


def test_a_property_that_is_neither_column_nor_relationship(library: registry) -> None:
    class Third:
        pass

    table = Table("third", library.metadata, Column("id", Integer, primary_key=True))
    with pytest.raises(exc.ArgumentError, match="Property 'x' of Third is neither"):
        library.map_imperatively(Third, table, properties={"x": 3})
    assert not hasattr(Third, "__mapper__")


def test_one_key_for_two_properties(library: registry) -> None:
    class Third:
        pass

    table = Table("third", library.metadata, Column("id", Integer, primary_key=True), Column("books", Integer))
    with pytest.raises(exc.ArgumentError, match=r"'Third\.books' is mapped twice"):
        library.map_imperatively(Third, table, properties={"books": relationship(Book)})


def plain_names() -> set[str]:
    """What lies on the class, notes of ours that change nothing apart."""
    return {name for name in vars(Author) if not name.startswith("__nbs") and name != "__table__"}


def test_dispose_makes_plain_classes_plain_again(engine: Engine) -> None:
    """Line 23.6: registry.dispose()."""
    before = plain_names()
    reg = registry()
    table = Table("a", reg.metadata, Column("id", Integer, primary_key=True), Column("name", String))
    reg.map_imperatively(Author, table)
    assert class_mapper(Author) in reg.mappers
    reg.dispose()
    assert reg.mappers == []
    assert plain_names() == before
    ada = Author("")
    assert ada.name == "" and vars(ada) == {"name": "", "nickname": ""}
    with pytest.raises(exc.UnmappedInstanceError), Session(engine) as session:
        session.add(ada)


def test_a_disposed_class_can_be_mapped_again(engine: Engine) -> None:
    for name in ("first", "second"):
        reg = registry()
        table = Table(name, reg.metadata, Column("id", Integer, primary_key=True), Column("name", String))
        reg.map_imperatively(Author, table)
        reg.metadata.create_all(engine)
        with Session(engine) as session:
            session.add(Author(name))
            session.commit()
            assert session.connection().exec_driver_sql(f"SELECT name FROM {name}").all() == [(name,)]
        reg.dispose()
