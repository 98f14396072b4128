"""``relationship(lazy=...)``: what comes with an object, also when it is got, refreshed, or loaded after it expired."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from nbsession import (
    DetachedInstanceError,
    Engine,
    InvalidRequestError,
    ObjectDeletedError,
    Session,
    inspect,
    joinedload,
    lazyload,
    select,
    selectinload,
)
from tests.session.library import Author, Base, Book, Crate, Guarded, Shelf, Shop, Ward, fill
from tests.support import expect_statements


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """A session on the filled library; it does not flush by itself."""
    Base.metadata.create_all(engine)
    with Session(engine, autoflush=False) as session:
        fill(session)
        yield session


def behind(session: Session, sql: str) -> None:
    """Changes rows past the session's objects, in its transaction."""
    session.connection().exec_driver_sql(sql)


def tree_of(shop: Shop) -> list[tuple[int, list[int]]]:
    """What is loaded of a shop."""
    return [(shelf.id, [crate.id for crate in shelf.__dict__["crates"]]) for shelf in shop.__dict__["shelves"]]


WHOLE = [(1, [1]), (2, [])]


@pytest.mark.parametrize("how", ["get", "query", "select", "expired", "expired, collection touched", "refresh", "lazy"])
def test_eager_relationships_come_whatever_brings_the_object(session: Session, how: str) -> None:
    """Lines 10.1, 10.10, 21.20: shelves by a join, their crates by one SELECT more."""
    if how in ("expired", "refresh", "expired, collection touched"):
        shop = session.get(Shop, 1)
        if how != "refresh":
            session.expire(shop)
    elif how == "lazy":
        shelf = session.scalars(select(Shelf).where(Shelf.id == 1).options(lazyload(Shelf.crates))).one()
    with expect_statements(session, 2):
        if how == "get":
            shop = session.get(Shop, 1)
        elif how == "query":
            shop = session.query(Shop).filter_by(id=1).one()
        elif how == "select":
            shop = session.scalars(select(Shop).where(Shop.id == 1)).unique().one()
        elif how == "expired":
            assert shop.name == "here"
        elif how == "expired, collection touched":
            assert len(shop.shelves) == 2
        elif how == "refresh":
            session.refresh(shop)
        else:
            shop = shelf.shop
    assert tree_of(shop) == WHOLE


def test_a_refresh_overwrites_eager_relationships_and_resets_lazy_ones(session: Session) -> None:
    """Line 10.1: one SELECT for the row and what is joined; a lazy collection loads at its next touch."""
    shop, bob = session.get(Shop, 1), session.get(Author, 2)
    shop.name = bob.name = "changed"
    shop.shelves.pop()
    bob.books.pop()
    session.refresh(shop)
    assert shop.name == "here" and len(shop.shelves) == 2
    with expect_statements(session, 1):
        session.refresh(bob)
    assert "books" in inspect(bob).unloaded and bob.name == "bob"
    with expect_statements(session, 1):
        assert len(bob.books) == 3
    assert bob not in session.dirty


def test_refresh_of_names_takes_columns_and_relationships(session: Session) -> None:
    """Line 10.2: only those; the others keep their changes."""
    shop, bob = session.get(Shop, 1), session.get(Author, 2)
    shop.name, bob.name = "kept", "kept"
    behind(session, "UPDATE author SET town = 'oslo' WHERE id = 2")
    session.refresh(shop, ["shelves"])
    assert shop.name == "kept" and tree_of(shop) == WHOLE
    with expect_statements(session, 1):
        session.refresh(bob, ["town"])
    assert (bob.town, bob.name) == ("oslo", "kept")
    with expect_statements(session, 2):
        session.refresh(bob, ["town", "books"])
    assert len(bob.__dict__["books"]) == 3 and bob.name == "kept"
    with expect_statements(session, 1):
        session.refresh(bob, ["bio"])
    assert bob.__dict__["bio"] == "longer"


@pytest.mark.parametrize("names", [None, ["name"], ["books"], ["name", "books"], ["bio"]])
def test_refresh_of_a_vanished_row(session: Session, names: Any) -> None:
    """Line 10.3: whichever names are given."""
    cat = session.get(Author, 3)
    behind(session, "DELETE FROM author WHERE id = 3")
    with pytest.raises(InvalidRequestError, match="Could not refresh instance '<Author 3>'"):
        session.refresh(cat, names)


def test_touching_an_expired_object_whose_row_vanished(session: Session) -> None:
    """Line 10.14: a column as well as an eager or a lazy relationship."""
    shop, cat = session.get(Shop, 2), session.get(Author, 3)
    session.expire_all()
    behind(session, "DELETE FROM shop WHERE id = 2")
    behind(session, "DELETE FROM author WHERE id = 3")
    for touch in (lambda: shop.shelves, lambda: shop.name, lambda: cat.books, lambda: cat.name):
        with pytest.raises(ObjectDeletedError):
            touch()


def test_partial_expire_brings_no_more_than_was_expired(session: Session) -> None:
    """Line 10.11: columns alone, an eager relationship alone."""
    shop = session.get(Shop, 1)
    kept = list(shop.shelves)
    session.expire(shop, ["name", "shelves"])
    with expect_statements(session, 1):
        assert shop.name == "here"
    assert "shelves" in inspect(shop).unloaded
    with expect_statements(session, 1):
        assert shop.shelves == kept


