"""How a person sees the rows of an association table in a flush plan: by both objects."""

from __future__ import annotations

from nbsession import Column, DeclarativeBase, Engine, ForeignKey, Mapped, Session, Table, mapped_column, relationship
from nbsession.notebook.recording.recorder import Recorder
from nbsession.notebook.views import flush_plan


class Base(DeclarativeBase):
    pass


book_tag = Table(
    "book_tag",
    Base.metadata,
    Column("book_id", ForeignKey("book.id"), primary_key=True),
    Column("tag_id", ForeignKey("tag.id"), primary_key=True),
)


class Book(Base):
    __tablename__ = "book"

    id: Mapped[int] = mapped_column(primary_key=True)
    tags: Mapped[list[Tag]] = relationship(secondary=book_tag)


class Tag(Base):
    __tablename__ = "tag"

    id: Mapped[int] = mapped_column(primary_key=True)


def test_association_steps_name_both_objects(engine: Engine) -> None:
    """Line 18.9: the views of a plan show pairs of objects, and the keys that are yet to be made."""
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(Book(tags=[Tag(), Tag()]))
        recorder = Recorder(session)
        snapshot = recorder.snapshot(with_plan=True)
        recorder.close()
        assert snapshot.plan is not None
        shown = next(step for step in snapshot.plan["steps"] if step["table"] == "book_tag")
        assert shown["count"] == 2 and " – " in shown["label"] and len(shown["parameters"]) == 2
        assert all(text.startswith("key of ") for _, text in shown["parameters"])
        view = flush_plan.view(snapshot)
        assert "book_tag" in str(view)
