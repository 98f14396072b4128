"""Flushes, cascades and binds, line by line: what docs/session-semantics.md lists and no other test shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from nbsession import (
    DeclarativeBase,
    Engine,
    ForeignKey,
    InvalidRequestError,
    Mapped,
    Session,
    UnboundExecutionError,
    UnmappedClassError,
    create_engine,
    event,
    func,
    insert,
    inspect,
    mapped_column,
    relationship,
    select,
    text,
    union_all,
    update,
    validates,
)
from nbsession.exc import ArgumentError
from tests.session.models import Base, City, Country, Crate, Loan, Member, Node, Screw, Shelf, Tool
from tests.support import expect_statements, statements_of

Rows = Callable[[str], list[tuple[Any, ...]]]


@pytest.fixture
def other(database_url: str) -> Iterator[Engine]:
    """A second database, with the same tables."""
    engine = create_engine(database_url)
    Base.metadata.create_all(engine)
    yield engine
    engine.dispose()


def states(*objects: Any) -> str:
    return "".join(inspect(obj).state.letter for obj in objects)


# ── flush ────────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_child_that_never_had_a_parent_is_inserted(session: Session, rows: Rows) -> None:
    """Line 9.4: the database's constraints decide; here they allow it."""
    loan = Loan(note="of nobody")
    session.add(loan)
    session.flush()
    assert states(loan) == "S" and rows("SELECT note, member_id FROM loan") == [("of nobody", None)]


def test_a_flush_of_some_objects_leaves_the_others_as_they_are(session: Session, rows: Rows) -> None:
    """Lines 9.2, 9.3: new, changed and marked objects that are not listed stay so."""
    ada, bob, carol = (Member(name=n) for n in ("Ada", "Bob", "Carol"))
    session.add_all([ada, bob, carol])
    session.commit()
    assert ada.name and bob.name and carol.name
    ada.age, bob.age = 1, 2
    with session.no_autoflush:
        session.delete(carol)
    dan, eve = Member(name="Dan"), Member(name="Eve")
    session.add_all([dan, eve])
    session.flush([ada, dan])
    assert list(session.dirty) == [bob] and list(session.new) == [eve] and list(session.deleted) == [carol]
    assert rows("SELECT name, age FROM member ORDER BY name") == [
        ("Ada", 1),
        ("Bob", None),
        ("Carol", None),
        ("Dan", None),
    ]
    session.flush([carol])
    assert states(carol) == "X" and list(session.new) == [eve]


def test_deleted_objects_leave_the_map_with_the_flush(session: Session) -> None:
    """Line 9.6: saved objects have a key, deleted ones are out of the map and out of deleted."""
    ada, bob = Member(name="Ada"), Member(name="Bob")
    session.add_all([ada, bob])
    session.flush()
    assert [inspect(o).key for o in (ada, bob)] == [(Member, (1,), None), (Member, (2,), None)]
    session.delete(bob)
    session.flush()
    assert list(session.identity_map.values()) == [ada] and not session.deleted


def test_a_flush_in_a_transaction_that_succeeded_can_still_be_rolled_back(session: Session, rows: Rows) -> None:
    """Line 9.5: its success ends nothing but itself."""
    session.begin()
    session.add(Member(name="Ada"))
    session.flush()
    assert session.in_transaction() and session.is_active
    session.rollback()
    assert rows("SELECT count(*) FROM member") == [(0,)]


def test_objects_that_a_cascade_adds_during_preparation_are_flushed(session: Session, rows: Rows) -> None:
    """Line 21.3: a parent of a parent of an orphan's replacement; orphans of orphans."""

    class B(DeclarativeBase):
        pass

    class Top(B):
        __tablename__ = "top"
        id: Mapped[int] = mapped_column(primary_key=True)
        middles: Mapped[list[Middle]] = relationship(cascade="all, delete-orphan")

    class Middle(B):
        __tablename__ = "middle"
        id: Mapped[int] = mapped_column(primary_key=True)
        top_id: Mapped[int | None] = mapped_column(ForeignKey("top.id"))
        bottoms: Mapped[list[Bottom]] = relationship(cascade="all, delete-orphan")

    class Bottom(B):
        __tablename__ = "bottom"
        id: Mapped[int] = mapped_column(primary_key=True)
        middle_id: Mapped[int | None] = mapped_column(ForeignKey("middle.id"))

    globals().update(Middle=Middle, Bottom=Bottom)
    B.metadata.create_all(session.bind)
    top = Top(middles=[Middle(bottoms=[Bottom(), Bottom()])])
    session.add(top)
    session.commit()
    top.middles.clear()
    session.flush()
    assert rows("SELECT (SELECT count(*) FROM middle), (SELECT count(*) FROM bottom)") == [(0, 0)]
    del globals()["Middle"], globals()["Bottom"]


