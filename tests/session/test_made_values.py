"""What the database puts into a row by itself, and when an object learns it: server defaults, eager_defaults, FetchedValue."""

from __future__ import annotations

from typing import Any

import pytest

from nbsession import (
    ArgumentError,
    Column,
    DeclarativeBase,
    Engine,
    FetchedValue,
    Integer,
    Mapped,
    MetaData,
    Session,
    String,
    Table,
    func,
    mapped_column,
    text,
)
from tests.support import expect_statements


def mapped(eager: Any) -> Any:
    """A class with columns that the database fills, and its tables' metadata."""

    class Base(DeclarativeBase):
        pass

    class Book(Base):
        __tablename__ = "book"
        __mapper_args__ = {} if eager is None else {"eager_defaults": eager}

        id: Mapped[int] = mapped_column(primary_key=True)
        title: Mapped[str | None]
        shelf: Mapped[str | None] = mapped_column(server_default="none yet")
        made: Mapped[str | None] = mapped_column(default=func.lower("NEW"))
        changed: Mapped[str | None] = mapped_column(onupdate=func.upper("old"))

    return Book


def known(obj: Any) -> set[str]:
    return {"shelf", "made", "changed"} & vars(obj).keys()


@pytest.mark.parametrize("eager", [None, "auto", True])
def test_a_new_object_knows_its_defaults_by_the_insert_itself(engine: Engine, eager: Any) -> None:
    """Line 9.10: RETURNING, and nothing more is sent."""
    book_class = mapped(eager)
    book_class.metadata.create_all(engine)
    with Session(engine) as session:
        book = book_class(title="a")
        session.add(book)
        with expect_statements(session, 1):
            session.flush()
            assert (book.shelf, book.made) == ("none yet", "new")


def test_many_new_objects_know_them_by_one_more_select(engine: Engine) -> None:
    """Line 9.10: also those among which some were given a value."""
    book_class = mapped("auto")
    book_class.metadata.create_all(engine)
    with Session(engine) as session:
        books = [book_class(title=str(n), made="then") for n in range(1200)]
        session.add_all([*books, book_class(shelf="top", made="then")])
        session.flush()
        with expect_statements(session, 0):
            assert {book.shelf for book in books} == {"none yet"}
        session.commit()
        assert {book.title: book.shelf for book in books[:3]} == {"0": "none yet", "1": "none yet", "2": "none yet"}


def test_without_eager_defaults_they_load_when_they_are_touched(engine: Engine) -> None:
    """Line 9.10: eager_defaults=False."""
    book_class = mapped(False)
    book_class.metadata.create_all(engine)
    with Session(engine) as session:
        book = book_class(title="a")
        session.add(book)
        session.flush()
        assert not known(book) & {"shelf", "made"}
        with expect_statements(session, 1):
            assert (book.shelf, book.made) == ("none yet", "new")


@pytest.mark.parametrize("eager", ["auto", False])
def test_what_an_update_made_is_loaded_when_it_is_touched(engine: Engine, eager: Any) -> None:
    """Line 9.10: only eager_defaults=True asks after an UPDATE."""
    book_class = mapped(eager)
    book_class.metadata.create_all(engine)
    with Session(engine) as session:
        book = book_class(title="a")
        session.add(book)
        session.flush()
        book.title = "b"
        session.flush()
        assert "changed" not in vars(book)
        with expect_statements(session, 1):
            assert book.changed == "OLD"


def test_eager_defaults_true_asks_after_an_update_too(engine: Engine) -> None:
    """Line 9.10: one SELECT for all rows that were updated alike."""
    book_class = mapped(True)
    book_class.metadata.create_all(engine)
    with Session(engine) as session:
        books = [book_class(title="a"), book_class(title="b")]
        session.add_all(books)
        session.flush()
        for book in books:
            book.title += "!"
        session.flush()
        with expect_statements(session, 0):
            assert [book.changed for book in books] == ["OLD", "OLD"]
        books[0].shelf = func.lower("MINE")
        session.flush()
        assert "shelf" not in vars(books[0]) and books[0].shelf == "mine"  # an expression given loads when touched


def test_eager_defaults_says_one_of_three() -> None:
    """Line 9.10: another word is refused."""
    with pytest.raises(ArgumentError, match="eager_defaults"):
        mapped("sometimes")


def test_a_key_and_defaults_of_a_composite_key_come_back(engine: Engine) -> None:
    """Line 9.10"""

    class Base(DeclarativeBase):
        pass

    class Place(Base):
        __tablename__ = "place"
        row: Mapped[int] = mapped_column(primary_key=True)
        seat: Mapped[int] = mapped_column(primary_key=True)
        kind: Mapped[str | None] = mapped_column(server_default="chair")

    Base.metadata.create_all(engine)
    with Session(engine) as session:
        places = [Place(row=row, seat=seat) for row in (1, 2) for seat in (1, 2)]
        session.add_all(places)
        session.flush()
        assert [vars(place)["kind"] for place in places] == ["chair"] * 4


def test_a_fetched_value_is_in_no_create_table(engine: Engine) -> None:
    """Line 9.10: server_default=FetchedValue() says that the database knows how; here nobody does."""

    class Base(DeclarativeBase):
        pass

    class Note(Base):
        __tablename__ = "note"
        __mapper_args__ = {"eager_defaults": True}

        id: Mapped[int] = mapped_column(primary_key=True)
        words: Mapped[str | None]
        count: Mapped[int | None] = mapped_column(server_default=FetchedValue(), server_onupdate=FetchedValue())

    Base.metadata.create_all(engine)
    with Session(engine) as session:
        note = Note(words="a")
        session.add(note)
        session.flush()
        assert vars(note)["count"] is None
        session.connection().exec_driver_sql("UPDATE note SET count = 7")
        note.words = "a b"
        session.flush()
        assert vars(note)["count"] == 7  # an UPDATE made it worth asking
        assert repr(FetchedValue(for_update=True)) == "FetchedValue(for_update=True)"


