"""Poems and tags, each with a list of the other: many to many, told by both sides."""

from __future__ import annotations

from nbsession import Column, DeclarativeBase, ForeignKey, Mapped, Table, mapped_column, relationship


class Base(DeclarativeBase):
    pass


tagging = Table(
    "tagging",
    Base.metadata,
    Column("poem_id", ForeignKey("poem.id"), primary_key=True),
    Column("tag_id", ForeignKey("tag.id"), primary_key=True),
)


class Tag(Base):
    __tablename__ = "tag"

    id: Mapped[int] = mapped_column(primary_key=True)
    poems: Mapped[list[Poem]] = relationship(secondary=tagging, back_populates="tags")


class Poem(Base):
    __tablename__ = "poem"

    id: Mapped[int] = mapped_column(primary_key=True)
    tags: Mapped[list[Tag]] = relationship(secondary=tagging, back_populates="poems")
