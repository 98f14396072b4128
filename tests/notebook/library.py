"""A small library of tools: the mapped classes of these tests."""

from __future__ import annotations

from nbsession import DeclarativeBase, ForeignKey, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    pass


class Member(Base):
    __tablename__ = "member"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    loans: Mapped[list[Loan]] = relationship(back_populates="member")


class Loan(Base):
    __tablename__ = "loan"

    id: Mapped[int] = mapped_column(primary_key=True)
    member_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"))
    note: Mapped[str | None]
    member: Mapped[Member | None] = relationship(back_populates="loans")
