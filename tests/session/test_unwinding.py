"""What a rollback makes of objects in rarer cases: keys that were changed, places that others took, values of a savepoint."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from nbsession import (
    Engine,
    IntegrityError,
    NbsessionWarning,
    Session,
    create_engine,
    event,
    inspect,
    object_session,
    text,
    update,
)
from nbsession.events import Fact, Marked, StatesMoved
from nbsession.session.hook_points import LIFE
from tests.session.models import Base, City, Country, Loan, Member
from tests.support import expect_moves, expect_statements


@pytest.fixture
def twins(session: Session) -> tuple[Member, Member]:
    """Two objects of Ada's row: the first was expunged, the second is in the session."""
    session.add(Member(id=1, name="Ada", age=36))
    session.commit()
    first = session.get_one(Member, 1)
    session.expunge(first)
    return first, session.get_one(Member, 1)


@pytest.fixture
def told(session: Session) -> Iterator[list[tuple[str, Any]]]:
    """What hooks about objects were told: (hook, object)."""
    log: list[tuple[str, Any]] = []
    hooks = {name: (lambda *about, name=name: log.append((name, about[1]))) for name in LIFE.values()}
    for name, hook in hooks.items():
        event.listen(session, name, hook)
    yield log
    for name, hook in hooks.items():
        event.remove(session, name, hook)


def facts_of(session: Session, kind: type[Fact]) -> list[Any]:
    """A list that grows by each fact of a kind."""
    found: list[Any] = []
    session.subscribe(lambda fact: found.append(fact) if isinstance(fact, kind) else None)
    return found


# ── keys ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_of_new_objects_only_those_whose_key_was_changed_keep_it(session: Session) -> None:
    ada, bob = Member(name="Ada"), Member(name="Bob")
    session.add_all([ada, bob])
    session.flush()
    key = ada.id
    for changed in (40, 50):
        ada.id = changed
        session.flush()
    session.rollback()
    assert inspect(ada).detached and inspect(ada).identity == (key,)
    assert inspect(bob).transient and inspect(bob).identity is None


def test_a_new_object_whose_key_was_changed_and_that_was_deleted_leaves_as_a_deleted_one(
    session: Session, told: list[tuple[str, Any]]
) -> None:
    ada, bob = Member(name="Ada"), Member(name="Bob")
    session.add_all([ada, bob])
    session.flush()
    key = ada.id
    ada.id = 40
    session.flush()
    session.delete(ada)
    session.delete(bob)
    session.flush()
    told.clear()
    moves = ["Member deleted → detached by expunge", "Member deleted → transient by undo insert"]
    with expect_moves(session, moves):
        session.rollback()
    assert told == [("deleted_to_detached", ada), ("deleted_to_detached", bob)]
    assert inspect(ada).was_deleted and inspect(ada).identity == (key,) and inspect(bob).transient


@pytest.mark.parametrize("deleted", [False, True])
def test_a_new_object_whose_key_was_changed_and_that_left_is_told_of_once_and_stays_detached(
    session: Session, told: list[tuple[str, Any]], deleted: bool
) -> None:
    ada = Member(name="Ada")
    session.add(ada)
    session.flush()
    key = ada.id
    ada.id = 40
    session.flush()
    if deleted:
        session.delete(ada)
        session.flush()
    session.expunge(ada)
    told.clear()
    with expect_moves(session, []):
        session.rollback()
    assert told == [("deleted_to_detached" if deleted else "persistent_to_transient", ada)]
    assert inspect(ada).detached and inspect(ada).was_deleted is deleted and inspect(ada).identity == (key,)


def test_facts_name_a_new_object_whose_key_was_changed_by_its_first_key(session: Session) -> None:
    ada = Member(name="Ada")
    session.add(ada)
    session.flush()
    key = ada.id
    ada.id = 40
    session.flush()
    moves = facts_of(session, StatesMoved)
    session.rollback()
    assert [(move.after, move.subjects[0].key) for move in moves][-1] == ("detached", str(key))


def test_a_flush_that_fails_after_it_changed_a_key_has_not_changed_it(session: Session) -> None:
    """Line 21.6: the map has the object under its key as before; the other changes of keys stay to be rolled back."""
    first, second = Country(code="a"), Country(code="m")
    session.add_all([first, second])
    session.commit()
    first.code = "b"
    session.flush()
    savepoint = session.begin_nested()
    second.code = "n"
    session.add(City(code="b", name="of no number"))
    with expect_statements(session, 2) as sent, pytest.raises(IntegrityError):
        session.flush()
    assert sent[0].startswith("UPDATE country")
    assert inspect(second).identity == ("m",)
    savepoint.rollback()
    assert inspect(first).identity == ("b",) and inspect(second).identity == ("m",)
    assert session.get(Country, "m") is second
    session.rollback()
    assert inspect(first).identity == ("a",) and session.get(Country, "a") is first


