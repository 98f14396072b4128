"""Many-to-many relationships in memory and loaded lazily: both sides are collections, an association table joins them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from nbsession import (
    AmbiguousForeignKeysError,
    Column,
    DeclarativeBase,
    Engine,
    ForeignKey,
    Mapped,
    NoForeignKeysError,
    Session,
    Table,
    class_mapper,
    exc,
    insert,
    mapped_column,
    relationship,
)
from nbsession.mapping.collecting.collections import members_of
from nbsession.mapping.relating.relationships import Direction
from tests.support import expect_statements


class Base(DeclarativeBase):
    pass


marks = Table(
    "marks",
    Base.metadata,
    Column("book_id", ForeignKey("book.id"), primary_key=True),
    Column("tag_id", ForeignKey("tag.id"), primary_key=True),
)
follows = Table(
    "follows",
    Base.metadata,
    Column("who", ForeignKey("person.id"), primary_key=True),
    Column("whom", ForeignKey("person.id"), primary_key=True),
)


class Book(Base):
    __tablename__ = "book"
    id: Mapped[int] = mapped_column(primary_key=True)
    tags: Mapped[list[Tag]] = relationship(secondary=marks, back_populates="books", order_by=lambda: Tag.id)


class Tag(Base):
    __tablename__ = "tag"
    id: Mapped[int] = mapped_column(primary_key=True)
    books: Mapped[list[Book]] = relationship(secondary="marks", back_populates="tags", order_by=lambda: Book.id)


class Person(Base):
    __tablename__ = "person"
    id: Mapped[int] = mapped_column(primary_key=True)
    following = relationship(
        "Person",
        secondary=lambda: follows,
        primaryjoin=lambda: Person.id == follows.c.who,
        secondaryjoin=lambda: Person.id == follows.c.whom,
        backref="followers",
        order_by=lambda: Person.id,
    )


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    Base.metadata.create_all(engine)
    with engine.begin() as connection:
        for table, keys, rows in (
            (Book.__table__, "id", [(1,), (2,), (3,)]),
            (Tag.__table__, "id", [(1,), (2,), (3,)]),
            (Person.__table__, "id", [(1,), (2,), (3,)]),
            (marks, "book_id tag_id", [(1, 1), (1, 2), (2, 2)]),
            (follows, "who whom", [(1, 2), (1, 3), (2, 1)]),
        ):
            connection.execute(insert(table), [dict(zip(keys.split(), row, strict=True)) for row in rows])
    session = Session(engine, autoflush=False)
    yield session
    session.close()


def ids(objects: Any) -> list[int]:
    return [obj.id for obj in objects]


def test_what_a_many_to_many_relationship_says_of_itself() -> None:
    tags = class_mapper(Book).declared["tags"]
    assert tags.direction is Direction.MANYTOMANY
    assert tags.secondary is marks and tags.uselist and tags.pairs == ()
    assert tags.secondary_pairs == (("id", marks.c.book_id),)
    assert tags.target_pairs == (("id", marks.c.tag_id),)
    assert tags.reverse is Tag.books and class_mapper(Tag).declared["books"].reverse is Book.tags
    steps = tags.join_steps()
    assert [entity for entity, _ in steps] == [marks, Tag]
    assert [str(condition) for _, condition in steps] == ["book.id = marks.book_id", "tag.id = marks.tag_id"]


def test_a_many_to_many_collection_loads_by_one_select(session: Session) -> None:
    """At its first touch, with the parent's key as parameter."""
    book = session.get_one(Book, 1)
    with expect_statements(session, 1):
        assert ids(book.tags) == [1, 2]
    assert ids(session.get_one(Tag, 2).books) == [1, 2]
    assert session.get_one(Book, 3).tags == []


def test_a_class_related_to_itself_by_an_association_table(session: Session) -> None:
    one, two = session.get_one(Person, 1), session.get_one(Person, 2)
    assert ids(one.following) == [2, 3] and ids(one.followers) == [2]
    assert ids(two.following) == [1] and ids(two.followers) == [1]


def test_both_sides_change_at_once(session: Session) -> None:
    """Line 18.10: new objects, loaded collections, and unloaded ones, where the change waits for the load."""
    book, tag = Book(), Tag()
    book.tags.append(tag)
    assert tag.books == [book]
    tag.books.remove(book)
    assert book.tags == []
    stored, other = session.get_one(Book, 1), session.get_one(Tag, 3)
    assert ids(other.books) == []
    with expect_statements(session, 1):
        stored.tags = [other]
    assert other.books == [stored]
    with expect_statements(session, 1):
        assert session.get_one(Tag, 1).books == []


def test_a_change_of_an_unloaded_side_is_combined_with_the_rows_at_load(session: Session) -> None:
    """Line 18.10: the rows first, then what was added."""
    tag, book = session.get_one(Tag, 2), session.get_one(Book, 3)
    with expect_statements(session, 1):
        book.tags.append(tag)
    with expect_statements(session, 1):
        assert ids(tag.books) == [1, 2, 3]


@pytest.mark.parametrize("collection, members", [([1, 2], [1, 2]), ({"a": 1}, [1]), ({3}, [3]), (None, [])])
def test_members_of_any_collection(collection: Any, members: list[int]) -> None:
    assert members_of(collection) == members


def pair(keys: dict[str, str], **options: Any) -> Any:
    class Own(DeclarativeBase):
        pass

    Table("between", Own.metadata, *(Column(name, ForeignKey(to), primary_key=True) for name, to in keys.items()))

    class A(Own):
        __tablename__ = "a"
        id: Mapped[int] = mapped_column(primary_key=True)
        bs = relationship("B", secondary=options.pop("secondary", "between"), **options)

    class B(Own):
        __tablename__ = "b"
        id: Mapped[int] = mapped_column(primary_key=True)

    return A


@pytest.mark.parametrize(
    "keys, options, error, words",
    [
        (
            {"a_id": "a.id"},
            {},
            NoForeignKeysError,
            "no foreign keys linking these tables via secondary table 'between'",
        ),
        (
            {"a_id": "a.id", "x_id": "a.id", "b_id": "b.id"},
            {},
            AmbiguousForeignKeysError,
            "multiple foreign key paths linking the tables via secondary table 'between'",
        ),
        ({}, {"secondary": "nowhere"}, exc.InvalidRequestError, "expression 'nowhere' failed to locate a name"),
        (
            {"a_id": "a.id", "b_id": "b.id"},
            {"cascade": "all, delete-orphan"},
            exc.ArgumentError,
            "For many-to-many relationship A.bs, delete-orphan cascade is normally configured only on the 'one' side",
        ),
        (
            {},
            {"secondary": None, "secondaryjoin": lambda: True},
            exc.ArgumentError,
            "'A.bs' specified with secondary join condition but no secondary argument",
        ),
    ],
    ids=["no key to the target", "two keys to the parent", "no such table", "delete-orphan", "join without table"],
)
def test_errors(keys: dict[str, str], options: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        class_mapper(pair(keys, **options))
