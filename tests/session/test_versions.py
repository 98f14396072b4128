"""Version counters: 1 at INSERT, one more at each UPDATE, and a row of another version is somebody else's change."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from nbsession import (
    DeclarativeBase,
    Engine,
    ForeignKey,
    Mapped,
    NbsessionWarning,
    Session,
    StaleDataError,
    inspect,
    mapped_column,
    relationship,
)


class Base(DeclarativeBase):
    pass


class Doc(Base):
    __tablename__ = "doc"

    id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int]
    text: Mapped[str | None]
    next_id: Mapped[int | None] = mapped_column(ForeignKey("doc.id"))
    next: Mapped[Doc | None] = relationship(
        remote_side=lambda: Doc.id, foreign_keys=lambda: Doc.next_id, post_update=True
    )

    __mapper_args__ = {"version_id_col": "version"}


class Report(Doc):
    __tablename__ = "report"

    id: Mapped[int] = mapped_column(ForeignKey("doc.id"), primary_key=True)
    pages: Mapped[int | None]


class Named(Base):
    """Its versions are made by a function."""

    __tablename__ = "named"

    id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[str]
    text: Mapped[str | None]

    __mapper_args__ = {"version_id_col": "version", "version_id_generator": lambda old: f"{old or ''}v"}


class Counted(Base):
    """Its versions are the database's affair."""

    __tablename__ = "counted"

    id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(server_default="5")
    text: Mapped[str | None]

    __mapper_args__ = {"version_id_col": "version", "version_id_generator": False}


class Plain(Base):
    __tablename__ = "plain"

    id: Mapped[int] = mapped_column(primary_key=True)


Sql = Callable[[str], Any]


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    Base.metadata.create_all(engine)
    session = Session(engine)
    yield session
    session.close()


@pytest.fixture
def sql(session: Session) -> Sql:
    return lambda text: session.connection().exec_driver_sql(text)


def test_versions_count_updates_that_change_something(session: Session) -> None:
    """Line 21.8: 1 at INSERT, +1 at UPDATE."""
    docs = [Doc(text="a"), Doc(text="b")]
    session.add_all(docs)
    session.commit()
    assert [doc.version for doc in docs] == [1, 1]
    docs[0].text = docs[1].text = "c"
    session.commit()
    assert docs[0].text == "c"
    docs[0].text = "c"
    session.commit()
    assert [doc.version for doc in docs] == [2, 2]


@pytest.mark.parametrize("how", ["update", "delete"])
def test_a_row_of_another_version_is_stale(session: Session, sql: Sql, how: str) -> None:
    """Lines 21.7, 21.8: the version is in the WHERE of UPDATE and of DELETE."""
    doc = Doc(id=1, text="a")
    session.add(doc)
    session.commit()
    assert doc.version == 1
    sql("UPDATE doc SET version = 7")
    if how == "update":
        doc.text = "mine"
    else:
        session.delete(doc)
    with pytest.raises(StaleDataError, match=f"{how.upper()} statement on table 'doc' expected to {how} 1 row"):
        session.flush()
    session.rollback()
    assert inspect(doc).persistent and doc.text == "a" and doc.version == 1


def test_without_a_version_a_row_that_is_gone_is_a_warning_at_delete(session: Session, sql: Sql) -> None:
    """Line 21.7: DELETE of a row that is gone warns."""
    plain = Plain(id=1)
    session.add(plain)
    session.commit()
    assert plain.id
    sql("DELETE FROM plain")
    session.delete(plain)
    with pytest.warns(NbsessionWarning, match="expected to delete 1 row"):
        session.flush()


def test_a_post_update_counts_as_an_update(session: Session, sql: Sql) -> None:
    """Lines 18.7, 21.8: each UPDATE of one flush finds the version of the one before."""
    a, b = Doc(id=1, text="a"), Doc(id=2, text="b")
    a.next, b.next = b, a
    session.add_all([a, b])
    session.flush()
    assert (a.version, b.version) == (2, 2)
    a.text, a.next = "x", None
    session.flush()
    assert a.version == 4
    assert [tuple(row) for row in sql("SELECT version, next_id FROM doc ORDER BY id").all()] == [(4, None), (2, 1)]


def test_a_change_in_a_subclass_table_counts(session: Session, sql: Sql) -> None:
    """Lines 21.8, 21.24: the counter lies in the base table, and counts for the whole row."""
    report = Report(text="a", pages=1)
    session.add(report)
    session.flush()
    report.pages = 2
    assert [str(step) for step in session.flush_plan().steps] == ["UPDATE doc (1)", "UPDATE report (1)"]
    session.flush()
    assert report.version == 2
    sql("UPDATE doc SET version = 9")
    report.pages = 3
    with pytest.raises(StaleDataError):
        session.flush()


def test_a_row_switch_goes_on_counting(session: Session, sql: Sql) -> None:
    """Lines 21.4, 21.8: the newcomer's version follows that of the row it takes over."""
    session.add(Doc(id=1, text="old"))
    session.commit()
    old = session.get(Doc, 1)
    session.delete(old)
    new = Doc(id=1, text="new")
    session.add(new)
    session.commit()
    assert new.version == 2


def test_a_version_set_by_hand_is_written(session: Session) -> None:
    """Line 21.8: a counter may be set; the WHERE still asks for the row's own."""
    doc = Doc(id=1)
    session.add(doc)
    session.commit()
    doc.version, doc.text = 50, "x"
    session.commit()
    assert doc.version == 50


def test_versions_may_be_made_by_a_function_or_by_the_database(session: Session, sql: Sql) -> None:
    """Line 21.8: version_id_generator is a function of the version before, or False."""
    named, counted = Named(id=1), Counted(id=1)
    session.add_all([named, counted])
    session.flush()
    assert (named.version, counted.version) == ("v", 5)
    named.text, counted.text, counted.version = "a", "a", 6
    session.flush()
    assert (named.version, counted.version) == ("vv", 6)
    sql("UPDATE counted SET version = 9")
    counted.text = "b"
    with pytest.raises(StaleDataError):
        session.flush()


def test_an_object_of_another_version_is_not_merged(session: Session) -> None:
    """Line 15.11: merging a differing version is a StaleDataError."""
    session.add(Doc(id=1, text="a"))
    session.commit()
    assert session.merge(Doc(id=1, version=1, text="b")).text == "b"
    session.commit()
    with pytest.raises(StaleDataError, match=r"Version id '1' on merged state .* does not match existing version '2'"):
        session.merge(Doc(id=1, version=1, text="c"))
    assert session.merge(Doc(id=1, text="d")).version == 2


def test_the_version_of_a_row_that_is_undone_is_given_back_and_one_set_by_hand_is_not(session: Session) -> None:
    """Line 22.7: only what was written is what the object had."""
    written, set_by_hand = Doc(text="a"), Doc(text="b")
    session.add_all([written, set_by_hand])
    session.flush()
    session.begin_nested()
    set_by_hand.version = 9
    session.expire_all()
    session.rollback()
    assert (vars(written)["version"], vars(written)["text"]) == (1, "a")
    assert "version" not in vars(set_by_hand) and set_by_hand.text == "b"
