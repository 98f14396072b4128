"""What a mapping, a column or a session may be told: it counts, or it is refused; nothing is taken and ignored."""

from __future__ import annotations

import enum
from typing import Any

import pytest

from nbsession import (
    ArgumentError,
    CheckConstraint,
    Column,
    DeclarativeBase,
    Engine,
    Enum,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    InvalidRequestError,
    Mapped,
    MetaData,
    Sequence,
    Session,
    String,
    Table,
    UniqueConstraint,
    deferred,
    insert,
    inspect,
    mapped_column,
    registry,
    relationship,
    select,
    sessionmaker,
    undefer,
)
from tests.support import expect_statements


# ── relationship() ───────────────────────────────────────────────────────────────────────────────────────────────────
def test_overlaps_doc_and_info_are_accepted() -> None:
    """Line 18.9: two relationships over one association table; overlaps silences a warning that we do not have."""

    class Base(DeclarativeBase):
        pass

    pairs = Table("pair", Base.metadata, Column("a", ForeignKey("a.id")), Column("b", ForeignKey("b.id")))

    class A(Base):
        __tablename__ = "a"
        id: Mapped[int] = mapped_column(primary_key=True)
        bs: Mapped[list[B]] = relationship(secondary=pairs, doc="its bs", info={"shown": True})

    class B(Base):
        __tablename__ = "b"
        id: Mapped[int] = mapped_column(primary_key=True)
        others: Mapped[list[A]] = relationship(secondary=pairs, overlaps="bs")

    A.__annotations__["bs"], B.__annotations__["others"] = "list[B]", "list[A]"
    declared = inspect(A).declared["bs"]
    assert declared.doc == "its bs" and declared.info == {"shown": True} and inspect(B).declared["others"].info == {}


@pytest.mark.parametrize("name", ["active_history", "omit_join", "query_class", "init", "lazzy"])
def test_a_relationship_refuses_what_it_does_not_know(name: str) -> None:
    """Line 18.1"""
    with pytest.raises(ArgumentError, match=f"relationship.. got '{name}'"):
        relationship("A", **{name: True})


# ── columns ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_columns_take_their_options_by_all_their_names() -> None:
    """Line 21.15"""
    column = Column("n", Integer, insert_default=3, doc="a number", info={"a": 1}, postgresql_something=1)
    assert (column.default, column.doc, column.info) == (3, "a number", {"a": 1})


@pytest.mark.parametrize(
    "make",
    [
        lambda: Column("n", Integer, nulable=True),
        lambda: mapped_column(Integer, dafault=3),
        lambda: mapped_column(Integer, init=False),
        lambda: Table("t", MetaData(), sqlite_autoincrement=True),
        lambda: ForeignKey("t.id", on_delete="CASCADE"),
        lambda: ForeignKeyConstraint(["a"], ["t.id"], match="FULL"),
        lambda: UniqueConstraint("a", sqlite_on_conflict="IGNORE"),
        lambda: CheckConstraint("a > 0", colums=["a"]),
        lambda: Index("i", "a", sqlite_wheer="a > 0"),
        lambda: Sequence("s", cycle=True),
        lambda: Enum("a", "b", create_constraint=True),
    ],
)
def test_an_option_that_is_not_known_is_refused(make: Any) -> None:
    """Line 18.1: a misspelled option is no option."""
    with pytest.raises(TypeError, match="has no such option here"):
        make()


def test_options_of_other_databases_say_nothing() -> None:
    """Line 18.1: as in SQLAlchemy, where they count for their database only."""
    Index("i", "a", postgresql_where="a > 0", info={"b": 1})
    table = Table("t", MetaData(), Column("id", Integer, primary_key=True), mysql_engine="InnoDB")
    assert table.name == "t"


def test_foreign_keys_are_deferred() -> None:
    """Line 21.2: saying so is allowed, the contrary is said to the engine."""
    assert ForeignKey("t.id", deferrable=True, initially="DEFERRED", use_alter=True).use_alter
    for options in ({"deferrable": False}, {"initially": "IMMEDIATE"}):
        with pytest.raises(ArgumentError, match="foreign_keys='native'"):
            ForeignKey("t.id", **options)  # type: ignore[arg-type]


