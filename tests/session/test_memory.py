"""What a session holds, and that it lets go: of objects, of rows, of itself."""

from __future__ import annotations

import gc
import threading
import weakref
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from nbsession import (
    Engine,
    IntegrityError,
    Session,
    SessionExtension,
    event,
    inspect,
    scoped_session,
    select,
    sessionmaker,
)
from nbsession.session import core
from nbsession.session.load import pause
from nbsession.tracking.identity import PURGE_AT
from tests.session.models import Loan, Member, Node, Shelf, Tool


@pytest.fixture
def no_collector() -> Iterator[None]:
    """What is freed in the test is freed by reference counting."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def load(session: Session) -> None:
    assert session.query(Tool).all() and session.get(Member, 1) and session.scalars(select(Tool.name)).all()


def change(session: Session) -> None:
    session.get(Tool, 1).name = "changed"
    session.add(Tool(name="new"))
    session.flush()


def commit(session: Session) -> None:
    session.get(Tool, 1).name = "changed"
    session.commit()


def roll_back(session: Session) -> None:
    session.add(Tool(name="lost"))
    session.flush()
    session.rollback()


def savepoints(session: Session) -> None:
    with session.begin_nested() as lost:
        session.add(Tool(name="lost"))
        session.flush()
        lost.rollback()
    with session.begin_nested():
        session.get(Tool, 1).name = "changed"
    session.rollback()


def fail(session: Session) -> None:
    session.add(Member(name=None))
    with pytest.raises(IntegrityError):
        session.flush()
    session.rollback()


def fail_in_a_savepoint(session: Session) -> None:
    with pytest.raises(IntegrityError), session.begin_nested():
        session.add(Member(name=None))
    session.rollback()


def listen(session: Session) -> None:
    seen: list[object] = []
    event.listen(session, "before_flush", lambda s, context, objects: seen.append(objects))
    session.subscribe(seen.append)
    session.add(Tool(name="new"))
    session.flush()


def merge(session: Session) -> None:
    session.merge(Tool(id=1, name="merged"))
    session.flush()


def delete(session: Session) -> None:
    tool = Tool(name="new")
    session.add(tool)
    session.flush()
    session.delete(tool)
    session.flush()


def expire(session: Session) -> None:
    tool = session.get(Tool, 1)
    session.expire(tool)
    assert tool.name
    session.refresh(tool)


def lazy_load(session: Session) -> None:
    assert session.get(Loan, 1).member.name


FORMS = (load, change, commit, roll_back, savepoints, fail, fail_in_a_savepoint, merge, delete, expire, lazy_load)
MAPPED = (Member, Loan, Shelf, Tool)


def mapped_objects() -> set[tuple[str, int]]:
    """Those alive; a test that failed before this one may have left some."""
    return {(type(o).__name__, id(o)) for o in gc.get_objects() if isinstance(o, MAPPED)}


@pytest.fixture
def stocked(tables: Engine) -> Engine:
    """A database with a row in some tables."""
    with Session(tables) as session:
        session.add_all([Member(name="Ada", loans=[Loan(note="a")]), Tool(name="saw")])
        session.commit()
    return tables


@pytest.mark.parametrize("form", [*FORMS, listen], ids=lambda f: f.__name__)
def test_without_a_circle_nothing_waits_for_the_collector(
    stocked: Engine, no_collector: None, form: Callable[[Session], None]
) -> None:
    """Line 23.12: the session and its objects are freed by reference counting when it is closed and dropped."""
    with Session(stocked) as session:
        form(session)  # what a first time leaves behind for good is there now
    before = mapped_objects()
    session = Session(stocked)
    form(session)
    reference = weakref.ref(session)
    session.close()
    del session
    assert (reference() is None, mapped_objects() - before) == (True, set())


def test_objects_that_are_dropped_while_the_session_is_open_are_freed_by_counting(
    stocked: Engine, no_collector: None
) -> None:
    """Lines 5.7, 23.12: a loop over queries holds no more than it uses."""
    before = mapped_objects()
    with Session(stocked) as session:
        for form in FORMS:
            form(session)
        session.commit()
        assert mapped_objects() - before == set() and len(session.identity_map) == 0


def test_a_thousand_sessions_leave_the_object_count_flat(stocked: Engine) -> None:
    """Line 23.12: whatever they did."""

    def rounds(count: int) -> int:
        for number in range(count):
            with Session(stocked) as session:
                FORMS[number % len(FORMS)](session)
                session.rollback()
        gc.collect()
        return len(gc.get_objects())

    before = rounds(200)
    assert rounds(1000) - before < 200  # one object a round would be a thousand


def test_a_scoped_session_lets_go_of_what_was_removed(stocked: Engine, no_collector: None) -> None:
    """Lines 20.2, 23.12: after remove(), and when its thread ends, by counting alone."""
    scoped = scoped_session(sessionmaker(stocked))
    load(scoped())
    scoped.remove()
    before = mapped_objects()
    references: list[weakref.ref[Session]] = []

    def work() -> None:
        session = scoped()
        for form in (load, change, roll_back, savepoints, fail):
            form(session)
        references.append(weakref.ref(session))

    work()
    scoped.remove()
    assert references[0]() is None and mapped_objects() - before == set()
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert references[1]() is None and mapped_objects() - before == set()


def test_a_session_with_an_extension_and_listeners_is_freed_by_counting(stocked: Engine, no_collector: None) -> None:
    """Lines 3.13, 23.12: hooks and observers are held by the session, and hold it only if they say so."""
    seen: list[str] = []

    class Notes(SessionExtension):
        def before_flush(self, session: Session, context: object, objects: object) -> None:
            seen.append("before_flush")

    extension = Notes()
    with Session(stocked, extension=extension) as session:
        change(session)
    session = Session(stocked, extension=[extension, Notes()])
    event.listen(session, "after_begin", lambda *_: seen.append("after_begin"))
    event.listen(session, "pending_to_persistent", lambda *_: seen.append("pending_to_persistent"))
    stop = session.subscribe(lambda fact: None)
    for form in (change, roll_back, savepoints, fail, delete):
        form(session)
    reference = weakref.ref(session)
    session.close()
    del session
    stop()
    assert reference() is None and {"before_flush", "after_begin", "pending_to_persistent"} <= set(seen)


def one_round(engine: Engine, number: int) -> None:
    """Loads, changes, adds, deletes, fails and rolls back; leaves the rows as they were."""
    with Session(engine) as session:
        ada = session.scalars(select(Member)).one()
        ada.age = number
        assert ada.loans[0].member is ada
        ada.loans.append(Loan(note="new"))
        session.flush()
        with session.begin_nested() as savepoint:
            session.add(Shelf(tools=[Tool(name="saw")]))
            session.delete(ada.loans[-1])
            session.flush()
            savepoint.rollback()
        session.expire(ada)
        session.rollback()
        ada.age = number
        session.commit()


def test_three_hundred_rounds_leave_no_object_behind(tables: Engine) -> None:
    with Session(tables) as session:
        session.add(Member(name="Ada", loans=[Loan(note="a")]))
        session.commit()
    for number in range(30):
        one_round(tables, number)
    gc.collect()
    before = Counter(type(o).__qualname__ for o in gc.get_objects())
    for number in range(300):
        one_round(tables, number)
    gc.collect()
    after = Counter(type(o).__qualname__ for o in gc.get_objects())
    grown = {name: count - before[name] for name, count in after.items() if count - before[name] > 100}
    assert grown == {}
    for cls in (Member, Loan, Shelf, Tool):
        assert after[cls.__qualname__] == before[cls.__qualname__]


def test_one_session_used_for_long_holds_no_more_than_at_first(session: Session) -> None:
    session.add(Member(name="Ada", loans=[Loan(note="a")]))
    session.commit()
    counts = []
    for number in range(200):
        ada = session.query(Member).one()
        ada.age = number
        new = Member(name=f"m{number}")
        session.add(new)
        session.flush()
        session.delete(new)
        session.commit()
        if number in (50, 199):
            del ada, new
            gc.collect()
            counts.append(len(gc.get_objects()))
    assert counts[1] - counts[0] < 100


@pytest.mark.parametrize("end", ["close", "expunge_all", "commit and drop"])
def test_objects_without_a_circle_are_freed_by_counting(tables: Engine, no_collector: None, end: str) -> None:
    """Line 23.12: objects without a circle are freed by counting."""
    session = Session(tables)
    objects = [Tool(name=str(n)) for n in range(5)]
    session.add_all(objects)
    session.flush()
    objects[0].name = "changed"
    session.delete(objects[1])
    session.flush()
    objects[2].name = "not flushed"
    references = [weakref.ref(o) for o in objects]
    if end == "commit and drop":
        session.commit()
    else:
        getattr(session, end)()
    del objects
    assert [r() for r in references] == [None] * 5
    session.close()


def test_a_session_is_freed_with_what_only_it_held(tables: Engine) -> None:
    session = Session(tables)
    session.add(Member(name="pending", loans=[Loan()]))
    kept = Member(name="kept")
    session.add(kept)
    pending = [weakref.ref(o) for o in session.new if o is not kept]
    reference = weakref.ref(session)
    number = session.hash_key
    session.connection()
    session.close()
    del session
    gc.collect()
    assert reference() is None and [r() for r in pending] == [None, None]
    assert number not in core._sessions and inspect(kept).transient


def test_objects_do_not_hold_their_session(tables: Engine, no_collector: None) -> None:
    """Line 1.3: an object knows its session weakly, and never takes another for it."""
    session = Session(tables)
    ada = Member(name="Ada")
    session.add(ada)
    session.commit()
    assert ada.name
    reference, numbers = weakref.ref(session), {session.hash_key}
    session.close()
    session.add(ada)
    session.rollback()
    session.close()
    del session
    gc.enable()
    gc.collect()
    assert reference() is None and inspect(ada).detached and inspect(ada).session is None
    for _ in range(20):
        numbers.add(Session(tables).hash_key)
    assert len(numbers) == 21 and inspect(ada).session is None


def test_a_tree_of_a_closed_session_is_freed(tables: Engine) -> None:
    session = Session(tables)
    root = Node(name="root", children=[Node(name="a", children=[Node(name="b")])])
    session.add(root)
    session.commit()
    assert root.children[0].children[0].parent.name == "a"
    reference = weakref.ref(root)
    session.close()
    del root
    gc.collect()
    assert reference() is None


def test_a_failed_flush_holds_nothing_after_the_rollback(session: Session) -> None:
    bad = Member(name=None)
    session.add(bad)
    reference = weakref.ref(bad)
    with pytest.raises(Exception, match="NOT NULL"):
        session.flush()
    session.rollback()
    del bad
    gc.collect()
    assert reference() is None


def test_the_undo_log_ends_with_its_transaction(session: Session) -> None:
    session.add_all([Tool(name=str(n)) for n in range(5)])
    session.flush()
    with session.begin_nested():
        session.query(Tool).first().name = "x"
    assert len(session.unit_of_work.frame.inserted) == 5
    session.commit()
    assert session.unit_of_work.frame is None


def test_a_loop_over_many_rows_does_not_fill_the_identity_map(session: Session, tables: Engine) -> None:
    """Line 5.7: what nobody holds goes; its entries are purged."""
    count = 2 * PURGE_AT + 10
    session.add_all([Tool(name=str(n)) for n in range(count)])
    session.commit()
    with Session(tables) as fresh:
        for ident in range(1, count + 1):
            assert fresh.get(Tool, ident).name
        entries = len(fresh.identity_map.by_mapper[inspect(Tool)])
        assert len(fresh.identity_map) == 0 and entries <= PURGE_AT + 1


def test_the_collector_is_paused_for_many_and_comes_back(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pause, "PAUSE_ABOVE", 10)
    seen = []
    with pause.collector_paused(10):
        seen.append(gc.isenabled())
    with pytest.raises(ValueError), pause.collector_paused(11):
        raise ValueError
    with pause.collector_paused(9):
        seen.append(gc.isenabled())
    assert seen == [False, True] and gc.isenabled()
    gc.disable()
    with pause.collector_paused(100):
        pass
    assert not gc.isenabled()
    gc.enable()
