"""Columns that the mapping defers: they are left out of SELECTs, and load when they are touched."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from nbsession import (
    Column,
    DeclarativeBase,
    Engine,
    Integer,
    Mapped,
    Session,
    String,
    Table,
    class_mapper,
    deferred,
    inspect,
    mapped_column,
    registry,
    select,
)
from tests.support import expect_statements


class Base(DeclarativeBase):
    pass


class Book(Base):
    __tablename__ = "book"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str | None] = mapped_column(deferred=True)
    title: Mapped[str | None]
    cover: Mapped[str | None] = mapped_column(deferred_group="look")
    font: Mapped[str | None] = deferred(mapped_column(), group="look")


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    Base.metadata.create_all(engine)
    session = Session(engine)
    session.add(Book(id=1, title="t", text="long", cover="red", font="serif"))
    session.commit()
    session.close()
    yield session
    session.close()


def test_the_mapper_knows_them() -> None:
    """Line 21.21: keys and groups."""
    mapper = class_mapper(Book)
    assert mapper.deferred_keys == {"text", "cover", "font"} and mapper.deferred_groups == {"look": ("cover", "font")}
    assert mapper.selected_keys == ("id", "title") and mapper.column_keys == ("id", "text", "title", "cover", "font")


@pytest.mark.parametrize("read", [lambda s: s.get(Book, 1), lambda s: s.scalars(select(Book)).one()])
def test_a_deferred_column_loads_alone_when_touched(session: Session, read: Callable[[Session], Any]) -> None:
    """Line 21.21: by a SELECT of that column."""
    with expect_statements(session, 1):
        book = read(session)
    assert inspect(book).unloaded == {"text", "cover", "font"}
    with expect_statements(session, 1) as sent:
        assert book.text == "long" and book.text == "long"
    assert "title" not in sent[0] and "cover" not in sent[0]


def test_a_group_loads_together(session: Session) -> None:
    """Line 21.21: at the first touch of any of it."""
    book = session.get(Book, 1)
    with expect_statements(session, 1):
        assert (book.font, book.cover) == ("serif", "red")
    assert "text" not in book.__dict__


def test_what_is_expired_or_refreshed_is_deferred_again(session: Session) -> None:
    """Lines 10.1, 21.21: the SELECT of an expired object leaves deferred columns out."""
    book = session.get(Book, 1)
    assert book.text == "long"
    session.expire(book)
    with expect_statements(session, 1):
        assert book.title == "t"
    assert "text" not in book.__dict__
    session.expire(book)
    with expect_statements(session, 2):
        assert (book.text, book.title) == ("long", "t")
    session.refresh(book)
    assert "text" not in book.__dict__
    session.refresh(book, ["text"])
    assert book.__dict__["text"] == "long"


def test_a_deferred_column_is_written_like_any_other(session: Session) -> None:
    """Line 21.21: it need not be loaded to be set."""
    book = session.get(Book, 1)
    with expect_statements(session, 1):
        book.text = "short"
        session.flush()
    session.expire_all()
    assert book.text == "short"


def test_rows_of_several_entities(session: Session) -> None:
    """Line 21.21: what stands beside the entity is found although it has fewer columns."""
    book, font = session.execute(select(Book, Book.font)).one()
    assert font == "serif" and book.title == "t"


def test_deferred_columns_of_an_imperative_mapping(engine: Engine) -> None:
    """Line 21.21: deferred(column) among the properties."""

    class Note:
        id: int
        body: str

    reg = registry()
    table = Table("note", reg.metadata, Column("id", Integer, primary_key=True), Column("content", String))
    mapper = reg.map_imperatively(Note, table, properties={"body": deferred(table.c.content)})
    assert mapper.deferred_keys == {"body"} and mapper.column_keys == ("id", "body")
    reg.metadata.create_all(engine)
    with Session(engine) as session:
        note = Note()
        note.body = "b"
        session.add(note)
        session.commit()
        session.expunge_all()
        with expect_statements(session, 2):
            assert session.scalars(select(Note)).one().body == "b"
    reg.dispose()
