"""What a flush does with children: partial flushes, children given away, orphans of one parent of several, row switches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from nbsession import (
    Column,
    DeclarativeBase,
    Engine,
    ForeignKey,
    Mapped,
    Session,
    Table,
    inspect,
    mapped_column,
    relationship,
)
from tests.support import statements_of


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "user_"

    id: Mapped[int] = mapped_column(primary_key=True)
    posts: Mapped[list[Post]] = relationship(cascade="all, delete-orphan", order_by=lambda: Post.id)
    notes: Mapped[list[Note]] = relationship(
        cascade="all, delete-orphan", back_populates="user", order_by=lambda: Note.id
    )
    card: Mapped[Card | None] = relationship(cascade="all, delete-orphan")


class Page(Base):
    __tablename__ = "page"

    id: Mapped[int] = mapped_column(primary_key=True)
    posts: Mapped[list[Post]] = relationship(cascade="all, delete-orphan")


class Post(Base):
    __tablename__ = "post"
    __mapper_args__ = {"legacy_is_orphan": True}

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user_.id"))
    page_id: Mapped[int | None] = mapped_column(ForeignKey("page.id"))


class Note(Base):
    __tablename__ = "note"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str | None]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user_.id"))
    user: Mapped[User | None] = relationship(back_populates="notes")


class Card(Base):
    __tablename__ = "card"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user_.id"))


book_tag = Table(
    "book_tag",
    Base.metadata,
    Column("book_id", ForeignKey("book.id"), primary_key=True),
    Column("tag_id", ForeignKey("tag.id"), primary_key=True),
)


class Book(Base):
    """Owns its tags, though many books could."""

    __tablename__ = "book"

    id: Mapped[int] = mapped_column(primary_key=True)
    tags: Mapped[list[Tag]] = relationship(
        secondary=book_tag, cascade="all, delete-orphan", single_parent=True, order_by=lambda: Tag.id
    )


class Tag(Base):
    __tablename__ = "tag"

    id: Mapped[int] = mapped_column(primary_key=True)


class Leaf(Base):
    __tablename__ = "leaf"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str | None]
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("leaf.id"))
    parent: Mapped[Leaf | None] = relationship(remote_side=lambda: Leaf.id, back_populates="leaves")
    leaves: Mapped[list[Leaf]] = relationship(
        back_populates="parent", cascade="all, delete-orphan", order_by=lambda: Leaf.id
    )


Read = Callable[[str], list[tuple[Any, ...]]]


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    Base.metadata.create_all(engine)
    session = Session(engine, autoflush=False)
    yield session
    session.close()


@pytest.fixture
def read(session: Session) -> Read:
    def rows(sql: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in session.connection().exec_driver_sql(sql).all()]

    return rows


# ── some of the objects ──────────────────────────────────────────────────────────────────────────────────────────────
def test_a_child_is_flushed_alone_and_linked_when_its_parent_is(session: Session, read: Read) -> None:
    """Line 9.2: flush([child]) takes the child alone; flush([parent]) brings its pending children."""
    first, second, third = Note(text="1"), Note(text="2"), Note(text="3")
    user = User(notes=[first, second, third])
    session.add(user)
    session.flush([first])
    assert inspect(user).pending and inspect(second).pending and inspect(first).persistent
    assert read("SELECT text, user_id FROM note") == [("1", None)]
    assert [str(s) for s in session.flush_plan([user]).steps] == [
        "INSERT user_ (1)",
        "UPDATE note (1)",
        "INSERT note (2)",
    ]
    session.flush([user])
    assert all(inspect(one).persistent for one in (user, second, third))
    assert read("SELECT text, user_id FROM note ORDER BY text") == [(text, user.id) for text in "123"]


def test_a_parent_flushed_alone_takes_its_orphans_along(session: Session, read: Read) -> None:
    """Line 9.3: an orphan of a chosen parent is deleted; what was not chosen waits."""
    user = User(notes=[Note(text="1"), Note(text="2")])
    session.add(user)
    session.commit()
    gone, kept = user.notes
    user.notes.remove(gone)
    kept.text = "later"
    session.flush([user])
    assert inspect(gone).deleted and kept in session.dirty and read("SELECT text FROM note") == [("2",)]


# ── children given away ──────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("kind", ["posts", "notes", "card"])
def test_a_child_given_to_a_new_parent_survives_the_old_ones_delete(session: Session, read: Read, kind: str) -> None:
    """Lines 18.2, 22.14: it is kept, though it was marked, and leaves ``deleted``."""
    child = {"posts": Post, "notes": Note, "card": Card}[kind](id=1)
    old, new = User(id=1), User(id=2)
    setattr(old, kind, child if kind == "card" else [child])
    session.add(old)
    session.flush()
    session.delete(old)
    assert child in session.deleted
    setattr(new, kind, child if kind == "card" else [child])
    session.add(new)
    assert [str(step) for step in session.flush_plan().steps][-1] == "DELETE user_ (1)"
    session.flush()
    assert inspect(child).persistent and child not in session.deleted
    session.commit()
    table = kind.rstrip("s")
    assert read(f"SELECT id, user_id FROM {table}") == [(1, 2)]
    assert inspect(child).persistent and child.user_id == 2


def test_a_pending_child_of_two_parents_under_legacy_is_orphan(session: Session) -> None:
    """Line 18.4: legacy_is_orphan spares a pending child that has a parent left."""
    post = Post()
    user, page = User(posts=[post]), Page(posts=[post])
    session.add_all([user, page])
    user.posts.remove(post)
    assert inspect(post).pending
    page.posts.remove(post)
    assert inspect(post).transient


def test_a_stored_child_of_two_parents_is_an_orphan_when_one_drops_it(session: Session, read: Read) -> None:
    """Line 18.4: legacy_is_orphan spares no stored child, as in 2.1."""
    post = Post()
    user, page = User(posts=[post]), Page(posts=[post])
    session.add_all([user, page])
    session.commit()
    user.posts.remove(post)
    session.commit()
    assert read("SELECT id FROM post") == [] and inspect(post).detached


def test_orphans_of_a_one_to_one_and_of_a_many_to_many(session: Session, read: Read) -> None:
    """Lines 18.2, 18.5: delete-orphan works on every kind of relationship."""
    user, book = User(card=Card(id=1)), Book(tags=[Tag(id=1), Tag(id=2)])
    session.add_all([user, book])
    session.commit()
    user.card = Card(id=2)
    book.tags.pop(0)
    session.flush()
    assert read("SELECT id FROM card") == [(2,)] and read("SELECT id FROM tag") == [(2,)]
    assert read("SELECT tag_id FROM book_tag") == [(2,)]
    user.card = None
    session.delete(book)
    session.commit()
    assert read("SELECT id FROM card") == read("SELECT id FROM tag") == read("SELECT * FROM book_tag") == []


def test_thousands_of_orphans_are_one_step(session: Session) -> None:
    """Line 21.3: orphans become deletes, each once."""
    user = User(posts=[Post() for _ in range(2_000)])
    session.add(user)
    session.commit()
    assert len(user.posts) == 2_000
    user.posts = user.posts[:500]
    assert [str(step) for step in session.flush_plan().steps] == ["DELETE post (1500)"]
    session.commit()
    assert len(user.posts) == 500


# ── row switches ─────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_tree_takes_over_the_rows_of_a_tree(session: Session, read: Read) -> None:
    """Lines 21.4, 22.13: on a self-referential table every newcomer keeps its row."""
    old = Leaf(id=1, text="old", leaves=[Leaf(id=2, text="old"), Leaf(id=3, text="old")])
    session.add(old)
    session.commit()
    session.delete(old)
    session.add(Leaf(id=1, text="new", leaves=[Leaf(id=2, text="new"), Leaf(id=4, text="new")]))
    with statements_of(session) as sent:
        session.flush()
    assert sum(sql.startswith("DELETE") for sql in sent) == 1
    assert read("SELECT id, parent_id, text FROM leaf ORDER BY id") == [(1, None, "new"), (2, 1, "new"), (4, 1, "new")]


# ── reasons ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_every_edge_of_a_plan_has_a_reason(session: Session) -> None:
    """Lines 21.1, 21.3: steps say what they wait for: a key, a row referred to, a row that lets go."""
    user = User(id=1, notes=[Note(id=1)], card=Card(id=1))
    session.add(user)
    session.commit()
    assert user.notes and user.card and user.posts == []
    session.delete(user)
    other = User(id=2)
    session.add_all([Note(id=5, user_id=2), other, Post(id=1, user_id=2)])
    plan = session.flush_plan()
    said = {str(step): step for step in plan.steps}
    assert next(iter(said)) == "INSERT user_ (1)" and list(said)[-1] == "DELETE user_ (1)"
    assert said["INSERT note (1)"].reasons == ("note.user_id refers to rows of user_, which step 1 inserts",)
    assert len(said["DELETE user_ (1)"].reasons) == 2
    for step in plan.steps:
        assert len(step.reasons) >= len(step.after) and all(number < step.number for number in step.after)


def test_children_that_are_not_loaded_are_a_note(session: Session) -> None:
    """Line 14.6: the plan says what the flush would load; it loads nothing itself."""
    session.add_all([User(id=1, notes=[Note()]), Book(id=1, tags=[Tag()])])
    session.commit()
    book = session.get(Book, 1)
    assert book is not None
    session.unit_of_work.mark_deleted(book)
    with statements_of(session) as sent:
        plan = session.flush_plan()
    assert sent == [] and plan.notes == ("tags of Book#1 not loaded: would SELECT",)


def test_a_row_switch_is_found_by_keys_that_relationships_fill(session: Session, read: Read) -> None:
    """Line 21.4: an association object replaced by another of the same two references takes over its row."""

    class Own(DeclarativeBase):
        pass

    class Item(Own):
        __tablename__ = "item"

        id: Mapped[int] = mapped_column(primary_key=True)
        marks: Mapped[list[Mark]] = relationship(cascade="all, delete-orphan")

    class Word(Own):
        __tablename__ = "word"

        id: Mapped[int] = mapped_column(primary_key=True)

    class Mark(Own):
        __tablename__ = "mark"

        item_id: Mapped[int] = mapped_column(ForeignKey("item.id"), primary_key=True)
        word_id: Mapped[int] = mapped_column(ForeignKey("word.id"), primary_key=True)
        text: Mapped[str | None]
        word: Mapped[Word] = relationship()

    Own.metadata.create_all(session.bind)
    words = [Word(id=1), Word(id=2)]
    item = Item(id=1, marks=[Mark(word=words[0], text="old"), Mark(word=words[1])])
    session.add(item)
    session.commit()
    assert len(item.marks) == 2 and words[0].id
    item.marks = [Mark(word=words[0], text="new")]
    assert [str(step) for step in session.flush_plan().steps] == ["UPDATE mark (1)", "DELETE mark (1)"]
    session.commit()
    assert read("SELECT item_id, word_id, text FROM mark") == [(1, 1, "new")]


def test_a_row_switch_between_classes_of_one_table(session: Session, read: Read) -> None:
    """Lines 21.4, 21.11: one identity for the whole hierarchy; the row changes its class."""

    class Own(DeclarativeBase):
        pass

    class Animal(Own):
        __tablename__ = "animal"
        __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "animal"}

        id: Mapped[int] = mapped_column(primary_key=True)
        kind: Mapped[str]

    class Cat(Animal):
        __mapper_args__ = {"polymorphic_identity": "cat"}

    class Dog(Animal):
        __mapper_args__ = {"polymorphic_identity": "dog"}

    Own.metadata.create_all(session.bind)
    session.add(Cat(id=1))
    session.commit()
    session.delete(session.get(Animal, 1))
    session.add(Dog(id=1))
    session.commit()
    assert read("SELECT id, kind FROM animal") == [(1, "dog")] and type(session.get(Animal, 1)) is Dog


def test_an_owned_reference_is_handed_over_without_a_flush(session: Session, read: Read) -> None:
    """Line 18.5: what a many-to-one owns may go from one owner to the next, autoflush or not."""

    class Own(DeclarativeBase):
        pass

    class Profile(Own):
        __tablename__ = "profile"

        id: Mapped[int] = mapped_column(primary_key=True)

    class Owner(Own):
        __tablename__ = "owner"

        id: Mapped[int] = mapped_column(primary_key=True)
        profile_id: Mapped[int | None] = mapped_column(ForeignKey("profile.id"))
        profile: Mapped[Profile | None] = relationship(cascade="all, delete-orphan", single_parent=True)

    Own.metadata.create_all(session.bind)
    session.autoflush = True
    profile = Profile(id=1)
    first, second = Owner(id=1, profile=profile), Owner(id=2)
    session.add_all([first, second])
    session.commit()
    first.profile = None
    second.profile = profile
    session.commit()
    assert read("SELECT profile_id FROM owner ORDER BY id") == [(None,), (1,)]
    assert read("SELECT id FROM profile") == [(1,)]
