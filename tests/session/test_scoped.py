"""scoped_session: one session per thread or scope, its proxies, its mapper; sessionmaker; threads and one session."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from nbsession import (
    Column,
    Engine,
    Integer,
    InvalidRequestError,
    MetaData,
    Query,
    SAWarning,
    Session,
    String,
    Table,
    close_all_sessions,
    event,
    inspect,
    scoped_session,
    sessionmaker,
)
from nbsession.mapping.listening import class_hooks
from tests.session.models import Member


@pytest.fixture
def scoped(tables: Engine) -> Any:
    made = scoped_session(sessionmaker(tables))
    yield made
    made.remove()


def in_thread(work: Any) -> Any:
    """Runs something in another thread; gives its result, or raises what it raised."""
    done: list[Any] = []

    def run() -> None:
        try:
            done.append((work(), None))
        except Exception as error:
            done.append((None, error))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    result, error = done[0]
    if error is not None:
        raise error
    return result


# ── scoped_session ───────────────────────────────────────────────────────────────────────────────────────────────────
def test_one_session_a_thread(scoped: Any) -> None:
    """Line 20.2."""
    mine = scoped()
    assert scoped() is mine is scoped.registry() and scoped.registry.has()
    assert in_thread(lambda: (scoped() is mine, scoped() is scoped(), scoped.remove())) == (False, True, None)
    ada = Member(name="Ada")
    scoped.add(ada)
    scoped.remove()
    assert inspect(ada).transient and not scoped.registry.has() and scoped() is not mine


def test_a_scope_of_ones_own(tables: Engine) -> None:
    """Line 20.2."""
    scope = "a"
    scoped = scoped_session(sessionmaker(tables), scopefunc=lambda: scope)
    first = scoped()
    scope = "b"
    second = scoped()
    assert first is not second and isinstance(second, Session)
    scope = "a"
    assert scoped() is first
    scoped.remove()
    assert not scoped.registry.has()
    scope = "b"
    assert scoped.registry.has()
    scoped.registry.set(first)
    assert scoped() is first
    scoped.remove()


def test_arguments_are_for_the_first_call(scoped: Any) -> None:
    """Line 20.2."""
    assert scoped(autoflush=False).autoflush is False
    with pytest.raises(
        InvalidRequestError, match="Scoped session is already present; no new arguments may be specified"
    ):
        scoped(autoflush=True)


def test_every_method_and_attribute_is_there(scoped: Any) -> None:
    """Line 20.2."""
    session = scoped()
    for name in dir(Session):
        if not name.startswith("_") and name != "class_hooks":
            assert hasattr(scoped, name), name
    ada = Member(name="Ada")
    scoped.add(ada)
    assert ada in scoped and list(scoped) == [ada] and list(scoped.new) == [ada]
    with scoped.no_autoflush:
        assert session.autoflush is False
    scoped.autoflush = False
    assert session.autoflush is False and scoped.bind is session.bind and scoped.is_active
    scoped.flush()
    assert scoped.identity_map is session.identity_map and len(scoped.identity_map) == 1
    assert scoped.object_session(ada) is session
    assert scoped.identity_key(Member, 1) == (Member, (1,), None)
    scoped.close_all()
    assert inspect(ada).detached


def test_configure_is_for_later_sessions(scoped: Any) -> None:
    """Lines 20.2, 2.4."""
    scoped.configure(autoflush=False)
    assert scoped().autoflush is False
    with pytest.warns(SAWarning, match="At least one scoped session is already present"):
        scoped.configure(autoflush=True)
    assert scoped().autoflush is False


def test_query_property(scoped: Any) -> None:
    """Line 20.2."""

    class Mine(Query):
        pass

    scoped.add(Member(name="Ada"))

    Member.query = scoped.query_property()  # type: ignore[attr-defined]
    Member.mine = scoped.query_property(Mine)  # type: ignore[attr-defined]
    try:
        assert Member.query.filter_by(name="Ada").one().name == "Ada"  # type: ignore[attr-defined]
        assert type(Member.mine) is Mine  # type: ignore[attr-defined]
    finally:
        del Member.query, Member.mine  # type: ignore[attr-defined]


def test_its_mapper_saves_what_is_made(engine: Engine) -> None:
    """Lines 20.2, 23.6, 23.11."""
    metadata = MetaData()
    things = Table("things", metadata, Column("id", Integer, primary_key=True), Column("name", String(20)))
    metadata.create_all(engine)

    class Thing:
        def __init__(self, name: str) -> None:
            self.name = name

    class Quiet:
        pass

    before = class_hooks.count
    scoped = scoped_session(sessionmaker(engine))
    scoped.mapper(Thing, things)
    try:
        thing = Thing("hammer")
        assert thing in scoped.new
        scoped.commit()
        assert Thing.query.filter_by(name="hammer").one() is thing  # type: ignore[attr-defined]
        inspect(Thing).registry.dispose()
        scoped.mapper(Quiet, things, save_on_init=False)
        assert Quiet() not in scoped and class_hooks.count == before
    finally:
        scoped.remove()
        inspect(Quiet).registry.dispose()


# ── sessionmaker ─────────────────────────────────────────────────────────────────────────────────────────────────────
def test_sessionmaker_makes_a_subclass(tables: Engine) -> None:
    """Lines 2.1, 2.2, 2.3, 2.6, 2.7."""
    seen: list[Any] = []

    class Mine(Session):
        def __init__(self, *args: Any, **options: Any) -> None:
            seen.append(options)
            super().__init__(*args, **options)

    factory = sessionmaker(tables, class_=Mine, autoflush=False)
    assert issubclass(factory, Mine)
    session = factory(expire_on_commit=False)
    assert isinstance(session, factory) and seen == [{"bind": tables, "autoflush": False, "expire_on_commit": False}]
    assert factory(autoflush=True).autoflush and factory(None).bind is None
    with pytest.raises(TypeError):
        factory(tables, True)


def test_configure_reaches_later_sessions_and_subclasses(tables: Engine) -> None:
    """Lines 2.4, 2.5, 2.8."""
    binds = {Member: tables}
    factory, other = sessionmaker(binds=binds), sessionmaker()

    class Derived(factory):  # type: ignore[misc,valid-type]
        pass

    early = factory()
    factory.configure(autoflush=False, nonsense=1)
    assert early.autoflush and other().autoflush and factory.kw["autoflush"] is False
    with pytest.raises(TypeError, match="nonsense"):
        factory()
    del factory.kw["nonsense"]
    assert not Derived().autoflush
    Derived().bind_mapper(Member, None)
    assert binds == {Member: tables}


def test_close_all_sessions(tables: Engine) -> None:
    """Line 6.13."""
    session = sessionmaker(tables)()
    ada = Member(name="Ada")
    session.add(ada)
    close_all_sessions()
    assert inspect(ada).transient


# ── threads ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_second_thread_keeps_its_hands_off_a_flush(session: Session) -> None:
    """Lines 4.16, 23.8, 9.8."""
    bob = Member(name="Bob")
    session.add(bob)
    session.commit()
    name = bob.name
    refused: list[str] = []
    deeds = {
        "flush": lambda: session.flush(),
        "add": lambda: session.add(Member(name="Cy")),
        "change": lambda: setattr(bob, "name", "Bobby"),
        "delete": lambda: session.delete(bob),
        "commit": lambda: session.commit(),
        "rollback": lambda: session.rollback(),
        "close": lambda: session.close(),
    }

    @event.listens_for(session, "after_flush")
    def meanwhile(session: Any, flush_context: Any) -> None:
        for deed in deeds:
            try:
                in_thread(deeds[deed])
            except InvalidRequestError as error:
                assert "Session is already flushing, in another thread" in str(error)
                refused.append(deed)

    session.add(Member(name="Ada"))
    session.flush()
    assert refused == list(deeds)
    session.commit()
    assert bob.name == name and session.query(Member).count() == 2


def test_a_flush_within_a_flush_is_refused(session: Session) -> None:
    """Lines 9.8, 4.16."""
    told: list[str] = []

    @event.listens_for(session, "after_flush")
    def again(session: Any, flush_context: Any) -> None:
        with pytest.raises(InvalidRequestError, match="Session is already flushing"):
            session.flush()
        told.append("refused")

    session.add(Member(name="Ada"))
    session.flush()
    assert told == ["refused"]


def test_a_session_that_is_only_read_may_be_shared(file_engine: Engine) -> None:
    """Line 23.8."""
    session = Session(file_engine)
    session.add(Member(name="Ada"))
    session.commit()
    ada = session.query(Member).one()
    assert in_thread(lambda: (session.get(Member, ada.id) is ada, ada.name)) == (True, "Ada")
    session.close()