def test_a_query_that_reaches_an_expired_object_refreshes_it(session: Session) -> None:
    """Line 10.9: with its eager relationships, and what an option adds."""
    shop, bob = session.get(Shop, 1), session.get(Author, 2)
    session.expire_all()
    with expect_statements(session, 3):
        session.query(Shop).all()
        session.scalars(select(Author).options(joinedload(Author.books))).unique().all()
    with expect_statements(session, 0):
        assert tree_of(shop) == WHOLE and shop.name == "here"
        assert bob.name == "bob" and len(bob.books) == 3


def test_deferred_columns_stay_deferred_when_the_object_expires(session: Session) -> None:
    """Line 10.12: the others come together; a deferred one when it is touched."""
    ann = session.get(Author, 1)
    assert ann.bio == "long" and ann.front == "F"
    session.expire(ann)
    assert inspect(ann).expired_attributes == set(inspect(Author).attributes)
    with expect_statements(session, 1):
        assert ann.name == "ann"
    assert inspect(ann).expired_attributes == set()
    assert {"bio", "front", "back", "books", "prize"} == inspect(ann).unloaded
    session.expire(ann, ["name", "bio"])
    with expect_statements(session, 2):
        assert (ann.bio, ann.name) == ("long", "ann")


def test_expired_attributes_tell_what_a_touch_brings(session: Session) -> None:
    """Line 10.16"""
    bob = session.get(Author, 2)
    session.expire(bob, ["town"])
    assert inspect(bob).expired_attributes == {"town"} and not inspect(bob).expired
    session.expire_all()
    assert inspect(bob).expired


def test_nothing_loads_without_a_session(session: Session) -> None:
    """Line 10.13"""
    shop, ann = session.get(Shop, 1), session.get(Author, 1)
    session.expire(shop)
    session.expunge_all()
    with pytest.raises(DetachedInstanceError, match="attribute refresh operation cannot proceed"):
        shop.name
    with pytest.raises(DetachedInstanceError, match="deferred load operation of attribute 'bio' cannot proceed"):
        ann.bio
    with pytest.raises(DetachedInstanceError, match="lazy load operation of attribute 'books' cannot proceed"):
        ann.books


def test_refresh_cascades_to_what_is_loaded(session: Session) -> None:
    """Line 10.6: under ``all`` the shelves forget their changes too; pending ones leave."""
    shop = session.get(Shop, 1)
    shelf = shop.shelves[0]
    shelf.label = "changed"
    shop.shelves.append(Shelf(label="pending"))
    session.refresh(shop)
    assert shelf.label == "x" and tree_of(shop) == WHOLE and not session.new and not session.dirty


def test_changes_of_an_unloaded_collection_join_what_an_eager_load_brings(session: Session) -> None:
    """Line 18.10"""
    for option in (joinedload, selectinload):
        session.expunge_all()
        bob, book = session.get(Author, 2), session.get(Book, 5)
        book.author = bob
        session.scalars(select(Author).options(option(Author.books))).unique().all()
        assert [b.id for b in bob.books] == [2, 3, 4, 5]
        session.rollback()


def test_the_other_strategies_of_a_mapping(session: Session) -> None:
    """Line 21.20: raise, raise_on_sql, noload and immediate."""
    with expect_statements(session, 2):
        (guarded,) = session.scalars(select(Guarded)).all()
        assert guarded.at_once.name == "ann" and guarded.nothing is None
    assert guarded.cheaply is guarded.at_once  # in the session
    with pytest.raises(InvalidRequestError, match=r"'Guarded.never' is not available due to lazy='raise'"):
        guarded.never
    session.expunge_all()
    guarded = session.scalars(select(Guarded).options(lazyload(Guarded.at_once))).one()
    with pytest.raises(InvalidRequestError, match=r"lazy='raise_on_sql'"):
        guarded.cheaply


def test_what_a_flush_loads_is_never_an_error_to_touch(session: Session) -> None:
    """Lines 18.3, 21.20: the cascade of a delete loads what the user must not touch."""
    guarded = session.get(Guarded, 1)
    with pytest.raises(InvalidRequestError, match="not available"):
        guarded.children
    behind(session, "INSERT INTO ward (id, guarded_id) VALUES (1, 1)")
    session.delete(guarded)
    session.flush()
    assert session.scalars(select(Ward)).all() == [] and session.scalars(select(Guarded)).all() == []


def test_eager_loads_flush_nothing_of_their_own(session: Session) -> None:
    """Line 9.11: one autoflush before the statement; what comes after sees it."""
    session.autoflush = True
    shop = session.get(Shop, 2)
    shop.shelves.append(Shelf(label="new", crates=[Crate()]))
    with expect_statements(session, 4):
        found = (
            session.scalars(select(Shop).where(Shop.id == 2).execution_options(populate_existing=True)).unique().one()
        )
    assert found is shop and [len(shelf.crates) for shelf in shop.shelves] == [1]
