"""A hierarchy of mapped classes, joined and single-table, and rows of it written past the session."""

from __future__ import annotations

from typing import Any

from nbsession import DeclarativeBase, Engine, ForeignKey, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    pass


class Firm(Base):
    __tablename__ = "firm"

    id: Mapped[int] = mapped_column(primary_key=True)
    people: Mapped[list[Person]] = relationship(back_populates="firm", order_by=lambda: Person.id)


class Person(Base):
    __tablename__ = "person"
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "person"}

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str | None]
    name: Mapped[str | None]
    firm_id: Mapped[int | None] = mapped_column(ForeignKey("firm.id"))
    firm: Mapped[Firm | None] = relationship(back_populates="people")


class Engineer(Person):
    __tablename__ = "engineer"
    __mapper_args__ = {"polymorphic_identity": "engineer"}

    id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    tool: Mapped[str | None]
    machines: Mapped[list[Machine]] = relationship(back_populates="engineer")


class Manager(Person):
    __tablename__ = "manager"
    __mapper_args__ = {"polymorphic_identity": "manager"}

    id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    budget: Mapped[int | None]


class Director(Manager):
    """Single-table under a joined class."""

    __mapper_args__ = {"polymorphic_identity": "director"}

    car: Mapped[str | None]


class Machine(Base):
    __tablename__ = "machine"

    id: Mapped[int] = mapped_column(primary_key=True)
    engineer_id: Mapped[int | None] = mapped_column(ForeignKey("engineer.id"))
    engineer: Mapped[Engineer | None] = relationship(back_populates="machines")


ROWS = """
    INSERT INTO firm (id) VALUES (1);
    INSERT INTO person (id, kind, name, firm_id) VALUES
        (1, 'person', 'Pat', 1), (2, 'engineer', 'Eve', 1), (3, 'manager', 'Max', 1), (4, 'director', 'Dot', NULL);
    INSERT INTO engineer (id, tool) VALUES (2, 'saw');
    INSERT INTO manager (id, budget, car) VALUES (3, 10, NULL), (4, 99, 'red');
    INSERT INTO machine (id, engineer_id) VALUES (1, 2)
"""


def staffed(engine: Engine) -> Engine:
    """The engine, with tables and rows."""
    Base.metadata.create_all(engine)
    with engine.begin() as connection:
        for statement in ROWS.split(";"):
            connection.exec_driver_sql(statement.strip())
    return engine


def kinds(objects: Any) -> list[str]:
    """The names of the objects' classes."""
    return [type(obj).__name__ for obj in objects]
