"""Members and their loans, mapped by SQLAlchemy, as DuckDB lets them live.

Keys come from sequences where a database has no other way; the foreign key is the mapping's only: DuckDB refuses to delete
parents and children in one transaction where it is declared.
"""

from __future__ import annotations

from sqlalchemy import Integer, Sequence
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    pass


class Member(Base):
    __tablename__ = "members"

    id: Mapped[int] = mapped_column(Integer, Sequence("member_ids"), primary_key=True)
    name: Mapped[str]
    email: Mapped[str | None] = mapped_column(unique=True)
    loans: Mapped[list[Loan]] = relationship(
        back_populates="member",
        cascade="all, delete-orphan",
        order_by="Loan.id",
        primaryjoin="Member.id == foreign(Loan.member_id)",
    )


class Loan(Base):
    __tablename__ = "loans"

    id: Mapped[int] = mapped_column(Integer, Sequence("loan_ids"), primary_key=True)
    title: Mapped[str]
    member_id: Mapped[int | None] = mapped_column()
    member: Mapped[Member | None] = relationship(
        back_populates="loans", primaryjoin="Member.id == foreign(Loan.member_id)"
    )
