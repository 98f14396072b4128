"""Rules of SQLAlchemy's that random programs found: keys and versions that somebody set, and whose place in the session it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import pytest

from nbsession import (
    DeclarativeBase,
    Engine,
    ForeignKey,
    Mapped,
    NbsessionWarning,
    Session,
    inspect,
    mapped_column,
    relationship,
    set_committed_value,
    text,
)
from nbsession.exc import IntegrityError, StaleDataError
from tests.session.models import Shelf, Tool

Rows = Callable[[str], list[tuple[Any, ...]]]


class Base(DeclarativeBase):
    pass


class Doc(Base):
    __tablename__ = "doc"

    id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int]
    text: Mapped[str | None]

    __mapper_args__: ClassVar[dict[str, Any]] = {"version_id_col": "version"}


class Room(Base):
    """A parent whose class comes after its members'."""

    __tablename__ = "room"

    id: Mapped[int] = mapped_column(primary_key=True)
    chairs: Mapped[list[Chair]] = relationship(back_populates="room")


class Chair(Base):
    __tablename__ = "chair"

    id: Mapped[int] = mapped_column(primary_key=True)
    room_id: Mapped[int | None] = mapped_column(ForeignKey("room.id"))
    room: Mapped[Room | None] = relationship(back_populates="chairs")


@pytest.fixture
def docs(engine: Engine) -> Iterator[Session]:
    """A session with one document, of version 1."""
    Base.metadata.create_all(engine)
    session = Session(engine)
    session.add(Doc(id=1, text="old"))
    session.commit()
    yield session
    session.close()


@pytest.fixture
def shelves(session: Session) -> Session:
    """Two shelves, and a tool on the first."""
    session.add_all([Shelf(id=1, label="low"), Shelf(id=2, label="high"), Tool(id=1, shelf_id=1)])
    session.commit()
    return session


# ---------------------------------------------------------------------------------- keys that objects tell


def test_who_takes_part_in_a_flush_is_filed_under_the_key_that_it_tells(session: Session) -> None:
    """Line 21.6: though nothing is written; a rollback gives it the key of its row again."""
    shelf = Shelf(id=1, label="low")
    session.add(shelf)
    session.commit()
    assert shelf.label == "low"
    set_committed_value(shelf, "id", 7)
    shelf.label = "low"
    session.flush()
    assert inspect(shelf).identity == (7,)
    assert session.get(Shelf, 7) is shelf and session.get(Shelf, 1) is not shelf
    session.rollback()
    assert inspect(shelf).identity == (1,) and session.get(Shelf, 1) is shelf


def test_so_is_who_was_let_go_of_though_its_row_has_no_parent(session: Session) -> None:
    tool = Tool(id=1, name="saw")
    session.add_all([tool, Shelf(id=1)])
    session.commit()
    assert tool.name == "saw"
    set_committed_value(tool, "id", 7)
    tool.shelf = None
    session.flush()
    assert inspect(tool).identity == (7,)


# -------------------------------------------------------------------------------------- places in the map


@pytest.mark.parametrize("savepoint", [False, True])
def test_a_flush_that_fails_gives_a_key_back_to_who_had_it(shelves: Session, savepoint: bool) -> None:
    """Two objects had one key for a moment: the row of the second was gone, and the first one was given its key."""
    first, second = shelves.get_one(Shelf, 1), shelves.get_one(Shelf, 2)
    shelves.query(Tool).update({"shelf_id": None})
    shelves.commit()
    assert (first.label, second.label) == ("low", "high")
    shelves.execute(text("DELETE FROM shelf WHERE id = 2"))
    level = shelves.begin_nested() if savepoint else shelves
    first.id = 2
    shelves.add_all([Tool(id=7), Tool(id=7)])
    with pytest.raises(IntegrityError):
        shelves.flush()
    assert inspect(first).identity == (1,) and inspect(second).identity == (2,)
    assert first in shelves and second in shelves
    level.rollback()
    assert first in shelves and second in shelves


# ----------------------------------------------------------------------------------- rows of others, taken


@pytest.mark.parametrize("given, written", [({}, 2), ({"version": 0}, 0), ({"version": 1}, 1), ({"version": 7}, 7)])
def test_the_version_that_is_set_on_who_takes_over_a_row_counts(
    docs: Session, given: dict[str, int], written: int
) -> None:
    """Also the one that the row has already."""
    doc = Doc(id=1, text="new", **given)
    docs.delete(docs.get_one(Doc, 1))
    docs.add(doc)
    docs.flush()
    assert vars(doc)["version"] == written
    doc.text = "newer"
    docs.flush()
    assert docs.connection().exec_driver_sql("SELECT version FROM doc").all() == [(written + 1,)]


def test_a_version_that_was_counted_for_a_row_that_is_stale_stays(docs: Session) -> None:
    old, new = docs.get_one(Doc, 1), Doc(id=1, text="new")
    docs.execute(text("UPDATE doc SET version = 5"))
    docs.delete(old)
    docs.add(new)
    with pytest.raises(StaleDataError):
        docs.flush()
    assert vars(new)["version"] == 2 and inspect(new).transient


def test_the_version_of_an_insert_that_was_undone_was_set_by_nobody(docs: Session) -> None:
    new = Doc(id=2, text="new")
    docs.add(new)
    docs.flush()
    docs.rollback()
    set_committed_value(new, "id", 1)
    new.text = "newer"
    docs.delete(docs.get_one(Doc, 1))
    docs.add(new)
    docs.flush()
    assert vars(new)["version"] == 2


# -------------------------------------------------------------------------- members of a parent that leaves

Rooms = tuple[Session, Room, Room, Chair]


@pytest.fixture
def rooms(docs: Session) -> Rooms:
    """Two rooms and a chair in the first, all that they refer to loaded."""
    first, second, chair = Room(id=1), Room(id=2), Chair(id=1)
    first.chairs = [chair]
    docs.add_all([first, second])
    docs.commit()
    assert first.chairs == [chair] and second.chairs == [] and chair.room is first
    return docs, first, second, chair


@pytest.mark.parametrize("here", [True, False], ids=["in the session", "in none"])
def test_who_only_reads_another_parent_is_let_go_of_by_one_that_is_deleted(rooms: Rooms, here: bool) -> None:
    session, first, second, chair = rooms
    if not here:
        session.expunge(chair)
    set_committed_value(chair, "room", second)
    session.delete(first)
    session.flush()
    assert vars(chair)["room_id"] is None


@pytest.mark.parametrize(("here", "written"), [(True, 2), (False, None)], ids=["in the session", "in none"])
def test_the_reference_of_a_member_counts_where_it_is_flushed_itself(
    rooms: Rooms, here: bool, written: int | None
) -> None:
    """The lists know nothing of it: that of the deleted parent has the member still."""
    session, first, second, chair = rooms
    if not here:
        session.expunge(chair)
    chair.room = second
    set_committed_value(first, "chairs", [chair])
    set_committed_value(second, "chairs", [])
    session.delete(first)
    session.flush()
    assert vars(chair)["room_id"] == written


def test_who_came_to_another_parents_list_belongs_there(rooms: Rooms) -> None:
    """Though it is in no session, and the deleted parent has it still."""
    session, first, second, chair = rooms
    session.expunge(chair)
    chair.room = second
    set_committed_value(first, "chairs", [chair])
    session.delete(first)
    with pytest.warns(NbsessionWarning, match="not in session"):
        session.flush()
    assert vars(chair)["room_id"] == 2