def test_updates_and_deletes_go_by_primary_key(session: Session) -> None:
    """Line 21.2: whatever the order of the changes."""
    tools = [Tool(id=n, name=str(n)) for n in (3, 1, 2)]
    session.add_all(tools)
    session.flush()
    for tool in tools:
        tool.name = "changed"
    (step,) = session.flush_plan().steps
    assert [t.id for t in step.objects] == [1, 2, 3]
    session.flush()
    for tool in tools:
        session.delete(tool)
    (step,) = session.flush_plan().steps
    assert [t.id for t in step.objects] == [1, 2, 3]


def test_a_statement_names_changed_columns_only(session: Session) -> None:
    """Line 21.7: and nothing is sent for a value set back."""
    ada = Member(name="Ada", age=1)
    session.add(ada)
    session.commit()
    assert ada.name
    ada.age = 2
    with statements_of(session) as sent:
        session.flush()
    assert sent[0].startswith("UPDATE member SET age") and "name" not in sent[0]
    ada.age = 3
    ada.age = 2
    with expect_statements(session, 0):
        session.flush()


def test_the_state_of_an_object_knows_what_was_committed(session: Session) -> None:
    """Lines 21.14, 21.16: old values once, whether it is modified, and what is not loaded."""
    ada = Member(name="Ada", age=1)
    session.add(ada)
    session.commit()
    state = inspect(ada)
    assert state.expired and state.expired_attributes >= {"name", "age"} and not state.modified
    assert ada.name == "Ada"
    ada.age = 2
    ada.age = 3
    assert state.modified and state.attrs.age.history == ([3], (), [1]) and "loans" in state.unloaded
    session.flush()
    assert not state.modified and state.attrs.age.history == ((), [3], ())


def test_a_persistent_child_is_no_orphan_just_because_its_parent_is_not_loaded(session: Session, rows: Rows) -> None:
    """Line 21.14: whether it has a parent is taken for granted until it was seen leaving one."""
    session.add(Member(name="Ada", loans=[Loan(note="a")]))
    session.commit()
    session.expunge_all()
    loan = session.query(Loan).one()
    loan.note = "changed"
    session.commit()
    assert rows("SELECT note FROM loan") == [("changed",)]


def test_a_validator_sees_the_foreign_key_that_a_flush_fills_in(session: Session) -> None:
    """Line 23.1: but no generated key and no default."""
    seen: list[tuple[str, Any]] = []

    class B(DeclarativeBase):
        pass

    class Owner(B):
        __tablename__ = "owner_of_23"
        id: Mapped[int] = mapped_column(primary_key=True)

    class Thing(B):
        __tablename__ = "thing_of_23"
        id: Mapped[int] = mapped_column(primary_key=True)
        owner_id: Mapped[int | None] = mapped_column(ForeignKey("owner_of_23.id"))
        colour: Mapped[str] = mapped_column(default="red")
        owner: Mapped[Owner | None] = relationship()

        @validates("id", "owner_id", "colour")
        def note(self, key: str, value: Any) -> Any:
            seen.append((key, value))
            return value

    globals()["Owner"] = Owner
    B.metadata.create_all(session.bind)
    owner = Owner()
    session.add(owner)
    session.flush()
    thing = Thing(owner=owner)
    session.add(thing)
    session.flush()
    assert seen == [("owner_id", owner.id)] and (thing.id, thing.colour) == (1, "red")
    del globals()["Owner"]


def test_a_default_is_left_to_the_database_or_to_the_column(session: Session, rows: Rows) -> None:
    """Lines 21.4, 21.10, 22.17: a None that was never set gives way to the default, in INSERT and in a row switch."""

    class B(DeclarativeBase):
        pass

    class Lamp(B):
        __tablename__ = "lamp"
        id: Mapped[int] = mapped_column(primary_key=True)
        colour: Mapped[str] = mapped_column(default="white")
        watts: Mapped[int | None]

    B.metadata.create_all(session.bind)
    session.add(Lamp(id=1, colour="red", watts=60))
    session.commit()
    session.delete(session.get(Lamp, 1))
    session.add(Lamp(id=1))
    with statements_of(session) as sent:
        session.flush()
    assert [s.split()[0] for s in sent if not s.startswith("SELECT")] == ["UPDATE"]
    assert rows("SELECT colour, watts FROM lamp") == [("white", None)]


