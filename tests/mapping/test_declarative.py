"""Declarative mapping: what a class body says becomes a table, columns and relationships."""

from __future__ import annotations

import enum
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, Optional

import pytest

from nbsession import (
    Column,
    DeclarativeBase,
    Engine,
    ForeignKey,
    Integer,
    Mapped,
    MetaData,
    Session,
    String,
    Table,
    UniqueConstraint,
    class_mapper,
    exc,
    inspect,
    mapped_column,
    registry,
    relationship,
)
from nbsession.sql.types import Date, Enum, Float, LargeBinary, Numeric

if TYPE_CHECKING:
    from collections.abc import Sequence as OnlyForTheChecker


class Base(DeclarativeBase):
    pass


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


class Stamped:
    """A mixin."""

    note: Mapped[str | None]
    weight: Mapped[float] = mapped_column(default=1.5)


class Thing(Stamped, Base):
    __tablename__ = "thing"
    __table_args__ = (UniqueConstraint("label", "size_in_mm"), {"comment": "things"})

    id: Mapped[int] = mapped_column(primary_key=True)
    label: Mapped[str]
    maybe: Mapped[Optional[str]]  # noqa: UP045 - one of the notations
    either: Mapped[date | None]
    price: Mapped[Decimal | None] = mapped_column(Numeric(8, 2))
    blob: Mapped[bytes | None]
    colour: Mapped[Colour | None]
    size: Mapped[int] = mapped_column("size_in_mm", default=lambda: 7)
    forced: Mapped[str] = mapped_column(nullable=True)
    strict: Mapped[str | None] = mapped_column(nullable=False, default="s")
    plain: str = "no column"
    counted: ClassVar[int] = 0
    listed: ClassVar[OnlyForTheChecker[int]] = ()
    later: Mapped[Later | None] = relationship(back_populates="things")
    later_id: Mapped[int | None] = mapped_column(ForeignKey("later.id"))


class Later(Base):
    __tablename__ = "later"

    id: Mapped[int] = mapped_column(primary_key=True)
    things: Mapped[list["Thing"]] = relationship(back_populates="later")  # noqa: UP037 - one of the notations


# ── annotations ──────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("key", "type_", "nullable"),
    [
        ("id", Integer, False),
        ("label", String, False),
        ("maybe", String, True),
        ("either", Date, True),
        ("price", Numeric, True),
        ("blob", LargeBinary, True),
        ("colour", Enum, True),
        ("size", Integer, False),
        ("forced", String, True),
        ("strict", String, False),
        ("note", String, True),
        ("weight", Float, False),
        ("later_id", Integer, True),
    ],
)
def test_annotation_gives_type_and_nullability(key: str, type_: type, nullable: bool) -> None:
    column = inspect(Thing).columns[key]
    assert isinstance(column.type, type_)
    assert column.nullable is nullable


def test_order_of_columns_is_that_of_the_source_mixins_first() -> None:
    assert inspect(Thing).column_keys[:4] == ("note", "weight", "id", "label")


def test_a_renamed_column_has_one_name_here_and_another_there() -> None:
    mapper = inspect(Thing)
    assert mapper.columns["size"].name == "size_in_mm"
    assert "size_in_mm" in Thing.__table__.columns and not hasattr(Thing, "size_in_mm")


def test_table_args_reach_the_table() -> None:
    (unique,) = [c for c in Thing.__table__.constraints if isinstance(c, UniqueConstraint)]
    assert [c.name for c in unique.columns] == ["label", "size_in_mm"]


def test_what_is_not_mapped_stays_an_ordinary_attribute() -> None:
    assert Thing.plain == "no column" and Thing.counted == 0
    assert not {"plain", "counted", "listed"} & set(inspect(Thing).attributes)


def test_forward_references_are_resolved_when_first_needed() -> None:
    mapper = class_mapper(Thing)
    (later,) = mapper.relationships
    assert later.mapper is class_mapper(Later) and later.uselist is False
    assert class_mapper(Later).relationships[0].uselist is True


