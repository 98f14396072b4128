"""do_orm_execute: what a hook is told of each statement of a session, its own loads among them, and what it may change."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from nbsession import (
    Engine,
    InvalidRequestError,
    Session,
    aliased,
    defer,
    delete,
    event,
    insert,
    inspect,
    joinedload,
    select,
    selectinload,
    text,
    union_all,
    update,
)
from tests.session.library import Author, Base, Book, fill
from tests.support import expect_statements


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """A session on the filled library; it does not flush by itself."""
    Base.metadata.create_all(engine)
    with Session(engine, autoflush=False) as session:
        fill(session)
        yield session


@pytest.fixture
def told(session: Session) -> list[str]:
    """What the hook is told, in words."""
    log: list[str] = []

    def note(state: Any) -> None:
        kinds = ("select", "insert", "update", "delete", "from_statement", "column_load", "relationship_load")
        said = [kind for kind in kinds if getattr(state, f"is_{kind}")]
        log.append(" ".join([*said, *(mapper.class_.__name__ for mapper in state.all_mappers)]))

    event.listen(session, "do_orm_execute", note)
    return log


def taken(log: list[str]) -> list[str]:
    got = list(log)
    log.clear()
    return got


# ── of what it is told ───────────────────────────────────────────────────────────────────────────────────────────────
def test_a_get_that_selects_is_told(session: Session, told: list[str]) -> None:
    """Lines 3.15, 8.2"""
    session.get(Author, 1)
    assert taken(told) == ["select Author"]
    ann = session.get_one(Author, 1)
    session.get(Author, 99)
    session.merge(Author(id=98, name="new"))
    assert taken(told) == ["select Author", "select Author", "select Author"]
    session.get(Author, 1)
    assert taken(told) == [] and ann.name == "ann"


def test_loads_of_columns_are_told(session: Session, told: list[str]) -> None:
    """Lines 3.15, 10.1: expired, deferred, refreshed; by one SELECT each, as without hooks."""
    ann = session.get_one(Author, 1)
    taken(told)

    def after_expiring(*names: str) -> Callable[[], Any]:
        def deed() -> Any:
            session.expire(ann, names)
            return ann.name

        return deed

    deeds: list[Callable[[], Any]] = [
        lambda: ann.bio,
        lambda: ann.front,
        after_expiring(),
        lambda: session.refresh(ann),
        lambda: session.refresh(ann, ["town"]),
        after_expiring("name"),
    ]
    for deed in deeds:
        with expect_statements(session, 1):
            deed()
        assert taken(told) == ["select column_load Author"]
    session.expire(ann)
    assert session.get(Author, 1) is ann and taken(told) == ["select column_load Author"]
    assert (ann.name, ann.town, ann.bio, ann.back) == ("ann", "paris", ann.bio, ann.back)


def test_loads_of_relationships_are_told(session: Session, told: list[str]) -> None:
    """Lines 3.15, 21.20: touched ones, and those that follow the objects; not those that come by a join."""
    ann = session.get_one(Author, 1)
    taken(told)
    assert [book.id for book in ann.books] == [1]
    assert taken(told) == ["select relationship_load Book"]
    session.expunge_all()
    book = session.get_one(Book, 1)
    taken(told)
    assert book.author is not None and book.tags
    assert taken(told) == ["select relationship_load Author", "select relationship_load Tag"]
    session.expunge_all()
    session.scalars(select(Author).options(selectinload(Author.books))).all()
    assert taken(told) == ["select Author", "select relationship_load Book"]
    session.expunge_all()
    session.scalars(select(Author).options(joinedload(Author.books))).unique().all()
    assert taken(told) == ["select Author"]


def test_where_a_relationship_is_loaded_from(session: Session) -> None:
    """Line 3.15"""
    log: list[Any] = []

    @event.listens_for(session, "do_orm_execute")
    def note(state: Any) -> None:
        log.append((state.loader_strategy_path, state.lazy_loaded_from, state.bind_mapper.class_, state.parameters))

    ann = session.get_one(Author, 1)
    (path, source, bound, params) = log.pop()
    assert path is None and source is None and bound is Author and params == {"pk_1": 1}
    assert ann.books
    ((mapper, relationship), source, bound, _) = log.pop()
    assert (mapper.class_, str(relationship), source.object, bound) == (Author, "Author.books", ann, Book)
    session.expunge_all()
    session.scalars(select(Author).options(selectinload(Author.books))).all()
    assert [(entry[0] is None, entry[1]) for entry in log] == [(True, None), (False, None)]


def test_what_kind_a_statement_is(session: Session, told: list[str]) -> None:
    """Line 3.15"""
    states: list[Any] = []
    event.listen(session, "do_orm_execute", states.append)
    session.execute(select(Author.id, Author.name))
    session.execute(select(aliased(Author)))
    session.execute(union_all(select(Author.id), select(Book.id)))
    session.scalars(select(Author).from_statement(text("SELECT * FROM author"))).all()
    session.execute(insert(Book).values(id=77, title="new"))
    session.execute(update(Book).values(title="t"))
    session.execute(delete(Book).where(Book.id == 77))
    session.execute(select(Author.__table__))
    session.execute(text("SELECT 1"))
    assert taken(told) == [
        "select Author",
        "select Author",
        "select",
        "from_statement Author",
        "insert Book",
        "update Book",
        "delete Book",
        "select",
        "",
    ]
    assert [state.is_orm_statement for state in states] == [True] * 7 + [False] * 2
    with pytest.raises(InvalidRequestError, match="not against a SELECT statement"):
        _ = states[-1].lazy_loaded_from


# ── what it may change ───────────────────────────────────────────────────────────────────────────────────────────────
def test_a_hook_may_narrow_every_load_of_a_class(session: Session) -> None:
    """Line 3.15"""

    @event.listens_for(session, "do_orm_execute")
    def only_even(state: Any) -> None:
        if state.is_select and not state.is_column_load and state.bind_mapper.class_ is Book:
            state.statement = state.statement.where(Book.id % 2 == 0)

    bob = session.get_one(Author, 2)
    assert [book.id for book in bob.books] == [2, 4]
    assert session.get(Book, 3) is None
    session.expunge_all()
    found = session.scalars(select(Author).order_by(Author.id).options(selectinload(Author.books))).all()
    assert [[book.id for book in author.books] for author in found] == [[], [2, 4], [], []]


def test_a_hook_may_answer_itself(session: Session) -> None:
    """Line 3.15: for a get, with the result of another statement."""
    bob = session.get_one(Author, 2)

    @event.listens_for(session, "do_orm_execute")
    def always_bob(state: Any) -> Any:
        if state.is_select and state.parameters == {"pk_1": 1}:
            return state.invoke_statement(params={"pk_1": 2})
        return None

    assert session.get(Author, 1) is bob


def test_objects_keep_their_options_and_changes(session: Session, told: list[str]) -> None:
    """Line 8.8: with a hook, loading fills gaps and overwrites nothing, as it does without one."""
    ann = session.scalars(select(Author).where(Author.id == 1).options(defer(Author.town))).one()
    ann.name = "changed"
    assert ann.town == "paris" and ann.name == "changed" and ann in session.dirty
    session.expire(ann, ["town"])
    assert ann.town == "paris" and ann.name == "changed"
    session.delete(ann)
    session.flush()
    assert inspect(ann).deleted
    session.rollback()
    assert ann.name == "ann"
