"""The library that the other scripts use: members, books, loans, shelves of subjects."""

from typing import Optional

from sqlalchemy import Column, ForeignKey, String, Table, func
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    pass


book_subjects = Table(
    "book_subjects",
    Base.metadata,
    Column("book_id", ForeignKey("books.id"), primary_key=True),
    Column("subject_id", ForeignKey("subjects.id"), primary_key=True),
)


class Member(Base):
    __tablename__ = "members"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(30))
    nickname: Mapped[str | None]
    loans: Mapped[list["Loan"]] = relationship(
        back_populates="member", cascade="all, delete-orphan", order_by="Loan.id"
    )

    def __repr__(self) -> str:
        return f"Member(id={self.id!r}, name={self.name!r}, nickname={self.nickname!r})"


class Loan(Base):
    __tablename__ = "loans"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    weeks: Mapped[int] = mapped_column(default=2)
    member_id: Mapped[int | None] = mapped_column(ForeignKey("members.id"))
    member: Mapped[Member | None] = relationship(back_populates="loans")

    def __repr__(self) -> str:
        return f"Loan(id={self.id!r}, title={self.title!r}, weeks={self.weeks!r})"


class Book(Base):
    __tablename__ = "books"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    pages: Mapped[int | None]
    sequel_of_id: Mapped[int | None] = mapped_column(ForeignKey("books.id"))
    sequel_of: Mapped[Optional["Book"]] = relationship(back_populates="sequels", remote_side=[id])
    sequels: Mapped[list["Book"]] = relationship(back_populates="sequel_of", order_by="Book.id")
    subjects: Mapped[list["Subject"]] = relationship(
        secondary=book_subjects, back_populates="books", order_by="Subject.word"
    )

    def __repr__(self) -> str:
        return f"Book({self.title!r})"


class Subject(Base):
    __tablename__ = "subjects"

    id: Mapped[int] = mapped_column(primary_key=True)
    word: Mapped[str]
    books: Mapped[list[Book]] = relationship(secondary=book_subjects, back_populates="subjects", order_by="Book.title")

    def __repr__(self) -> str:
        return f"Subject({self.word!r})"


def fill(session):
    """Four members, six loans, four books, three subjects."""
    session.add_all(
        [
            Member(
                id=1,
                name="Greta",
                nickname="Gigi",
                loans=[Loan(id=1, title="Moby Dick"), Loan(id=2, title="Emma", weeks=4)],
            ),
            Member(id=2, name="Hugo", loans=[Loan(id=3, title="Emma", weeks=1)]),
            Member(id=3, name="Iris", nickname="Ivy"),
            Member(
                id=4,
                name="Jonas",
                loans=[Loan(id=n, title=t, weeks=n) for n, t in enumerate(("Dune", "Ulysses", "Heidi"), 4)],
            ),
        ]
    )
    sea, sand, love = Subject(id=1, word="sea"), Subject(id=2, word="sand"), Subject(id=3, word="love")
    dune = Book(id=1, title="Dune", pages=600, subjects=[sand])
    session.add_all([dune, sea, sand, love])
    session.flush()
    session.add_all(
        [
            Book(id=2, title="Dune Messiah", pages=300, sequel_of=dune, subjects=[sand]),
            Book(id=3, title="Emma", pages=450, subjects=[love]),
            Book(id=4, title="Moby Dick", pages=700, subjects=[sea, love]),
        ]
    )
    session.commit()


def rows(session):
    """How many rows the tables of members and loans have."""
    return session.query(func.count(Member.id)).scalar(), session.query(func.count(Loan.id)).scalar()
