"""The parts of lines that are easily forgotten: what docs/session-semantics.md says besides the obvious."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from typing import Any

import pytest

import nbsession
from nbsession import (
    DeclarativeBase,
    Engine,
    ForeignKey,
    InvalidRequestError,
    Mapped,
    NbsessionWarning,
    Session,
    event,
    inspect,
    mapped_column,
    object_session,
    relationship,
)
from tests.session.models import Base as Plain
from tests.session.models import Member, Shelf, Tool
from tests.support import expect_statements, statements_of


class Base(DeclarativeBase):
    pass


class Author(Base):
    """Loads its books at once, and lets nobody in through the back door."""

    __tablename__ = "author_r"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None]
    books: Mapped[list[Book]] = relationship(back_populates="author", lazy="joined", order_by=lambda: Book.id)
    drafts: Mapped[list[Draft]] = relationship(cascade="")
    notes: Mapped[list[Note]] = relationship(back_populates="author", cascade_backrefs=True)


class Book(Base):
    __tablename__ = "book_r"
    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int | None] = mapped_column(ForeignKey("author_r.id"))
    author: Mapped[Author | None] = relationship(back_populates="books")


class Draft(Base):
    __tablename__ = "draft_r"
    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int | None] = mapped_column(ForeignKey("author_r.id"))


class Note(Base):
    __tablename__ = "note_r"
    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int | None] = mapped_column(ForeignKey("author_r.id"))
    author: Mapped[Author | None] = relationship(back_populates="notes")


class Team(Base):
    """Its captain is one of its players: rows that need each other."""

    __tablename__ = "team_r"
    id: Mapped[int] = mapped_column(primary_key=True)
    captain_id: Mapped[int | None] = mapped_column(ForeignKey("player_r.id"))
    captain: Mapped[Player | None] = relationship(foreign_keys=[captain_id], post_update=True)
    players: Mapped[list[Player]] = relationship(foreign_keys=lambda: Player.team_id)


class Player(Base):
    __tablename__ = "player_r"
    id: Mapped[int] = mapped_column(primary_key=True)
    team_id: Mapped[int | None] = mapped_column(ForeignKey("team_r.id"))


class Left(Base):
    __tablename__ = "left_r"
    id: Mapped[int] = mapped_column(primary_key=True)
    items: Mapped[list[Item]] = relationship(cascade="all, delete-orphan")


class Right(Base):
    __tablename__ = "right_r"
    id: Mapped[int] = mapped_column(primary_key=True)
    items: Mapped[list[Item]] = relationship(cascade="all, delete-orphan")
    kept: Mapped[list[Kept]] = relationship(passive_deletes="all")


class Item(Base):
    __tablename__ = "item_r"
    __mapper_args__ = {"legacy_is_orphan": True}
    id: Mapped[int] = mapped_column(primary_key=True)
    left_id: Mapped[int | None] = mapped_column(ForeignKey("left_r.id"))
    right_id: Mapped[int | None] = mapped_column(ForeignKey("right_r.id"))


class Kept(Base):
    __tablename__ = "kept_r"
    id: Mapped[int] = mapped_column(primary_key=True)
    right_id: Mapped[int | None] = mapped_column(ForeignKey("right_r.id"))


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    for base in (Base, Plain):
        base.metadata.create_all(engine)
    with Session(engine) as session:
        yield session


def read(session: Session, sql: str) -> Any:
    return session.connection().exec_driver_sql(sql).scalar()


def test_the_names_of_2007_are_public() -> None:
    """Line 1.1: flat, from the package."""
    names = """Session SessionTransaction SessionExtension sessionmaker object_session expire_instance create_session
        scoped_session"""
    for name in names.split():
        assert getattr(nbsession, name) is not None and name in dir(nbsession)


# ── relationships ────────────────────────────────────────────────────────────────────────────────────────────────────
def test_an_eager_relationship_of_an_expired_object_costs_one_select(session: Session) -> None:
    """Lines 10.1, 10.10, 10.11: loaded with the row, by a join; expired by its name it loads alone."""
    author = Author(name="Ada", books=[Book(), Book()])
    session.add(author)
    session.commit()
    with expect_statements(session, 1):
        assert author.name == "Ada" and len(author.books) == 2
    session.expire(author, ["books"])
    with expect_statements(session, 1):
        assert len(author.books) == 2
    with expect_statements(session, 1):
        session.refresh(author)
        assert len(author.books) == 2


def test_without_save_update_a_member_is_left_out(session: Session) -> None:
    """Line 13.11: cascade="" saves nothing; the flush says so."""
    author, draft = Author(), Draft()
    session.add(author)
    author.drafts.append(draft)
    assert inspect(draft).transient
    with pytest.warns(NbsessionWarning, match=r"not in session, add operation along 'Author\.drafts'"):
        session.flush()
    assert inspect(draft).transient and read(session, "SELECT count(*) FROM draft_r") == 0


def test_a_child_whose_class_says_so_needs_to_lose_every_parent(session: Session) -> None:
    """Line 18.4: legacy_is_orphan, as in 2.1: of pending children; a persistent one is an orphan without either."""
    item = Item()
    left, right = Left(items=[item]), Right(items=[item])
    session.add_all([left, right])
    left.items.remove(item)
    assert inspect(item).pending
    right.items.remove(item)
    assert inspect(item).transient


def test_passive_deletes_all_touches_no_child(session: Session) -> None:
    """Line 18.6: neither loaded nor unloaded ones."""
    right = Right(kept=[Kept()])
    session.add(right)
    session.commit()
    assert right.kept
    session.delete(right)
    with statements_of(session) as sent:
        session.flush()
    assert not any("kept_r" in sql for sql in sent if not sql.startswith("SELECT"))
    session.rollback()


def test_rows_that_need_each_other_take_an_update_afterwards(session: Session) -> None:
    """Line 18.7: post_update=True on one of the two relationships."""
    player = Player()
    team = Team(players=[player], captain=player)
    session.add(team)
    with statements_of(session) as sent:
        session.flush()
    assert [sql.split()[0] for sql in sent] == ["INSERT", "INSERT", "UPDATE"]
    assert read(session, "SELECT captain_id FROM team_r") == player.id and team.captain_id == player.id
    session.commit()
    for obj in (*team.players, team):
        session.delete(obj)
    session.commit()
    assert read(session, "SELECT count(*) FROM player_r") == 0


# ── deleting attributes ──────────────────────────────────────────────────────────────────────────────────────────────
def test_del_of_an_unloaded_collection_empties_it(session: Session) -> None:
    """Line 22.2: and expunging the object afterwards raises nothing."""
    session.add(Shelf(id=1, tools=[Tool(name="a")]))
    session.commit()
    shelf = session.get(Shelf, 1)
    assert shelf.label is None and "tools" not in vars(shelf)
    del shelf.tools
    session.flush()
    assert read(session, "SELECT count(*) FROM tool WHERE shelf_id IS NOT NULL") == 0
    session.rollback()
    assert shelf.label is None
    del shelf.tools
    session.expunge(shelf)
    assert inspect(shelf).detached


# ── transactions ─────────────────────────────────────────────────────────────────────────────────────────────────────
def test_rollback_of_the_session_ends_a_failed_savepoint_and_all_above(session: Session) -> None:
    """Line 22.12: while its handle ends only itself."""
    session.begin_nested()
    session.add(Member())
    with pytest.raises(Exception, match="NOT NULL"):
        session.flush()
    assert session.in_nested_transaction() and not session.is_active
    session.rollback()
    assert not session.in_transaction() and session.is_active


def test_a_transaction_gives_connections_by_mapper(session: Session, engine: Engine) -> None:
    """Line 4.2: SessionTransaction.connection, in the words of 2007 and of today."""
    transaction = session.begin()
    assert transaction.connection(None) is session.connection()
    assert transaction.connection(Member) is session.connection()
    assert transaction.connection(inspect(Member)).engine is engine


def test_options_are_attributes(engine: Engine) -> None:
    """Line 5.10: as given, or by default."""
    session = Session(engine, autoflush=False, expire_on_commit=False)
    assert (session.autoflush, session.expire_on_commit, session.twophase) == (False, False, False)
    assert session.bind is engine and session.transaction is None and isinstance(session.hash_key, int)
    assert session.weak_identity_map is True and session.transactional is True and session.echo_uow is False
    kept = session.identity_map
    session.close()
    assert session.identity_map is kept


def test_objects_of_a_collected_session_belong_to_none(engine: Engine) -> None:
    """Line 17.1: object_session() is None."""
    Plain.metadata.create_all(engine)
    session = Session(engine)
    ada = Member(name="Ada")
    session.add(ada)
    session.commit()
    assert object_session(ada) is session
    del session
    gc.collect()
    assert object_session(ada) is None


# ── threads ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_second_thread_may_read_but_not_write_during_a_flush(session: Session) -> None:
    """Lines 4.16, 23.8: add() and delete() from another thread are refused, looking is not."""
    kept = Member(name="kept")
    session.add(kept)
    session.commit()
    assert kept.name
    seen: list[Any] = []

    def other() -> None:
        seen.append((kept.name, kept in session, len(session.new)))
        for write in (lambda: session.add(Member(name="late")), lambda: session.delete(kept)):
            try:
                write()
            except InvalidRequestError as error:
                seen.append("flushing" in str(error))

    @event.listens_for(session, "after_flush", once=True)
    def start(*_: Any) -> None:
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()

    session.add(Member(name="new"))
    session.flush()
    assert seen == [("kept", True, 1), True, True]
    assert not session.new and not session.deleted


# ── merge ────────────────────────────────────────────────────────────────────────────────────────────────────────────
class Equal(Base):
    """Its objects are all equal, and have no hash."""

    __tablename__ = "equal_r"
    id: Mapped[int] = mapped_column(primary_key=True)
    equal_id: Mapped[int | None] = mapped_column(ForeignKey("equal_r.id"))
    others: Mapped[list[Equal]] = relationship()

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]


def test_merge_tells_objects_apart_by_identity(session: Session) -> None:
    """Line 15.7: equal objects are copied each for itself."""
    given = Equal(others=[Equal(), Equal()])
    merged = session.merge(given)
    assert len({id(o) for o in (merged, *merged.others)}) == 3
    session.commit()
    assert read(session, "SELECT count(*) FROM equal_r") == 3


def test_merge_leaves_alone_what_is_not_loaded_on_the_source(session: Session) -> None:
    """Line 15.5: expired attributes are neither loaded nor copied."""
    ada = Member(name="Ada", age=36)
    session.add(ada)
    session.commit()
    assert ada.name
    session.expire(ada, ["age"])
    session.expunge(ada)
    ada.name = "Bea"
    merged = session.merge(ada)
    session.commit()
    assert (merged.name, merged.age) == ("Bea", 36) and "age" not in vars(ada)


def test_cascade_backrefs_saves_through_the_other_side(session: Session) -> None:
    """Line 13.10: as in 2007, for a relationship that asks for it."""
    author, note, book = Author(), Note(), Book()
    session.add(author)
    note.author = author
    with session.no_autoflush:
        book.author = author
    assert inspect(note).pending and inspect(book).transient
    author.books.remove(book)


def test_merge_in_the_words_of_2007(session: Session) -> None:
    """Line 15.8: dont_load=True is load=False."""
    ada = Member(name="Ada")
    session.add(ada)
    session.commit()
    assert ada.name
    session.expunge(ada)
    with expect_statements(session, 0):
        merged = session.merge(ada, dont_load=True)
        session.flush()
    assert inspect(merged).persistent and merged.name == "Ada"


# ── spellings ────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_the_spellings_of_2007(session: Session) -> None:
    """Lines 23.7, 23.11: each does what it says."""
    root = session.begin(autoflush=False)
    assert not root.autoflush
    assert session.begin(subtransactions=True).parent is root
    session.commit()
    session.begin()
    assert session.begin(nested=True).nested
    session.rollback()

    ada, bob = Member(name="Ada", age=1), Member(name="Bob", age=3)
    session.add_all([ada, bob])
    session.commit()
    result = session.execute("SELECT name FROM member WHERE id = :id", {"id": 1}, mapper=Member)
    result.close()
    assert result.closed and not session.is_modified(ada, passive=True)
    query = session.query(Member)
    assert query.load(1) is ada
    assert (query.min(Member.age), query.max(Member.age), query.sum(Member.age), query.avg(Member.age)) == (1, 3, 4, 2)
    assert session.transactional is True

    session.close()

    class OurQuery(nbsession.Query):  # type: ignore[type-arg,unused-ignore]
        pass

    with Session(session.bind, query_cls=OurQuery, extension=[nbsession.SessionExtension()]) as other:
        assert isinstance(other.query(Member), OurQuery)
        transaction = other.begin()
        connection = transaction.get_or_add(session.bind)
        assert connection is other.connection() and transaction.connection(Member) is connection
        with pytest.raises(InvalidRequestError, match="already has a Connection associated for the given Engine"):
            transaction.add(session.bind)


def test_what_else_is_public() -> None:
    """Line 23.6: with the names and arguments of its time."""
    from nbsession import CircularDependencyError, FlushError, registry, relation, scoped_session

    assert callable(registry().dispose) and callable(scoped_session.mapper)
    assert relation("X", entity_name="there") is not None
    assert not issubclass(CircularDependencyError, FlushError)
