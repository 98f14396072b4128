"""Loader options: what comes with an object, by how many statements, and what a touch brings or refuses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from nbsession import (
    Engine,
    InvalidRequestError,
    Load,
    Session,
    aliased,
    contains_eager,
    defaultload,
    defer,
    exc,
    func,
    immediateload,
    inspect,
    joinedload,
    lazyload,
    load_only,
    noload,
    raiseload,
    select,
    selectinload,
    subqueryload,
    text,
    undefer,
    undefer_group,
)
from tests.session.library import Author, Base, Book, Branch, Prize, Tag, fill
from tests.support import expect_statements, statements_of

BOOKS = [[1], [2, 3, 4], [], [5]]


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """A session on the filled library; it does not flush by itself."""
    Base.metadata.create_all(engine)
    with Session(engine, autoflush=False) as session:
        fill(session)
        yield session


def authors(session: Session, *options: Any, **more: Any) -> list[Author]:
    """All authors in the order of their keys."""
    return list(session.scalars(select(Author).order_by(Author.id).options(*options), **more).unique())


def books_of(found: list[Author]) -> list[list[int]]:
    return [[book.id for book in author.__dict__["books"]] for author in found]


# ── collections ──────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("option", "count"),
    [(joinedload, 1), (selectinload, 2), (subqueryload, 2), (immediateload, 5)],
    ids=lambda v: getattr(v, "__name__", None),
)
def test_an_option_brings_a_collection_with_its_parents(session: Session, option: Any, count: int) -> None:
    """Line 21.20: and so many statements it takes; none when it is touched."""
    with expect_statements(session, count):
        found = authors(session, option(Author.books))
        assert books_of(found) == BOOKS
        assert [[book.id for book in author.books] for author in found] == BOOKS


@pytest.mark.parametrize("option", [joinedload, selectinload, subqueryload])
def test_many_to_many_comes_in_its_order(session: Session, option: Any) -> None:
    """Line 21.20"""
    statement = select(Book).order_by(Book.id).options(option(Book.tags).joinedload(Tag.books))
    found = session.scalars(statement).unique().all()
    with expect_statements(session, 0):
        assert [[tag.id for tag in book.tags] for book in found] == [[2, 1], [1], [], [2, 1], [], []]
        assert [book.id for book in found[0].tags[0].books] == [1, 4]


def test_a_limit_counts_parents_not_joined_rows(session: Session) -> None:
    """Line 21.20: the limited statement becomes a subquery, and its order holds outside."""
    statement = select(Author).order_by(func.lower(Author.name).desc()).offset(1).limit(2)
    with expect_statements(session, 1) as sent:
        found = session.scalars(statement.options(joinedload(Author.books))).unique().all()
    assert [author.name for author in found] == ["cat", "bob"]
    assert books_of(list(found)) == [[], [2, 3, 4]]
    assert "FROM (SELECT" in sent[0]


def test_a_limited_statement_keeps_its_parameters_and_its_distinct_rows(session: Session) -> None:
    """Line 21.20"""
    towns = select(Author).join(Author.books).where(Author.id < 3).distinct().order_by(Author.id).limit(2)
    found = session.scalars(towns.options(joinedload(Author.books))).unique().all()
    assert books_of(list(found)) == BOOKS[:2]


def test_a_joined_reference_needs_no_subquery_and_no_unique(session: Session) -> None:
    """Line 21.20"""
    with expect_statements(session, 1) as sent:
        found = session.scalars(select(Book).order_by(Book.id).limit(6).options(joinedload(Book.author))).all()
        assert [book.author and book.author.name for book in found] == ["ann", "bob", "bob", "bob", "dan", None]
    assert "(SELECT" not in sent[0] and "LEFT OUTER JOIN" in sent[0]


def test_an_inner_join_leaves_out_who_has_no_partner(session: Session) -> None:
    """Line 21.20"""
    statement = select(Book).order_by(Book.id).options(joinedload(Book.author, innerjoin=True))
    assert [book.id for book in session.scalars(statement)] == [1, 2, 3, 4, 5]


def test_joined_collections_demand_unique(session: Session) -> None:
    """Line 21.20: but first() and a query know better."""
    statement = select(Author).order_by(Author.id).options(joinedload(Author.books))
    for read in (
        lambda r: r.all(),
        list,
        lambda r: r.scalars().all(),
        lambda r: r.fetchmany(2),
        lambda r: r.scalar_one(),
    ):
        with pytest.raises(InvalidRequestError, match=r"The unique\(\) method must be invoked on this Result"):
            read(session.execute(statement))
    assert session.scalars(statement).first() is session.get(Author, 1)
    assert [a.id for a in session.scalars(statement).unique()] == [1, 2, 3, 4]
    assert [a.id for a in session.query(Author).options(joinedload(Author.books)).order_by(Author.id)] == [1, 2, 3, 4]


def test_rows_of_several_things_keep_their_columns(session: Session) -> None:
    """Line 21.20: what is joined stands behind what was asked for."""
    statement = select(Author.name, Author, Book).join(Author.books).order_by(Book.id)
    with expect_statements(session, 1):
        rows = session.execute(statement.options(joinedload(Author.prize), joinedload(Book.author))).all()
        assert [(name, author.id, book.id) for name, author, book in rows][:2] == [("ann", 1, 1), ("bob", 2, 2)]
        assert rows[1].Author.prize.id == 1 and rows[0].Author.prize is None and rows[0].Book.author is rows[0].Author


def test_one_to_one_comes_either_way(session: Session) -> None:
    """Line 21.20"""
    for option in (joinedload, selectinload, immediateload):
        session.expunge_all()
        found = authors(session, option(Author.prize))
        with expect_statements(session, 0):
            assert [author.prize and author.prize.id for author in found] == [None, 1, None, None]


# ── references ───────────────────────────────────────────────────────────────────────────────────────────────────────
def test_references_are_asked_for_by_their_keys_and_only_once(session: Session) -> None:
    """Lines 21.20, 18.12: what is in the session already is not asked for."""
    kept = session.get(Author, 1)
    with expect_statements(session, 2) as sent:
        found = session.scalars(select(Book).order_by(Book.id).options(selectinload(Book.author))).all()
        assert found[0].author is kept and found[1].author is found[2].author and found[5].author is None
    assert sent[1].count("?") == 2


def test_keys_are_asked_for_in_batches(session: Session) -> None:
    """Line 21.20: 500 at a time."""
    session.add_all([Author(id=n, name="x") for n in range(10, 611)])
    session.commit()
    session.expunge_all()
    with expect_statements(session, 3) as sent:
        found = session.scalars(select(Author).where(Author.id >= 10).options(selectinload(Author.books))).all()
    assert len(found) == 601 and all(author.__dict__["books"] == [] for author in found)
    assert [statement.count("?") for statement in sent[1:]] == [500, 101]


def test_a_reference_whose_key_is_deferred_is_found_by_way_of_its_parents(session: Session) -> None:
    """Line 21.21: no SELECT for each of them."""
    with expect_statements(session, 2):
        found = session.scalars(
            select(Book).order_by(Book.id).options(load_only(Book.title), selectinload(Book.author))
        ).all()
        assert [book.author and book.author.id for book in found] == [1, 2, 2, 2, 4, None]
    assert "author_id" not in found[0].__dict__


# ── chains ───────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("option", "count"),
    [
        (lambda: joinedload(Author.books).joinedload(Book.tags), 1),
        (lambda: selectinload(Author.books).selectinload(Book.tags), 3),
        (lambda: selectinload(Author.books).options(joinedload(Book.tags)), 2),
        (lambda: Load(Author).selectinload(Author.books).selectinload(Book.tags), 3),
        (lambda: joinedload(Author.books).selectinload(Book.tags), 2),
    ],
)
def test_options_lead_on_along_the_path(session: Session, option: Any, count: int) -> None:
    """Line 21.20"""
    with expect_statements(session, count):
        found = authors(session, option())
        assert [[[tag.id for tag in book.tags] for book in author.books] for author in found] == [
            [[2, 1]],
            [[1], [], [2, 1]],
            [],
            [[]],
        ]


def test_a_tree_goes_as_deep_as_the_path(session: Session) -> None:
    """Line 21.20: and by join_depth, as deep as the mapping says; with recursion_depth, as the option says."""
    root = select(Branch).where(Branch.id == 1)
    with expect_statements(session, 1):
        found = session.scalars(root).unique().one()
        assert found.joined[0].joined[0].id == 4 and "joined" not in found.joined[0].joined[0].__dict__
    session.expunge_all()
    chain = lazyload(Branch.joined)
    with expect_statements(session, 3):
        found = session.scalars(
            root.options(chain, selectinload(Branch.after).options(chain).selectinload(Branch.after).options(chain))
        ).one()
        assert found.after[0].after[0].id == 4
    session.expunge_all()
    everywhere = (
        select(Branch).where(Branch.id == 1).options(lazyload("*"), selectinload(Branch.after, recursion_depth=-1))
    )
    with statements_of(session) as sent:
        found = session.scalars(everywhere).one()
        walk = [found]
        while walk:
            walk = [child for one in walk for child in one.after]
    assert len(sent) == 6


def test_an_option_about_something_else_is_refused(session: Session) -> None:
    """Line 21.20: with SQLAlchemy's words."""
    with pytest.raises(exc.ArgumentError, match=r"does not apply to any of the root entities in this query, e.g. Book"):
        session.scalars(select(Book).options(selectinload(Author.books)))
    with pytest.raises(exc.ArgumentError, match="does not link from"):
        selectinload(Author.books).joinedload(Author.prize)
    with pytest.raises(exc.ArgumentError, match="Strings are not accepted for attribute names in loader options"):
        selectinload("books")
    with pytest.raises(exc.ArgumentError, match="is no relationship"):
        selectinload(Author.name)
    with pytest.raises(exc.ArgumentError, match="deferred column loader"):
        defer(Author.books)
    with pytest.raises(exc.ArgumentError, match=r"options\(\) takes loader options"):
        session.scalars(select(Author).options(Author.books))


