"""What is left of loader options when an object is expired or detached: measured on SQLAlchemy 2.1.9."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from nbsession import (
    DetachedInstanceError,
    Engine,
    InvalidRequestError,
    Session,
    defer,
    inspect,
    load_only,
    raiseload,
    select,
    selectinload,
    undefer,
    undefer_group,
)
from tests.session.library import Author, Base, Book, fill
from tests.support import expect_statements

RAISES = r"'Author.books' is not available due to lazy='raise'"


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """A session on the filled library; it does not flush by itself."""
    Base.metadata.create_all(engine)
    with Session(engine, autoflush=False) as session:
        fill(session)
        yield session


def ann_by(session: Session, *options: Any) -> Author:
    """The first author, as the first statement of a session loads her."""
    session.expunge_all()
    return session.scalars(select(Author).where(Author.id == 1).options(*options)).unique().one()


def loaded(obj: Any) -> set[str]:
    return set(vars(obj))


EXPIRE: dict[str, Callable[[Session, Author], None]] = {
    "expire": lambda session, ann: session.expire(ann),
    "expire_all": lambda session, ann: session.expire_all(),
    "commit": lambda session, ann: session.commit(),
    "rollback": lambda session, ann: session.rollback(),
}
WHOLE = {"id", "name", "town"}


# ── columns ──────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("expire", EXPIRE.values(), ids=list(EXPIRE))
@pytest.mark.parametrize(
    "option",
    [
        defer(Author.town),
        defer(Author.town, raiseload=True),
        load_only(Author.name, raiseload=True),
        undefer(Author.bio),
    ],
    ids=["defer", "defer raising", "load_only raising", "undefer"],
)
def test_an_expired_object_comes_back_as_its_mapping_says(
    session: Session, option: Any, expire: Callable[[Session, Author], None]
) -> None:
    """Line 10.12: touched again, also what an option deferred or forbade; what an option brought along is deferred again."""
    ann = ann_by(session, option)
    expire(session, ann)
    with expect_statements(session, 1):
        assert ann.town == "paris"
    assert loaded(ann) == WHOLE
    assert ann.bio


def test_refresh_loads_as_the_options_said_and_what_it_left_out_may_be_touched(session: Session) -> None:
    """Lines 10.1, 10.12"""
    ann = ann_by(session, load_only(Author.id, raiseload=True))
    session.refresh(ann)
    assert loaded(ann) == {"id"}
    with expect_statements(session, 1):
        assert ann.name == "ann"
    assert loaded(ann) == WHOLE
    with pytest.raises(InvalidRequestError, match="raiseload=True"):
        ann.bio
    ann = ann_by(session, undefer_group("scans"))
    assert {"front", "back"} <= loaded(ann)
    session.refresh(ann)
    assert loaded(ann) == WHOLE


@pytest.mark.parametrize("key", ["name", "bio"])
def test_a_column_that_is_expired_by_name_may_be_touched(session: Session, key: str) -> None:
    """Line 10.12: be it one that an option forbade; the others stay forbidden."""
    ann = ann_by(session, load_only(Author.id, raiseload=True))
    session.expire(ann, [key])
    assert getattr(ann, key)
    with pytest.raises(InvalidRequestError, match="raiseload=True"):
        ann.town
    session.refresh(ann, ["town"])
    assert ann.town == "paris"


# ── relationships ────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("expire", EXPIRE.values(), ids=list(EXPIRE))
def test_a_relationship_that_raised_is_loaded_when_it_is_what_wakes_an_expired_object(
    session: Session, expire: Callable[[Session, Author], None]
) -> None:
    """Line 21.20: an option by name counts again when the row has come back; one for all relationships is forgotten."""
    for option, forgotten in ((raiseload(Author.books), False), (raiseload("*"), True)):
        ann = ann_by(session, option)
        expire(session, ann)
        assert [book.id for book in ann.books] == [1]
        ann = ann_by(session, option)
        expire(session, ann)
        assert ann.name == "ann"
        if forgotten:
            assert [book.id for book in ann.books] == [1]
        else:
            with pytest.raises(InvalidRequestError, match=RAISES):
                ann.books


def test_an_eager_option_still_counts_when_the_object_comes_back(session: Session) -> None:
    """Line 10.10"""
    ann = ann_by(session, selectinload(Author.books), defer(Author.town))
    session.expire(ann)
    with expect_statements(session, 2):
        assert ann.name == "ann"
    assert loaded(ann) == WHOLE | {"books"}


# ── detached ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_detached_object_says_that_touching_is_an_error_before_it_says_detached(session: Session) -> None:
    """Lines 10.13, 21.20"""
    for option in (raiseload(Author.books), raiseload("*")):
        ann = ann_by(session, option)
        session.expunge(ann)
        with pytest.raises(InvalidRequestError, match=RAISES):
            ann.books
    book = session.get_one(Book, 1, options=[raiseload(Book.author)])
    session.expunge(book)
    with pytest.raises(InvalidRequestError, match=r"'Book.author' is not available due to lazy='raise'"):
        book.author
    ann = ann_by(session, raiseload(Author.books, sql_only=True))
    session.expunge(ann)
    with pytest.raises(DetachedInstanceError, match="lazy load operation of attribute 'books' cannot proceed"):
        ann.books


def test_a_deferred_column_of_a_detached_object_says_that_it_is_deferred(session: Session) -> None:
    """Line 10.13"""
    deferred = "deferred load operation of attribute 'town' cannot proceed"
    for option in (defer(Author.town), defer(Author.town, raiseload=True), load_only(Author.name)):
        ann = ann_by(session, option)
        session.expunge(ann)
        with pytest.raises(DetachedInstanceError, match=deferred):
            ann.town
    ann = ann_by(session)
    session.expunge(ann)
    with pytest.raises(DetachedInstanceError, match="deferred load operation of attribute 'bio'"):
        ann.bio
    ann = ann_by(session, defer(Author.town))
    session.expire(ann)
    session.expunge(ann)
    assert inspect(ann).detached
    with pytest.raises(DetachedInstanceError, match="attribute refresh operation cannot proceed"):
        ann.town
