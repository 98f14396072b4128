"""Objects of a hierarchy of classes, as they are read: each row becomes an object of its own class."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from nbsession import (
    DeclarativeBase,
    Engine,
    ForeignKey,
    Mapped,
    Session,
    aliased,
    exc,
    func,
    inspect,
    load_only,
    mapped_column,
    or_,
    select,
    selectinload,
    with_polymorphic,
)
from tests.session.hierarchy import Director, Engineer, Firm, Machine, Manager, Person, kinds, staffed
from tests.support import expect_moves, expect_statements


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    session = Session(staffed(engine))
    yield session
    session.close()


def test_a_query_of_the_base_gives_objects_of_each_rows_class(session: Session) -> None:
    """Line 21.24: by one SELECT of the base table."""
    with expect_statements(session, 1):
        people = session.scalars(select(Person).order_by(Person.id)).all()
    assert kinds(people) == ["Person", "Engineer", "Manager", "Director"]
    assert all(inspect(p).persistent for p in people)


def test_what_a_subclass_adds_is_loaded_at_its_first_touch(session: Session) -> None:
    """Line 21.24: all that is missing, by one SELECT of the tables that are missing."""
    dot = session.get(Person, 4)
    with expect_statements(session, 1) as sent:
        assert (dot.budget, dot.car) == (99, "red")
    assert "person" not in sent[0]


def test_an_expired_object_is_loaded_from_all_its_tables(session: Session) -> None:
    """Lines 10.1, 21.24: by one SELECT."""
    eve = session.get(Person, 2)
    session.expire(eve)
    with expect_statements(session, 1):
        assert (eve.name, eve.tool, eve.kind) == ("Eve", "saw", "engineer")
    session.expire(eve, ["name"])
    with expect_statements(session, 1) as sent:
        assert eve.name == "Eve"
    assert "engineer" not in sent[0]


def test_refresh_reads_all_tables_or_those_of_the_names(session: Session, rows: Callable[[str], object]) -> None:
    """Lines 10.5, 21.24: one SELECT each."""
    eve = session.get(Person, 2)
    session.connection().exec_driver_sql("UPDATE engineer SET tool = 'axe'")
    with expect_statements(session, 1):
        session.refresh(eve)
    assert eve.tool == "axe"
    session.connection().exec_driver_sql("UPDATE engineer SET tool = 'bow'")
    with expect_statements(session, 1):
        session.refresh(eve, ["tool"])
    assert eve.tool == "bow"


def test_a_query_of_a_subclass_finds_its_rows_only(session: Session) -> None:
    """Line 21.24: joined to its table, or filtered by the discriminator."""
    assert [e.tool for e in session.scalars(select(Engineer))] == ["saw"]
    assert kinds(session.scalars(select(Manager).order_by(Manager.id))) == ["Manager", "Director"]
    with expect_statements(session, 1) as sent:
        assert [d.car for d in session.query(Director)] == ["red"]
    assert "IN (" in sent[0]


def test_attributes_of_a_subclass_select_from_its_tables(session: Session) -> None:
    """Line 21.24: also inherited ones, also within a function."""
    assert session.execute(select(Engineer.name)).all() == [("Eve",)]
    assert session.scalar(select(func.count(Manager.id))) == 2
    assert session.scalar(select(func.count(Director.id))) == 1
    assert session.scalar(select(func.count()).select_from(Director)) == 1
    assert session.scalars(select(Person.name).where(Person.id == Engineer.id)).all() == ["Eve"]


def test_a_join_along_a_relationship_to_a_class_without_a_table(session: Session) -> None:
    """Line 21.24: the discriminator stands in the ON clause, so that an outer join keeps its rows."""
    found = session.execute(select(Firm.id, Director.id).outerjoin(Director, Director.firm_id == Firm.id)).all()
    assert found == [(1, None)]


def test_a_join_along_an_inherited_relationship(session: Session) -> None:
    """Line 21.24: the subclass's tables stand in FROM once."""
    assert [e.name for e in session.scalars(select(Engineer).join(Engineer.firm))] == ["Eve"]
    assert session.scalars(select(Machine.id).join(Machine.engineer).where(Engineer.name == "Eve")).all() == [1]


def test_an_alias_of_a_class_without_a_table_is_filtered_too(session: Session) -> None:
    """Line 21.24: under the alias's name."""
    boss = aliased(Director)
    assert [b.name for b in session.scalars(select(boss))] == ["Dot"]