def test_of_new_objects_keys_changed_by_the_flush_that_failed_count_for_nothing(session: Session) -> None:
    """Line 21.6: those of a flush before it do."""
    before, failed = Country(code="a"), Country(code="m")
    session.add_all([before, failed])
    session.flush()
    before.code = "b"
    session.flush()
    failed.code = "n"
    session.add(City(code="b", name="of no number"))
    with expect_statements(session, 2) as sent, pytest.raises(IntegrityError):
        session.flush()
    assert sent[0].startswith("UPDATE country")
    session.rollback()
    assert inspect(before).detached and inspect(before).identity == ("a",)
    assert inspect(failed).transient and inspect(failed).identity is None


# ── places that others took ──────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("way", ["deleted", "key changed"])
@pytest.mark.parametrize("nested", [False, True])
def test_who_took_the_place_of_one_that_comes_back_keeps_its_changes_and_they_are_not_written(
    session: Session, twins: tuple[Member, Member], rows: Callable[[str], list[Any]], way: str, nested: bool
) -> None:
    """Lines 6.5, 21.13: it is persistent still, and outside of the session."""
    first, second = twins
    if nested:
        session.begin_nested()
    if way == "deleted":
        session.delete(second)
    else:
        second.id = 7
    session.flush()
    session.add(first)
    first.age = 1
    marks = facts_of(session, Marked)
    session.rollback(to_root=not nested)
    assert second in session and first not in session and inspect(first).persistent
    assert not session.dirty and vars(first)["age"] == 1
    assert [(one.mark, one.subjects[0].key) for one in marks if one.mark == "displaced"] == [("displaced", "1")]
    session.commit()
    assert rows("SELECT id, age FROM member") == [(1, 36)]


def test_who_took_the_place_of_one_that_comes_back_keeps_what_a_statement_made_of_it(
    session: Session, twins: tuple[Member, Member]
) -> None:
    """Line 6.6: a rollback to a savepoint reaches those in the session only."""
    first, second = twins
    savepoint = session.begin_nested()
    second.id = 7
    session.flush()
    session.add(first)
    session.execute(update(Member).values(age=5))
    savepoint.rollback()
    assert second in session and first not in session
    with expect_statements(session, 0):
        assert first.age == 5


def test_an_object_displaced_under_its_new_key_has_no_changes_when_it_gets_back_the_old_one(session: Session) -> None:
    """Line 6.5"""
    ada = Member(id=1, name="Ada")
    session.add(ada)
    session.commit()
    ada.id = 7
    session.flush()
    session.execute(text("DELETE FROM member"))
    session.add(Member(id=7, name="Bob"))
    with pytest.warns(NbsessionWarning, match="conflicts with persistent instance"):
        session.flush()
    ada.name = "changed"
    assert ada not in session
    session.rollback()
    assert ada in session and not session.is_modified(ada) and not session.dirty and ada.name == "Ada"


def test_objects_whose_key_was_changed_leave_last(session: Session, told: list[tuple[str, Any]]) -> None:
    """Line 3.15: hooks hear of them in the order in which they took their places."""
    ada, bob = Member(name="Ada"), Member(name="Bob")
    for obj in (ada, bob):
        session.add(obj)
        session.flush()
    ada.id = 40
    session.flush()
    told.clear()
    session.close()
    assert told == [("persistent_to_detached", bob), ("persistent_to_detached", ada)]


# ── values ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_change_in_a_savepoint_that_was_never_flushed_leaves_the_inserted_values(session: Session) -> None:
    """Line 22.7: the savepoint's rollback expires the object, the transaction's makes it new again."""
    ada = Member(name="Ada", age=36)
    session.add(ada)
    savepoint = session.begin_nested()
    ada.age = 1
    savepoint.rollback()
    assert inspect(ada).expired
    session.rollback()
    assert inspect(ada).transient and (ada.name, ada.age) == ("Ada", 36)


