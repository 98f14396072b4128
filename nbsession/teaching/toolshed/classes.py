"""The Toolshed's tables as mapped classes, declared as a learner would declare them. Lessons that vary a rule declare their own.

>>> from nbsession.teaching.toolshed.classes import Member
>>> Member(name="Ada Nyberg").name
'Ada Nyberg'
"""

from __future__ import annotations

from datetime import date

from nbsession import Column, DeclarativeBase, ForeignKey, Mapped, Table, mapped_column, relationship


class Base(DeclarativeBase):
    """The Toolshed's classes."""


tool_label = Table(
    "tool_label",
    Base.metadata,
    Column("tool_id", ForeignKey("tool.id"), primary_key=True),
    Column("label_id", ForeignKey("label.id"), primary_key=True),
)


class Branch(Base):
    """A house of the library."""

    __tablename__ = "branch"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    street: Mapped[str]
    members: Mapped[list[Member]] = relationship(back_populates="branch")
    tools: Mapped[list[Tool]] = relationship(back_populates="branch")


class Member(Base):
    """Somebody who borrows."""

    __tablename__ = "member"
    id: Mapped[int] = mapped_column(primary_key=True)
    card_no: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    email: Mapped[str | None]
    joined_on: Mapped[date]
    branch_id: Mapped[int] = mapped_column(ForeignKey("branch.id"))
    branch: Mapped[Branch] = relationship(back_populates="members")
    loans: Mapped[list[Loan]] = relationship(back_populates="member")
    notices: Mapped[list[Notice]] = relationship(back_populates="member")


class Tool(Base):
    """A tool, or a kit of tools."""

    __tablename__ = "tool"
    id: Mapped[int] = mapped_column(primary_key=True)
    tag: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    kit_id: Mapped[int | None] = mapped_column(ForeignKey("tool.id"))
    branch_id: Mapped[int] = mapped_column(ForeignKey("branch.id"))
    version: Mapped[int]
    branch: Mapped[Branch] = relationship(back_populates="tools")
    kit: Mapped[Tool | None] = relationship(back_populates="parts", remote_side=[id])
    parts: Mapped[list[Tool]] = relationship(back_populates="kit")
    labels: Mapped[list[Label]] = relationship(secondary=tool_label, back_populates="tools")


class Label(Base):
    """What tools are looked for by."""

    __tablename__ = "label"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    tools: Mapped[list[Tool]] = relationship(secondary=tool_label, back_populates="labels")


class Loan(Base):
    """What a member took home on one day. It owns its lines."""

    __tablename__ = "loan"
    id: Mapped[int] = mapped_column(primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"))
    out_on: Mapped[date]
    due_on: Mapped[date]
    member: Mapped[Member] = relationship(back_populates="loans")
    lines: Mapped[list[LoanLine]] = relationship(back_populates="loan", cascade="all, delete-orphan")


class LoanLine(Base):
    """One tool of a loan."""

    __tablename__ = "loan_line"
    id: Mapped[int] = mapped_column(primary_key=True)
    loan_id: Mapped[int] = mapped_column(ForeignKey("loan.id"))
    tool_id: Mapped[int] = mapped_column(ForeignKey("tool.id"))
    qty: Mapped[int]
    returned_on: Mapped[date | None]
    loan: Mapped[Loan] = relationship(back_populates="lines")
    tool: Mapped[Tool] = relationship()


class Notice(Base):
    """What was sent to a member, or to everybody."""

    __tablename__ = "notice"
    id: Mapped[int] = mapped_column(primary_key=True)
    member_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"))
    sent_on: Mapped[date]
    text: Mapped[str]
    member: Mapped[Member | None] = relationship(back_populates="notices")
