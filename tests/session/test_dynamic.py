"""``lazy="dynamic"``: a collection that is asked, never loaded, and whose changes wait for the flush."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from nbsession import (
    Column,
    DeclarativeBase,
    DetachedInstanceError,
    Engine,
    ForeignKey,
    Mapped,
    Session,
    Table,
    class_mapper,
    exc,
    inspect,
    mapped_column,
    relationship,
)
from tests.support import expect_statements, statements_of


class Base(DeclarativeBase):
    pass


marks = Table(
    "marks",
    Base.metadata,
    Column("post_id", ForeignKey("post.id"), primary_key=True),
    Column("tag_id", ForeignKey("tag.id"), primary_key=True),
)


class Author(Base):
    __tablename__ = "author"
    id: Mapped[int] = mapped_column(primary_key=True)
    posts = relationship(
        "Post", lazy="dynamic", back_populates="author", order_by="Post.id", cascade="all, delete-orphan"
    )


class Post(Base):
    __tablename__ = "post"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str | None]
    author_id: Mapped[int | None] = mapped_column(ForeignKey("author.id"))
    author = relationship("Author", back_populates="posts")
    tags = relationship("Tag", secondary=marks, lazy="dynamic", back_populates="posts", order_by="Tag.id")


class Tag(Base):
    __tablename__ = "tag"
    id: Mapped[int] = mapped_column(primary_key=True)
    posts: Mapped[list[Post]] = relationship(secondary=marks, back_populates="tags")


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    Base.metadata.create_all(engine)
    with Session(engine, autoflush=False) as session:
        author = Author(id=1)
        for number in (1, 2, 3):
            author.posts.append(Post(id=number, title=f"t{number}"))
        session.add(author)
        session.commit()
        yield session


def ids(objects: Any) -> list[int]:
    return [obj.id for obj in objects]


def rows(session: Session, sql: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in session.connection().exec_driver_sql(sql).all()]


def test_a_dynamic_collection_is_a_query(session: Session) -> None:
    """Line 21.20"""
    posts = session.get_one(Author, 1).posts
    assert ids(posts) == [1, 2, 3] == ids(posts.all()) and posts.count() == 3
    assert posts.first().id == 1 and posts[1].id == 2 and ids(posts[1:]) == [2, 3]
    assert posts.filter_by(title="t2").one().id == 2
    assert ids(posts.filter(Post.id > 1).order_by(None).order_by(Post.id.desc())) == [3, 2]


def test_changes_wait_for_the_flush_and_load_nothing(session: Session) -> None:
    """Line 21.20: and show on the other side at once."""
    author, first, new = session.get_one(Author, 1), session.get_one(Post, 1), Post(id=4)
    assert (author.id, first.author_id) == (1, 1)
    with expect_statements(session, 0):
        author.posts.append(new)
        author.posts.remove(first)
        assert new.author is author and first.author is None and new in session
        history = inspect(author).attrs.posts.history
        assert (history.added, history.deleted) == ([new], [first])
    session.flush()
    assert rows(session, "SELECT id FROM post ORDER BY id") == [(2,), (3,), (4,)]
    assert ids(author.posts) == [2, 3, 4] and not session.dirty


def test_a_query_flushes_first_if_the_session_does(session: Session) -> None:
    """Line 9.11"""
    session.autoflush = True
    author = session.get_one(Author, 1)
    author.posts.add(Post(id=4))
    assert ids(author.posts) == [1, 2, 3, 4] and author.posts.count() == 4


def test_the_other_side_adds_and_removes(session: Session) -> None:
    """Line 18.10"""
    author, other, post = session.get_one(Author, 1), Author(id=2), session.get_one(Post, 1)
    session.add(other)
    post.author = other
    assert ids(other.posts) == [1]
    session.commit()
    assert ids(author.posts) == [2, 3] and ids(other.posts) == [1]


def test_assignment_and_deletion(session: Session) -> None:
    """Lines 18.2, 18.11: only the difference; deleting the parent reaches the members."""
    author = session.get_one(Author, 1)
    second = session.get_one(Post, 2)
    author.posts = [second, Post(id=5)]
    with statements_of(session) as sent:
        session.commit()
    assert sum(s.startswith("INSERT") for s in sent) == 1
    assert rows(session, "SELECT id FROM post ORDER BY id") == [(2,), (5,)]
    session.delete(author)
    session.commit()
    assert rows(session, "SELECT id FROM post") == []


def test_many_to_many(session: Session) -> None:
    """Line 18.9"""
    post, tags = session.get_one(Post, 1), [Tag(id=1), Tag(id=2)]
    post.tags.extend(tags)
    session.commit()
    assert ids(post.tags) == [1, 2] and ids(tags[0].posts) == [1]
    post.tags.remove(tags[0])
    assert tags[0].posts == []
    session.commit()
    assert rows(session, "SELECT post_id, tag_id FROM marks") == [(1, 2)] and ids(post.tags) == [2]


def test_a_new_and_a_detached_object(session: Session) -> None:
    author, post = Author(id=9), Post(id=9)
    author.posts.append(post)
    assert list(author.posts) == [post] == author.posts[:] and author.posts.count() == 1 and post.author is author
    with pytest.raises(ValueError):
        author.posts.remove(Post())
    twin = copy.copy(author)
    twin.posts.append(Post(id=8))
    assert ids(twin.posts) == [9, 8] and ids(author.posts) == [9]
    author.posts.remove(post)
    assert post.author is None and not author.posts.all()
    with pytest.raises(DetachedInstanceError, match="is not bound to a Session"):
        author.posts.filter_by(id=1)
    stored = session.get_one(Author, 1)
    session.close()
    with pytest.raises(DetachedInstanceError, match="lazy load operation of attribute 'posts' cannot proceed"):
        list(stored.posts)


def test_a_reference_cannot_be_dynamic() -> None:
    class Own(DeclarativeBase):
        pass

    class A(Own):
        __tablename__ = "a"
        id: Mapped[int] = mapped_column(primary_key=True)

    class B(Own):
        __tablename__ = "b"
        id: Mapped[int] = mapped_column(primary_key=True)
        a_id: Mapped[int] = mapped_column(ForeignKey("a.id"))
        a = relationship("A", lazy="dynamic")

    with pytest.raises(exc.InvalidRequestError, match="'dynamic' loaders cannot be used with many-to-one"):
        class_mapper(B)
