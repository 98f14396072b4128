"""Smaller doors of a session, as in SQLAlchemy 2.1.9: a bind set later, a bind found within expressions, what configures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from nbsession import (
    Column,
    DeclarativeBase,
    Engine,
    ForeignKey,
    Integer,
    IntegrityError,
    InvalidRequestError,
    Mapped,
    NbsessionWarning,
    Session,
    Table,
    UnboundExecutionError,
    aliased,
    case,
    exists,
    func,
    insert,
    inspect,
    literal,
    mapped_column,
    registry,
    relationship,
    select,
    update,
)
from tests.session.models import Member, Shelf, Tool


# ── binds ────────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_session_is_bound_later_and_unbound(tables: Engine) -> None:
    """Line 5.1"""
    session = Session()
    session.bind = tables
    assert session.bind is tables and session.scalars(select(Shelf)).all() == []
    session.close()
    session.bind = None
    with pytest.raises(UnboundExecutionError):
        session.scalars(select(Shelf))


def shelf_ids() -> Any:
    return select(Shelf.id).scalar_subquery()


WITHIN: dict[str, Callable[[], Any]] = {
    "scalar subquery": lambda: select(shelf_ids()),
    "label": lambda: select(shelf_ids().label("x")),
    "function": lambda: select(func.coalesce(shelf_ids(), 0)),
    "exists": lambda: select(exists(select(Shelf.id))),
    "case": lambda: select(case((exists(select(Shelf.id)), 1), else_=0)),
    "in": lambda: select(literal(1)).where(literal(1).in_(select(Shelf.id))),
    "where exists": lambda: select(literal(1)).where(exists().where(Shelf.id == 1)),
    "order by": lambda: select(literal(1)).order_by(shelf_ids()),
    "update": lambda: update(Member).values(age=shelf_ids()),
    "insert": lambda: insert(Member).from_select(["id"], select(Shelf.id)),
    "alone": shelf_ids,
}


@pytest.mark.parametrize("by_class", [True, False], ids=["class", "table"])
@pytest.mark.parametrize("statement", WITHIN.values(), ids=list(WITHIN))
def test_a_bind_is_found_within_expressions(tables: Engine, statement: Callable[[], Any], by_class: bool) -> None:
    """Lines 7.6, 7.10"""
    session = Session(binds={Shelf if by_class else Shelf.__table__: tables})
    assert session.get_bind(clause=statement()) is tables
    with pytest.raises(UnboundExecutionError):
        session.get_bind(clause=select(literal(1)))


# ── what configures ──────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("touch", [lambda s, cls: s.query(cls), lambda s, cls: aliased(cls)], ids=["query", "aliased"])
def test_a_query_makes_the_back_references_of_classes_nobody_used_yet(touch: Any) -> None:
    """Line 18.10"""

    class Base(DeclarativeBase):
        pass

    class Tag(Base):
        __tablename__ = "tag"

        id: Mapped[int] = mapped_column(primary_key=True)

    joined = Table(
        "book_tag", Base.metadata, Column("book_id", ForeignKey("book.id")), Column("tag_id", ForeignKey("tag.id"))
    )

    class Book(Base):
        __tablename__ = "book"

        id: Mapped[int] = mapped_column(primary_key=True)
        tags: Mapped[list[Tag]] = relationship(secondary=joined, backref="books")

    assert not hasattr(Tag, "books")
    touch(Session(), Tag)
    assert "EXISTS" in str(Tag.books.any())  # type: ignore[attr-defined]
    Base.registry.dispose()


# ── flush ────────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("nothing", [[], (), set(), iter(())], ids=["list", "tuple", "set", "iterator"])
def test_a_flush_of_no_objects_is_one_of_all(session: Session, nothing: Any) -> None:
    """Line 9.2"""
    session.add(Tool())
    assert len(session.flush_plan(nothing).steps) == 1
    session.flush(nothing)
    assert not session.new


def test_a_key_that_is_taken_is_told_along_with_the_error(session: Session) -> None:
    """Line 21.5: what a warning says, as in 2.1, a note of the error says as well."""
    session.add(Shelf(id=1))
    session.commit()
    shelf = session.get_one(Shelf, 1)
    session.add(Shelf(id=1))
    with (
        pytest.raises(IntegrityError) as caught,
        pytest.warns(NbsessionWarning, match="conflicts with persistent instance"),
    ):
        session.flush()
    (note,) = caught.value.__notes__
    assert "New instance <Shelf at" in note and "conflicts with persistent instance <Shelf 1>" in note
    session.rollback()
    session.expunge_all()
    session.add_all([Shelf(id=5), Shelf(id=5)])
    with pytest.raises(IntegrityError) as caught:
        session.flush()
    assert not getattr(caught.value, "__notes__", []) and inspect(shelf).detached


def test_an_object_whose_class_cannot_be_configured_is_not_taken_in(session: Session) -> None:
    class Note:
        pass

    reg = registry()
    table = Table("note", reg.metadata, Column("id", Integer, primary_key=True))
    reg.map_imperatively(Note, table, properties={"owner": relationship("Nowhere")})
    with pytest.raises(InvalidRequestError, match="Nowhere"):
        session.add(Note())
    assert not session.new
    reg.dispose()