# ── criteria, aliases, contains_eager ────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("option", [joinedload, selectinload, lazyload])
def test_criteria_narrow_what_is_loaded(session: Session, option: Any) -> None:
    """Line 21.20: ``and_()`` on the relationship."""
    found = authors(session, option(Author.books.and_(Book.pages > 150)))
    assert [[book.id for book in author.books] for author in found] == [[], [2, 4], [], []]


def test_contains_eager_takes_what_the_statement_joins(session: Session) -> None:
    """Line 21.20: of the class or of an alias."""
    thick = aliased(Book)
    for statement, option in (
        (select(Author).join(Author.books).where(Book.pages > 150), contains_eager(Author.books)),
        (select(Author).join(thick, Author.books).where(thick.pages > 150), contains_eager(Author.books, alias=thick)),
        (
            select(Author).join(Author.books.of_type(thick)).where(thick.pages > 150),
            contains_eager(Author.books.of_type(thick)),
        ),
    ):
        session.expunge_all()
        with expect_statements(session, 1):
            (bob,) = session.scalars(statement.options(option)).unique().all()
            assert sorted(book.id for book in bob.books) == [2, 4]
    session.expunge_all()
    with expect_statements(session, 1):
        found = session.scalars(select(Book).join(Book.author).options(contains_eager(Book.author))).all()
        assert len(found) == 5 and all(book.author is not None for book in found)


