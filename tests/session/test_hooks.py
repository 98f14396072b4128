"""Hooks: event.listen and its options, the session's events in their order, those about objects and about classes."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from nbsession import (
    ArgumentError,
    DeclarativeBase,
    Engine,
    InvalidRequestError,
    Mapped,
    Session,
    create_engine,
    delete,
    event,
    inspect,
    make_transient,
    mapped_column,
    scoped_session,
    sessionmaker,
    update,
)
from nbsession.mapping.listening import class_hooks
from nbsession.mapping.mapper import Mapper
from nbsession.session.hook_points import SESSION_EVENTS, HookPoints
from tests.session.models import Loan, Member


def note(target: Any, names: str, log: list[Any]) -> list[Any]:
    for name in names.split():
        event.listen(target, name, lambda *args, name=name: log.append(name))
    return log


# ── listen, remove, contains ─────────────────────────────────────────────────────────────────────────────────────────
def test_listening_and_its_end(session: Session) -> None:
    """Line 3.15."""
    log: list[str] = []

    def hook(session: Any) -> None:
        log.append("hook")

    event.listen(session, "before_commit", hook)
    event.listen(session, "before_commit", hook)  # again: once
    assert event.contains(session, "before_commit", hook)
    session.commit()
    event.remove(session, "before_commit", hook)
    assert not event.contains(session, "before_commit", hook)
    session.commit()
    assert log == ["hook"]
    with pytest.raises(InvalidRequestError, match="No listeners found for event"):
        event.remove(session, "before_commit", hook)


def test_once_insert_and_named(session: Session) -> None:
    """Line 3.15."""
    log: list[Any] = []
    event.listen(session, "before_commit", lambda s: log.append("second"))
    event.listen(session, "before_commit", lambda s: log.append("first"), insert=True)

    def single(s: Any) -> None:
        log.append("once")

    event.listen(session, "before_commit", single, once=True)
    assert event.contains(session, "before_commit", single)

    @event.listens_for(session, "after_soft_rollback", named=True)
    def rolled_back(**given: Any) -> None:
        log.append(sorted(given))

    session.commit()
    session.commit()
    session.connection()
    session.rollback()
    assert log == ["first", "second", "once", "first", "second", ["previous_transaction", "session"]]
    assert not event.contains(session, "before_commit", single)


def test_a_once_hook_may_be_removed_before_it_was_called(session: Session) -> None:
    """Line 3.15."""
    log: list[str] = []

    def single(s: Any) -> None:
        log.append("once")

    event.listen(session, "before_commit", single, once=True)
    event.remove(session, "before_commit", single)
    session.commit()
    assert log == []


def test_what_has_no_such_event(session: Session, tables: Engine) -> None:
    """Line 3.15."""
    for target in (session, Session, tables, Member):
        with pytest.raises(InvalidRequestError, match="No such event 'before_lunch'"):
            event.listen(target, "before_lunch", print)
    with pytest.raises(InvalidRequestError, match="No such event"):
        event.listen(object(), "before_commit", print)
    with pytest.raises(ArgumentError, match="propagate"):
        event.listen(tables, "begin", print, propagate=True)


def test_hooks_on_classes_factories_and_scoped_sessions(tables: Engine) -> None:
    """Lines 3.13, 3.15: those of the class come first; sessions that are there already hear too."""

    class Mine(Session):
        pass

    class Deeper(Mine):
        pass

    early = Deeper(tables)
    factory, other = sessionmaker(tables, class_=Mine), sessionmaker(tables)
    scoped = scoped_session(factory)
    log: list[str] = []
    event.listen(early, "before_commit", lambda s: log.append("early"))
    event.listen(Mine, "before_commit", lambda s: log.append("Mine"))
    event.listen(scoped, "before_commit", lambda s: log.append("scoped"))
    for session in (early, Session(tables), factory(), other(), scoped()):
        session.commit()
        session.close()
    assert log == ["Mine", "early", "Mine", "scoped", "Mine", "scoped"]
    scoped.remove()


def test_a_hook_may_veto(session: Session) -> None:
    """Lines 3.4, 3.12."""
    ada = Member(name="Ada")

    @event.listens_for(session, "before_flush")
    def refuse(session: Any, flush_context: Any, instances: Any) -> None:
        raise RuntimeError("not now")

    session.add(ada)
    with pytest.raises(RuntimeError, match="not now"):
        session.flush()
    assert ada in session.new and session.is_active


# ── the session's own, in order ──────────────────────────────────────────────────────────────────────────────────────
ALL = " ".join(name for name in SESSION_EVENTS if not name.startswith(("do_", "after_bulk")))


@pytest.fixture
def log(session: Session) -> list[str]:
    """The names of all hooks of the session, as they are called."""
    return note(session, ALL, [])


def taken(log: list[Any]) -> list[Any]:
    got = list(log)
    log.clear()
    return got


OPENED, ENDED = "after_transaction_create", "after_transaction_end"  # also of the bracket that a flush opens for itself


def test_add_flush_commit(session: Session, log: list[str]) -> None:
    """Lines 3.9, 3.10, 3.14, 3.15."""
    session.add(Member(name="Ada"))
    assert taken(log) == ["after_transaction_create", "before_attach", "after_attach", "transient_to_pending"]
    session.flush()
    saved = ["after_flush", "pending_to_persistent", "after_flush_postexec"]
    assert taken(log) == ["before_flush", OPENED, "after_begin", *saved, ENDED]
    session.commit()
    assert taken(log) == ["before_commit", "after_commit", "after_transaction_end"]


def test_a_flush_without_net_change_is_one(session: Session, log: list[str]) -> None:
    """Lines 9.7, 3.5."""
    ada = Member(name="Ada")
    session.add(ada)
    session.commit()
    session.refresh(ada)
    ada.name = "Ada"
    taken(log)
    session.flush()
    assert taken(log) == ["before_flush", OPENED, "after_flush", "after_flush_postexec", ENDED] and not session.dirty
    session.add(Member(name="Bob"))
    taken(log)
    session.flush([ada])
    assert taken(log) == ["before_flush"]
    session.rollback()
    taken(log)
    session.flush()
    assert taken(log) == []


def test_rollback_and_close(session: Session, log: list[str]) -> None:
    """Lines 3.3, 3.14, 6.3."""
    session.rollback()
    assert taken(log) == []
    ada = Member(name="Ada")
    session.add(ada)
    session.flush()
    taken(log)
    session.rollback()
    assert taken(log) == [
        "after_rollback",
        "persistent_to_transient",
        "after_transaction_end",
        "after_soft_rollback",
    ]
    session.connection()
    taken(log)
    session.close()
    assert taken(log) == ["after_transaction_end"]


def test_savepoints(session: Session, log: list[str]) -> None:
    """Line 3.11: after_begin comes when the savepoint is first used, as with SQLAlchemy."""
    session.connection()
    taken(log)
    with session.begin_nested():
        assert taken(log) == ["after_transaction_create"]
        session.connection()
        assert taken(log) == ["after_begin"]
    assert taken(log) == ["before_commit", "after_commit", "after_transaction_end"]
    session.begin_nested()
    taken(log)
    session.rollback()
    one = ["after_rollback", "after_transaction_end", "after_soft_rollback"]
    assert taken(log) == one + one
    session.begin_nested()
    taken(log)
    session.commit()
    one = ["before_commit", "after_commit", "after_transaction_end"]
    assert taken(log) == one + one


def test_a_failing_flush(session: Session, log: list[str]) -> None:
    """Line 3.12: after_rollback once; the rollback() that follows only closes."""
    session.add(Member(id=1, name="Ada"))
    session.commit()
    session.expunge_all()
    session.add(Member(id=1, name="again"))
    taken(log)
    with pytest.raises(Exception, match=r"(?i)constraint"):
        session.flush()
    assert taken(log) == [
        "before_flush",
        OPENED,
        "after_begin",
        "after_rollback",
        "pending_to_transient",
        ENDED,
        "after_soft_rollback",
    ]
    session.rollback()
    assert taken(log) == ["after_transaction_end", "after_soft_rollback"]


def test_an_object_made_dirty_in_before_flush_is_sent(session: Session) -> None:
    """Line 3.4."""
    ada, bob = Member(name="Ada"), Member(name="Bob")
    session.add_all([ada, bob])
    session.commit()

    @event.listens_for(session, "before_flush")
    def change(session: Any, flush_context: Any, instances: Any) -> None:
        bob.age = 7

    ada.age = 3
    session.commit()
    assert bob.age == 7 and not session.dirty


def test_no_sql_between_the_commit_and_its_end(session: Session) -> None:
    """Lines 3.2, 4.15."""
    seen: list[str] = []

    @event.listens_for(session, "after_commit")
    def ask(session: Any) -> None:
        with pytest.raises(
            InvalidRequestError, match="no further SQL can be emitted within this transaction"
        ) as refused:
            session.connection()
        seen.append(str(refused.value))

    session.commit()
    assert "'committed' state" in seen[0] and not session.in_transaction()


# ── objects ──────────────────────────────────────────────────────────────────────────────────────────────────────────
LIFE = [name for name in SESSION_EVENTS if "_to_" in name or name == "loaded_as_persistent"]


def test_the_life_of_an_object(session: Session) -> None:
    """Lines 3.15, 14.8, 12.1, 12.4."""
    log: list[str] = []
    note(session, " ".join(LIFE), log)
    ada = Member(name="Ada")
    session.add(ada)
    session.expunge(ada)
    assert taken(log) == ["transient_to_pending", "pending_to_transient"]
    session.add(ada)
    session.commit()
    assert taken(log) == ["transient_to_pending", "pending_to_persistent"]
    session.expunge(ada)
    session.add(ada)
    assert taken(log) == ["persistent_to_detached", "detached_to_persistent"]
    session.delete(ada)
    session.flush()
    session.rollback()
    assert taken(log) == ["persistent_to_deleted", "deleted_to_persistent"]
    session.delete(ada)
    session.commit()
    assert taken(log) == ["persistent_to_deleted", "deleted_to_detached"]
    bob = Member(name="Bob")
    session.add(bob)
    session.flush()
    session.delete(bob)
    session.flush()
    taken(log)
    session.rollback()
    assert taken(log) == ["deleted_to_detached"] and inspect(bob).transient
    session.add(bob)
    session.commit()
    session.expunge_all()
    taken(log)
    again = session.query(Member).one()
    session.refresh(again)
    assert taken(log) == ["loaded_as_persistent"]
    make_transient(again)
    assert taken(log) == ["persistent_to_detached"]


def test_before_attach_may_refuse(session: Session) -> None:
    """Line 3.15."""

    @event.listens_for(session, "before_attach")
    def refuse(session: Any, instance: Any) -> None:
        assert inspect(instance).session is None
        raise RuntimeError("not here")

    ada = Member(name="Ada")
    with pytest.raises(RuntimeError, match="not here"):
        session.add(ada)
    assert inspect(ada).transient and ada not in session


def test_members_of_a_cascade_are_attached_one_by_one(session: Session) -> None:
    """Line 3.15."""
    seen: list[Any] = []
    event.listen(session, "after_attach", lambda session, instance: seen.append(instance))
    ada = Member(name="Ada", loans=[Loan(), Loan()])
    session.add(ada)
    assert seen == [ada, *ada.loans]


def test_nothing_is_asked_while_nobody_listens(session: Session) -> None:
    """Line 3.15: the count that says so goes up and down with the hooks."""
    before = HookPoints.about_objects
    event.listen(session, "transient_to_pending", print)
    assert HookPoints.about_objects == before + 1
    event.remove(session, "transient_to_pending", print)
    assert HookPoints.about_objects == before


# ── classes ──────────────────────────────────────────────────────────────────────────────────────────────────────────
class PickleBase(DeclarativeBase):
    pass


class Pickled(PickleBase):
    __tablename__ = "pickled"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None]


@pytest.fixture
def listening() -> Any:
    """``listening(target, name, fn)``: listens until the end of the test."""
    done: list[Any] = []
    before = class_hooks.count

    def listen(target: Any, name: str, fn: Any, **options: Any) -> None:
        event.listen(target, name, fn, **options)
        done.append((target, name, fn))

    yield listen
    for target, name, fn in done:
        if event.contains(target, name, fn):
            event.remove(target, name, fn)
    assert class_hooks.count == before


def test_construction(session: Session, listening: Any) -> None:
    """Line 3.15: init sees the object before its constructor, and may let it into a session."""
    log: list[Any] = []
    firsts: list[Any] = []

    class Base(DeclarativeBase):
        pass

    class Fresh(Base):
        __tablename__ = "fresh"
        id: Mapped[int] = mapped_column(primary_key=True)

    listening(Fresh, "first_init", lambda manager, cls: firsts.append((manager.class_, cls)))
    Fresh()
    Fresh()
    assert firsts == [(Fresh, Fresh)]

    def enter(target: Any, args: Any, kwargs: Any) -> None:
        log.append(dict(kwargs))
        session.add(target)

    listening(Member, "init", enter)
    listening(Member, "init_failure", lambda target, args, kwargs: log.append("failed"))
    ada = Member(name="Ada")
    Member(name="Bob")
    assert log == [{"name": "Ada"}, {"name": "Bob"}]
    assert ada in session.new and ada.name == "Ada"
    with pytest.raises(TypeError):
        Member(nonsense=1)
    assert log[-1] == "failed"
    session.expunge_all()


def test_rows_written(session: Session, listening: Any) -> None:
    """Line 3.15: before_insert and before_update may change what is sent."""
    log: list[Any] = []

    def stamp(mapper: Any, connection: Any, target: Any) -> None:
        assert connection is session.connection()
        log.append((mapper.class_.__name__, target.name))
        target.age = (target.age or 0) + 1

    listening(Member, "before_insert", stamp)
    listening(Member, "before_update", stamp)
    for name in ("after_insert", "after_update", "before_delete", "after_delete"):
        listening(Member, name, lambda mapper, connection, target, name=name: log.append(name))
    ada = Member(name="Ada")
    session.add(ada)
    session.flush()
    assert ada.age == 1 and taken(log) == [("Member", "Ada"), "after_insert"]
    ada.name = "Ada L."
    session.commit()
    assert ada.age == 2 and taken(log) == [("Member", "Ada L."), "after_update"]
    assert session.connection().exec_driver_sql("SELECT age FROM member").scalar() == 2
    session.delete(ada)
    session.flush()
    assert taken(log) == ["before_delete", "after_delete"]


def test_loading_refreshing_expiring(session: Session, listening: Any) -> None:
    """Line 3.15."""
    session.add(Member(name="Ada"))
    session.commit()
    session.expunge_all()
    log: list[Any] = []
    listening(Member, "load", lambda target, context: log.append(("load", target.name, context.session is session)))
    listening(Member, "refresh", lambda target, context, attrs: log.append(("refresh", sorted(attrs or ()))))
    listening(Member, "expire", lambda target, attrs: log.append(("expire", attrs)))
    ada = session.query(Member).one()
    assert taken(log) == [("load", "Ada", True)]
    session.expire(ada)
    session.expire(ada, ["name"])
    assert taken(log) == [("expire", None), ("expire", ["name"])]
    assert ada.name == "Ada"
    assert taken(log) == [("refresh", ["age", "id", "name"])]
    session.query(Member).one()
    assert log == []


def test_pickling(listening: Any) -> None:
    """Line 3.15."""
    log: list[str] = []
    listening(Pickled, "pickle", lambda target, state_dict: log.append("pickle"))
    listening(Pickled, "unpickle", lambda target, state_dict: log.append(f"unpickle {target.name}"))
    pickle.loads(pickle.dumps(Pickled(name="Ada")))
    assert log == ["pickle", "unpickle Ada"]


def test_a_pickled_object_keeps_its_changes(engine: Engine) -> None:
    """Line 21.18."""
    PickleBase.metadata.create_all(engine)
    session = Session(engine)
    session.add(Pickled(id=1, name="Ada"))
    session.commit()
    ada = session.get(Pickled, 1)
    assert ada.name == "Ada"
    ada.name = "Ada L."
    twin = pickle.loads(pickle.dumps(ada))
    assert inspect(twin).detached and inspect(twin).modified
    assert inspect(twin).attrs.name.history == (["Ada L."], (), ["Ada"])
    session.close()
    session.add(twin)
    session.commit()
    assert session.connection().exec_driver_sql("SELECT name FROM pickled").scalar() == "Ada L."
    session.close()


def test_every_class_and_those_that_inherit(session: Session, listening: Any) -> None:
    """Line 3.15."""
    from tests.session.models import Base

    log: list[str] = []
    listening(Mapper, "before_insert", lambda mapper, connection, target: log.append("every"))
    listening(Base, "before_insert", lambda mapper, connection, target: log.append("base"), propagate=True)
    listening(inspect(Member), "before_insert", lambda mapper, connection, target: log.append("first"), insert=True)
    listening(Loan, "before_insert", lambda mapper, connection, target: log.append("loan"))
    session.add(Member(name="Ada"))
    session.flush()
    assert log == ["first", "every", "base"]


def test_configuring(listening: Any) -> None:
    """Line 3.15."""
    log: list[Any] = []

    class Base(DeclarativeBase):
        pass

    listening(Mapper, "mapper_configured", lambda mapper, class_: log.append(class_.__name__))
    listening(Mapper, "before_configured", lambda: log.append("before"))
    listening(Mapper, "after_configured", lambda: log.append("after"))

    class Thing(Base):
        __tablename__ = "thing"
        id: Mapped[int] = mapped_column(primary_key=True)

    Thing()
    Thing()
    assert log == ["before", "Thing", "after"]


# ── attributes, statements, engines ──────────────────────────────────────────────────────────────────────────────────
def test_attributes(session: Session) -> None:
    """Line 3.15: set, append and remove, with a value of the hook's own."""
    log: list[Any] = []

    def shout(target: Any, value: Any, oldvalue: Any, initiator: Any) -> Any:
        log.append((value, initiator.key))
        return value.upper()

    def note_change(**given: Any) -> None:
        log.append((sorted(given), given["value"]))

    event.listen(Member.name, "set", shout, retval=True)
    event.listen(Member.loans, "append", note_change, named=True)
    event.listen(Member.loans, "remove", note_change, named=True, once=True)
    try:
        assert event.contains(Member.name, "set", shout)
        ada, loan = Member(name="ada"), Loan()
        assert ada.name == "ADA" and taken(log) == [("ada", "name")]
        ada.loans.append(loan)
        ada.loans.remove(loan)
        ada.loans.append(loan)
        ada.loans.remove(loan)
        change = (["initiator", "target", "value"], loan)
        assert taken(log) == [change, change, change]
    finally:
        event.remove(Member.name, "set", shout)
        event.remove(Member.loans, "append", note_change)
    assert Member(name="bob").name == "bob" and not event.contains(Member.loans, "remove", note_change)
    with pytest.raises(InvalidRequestError, match="No such event 'before_lunch'"):
        event.listen(Member.name, "before_lunch", print)
    with pytest.raises(ArgumentError, match="are for attributes"):
        event.listen(session, "before_flush", print, retval=True)
    with pytest.raises(ArgumentError, match="insert=True is not for attributes"):
        event.listen(Member.name, "set", print, insert=True)


def test_updates_and_deletes_of_many_rows(session: Session) -> None:
    """Line 3.15."""
    log: list[Any] = []
    for name in ("after_bulk_update", "after_bulk_delete"):
        event.listen(
            session, name, lambda context, name=name: log.append((name, context.mapper, context.result.rowcount))
        )
    session.add_all([Member(name="Ada"), Member(name="Bob")])
    session.flush()
    session.execute(update(Member).values(age=1))
    session.execute(delete(Member).where(Member.name == "Bob"))
    mapper = inspect(Member)
    assert log == [("after_bulk_update", mapper, 2), ("after_bulk_delete", mapper, 1)]


def test_every_engine(tables: Engine) -> None:
    """Line 3.15: hooks on the class are those of every engine, there already or made later."""
    log: list[Any] = []

    def begun(conn: Any) -> None:
        log.append(conn.engine)

    event.listen(Engine, "begin", begun)
    later = create_engine("sqlite://")
    try:
        for engine in (tables, later):
            with engine.begin():
                pass
        assert log == [tables, later] and event.contains(later, "begin", begun)
    finally:
        event.remove(Engine, "begin", begun)
    with later.begin():
        pass
    assert log == [tables, later] and not event.contains(create_engine("sqlite://"), "begin", begun)
