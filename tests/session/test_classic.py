"""The names of 2007: save, update, save_or_update, clear, load, prune, close_all, create_session, extensions, echo_uow."""

from __future__ import annotations

import gc
import logging
from typing import Any

import pytest

from nbsession import (
    Engine,
    InvalidRequestError,
    Query,
    Session,
    SessionExtension,
    UnmappedInstanceError,
    create_session,
    expire_instance,
    inspect,
    object_session,
    sessionmaker,
    text,
)
from tests.session.models import Member
from tests.support import expect_statements


# ── save, update ─────────────────────────────────────────────────────────────────────────────────────────────────────
def test_save_takes_new_objects_only(session: Session) -> None:
    """Lines 13.1, 13.2."""
    ada = Member(name="Ada")
    session.save(ada)
    session.save(ada)
    assert list(session.new) == [ada]
    session.flush()
    with pytest.raises(InvalidRequestError, match="is already persistent"):
        session.save(ada)
    session.expunge(ada)
    with pytest.raises(InvalidRequestError, match="is already persistent"):
        session.save(ada)


def test_update_takes_objects_that_have_a_row(session: Session) -> None:
    """Lines 13.3, 13.8."""
    ada = Member(name="Ada")
    with pytest.raises(InvalidRequestError, match="is not persisted"):
        session.update(ada)
    session.add(ada)
    with pytest.raises(InvalidRequestError, match="is not persisted"):
        session.update(ada)
    session.commit()
    session.refresh(ada)
    session.update(ada)
    session.expunge(ada)
    other = session.get(Member, ada.id)
    with pytest.raises(InvalidRequestError, match="a different instance with the same identity key already exists"):
        session.update(ada)
    session.expunge(other)
    ada.name = "Ada L."
    session.update(ada)
    assert ada in session.dirty


def test_update_cancels_a_deletion(session: Session) -> None:
    """Line 13.4."""
    ada = Member(name="Ada")
    session.add(ada)
    session.flush()
    session.delete(ada)
    session.update(ada)
    assert ada not in session.deleted


def test_save_or_update_chooses_by_key(session: Session) -> None:
    """Line 13.5."""
    ada = Member(name="Ada")
    session.save_or_update(ada)
    assert ada in session.new
    session.flush()
    session.expunge(ada)
    session.save_or_update(ada)
    assert inspect(ada).persistent


@pytest.mark.parametrize("method", ["save", "update", "save_or_update"])
def test_they_refuse_what_is_not_mapped(session: Session, method: str) -> None:
    """Line 13.9."""
    for bad in (None, "text", object(), Member):
        with pytest.raises(UnmappedInstanceError):
            getattr(session, method)(bad)


def test_saving_into_a_second_session_is_refused(session: Session, tables: Engine) -> None:
    """Line 13.7."""
    ada = Member(name="Ada")
    session.save(ada)
    with Session(tables) as other, pytest.raises(InvalidRequestError, match="is already attached to session"):
        other.save(ada)


# ── clear, load, prune, close_all ────────────────────────────────────────────────────────────────────────────────────
def test_clear_empties_the_session_and_keeps_its_map(session: Session) -> None:
    """Lines 6.14, 5.10."""
    gone, new, kept = Member(name="gone"), Member(name="new"), Member(name="kept")
    session.add_all([gone, kept])
    session.commit()
    session.delete(gone)
    session.flush()
    session.add(new)
    before = session.identity_map
    session.clear()
    assert [inspect(x).state.value for x in (gone, new, kept)] == ["deleted", "transient", "detached"]
    assert session.identity_map is before and not before and session.in_transaction()


def test_load_always_selects(session: Session) -> None:
    """Lines 8.6, 23.5: the object's changes are lost, the others' are not flushed."""
    ada, bob = Member(name="Ada"), Member(name="Bob")
    session.add_all([ada, bob])
    session.commit()
    ident = ada.id
    ada.name, bob.name = "changed", "changed too"
    with expect_statements(session, 1):
        assert session.load(Member, ident) is ada
    assert ada.name == "Ada" and ada not in session.dirty and bob in session.dirty
    with pytest.raises(InvalidRequestError, match="No instance found for identity"):
        session.load(Member, 99)


