"""What tells the class of a row lies on a new object from its construction on, and is written as it lies there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import pytest

from nbsession import (
    Column,
    DeclarativeBase,
    Engine,
    Integer,
    InvalidRequestError,
    Mapped,
    MetaData,
    Session,
    String,
    Table,
    event,
    inspect,
    mapped_column,
    select,
    validates,
)
from nbsession.mapping.registry import registry


class Base(DeclarativeBase):
    pass


class Animal(Base):
    __tablename__ = "animal"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str | None]
    name: Mapped[str | None]

    __mapper_args__: ClassVar[dict[str, Any]] = {"polymorphic_on": "kind", "polymorphic_identity": "animal"}


class Dog(Animal):
    __mapper_args__ = {"polymorphic_identity": "dog"}

    def __init__(self, **values: Any) -> None:
        self.held_before = dict(vars(self))
        super().__init__(**values)


class Puppy(Dog):
    __mapper_args__ = {"polymorphic_identity": "puppy"}


class Bird(Animal):
    """Has no rows of its own."""

    __mapper_args__: ClassVar[dict[str, Any]] = {"polymorphic_abstract": True}


class Crow(Bird):
    __mapper_args__ = {"polymorphic_identity": "crow"}


class Stray(Animal):
    """Says nothing that would tell it."""


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    Base.metadata.create_all(engine)
    session = Session(engine)
    yield session
    session.close()


@pytest.mark.parametrize(("cls", "kind"), [(Animal, "animal"), (Dog, "dog"), (Puppy, "puppy"), (Crow, "crow")])
def test_a_new_object_holds_its_discriminator(cls: type[Animal], kind: str) -> None:
    made = cls(name="x")
    assert vars(made)["kind"] == made.kind == kind
    assert inspect(made).attrs["kind"].history.added == [kind]


def test_a_constructor_of_ones_own_finds_it_there() -> None:
    assert Dog().held_before == {"kind": "dog"} and Puppy().held_before == {"kind": "puppy"}


def test_what_is_given_takes_its_place(session: Session) -> None:
    """As in 2.1, which warns of it at most."""
    given = Animal(kind="dog")
    session.add(given)
    session.commit()
    session.expunge_all()
    assert type(session.scalars(select(Animal)).one()) is Dog


def test_a_class_without_an_identity_writes_none(session: Session) -> None:
    stray = Stray()
    assert vars(stray) == {"kind": None}
    session.add(stray)
    session.flush()
    assert session.execute(select(Animal.kind)).scalar_one() is None


def test_a_class_without_rows_makes_no_objects() -> None:
    with pytest.raises(InvalidRequestError, match=r"Can't instantiate class for .*polymorphic_abstract=True.*Crow"):
        Bird()


def test_validators_are_asked_for_it() -> None:
    class OwnBase(DeclarativeBase):
        pass

    class Thing(OwnBase):
        __tablename__ = "thing"
        id: Mapped[int] = mapped_column(primary_key=True)
        kind: Mapped[str]
        __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "thing"}

        @validates("kind")
        def check(self, key: str, value: str) -> str:
            return value.upper()

    assert Thing().kind == "THING"


def test_hooks_about_construction_find_it_there() -> None:
    seen: list[dict[str, Any]] = []

    def hook(target: Any, args: Any, kwargs: Any) -> None:
        seen.append(dict(vars(target)))

    event.listen(Dog, "init", hook)
    event.listen(Animal, "init", hook)
    try:
        dog, animal = Dog(name="a"), Animal(name="b")
    finally:
        event.remove(Dog, "init", hook)
        event.remove(Animal, "init", hook)
    assert seen == [{"kind": "dog"}, {"kind": "animal"}]
    assert (dog.kind, dog.held_before, animal.kind) == ("dog", {"kind": "dog"}, "animal")
    assert Dog().kind == "dog"


def test_a_merged_copy_has_what_was_copied(session: Session) -> None:
    """Nobody constructs it: what the given object lacks, it lacks, and its row has NULL there."""
    assert vars(session.merge(Dog(name="a")))["kind"] == "dog"
    bare = Dog(name="b")
    del vars(bare)["kind"]
    merged = session.merge(bare)
    assert "kind" not in vars(merged)
    session.flush()
    rows = session.execute(select(Animal.name, Animal.kind).order_by(Animal.name))
    assert [tuple(row) for row in rows] == [("a", "dog"), ("b", None)]


@pytest.fixture
def plain() -> Iterator[Callable[[type], Any]]:
    """Maps a class without a base, in a hierarchy of its own."""
    owner = registry(metadata=MetaData())
    table = Table(
        "plain", owner.metadata, Column("id", Integer, primary_key=True), Column("kind", String), Column("name", String)
    )

    def map_it(cls: type) -> Any:
        return owner.map_imperatively(cls, table, polymorphic_on=table.c.kind, polymorphic_identity="plain")

    yield map_it
    owner.dispose()


def test_a_plain_class_holds_it_as_long_as_it_is_mapped(plain: Callable[[type], Any]) -> None:
    class Plain:
        def __init__(self, name: str) -> None:
            self.name = name

    class Bare:
        pass

    init = Plain.__init__
    mapper = plain(Plain)
    assert vars(Plain("x")).items() >= {"kind": "plain", "name": "x"}.items()
    mapper.registry.dispose()
    assert Plain.__init__ is init and vars(Plain("x")) == {"name": "x"}
    plain(Bare)
    made: Any = Bare
    assert made(name="y").kind == "plain"
    mapper.registry.dispose()
    assert "__init__" not in vars(Bare)