def test_options_of_an_alias_are_about_the_alias(session: Session) -> None:
    """Line 21.20"""
    other = aliased(Author)
    rows = (
        session.execute(
            select(Author, other)
            .where(Author.town == other.town, Author.id < other.id)
            .options(selectinload(other.books), joinedload(Author.books))
        )
        .unique()
        .all()
    )
    assert [(bob.__dict__["books"][0].id, cat.__dict__["books"]) for bob, cat in rows] == [(2, [])]


def test_from_statement_loads_after(session: Session) -> None:
    """Line 21.20"""
    statement = select(Author).from_statement(text("SELECT * FROM author ORDER BY id"))
    found = session.scalars(statement.options(selectinload(Author.books))).all()
    assert books_of(list(found)) == BOOKS


# ── not loaded ───────────────────────────────────────────────────────────────────────────────────────────────────────
def test_what_must_not_be_touched_says_so(session: Session) -> None:
    """Line 21.20: raiseload, for one relationship or all that are not named."""
    found = authors(session, raiseload(Author.books))
    with pytest.raises(InvalidRequestError, match=r"'Author.books' is not available due to lazy='raise'"):
        found[0].books
    assert found[0].prize is None
    session.expunge_all()
    found = authors(session, selectinload(Author.books), raiseload("*"))
    with pytest.raises(InvalidRequestError, match=r"lazy='raise'.*selectinload\(Author.prize\)"):
        found[0].prize
    with pytest.raises(InvalidRequestError, match=r"'Book.tags' is not available"):
        found[0].books[0].tags
    session.expunge_all()
    found = authors(session, selectinload(Author.books), Load(Author).raiseload("*"))
    assert [tag.id for tag in found[0].books[0].tags] == [2, 1]