def test_prune_lets_go_of_unchanged_objects_that_nobody_holds(tables: Engine) -> None:
    """Lines 5.6, 11.1, 11.2, 11.3, 11.4: clean ones, none that is held, modified or marked."""
    session = Session(tables, weak_identity_map=False)
    for number in range(10):
        held = Member(id=number + 1, name=f"m{number}")
        session.add(held)
    gc.collect()
    session.flush()
    assert len(session.identity_map) == 10
    assert session.prune() == 9 and len(session.identity_map) == 1
    del held
    assert session.prune() == 1 and len(session.identity_map) == 0
    held = session.get(Member, 5)
    held.name = "changed"
    del held
    assert session.prune() == 0 and len(session.dirty) == 1
    session.flush()
    assert session.prune() == 1
    held = session.get(Member, 5)
    session.delete(held)
    del held
    assert session.prune() == 0 and len(session.deleted) == 1
    session.flush()
    assert len(session.identity_map) == 0
    session.close()


def test_prune_of_a_weak_map_is_nothing(session: Session) -> None:
    """Lines 11.1, 11.5."""
    session.add(Member(name="Ada"))
    session.flush()
    assert session.prune() == 0


def test_close_all_closes_every_session(tables: Engine) -> None:
    """Line 6.13."""
    one, two = Session(tables), create_session(tables)
    ada, bob = Member(name="Ada"), Member(name="Bob")
    one.add(ada)
    two.add(bob)
    Session.close_all()
    assert inspect(ada).transient and inspect(bob).transient and not one.in_transaction()


def test_object_session_on_the_class(session: Session) -> None:
    """Lines 17.1, 17.2."""
    ada = Member(name="Ada")
    assert Session.object_session(ada) is None
    session.add(ada)
    session.flush()
    assert Session.object_session(ada) is session is object_session(ada)
    session.delete(ada)
    session.flush()
    assert Session.object_session(ada) is session
    session.expunge(ada)
    assert Session.object_session(ada) is None
    with pytest.raises(UnmappedInstanceError):
        Session.object_session(object())


def test_create_session_keeps_the_pair_of_2007(tables: Engine) -> None:
    """Line 1.2."""
    session = create_session(tables)
    assert type(session) is Session and not session.autoflush and not session.transactional
    assert create_session(tables, transactional=True, autoflush=True).autoflush
    session.close()


def test_expire_instance_forgets_one_object(session: Session) -> None:
    """Lines 10.17, 1.1."""
    ada, bob = Member(name="Ada"), Member(name="Bob")
    session.add_all([ada, bob])
    session.flush()
    ada.name = "changed"
    expire_instance(ada, [])
    assert "name" in inspect(ada).unloaded and ada not in session.dirty and ada.name == "Ada"
    expire_instance(bob, ["name"])
    assert inspect(bob).unloaded >= {"name"} and "id" not in inspect(bob).unloaded
    with pytest.raises(InvalidRequestError, match="has no row"):
        expire_instance(Member(name="new"))


def test_is_modified_takes_passive_and_loads_nothing(session: Session) -> None:
    """Lines 17.7, 23.7."""
    ada = Member(name="Ada")
    session.add(ada)
    session.commit()
    with expect_statements(session, 0):
        assert not session.is_modified(ada, passive=True) and not session.is_modified(ada, passive=False)


def test_execute_takes_the_mapper_that_decides(tables: Engine) -> None:
    """Lines 7.2, 7.3, 7.5, 23.7."""
    session = Session(binds={Member: tables})
    session.execute("INSERT INTO member (id, name) VALUES (:i, :n)", {"i": 1, "n": "Ada"}, mapper=Member)
    assert session.scalar("SELECT name FROM member WHERE id = :i", {"i": 1}, mapper=Member) == "Ada"
    assert session.connection(Member) is session.connection(mapper=Member) is session.connection({"mapper": Member})
    session.close()


