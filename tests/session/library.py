"""Mapped classes whose relationships are loaded in every way; the tests of loading use them."""

from __future__ import annotations

from nbsession import Column, DeclarativeBase, ForeignKey, Mapped, Session, Table, mapped_column, relationship


class Base(DeclarativeBase):
    pass


book_tag = Table(
    "book_tag",
    Base.metadata,
    Column("book_id", ForeignKey("book.id"), primary_key=True),
    Column("tag_id", ForeignKey("tag.id"), primary_key=True),
)


class Tag(Base):
    __tablename__ = "tag"

    id: Mapped[int] = mapped_column(primary_key=True)
    word: Mapped[str]
    books: Mapped[list[Book]] = relationship(secondary=book_tag, back_populates="tags", order_by=lambda: Book.id)


class Author(Base):
    """Nothing is loaded with it unless an option says so; three columns are deferred, two of them in a group."""

    __tablename__ = "author"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    town: Mapped[str | None]
    bio: Mapped[str | None] = mapped_column(deferred=True)
    front: Mapped[str | None] = mapped_column(deferred=True, deferred_group="scans")
    back: Mapped[str | None] = mapped_column(deferred=True, deferred_group="scans")
    books: Mapped[list[Book]] = relationship(back_populates="author", order_by=lambda: Book.id)
    prize: Mapped[Prize | None] = relationship(back_populates="author", uselist=False)


class Prize(Base):
    __tablename__ = "prize"

    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("author.id"))
    author: Mapped[Author] = relationship(back_populates="prize", lazy="joined", innerjoin=True)


class Book(Base):
    __tablename__ = "book"

    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int | None] = mapped_column(ForeignKey("author.id"))
    title: Mapped[str]
    pages: Mapped[int | None]
    author: Mapped[Author | None] = relationship(back_populates="books")
    tags: Mapped[list[Tag]] = relationship(secondary=book_tag, back_populates="books", order_by=lambda: Tag.id.desc())


class Shop(Base):
    """Its shelves come with it, by a join; their crates by a SELECT for all."""

    __tablename__ = "shop"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    shelves: Mapped[list[Shelf]] = relationship(
        back_populates="shop", lazy="joined", order_by=lambda: Shelf.id, cascade="all, delete-orphan"
    )


class Shelf(Base):
    __tablename__ = "eager_shelf"

    id: Mapped[int] = mapped_column(primary_key=True)
    shop_id: Mapped[int | None] = mapped_column(ForeignKey("shop.id"))
    label: Mapped[str]
    shop: Mapped[Shop | None] = relationship(back_populates="shelves")
    crates: Mapped[list[Crate]] = relationship(lazy="selectin", order_by=lambda: Crate.id)


class Crate(Base):
    __tablename__ = "eager_crate"

    id: Mapped[int] = mapped_column(primary_key=True)
    shelf_id: Mapped[int | None] = mapped_column(ForeignKey("eager_shelf.id"))


class Guarded(Base):
    """Its relationships are not to be loaded by touching them."""

    __tablename__ = "guarded"

    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int | None] = mapped_column(ForeignKey("author.id"))
    never: Mapped[Author | None] = relationship(lazy="raise", viewonly=True)
    cheaply: Mapped[Author | None] = relationship(lazy="raise_on_sql", viewonly=True)
    nothing: Mapped[Author | None] = relationship(lazy="noload", viewonly=True)
    at_once: Mapped[Author | None] = relationship(lazy="immediate", viewonly=True)
    children: Mapped[list[Ward]] = relationship(lazy="raise", cascade="all, delete-orphan")


class Ward(Base):
    __tablename__ = "ward"

    id: Mapped[int] = mapped_column(primary_key=True)
    guarded_id: Mapped[int | None] = mapped_column(ForeignKey("guarded.id"))


class Branch(Base):
    """A tree whose children come with it, two levels deep."""

    __tablename__ = "branch"

    id: Mapped[int] = mapped_column(primary_key=True)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("branch.id"))
    joined: Mapped[list[Branch]] = relationship(lazy="joined", join_depth=2, order_by=lambda: Branch.id, viewonly=True)
    after: Mapped[list[Branch]] = relationship(lazy="select", order_by=lambda: Branch.id)


def fill(session: Session) -> None:
    """Four authors, ann with one book, bob with three, cat with none and dan with one; and the rest of the library."""
    red, blue = Tag(id=1, word="red"), Tag(id=2, word="blue")
    session.add_all([
        Author(id=1, name="ann", town="paris", bio="long", front="F", back="B"),
        Author(id=2, name="bob", town="rome", bio="longer"),
        Author(id=3, name="cat", town="rome"),
        Author(id=4, name="dan"),
    ])  # fmt: skip
    session.flush()
    session.add_all([
        Book(id=1, author_id=1, title="a1", pages=100, tags=[red, blue]),
        Book(id=2, author_id=2, title="b1", pages=200, tags=[red]),
        Book(id=3, author_id=2, title="b2", pages=150),
        Book(id=4, author_id=2, title="b3", pages=300, tags=[blue, red]),
        Book(id=5, author_id=4, title="d1", pages=100),
        Book(id=6, title="nobody's"),
        Prize(id=1, author_id=2),
        Guarded(id=1, author_id=1),
    ])  # fmt: skip
    session.add(Shop(id=1, name="here", shelves=[Shelf(id=1, label="x", crates=[Crate(id=1)]), Shelf(id=2, label="y")]))
    session.add(Shop(id=2, name="there"))
    for number, parent in enumerate((None, 1, 1, 2, 4, 5), 1):
        session.add(Branch(id=number, parent_id=parent))
        session.flush()
    session.commit()
    session.expunge_all()