def test_get_of_a_subclass_object_through_the_base(session: Session) -> None:
    """Line 8.5: and a class that the object is no instance of gives None, without SQL."""
    eve = session.get(Person, 2)
    assert type(eve) is Engineer and session.get(Engineer, 2) is eve
    with expect_statements(session, 0):
        assert session.get(Manager, 2) is None and session.get(Director, 2) is None


def test_get_of_a_row_of_another_class(session: Session) -> None:
    """Line 8.5: it is not in the map: the SELECT finds nothing."""
    assert session.get(Manager, 2) is None and session.get(Director, 3) is None
    assert type(session.get(Manager, 4)) is Director


def test_a_reference_to_the_base_finds_subclass_objects_in_the_map(session: Session) -> None:
    """Lines 8.5, 21.11: one identity map for the hierarchy, and no SQL."""
    eve = session.get(Engineer, 2)
    with expect_statements(session, 1):
        machine = session.get(Machine, 1)
        assert machine.engineer is eve


def test_a_collection_of_the_base_holds_subclass_objects(session: Session) -> None:
    """Line 21.24: loaded by one SELECT."""
    firm = session.get(Firm, 1)
    with expect_statements(session, 1):
        assert kinds(firm.people) == ["Person", "Engineer", "Manager"]


def test_loading_is_told_by_class(session: Session) -> None:
    """Line 21.24: observers see which classes came."""
    with expect_moves(
        session,
        [f"{name} transient → persistent by load" for name in ("Person", "Engineer", "Manager", "Director")],
    ):
        session.scalars(select(Person).order_by(Person.id)).all()


def test_a_discriminator_that_no_class_has(session: Session) -> None:
    """Line 21.24: named in the error; NULL is an error too, and nothing has come into the session."""
    session.connection().exec_driver_sql("INSERT INTO person (id, kind) VALUES (7, 'robot'), (8, NULL)")
    with pytest.raises(AssertionError, match="No such polymorphic_identity 'robot' is defined"):
        session.get(Person, 7)
    with pytest.raises(exc.InvalidRequestError, match=r"discriminator column 'person.kind' is NULL"):
        session.get(Person, 8)
    assert not list(session)


def test_a_row_in_the_table_of_another_class(session: Session) -> None:
    """Line 21.24: the discriminator contradicts the table."""
    session.connection().exec_driver_sql("INSERT INTO engineer (id) VALUES (3)")
    with pytest.raises(exc.InvalidRequestError, match="is not a sub-mapper of the requested"):
        session.scalars(select(Engineer)).all()


def test_a_row_of_another_class_is_refused_though_its_object_is_here(session: Session) -> None:
    """Line 21.24: every row tells its class, but that of an object that is refreshed."""
    eve = session.get(Person, 2)
    assert eve is not None
    session.connection().exec_driver_sql("UPDATE person SET kind = 'person' WHERE id = 2")
    with pytest.raises(exc.InvalidRequestError, match="is not a sub-mapper of the requested"):
        session.scalars(select(Engineer)).all()
    assert eve in session.scalars(select(Person)).all()
    session.expire(eve)
    assert eve.tool == "saw" and eve.kind == "person"
    session.connection().exec_driver_sql("UPDATE person SET kind = NULL WHERE id = 2")
    with pytest.raises(exc.InvalidRequestError, match=r"discriminator column 'person.kind' is NULL"):
        session.scalars(select(Person)).all()


def test_a_class_mapped_after_the_first_query_is_loaded_too(session: Session) -> None:
    """Line 21.24: what is kept by the parents is made anew."""
    session.connection().exec_driver_sql("INSERT INTO person (id, kind) VALUES (9, 'guest')")
    with pytest.raises(AssertionError, match="'guest'"):
        session.get(Person, 9)

    class Guest(Person):
        __mapper_args__ = {"polymorphic_identity": "guest"}

    try:
        assert type(session.get(Person, 9)) is Guest
    finally:
        mapper = inspect(Person)
        mapper.children.remove(inspect(Guest))
        del mapper.polymorphic_map["guest"]
        mapper.forget_children()


def test_with_polymorphic_brings_the_subclasses_columns_along(session: Session) -> None:
    """Line 21.24: one SELECT, and no further one when they are touched."""
    staff = with_polymorphic(Person, "*")
    with expect_statements(session, 1):
        people = session.scalars(select(staff).order_by(staff.id)).all()
        assert kinds(people) == ["Person", "Engineer", "Manager", "Director"]
        assert (people[1].tool, people[2].budget, people[3].car) == ("saw", 10, "red")
    assert "tool" not in people[0].__dict__ and "budget" not in people[1].__dict__