def test_columns_stand_in_the_order_that_is_said() -> None:
    """Line 21.15: sort_order, of a mixin's column too."""

    class Base(DeclarativeBase):
        pass

    class Stamped:
        made: Mapped[str | None] = mapped_column(sort_order=10)
        first: Mapped[str | None] = mapped_column(sort_order=-1)

    class Note(Stamped, Base):
        __tablename__ = "note"
        id: Mapped[int] = mapped_column(primary_key=True)
        words: Mapped[str | None]

    assert [column.name for column in Note.__table__.c] == ["first", "id", "words", "made"]


def test_an_enum_stores_what_it_is_told(engine: Engine) -> None:
    """Line 21.15: values_callable."""

    class Colour(enum.Enum):
        RED = "r"
        CRIMSON = "r"  # noqa: PIE796  # an alias
        BLUE = "b"

    metadata = MetaData()
    by_value = Enum(Colour, values_callable=lambda cls: [member.value for member in cls], native_enum=False)
    table = Table("t", metadata, Column("a", by_value), Column("b", Enum(Colour)))
    metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(insert(table), [{"a": Colour.RED, "b": Colour.CRIMSON}, {"a": Colour.BLUE, "b": None}])
        assert connection.exec_driver_sql("SELECT a, b FROM t ORDER BY a").all() == [("b", None), ("r", "RED")]
        assert connection.execute(select(table).order_by(table.c.a)).all() == [
            (Colour.BLUE, None),
            (Colour.RED, Colour.RED),
        ]


# ── deferred columns that must not be touched ────────────────────────────────────────────────────────────────────────
def test_a_deferred_column_may_be_one_that_must_be_asked_for(engine: Engine) -> None:
    """Lines 21.21, 10.12: raiseload=True of deferred() and of mapped_column(), on a mixin too."""

    class Base(DeclarativeBase):
        pass

    class Heavy:
        blob: Mapped[str | None] = mapped_column(deferred_raiseload=True)

    class Book(Heavy, Base):
        __tablename__ = "book"
        id: Mapped[int] = mapped_column(primary_key=True)
        text: Mapped[str | None] = deferred(mapped_column(String), raiseload=True)
        late: Mapped[str | None] = mapped_column(deferred=True)

    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(Book(id=1, text="t", blob="b", late="l"))
        session.commit()
        session.expunge_all()
        book = session.scalars(select(Book)).one()
        for name in ("text", "blob"):
            with pytest.raises(InvalidRequestError, match=f"'Book.{name}' is not available due to raiseload=True"):
                getattr(book, name)
        assert book.late == "l"
        session.expunge_all()
        book = session.scalars(select(Book).options(undefer(Book.text), undefer(Book.blob))).one()
        with expect_statements(session, 0):
            assert (book.text, book.blob) == ("t", "b")
        session.refresh(book, ["text"])
        assert book.text == "t"


def test_a_property_may_be_one_too(engine: Engine) -> None:
    """Line 21.21: in map_imperatively()."""
    table = Table("t", MetaData(), Column("id", Integer, primary_key=True), Column("n", Integer))

    class Thing:
        pass

    registry().map_imperatively(Thing, table, properties={"n": deferred(table.c.n, raiseload=True)})
    table.metadata.create_all(engine)
    with Session(engine) as session:
        session.execute(insert(table).values(id=1, n=2))
        thing = session.get(Thing, 1)
        with pytest.raises(InvalidRequestError, match="raiseload=True"):
            _ = thing.n


# ── sessions ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_session_has_execution_options(engine: Engine) -> None:
    """Line 5.12: for whatever it runs; a statement's own come first."""

    class Base(DeclarativeBase):
        pass

    class Thing(Base):
        __tablename__ = "thing"
        id: Mapped[int] = mapped_column(primary_key=True)
        n: Mapped[int | None]

    Base.metadata.create_all(engine)
    make = sessionmaker(engine, execution_options={"populate_existing": True}, future=True)
    with make() as session:
        session.add(Thing(id=1, n=1))
        session.commit()
        thing = session.get(Thing, 1)
        session.connection().exec_driver_sql("UPDATE thing SET n = 2")
        session.scalars(select(Thing).execution_options(populate_existing=False)).all()
        assert thing.n == 1
        session.scalars(select(Thing)).all()
        assert thing.n == 2
        session.connection().exec_driver_sql("UPDATE thing SET n = 3")
        session.query(Thing).all()
        assert thing.n == 3


@pytest.mark.parametrize("options", [{"autocommit": True}, {"future": False}])
def test_a_session_is_no_older_one(options: dict[str, Any]) -> None:
    """Line 5.3: as in SQLAlchemy 2.1, with what to say instead."""
    with pytest.raises(ArgumentError, match="transactional=False"):
        Session(**options)