def test_raise_on_sql_lets_the_session_answer(session: Session) -> None:
    """Line 21.20"""
    book = session.get(Book, 1, options=[raiseload(Book.author, sql_only=True)])
    with pytest.raises(InvalidRequestError, match=r"lazy='raise_on_sql'"):
        book.author
    ann = session.get(Author, 1)
    assert book.author is ann


def test_what_is_not_to_be_loaded_is_empty(session: Session) -> None:
    """Line 21.20: noload."""
    with expect_statements(session, 1):
        assert [author.books for author in authors(session, noload(Author.books))] == [[], [], [], []]


def test_options_stay_with_the_object(session: Session) -> None:
    """Line 21.20: for what it loads later, also after it expired."""
    ann = session.scalars(
        select(Author).where(Author.id == 1).options(lazyload(Author.books).joinedload(Book.tags))
    ).one()
    with expect_statements(session, 1):
        assert [tag.id for tag in ann.books[0].tags] == [2, 1]
    assert dict(inspect(ann).callables) == {}
    bob = session.scalars(
        select(Author).where(Author.id == 2).options(defaultload(Author.books).raiseload(Book.author))
    ).one()
    with pytest.raises(InvalidRequestError, match=r"'Book.author' is not available"):
        bob.books[0].author
    session.expunge_all()
    cat = session.scalars(select(Author).where(Author.id == 3).options(selectinload(Author.books))).one()
    session.expire(cat)
    with expect_statements(session, 2):
        assert cat.name == "cat"
    assert cat.__dict__["books"] == []


# ── columns ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def loaded(obj: Any) -> set[str]:
    return set(obj.__dict__)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([load_only(Author.name)], {"id", "name"}),
        ([load_only(Author.name, Author.bio)], {"id", "name", "bio"}),
        ([defer(Author.name)], {"id", "town"}),
        ([defer("*"), undefer(Author.town)], {"id", "town"}),
        ([undefer(Author.bio)], {"id", "name", "town", "bio"}),
        ([undefer_group("scans")], {"id", "name", "town", "front", "back"}),
        ([undefer("*")], {"id", "name", "town", "bio", "front", "back"}),
        ([], {"id", "name", "town"}),
    ],
)
def test_options_choose_the_columns(session: Session, options: list[Any], expected: set[str]) -> None:
    """Line 21.21"""
    (ann, *_) = authors(session, *options)
    assert loaded(ann) == expected
    assert inspect(ann).unloaded == {*inspect(Author).attributes} - expected
    assert inspect(ann).expired_attributes == set()


def test_a_deferred_column_comes_alone_or_with_its_group(session: Session) -> None:
    """Line 21.21"""
    ann = session.get(Author, 1)
    with expect_statements(session, 1):
        assert ann.bio == "long"
    with expect_statements(session, 1):
        assert (ann.front, ann.back) == ("F", "B")
    session.expunge_all()
    (ann, *_) = authors(session, load_only(Author.name))
    with expect_statements(session, 1):
        assert ann.town == "paris"
    assert "bio" not in loaded(ann)