# ── relationships ────────────────────────────────────────────────────────────────────────────────────────────────────
def test_passive_deletes_all_excludes_delete_cascades() -> None:
    """Line 18.6: the children are left to the database, or they are not."""

    class B(DeclarativeBase):
        pass

    class Box(B):
        __tablename__ = "box"
        id: Mapped[int] = mapped_column(primary_key=True)
        box_id: Mapped[int | None] = mapped_column(ForeignKey("box.id"))
        boxes = relationship("Box", passive_deletes="all", cascade="all")

    with pytest.raises(ArgumentError, match="can't set passive_deletes='all' in conjunction with 'delete' or 'delete-"):
        Box().boxes


def test_the_default_cascade_and_what_all_means() -> None:
    """Line 18.1: save-update and merge; all is everything but delete-orphan."""
    plain, everything = relationship("X").cascade, relationship("X", cascade="all").cascade
    assert plain.save_update and plain.merge
    assert not (plain.delete or plain.expunge or plain.refresh_expire or plain.delete_orphan)
    assert all(getattr(everything, n) for n in ("save_update", "merge", "delete", "expunge", "refresh_expire"))
    assert not everything.delete_orphan


def test_a_lazy_reference_to_what_is_here_or_nowhere_asks_nothing(session: Session) -> None:
    """Line 18.12: the identity map answers, and so does a NULL foreign key."""
    session.add_all([Shelf(id=1, tools=[Tool(name="a")]), Tool(name="b")])
    session.commit()
    a, b = session.query(Tool).order_by(Tool.name).all()
    shelf = session.get(Shelf, 1)
    with expect_statements(session, 0):
        assert a.shelf is shelf and b.shelf is None


def test_screws_of_a_crate_that_is_not_loaded_keep_their_key(session: Session, rows: Rows) -> None:
    """Line 18.6: passive_deletes=True leaves unloaded children alone: no SELECT, no UPDATE."""
    session.add(Crate(id=1, screws=[Screw()]))
    session.commit()
    session.expunge_all()
    session.delete(session.get(Crate, 1))
    with expect_statements(session, 1):
        session.flush()
    assert rows("SELECT crate_id FROM screw") == [(1,)]
    session.rollback()


# ── connections and binds ────────────────────────────────────────────────────────────────────────────────────────────
def test_connection_is_that_of_the_mapper_asked_for(tables: Engine, other: Engine) -> None:
    """Lines 7.1, 7.2: connection() and execute() find the engine by mapper, by class and by the statement's tables."""
    with Session(tables, binds={Shelf: other}) as session:
        assert session.connection().engine is tables
        assert session.connection(bind_arguments={"mapper": Shelf}).engine is other
        assert session.connection(bind_arguments={"mapper": inspect(Shelf)}).engine is other
        session.execute(insert(Shelf).values(label="there"))
        assert session.scalar(select(func.count()).select_from(Shelf)) == 1
        assert session.execute(text("SELECT count(*) FROM shelf")).scalar() == 0
        assert session.execute(text("SELECT count(*) FROM shelf"), bind_arguments={"mapper": Shelf}).scalar() == 1
        assert session.scalar("SELECT label FROM shelf", bind_arguments={"mapper": Shelf}) == "there"


def test_the_order_in_which_binds_are_asked(tables: Engine, other: Engine, database_url: str) -> None:
    """Lines 5.8, 7.6, 7.9: class before table before the session's own; a base class serves its descendants."""
    third = create_engine(database_url)
    session = Session(tables)
    assert session.get_bind(Tool) is tables and session.get_bind() is tables
    session.bind_table(Tool.__table__, other)
    assert session.get_bind(Tool) is other and session.get_bind(clause=select(Tool)) is other
    session.bind_mapper(Tool, third)
    assert session.get_bind(Tool) is third and session.get_bind(inspect(Tool)) is third
    assert session.get_bind(clause=select(Tool.__table__)) is third
    session.bind_mapper(Tool, other)
    assert session.get_bind(Tool) is other
    of_base = Session(tables, binds={Base: other})
    assert of_base.get_bind(Member) is other and of_base.get_bind() is tables
    by_table = Session(binds={Shelf.__table__: other})
    assert by_table.get_bind(Shelf) is other and by_table.get_bind(clause=select(Shelf.id)) is other
    third.dispose()


def test_a_session_with_binds_only_has_no_bind_for_nothing(tables: Engine) -> None:
    """Lines 7.6, 7.7, 7.8: the error says what to specify, and is an InvalidRequestError."""
    session = Session(binds={Member: tables})
    for ask in (session.get_bind, lambda: session.get_bind(Shelf), lambda: session.get_bind(clause=select(Shelf))):
        with pytest.raises(UnboundExecutionError) as refused:
            ask()
        assert isinstance(refused.value, InvalidRequestError)
    with pytest.raises(UnmappedClassError) as unmapped:
        session.get_bind(int)
    assert isinstance(unmapped.value, InvalidRequestError)
    with pytest.raises(ArgumentError, match="Not an acceptable bind target"):
        Session(binds={3: tables})