def test_a_trigger_fills_a_fetched_value(engine: Engine) -> None:
    """Line 9.10: where the database has triggers."""
    if engine.dialect.name != "sqlite":
        pytest.skip("DuckDB has no triggers")

    class Base(DeclarativeBase):
        pass

    class Note(Base):
        __tablename__ = "note"
        id: Mapped[int] = mapped_column(primary_key=True)
        length: Mapped[int | None] = mapped_column(Integer, FetchedValue(), FetchedValue(for_update=True))
        words: Mapped[str]

    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.execute(
            text(
                "CREATE TRIGGER counting AFTER UPDATE OF words ON note "
                "BEGIN UPDATE note SET length = length(new.words) WHERE id = new.id; END"
            )
        )
        note = Note(words="abc")
        session.add(note)
        session.flush()
        note.words = "abcd"
        session.flush()
        assert note.length == 4


# ── whoever takes over a row ─────────────────────────────────────────────────────────────────────────────────────────
def test_who_takes_over_a_row_has_the_defaults_of_a_new_one(engine: Engine) -> None:
    """Lines 21.4, 22.17: Python's default, the expression, the server's default, or NULL; never what the old row held."""

    class Base(DeclarativeBase):
        pass

    class Seat(Base):
        __tablename__ = "seat"
        id: Mapped[int] = mapped_column(primary_key=True)
        plain: Mapped[str | None]
        constant: Mapped[str | None] = mapped_column(default="c")
        called: Mapped[int | None] = mapped_column(default=lambda: 7)
        worked_out: Mapped[str | None] = mapped_column(default=func.lower("QQ"))
        served: Mapped[str | None] = mapped_column(server_default="it's: so")
        counted: Mapped[int | None] = mapped_column(server_default=text("(3 + 4)"))
        given: Mapped[str | None] = mapped_column(server_default="no")

    Base.metadata.create_all(engine)
    keys = ("plain", "constant", "called", "worked_out", "served", "counted", "given")
    with Session(engine) as session:
        old = Seat(id=1, plain="o", constant="o", called=0, worked_out="o", served="o", counted=0, given="o")
        session.add(old)
        session.commit()
        session.delete(old)
        new = Seat(id=1, given="yes")
        session.add(new)
        (step,) = session.flush_plan().steps
        assert step.verb == "UPDATE" and step.replaces == [old]
        session.flush()
        expected = [None, "c", 7, "qq", "it's: so", 7, "yes"]
        assert [getattr(new, key) for key in keys] == expected
        session.commit()
        assert [getattr(new, key) for key in keys] == expected


# ── columns of sister classes ────────────────────────────────────────────────────────────────────────────────────────
def sisters(default: Any) -> Any:
    class Base(DeclarativeBase):
        pass

    class Animal(Base):
        __tablename__ = "animal"
        id: Mapped[int] = mapped_column(primary_key=True)
        kind: Mapped[str]
        __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "animal"}

    class Cat(Animal):
        lives: Mapped[int | None] = mapped_column(default=9)
        colour: Mapped[str | None] = mapped_column(default=default)
        __mapper_args__ = {"polymorphic_identity": "cat"}

    class Dog(Animal):
        bark: Mapped[str | None]
        __mapper_args__ = {"polymorphic_identity": "dog"}

    return Animal, Cat, Dog


@pytest.mark.parametrize("default", ["grey", func.lower("GREY")], ids=["by Python", "by the database"])
def test_a_row_has_the_defaults_of_sister_classes(engine: Engine, default: Any) -> None:
    """Line 21.24: a default belongs to the table's column, as in SQLAlchemy; the object has no such attribute."""
    animal, cat, dog = sisters(default)
    animal.metadata.create_all(engine)
    with Session(engine) as session:
        pets = [animal(id=1), cat(id=2, lives=1), dog(id=3, bark="wow"), cat(id=4, colour="red"), dog(id=5)]
        session.add_all(pets)
        (step,) = session.flush_plan().steps
        assert [row["lives"] for _, row in step.rows()] == [9, 1, 9, 9, 9]
        session.flush()
        rows = (
            session.connection().exec_driver_sql("SELECT id, kind, lives, colour, bark FROM animal ORDER BY id").all()
        )
        assert [tuple(row) for row in rows] == [
            (1, "animal", 9, "grey", None),
            (2, "cat", 1, "grey", None),
            (3, "dog", 9, "grey", "wow"),
            (4, "cat", 9, "red", None),
            (5, "dog", 9, "grey", None),
        ]
        assert "lives" not in vars(pets[0]) and "lives" not in vars(pets[2])
        session.add(dog(id=6))
        session.commit()
        assert session.connection().exec_driver_sql("SELECT lives FROM animal WHERE id = 6").scalar() == 9


def test_an_imperative_table_takes_a_fetched_value() -> None:
    """Line 9.10: positional, as SQLAlchemy has it."""
    table = Table("t", MetaData(), Column("id", Integer, primary_key=True), Column("n", String, FetchedValue()))
    assert isinstance(table.c.n.server_default, FetchedValue) and table.c.n.server_onupdate is None