def test_a_column_may_be_an_error_to_touch(session: Session) -> None:
    """Line 21.21"""
    (ann, *_) = authors(session, defer(Author.town, raiseload=True))
    with pytest.raises(InvalidRequestError, match=r"'Author.town' is not available due to raiseload=True"):
        ann.town
    session.expunge_all()
    (ann, *_) = authors(session, load_only(Author.name, raiseload=True))
    with pytest.raises(InvalidRequestError, match="raiseload=True"):
        ann.town
    assert ann.name == "ann"


def test_columns_of_related_objects_are_chosen_along_the_path(session: Session) -> None:
    """Line 21.21"""
    for option in (joinedload, selectinload):
        session.expunge_all()
        (ann, *_) = authors(session, option(Author.books).load_only(Book.title))
        assert loaded(ann.books[0]) == {"id", "title"}


# ── populate_existing, get, merge ────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("how", ["execute", "statement", "query", "get"])
def test_populate_existing_overwrites_what_is_here(session: Session, how: str) -> None:
    """Lines 8.8, 8.6: columns, and what comes with them; changes are lost."""
    bob = session.get(Author, 2)
    kept = bob.books[1]
    bob.name, kept.title = "changed", "changed"
    bob.books.pop()
    statement, option = select(Author).where(Author.id == 2), joinedload(Author.books)
    if how == "execute":
        found = session.scalars(statement.options(option), execution_options={"populate_existing": True}).unique().one()
    elif how == "statement":
        found = session.scalars(statement.options(option).execution_options(populate_existing=True)).unique().one()
    elif how == "query":
        found = session.query(Author).filter_by(id=2).options(option).populate_existing().one()
    else:
        found = session.get(Author, 2, options=[option], populate_existing=True)
    assert found is bob and bob.name == "bob" and kept.title == "b2"
    assert [book.id for book in bob.books] == [2, 3, 4] and bob.books[1] is kept
    assert not session.dirty


def test_a_circle_of_eager_loads_overwrites_each_object_once(session: Session) -> None:
    """Line 8.8"""
    for option in (selectinload(Author.books), joinedload(Author.books)):
        found = authors(session, option.selectinload(Book.author), execution_options={"populate_existing": True})
        assert books_of(found) == BOOKS


def test_a_plain_query_overwrites_nothing_but_brings_what_lacks(session: Session) -> None:
    """Line 8.8"""
    bob = session.get(Author, 2)
    bob.name = "changed"
    found = authors(session, selectinload(Author.books))
    assert found[1] is bob and bob.name == "changed" and len(bob.__dict__["books"]) == 3
    bob.books.pop()
    authors(session, joinedload(Author.books))
    assert len(bob.books) == 2


def test_get_takes_options_for_when_it_loads(session: Session) -> None:
    """Lines 8.2, 8.4"""
    with expect_statements(session, 1):
        bob = session.get(Author, 2, options=[joinedload(Author.books)])
        assert len(bob.books) == 3
    with expect_statements(session, 0):
        assert session.get(Author, 2, options=[joinedload(Author.prize)]) is bob
    with expect_statements(session, 1):
        session.get(Author, 2, with_for_update=True)


def test_merge_takes_options_for_when_it_loads(session: Session) -> None:
    """Line 15.1"""
    with expect_statements(session, 2):
        bob = session.merge(Author(id=2, name="merged"), options=[selectinload(Author.books)])
        assert len(bob.books) == 3 and bob.name == "merged"


def test_a_prize_comes_with_its_author_by_an_inner_join(session: Session) -> None:
    """Line 21.20"""
    with expect_statements(session, 1) as sent:
        assert session.scalars(select(Prize)).one().author.name == "bob"
    assert "LEFT" not in sent[0]


