"""New objects whose key an object of the session holds: who stays, whose row it becomes, and what a refused row leaves on them."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, ClassVar

import pytest

from nbsession import (
    DeclarativeBase,
    Engine,
    ForeignKey,
    IntegrityError,
    Mapped,
    NbsessionWarning,
    ObjectDeletedError,
    Session,
    StaleDataError,
    inspect,
    mapped_column,
    text,
)
from tests.support import statements_of


class Base(DeclarativeBase):
    pass


class Word(Base):
    __tablename__ = "word"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str | None]
    note: Mapped[str | None]


class Doc(Base):
    __tablename__ = "doc"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str | None] = mapped_column(default="untitled")
    version: Mapped[int]

    __mapper_args__: ClassVar[dict[str, Any]] = {"version_id_col": "version"}


class Person(Base):
    __tablename__ = "person"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    name: Mapped[str | None]

    __mapper_args__: ClassVar[dict[str, Any]] = {"polymorphic_on": "kind", "polymorphic_identity": "person"}


class Engineer(Person):
    __tablename__ = "engineer"

    id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    tool: Mapped[str | None]

    __mapper_args__: ClassVar[dict[str, Any]] = {"polymorphic_identity": "engineer"}


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    Base.metadata.create_all(engine)
    session = Session(engine)
    session.add_all([Word(id=1, text="a", note="n"), Doc(id=1, title="t"), Engineer(id=1), Person(id=2, name="p")])
    session.commit()
    yield session
    session.close()


def rows(session: Session, sql: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in session.connection().exec_driver_sql(sql).all()]


def test_an_expired_holder_is_loaded_before_a_row_of_its_key_is_sent(session: Session) -> None:
    """Line 21.5: the database refuses the row, and the holder is no longer expired."""
    old = session.get_one(Word, 1)
    session.expire(old)
    savepoint = session.begin_nested()
    session.add(Word(id=1))
    with pytest.raises(IntegrityError), pytest.warns(NbsessionWarning, match="conflicts with persistent instance"):
        session.flush()
    savepoint.rollback()
    assert vars(old) == {"id": 1, "text": "a", "note": "n"} and old in session


def test_an_expired_holder_without_a_row_is_deleted_and_gives_way(session: Session) -> None:
    """Line 21.5"""
    old = session.get_one(Word, 1)
    session.execute(text("DELETE FROM word"))
    session.expire(old)
    new = Word(id=1, text="b")
    session.add(new)
    session.flush()
    assert inspect(old).deleted and session.get(Word, 1) is new
    session.rollback()
    assert session.get(Word, 1) is old and inspect(new).transient


def test_who_leaves_without_a_row_has_none_to_take_over(session: Session) -> None:
    """Line 21.4: there is no row to be updated, so one is inserted."""
    old = session.get_one(Word, 1)
    session.execute(text("DELETE FROM word"))
    session.expire(old)
    session.delete(old)
    session.add(Word(id=1, text="b"))
    session.commit()
    assert inspect(old).detached and rows(session, "SELECT id, text, note FROM word") == [(1, "b", None)]


def test_what_was_never_set_stays_so_when_a_row_is_taken_over(session: Session) -> None:
    """Line 22.17: NULL in the row, nothing on the object, and no SELECT to find out."""
    session.delete(session.get_one(Word, 1))
    new = Word(id=1, text="b")
    session.add(new)
    session.flush()
    assert vars(new) == {"id": 1, "text": "b"}
    with statements_of(session) as sent:
        assert new.note is None
    assert sent == [] and rows(session, "SELECT note FROM word") == [(None,)]


def test_a_row_is_taken_over_by_an_object_with_fewer_tables(session: Session) -> None:
    """Line 21.4: as 2.1, the row of the base table is updated, and that of the other table stays."""
    session.delete(session.get_one(Person, 1))
    new = Person(id=1, name="new")
    session.add(new)
    assert [str(step) for step in session.flush_plan().steps] == ["UPDATE person (1)"]
    session.commit()
    assert session.get(Person, 1) is new and new.kind == "person"
    assert rows(session, "SELECT id FROM engineer") == [(1,)]


def test_a_row_is_taken_over_by_an_object_with_more_tables(session: Session) -> None:
    """Line 21.4: as in 2.1 no row is inserted into the other table; one that should be updated there is missing."""
    session.delete(session.get_one(Person, 2))
    session.add(Engineer(id=2, name="new"))
    session.flush()
    assert rows(session, "SELECT kind, name FROM person WHERE id = 2") == [("engineer", "new")]
    session.rollback()
    session.delete(session.get_one(Person, 2))
    session.add(Engineer(id=2, tool="x"))
    with pytest.raises(StaleDataError, match="engineer"):
        session.flush()


def test_a_refused_row_leaves_no_default_and_no_version(session: Session) -> None:
    """Line 21.8: what a flush fills in lies on the object once its row is sent."""
    unset, given = Doc(id=1), Doc(id=1, title=None, version=7)
    for new in (unset, given):
        session.add(new)
        with pytest.raises(IntegrityError):
            session.flush()
        session.rollback()
    assert vars(unset) == {"id": 1} and vars(given) == {"id": 1, "title": None, "version": 7}


def test_rows_sent_before_the_refused_one_keep_what_was_filled(session: Session) -> None:
    """Line 21.8"""
    sent, refused = Doc(id=5), Doc(id=1)
    session.add(sent)
    session.flush()
    session.add(refused)
    with pytest.raises(IntegrityError):
        session.flush()
    session.rollback()
    assert vars(sent) == {"id": 5, "title": "untitled", "version": 1} and vars(refused) == {"id": 1}


def test_merge_forgets_that_what_it_did_not_copy_was_never_set(session: Session) -> None:
    """Line 15.5: it is expired on who has a row, and loaded at the next touch."""
    word = Word(text="a")
    session.add(word)
    session.flush()
    key = word.id
    session.execute(text("UPDATE word SET note = 'by hand' WHERE id = :key"), {"key": key})
    assert word.note is None
    assert session.merge(Word(id=key)) is word
    assert word.note == "by hand"


def test_a_read_that_flushes_asks_for_the_row_of_the_key_before(session: Session) -> None:
    """What a read asks for is settled before its flush, which changes the key: there is no such row, until it is read again."""
    word = session.get_one(Word, 1)
    session.expire(word, ["text"])
    word.id = 2
    with pytest.raises(ObjectDeletedError, match="read it again"):
        word.text
    assert inspect(word).persistent and vars(word) == {"id": 2, "note": "n"}
    assert word.text == "a"


def test_a_read_that_flushes_takes_the_row_that_has_the_key_by_now(session: Session) -> None:
    word = session.get_one(Word, 1)
    session.expire(word, ["text"])
    word.id = 2
    session.add(Word(id=1, text="new"))
    with pytest.warns(NbsessionWarning, match="conflicts with persistent instance <Word 1>"):
        assert word.text == "new" and word.id == 2


def test_who_loses_its_row_by_the_flush_before_a_read_shows_what_the_new_object_wrote(session: Session) -> None:
    """Though the flush loaded it to see whether its row is there."""
    old = session.get_one(Word, 1)
    session.expire(old)
    session.delete(old)
    session.add(Word(id=1, text="new"))
    assert old.text == "new"
    assert inspect(old).deleted and vars(old) == {"id": 1, "text": "new", "note": None}


# ── who is warned of ─────────────────────────────────────────────────────────────────────────────────────────────────
def conflicts(session: Session) -> list[str]:
    """What a flush warns of; it may be refused."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        with suppress(IntegrityError):
            session.flush()
    session.rollback()
    assert all(one.category is NbsessionWarning and one.filename == __file__ for one in told)
    return [str(one.message) for one in told]


