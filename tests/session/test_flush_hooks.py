"""Hooks at the rows of a flush: of which objects they hear, in which order, and what they may still change."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from nbsession import (
    DeclarativeBase,
    Engine,
    ForeignKey,
    IntegrityError,
    Mapped,
    Session,
    SessionTransactionOrigin,
    event,
    mapped_column,
    relationship,
)
from nbsession.mapping.listening import class_hooks
from nbsession.mapping.mapper import Mapper
from tests.session.hierarchy import Base as Hierarchy
from tests.session.hierarchy import Engineer, Person
from tests.session.models import Loan, Member, Node, Shelf, Tool
from tests.support import expect_statements

Listen = Callable[..., None]


@pytest.fixture
def listening() -> Iterator[Listen]:
    """``event.listen`` on classes, taken off again after the test."""
    done: list[tuple[Any, ...]] = []

    def listen(target: Any, name: str, hook: Any) -> None:
        event.listen(target, name, hook)
        done.append((target, name, hook))

    yield listen
    for one in done:
        event.remove(*one)
    assert class_hooks.count == 0


@pytest.fixture
def log(listening: Listen) -> list[str]:
    """Every row hook of every class, as it is called."""
    log: list[str] = []
    for name in ("insert", "update", "delete"):
        for when in ("before", "after"):
            told = f"{when}_{name}"
            listening(
                Mapper,
                told,
                lambda mapper, connection, target, told=told: log.append(f"{told} {called(target)}"),
            )
    return log


def called(obj: Any) -> str:
    return f"{type(obj).__name__} {obj.__dict__.get('name', obj.__dict__.get('label', obj.__dict__.get('note')))}"


def taken(log: list[Any]) -> list[Any]:
    got = list(log)
    log.clear()
    return got


# ── of whom they hear ────────────────────────────────────────────────────────────────────────────────────────────────
def test_update_hooks_hear_of_objects_without_net_change(session: Session, log: list[str]) -> None:
    """Line 3.15: of each that is dirty, as in 2.1."""
    shelf = Shelf(label="left")
    session.add(shelf)
    session.flush()
    taken(log)
    shelf.label = "left"
    with expect_statements(session, 0):
        session.flush()
    assert taken(log) == ["before_update Shelf left", "after_update Shelf left"]
    tool = Tool(name="saw", shelf=shelf)
    session.add(tool)
    session.flush()
    shelf_told = ["before_update Shelf left", "after_update Shelf left"]
    assert taken(log) == [*shelf_told, "before_insert Tool saw", "after_insert Tool saw"]
    shelf.tools.remove(tool)
    session.flush()
    assert taken(log) == [*shelf_told, "before_update Tool saw", "after_update Tool saw"]


def test_what_a_hook_changes_on_an_object_without_net_change_is_written(
    session: Session, listening: Listen, rows: Callable[[str], Any]
) -> None:
    """Line 3.15"""
    shelf = Shelf(label="left")
    session.add(shelf)
    session.commit()

    def rename(mapper: Any, connection: Any, target: Shelf) -> None:
        target.label = "renamed"

    listening(Shelf, "before_update", rename)
    shelf.label = shelf.label
    session.flush()
    assert rows("SELECT label FROM shelf") == [("renamed",)] and not session.dirty


def test_a_hook_sees_the_foreign_key_that_the_flush_filled(session: Session, listening: Listen) -> None:
    """Line 23.1"""
    seen: list[Any] = []
    listening(Loan, "before_insert", lambda mapper, connection, target: seen.append(target.member_id))
    listening(Loan, "before_update", lambda mapper, connection, target: seen.append(target.member_id))
    ada, bob = Member(id=1, name="Ada"), Member(id=2, name="Bob")
    loan = Loan(member=ada)
    session.add_all([ada, bob, loan])
    session.flush()
    loan.member = bob
    session.flush()
    assert seen == [1, 2]


# ── in which order ───────────────────────────────────────────────────────────────────────────────────────────────────
def test_all_objects_of_a_class_are_told_before_its_first_statement(session: Session, log: list[str]) -> None:
    """Line 3.15: new ones in the order of add, then changed ones by their keys."""
    one, two = Shelf(id=1, label="one"), Shelf(id=2, label="two")
    session.add_all([one, two])
    session.flush()
    taken(log)
    two.label, one.label = "two'", "one'"
    session.add_all([Shelf(label="four"), Shelf(label="three")])
    event.listen(session.get_bind(), "before_cursor_execute", lambda *given: log.append(given[2].split()[0]))
    session.flush()
    order = ["insert Shelf four", "insert Shelf three", "update Shelf one'", "update Shelf two'"]
    before, after = ([f"{when}_{one}" for one in order] for when in ("before", "after"))
    assert taken(log) == [*before, "UPDATE", "INSERT", *after]


def test_a_tree_is_told_level_by_level(session: Session, log: list[str]) -> None:
    """Line 21.1"""
    root = Node(name="root", children=[Node(name="a", children=[Node(name="leaf")]), Node(name="b")])
    session.add(root)
    session.flush()
    insert = [f"before_insert Node {n}" for n in ("a", "b")] + [f"after_insert Node {n}" for n in ("a", "b")]
    assert taken(log) == [
        "before_insert Node root",
        "after_insert Node root",
        *insert,
        "before_insert Node leaf",
        "after_insert Node leaf",
    ]


def test_objects_of_a_hierarchy_are_told_together(engine: Engine, log: list[str]) -> None:
    """Line 21.24: before the first table's row, and after the last's; an UPDATE of either table."""
    Hierarchy.metadata.create_all(engine)
    with Session(engine) as session:
        eve, pat = Engineer(name="eve", tool="saw"), Person(name="pat")
        session.add_all([eve, pat])
        session.flush()
        told = ["insert Engineer eve", "insert Person pat"]
        assert taken(log) == [f"before_{one}" for one in told] + [f"after_{one}" for one in told]
        eve.tool = "axe"
        session.flush()
        assert taken(log) == ["before_update Engineer eve", "after_update Engineer eve"]
        session.delete(eve)
        session.delete(pat)
        session.flush()
        told = ["delete Engineer eve", "delete Person pat"]
        assert taken(log) == [f"before_{one}" for one in told] + [f"after_{one}" for one in told]


def test_a_hook_may_change_a_column_of_another_table(engine: Engine, listening: Listen) -> None:
    """Line 21.24"""
    Hierarchy.metadata.create_all(engine)
    with Session(engine) as session:
        eve = Engineer(id=1, name="eve", tool="saw")
        session.add(eve)
        session.commit()

        def retool(mapper: Any, connection: Any, target: Engineer) -> None:
            target.tool = "axe"

        listening(Engineer, "before_update", retool)
        eve.name = "Eve"
        session.commit()
        sql = "SELECT name, tool FROM person JOIN engineer ON person.id = engineer.id"
        assert session.connection().exec_driver_sql(sql).all() == [("Eve", "axe")]


def test_a_row_switch_is_told_as_insert_before_and_update_after(session: Session, log: list[str]) -> None:
    """Line 21.4"""
    old = Shelf(id=1, label="old")
    session.add(old)
    session.commit()
    taken(log)
    session.delete(old)
    session.add(Shelf(id=1, label="new"))
    session.flush()
    assert taken(log) == ["before_insert Shelf new", "after_update Shelf new"]


# ── refresh_flush ────────────────────────────────────────────────────────────────────────────────────────────────────
class Base(DeclarativeBase):
    pass


class Parcel(Base):
    __tablename__ = "parcel"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None]
    weight: Mapped[int | None] = mapped_column(default=lambda: 5, onupdate=lambda: 6)


class Letter(Base):
    """Refers, after the rows are there, to a parcel."""

    __tablename__ = "letter"

    id: Mapped[int] = mapped_column(primary_key=True)
    parcel_id: Mapped[int | None] = mapped_column(ForeignKey("parcel.id"))
    parcel: Mapped[Parcel | None] = relationship(post_update=True)


def test_refresh_flush_tells_what_defaults_filled(engine: Engine, listening: Listen) -> None:
    """Line 3.15: at the INSERT and the UPDATE, whether the value changes by it or not; keys are not told."""
    Base.metadata.create_all(engine)
    log: list[Any] = []
    with Session(engine) as session:

        def told(target: Any, flush_context: Any, attrs: Any) -> None:
            assert flush_context is session.unit_of_work
            log.append((type(target).__name__, sorted(attrs)))

        listening(Parcel, "refresh_flush", told)
        listening(Letter, "refresh_flush", told)
        parcel = Parcel(name="one")
        session.add(parcel)
        session.flush()
        assert taken(log) == [("Parcel", ["weight"])]
        for name in ("two", "three"):
            parcel.name = name
            session.flush()
            assert taken(log) == [("Parcel", ["weight"])] and parcel.weight == 6
        parcel.weight = 7
        session.flush()
        session.add(Letter(parcel=parcel))
        session.flush()
        assert taken(log) == []


# ── the flush's own bracket ──────────────────────────────────────────────────────────────────────────────────────────
def test_a_flush_is_a_level_of_its_own_for_hooks(session: Session) -> None:
    """Lines 3.15, 9.5: created before its first statement, ended after all else; nobody is told of a flush without work."""
    log: list[Any] = []
    for name in ("after_transaction_create", "after_transaction_end"):
        event.listen(session, name, lambda s, level, name=name: log.append((name[18:], level.origin.name)))
    for name in ("before_flush", "after_flush_postexec"):
        event.listen(session, name, lambda *given, name=name: log.append(name))
    session.add(Shelf(label="left"))
    session.flush()
    assert taken(log) == [
        ("create", "AUTOBEGIN"),
        "before_flush",
        ("create", "SUBTRANSACTION"),
        "after_flush_postexec",
        ("end", "SUBTRANSACTION"),
    ]
    shelf = session.query(Shelf).one()
    shelf.label = "right"
    session.flush([Tool()])
    assert taken(log) == ["before_flush"]
    assert session.get_transaction() is session.transaction


def test_a_failing_flush_gives_its_own_level_to_after_soft_rollback(session: Session) -> None:
    """Line 3.12"""
    session.add(Shelf(id=1))
    session.commit()
    session.expunge_all()
    given: list[Any] = []
    event.listen(session, "after_soft_rollback", lambda s, level: given.append((level.origin, level.parent is None)))
    session.add(Shelf(id=1))
    with pytest.raises(IntegrityError):
        session.flush()
    assert given == [(SessionTransactionOrigin.SUBTRANSACTION, False)]
    assert session.transaction is session.get_transaction() and not session.is_active
    session.rollback()
    assert given[1:] == [(SessionTransactionOrigin.AUTOBEGIN, True)]


def test_what_a_level_was_begun_by(session: Session) -> None:
    """Line 6.1"""
    with session.begin() as root:
        assert root.origin is SessionTransactionOrigin.BEGIN
        assert session.begin_nested().origin is SessionTransactionOrigin.BEGIN_NESTED
        assert session.begin(subtransactions=True).origin is SessionTransactionOrigin.SUBTRANSACTION
    session.connection()
    found = session.get_transaction()
    assert found is not None and found.origin is SessionTransactionOrigin.AUTOBEGIN