def test_defaults_are_filled_at_the_insert(engine: Engine) -> None:
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        thing = Thing(label="a", price=Decimal("1.50"), colour=Colour.BLUE, either=date(2026, 1, 2), blob=b"\0")
        assert vars(thing).keys().isdisjoint({"size", "weight", "strict"})
        session.add(thing)
        session.commit()
        assert (thing.size, thing.weight, thing.strict) == (7, 1.5, "s")
        assert (thing.price, thing.colour, thing.either, thing.blob) == (
            Decimal("1.50"),
            Colour.BLUE,
            date(2026, 1, 2),
            b"\0",
        )


def test_every_class_gets_its_own_copy_of_a_mixins_columns() -> None:
    class B(DeclarativeBase):
        pass

    class Mixin:
        id: Mapped[int] = mapped_column(primary_key=True)
        tag: Mapped[str | None]

    class One(Mixin, B):
        __tablename__ = "one"

    class Two(Mixin, B):
        __tablename__ = "two"

    assert inspect(One).columns["id"] is not inspect(Two).columns["id"]
    assert inspect(One).columns["tag"].table is One.__table__


def test_an_abstract_class_has_columns_and_no_table() -> None:
    class B(DeclarativeBase):
        pass

    class Numbered(B):
        __abstract__ = True
        id: Mapped[int] = mapped_column(primary_key=True)

        def double(self) -> int:
            return 2 * self.id

    class Real(Numbered):
        __tablename__ = "real_one"
        name: Mapped[str | None]

    assert not hasattr(Numbered, "__table__") and list(B.metadata.tables) == ["real_one"]
    assert inspect(Real).column_keys == ("id", "name")
    assert Real(id=4).double() == 8


def test_a_table_made_by_hand_can_be_mapped() -> None:
    class B(DeclarativeBase):
        pass

    made = Table("made", B.metadata, Column("id", Integer, primary_key=True), Column("name", String(5)))

    class Made(B):
        __table__ = made

        def shout(self) -> str:
            return self.name.upper()

    assert inspect(Made).local_table is made and inspect(Made).column_keys == ("id", "name")
    assert Made(name="abc").shout() == "ABC"


def test_a_plain_column_in_a_class_body_is_mapped() -> None:
    class B(DeclarativeBase):
        pass

    class Old(B):
        __tablename__ = "old"
        id = Column(Integer, primary_key=True)
        name = Column("title", String)

    assert inspect(Old).column_keys == ("id", "name")
    assert inspect(Old).columns["name"].name == "title"


def test_a_base_may_bring_its_own_metadata_or_registry() -> None:
    meta, reg = MetaData(), registry()

    class WithMetadata(DeclarativeBase):
        metadata = meta

    class WithRegistry(DeclarativeBase):
        registry = reg

    assert WithMetadata.metadata is meta and WithMetadata.registry.metadata is meta
    assert WithRegistry.registry is reg and WithRegistry.metadata is reg.metadata


def test_two_bases_may_use_one_class_name() -> None:
    made = []
    for _ in range(2):

        class B(DeclarativeBase):
            pass

        class Same(B):
            __tablename__ = "same"
            id: Mapped[int] = mapped_column(primary_key=True)

        made.append(Same)
    assert inspect(made[0]).local_table is not inspect(made[1]).local_table


def test_a_dict_annotation_without_a_key_is_refused_clearly() -> None:
    class B(DeclarativeBase):
        pass

    class Parent(B):
        __tablename__ = "p"
        id: Mapped[int] = mapped_column(primary_key=True)
        children: Mapped[dict[str, Child]] = relationship()

    class Child(B):
        __tablename__ = "c"
        id: Mapped[int] = mapped_column(primary_key=True)
        p_id: Mapped[int] = mapped_column(ForeignKey("p.id"))

    with pytest.raises(exc.ArgumentError, match="must elect an appender method to be a collection class"):
        class_mapper(Parent)


def test_a_foreign_key_column_without_a_type_takes_that_of_its_target(engine: Engine) -> None:
    class B(DeclarativeBase):
        pass

    class Parent(B):
        __tablename__ = "p"
        code: Mapped[str] = mapped_column(String(3), primary_key=True)

    class Child(B):
        __tablename__ = "c"
        id: Mapped[int] = mapped_column(primary_key=True)
        p_code = mapped_column(ForeignKey("p.code"))

    B.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(Parent(code="abc"))
        session.flush()
        session.add(Child(p_code="abc"))
        session.commit()
        assert session.query(Child).one().p_code == "abc"


