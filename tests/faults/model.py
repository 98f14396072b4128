"""The mapped classes of the fault programs: a graph, joined inheritance with versions, a many-to-many relationship."""

from __future__ import annotations

from nbsession import Column, DeclarativeBase, ForeignKey, Mapped, Table, mapped_column, relationship


class Base(DeclarativeBase):
    pass


class Member(Base):
    __tablename__ = "member"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    age: Mapped[int | None]
    loans: Mapped[list[Loan]] = relationship(back_populates="member", cascade="all, delete-orphan")


class Loan(Base):
    __tablename__ = "loan"

    id: Mapped[int] = mapped_column(primary_key=True)
    member_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"))
    note: Mapped[str | None]
    member: Mapped[Member | None] = relationship(back_populates="loans")


person_skill = Table(
    "person_skill",
    Base.metadata,
    Column("person_id", ForeignKey("person.id"), primary_key=True),
    Column("skill_id", ForeignKey("skill.id"), primary_key=True),
)


class Skill(Base):
    __tablename__ = "skill"

    id: Mapped[int] = mapped_column(primary_key=True)
    word: Mapped[str]


class Person(Base):
    """Its rows count their versions."""

    __tablename__ = "person"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    name: Mapped[str]
    version: Mapped[int] = mapped_column()
    skills: Mapped[list[Skill]] = relationship(secondary=person_skill, order_by=lambda: Skill.id)

    __mapper_args__ = {
        "polymorphic_on": "kind",
        "polymorphic_identity": "person",
        "version_id_col": version,
    }


class Engineer(Person):
    __tablename__ = "engineer"

    id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    tool: Mapped[str | None]

    __mapper_args__ = {"polymorphic_identity": "engineer"}


class Crate(Base):
    """Lies in the second database, where there are two."""

    __tablename__ = "crate"

    id: Mapped[int] = mapped_column(primary_key=True)
    label: Mapped[str | None]