def test_eager_loads_can_be_turned_off(session: Session) -> None:
    """Line 21.20: ``enable_eagerloads(False)``."""
    with expect_statements(session, 1) as sent:
        session.query(Prize).enable_eagerloads(False).all()
    assert "JOIN" not in sent[0]


def test_the_lazy_load_names_its_relationship(session: Session) -> None:
    """Line 21.20: so that N+1 statements tell whose they are."""
    causes: list[str] = []
    found = authors(session)
    stop = session.subscribe(lambda fact: causes.append(fact.cause))
    for author in found:
        author.books
    authors(session, selectinload(Author.prize))
    stop()
    assert causes.count("lazy load of Author.books") >= 4
    assert any("selectin load of Author.prize" in cause for cause in causes)


# ── portions ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_yield_per_makes_objects_in_portions(session: Session) -> None:
    """Line 8.10: those of earlier portions can be forgotten meanwhile; what is loaded after comes portion by portion."""
    statement = select(Author).order_by(Author.id).options(selectinload(Author.books))
    with statements_of(session) as sent:
        result = session.scalars(statement, execution_options={"yield_per": 3})
        assert len(sent) == 1 and len(session.identity_map) == 0
        first = result.fetchone()
        assert len(sent) == 2 and len(session.identity_map) >= 3
        assert first is not None and [author.id for author in result] == [2, 3, 4]
    assert len(sent) == 3
    portions = session.scalars(select(Author).order_by(Author.id).execution_options(yield_per=3)).partitions()
    assert [[author.id for author in portion] for portion in portions] == [[1, 2, 3], [4]]
    assert [author.id for author in session.query(Author).order_by(Author.id).yield_per(1)] == [1, 2, 3, 4]


def test_yield_per_of_columns_says_the_size_of_partitions(session: Session) -> None:
    """Line 8.10"""
    ids = select(Author.id).order_by(Author.id)
    assert [list(p) for p in session.scalars(ids, execution_options={"yield_per": 3}).partitions()] == [[1, 2, 3], [4]]
    assert [list(p) for p in session.scalars(ids).yield_per(2).partitions()] == [[1, 2], [3, 4]]
    assert session.scalars(ids).yield_per(2).fetchmany() == [1, 2]


def test_yield_per_refuses_joined_collections(session: Session) -> None:
    """Line 8.10"""
    with pytest.raises(InvalidRequestError, match="Can't use yield_per with eager loaders that require uniquing"):
        session.query(Author).options(joinedload(Author.books)).yield_per(2).all()


def test_a_result_in_portions_can_be_left_and_closed(session: Session) -> None:
    """Line 8.10"""
    result = session.scalars(select(Author).order_by(Author.id), execution_options={"yield_per": 2})
    for author in result:
        assert author.id == 1
        break
    assert result.first().id == 2
    with pytest.raises(exc.ResourceClosedError):
        result.all()


# ── what options must not do ─────────────────────────────────────────────────────────────────────────────────────────
def test_two_strategies_for_one_relationship_are_refused(session: Session) -> None:
    """Line 21.20"""
    with pytest.raises(
        InvalidRequestError,
        match=r"Loader strategy replacement joinedload\(books\) is in conflict with existing strategy",
    ):
        authors(session, selectinload(Author.books), joinedload(Author.books))
    authors(session, selectinload(Author.books), defaultload(Author.books).joinedload(Book.tags))


def test_what_follows_immediate_loads_comes_for_all_together(session: Session) -> None:
    """Line 21.20"""
    with expect_statements(session, 6):
        found = authors(session, immediateload(Author.books).selectinload(Book.tags))
        assert [tag.id for tag in found[1].books[2].tags] == [2, 1]


def test_a_lazy_load_that_leads_back_to_itself_ends(session: Session) -> None:
    """Line 21.20: each relationship is loaded once, however the path winds."""
    option = lazyload(Tag.books).selectinload(Book.tags).immediateload(Tag.books)
    red = session.scalars(select(Tag).where(Tag.id == 1).options(option)).one()
    assert [book.id for book in red.books] == [1, 2, 4]
    assert not session.loading
