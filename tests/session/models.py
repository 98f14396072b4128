"""The mapped classes of these tests: each shows one form of relationship or key."""

from __future__ import annotations

from nbsession import DeclarativeBase, ForeignKey, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    pass


class Member(Base):
    """A parent that owns its children: ``all, delete-orphan``."""

    __tablename__ = "member"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    age: Mapped[int | None]
    loans: Mapped[list[Loan]] = relationship(
        back_populates="member", cascade="all, delete-orphan", order_by=lambda: Loan.id
    )


class Loan(Base):
    __tablename__ = "loan"

    id: Mapped[int] = mapped_column(primary_key=True)
    member_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"))
    note: Mapped[str | None]
    member: Mapped[Member | None] = relationship(back_populates="loans")


class Shelf(Base):
    """A parent that lets its children go: their foreign key becomes NULL."""

    __tablename__ = "shelf"

    id: Mapped[int] = mapped_column(primary_key=True)
    label: Mapped[str | None]
    tools: Mapped[list[Tool]] = relationship(back_populates="shelf", order_by=lambda: Tool.id)


class Tool(Base):
    __tablename__ = "tool"

    id: Mapped[int] = mapped_column(primary_key=True)
    shelf_id: Mapped[int | None] = mapped_column(ForeignKey("shelf.id"))
    name: Mapped[str | None]
    shelf: Mapped[Shelf | None] = relationship(back_populates="tools")


class Crate(Base):
    """A parent that does not load its children to delete it."""

    __tablename__ = "crate"

    id: Mapped[int] = mapped_column(primary_key=True)
    screws: Mapped[list[Screw]] = relationship(back_populates="crate", passive_deletes=True)


class Screw(Base):
    __tablename__ = "screw"

    id: Mapped[int] = mapped_column(primary_key=True)
    crate_id: Mapped[int | None] = mapped_column(ForeignKey("crate.id"))
    crate: Mapped[Crate | None] = relationship(back_populates="screws")


class Node(Base):
    """A tree: a class that refers to itself."""

    __tablename__ = "node"

    id: Mapped[int] = mapped_column(primary_key=True)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("node.id"))
    name: Mapped[str | None]
    children: Mapped[list[Node]] = relationship(back_populates="parent", cascade="all", order_by=lambda: Node.id)
    parent: Mapped[Node | None] = relationship(back_populates="children", remote_side=lambda: Node.id)


class Country(Base):
    """A natural key."""

    __tablename__ = "country"

    code: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str | None]
    cities: Mapped[list[City]] = relationship(back_populates="country", order_by=lambda: City.number)


class City(Base):
    """A composite key, part of which is a foreign key."""

    __tablename__ = "city"

    code: Mapped[str] = mapped_column(ForeignKey("country.code"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None]
    country: Mapped[Country] = relationship(back_populates="cities")
