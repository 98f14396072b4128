"""Many-to-many: rows of the association table are inserted and deleted once, in the right place of a flush."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from nbsession import (
    Column,
    DeclarativeBase,
    Engine,
    ForeignKey,
    IntegrityError,
    Mapped,
    Session,
    StaleDataError,
    Table,
    inspect,
    mapped_column,
    relationship,
)
from nbsession.session.flush.flush_plan import KeyOf
from tests.support import statements_of


class Base(DeclarativeBase):
    pass


book_tag = Table(
    "book_tag",
    Base.metadata,
    Column("book_id", ForeignKey("book.id"), primary_key=True),
    Column("tag_id", ForeignKey("tag.id"), primary_key=True),
)
book_reader = Table(
    "book_reader",
    Base.metadata,
    Column("book_id", ForeignKey("book.id")),
    Column("reader_id", ForeignKey("reader.id")),
)


class Book(Base):
    __tablename__ = "book"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str | None]
    tags: Mapped[list[Tag]] = relationship(secondary=book_tag, back_populates="books", order_by=lambda: Tag.id)
    seen: Mapped[list[Tag]] = relationship(secondary=book_tag, viewonly=True)
    readers: Mapped[list[Reader]] = relationship(secondary=book_reader, passive_deletes=True)


class Tag(Base):
    __tablename__ = "tag"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None]
    books: Mapped[list[Book]] = relationship(secondary=book_tag, back_populates="tags", order_by=lambda: Book.id)


class Reader(Base):
    __tablename__ = "reader"

    id: Mapped[int] = mapped_column(primary_key=True)


Links = Callable[[], list[tuple[Any, ...]]]


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    Base.metadata.create_all(engine)
    session = Session(engine)
    yield session
    session.close()


@pytest.fixture
def links(session: Session) -> Links:
    def read() -> list[tuple[Any, ...]]:
        found = session.connection().exec_driver_sql("SELECT book_id, tag_id FROM book_tag ORDER BY 1, 2")
        return [tuple(row) for row in found.all()]

    return read


def shape(session: Session) -> list[str]:
    return [str(step) for step in session.flush_plan().steps]


def test_rows_are_inserted_after_both_sides_and_name_their_keys(session: Session, links: Links) -> None:
    """Line 18.9: association rows follow the rows they refer to."""
    book, tag = Book(title="x"), Tag(name="t")
    book.tags.append(tag)
    session.add(book)
    plan = session.flush_plan()
    assert sorted(map(str, plan.steps[:2])) == ["INSERT book (1)", "INSERT tag (1)"]
    step = plan.steps[2]
    assert (str(step), step.mapper, step.objects, step.count) == ("INSERT book_tag (1)", None, [], 1)
    assert step.links_between == [(book, tag)] and step.relationship is not None
    assert list(step.rows()) == [((book, tag), {"book_id": KeyOf(book), "tag_id": KeyOf(tag)})]
    assert step.after == (1, 2) and len(step.reasons) == 2
    assert any(reason.startswith("book_tag.book_id needs book.id of step") for reason in step.reasons)
    session.flush()
    assert links() == [(book.id, tag.id)]


def test_a_row_is_written_once_though_both_sides_changed(session: Session, links: Links) -> None:
    """Line 18.9: once even when both sides changed."""
    books, tags = [Book(id=1), Book(id=2)], [Tag(id=1), Tag(id=2)]
    session.add_all([*books, *tags])
    session.commit()
    assert all(one.id and one.tags == [] for one in books) and all(one.id and one.books == [] for one in tags)
    books[0].tags = list(tags)
    tags[1].books.append(books[1])
    with statements_of(session) as sent:
        session.flush()
    assert len(sent) == 1 and links() == [(1, 1), (1, 2), (2, 2)]
    tags[0].books.remove(books[0])
    books[1].tags.clear()
    session.flush()
    assert links() == [(1, 2)]
    session.commit()
    assert books[0].tags == [tags[1]] and tags[1].books == [books[0]]


def test_nothing_is_sent_where_nothing_changed(session: Session) -> None:
    """Line 9.7: taken out and put back nets to nothing."""
    book = Book(id=1, tags=[Tag(id=1)])
    session.add(book)
    session.commit()
    tag = book.tags.pop()
    book.tags.append(tag)
    with statements_of(session) as sent:
        session.flush()
    assert sent == []


@pytest.mark.parametrize("loaded", [True, False])
@pytest.mark.parametrize("kind", [Book, Tag])
def test_deleting_either_side_clears_its_rows_first(
    session: Session, links: Links, kind: type[Any], loaded: bool
) -> None:
    """Line 18.9: deleting either side clears its rows."""
    tags = [Tag(id=1), Tag(id=2)]
    session.add_all([Book(id=1, tags=list(tags)), Book(id=2, tags=list(tags))])
    session.commit()
    session.close()
    leaving = session.get(kind, 1)
    assert leaving is not None
    many = "tags" if kind is Book else "books"
    if loaded:
        assert len(getattr(leaving, many)) == 2
    session.delete(leaving)
    plan = session.flush_plan()
    assert plan.notes == (
        () if loaded else tuple(f"{key} of {kind.__name__}#1 not loaded: would SELECT" for key in [many])
    )
    table = kind.__name__.lower()
    if loaded:
        assert [str(step) for step in plan.steps] == ["DELETE book_tag (2)", f"DELETE {table} (1)"]
        assert plan.steps[1].reasons == (f"book_tag.{table}_id refers to {table}: step 1 deletes those rows first",)
    session.flush()
    assert links() == ([(2, 1), (2, 2)] if kind is Book else [(1, 2), (2, 2)])


def test_passive_deletes_leaves_unloaded_rows_to_the_database(session: Session) -> None:
    """Line 18.6: with passive_deletes nothing is loaded to be deleted."""
    session.add(Book(id=1, readers=[]))
    session.commit()
    session.close()
    book = session.get(Book, 1)
    assert book is not None and book.tags == []
    session.delete(book)
    with statements_of(session) as sent:
        session.flush()
    assert not any("book_reader" in sql for sql in sent)


def test_a_viewonly_relationship_writes_nothing(session: Session, links: Links) -> None:
    """Line 18.7: viewonly relationships are not flushed."""
    book, tag = Book(id=1), Tag(id=1)
    session.add_all([book, tag])
    session.flush()
    book.seen.append(tag)
    session.commit()
    assert links() == []


def test_a_row_that_somebody_else_deleted_is_stale(session: Session) -> None:
    """Line 18.9: a row-count mismatch is a StaleDataError."""
    book = Book(id=1, tags=[Tag(id=1)])
    session.add(book)
    session.commit()
    assert len(book.tags) == 1
    session.connection().exec_driver_sql("DELETE FROM book_tag")
    book.tags.clear()
    with pytest.raises(StaleDataError, match="DELETE statement on table 'book_tag' expected to delete 1 row"):
        session.flush()
    session.rollback()
    assert len(book.tags) == 1


def test_a_member_of_an_unloaded_collection_is_added_and_removed_without_loading(
    session: Session, links: Links
) -> None:
    """Line 18.10: a change queued on an unloaded side is written."""
    session.add_all([Book(id=1, tags=[Tag(id=1)]), Tag(id=2)])
    session.commit()
    session.close()
    book, old, new = session.get(Book, 1), session.get(Tag, 1), session.get(Tag, 2)
    assert book is not None and old is not None and new is not None
    assert old.books == [book] and new.books == []
    old.books.remove(book)
    new.books.append(book)
    assert "tags" not in vars(book)
    session.flush()
    assert links() == [(1, 2)] and book.tags == [new]


def test_rollback_brings_the_rows_back(session: Session, links: Links) -> None:
    """Line 18.9: association rows are part of the transaction."""
    book = Book(id=1, tags=[Tag(id=1)])
    session.add(book)
    session.commit()
    session.delete(book)
    session.flush()
    assert links() == [] and inspect(book).deleted
    session.rollback()
    assert links() == [(1, 1)] and len(book.tags) == 1


def test_a_member_that_is_in_a_list_twice_has_two_rows_which_a_key_refuses(session: Session, links: Links) -> None:
    """Line 18.9: each row is sent once, though both sides have changed; but for each time that a list has the member."""
    tag, reader = Tag(name="t"), Reader()
    book = Book(readers=[reader, reader])
    session.add(book)
    session.commit()
    assert book.readers == [reader]  # one object, whatever the number of rows
    book.tags += [tag, tag]
    with pytest.raises(IntegrityError):
        session.commit()
    session.rollback()
    assert links() == []


def test_rows_that_one_side_lists_twice_are_inserted_once_if_the_other_side_comes_first(session: Session) -> None:
    """Line 18.9: the two sides are asked by name, and the second says nothing new."""
    book, tag = Book(), Tag()
    session.add_all([book, tag])
    session.commit()
    assert tag.books == []
    tag.books.append(book)
    tag.books.append(book)
    session.commit()
    assert book.tags == [tag]