@pytest.mark.parametrize("expired", [False, True])
def test_a_key_that_another_one_has_is_warned_of(session: Session, expired: bool) -> None:
    """Line 21.5: of each new object, also where the database refuses the first."""
    words = [Word(id=11), Word(id=12)]
    session.add_all(words)
    session.commit()
    if not expired:
        assert [word.id for word in words] == [11, 12]
    session.add_all([Word(id=11), Word(id=12), Word(id=13)])
    first, second = conflicts(session)
    assert re.match(
        r"New instance <Word at 0x\w+> with identity key \(<class '[\w.]*Word'>, \(11,\), None\) conflicts with persistent "
        r"instance <Word 11>",
        first,
    )
    assert "(12,)" in second


def test_a_key_in_another_class_of_the_hierarchy_is_warned_of(session: Session) -> None:
    """Line 21.5"""
    held = session.get_one(Person, 1)
    session.add(Person(id=1))
    (said,) = conflicts(session)
    assert "New instance <Person at" in said and "persistent instance <Engineer 1>" in said and held.name is None


def test_a_key_that_changes_in_the_same_flush_is_warned_of(session: Session) -> None:
    """Line 21.5: though it is free when the new row is written."""
    word, later = Word(id=11), Word(id=11)
    session.add(word)
    session.commit()
    word.id = 12
    session.add(later)
    assert len(conflicts(session)) == 1


def test_a_key_that_is_free_is_not_warned_of(session: Session) -> None:
    """Line 21.5: whose holder is deleted, or lost its row, or is as new."""
    word, gone = Word(id=11), Word(id=12)
    session.add_all([word, gone])
    session.commit()
    session.execute(text("DELETE FROM word WHERE id = 12"))
    session.delete(word)
    session.add_all([Word(id=11), Word(id=12)])
    session.flush()
    session.add_all([Word(id=15), Word(id=15)])
    assert conflicts(session) == []


def test_a_key_that_the_same_flush_gave_away_is_not_warned_of(session: Session) -> None:
    """Line 21.5: the database alone knows, unless the change was flushed before."""
    word = Word(id=11)
    session.add(word)
    session.commit()
    word.id = 12
    session.add(Word(id=12))
    assert conflicts(session) == []
    word.id = 12
    session.flush()
    session.add(Word(id=12))
    assert len(conflicts(session)) == 1


def test_who_is_to_be_deleted_by_a_later_flush_is_warned_of(session: Session) -> None:
    """Line 21.5"""
    word, later = session.get_one(Word, 1), Word(id=1)
    session.delete(word)
    session.add(later)
    with (
        pytest.raises(IntegrityError),
        pytest.warns(NbsessionWarning, match="conflicts with persistent instance <Word 1>"),
    ):
        session.flush([later])
