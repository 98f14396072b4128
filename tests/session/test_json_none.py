"""None in a JSON column: JSON's null where it was set, NULL where it never was; measured on SQLAlchemy 2.1.9."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from nbsession import JSON, DeclarativeBase, Engine, Mapped, Session, func, insert, mapped_column, null, select, update


class Base(DeclarativeBase):
    pass


class Note(Base):
    __tablename__ = "note"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None]
    said: Mapped[Any | None] = mapped_column(JSON)
    plain: Mapped[Any | None] = mapped_column(JSON(none_as_null=True))


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        yield session


def stored(session: Session) -> dict[int, tuple[str | None, str | None]]:
    """The two columns of each row, as text."""
    sql = "SELECT id, CAST(said AS VARCHAR), CAST(plain AS VARCHAR) FROM note"
    return {row[0]: (row[1], row[2]) for row in session.connection().exec_driver_sql(sql)}


def test_none_that_was_set_is_jsons_null(session: Session) -> None:
    session.add(Note(id=1, said=None, plain=None))
    session.add(Note(id=2))
    session.add(Note(id=3, said=null(), plain=null()))
    session.add(Note(id=4, said=[None], plain=[None]))
    session.add(Note(id=5, said=JSON.NULL, plain=JSON.NULL))
    session.add(Note(id=6, name=func.upper("x"), said=None))
    session.add(Note(id=7, name=func.upper("x")))
    session.flush()
    assert stored(session) == {
        1: ("null", None),
        2: (None, None),
        3: (None, None),
        4: ("[null]", "[null]"),
        5: ("null", "null"),
        6: ("null", None),
        7: (None, None),
    }
    session.expire_all()
    found = session.scalars(select(Note).order_by(Note.id)).all()
    assert [note.said for note in found] == [None, None, None, [None], None, None, None]
    assert list(session.scalars(select(Note.id).where(Note.said.is_(None)).order_by(Note.id))) == [2, 3, 7]
    assert list(session.scalars(select(Note.id).where(Note.said == JSON.NULL).order_by(Note.id))) == [1, 5, 6]


def test_a_value_that_becomes_none(session: Session) -> None:
    notes = [Note(id=number, said={"n": number}, plain=[number]) for number in (1, 2)]
    session.add_all(notes)
    session.commit()
    for note in notes:
        note.said = note.plain = None
    session.flush()
    assert stored(session) == {1: ("null", None), 2: ("null", None)}


def test_statements_say_the_same(session: Session) -> None:
    session.execute(insert(Note), [{"id": 1, "said": None, "plain": None}, {"id": 2, "said": [1], "plain": [1]}])
    session.execute(insert(Note).values(id=3))
    assert stored(session) == {1: ("null", None), 2: ("[1]", "[1]"), 3: (None, None)}
    session.execute(update(Note).where(Note.id == 2).values(said=None, plain=None))
    assert stored(session)[2] == ("null", None)
    session.execute(update(Note), [{"id": 3, "said": None, "plain": [2]}])
    assert stored(session)[3] == ("null", "[2]")
    session.execute(update(Note).values(said=null()))
    assert {said for said, _ in stored(session).values()} == {None}


def test_what_json_null_is_called() -> None:
    assert repr(JSON.NULL) == "JSON.NULL"