# ── errors ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def declare(body: dict[str, Any], annotations: dict[str, Any] | None = None, base: type | None = None) -> type:
    """A mapped class made of a dict."""
    if base is None:

        class B(DeclarativeBase):
            pass

        base = B
    return type("Wrong", (base,), {"__tablename__": "wrong", "__annotations__": annotations or {}, **body})


def test_no_primary_key() -> None:
    with pytest.raises(exc.ArgumentError, match=r"Wrong could not assemble any primary key columns.*primary_key=True"):
        declare({}, {"name": Mapped[str]})


def test_no_table() -> None:
    with pytest.raises(exc.InvalidRequestError, match="does not have a __table__ or __tablename__"):
        declare({"__tablename__": None}, {"id": Mapped[int]})


def test_a_type_that_no_column_can_have() -> None:
    with pytest.raises(exc.ArgumentError, match=r"Could not locate a column type for 'Wrong.what'.*relationship"):
        declare({"id": mapped_column(Integer, primary_key=True)}, {"what": Mapped[object]})


def test_an_annotation_that_is_no_python() -> None:
    with pytest.raises(exc.ArgumentError, match=r"Cannot read the annotation 'Mapped\[int' of 'Wrong.id'"):
        declare({}, {"id": "Mapped[int"})


def test_a_subclass_table_that_does_not_refer_to_its_parents_is_refused_with_a_way_out() -> None:
    class B(DeclarativeBase):
        pass

    class Parent(B):
        __tablename__ = "parent"
        id: Mapped[int] = mapped_column(primary_key=True)

    with pytest.raises(exc.ArgumentError, match=r"Can't find any foreign key relationships.*leave __tablename__ out"):
        declare({"id": mapped_column(Integer, primary_key=True)}, base=Parent)


def test_the_same_table_twice() -> None:
    class B(DeclarativeBase):
        pass

    body = {"id": mapped_column(Integer, primary_key=True)}
    declare(body, base=B)
    with pytest.raises(exc.InvalidRequestError, match="already defined"):
        declare({"id": mapped_column(Integer, primary_key=True)}, base=B)


def parent_and_child(on_parent: Any = None, on_child: Any = None, keys: int = 1) -> tuple[type, type]:
    class B(DeclarativeBase):
        pass

    class Parent(B):
        __tablename__ = "p"
        id: Mapped[int] = mapped_column(primary_key=True)
        children = on_parent if on_parent is not None else relationship("Child")

    class Child(B):
        __tablename__ = "c"
        id: Mapped[int] = mapped_column(primary_key=True)
        if keys > 0:
            p_id: Mapped[int | None] = mapped_column(ForeignKey("p.id"))
        if keys > 1:
            q_id: Mapped[int | None] = mapped_column(ForeignKey("p.id"))
        if on_child is not None:
            parent = on_child

    return Parent, Child


@pytest.mark.parametrize(
    ("on_parent", "on_child", "keys", "error", "words"),
    [
        (lambda: relationship("Chlid"), None, 1, exc.InvalidRequestError, "expression 'Chlid' failed to locate a name"),
        (lambda: relationship(int), None, 1, exc.ArgumentError, "leads to <class 'int'>, which is not mapped"),
        (None, None, 0, exc.NoForeignKeysError, "Could not determine join condition.*no foreign key"),
        (None, None, 2, exc.ArgumentError, "several foreign keys join them.*foreign_keys="),
        (
            lambda: relationship("Child", back_populates="perent"),
            None,
            1,
            exc.InvalidRequestError,
            "has no relationship 'perent'",
        ),
        (
            lambda: relationship("Child", passive_deletes="all", cascade="all"),
            None,
            1,
            exc.ArgumentError,
            "can't set passive_deletes='all'",
        ),
        (
            None,
            lambda: relationship("Parent", cascade="all, delete-orphan"),
            1,
            exc.ArgumentError,
            "single_parent=True",
        ),
        (
            None,
            lambda: relationship("Parent", uselist=True),
            1,
            exc.ArgumentError,
            "is a collection, yet the foreign key",
        ),
    ],
    ids=[
        "unknown target",
        "target not mapped",
        "no foreign key",
        "two foreign keys",
        "unknown back_populates",
        "passive_deletes against cascade",
        "delete-orphan on the many side",
        "list on the many side",
    ],
)
def test_relationship_errors(on_parent: Any, on_child: Any, keys: int, error: type[Exception], words: str) -> None:
    parent, child = parent_and_child(on_parent and on_parent(), on_child and on_child(), keys)
    with pytest.raises(error, match=words):
        class_mapper(child)
    with pytest.raises(error, match=words):  # and again: nothing is half done
        class_mapper(parent)