def test_with_polymorphic_of_some_subclasses(session: Session) -> None:
    """Line 21.24: the others load when touched; criteria name the subclasses as attributes."""
    staff = with_polymorphic(Person, [Engineer, Manager])
    found = session.scalars(
        select(staff).where(or_(staff.Engineer.tool == "saw", staff.Manager.budget > 50)).order_by(staff.name)
    ).all()
    assert [one.name for one in found] == ["Dot", "Eve"]
    with expect_statements(session, 1):
        assert (found[0].budget, found[0].car) == (99, "red")


def test_with_polymorphic_beside_other_things(session: Session) -> None:
    """Line 21.24: with other columns, an alias, options, and objects that are here already."""
    eve = session.get(Person, 2)
    eve.name = "Eva"
    staff = with_polymorphic(Person, [Engineer], aliased=True)
    statement = select(Firm, staff, staff.id).join(Firm.people.of_type(staff)).order_by(staff.id)
    rows = session.execute(statement.options(selectinload(Firm.people))).all()
    assert [(row[0].id, row[1].id, row[2]) for row in rows] == [(1, 1, 1), (1, 2, 2), (1, 3, 3)]
    with expect_statements(session, 0):
        assert rows[1][1] is eve and eve.tool == "saw" and eve.name == "Eva"
    assert kinds(session.query(with_polymorphic(Person, [Engineer], innerjoin=True))) == ["Engineer"]


def test_with_polymorphic_takes_subclasses_only() -> None:
    """Line 21.24: another class is refused."""
    with pytest.raises(exc.ArgumentError, match="Machine does not inherit from Person"):
        with_polymorphic(Person, [Machine])


@pytest.mark.parametrize("said", ["*", "class", "inline"])
def test_a_mapping_may_bring_its_subclasses_along(engine: Engine, said: str) -> None:
    """Line 21.24: with_polymorphic on the parent, or polymorphic_load="inline" on the child: queries send one SELECT."""

    class Base(DeclarativeBase):
        pass

    class Pet(Base):
        __tablename__ = "pet"
        __mapper_args__ = {
            "polymorphic_on": "kind",
            "polymorphic_identity": "pet",
            "with_polymorphic": "*" if said == "*" else None,
        }
        id: Mapped[int] = mapped_column(primary_key=True)
        kind: Mapped[str]

    class Dog(Pet):
        __tablename__ = "dog"
        __mapper_args__ = {"polymorphic_identity": "dog", "polymorphic_load": "inline" if said == "inline" else None}
        id: Mapped[int] = mapped_column(ForeignKey("pet.id"), primary_key=True)
        bark: Mapped[str | None]

    if said == "class":
        inspect(Pet).arguments = inspect(Pet).arguments._replace(with_polymorphic=[Dog])
        inspect(Pet).forget_children()
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all([Pet(), Dog(bark="woof")])
        session.commit()
        session.expunge_all()
        with expect_statements(session, 1):
            session.scalars(select(Pet).where(Pet.id > 0).order_by(Pet.id).options(load_only(Pet.id))).all()
        session.expunge_all()
        with expect_statements(session, 1):
            found = session.query(Pet).filter(Pet.id > 0).order_by(Pet.id).all()
            assert [getattr(one, "bark", None) for one in found] == [None, "woof"]
        assert session.execute(select(Pet, Pet.id).order_by(Pet.id)).all() == [(one, one.id) for one in found]


def test_an_argument_that_is_no_way_to_load_is_refused() -> None:
    """Line 23.6: what cannot be done is not taken."""

    class Base(DeclarativeBase):
        pass

    with pytest.raises(exc.ArgumentError, match="Invalid argument for polymorphic_load: 'selectin'"):

        class Pet(Base):
            __tablename__ = "pet"
            __mapper_args__ = {"polymorphic_load": "selectin"}
            id: Mapped[int] = mapped_column(primary_key=True)


def test_a_new_object_knows_its_discriminator() -> None:
    """Line 21.24: before the flush writes it; one that was set stays."""
    kinds = (Engineer().kind, Director().kind, Person().kind, Engineer(kind="x").kind)
    assert kinds == ("engineer", "director", "person", "x")
