"""The shape of mappers that inherit: tables, columns, keys, and what ``__mapper_args__`` says."""

from __future__ import annotations

from typing import Any

import pytest

from nbsession import DeclarativeBase, ForeignKey, Mapped, class_mapper, exc, mapped_column, relationship


class Base(DeclarativeBase):
    pass


class Person(Base):
    __tablename__ = "people"
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "person"}

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    name: Mapped[str | None]
    firm_id: Mapped[int | None] = mapped_column(ForeignKey("firms.id"))
    firm: Mapped[Firm | None] = relationship(back_populates="people")


class Engineer(Person):
    __tablename__ = "engineers"
    __mapper_args__ = {"polymorphic_identity": "engineer"}

    id: Mapped[int] = mapped_column(ForeignKey("people.id"), primary_key=True)
    tool: Mapped[str | None]


class Manager(Person):
    __tablename__ = "managers"
    __mapper_args__ = {"polymorphic_identity": "manager"}

    manager_id: Mapped[int] = mapped_column(ForeignKey("people.id"), primary_key=True)
    budget: Mapped[int | None]


class Director(Manager):
    """Without a table of its own: its rows lie in those of Manager."""

    __mapper_args__ = {"polymorphic_identity": "director"}

    car: Mapped[str | None]


class Firm(Base):
    __tablename__ = "firms"

    id: Mapped[int] = mapped_column(primary_key=True)
    people: Mapped[list[Person]] = relationship(back_populates="firm")


person, engineer, manager, director = map(class_mapper, (Person, Engineer, Manager, Director))
people, engineers, managers = (m.local_table for m in (person, engineer, manager))


def test_the_place_in_the_hierarchy() -> None:
    """Line 21.23: the base mapper is the root of the hierarchy."""
    assert [m.inherits for m in (person, engineer, director)] == [None, person, manager]
    assert {m.base_mapper for m in (person, engineer, manager, director)} == {person}
    assert director.lineage == (person, manager, director) and director.isa(person) and not person.isa(director)
    assert person.self_and_descendants == (person, engineer, manager, director)
    assert person.polymorphic_map == {"person": person, "engineer": engineer, "manager": manager, "director": director}
    assert [m.polymorphic_on for m in (person, director)] == ["kind", "kind"]


def test_tables_and_columns() -> None:
    """Line 21.23: the tables of a joined subclass, and what is written to each."""
    assert (person.tables, engineer.tables) == ((people,), (people, engineers))
    assert director.tables == manager.tables == (people, managers) and director.local_table is managers
    assert engineer.column_keys == ("id", "kind", "name", "firm_id", "tool")
    assert engineer.columns["id"] is people.c.id and engineer.columns["tool"] is engineers.c.tool
    assert engineer.columns_of(engineers) == {"id": engineers.c.id, "tool": engineers.c.tool}
    assert list(engineer.columns_of(people)) == ["id", "kind", "name", "firm_id"]
    assert engineer.table_keys(engineers) == engineer.table_keys(people) == ("id",)
    assert engineer.primary_key == (people.c.id,) and engineer.key_of(engineers.c.id) == "id"


def test_a_sub_table_whose_key_has_another_name() -> None:
    """Line 21.23: the joining column is written under the inherited key, and can be read under its own."""
    assert manager.columns_of(managers) == {"id": managers.c.manager_id, "budget": managers.c.budget}
    assert list(director.columns_of(managers)) == ["id", "budget", "car"]
    assert manager.table_keys(managers) == ("id",)
    assert manager.columns["manager_id"] is managers.c.manager_id


def test_a_class_without_a_table_adds_its_columns_to_its_parents() -> None:
    """Line 21.23: single-table inheritance."""
    assert "car" in managers.c and "car" not in manager.columns and director.columns["car"] is managers.c.car
    assert director.single and director.selectable is manager.selectable and not manager.single
    assert "kind IN" in str(director.single_criterion) and manager.single_criterion is None


def test_identity_keys_name_the_base_class() -> None:
    """Lines 16.1, 21.11: of every class of a hierarchy."""
    assert director.identity_key(3) == (Person, (3,), None)


def test_relationships_are_inherited() -> None:
    """Line 21.23: a subclass has the relationships of its parent, as the same objects."""
    assert director.relationships == person.relationships
    assert director.attributes["firm"] is person.attributes["firm"]
    firm = Firm(people=[Engineer(name="Ada"), Director(name="Bo", car="red")])
    assert [p.firm for p in firm.people] == [firm, firm]


