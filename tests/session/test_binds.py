"""Which engine serves what: the order of get_bind(), its messages, binds of every kind; savepoints over two engines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from nbsession import (
    ArgumentError,
    DeclarativeBase,
    Engine,
    ForeignKey,
    InvalidRequestError,
    Mapped,
    Session,
    UnboundExecutionError,
    UnmappedClassError,
    create_engine,
    inspect,
    mapped_column,
    select,
    text,
)


class Base(DeclarativeBase):
    pass


class Person(Base):
    __tablename__ = "person"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str | None]
    name: Mapped[str | None]
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "person"}


class Engineer(Person):
    __tablename__ = "engineer"
    id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    tool: Mapped[str | None]
    __mapper_args__ = {"polymorphic_identity": "engineer"}


class City(Base):
    __tablename__ = "city"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None]


@pytest.fixture
def other(engine: Engine) -> Iterator[Engine]:
    """A second database of the same kind; both have the tables."""
    made = create_engine(f"{engine.dialect.name}://")
    for one in (engine, made):
        Base.metadata.create_all(one)
    yield made
    made.dispose()


def test_the_most_specific_class_wins_then_tables_then_the_bind(engine: Engine, other: Engine) -> None:
    """Lines 5.8, 7.6, 7.9."""
    third = create_engine("sqlite://")
    session = Session(third, binds={Base: engine, City: other})
    assert session.get_bind(Person) is engine and session.get_bind(Engineer) is engine
    assert session.get_bind(City) is other and session.get_bind(inspect(City)) is other
    assert session.get_bind() is third
    assert session.get_bind(clause=select(City)) is other
    assert session.get_bind(clause=select(City.name).where(City.id == 1).subquery()) is other
    assert session.get_bind(clause=text("SELECT 1")) is third
    assert session.get_bind(City, bind=third) is third
    session.bind_mapper(City, engine)
    assert session.get_bind(City) is engine
    session.bind_table(Person.__table__, other)
    assert session.get_bind(clause=select(Person.__table__)) is other
    third.dispose()


def test_binding_a_subclass_binds_its_base_table(engine: Engine, other: Engine) -> None:
    """Lines 23.3, 5.8."""
    session = Session(binds={Engineer: other})
    assert session.get_bind(Engineer) is other and session.get_bind(Person) is other


def test_tables_joins_and_subqueries_may_be_bound(engine: Engine, other: Engine) -> None:
    """Lines 5.8, 7.10."""
    session = Session(engine, binds={City.__table__: other})
    city = City.__table__
    assert session.get_bind(clause=select(city.alias())) is other
    assert session.get_bind(clause=select(City).union(select(City))) is other
    both = Person.__table__.join(Engineer.__table__)
    session = Session(engine, binds={both: other})
    assert session.get_bind(clause=select(Person.__table__.c.id).select_from(both)) is other
    assert session.get_bind(clause=select(Person.__table__)) is engine


def test_what_cannot_be_found(engine: Engine) -> None:
    """Lines 7.6, 7.7, 7.8."""
    session = Session(binds={City: engine})
    with pytest.raises(UnboundExecutionError, match="no context was provided to locate a binding"):
        session.get_bind()
    with pytest.raises(UnboundExecutionError, match=r"Could not locate a bind configured on mapper .*Person"):
        session.get_bind(Person)
    with pytest.raises(UnboundExecutionError, match="Could not locate a bind configured on SQL expression or this"):
        session.get_bind(clause=select(Person))
    with pytest.raises(UnboundExecutionError, match=r"on mapper .*, SQL expression or this Session"):
        session.get_bind(Person, clause=select(Person))
    with pytest.raises(UnmappedClassError):
        session.get_bind(object)
    assert issubclass(UnboundExecutionError, InvalidRequestError)
    with pytest.raises(ArgumentError, match="Not an acceptable bind target"):
        Session(binds={"city": engine})
    with pytest.raises(ArgumentError, match="Not an acceptable bind target"):
        session.bind_table("city", engine)


def test_keywords_reach_a_get_bind_of_ones_own(engine: Engine, other: Engine) -> None:
    """Line 7.12."""

    class Mine(Session):
        def get_bind(self, mapper: Any = None, *, home: str = "here", **rest: Any) -> Any:
            return other if home == "there" else engine

    session = Mine()
    assert session.connection().engine is engine and session.connection(home="there").engine is other
    assert session.execute(text("SELECT 1"), bind_arguments={"home": "there"}).scalar() == 1
    assert session.get_transaction().connection(City, home="there").engine is other
    session.close()


def test_a_savepoint_over_two_engines(engine: Engine, other: Engine) -> None:
    """Lines 22.16, 4.8, 4.9: one that a bind joins inside the savepoint gets its savepoint within a transaction."""
    session = Session(binds={Person: engine, City: other})
    ada = Person(name="Ada")
    session.add(ada)
    session.flush()
    with session.begin_nested():
        session.add(City(name="Ulm"))
        ada.name = "Ada L."
    nested = session.begin_nested()
    session.add_all([City(name="Bonn"), Person(name="Bob")])
    session.flush()
    nested.rollback()
    session.commit()
    assert session.scalars(select(Person.name)).all() == ["Ada L."]
    assert session.scalars(select(City.name)).all() == ["Ulm"]
    session.close()


def test_the_second_commit_fails(engine: Engine, other: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Line 22.16: what the first engine committed stays persistent; the error names it."""
    session = Session(binds={Person: engine, City: other})
    ada, ulm = Person(name="Ada"), City(name="Ulm")
    session.add(ada)
    session.flush()
    session.add(ulm)
    session.flush()
    held = session.connection(City).get_transaction()

    def refuse(self: Any) -> None:
        if self is held:
            raise RuntimeError("disk full")
        plain(self)

    plain = type(held).commit
    monkeypatch.setattr(type(held), "commit", refuse)
    with pytest.raises(RuntimeError, match="disk full") as failed:
        session.commit()
    monkeypatch.undo()
    assert any("Already committed" in note for note in failed.value.__notes__)
    session.rollback()
    assert inspect(ada).persistent and inspect(ulm).transient
    assert ada.name == "Ada" and session.query(City).count() == 0
    session.close()


def test_part_of_a_composite_key_may_be_null(engine: Engine) -> None:
    """Line 8.4."""

    class Keys(DeclarativeBase):
        pass

    class Spot(Keys):
        __tablename__ = "spot"
        x: Mapped[int] = mapped_column(primary_key=True)
        y: Mapped[int] = mapped_column(primary_key=True)

    class Strict(Keys):
        __tablename__ = "strict"
        x: Mapped[int] = mapped_column(primary_key=True)
        y: Mapped[int] = mapped_column(primary_key=True)
        __mapper_args__ = {"allow_partial_pks": False}

    Keys.metadata.create_all(engine)
    session = Session(engine)
    from tests.support import expect_statements

    with expect_statements(session, 1):
        assert session.get(Spot, (1, None)) is None
    with expect_statements(session, 0):
        assert session.get(Strict, (1, None)) is None and session.get(Spot, (None, None)) is None
        assert session.get(Spot, {"x": None, "y": None}) is None
    session.close()