def test_two_sides_of_one_direction_are_refused() -> None:
    class B(DeclarativeBase):
        pass

    class Person(B):
        __tablename__ = "person"
        id: Mapped[int] = mapped_column(primary_key=True)
        boss_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
        boss: Mapped[Person | None] = relationship("Person", back_populates="team", uselist=False)
        team: Mapped[list[Person]] = relationship("Person", back_populates="boss")

    with pytest.raises(exc.ArgumentError, match=r"both of the same direction.*remote_side"):
        class_mapper(Person)


def test_foreign_keys_option_chooses_among_several() -> None:
    class B(DeclarativeBase):
        pass

    class Team(B):
        __tablename__ = "team"
        id: Mapped[int] = mapped_column(primary_key=True)

    class Match(B):
        __tablename__ = "match"
        id: Mapped[int] = mapped_column(primary_key=True)
        home_id: Mapped[int] = mapped_column(ForeignKey("team.id"))
        guest_id: Mapped[int] = mapped_column(ForeignKey("team.id"))
        home: Mapped[Team] = relationship(foreign_keys=[home_id])
        guest: Mapped[Team] = relationship(foreign_keys=guest_id)

    pairs = {r.key: r.pairs for r in class_mapper(Match).relationships}
    assert pairs == {"home": (("home_id", "id"),), "guest": (("guest_id", "id"),)}


@pytest.mark.parametrize("text", ["save-updat", "all, orphan", "delete orphan"])
def test_unknown_cascade(text: str) -> None:
    """Line 18.1: unknown cascade."""
    with pytest.raises(exc.ArgumentError, match="Invalid cascade option"):
        relationship("X", cascade=text)


def test_unknown_keyword_argument_names_the_mapped_ones() -> None:
    with pytest.raises(
        TypeError, match=r"'lable' is an invalid keyword argument for Thing\. Mapped are: note, weight, id, label"
    ):
        Thing(lable="typo")


def test_the_constructor_takes_keywords_only() -> None:
    with pytest.raises(TypeError):
        Thing(1)  # type: ignore[call-arg]


def test_a_base_that_is_not_mapped() -> None:
    with pytest.raises(exc.UnmappedClassError, match="Base' is not mapped"):
        class_mapper(Base)
    with pytest.raises(exc.UnmappedClassError, match="int' is not mapped"):
        class_mapper(int)
    with pytest.raises(exc.NoInspectionAvailable):
        inspect(Base)


def test_an_instance_of_an_unmapped_base_is_refused_by_a_session(engine: Engine) -> None:
    """Line 13.9: an instance of an unmapped base is refused by a session."""
    with Session(engine) as session:
        for obj in (object(), None, Base(), Thing):
            with pytest.raises(exc.UnmappedInstanceError):
                session.add(obj)


def test_a_class_with_slots_and_no_dict_cannot_be_mapped() -> None:
    class Slotted:
        __slots__ = ("id",)

    reg = registry()
    table = Table("t", reg.metadata, Column("id", Integer, primary_key=True))
    with pytest.raises(exc.ArgumentError, match="no __dict__"):
        reg.map_imperatively(Slotted, table)


def test_columns_without_annotation_keep_their_place() -> None:
    """The two lists a class body leaves, names assigned and names annotated, are put together as in SQLAlchemy."""

    class B(DeclarativeBase):
        pass

    class Row(B):
        __tablename__ = "row"
        left = mapped_column(Integer, primary_key=True)
        right = mapped_column(Integer, primary_key=True)
        note: Mapped[str | None] = mapped_column()
        bare: Mapped[int]
        last = mapped_column(Integer)

    assert [column.name for column in Row.__table__.c] == ["left", "right", "note", "bare", "last"]  # type: ignore[attr-defined]
