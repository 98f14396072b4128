"""Relationships, loaders and hierarchies, line by line: what docs/session-semantics.md lists and no other test shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from nbsession import (
    Column,
    DeclarativeBase,
    Engine,
    ForeignKey,
    Integer,
    Mapped,
    Session,
    Table,
    create_engine,
    deferred,
    event,
    inspect,
    joinedload,
    mapped_column,
    relationship,
)
from nbsession.exc import ArgumentError
from tests.session import hierarchy
from tests.session.hierarchy import Director, Engineer, Manager, Person
from tests.session.models import Base as Plain
from tests.session.models import Member, Tool
from tests.support import expect_statements, statements_of

Rows = Callable[[str], list[tuple[Any, ...]]]


class Base(DeclarativeBase):
    pass


class Owner(Base):
    __tablename__ = "owner_l"
    id: Mapped[int] = mapped_column(primary_key=True)
    pets: Mapped[list[Pet]] = relationship(cascade="all, delete-orphan", back_populates="owner")


class Shelter(Base):
    __tablename__ = "shelter_l"
    id: Mapped[int] = mapped_column(primary_key=True)
    pets: Mapped[list[Pet]] = relationship(cascade="all, delete-orphan", back_populates="shelter")


class Pet(Base):
    """Of two parents, each of which owns it."""

    __tablename__ = "pet_l"
    id: Mapped[int] = mapped_column(primary_key=True)
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("owner_l.id"))
    shelter_id: Mapped[int | None] = mapped_column(ForeignKey("shelter_l.id"))
    owner: Mapped[Owner | None] = relationship(back_populates="pets")
    shelter: Mapped[Shelter | None] = relationship(back_populates="pets")


class Branch(Base):
    """A tree whose branches belong to their branch."""

    __tablename__ = "branch_l"
    id: Mapped[int] = mapped_column(primary_key=True)
    branch_id: Mapped[int | None] = mapped_column(ForeignKey("branch_l.id"))
    branches: Mapped[list[Branch]] = relationship(cascade="all, delete-orphan")


class Tag(Base):
    __tablename__ = "tag_l"
    id: Mapped[int] = mapped_column(primary_key=True)


class Dog(Base):
    __tablename__ = "dog_l"
    id: Mapped[int] = mapped_column(primary_key=True)
    tag_id: Mapped[int | None] = mapped_column(ForeignKey("tag_l.id"))
    tag: Mapped[Tag | None] = relationship(cascade="all, delete-orphan", single_parent=True)


class Letter(Base):
    __tablename__ = "letter_l"
    id: Mapped[int] = mapped_column(primary_key=True)
    subject: Mapped[str | None]
    text: Mapped[str | None] = deferred(mapped_column(), group="body")
    appendix: Mapped[str | None] = deferred(mapped_column(), group="body")


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    for base in (Base, Plain):
        base.metadata.create_all(engine)
    with Session(engine) as session:
        yield session


# ── orphans ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_child_of_two_owners_is_an_orphan_without_either(session: Session, rows: Rows) -> None:
    """Line 18.4: persistent, it is deleted when one of them lets it go; pending, it is left in peace."""
    pet = Pet()
    owner, shelter = Owner(pets=[pet]), Shelter(pets=[pet])
    session.add_all([owner, shelter])
    session.commit()
    assert owner.pets == [pet] and shelter.pets == [pet]
    owner.pets.remove(pet)
    session.commit()
    assert inspect(pet).detached and rows("SELECT count(*) FROM pet_l") == [(0,)]


def test_delete_orphan_on_a_self_reference(session: Session, rows: Rows) -> None:
    """Line 18.5: allowed; a branch cut off goes with all its own."""
    root = Branch(branches=[Branch(branches=[Branch()]), Branch()])
    session.add(root)
    session.commit()
    root.branches.pop(0)
    session.commit()
    assert rows("SELECT count(*) FROM branch_l") == [(2,)]


@pytest.mark.parametrize("kind", ["many-to-one", "many-to-many"])
def test_delete_orphan_where_there_may_be_several_parents(kind: str) -> None:
    """Line 18.5: it must be promised that there is one only."""

    class B(DeclarativeBase):
        pass

    links = Table(
        "links_l",
        B.metadata,
        Column("a_id", Integer, ForeignKey("a_l.id"), primary_key=True),
        Column("b_id", Integer, ForeignKey("b_l.id"), primary_key=True),
    )
    options: dict[str, Any] = {"secondary": links} if kind == "many-to-many" else {}

    class Other(B):
        __tablename__ = "b_l"
        id: Mapped[int] = mapped_column(primary_key=True)

    def declare(name: str, **more: Any) -> type:
        return type(
            name,
            (B,),
            {
                "__module__": __name__,
                "__table__": Table(
                    f"{name}_l",
                    B.metadata,
                    Column("id", Integer, primary_key=True),
                    Column("b_id", Integer, ForeignKey("b_l.id")),
                ),
                "others": relationship(Other, cascade="all, delete-orphan", **options, **more),
            },
        )

    refused = declare("a")
    with pytest.raises(
        ArgumentError, match=r"delete-orphan cascade is normally configured only on the .* single_parent"
    ):
        refused()


def test_delete_orphan_of_a_single_parent(session: Session, rows: Rows) -> None:
    """Line 18.5: with single_parent=True the object referred to is deleted when it is let go."""
    dog = Dog(tag=Tag())
    session.add(dog)
    session.commit()
    dog.tag = Tag()
    session.commit()
    assert rows("SELECT count(*) FROM tag_l") == [(1,)]
    dog.tag = None
    session.commit()
    assert rows("SELECT count(*) FROM tag_l") == [(0,)]


# ── loaders ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_touched_deferred_column_loads_its_group(session: Session) -> None:
    """Lines 10.12, 21.21: expired or never loaded, one SELECT brings the columns of the group."""
    session.add(Letter(subject="s", text="t", appendix="a"))
    session.commit()
    letter = session.query(Letter).one()
    assert "text" in inspect(letter).unloaded
    with expect_statements(session, 1):
        assert (letter.text, letter.appendix) == ("t", "a")
    session.expire(letter)
    with expect_statements(session, 1):
        assert letter.subject == "s" and inspect(letter).unloaded == {"text", "appendix"}
    with expect_statements(session, 1):
        assert (letter.text, letter.appendix) == ("t", "a")


def test_a_joined_load_with_a_limit_limits_parents_not_rows(session: Session) -> None:
    """Line 21.20: the LIMIT stands in a subquery, so that no child is lost."""
    for _ in range(3):
        session.add(Owner(pets=[Pet(), Pet()]))
    session.commit()
    session.expunge_all()
    with expect_statements(session, 1) as sent:
        owners = session.query(Owner).options(joinedload(Owner.pets)).order_by(Owner.id).limit(2).all()
        assert [len(owner.pets) for owner in owners] == [2, 2]
    assert "LEFT OUTER JOIN" in sent[0].upper().replace("LEFT JOIN", "LEFT OUTER JOIN")


# ── hierarchies ──────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_row_is_loaded_as_the_class_it_says(engine: Engine) -> None:
    """Line 21.25: a query of a class brings it and its subclasses, each row as its own class, and no other."""
    with Session(hierarchy.staffed(engine)) as session:
        for asked, found in (
            (Person, [Director, Engineer, Manager, Person]),
            (Manager, [Director, Manager]),
            (Engineer, [Engineer]),
        ):
            assert sorted({type(o) for o in session.query(asked)}, key=lambda c: c.__name__) == found


def test_binding_a_joined_subclass_binds_its_base_table(engine: Engine, database_url: str) -> None:
    """Lines 21.23, 23.3: so that get_bind() of the base finds the subclass's engine, as in 2.1."""
    other = create_engine(database_url)
    session = Session(engine)
    session.bind_mapper(Engineer, other)
    assert session.get_bind(Engineer) is other and session.get_bind(Person) is other
    other.dispose()


# ── what there is not, and what there is ─────────────────────────────────────────────────────────────────────────────
def test_there_is_no_sql_property(session: Session) -> None:
    """Line 8.7: it never worked."""
    assert not hasattr(session, "sql") and not hasattr(session, "_sql")


def test_the_transaction_of_a_single_flush_does_not_flush_again(engine: Engine) -> None:
    """Line 4.11: where each flush commits itself, its commit flushes nothing that a hook added."""
    Plain.metadata.create_all(engine)
    with Session(engine, transactional=False) as session:
        flushes: list[int] = []
        event.listen(session, "before_flush", lambda *_: flushes.append(1))
        event.listen(session, "after_flush", lambda s, context: s.add(Tool(name="later")), once=True)
        session.add(Member(name="Ada"))
        session.flush()
        assert flushes == [1] and [t.name for t in session.new] == ["later"]
        with statements_of(session) as sent:
            session.flush()
        assert len(flushes) == 2 and any("INSERT" in s for s in sent)