def test_query_cls(tables: Engine) -> None:
    """Lines 8.1, 23.7."""

    class Mine(Query):
        pass

    session = Session(tables, query_cls=Mine)
    assert type(session.query(Member)) is Mine
    session.close()


# ── extensions ───────────────────────────────────────────────────────────────────────────────────────────────────────
class Noting(SessionExtension):
    """Notes the six."""

    def __init__(self) -> None:
        self.log: list[Any] = []

    def before_commit(self, session: Any) -> None:
        self.log.append("before_commit")

    def after_commit(self, session: Any) -> None:
        self.log.append("after_commit")

    def after_rollback(self, session: Any) -> None:
        self.log.append("after_rollback")

    def before_flush(self, session: Any, flush_context: Any, objects: Any) -> None:
        self.log.append(("before_flush", objects))

    def after_flush(self, session: Any, flush_context: Any) -> None:
        self.log.append(("after_flush", len(session.new)))

    def after_flush_postexec(self, session: Any, flush_context: Any) -> None:
        self.log.append(("after_flush_postexec", len(session.new)))


def test_the_six_in_order(tables: Engine) -> None:
    """Lines 3.1, 3.2, 3.3, 3.4, 3.6, 3.7, 3.10, 5.9."""
    noting = Noting()
    session = Session(tables, extension=noting)
    assert session.extension is noting
    session.add(Member(name="Ada"))
    session.commit()
    assert noting.log == [
        "before_commit",
        ("before_flush", None),
        ("after_flush", 1),
        ("after_flush_postexec", 0),
        "after_commit",
    ]
    noting.log.clear()
    ada = session.query(Member).one()
    ada.name = "Ada L."
    session.flush([ada])
    session.rollback()
    assert noting.log == [("before_flush", [ada]), ("after_flush", 0), ("after_flush_postexec", 0), "after_rollback"]
    session.close()


def test_several_extensions_in_order_and_one_for_several_sessions(tables: Engine) -> None:
    """Lines 3.13, 3.14: a partial one is fine, and so is anything that has some of the six."""
    order: list[str] = []

    class Partial(SessionExtension):
        def before_commit(self, session: Any) -> None:
            order.append("partial")

    class Duck:
        def before_commit(self, session: Any) -> None:
            order.append("duck")

    both = [Partial(), Duck()]
    factory = sessionmaker(tables)
    earlier = factory()
    factory.configure(extension=both)
    for session in (earlier, factory(), Session(tables, extension=both)):
        session.commit()
        session.close()
    assert order == ["partial", "duck"] * 2


# ── the log ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_echo_uow_logs_one_session(tables: Engine, caplog: pytest.LogCaptureFixture) -> None:
    """Lines 5.5, 20.4, 23.9."""
    caplog.set_level(logging.DEBUG, logger="nbsession.unitofwork")
    loud, quiet = Session(tables, echo_uow=True), Session(tables)
    assert loud.echo_uow and not quiet.echo_uow
    quiet.add(Member(name="Bob"))
    quiet.flush()
    quiet.rollback()
    assert not caplog.records
    loud.add(Member(name="Ada"))
    loud.flush()
    told = [record.getMessage() for record in caplog.records]
    number = loud.hash_key
    assert f"session {number}: Member ×1: transient → pending (session.add)" in told
    assert any(line.startswith(f"session {number}:   1. INSERT member") for line in told)
    assert f"session {number}: flush done" in told
    caplog.clear()
    loud.echo_uow = False
    loud.add(Member(name="Cy"))
    assert not caplog.records
    quiet.close()
    loud.close()


def test_text_is_run_as_it_is(session: Session) -> None:
    """Line 7.5."""
    assert session.execute("SELECT :x", {"x": 3}).scalar() == session.scalar(text("SELECT 3"))
