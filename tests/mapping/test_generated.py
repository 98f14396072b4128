"""Generated code: readable, right, and no slower way around where names do not suit."""

from __future__ import annotations

import ast
from typing import Any, ClassVar

import pytest

from nbsession import (
    Column,
    DeclarativeBase,
    ForeignKey,
    Integer,
    Mapped,
    String,
    Table,
    event,
    mapped_column,
    relationship,
    validates,
)
from nbsession.events import constructions
from nbsession.mapping.codegen import parameter_extractor, plain_names, row_loader
from nbsession.mapping.mapper import Mapper
from nbsession.mapping.registry import class_mapper
from nbsession.tracking.identity import KeyedObjects
from tests.session.models import City, Member


def test_the_constructor_reads_like_one_written_by_hand() -> None:
    source: str = Member.__init__.__nbs_generated__  # type: ignore[misc]
    lines = source.splitlines()
    assert lines[0] == "def __init__(self, *, id=N_, name=N_, age=N_, loans=N_, **rest_):"
    assert "    if name is not N_: d_['name'] = name" in lines
    assert "    if loans is not N_: self.loans = loans" in lines
    assert ast.parse(source)


def test_the_row_loader_is_readable_and_makes_one_object_per_key() -> None:
    mapper = class_mapper(City)
    made = row_loader(mapper, mapper.column_keys, [None, None, str.upper], [0, 1])
    assert "for (v0, v1, v2, ) in rows:" in made.source and len(made.source.splitlines()) < 40
    known = KeyedObjects()
    born: list[City] = []
    rows = [("DE", 1, "a"), ("DE", 1, "other"), (None, None, "x"), ("DE", 2, None)]
    first, again, nobody, second = made.function(rows, known, born)
    assert first is again and nobody is None and born == [first, second]
    assert (first.__dict__, second.__dict__) == (
        {"code": "DE", "number": 1, "name": "A"},
        {"code": "DE", "number": 2, "name": None},
    )
    assert known.find(("DE", 2)) is second


def test_the_row_loader_fills_only_what_a_known_object_lacks() -> None:
    mapper = class_mapper(Member)
    load = row_loader(mapper, mapper.column_keys, [None] * 3, [0]).function
    known = KeyedObjects()
    (ada,) = load([(1, "Ada", 36)], known, [])
    del ada.__dict__["age"]
    ada.__dict__["name"] = "changed here"
    load([(1, "in the row", 37)], known, [])
    assert ada.__dict__ == {"id": 1, "name": "changed here", "age": 37}


def test_the_row_loader_skips_columns_of_others() -> None:
    mapper = class_mapper(Member)
    load = row_loader(mapper, mapper.column_keys, [None] * 3, [0], before=1, after=True).function
    (ada,) = load([("before", 1, "Ada", 36, "after", "too")], KeyedObjects(), [])
    assert ada.__dict__ == {"id": 1, "name": "Ada", "age": 36}


def test_the_extractor_gives_none_for_what_is_not_set() -> None:
    made = parameter_extractor(["a", "b"], [None, str])
    assert made.function([{"a": 1, "b": 2}, {"a": 3, "b": None}]) == [[1, 3], ["2", None]]
    assert made.function([{"a": 1}, {"b": 4}]) == [[1, None], [None, "4"]]


def test_names_that_are_no_parameters_go_through_the_general_constructor() -> None:
    assert plain_names(["id", "name"])
    assert not any(plain_names([k]) for k in ("class", "_x", "two words", "self", "1st"))

    class B(DeclarativeBase):
        pass

    class Odd(B):
        __table__ = Table("odd", B.metadata, Column("id", Integer, primary_key=True), Column("class", String))

    odd = Odd(id=1, **{"class": "first"})
    assert getattr(odd, "class") == "first"
    with pytest.raises(TypeError, match="'clas' is an invalid keyword argument for Odd"):
        Odd(clas="x")


def test_an_own_constructor_is_left_alone_and_may_call_the_next() -> None:
    class B(DeclarativeBase):
        pass

    class Own(B):
        __tablename__ = "own"
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str | None]

        def __init__(self, first: str, last: str) -> None:
            super().__init__(name=f"{first} {last}")

    assert Own("Ada", "Lovelace").name == "Ada Lovelace"


def test_validators_see_what_the_constructor_is_given() -> None:
    class B(DeclarativeBase):
        pass

    class Checked(B):
        __tablename__ = "checked"
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str | None]

        @validates("name")
        def check(self, key: str, value: str) -> str:
            if not value:
                raise ValueError(f"{key} is empty")
            return value.strip()

    assert Checked(name=" Ada ").name == "Ada"
    with pytest.raises(ValueError, match="name is empty"):
        Checked(name="")