def test_a_subclass_is_constructed_with_inherited_attributes() -> None:
    """Line 21.23: the constructor takes them all."""
    ada = Engineer(name="Ada", tool="saw", firm=None)
    assert (ada.name, ada.tool) == ("Ada", "saw")
    with pytest.raises(TypeError, match="'budget' is an invalid keyword argument for Engineer"):
        Engineer(budget=1)  # type: ignore[call-arg]


def test_a_backref_reaches_subclasses_that_are_mapped_later() -> None:
    """Line 21.23: whatever the order in which classes and relationships come."""

    class B(DeclarativeBase):
        pass

    class Parent(B):
        __tablename__ = "parent"
        id: Mapped[int] = mapped_column(primary_key=True)
        next_id: Mapped[int | None] = mapped_column(ForeignKey("parent.id"))

    class Child(Parent):
        pass

    class_mapper(Child)
    Parent.next = relationship(Parent, backref="before", remote_side=lambda: Parent.id)  # type: ignore[attr-defined]

    class Late(Child):
        pass

    one: Any = Late(id=1)
    two: Any = Child(id=2, next=one)
    assert one.before == [two] and {"next", "before"} <= set(class_mapper(Late).attributes)


@pytest.mark.parametrize("said", ["version", "column", "mapped"])
def test_the_version_column_is_a_name_or_a_column(said: str) -> None:
    """Line 21.8: as a string, a column, or what mapped_column() returned; subclasses inherit it."""

    class B(DeclarativeBase):
        pass

    class Row(B):
        __tablename__ = "row"
        id: Mapped[int] = mapped_column(primary_key=True)
        version: Mapped[int] = mapped_column("v")
        __mapper_args__ = {
            "version_id_col": {"version": "v", "column": version.column, "mapped": version}[said],  # type: ignore[attr-defined]
            "eager_defaults": True,
        }

    class Sub(Row):
        pass

    mapper = class_mapper(Sub)
    assert mapper.version_key == "version" and mapper.version_id_generator(None) == 1
    assert mapper.version_id_generator(4) == 5 and class_mapper(Row).eager_defaults is True


def test_a_word_that_is_no_argument_is_refused() -> None:
    """No option of a mapping is taken and ignored."""

    class B(DeclarativeBase):
        pass

    with pytest.raises(exc.ArgumentError, match=r"'polymorphic_onn'.*Known are: polymorphic_on"):

        class Wrong(B):
            __tablename__ = "wrong"
            __mapper_args__ = {"polymorphic_onn": "kind"}
            id: Mapped[int] = mapped_column(primary_key=True)


def test_an_attribute_that_is_not_there_cannot_be_the_discriminator() -> None:
    """Line 21.24: polymorphic_on names an attribute or a column."""

    class B(DeclarativeBase):
        pass

    with pytest.raises(exc.ArgumentError, match="Can't determine polymorphic_on value 'sort'"):

        class Wrong(B):
            __tablename__ = "wrong"
            __mapper_args__ = {"polymorphic_on": "sort"}
            id: Mapped[int] = mapped_column(primary_key=True)


def test_two_classes_of_one_identity_are_warned_of() -> None:
    """Line 21.24: the later one has it."""

    class B(DeclarativeBase):
        pass

    class Row(B):
        __tablename__ = "row"
        __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "a"}
        id: Mapped[int] = mapped_column(primary_key=True)
        kind: Mapped[str]

    with pytest.warns(exc.SAWarning, match="Reassigning polymorphic association for identity 'a'"):

        class Sub(Row):
            __mapper_args__ = {"polymorphic_identity": "a"}

    assert class_mapper(Row).polymorphic_map["a"].class_.__name__ == "Sub"


def test_sister_classes_share_a_column_when_told_to() -> None:
    """Line 21.23: in one table a column is there once."""

    class B(DeclarativeBase):
        pass

    class Row(B):
        __tablename__ = "row"
        id: Mapped[int] = mapped_column(primary_key=True)

    class One(Row):
        size: Mapped[int | None]

    class Two(Row):
        size: Mapped[int | None] = mapped_column(use_existing_column=True)

    assert class_mapper(One).columns["size"] is class_mapper(Two).columns["size"]
    with pytest.raises(exc.ArgumentError, match=r"conflicts with existing column .*use_existing_column"):

        class Three(Row):
            size: Mapped[int | None]