def test_queries_of_every_form_find_their_bind(other: Engine) -> None:
    """Line 7.10: join, union, subquery, aggregate and update, in a session that has no bind of its own."""
    with Session(binds={Shelf: other, Tool: other}) as session:
        session.add(Shelf(label="a", tools=[Tool(name="saw")]))
        session.commit()
        assert session.query(Shelf).join(Shelf.tools).one().label == "a"
        assert session.execute(select(Tool.name, Shelf.label).join(Tool.shelf)).all() == [("saw", "a")]
        assert session.execute(union_all(select(Tool.name), select(Shelf.label))).all() == [("saw",), ("a",)]
        inner = select(Tool.id).subquery()
        assert session.scalar(select(func.count()).select_from(inner)) == 1
        assert session.scalar(select(func.count(Tool.id))) == 1
        assert session.execute(update(Tool.__table__).values(name="axe")).rowcount == 1


def test_further_words_reach_the_get_bind_of_a_subclass(tables: Engine, other: Engine) -> None:
    """Line 7.12: a class of one's own chooses by them."""

    class Chooser(Session):
        def get_bind(self, mapper: Any = None, *, shard: str | None = None, **options: Any) -> Any:
            return other if shard == "b" else super().get_bind(mapper, **options)

    with Chooser(tables) as session:
        assert session.connection(bind_arguments={"shard": "b"}).engine is other
        assert session.connection(bind_arguments={"shard": "a"}).engine is tables
        session.execute(text("INSERT INTO shelf (id, label) VALUES (1, 'b')"), bind_arguments={"shard": "b"})
        assert session.scalar(text("SELECT label FROM shelf"), bind_arguments={"shard": "b"}) == "b"
        assert session.scalar(text("SELECT count(*) FROM shelf")) == 0


# ── autoflush ────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("what", ["iterate", "count", "first", "scalars", "lazy load", "get", "exists"])
def test_what_flushes_first(session: Session, what: str) -> None:
    """Line 9.11: every query that must look at rows."""
    shelf = Shelf(id=1)
    session.add(shelf)
    session.commit()
    assert shelf.id == 1
    asks: dict[str, Callable[[], Any]] = {
        "iterate": lambda: list(session.query(Tool)),
        "count": lambda: session.query(Tool).count(),
        "first": lambda: session.query(Tool).first(),
        "scalars": lambda: session.scalars(select(Tool)).all(),
        "lazy load": lambda: shelf.tools,
        "get": lambda: session.get(Tool, 7),
        "exists": lambda: session.execute(text("SELECT 1 FROM tool")).scalar(),
    }
    tool = Tool(id=7, shelf_id=1)
    session.add(tool)
    assert asks[what]() and states(tool) == "S"


def test_what_never_flushes(session: Session) -> None:
    """Line 9.14: add, expunge and expire, nor a get() that finds its object here."""
    ada, bob = Member(name="Ada"), Member(name="Bob")
    session.add_all([ada, bob])
    session.commit()
    assert ada.name and bob.name
    pending = Tool()
    with expect_statements(session, 0):
        session.add(pending)
        session.expire(bob)
        session.expunge(bob)
        assert session.get(Member, 1) is ada
    assert states(pending) == "P"


def test_a_failed_autoflush_raises_what_the_flush_raised(session: Session) -> None:
    """Line 9.13: the query's caller sees the database's error, and the session waits for rollback()."""
    event.listen(session, "before_flush", lambda *_: None)
    session.add(Member(name=None))
    with pytest.raises(Exception, match="NOT NULL") as failed:
        session.query(Tool).all()
    assert any("Query-invoked autoflush" in note for note in failed.value.__notes__) and not session.is_active
    session.rollback()


def test_a_changed_key_reaches_the_row_and_the_map(session: Session, rows: Rows) -> None:
    """Line 21.6: of a composite key too."""
    session.add(Country(code="DE", cities=[City(number=1, name="Ulm")]))
    session.commit()
    city = session.get(City, ("DE", 1))
    city.number = 9
    session.commit()
    assert rows("SELECT code, number FROM city") == [("DE", 9)]
    assert session.get(City, ("DE", 9)) is city and session.get(City, ("DE", 1)) is None


def test_circles_through_a_tree_are_sorted_by_object(session: Session, rows: Rows) -> None:
    """Line 21.1: a child added before its parent, in a class that refers to itself."""
    leaf = Node(name="leaf")
    session.add(leaf)
    root = Node(name="root")
    session.add(root)
    with session.no_autoflush:
        leaf.parent = root
    session.flush()
    assert leaf.parent_id == root.id and rows("SELECT count(*) FROM node WHERE parent_id IS NULL") == [(1,)]
