"""None in a collection: it may lie there, nothing follows it, and the flush refuses it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from nbsession import (
    DeclarativeBase,
    Engine,
    ForeignKey,
    Mapped,
    Session,
    inspect,
    mapped_column,
    relationship,
    select,
)
from nbsession.exc import FlushError
from tests.session import library
from tests.session.models import Member, Shelf, Tool

REFUSED = "Can't flush None value found in collection "
Deed = Callable[[Any], Any]


def add_to(shelf: Any) -> None:
    shelf.tools += [None]


DEEDS: dict[str, Deed] = {
    "append": lambda shelf: shelf.tools.append(None),
    "insert": lambda shelf: shelf.tools.insert(0, None),
    "extend": lambda shelf: shelf.tools.extend([Tool(), None]),
    "in place": add_to,
    "slice": lambda shelf: shelf.tools.__setitem__(slice(0, 0), [None]),
    "assign": lambda shelf: setattr(shelf, "tools", [None]),
}


@pytest.mark.parametrize("stored", [False, True], ids=["new", "stored"])
@pytest.mark.parametrize("deed", DEEDS.values(), ids=list(DEEDS))
def test_none_in_a_collection_is_refused_by_the_flush(session: Session, deed: Deed, stored: bool) -> None:
    shelf = Shelf(label="left")
    session.add(shelf)
    if stored:
        session.commit()
    deed(shelf)
    assert None in shelf.tools and None in inspect(shelf).attrs.tools.history.added
    with pytest.raises(FlushError, match=f"{REFUSED}Shelf.tools"):
        session.flush()
    session.rollback()
    assert session.scalars(select(Tool)).all() == []


def test_none_that_is_taken_out_again_leaves_no_trace(session: Session, rows: Callable[[str], Any]) -> None:
    shelf = Shelf(label="left", tools=[None, Tool(name="saw")])  # type: ignore[list-item]
    session.add(shelf)
    shelf.tools.remove(None)  # type: ignore[arg-type]
    session.flush()
    assert rows("SELECT name FROM tool") == [("saw",)]


def test_cascades_and_views_pass_by_none(session: Session) -> None:
    member = Member(name="Ada", loans=[None])  # type: ignore[list-item]
    session.add(member)
    assert list(session.new) == [member]
    assert "None" in session.debug_view(long=True)
    member.loans = []
    session.commit()
    member.loans.append(None)  # type: ignore[arg-type]
    assert session.is_modified(member) and member in session.dirty
    assert [node.object for node in session.cascade_preview("delete", member).walk()] == [member]
    session.expire(member)
    assert member.loans == []
    member.loans.append(None)  # type: ignore[arg-type]
    session.delete(member)
    session.commit()
    assert inspect(member).detached


def test_the_other_side_of_many_to_many_is_refused_too(session: Session) -> None:
    library.Base.metadata.create_all(session.get_bind())
    session.add(library.Book(id=1, title="one", tags=[None]))  # type: ignore[list-item]
    with pytest.raises(FlushError, match=f"{REFUSED}Book.tags"):
        session.flush()


def test_a_collection_that_is_only_looked_at_may_hold_none(engine: Engine) -> None:
    class Root(DeclarativeBase):
        pass

    class Box(Root):
        __tablename__ = "box"

        id: Mapped[int] = mapped_column(primary_key=True)
        things: Mapped[list[Any]] = relationship("Thing", viewonly=True)

    class Thing(Root):
        __tablename__ = "thing"

        id: Mapped[int] = mapped_column(primary_key=True)
        box_id: Mapped[int] = mapped_column(ForeignKey("box.id"))

    Root.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(Box(id=1, things=[None]))
        session.commit()
        assert session.get_one(Box, 1).things == []