def test_a_statement_in_a_savepoint_leaves_the_inserted_values(session: Session) -> None:
    """Line 22.7: though the object took what the statement wrote."""
    ada = Member(name="Ada", age=36)
    session.add(ada)
    savepoint = session.begin_nested()
    session.execute(update(Member).values(age=1))
    assert vars(ada)["age"] == 1
    savepoint.rollback()
    assert inspect(ada).expired
    session.rollback()
    assert inspect(ada).transient and (ada.name, ada.age) == ("Ada", 36)


def test_who_was_changed_and_deleted_in_a_savepoint_comes_back_as_its_row_is(session: Session) -> None:
    """Line 6.6: with no change of its own, be it made before the DELETE or after it."""
    before, after = Member(name="before", age=0), Member(name="after", age=0)
    session.add_all([before, after])
    session.commit()
    assert before.age == after.age == 0
    outer = session.begin_nested()
    with session.begin_nested():
        before.age = 1
        for obj in (before, after):
            session.delete(obj)
        session.flush()
        after.age = 2
    outer.rollback()
    assert inspect(before).persistent and inspect(after).persistent and not session.dirty
    assert (before.age, after.age) == (0, 0)


def test_who_is_new_again_belongs_to_no_session(session: Session, tables: Engine) -> None:
    """Lines 6.5, 12.1"""
    ada = Member(name="Ada")
    session.add(ada)
    session.flush()
    ada.name = "changed"
    session.rollback()
    session.add(ada)
    session.rollback()
    assert inspect(ada).transient and object_session(ada) is None
    with Session(tables) as other:
        other.add(ada)
        assert inspect(ada).pending and object_session(ada) is other


def test_who_was_deleted_and_left_before_a_close_is_deleted_once_afterwards(session: Session) -> None:
    """Line 14.1: whoever is deleted already stays so."""
    ada = Member(name="Ada")
    session.add(ada)
    session.commit()
    session.delete(ada)
    session.flush()
    session.expunge(ada)
    transaction = session.get_transaction()
    assert transaction is not None
    transaction.close()
    session.delete(ada)
    session.flush()
    session.delete(ada)
    assert inspect(ada).deleted and object_session(ada) is session


# ── several engines ──────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.fixture
def split(tables: Engine) -> Iterator[Session]:
    """A session that keeps members in one database and loans in another, whose commits are refused."""
    other = create_engine("sqlite://")
    Base.metadata.create_all(other)
    session = Session(binds={Member: tables, Loan: other})
    yield session
    session.close()
    other.dispose()


def refuse_commits(session: Session, of: Engine) -> None:
    """The connection to an engine refuses the next commit of the session."""
    session.connection(bind_arguments={"bind": of})

    def refuse(connection: Any) -> None:
        event.remove(of, "commit", refuse)
        raise RuntimeError("refused")

    event.listen(of, "commit", refuse)


def test_what_was_deleted_with_the_engine_that_refused_is_persistent_again(split: Session) -> None:
    """Line 22.16"""
    ada, loan = Member(name="Ada"), Loan(note="a")
    split.add_all([ada, loan])
    split.commit()
    split.delete(ada)
    split.flush()
    split.delete(loan)
    split.flush()
    refuse_commits(split, split.get_bind(Loan))
    with pytest.raises(RuntimeError, match="refused"):
        split.commit()
    split.rollback()
    assert inspect(ada).detached and inspect(loan).persistent and loan.note == "a"


def test_what_had_committed_stays_though_more_was_added_before_the_rollback(split: Session) -> None:
    """Line 22.16: what came after the failure is discarded; no row that is there loses its object."""
    ada, loan, late = Member(name="Ada"), Loan(note="a"), Member(name="late")
    split.add(ada)
    split.flush()
    split.add(loan)
    split.flush()
    refuse_commits(split, split.get_bind(Loan))
    with pytest.raises(RuntimeError, match="refused"):
        split.commit()
    split.add(late)
    with pytest.warns(match="non-active transaction"):
        split.rollback()
    assert inspect(ada).persistent and inspect(loan).transient and inspect(late).transient
    assert [one.name for one in split.query(Member)] == ["Ada"]


# ── what is looked at is not kept ────────────────────────────────────────────────────────────────────────────────────
def test_a_rollback_without_savepoints_leaves_what_left_the_session_alone(session: Session) -> None:
    """Line 12.1"""
    ada = Member(name="Ada")
    session.add(ada)
    session.commit()
    assert ada.name == "Ada"
    session.expunge(ada)
    with expect_statements(session, 0):
        session.rollback()
    assert vars(ada)["name"] == "Ada" and inspect(ada).detached