# ── constructions ────────────────────────────────────────────────────────────────────────────────────────────────────
def test_constructions_are_announced_only_while_somebody_listens() -> None:
    plain: Any = Member.__init__
    seen: list[Member] = []
    assert not hasattr(plain, "__nbs_plain__")
    Member()
    stop = constructions.subscribe(seen.append)
    ada = Member(name="Ada")
    assert seen == [ada]
    stop()
    assert Member.__init__ is plain
    Member()
    assert seen == [ada]


def test_a_class_mapped_while_somebody_listens_is_watched_too() -> None:
    seen: list[object] = []
    stop = constructions.subscribe(seen.append)
    try:

        class B(DeclarativeBase):
            pass

        class New(B):
            __tablename__ = "new"
            id: Mapped[int] = mapped_column(primary_key=True)

        obj = New(id=1)
        assert seen == [obj]
    finally:
        stop()
    assert not hasattr(New.__init__, "__nbs_plain__")  # type: ignore[misc]


def test_an_own_constructor_is_announced_once_and_comes_back() -> None:
    class B(DeclarativeBase):
        pass

    class Own(B):
        __tablename__ = "own"
        id: Mapped[int] = mapped_column(primary_key=True)

        def __init__(self, number: int) -> None:
            super().__init__(id=number)

    own, seen = Own.__init__, []
    stop = constructions.subscribe(lambda obj: seen.append(obj.id))
    Own(3)
    stop()
    assert seen == [3] and Own.__init__ is own


def test_a_constructor_that_raises_announces_nothing() -> None:
    seen: list[object] = []
    stop = constructions.subscribe(seen.append)
    try:
        with pytest.raises(TypeError):
            Member(nmae="Ada")
    finally:
        stop()
    assert seen == []


def mapped_pair() -> tuple[Any, Any]:
    """Two classes; the second, when it is configured, gives the first one more attribute."""

    class B(DeclarativeBase):
        pass

    class Here(B):
        __tablename__ = "here"
        id: Mapped[int] = mapped_column(primary_key=True)

    class There(B):
        __tablename__ = "there"
        id: Mapped[int] = mapped_column(primary_key=True)
        here_id: Mapped[int] = mapped_column(ForeignKey("here.id"))
        here: Mapped[Here] = relationship(backref="theres")

    return Here, There


def test_constructions_stay_announced_when_the_constructor_is_made_anew() -> None:
    here_class, there_class = mapped_pair()
    seen: list[Any] = []
    stop = constructions.subscribe(lambda obj: seen.append(type(obj)))
    here_class()
    there_class()
    assert here_class(theres=[]).theres == []
    stop()
    here_class()
    assert seen == [here_class, there_class, here_class]
    assert "theres=" in here_class.__init__.__nbs_generated__


def test_a_constructor_made_anew_lies_beneath_hooks() -> None:
    here_class, there_class = mapped_pair()
    seen: list[Any] = []

    def hook(target: Any, args: Any, kwargs: Any) -> None:
        seen.append(type(target))

    event.listen(here_class, "init", hook)
    there_class()
    assert here_class(theres=[]).theres == []
    event.remove(here_class, "init", hook)
    here_class()
    assert seen == [here_class]
    assert "theres=" in here_class.__init__.__nbs_generated__


@pytest.mark.parametrize("time", range(5))  # classes are watched in no certain order
def test_objects_with_an_inherited_constructor_are_announced_once(time: int) -> None:
    class B(DeclarativeBase):
        pass

    class Base(B):
        __tablename__ = "base"
        id: Mapped[int] = mapped_column(primary_key=True)
        kind: Mapped[str]
        __mapper_args__: ClassVar[dict[str, Any]] = {"polymorphic_on": "kind", "polymorphic_identity": "base"}

        def __init__(self) -> None:
            self.kind = "given"

    class Sub(Base):
        __mapper_args__: ClassVar[dict[str, Any]] = {"polymorphic_identity": "sub"}

    seen: list[Any] = []
    before = vars(Sub).get("__init__")
    stop = constructions.subscribe(lambda obj: seen.append(type(obj)))
    assert Sub().kind == "given" and Base().kind == "given"
    stop()
    Sub()
    assert seen == [Sub, Base]
    assert vars(Sub).get("__init__") is before


def test_hooks_on_every_class_hear_of_classes_mapped_before() -> None:
    """Line 3.15: init, of every mapped class."""
    here_class, _ = mapped_pair()
    plain, seen = Member.__init__, []

    def hook(target: Any, args: Any, kwargs: Any) -> None:
        seen.append(type(target))

    event.listen(Mapper, "init", hook)
    here_class()
    Member()
    event.remove(Mapper, "init", hook)
    Member()
    assert seen == [here_class, Member]
    assert Member.__init__ is plain
